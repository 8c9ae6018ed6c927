//! Keys on disk: a folder that is there whole or not at all.
//!
//! | file | holds | whose |
//! |---|---|---|
//! | `secret.key` | the secret key | the owner's alone (mode 0600) |
//! | `public.key` | what encrypts | public |
//! | `evaluation.key` | what computes | public |
//! | `params` | the parameter set | public |
//! | `passphrase.json` | salt and costs, if there is a passphrase | public |
//!
//! Everything is written to a hidden folder beside the target (`.arras-keys-…`), forced to the disk, and renamed at the end.

use std::fs;
use std::io::{Error as IoError, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use arras_ckks::{KeyRequest, KeySet, Params, PublicKey, SecretKey};
use arras_rlwe::wire::{self, KeyFile, Wire};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::fresh::{Fresh, sync_folder};
use crate::keys::{Keys, Owner, Source};
use crate::passphrase::Recipe;

/// The secret key's file.
pub const SECRET: &str = "secret.key";
/// The public key's file.
pub const PUBLIC: &str = "public.key";
/// The evaluation keys' file.
pub const EVALUATION: &str = "evaluation.key";
/// The parameters' file.
pub const PARAMS: &str = "params";
/// The file of the salt and costs behind a passphrase.
pub const RECIPE: &str = "passphrase.json";

/// The most bytes of that file.
pub const RECIPE_BYTES: u64 = 4096;

/// All files of a folder of keys.
pub(crate) const FILES: [&str; 5] = [SECRET, PUBLIC, EVALUATION, PARAMS, RECIPE];

/// Bytes of a frame before the length of its body, before the body, and round it (`arras_rlwe::wire`).
const FRAME: (usize, usize, u64) = (28, 36, 68);

/// A folder of keys. Nothing is read before it is asked for.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The folder at a path, there or not.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether all files of keys are there.
    pub fn is_complete(&self) -> bool {
        [SECRET, PUBLIC, EVALUATION, PARAMS].iter().all(|name| self.path.join(name).is_file())
    }

    /// Whether keys could be written here: nothing is there, or an empty folder, or keys that may be replaced.
    ///
    /// # Errors
    /// `Error::Exists` without `replace`; `Error::NotKeys` for a folder that holds anything else, which would be lost.
    pub fn check_free(&self, replace: bool) -> Result<(), Error> {
        let path = || self.path.clone();
        if Fresh::is_reserved(&self.path) {
            return Err(Error::Reserved { path: path() });
        }
        if !self.path.exists() || fs::read_dir(&self.path).is_ok_and(|mut entries| entries.next().is_none()) {
            return Ok(());
        }
        if !replace {
            return Err(Error::Exists { path: path() });
        }
        let ours = |entry: std::io::Result<fs::DirEntry>| {
            entry.is_ok_and(|entry| FILES.iter().any(|&name| entry.file_name() == name))
        };
        let only_keys = fs::read_dir(&self.path).is_ok_and(|mut entries| entries.all(ours));
        if only_keys && self.path.join(PARAMS).is_file() {
            Ok(())
        } else {
            Err(Error::NotKeys { path: path() })
        }
    }

    /// Writes the keys: the folder appears whole, or an error leaves what was there before.
    ///
    /// # Errors
    /// A folder that is in the way, or a file system that refuses.
    pub fn write(&self, params: &Params, keys: &Keys, replace: bool) -> Result<(), Error> {
        self.make(params, replace, |fresh| {
            let evaluation = wire::to_bytes(params.rlwe(), &keys.evaluation);
            write_new(&fresh.join(EVALUATION), &evaluation, false)?;
            write_others(fresh, params, &keys.secret, &keys.public, keys.recipe.as_ref())
        })
    }

    /// Makes new keys and writes them, each evaluation key as soon as it is made: the folder appears whole, or an error
    /// leaves what was there before.
    ///
    /// `progress` is called with the number of evaluation keys made so far and stops everything by returning `false`. From
    /// the same generator come the same keys as from [`Keys::generate`].
    ///
    /// Cost: that of [`Keys::generate`]; memory for the secret and public keys, one evaluation key, and the bytes of its
    /// half.
    ///
    /// # Errors
    /// Those of [`Keys::generate`] and of [`Folder::write`].
    pub fn generate<R: CryptoRng + ?Sized>(
        &self,
        params: &Params,
        request: &KeyRequest,
        source: Source<'_>,
        rng: &mut R,
        replace: bool,
        progress: impl FnMut(usize) -> bool,
    ) -> Result<(), Error> {
        self.make(params, replace, |fresh| {
            let mut file = create_new(&fresh.join(EVALUATION), false)?;
            // The folder that is being made has no name yet that means something.
            let refused = failed(&self.path, "written");
            let own = Owner::generate(params, request, source, rng, &mut file, refused, progress)?;
            file.sync_all().map_err(failed(&self.path, "written"))?;
            write_others(fresh, params, &own.secret, &own.public, own.recipe.as_ref())
        })
    }

    /// Fills a hidden folder beside the target and moves it there.
    fn make(
        &self,
        params: &Params,
        replace: bool,
        fill: impl FnOnce(&Path) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.check_free(replace)?;
        let mut fresh = Fresh::beside(&self.path)?;
        let (bytes, file) = (wire::spec_to_bytes(params.spec(), params.id()), fresh.params());
        file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(failed(&self.path, "written"))?;
        fill(fresh.path())?;
        fresh.put(&self.path, replace)
    }

    /// The parameters, checked again.
    ///
    /// # Errors
    /// A missing or damaged file, or parameters that are refused.
    pub fn params(&self) -> Result<Params, Error> {
        let path = self.path.join(PARAMS);
        let bytes = read_key(&path)?;
        params_from_bytes(&bytes, &path)
    }

    /// The secret key.
    ///
    /// # Errors
    /// A missing or damaged file, one that others can read, or one of other parameters.
    pub fn secret(&self, params: &Params) -> Result<SecretKey, Error> {
        let path = self.path.join(SECRET);
        check_private(&path)?;
        parse(params, &read_key(&path)?, &path)
    }

    /// The public key.
    ///
    /// # Errors
    /// A missing or damaged file, or one of other parameters.
    pub fn public(&self, params: &Params) -> Result<PublicKey, Error> {
        let path = self.path.join(PUBLIC);
        parse(params, &read_key(&path)?, &path)
    }

    /// The evaluation keys, as whoever computes opens them.
    ///
    /// # Errors
    /// A missing or damaged file, or one of other parameters.
    pub fn evaluation(&self, params: &Params) -> Result<KeySet, Error> {
        let path = self.path.join(EVALUATION);
        evaluation(params, &path).map_err(|error| missing(error, &path))
    }

    /// The salt and costs behind the passphrase, if there is one.
    ///
    /// # Errors
    /// A damaged file.
    pub fn recipe(&self) -> Result<Option<Recipe>, Error> {
        let path = self.path.join(RECIPE);
        if path.is_file() { Recipe::parse(&read_at_most(&path, RECIPE_BYTES)?).map(Some) } else { Ok(None) }
    }
}

/// The parameters in some bytes, checked.
///
/// # Errors
/// Damaged bytes, or parameters that are refused. `path` is only named.
pub fn params_from_bytes(bytes: &[u8], path: &Path) -> Result<Params, Error> {
    let named = || path.to_path_buf();
    let spec = wire::spec_from_bytes(bytes).map_err(|source| Error::Bytes { path: named(), source })?;
    Params::new(&spec).map_err(|source| Error::Params { path: named(), source })
}

/// Opens a file of evaluation keys: its index is read and checked, and each key when it is first needed.
///
/// What is no plain file, as a pipe, is read whole.
///
/// # Errors
/// The file system refuses, or the file is damaged, or of other parameters.
pub fn evaluation(params: &Params, path: &Path) -> Result<KeySet, Error> {
    let bad = |source| Error::Bytes { path: path.to_path_buf(), source };
    let file = fs::File::open(path).map_err(failed(path, "read"))?;
    if file.metadata().map_err(failed(path, "read"))?.is_file() {
        return KeyFile::open(params.rlwe(), file).map(KeySet::lazy).map_err(bad);
    }
    drop(file);
    parse(params, &read(path)?, path)
}

/// Writes a public file whole or not at all; a link is followed, and a device or a pipe is written to as it is.
///
/// # Errors
/// The file system refuses, or a secret key would be overwritten.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    if fs::metadata(path).is_ok_and(|meta| !meta.is_file()) {
        let mut file = fs::OpenOptions::new().write(true).open(path).map_err(failed(path, "written"))?;
        return file.write_all(bytes).and_then(|()| file.flush()).map_err(failed(path, "written"));
    }
    let start = match fs::File::open(path) {
        // What cannot be read may be a secret key.
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(path, "read")(error)),
        Err(_) => Vec::new(),
        Ok(file) => start(&file).map_err(failed(path, "read"))?,
    };
    if is_secret(&start) {
        return Err(Error::Secret { path: path.to_path_buf() });
    }
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let parent = parent(&target);
    let mut file = temporary(".arras-", 0o666).tempfile_in(parent).map_err(failed(path, "written"))?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(failed(path, "written"))?;
    file.persist(&target).map_err(|error| failed(path, "written")(error.error))?;
    sync_folder(parent);
    Ok(())
}

/// Reads a file of keys, parameters or ciphertexts: no more of it than its header promises, and the start of any other file.
///
/// # Errors
/// The file system refuses, or the file is longer than it says.
pub fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    let file = fs::File::open(path).map_err(failed(path, "read"))?;
    let mut bytes = Zeroizing::new(start(&file).map_err(failed(path, "read"))?);
    let length = bytes.get(FRAME.0..FRAME.1).and_then(|field| <[u8; 8]>::try_from(field).ok());
    let (Some(length), true) = (length, bytes.starts_with(&wire::MAGIC)) else { return Ok(bytes) };
    let expected = u64::from_le_bytes(length).saturating_add(FRAME.2);
    let found = file.metadata().map_or(0, |meta| meta.len());
    let rest = expected.min(found.max(bytes.len() as u64)).saturating_sub(bytes.len() as u64);
    // Room for all of it at once: a vector that grows leaves copies of a key behind.
    let reserved = bytes.try_reserve_exact(usize::try_from(rest).unwrap_or(usize::MAX));
    reserved.map_err(|_| failed(path, "read")(ErrorKind::OutOfMemory.into()))?;
    let more = expected.saturating_sub(bytes.len() as u64).saturating_add(1);
    (&file).take(more).read_to_end(&mut bytes).map_err(failed(path, "read"))?;
    let found = found.max(bytes.len() as u64);
    if bytes.len() as u64 > expected {
        let source = wire::Error::Length { found, expected };
        return Err(Error::Bytes { path: path.to_path_buf(), source });
    }
    Ok(bytes)
}

/// Reads any file of at most so many bytes.
///
/// # Errors
/// The file system refuses, or the file is longer.
pub fn read_at_most(path: &Path, most: u64) -> Result<Zeroizing<Vec<u8>>, Error> {
    let file = fs::File::open(path).map_err(failed(path, "read"))?;
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(failed(path, "read"))?;
    if bytes.len() as u64 > most {
        return Err(Error::TooLong { path: path.to_path_buf(), most });
    }
    Ok(bytes)
}

/// Whether these are the first bytes of a secret key.
pub fn is_secret(bytes: &[u8]) -> bool {
    let kind = (wire::Kind::SecretKey as u16).to_le_bytes();
    bytes.starts_with(&wire::MAGIC) && bytes.get(10..12) == Some(&kind[..])
}

/// As much of a file as a header has, if there is so much.
fn start(file: &fs::File) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(FRAME.1 as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads a file of a folder of keys, which says what to do when it is not there.
fn read_key(path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    read(path).map_err(|error| missing(error, path))
}

/// Says of a file of keys that is not there what to do.
fn missing(error: Error, path: &Path) -> Error {
    let gone = matches!(&error, Error::File { source, .. } if source.kind() == ErrorKind::NotFound);
    if gone { Error::Missing { path: path.to_path_buf() } } else { error }
}

fn parse<T: Wire>(params: &Params, bytes: &[u8], path: &Path) -> Result<T, Error> {
    wire::from_bytes(params.rlwe(), bytes).map_err(|source| Error::Bytes { path: path.to_path_buf(), source })
}

pub(crate) fn failed<'a>(path: &'a Path, action: &'static str) -> impl FnOnce(IoError) -> Error + 'a {
    move |source| Error::File { path: path.to_path_buf(), action, source: plain(source) }
}

/// What the system said, without the name of a temporary file.
fn plain(error: IoError) -> IoError {
    if error.get_ref().is_none() || error.kind() == ErrorKind::Other { error } else { error.kind().into() }
}

/// The folder that a path is in.
pub(crate) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The files of a folder of keys besides the parameters and the evaluation keys; the secret is the last.
fn write_others(
    fresh: &Path,
    params: &Params,
    secret: &SecretKey,
    public: &PublicKey,
    recipe: Option<&Recipe>,
) -> Result<(), Error> {
    let rlwe = params.rlwe();
    write_new(&fresh.join(PUBLIC), &wire::to_bytes(rlwe, public), false)?;
    if let Some(recipe) = recipe {
        write_new(&fresh.join(RECIPE), &recipe.to_bytes(), false)?;
    }
    write_new(&fresh.join(SECRET), &Zeroizing::new(wire::to_bytes(rlwe, secret)), true)
}

fn write_new(path: &Path, bytes: &[u8], private: bool) -> Result<(), Error> {
    let mut file = create_new(path, private)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed(path, "written"))
}

pub(crate) fn create_new(path: &Path, private: bool) -> Result<fs::File, Error> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if private {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    #[cfg(not(unix))]
    let _ = private;
    options.open(path).map_err(failed(path, "written"))
}

#[cfg(unix)]
fn check_private(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt as _;
    let exposed = fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0);
    if exposed { Err(Error::Exposed { path: path.to_path_buf() }) } else { Ok(()) }
}

#[cfg(not(unix))]
fn check_private(_: &Path) -> Result<(), Error> {
    Ok(())
}

/// What makes a temporary file or folder with these permissions, less those that the user's mask takes.
pub(crate) fn temporary(prefix: &str, mode: u32) -> tempfile::Builder<'_, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
    #[cfg(not(unix))]
    let _ = mode;
    builder
}

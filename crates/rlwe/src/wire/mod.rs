//! Bytes of every type that leaves a process: one frame, checked before anything is believed.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 8 | magic `ARRAS\0\r\n` |
//! | 8 | 2 | format version, 2 |
//! | 10 | 2 | kind |
//! | 12 | 16 | parameter set |
//! | 28 | 8 | length of the body |
//! | 36 | ... | body |
//! | last 32 | 32 | BLAKE3 of everything before |
//!
//! All integers are little-endian. Residues are packed in as many bits as their prime has, row after row, each row padded
//! to a byte. The hash finds accidents; it is no authentication: who may send a file is for the transport to say.

mod keyfile;
mod keys;
mod read;
mod types;
mod write;

pub use keyfile::KeyFile;
pub(crate) use keys::{KeyWriter, file_size};
pub use read::Reader;
pub use types::{spec_from_bytes, spec_to_bytes};
pub use write::Writer;

use crate::params::{Params, ParamsId};

/// First bytes of every file.
pub const MAGIC: [u8; 8] = *b"ARRAS\0\r\n";
/// The format that this version writes, and the only one it reads.
///
/// 2: evaluation keys have a hash each.
pub const VERSION: u16 = 2;
const HEADER: usize = 36;
const HASH: usize = 32;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
#[non_exhaustive]
pub enum Kind {
    /// A parameter set.
    Spec = 1,
    /// A public key.
    PublicKey = 2,
    /// Evaluation keys.
    KeySet = 3,
    /// A ciphertext.
    Ciphertext = 4,
    /// A ciphertext whose uniform half is a seed.
    SeededCiphertext = 5,
    /// Several ciphertexts with a label.
    Batch = 6,
    /// A secret key, stored by its owner.
    SecretKey = 7,
}

/// Why bytes were refused.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// Not one of our files.
    #[error("this is not an Arras file; give a file that arras wrote")]
    Magic,
    /// Written by another version.
    #[error(
        "the file has format version {found}, this program reads version {expected}: make it again, or use the arras that wrote it"
    )]
    Version {
        /// Its version.
        found: u16,
        /// Ours.
        expected: u16,
    },
    /// Another kind of file.
    #[error("the file holds {found}, not {expected}")]
    Kind {
        /// What it holds.
        found: KindName,
        /// What was wanted.
        expected: KindName,
    },
    /// Made with other parameters.
    #[error(
        "the file belongs to parameter set {found}, not to {expected}; use files made with the same keys and model"
    )]
    ForeignParams {
        /// Its parameter set.
        found: ParamsId,
        /// The one in use.
        expected: ParamsId,
    },
    /// Shorter or longer than it says.
    #[error(
        "the file is {found} bytes long, but should be {expected}: it was cut off or changed; copy or make it again"
    )]
    Length {
        /// Its length.
        found: u64,
        /// What its header promises.
        expected: u64,
    },
    /// The hash does not match.
    #[error("the file is damaged: its checksum does not match; copy or make it again")]
    Checksum,
    /// The system refuses to read.
    #[error("the file cannot be read: {kind}")]
    Unreadable {
        /// What it says.
        kind: std::io::ErrorKind,
    },
    /// A field holds what no writer puts there.
    #[error("the file is malformed: {field} is out of range")]
    Field {
        /// Which field.
        field: &'static str,
    },
    /// Bytes after the last field.
    #[error("the file is malformed: {extra} bytes follow the last field")]
    Trailing {
        /// How many.
        extra: usize,
    },
}

/// A kind as read, known or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindName(pub u16);

impl std::fmt::Display for KindName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let known = [
            (Kind::Spec, "parameters"),
            (Kind::PublicKey, "a public key"),
            (Kind::KeySet, "evaluation keys"),
            (Kind::Ciphertext, "a ciphertext"),
            (Kind::SeededCiphertext, "a fresh ciphertext"),
            (Kind::Batch, "sealed data"),
            (Kind::SecretKey, "a secret key"),
        ];
        match known.iter().find(|(kind, _)| *kind as u16 == self.0) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "something of unknown kind {}", self.0),
        }
    }
}

/// A type with bytes.
pub trait Wire: Sized {
    /// Its kind.
    const KIND: Kind;

    /// Writes the body.
    fn write(&self, params: &Params, out: &mut Writer);

    /// Reads the body, whose sizes follow from the parameters.
    ///
    /// # Errors
    /// Fields that no writer writes.
    fn read(params: &Params, from: &mut Reader<'_>) -> Result<Self, Error>;
}

/// The bytes of a value.
pub fn to_bytes<T: Wire>(params: &Params, value: &T) -> Vec<u8> {
    seal(T::KIND, params.id(), |out| value.write(params, out))
}

/// The value of some bytes. Nothing is allocated beyond the size of the bytes and of the parameters.
///
/// # Errors
/// Bytes that are not exactly what `to_bytes` writes under these parameters.
pub fn from_bytes<T: Wire>(params: &Params, bytes: &[u8]) -> Result<T, Error> {
    let (id, body) = open(T::KIND, bytes)?;
    if id != params.id() {
        return Err(Error::ForeignParams { found: id, expected: params.id() });
    }
    let mut reader = Reader::new(body);
    let value = T::read(params, &mut reader)?;
    reader.finish()?;
    Ok(value)
}

/// A frame round a body.
pub fn seal(kind: Kind, id: ParamsId, body: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut out = header(kind, id, 0);
    body(&mut out);
    let mut bytes = out.into_bytes();
    let length = (bytes.len() - HEADER) as u64;
    bytes[HEADER - 8..HEADER].copy_from_slice(&length.to_le_bytes());
    let hash = hash(&bytes);
    bytes.extend_from_slice(&hash);
    bytes
}

/// The header of a frame round a body of so many bytes.
fn header(kind: Kind, id: ParamsId, body: u64) -> Writer {
    let mut out = Writer::default();
    out.bytes(&MAGIC);
    out.bytes(&VERSION.to_le_bytes());
    out.bytes(&(kind as u16).to_le_bytes());
    out.bytes(&id.0);
    out.u64(body);
    out
}

/// The parameter set and body of a frame whose kind, length and hash are right.
///
/// # Errors
/// Anything else.
pub fn open(kind: Kind, bytes: &[u8]) -> Result<(ParamsId, &[u8]), Error> {
    let id = read_header(kind, bytes, bytes.len() as u64)?;
    let (content, sum) = bytes.split_at(bytes.len() - HASH);
    if hash(content) != sum {
        return Err(Error::Checksum);
    }
    Ok((id, &content[HEADER..]))
}

/// The parameter set of a frame of so many bytes that begins with these.
fn read_header(kind: Kind, bytes: &[u8], length: u64) -> Result<ParamsId, Error> {
    let mut header = Reader::new(bytes);
    if header.array::<8>().map_err(|_| Error::Magic)? != MAGIC {
        return Err(Error::Magic);
    }
    let short = |_| Error::Length { found: length, expected: (HEADER + HASH) as u64 };
    let version = u16::from_le_bytes(header.array().map_err(short)?);
    if version != VERSION {
        return Err(Error::Version { found: version, expected: VERSION });
    }
    let found = u16::from_le_bytes(header.array().map_err(short)?);
    if found != kind as u16 {
        return Err(Error::Kind { found: KindName(found), expected: KindName(kind as u16) });
    }
    let id = ParamsId(header.array().map_err(short)?);
    let expected = header.u64().map_err(short)?.saturating_add((HEADER + HASH) as u64);
    if length == expected { Ok(id) } else { Err(Error::Length { found: length, expected }) }
}

fn hash(bytes: &[u8]) -> [u8; HASH] {
    *blake3::hash(bytes).as_bytes()
}

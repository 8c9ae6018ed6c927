//! Files of evaluation keys that are read one key at a time.

use std::io::{Error as IoError, Read, Seek, SeekFrom};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::keys::{self, INDEX};
use super::{Error, HASH, HEADER, Kind, Reader};
use crate::params::Params;
use crate::request::{KeyRequest, Purpose};
use crate::switchkey::SwitchKey;

/// What a file of keys is read from.
trait Source: Read + Seek + Send {}
impl<T: Read + Seek + Send> Source for T {}

/// A file of evaluation keys of which the index was read and checked, and no key yet.
pub struct KeyFile {
    params: Params,
    request: KeyRequest,
    /// Of each key: where it begins, its bytes, and their hash.
    places: Vec<(u64, u64, [u8; HASH])>,
    source: Mutex<Box<dyn Source>>,
}

/// A file of keys while one thread reads it.
pub(crate) struct Reading<'a> {
    file: &'a KeyFile,
    source: MutexGuard<'a, Box<dyn Source>>,
}

impl KeyFile {
    /// Opens the bytes of a `KeySet` and reads their header, index and hashes, which are checked against each other.
    ///
    /// Each key is checked against its hash when it is read; the hash of the whole file is not needed then.
    ///
    /// Cost: 37 bytes read for each key.
    ///
    /// # Errors
    /// A file that cannot be read, that is none of evaluation keys under these parameters, or that was cut off or changed.
    pub fn open(params: &Params, mut source: impl Read + Seek + Send + 'static) -> Result<Self, Error> {
        let found = source.seek(SeekFrom::End(0)).map_err(unreadable)?;
        let header = read_at(&mut source, 0, found.min(HEADER as u64))?;
        let id = super::read_header(Kind::KeySet, &header, found)?;
        if id != params.id() {
            return Err(Error::ForeignParams { found: id, expected: params.id() });
        }
        let body = found - (HEADER + HASH) as u64;
        let start = HEADER as u64;
        let count = Reader::new(&read_at(&mut source, start, body.min(INDEX.0 as u64))?).u32()?;
        let index = INDEX.0 as u64 + u64::from(count) * INDEX.1 as u64;
        let index = read_at(&mut source, start, body.min(index))?;
        let request = keys::read_index(params, &mut Reader::new(&index))?;
        let expected = keys::file_size(params, &request);
        if found != expected {
            return Err(Error::Length { found, expected });
        }
        let sums = HASH * (request.iter().len() + 1);
        let sums = read_at(&mut source, found - (sums + HASH) as u64, sums as u64)?;
        let (sums, _) = sums.as_chunks::<HASH>();
        if let Some((root, hashes)) = sums.split_last()
            && *root != keys::root(params, &request, hashes)
        {
            return Err(Error::Checksum);
        }
        let mut at = start + index.len() as u64;
        let places = request.iter().zip(sums).map(|((purpose, level), &sum)| {
            let place = (at, keys::key_size(params, purpose, level), sum);
            at += place.1;
            place
        });
        let places = places.collect();
        Ok(Self { params: params.clone(), request, places, source: Mutex::new(Box::new(source)) })
    }

    /// The parameters.
    pub(crate) fn params(&self) -> &Params {
        &self.params
    }

    /// The keys in it.
    pub fn request(&self) -> &KeyRequest {
        &self.request
    }

    /// Waits for other threads that read.
    pub(crate) fn lock(&self) -> Reading<'_> {
        // A reader that panicked leaves a position, and every reading begins with one of its own.
        Reading { file: self, source: self.source.lock().unwrap_or_else(PoisonError::into_inner) }
    }
}

impl Reading<'_> {
    /// Reads, checks and expands the key for a purpose that the file has.
    pub(crate) fn read(&mut self, by: Purpose) -> Result<SwitchKey, Error> {
        let mut all = self.file.request.iter().zip(&self.file.places);
        let found = all.find(|((purpose, _), _)| *purpose == by);
        let ((purpose, level), &(at, size, sum)) = found.ok_or(Error::Field { field: "a rotation" })?;
        let bytes = read_at(&mut *self.source, at, size)?;
        if super::hash(&bytes) != sum {
            return Err(Error::Checksum);
        }
        keys::read_key(&self.file.params, purpose, level, &bytes)
    }
}

impl std::fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyFile").field("request", &self.request).finish_non_exhaustive()
    }
}

/// So many bytes from a place on, which the file was seen to have.
fn read_at(mut source: impl Read + Seek, at: u64, count: u64) -> Result<Vec<u8>, Error> {
    source.seek(SeekFrom::Start(at)).map_err(unreadable)?;
    let mut bytes = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
    source.take(count).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 == count {
        Ok(bytes)
    } else {
        Err(Error::Length { found: at + bytes.len() as u64, expected: at + count })
    }
}

fn unreadable(error: IoError) -> Error {
    Error::Unreadable { kind: error.kind() }
}

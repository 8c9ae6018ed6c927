//! Evaluation keys: one after another in a frame whose length follows from the purposes and levels, so that a file can be
//! written as its keys are made, and read one key at a time.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | the number of keys, n |
//! | 5 n | the purpose and the level of each, in order |
//! | ... | of each key: the seed of its uniform halves (32), and the packed rows of the others |
//! | 32 n | BLAKE3 of each key |
//! | 32 | BLAKE3 of the parameter set, the purposes and levels, and the hashes of the keys |

use std::collections::BTreeMap;
use std::io::{Error as IoError, Write};

use arras_ring::Seed;

use super::read::packed_size;
use super::{Error, HASH, HEADER, Kind, Reader, Wire, Writer};
use crate::keyset::KeySet;
use crate::level::Level;
use crate::params::Params;
use crate::request::{KeyRequest, Purpose};
use crate::switchkey::SwitchKey;

/// Bytes of the number of keys, and of a purpose with its level.
pub(super) const INDEX: (usize, usize) = (4, 5);
/// Bytes of a seed.
const SEED: u64 = 32;

/// Bytes of the file of some keys; the keys of a request must have been checked.
pub(crate) fn file_size(params: &Params, request: &KeyRequest) -> u64 {
    (HEADER + HASH) as u64 + body_size(params, request)
}

fn body_size(params: &Params, request: &KeyRequest) -> u64 {
    let keys: u64 = request.iter().map(|(purpose, level)| key_size(params, purpose, level)).sum();
    let count = request.iter().len();
    (INDEX.0 + INDEX.1 * count + HASH * (count + 1)) as u64 + keys
}

pub(super) fn key_size(params: &Params, purpose: Purpose, level: Level) -> u64 {
    let (basis, digits) = SwitchKey::shape(params, purpose, level);
    SEED + (digits * packed_size(params.ring(), basis)) as u64
}

fn write_index(request: &KeyRequest, out: &mut Writer) {
    out.u32(request.iter().len() as u32);
    for (purpose, level) in request.iter() {
        write_purpose(purpose, out);
        out.u8(level.0);
    }
}

pub(super) fn read_index(params: &Params, from: &mut Reader<'_>) -> Result<KeyRequest, Error> {
    let count = from.u32()? as usize;
    let mut request = KeyRequest::new();
    let mut last = None;
    for _ in 0..count {
        let purpose = read_purpose(params, from)?;
        // One order, so that a set has one encoding.
        if last.is_some_and(|last| last >= purpose) {
            return Err(Error::Field { field: "the order of keys" });
        }
        last = Some(purpose);
        let level = Level(from.u8()?);
        if level > SwitchKey::highest(params, purpose) {
            return Err(Error::Field { field: "a level" });
        }
        request = request.with(purpose, level);
    }
    Ok(request)
}

fn write_key(params: &Params, key: &SwitchKey, out: &mut Writer) {
    out.bytes(&key.seed.0);
    key.bodies().for_each(|(i, row)| {
        out.row(params.ring().modulus(key.basis(), i), (0..row.len()).map(|word| row.get(word)));
    });
}

/// The key of bytes whose number is right.
pub(super) fn read_key(
    params: &Params,
    purpose: Purpose,
    level: Level,
    bytes: &[u8],
) -> Result<SwitchKey, Error> {
    let mut from = Reader::new(bytes);
    let seed = Seed(from.array()?);
    let (basis, _) = SwitchKey::shape(params, purpose, level);
    let key = SwitchKey::assemble(params, purpose, level, seed, |j| {
        let body = from.poly(params.ring(), basis)?;
        Ok([body, SwitchKey::mask(params, &seed, j, basis)])
    })?;
    from.finish().map(|()| key)
}

/// The hash that binds the keys of a set together.
pub(super) fn root(params: &Params, request: &KeyRequest, hashes: &[[u8; HASH]]) -> [u8; HASH] {
    let mut index = Writer::default();
    index.bytes(&params.id().0);
    write_index(request, &mut index);
    let mut hasher = blake3::Hasher::new();
    hasher.update(&index.into_bytes());
    hasher.update(hashes.as_flattened());
    *hasher.finalize().as_bytes()
}

impl Wire for KeySet {
    const KIND: Kind = Kind::KeySet;

    /// Of a set whose file gives a key no more, the keys before it: less than the frame's index says, which nobody reads.
    fn write(&self, params: &Params, out: &mut Writer) {
        let request = self.request();
        write_index(&request, out);
        let mut hashes = Vec::new();
        for key in self.iter() {
            let start = out.len();
            write_key(params, key, out);
            hashes.push(super::hash(out.since(start)));
        }
        hashes.iter().for_each(|hash| out.bytes(hash));
        out.bytes(&root(params, &request, &hashes));
    }

    fn read(params: &Params, from: &mut Reader<'_>) -> Result<Self, Error> {
        let whole = from.left();
        let request = read_index(params, from)?;
        // Keys are lent their memory whole: not before their bytes are known to be there.
        if body_size(params, &request) != whole as u64 {
            return Err(Error::Field { field: "the length of the keys" });
        }
        let mut keys = BTreeMap::new();
        let mut hashes = Vec::new();
        for (purpose, level) in request.iter() {
            let bytes = from.bytes(key_size(params, purpose, level) as usize)?;
            hashes.push(super::hash(bytes));
            keys.insert(purpose, read_key(params, purpose, level, bytes)?);
        }
        for hash in &hashes {
            if from.array()? != *hash {
                return Err(Error::Checksum);
            }
        }
        if from.array()? != root(params, &request, &hashes) {
            return Err(Error::Checksum);
        }
        Ok(Self::of(params, keys))
    }
}

/// Writes the file of a set of keys, one key after another.
pub(crate) struct KeyWriter<'a, W> {
    params: &'a Params,
    request: &'a KeyRequest,
    out: W,
    frame: blake3::Hasher,
    hashes: Vec<[u8; HASH]>,
}

impl<'a, W: Write> KeyWriter<'a, W> {
    /// Starts with the header and the index.
    pub(crate) fn new(params: &'a Params, request: &'a KeyRequest, out: W) -> Result<Self, IoError> {
        let mut start = super::header(Kind::KeySet, params.id(), body_size(params, request));
        write_index(request, &mut start);
        let mut writer = Self { params, request, out, frame: blake3::Hasher::new(), hashes: Vec::new() };
        writer.put(&start.into_bytes()).map(|()| writer)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), IoError> {
        self.frame.update(bytes);
        self.out.write_all(bytes)
    }

    /// The next key of the request.
    pub(crate) fn push(&mut self, key: &SwitchKey) -> Result<(), IoError> {
        let mut bytes = Writer::default();
        write_key(self.params, key, &mut bytes);
        let bytes = bytes.into_bytes();
        self.hashes.push(super::hash(&bytes));
        self.put(&bytes)
    }

    /// Ends with the hashes.
    pub(crate) fn finish(mut self) -> Result<(), IoError> {
        let hashes = std::mem::take(&mut self.hashes);
        self.put(hashes.as_flattened())?;
        self.put(&root(self.params, self.request, &hashes))?;
        let sum = self.frame.finalize();
        self.out.write_all(sum.as_bytes())?;
        self.out.flush()
    }
}

/// Numbers of the keys around a raise: no rotation is so large.
const TO_SPARSE: u32 = u32::MAX - 1;
const TO_DENSE: u32 = u32::MAX - 2;

fn write_purpose(purpose: Purpose, out: &mut Writer) {
    match purpose {
        Purpose::Relinearise => out.u32(0),
        Purpose::Conjugate => out.u32(u32::MAX),
        Purpose::ToSparse => out.u32(TO_SPARSE),
        Purpose::ToDense => out.u32(TO_DENSE),
        Purpose::Rotate(by) => out.u32(by),
    }
}

fn read_purpose(params: &Params, from: &mut Reader<'_>) -> Result<Purpose, Error> {
    match from.u32()? {
        0 => Ok(Purpose::Relinearise),
        u32::MAX => Ok(Purpose::Conjugate),
        TO_SPARSE if params.spec().refresh.is_some() => Ok(Purpose::ToSparse),
        TO_DENSE if params.spec().refresh.is_some() => Ok(Purpose::ToDense),
        by if (by as usize) < params.degree() / 2 => Ok(Purpose::Rotate(by)),
        _ => Err(Error::Field { field: "a rotation" }),
    }
}

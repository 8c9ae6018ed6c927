//! The bodies of this crate's types.

use std::collections::BTreeMap;

use arras_ring::Seed;
use zeroize::Zeroizing;

use super::read::packed_size;
use super::{Error, Kind, Reader, Wire, Writer};
use crate::cipher::{Ciphertext, SeededCiphertext};
use crate::encrypt::PublicKey;
use crate::level::Level;
use crate::params::{Params, ParamsId};
use crate::request::Purpose;
use crate::secret::SecretKey;
use crate::spec::Spec;
use crate::switchkey::{KeySet, SwitchKey};

/// The bytes of a parameter set, so that keys and data can travel with their parameters.
pub fn spec_to_bytes(spec: &Spec, id: ParamsId) -> Vec<u8> {
    // A specification is plain numbers and lists: it always serialises.
    let mut body = postcard::to_stdvec(spec).unwrap_or_default();
    // The last field is optional: absent, it takes no byte, as in files older than it.
    if spec.refresh.is_none() {
        body.pop();
    }
    super::seal(Kind::Spec, id, |out| out.bytes(&body))
}

/// The parameter set of some bytes, whole and rightly named but not yet judged: `Params::new` does that.
///
/// # Errors
/// Bytes that `spec_to_bytes` does not write.
pub fn spec_from_bytes(bytes: &[u8]) -> Result<Spec, Error> {
    let (id, body) = super::open(Kind::Spec, bytes)?;
    if body.len() > MAX_SPEC {
        return Err(Error::Field { field: "the number of parameters" });
    }
    let malformed = |_| Error::Field { field: "a parameter" };
    // A zero more stands for an optional last field that is absent; what follows the last field is refused below.
    let spec: Spec = postcard::from_bytes(&[body, &[0]].concat()).map_err(malformed)?;
    let expected = ParamsId::of(&spec);
    if id != expected {
        return Err(Error::ForeignParams { found: id, expected });
    }
    // Postcard reads over-long numbers and ignores what follows the last field: one set has one encoding.
    if spec_to_bytes(&spec, id) != bytes {
        return Err(Error::Field { field: "the encoding of a parameter" });
    }
    Ok(spec)
}

/// Bytes of the longest specification: several times those of 200 levels of two primes.
const MAX_SPEC: usize = 1 << 14;

fn write_level(level: Level, out: &mut Writer) {
    out.u8(level.0);
}

fn read_level(params: &Params, from: &mut Reader<'_>) -> Result<Level, Error> {
    let level = Level(from.u8()?);
    if level > params.highest() { Err(Error::Field { field: "a level" }) } else { Ok(level) }
}

impl Wire for Ciphertext {
    const KIND: Kind = Kind::Ciphertext;

    fn write(&self, params: &Params, out: &mut Writer) {
        write_level(self.level, out);
        self.parts.iter().for_each(|part| out.poly(params.ring(), part));
    }

    fn read(params: &Params, from: &mut Reader<'_>) -> Result<Self, Error> {
        let level = read_level(params, from)?;
        let basis = params.basis(level);
        let parts = [from.poly(params.ring(), basis)?, from.poly(params.ring(), basis)?];
        Ok(Self { parts, level, id: params.id() })
    }
}

impl Wire for SeededCiphertext {
    const KIND: Kind = Kind::SeededCiphertext;

    fn write(&self, params: &Params, out: &mut Writer) {
        write_level(self.level, out);
        out.bytes(&self.seed.0);
        out.poly(params.ring(), &self.body);
    }

    fn read(params: &Params, from: &mut Reader<'_>) -> Result<Self, Error> {
        let level = read_level(params, from)?;
        let seed = Seed(from.array()?);
        let body = from.poly(params.ring(), params.basis(level))?;
        Ok(Self { body, seed, level, id: params.id() })
    }
}

impl Wire for PublicKey {
    const KIND: Kind = Kind::PublicKey;

    fn write(&self, params: &Params, out: &mut Writer) {
        out.bytes(&self.seed.0);
        out.poly(params.ring(), &self.body);
    }

    fn read(params: &Params, from: &mut Reader<'_>) -> Result<Self, Error> {
        let seed = Seed(from.array()?);
        let basis = params.basis(params.highest());
        let body = from.poly(params.ring(), basis)?;
        Ok(Self { body, mask: params.ring().uniform(&seed, basis), seed, id: params.id() })
    }
}

impl Wire for KeySet {
    const KIND: Kind = Kind::KeySet;

    fn write(&self, params: &Params, out: &mut Writer) {
        out.u32(self.keys.len() as u32);
        for (&purpose, key) in &self.keys {
            write_purpose(purpose, out);
            write_level(key.level, out);
            out.bytes(&key.seed.0);
            key.bodies().for_each(|(i, row)| out.row(params.ring().modulus(key.basis(), i), row));
        }
    }

    fn read(params: &Params, from: &mut Reader<'_>) -> Result<Self, Error> {
        let count = from.u32()?;
        let mut keys = BTreeMap::new();
        for _ in 0..count {
            let purpose = read_purpose(params, from)?;
            // One order, so that a set has one encoding.
            if keys.last_key_value().is_some_and(|(last, _)| *last >= purpose) {
                return Err(Error::Field { field: "the order of keys" });
            }
            keys.insert(purpose, read_key(params, purpose, from)?);
        }
        Ok(Self { id: params.id(), keys })
    }
}

fn read_key(params: &Params, purpose: Purpose, from: &mut Reader<'_>) -> Result<SwitchKey, Error> {
    let level = Level(from.u8()?);
    if level > SwitchKey::highest(params, purpose) {
        return Err(Error::Field { field: "a level" });
    }
    let seed = Seed(from.array()?);
    let (basis, digits) = SwitchKey::shape(params, purpose, level);
    // A key is lent its memory whole: not before its bytes are known to be there.
    if from.left() / packed_size(params.ring(), basis) < digits {
        return Err(Error::Field { field: "the length of a key" });
    }
    SwitchKey::assemble(params, purpose, level, seed, |j| {
        let body = from.poly(params.ring(), basis)?;
        Ok([body, SwitchKey::mask(params, &seed, j, basis)])
    })
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

impl Wire for SecretKey {
    const KIND: Kind = Kind::SecretKey;

    fn write(&self, _: &Params, out: &mut Writer) {
        out.bytes(&self.export_secret());
    }

    fn read(params: &Params, from: &mut Reader<'_>) -> Result<Self, Error> {
        let bytes = Zeroizing::new(from.bytes(params.degree().div_ceil(4))?.to_vec());
        SecretKey::import_secret(params, &bytes)
            .ok_or(Error::Field { field: "a coefficient of the secret key" })
    }
}

//! The bodies of this crate's types.

use arras_ring::Seed;
use zeroize::Zeroizing;

use super::{Error, Kind, Reader, Wire, Writer};
use crate::cipher::{Ciphertext, SeededCiphertext};
use crate::encrypt::PublicKey;
use crate::level::Level;
use crate::params::{Params, ParamsId};
use crate::secret::SecretKey;
use crate::spec::Spec;

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

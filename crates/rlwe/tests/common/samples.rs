//! One value of each kind as bytes, and how it is read.

use arras_rlwe::wire::{Error, Kind, Wire, from_bytes, open, spec_from_bytes, spec_to_bytes, to_bytes};
use arras_rlwe::{Ciphertext, KeySet, Level, Params, PublicKey, SecretKey, SeededCiphertext};
use arras_testkit::rng;

use super::{Setup, setup};

/// Bytes of a frame round a body: header and hash.
pub const HEADER: usize = 36;
pub const HASH: usize = 32;

pub struct Sample {
    pub kind: Kind,
    pub bytes: Vec<u8>,
    /// Reads, and writes again what was read.
    pub read: fn(&Params, &[u8]) -> Result<Vec<u8>, Error>,
}

fn reread<T: Wire>(params: &Params, bytes: &[u8]) -> Result<Vec<u8>, Error> {
    from_bytes::<T>(params, bytes).map(|value| to_bytes(params, &value))
}

pub fn samples(log_degree: u32) -> (Params, Vec<Sample>) {
    let Setup { params, secret, keys } = setup(log_degree, &[1, 1, 1], 2);
    let message = params.ring().zero(params.basis(Level(1)));
    let seeded = || secret.encrypt_seeded(&params, &message, Level(1), &mut rng(4)).unwrap();
    let public = secret.public_key(&params, &mut rng(5)).unwrap();
    let sample = |kind, bytes, read| Sample { kind, bytes, read };
    let all = vec![
        sample(Kind::SeededCiphertext, to_bytes(&params, &seeded()), reread::<SeededCiphertext>),
        sample(Kind::Ciphertext, to_bytes(&params, &seeded().expand(&params)), reread::<Ciphertext>),
        sample(Kind::PublicKey, to_bytes(&params, &public), reread::<PublicKey>),
        sample(Kind::KeySet, to_bytes(&params, &keys), reread::<KeySet>),
        sample(Kind::SecretKey, to_bytes(&params, &secret), reread::<SecretKey>),
        sample(Kind::Spec, spec_to_bytes(params.spec(), params.id()), |_, bytes| {
            spec_from_bytes(bytes).map(|spec| spec_to_bytes(&spec, open(Kind::Spec, bytes).unwrap().0))
        }),
    ];
    (params, all)
}

pub fn body(bytes: &[u8]) -> &[u8] {
    &bytes[HEADER..bytes.len() - HASH]
}

//! Vectors to ciphertexts, under either key.

use arras_ckks::wire::Items;
use arras_ckks::{Level, Params, Plain, PublicKey, SecretKey};
use rand_core::CryptoRng;

use crate::error::Error;

/// What encrypts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Key<'a> {
    /// Half the bytes and less noise.
    Secret(&'a SecretKey),
    /// Anyone's.
    Public(&'a PublicKey),
}

impl Key<'_> {
    /// Bytes of one ciphertext at a level.
    pub fn bytes(self, params: &Params, level: Level) -> u64 {
        let halves = match self {
            Key::Secret(_) => 1,
            Key::Public(_) => 2,
        };
        (halves * params.basis(level).rows() * params.degree() * size_of::<u64>()) as u64
    }
}

/// Each vector at a level.
pub(crate) fn encrypt<R: CryptoRng + ?Sized>(
    params: &Params,
    key: Key<'_>,
    vectors: &[Vec<f64>],
    slots: usize,
    level: Level,
    rng: &mut R,
) -> Result<Items, Error> {
    encrypt_encoded(params, key, vectors.iter().map(|values| params.encode_at(values, slots, level)), rng)
}

/// Each encoded vector.
pub(crate) fn encrypt_encoded<R: CryptoRng + ?Sized>(
    params: &Params,
    key: Key<'_>,
    encoded: impl Iterator<Item = Result<Plain, arras_ckks::Error>>,
    rng: &mut R,
) -> Result<Items, Error> {
    Ok(match key {
        Key::Secret(key) => {
            Items::Seeded(encoded.map(|plain| params.encrypt(&plain?, key, rng)).collect::<Result<_, _>>()?)
        }
        Key::Public(key) => {
            let encrypt = |plain: Result<_, _>| params.encrypt_public(&plain?, key, rng);
            Items::Whole(encoded.map(encrypt).collect::<Result<_, _>>()?)
        }
    })
}

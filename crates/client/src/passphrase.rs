//! Secret keys from a passphrase, by Argon2id (RFC 9106).
//!
//! The salt and the costs are public and stored beside the keys as a [`Recipe`]: passphrase and recipe give the same secret
//! key again, under the same parameters. Under others they give an unrelated key, so that a small ring that falls takes no
//! coefficient of a larger one with it. Nothing but the secret key comes from the passphrase; masks and errors are always fresh.

use argon2::{Algorithm, Argon2, AssociatedData, Block, ParamsBuilder, Version};
use arras_rlwe::ParamsId;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::Error;

/// The shortest passphrase accepted, in bytes.
pub const SHORTEST: usize = 8;

/// The most memory that a recipe may ask for, in KiB: a recipe is a file, and files may lie.
const MOST_MEMORY: u32 = 4 << 20;

/// How a passphrase becomes a key: public, different for every key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Always `argon2id`.
    pub algorithm: Name,
    /// Memory in KiB, at least 65536.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes.
    pub lanes: u32,
    /// Random salt, at least 16 bytes; hexadecimal in the file.
    #[serde(with = "hexadecimal")]
    pub salt: Vec<u8>,
}

/// The one algorithm there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Name {
    /// Argon2id, version 0x13.
    Argon2id,
}

impl Recipe {
    /// A new salt, and costs above the second recommendation of RFC 9106: 128 MiB, 3 passes, 4 lanes.
    pub fn new<R: Rng + ?Sized>(rng: &mut R) -> Self {
        let mut salt = vec![0; 32];
        rng.fill_bytes(&mut salt);
        Self { algorithm: Name::Argon2id, memory_kib: 128 << 10, iterations: 3, lanes: 4, salt }
    }

    /// Reads a recipe from its file's bytes.
    ///
    /// # Errors
    /// Bytes that hold no recipe, or costs and salts too small to be safe or too large to run.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let recipe: Self = serde_json::from_slice(bytes).map_err(|_| Error::Recipe)?;
        let memory = (64 << 10..=MOST_MEMORY).contains(&recipe.memory_kib);
        let rest = (1..=1000).contains(&recipe.iterations) && (1..=64).contains(&recipe.lanes);
        let salt = (16..=256).contains(&recipe.salt.len());
        if memory && rest && salt { Ok(recipe) } else { Err(Error::Recipe) }
    }

    /// The bytes of its file.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Numbers and a list of bytes always serialise.
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }

    /// The generator from which the secret key of a parameter set is drawn, and nothing else.
    ///
    /// # Errors
    /// A passphrase that is too short, or costs that Argon2 refuses.
    pub(crate) fn generator(&self, passphrase: &[u8], id: ParamsId) -> Result<ChaCha20Rng, Error> {
        if passphrase.len() < SHORTEST {
            return Err(Error::ShortPassphrase { least: SHORTEST });
        }
        let failed = |_| Error::Recipe;
        let costs = ParamsBuilder::new()
            .m_cost(self.memory_kib)
            .t_cost(self.iterations)
            .p_cost(self.lanes)
            .output_len(32)
            .data(AssociatedData::new(&id.0).map_err(failed)?)
            .build()
            .map_err(failed)?;
        let mut seed = Zeroizing::new([0; 32]);
        // The last blocks give the seed without the passphrase: they are ours, so that they are wiped.
        let mut blocks = Vec::new();
        blocks.try_reserve_exact(costs.block_count()).map_err(|_| Error::Recipe)?;
        blocks.resize(costs.block_count(), Block::default());
        let mut blocks = Zeroizing::new(blocks);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, costs)
            .hash_password_into_with_memory(passphrase, &self.salt, seed.as_mut(), blocks.as_mut_slice())
            .map_err(failed)?;
        Ok(ChaCha20Rng::from_seed(*seed))
    }
}

/// Bytes as a string of two digits each.
mod hexadecimal {
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    pub fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        let pairs = text.as_bytes().chunks(2).map(|pair| {
            let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
            u8::from_str_radix(pair, 16).ok()
        });
        pairs.collect::<Option<_>>().ok_or(Error::custom("not hexadecimal"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(salt: u8) -> Recipe {
        Recipe {
            algorithm: Name::Argon2id,
            memory_kib: 64 << 10,
            iterations: 1,
            lanes: 1,
            salt: vec![salt; 16],
        }
    }

    #[test]
    fn passphrase_salt_and_parameters_decide_the_key() {
        let draw =
            |salt, words: &[u8], id| recipe(salt).generator(words, ParamsId([id; 16])).unwrap().next_u64();
        let key = draw(1, b"correct horse", 1);
        assert_eq!(key, draw(1, b"correct horse", 1));
        assert_ne!(key, draw(2, b"correct horse", 1));
        assert_ne!(key, draw(1, b"correct horsf", 1));
        assert_ne!(key, draw(1, b"correct horse", 2));
        let short = recipe(1).generator(b"short", ParamsId([1; 16]));
        assert!(matches!(short, Err(Error::ShortPassphrase { .. })));
    }

    #[test]
    fn weak_and_huge_recipes_are_refused() {
        let good = recipe(1);
        assert_eq!(Recipe::parse(&good.to_bytes()).unwrap(), good);
        for bad in [
            Recipe { memory_kib: 1024, ..good.clone() },
            Recipe { memory_kib: u32::MAX, ..good.clone() },
            Recipe { salt: vec![0; 8], ..good.clone() },
            Recipe { iterations: 0, ..good.clone() },
        ] {
            assert!(matches!(Recipe::parse(&bad.to_bytes()), Err(Error::Recipe)));
        }
        assert!(matches!(Recipe::parse(b"{}"), Err(Error::Recipe)));
    }
}

//! Public random polynomials from a seed, and the generator behind every sampler.

use rand_chacha::ChaCha20Rng;
use rand_core::{CryptoRng, Rng, SeedableRng};
use zeroize::Zeroize;

use crate::modulus::Modulus;

/// 32 bytes from which a stream of uniform residues is made. Whether a seed is secret is its owner's affair.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Seed(pub [u8; 32]);

impl Seed {
    /// A fresh seed.
    pub fn random<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// The seed of a named part of a whole: hashed, so that parts are independent.
    pub fn derive(&self, label: &[u8]) -> Self {
        Self(*blake3::keyed_hash(&self.0, label).as_bytes())
    }

    /// A generator for one of 2^64 independent streams of this seed (ChaCha20, Bernstein 2008).
    pub fn stream(&self, id: u64) -> ChaCha20Rng {
        let mut rng = ChaCha20Rng::from_seed(self.0);
        rng.set_stream(id);
        rng
    }

    /// Fills a row with uniform residues: stream `id`, words masked to the bits of q, those not below q rejected.
    pub fn uniform(&self, id: u64, modulus: &Modulus, row: &mut [u64]) {
        const BATCH: usize = 512;
        let q = modulus.value();
        let mask = u64::MAX >> q.leading_zeros();
        let mut rng = self.stream(id);
        let mut bytes = [0u8; 8 * BATCH];
        let mut filled = 0;
        while filled < row.len() {
            rng.fill_bytes(&mut bytes);
            for chunk in bytes.as_chunks::<8>().0 {
                let word = u64::from_le_bytes(*chunk) & mask;
                // Written always, kept only if below q: no branch to mispredict.
                if let Some(slot) = row.get_mut(filled) {
                    *slot = word;
                    filled += usize::from(word < q);
                }
            }
        }
    }
}

impl Zeroize for Seed {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed(..)")
    }
}

//! Ciphertexts of any ring-LWE scheme.

use arras_ring::{Eval, Poly, Ring, Seed};

use crate::level::Level;
use crate::params::{Params, ParamsId};

/// (c0, c1) with c0 + c1 s = message + noise modulo the Q of its level.
#[derive(Debug)]
pub struct Ciphertext {
    /// c0 and c1 at the roots.
    pub parts: [Poly<Eval>; 2],
    /// Its level.
    pub level: Level,
    /// Its parameter set.
    pub id: ParamsId,
}

/// A symmetric encryption whose c1 is a seed: half the bytes.
#[derive(Debug)]
pub struct SeededCiphertext {
    /// c0 at the roots.
    pub body: Poly<Eval>,
    /// Where c1 comes from.
    pub seed: Seed,
    /// Its level.
    pub level: Level,
    /// Its parameter set.
    pub id: ParamsId,
}

impl Ciphertext {
    /// A copy at the same or a lower level: the same message modulo a smaller Q. The copy drops limbs and nothing else.
    pub fn copy(&self, ring: &Ring, params: &Params, level: Level) -> Self {
        let level = level.min(self.level);
        let basis = params.basis(level);
        Self {
            parts: [ring.copy(&self.parts[0], basis), ring.copy(&self.parts[1], basis)],
            level,
            id: self.id,
        }
    }
}

impl SeededCiphertext {
    /// The whole ciphertext.
    pub fn expand(self, params: &Params) -> Ciphertext {
        let mask = params.ring().uniform(&self.seed, params.basis(self.level));
        Ciphertext { parts: [self.body, mask], level: self.level, id: self.id }
    }
}

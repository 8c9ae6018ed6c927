//! The secret key.

use arras_ring::sample::{self, Small};
use arras_ring::{Basis, Eval, Poly, Ring};
use rand_core::CryptoRng;
use zeroize::{Zeroize, Zeroizing};

use crate::params::{Params, ParamsId};
use crate::spec::Secret;

/// A small polynomial s; wiped when dropped. It is never printed, copied or serialised, but by `client::store`.
pub struct SecretKey {
    id: ParamsId,
    coefficients: Small,
    values: Poly<Eval>,
}

impl SecretKey {
    /// A fresh key from the distribution of the parameters.
    pub fn new<R: CryptoRng + ?Sized>(params: &Params, rng: &mut R) -> Self {
        let n = params.degree();
        let coefficients = match params.spec().secret {
            Secret::Ternary => sample::ternary(n, rng),
            Secret::Sparse { weight } => sample::fixed_weight(n, (weight as usize).min(n), rng),
        };
        Self::from_coefficients(params, coefficients)
    }

    fn from_coefficients(params: &Params, coefficients: Small) -> Self {
        let ring = params.ring();
        let values = ring.ntt(ring.from_signed(&coefficients, ring.full()));
        Self { id: params.id(), coefficients, values }
    }

    /// The parameter set.
    pub fn id(&self) -> ParamsId {
        self.id
    }

    /// The coefficients as bytes, two bits each: 0, 1, or 3 for -1. For storage by the key's owner alone.
    pub fn export_secret(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(vec![0; self.coefficients.len().div_ceil(4)]);
        for (i, &c) in self.coefficients.iter().enumerate() {
            bytes[i / 4] |= ((c & 3) as u8) << (2 * (i % 4));
        }
        bytes
    }

    /// The key that `export_secret` wrote; `None` if the bytes are no such key.
    pub fn import_secret(params: &Params, bytes: &[u8]) -> Option<Self> {
        let n = params.degree();
        if bytes.len() != n.div_ceil(4) {
            return None;
        }
        let mut coefficients = Zeroizing::new(vec![0i64; n]);
        let mut valid = true;
        for (i, slot) in coefficients.iter_mut().enumerate() {
            let bits = i64::from(bytes[i / 4] >> (2 * (i % 4)) & 3);
            valid &= bits != 2;
            // Sign extension of two bits: 3 becomes -1.
            *slot = (bits ^ 2) - 2;
        }
        valid.then(|| Self::from_coefficients(params, coefficients))
    }

    /// s at the roots, modulo every prime.
    pub(crate) fn values(&self) -> &Poly<Eval> {
        &self.values
    }

    /// s(X^g) at the roots, modulo every prime.
    pub(crate) fn automorphism(&self, ring: &Ring, g: arras_ring::Galois) -> Secretive {
        Secretive(ring.automorphism(&self.values, g))
    }

    /// s^2 at the roots, modulo every prime.
    pub(crate) fn square(&self, ring: &Ring) -> Secretive {
        Secretive(ring.mul(&self.values, &self.values))
    }
}

impl Drop for SecretKey {
    fn drop(&mut self) {
        self.values.zeroize();
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretKey").field("params", &self.id).finish_non_exhaustive()
    }
}

/// The sparse secret of one set of keys, at the roots; wiped when dropped, and kept by nobody.
pub(crate) fn ephemeral<R: CryptoRng + ?Sized>(params: &Params, weight: u32, rng: &mut R) -> Secretive {
    let (n, ring) = (params.degree(), params.ring());
    Secretive::from_small(ring, &sample::fixed_weight(n, (weight as usize).min(n), rng), ring.full())
}

/// A polynomial that depends on the secret; wiped when dropped.
pub(crate) struct Secretive(pub Poly<Eval>);

impl Secretive {
    /// Small coefficients, at the roots.
    pub fn from_small(ring: &Ring, small: &Small, basis: Basis) -> Self {
        Self(ring.ntt(ring.from_signed(small, basis)))
    }
}

impl Drop for Secretive {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

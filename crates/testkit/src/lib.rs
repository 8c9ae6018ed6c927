#![doc = include_str!("../README.md")]

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A generator for a test, the same on every run.
pub fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// A uniform number in [-1, 1).
pub fn unit(rng: &mut ChaCha20Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

/// n uniform numbers in [-1, 1).
pub fn units(n: usize, rng: &mut ChaCha20Rng) -> Vec<f64> {
    (0..n).map(|_| unit(rng)).collect()
}

/// n uniform words below a bound.
pub fn words(n: usize, bound: u64, rng: &mut ChaCha20Rng) -> Vec<u64> {
    (0..n).map(|_| ((u128::from(rng.next_u64()) * u128::from(bound)) >> 64) as u64).collect()
}

/// The product of two polynomials modulo X^N + 1 and q, by the definition.
pub fn negacyclic_product(a: &[u64], b: &[u64], q: u64) -> Vec<u64> {
    let n = a.len();
    let mut product = vec![0u64; n];
    for (i, &x) in a.iter().enumerate() {
        for (j, &y) in b.iter().enumerate() {
            let term = (u128::from(x) * u128::from(y) % u128::from(q)) as u64;
            let slot = &mut product[(i + j) % n];
            let signed = if i + j < n { term } else { (q - term) % q };
            *slot = ((u128::from(*slot) + u128::from(signed)) % u128::from(q)) as u64;
        }
    }
    product
}

/// The largest absolute difference of two vectors; infinite if their lengths differ.
pub fn distance(a: &[f64], b: &[f64]) -> f64 {
    if a.len() != b.len() {
        return f64::INFINITY;
    }
    a.iter().zip(b).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max)
}

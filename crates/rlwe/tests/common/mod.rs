//! Toy parameters.
#![allow(dead_code, reason = "every test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

pub mod samples;

use arras_ring::primes;
use arras_rlwe::{KeyRequest, KeySet, Params, Purpose, Secret, SecretKey, Security, Spec};
use arras_testkit::rng;

/// Prime counts of the levels, base first; digits of `digit` primes, and as many special primes a little larger.
pub fn spec(log_degree: u32, rows: &[usize], digit: usize) -> Spec {
    let mut taken = Vec::new();
    let mut take = |bits: f64, count: usize| -> Vec<u64> {
        let fresh: Vec<u64> =
            primes::near(bits.exp2(), 1 << log_degree).filter(|q| !taken.contains(q)).take(count).collect();
        taken.extend(&fresh);
        fresh
    };
    let base = take(40.0, rows[0]);
    let levels = rows[1..].iter().map(|&count| take(38.0, count)).collect();
    let special = take(41.0, digit);
    Spec {
        log_degree,
        base,
        levels,
        special,
        digit,
        secret: Secret::Ternary,
        security: Security::Bits128,
        refresh: None,
    }
}

pub fn toy(log_degree: u32, rows: &[usize], digit: usize) -> Params {
    Params::danger_insecure(&spec(log_degree, rows, digit)).unwrap()
}

pub struct Setup {
    pub params: Params,
    pub secret: SecretKey,
    pub keys: KeySet,
}

pub fn setup(log_degree: u32, rows: &[usize], digit: usize) -> Setup {
    let params = toy(log_degree, rows, digit);
    let mut rng = rng(1);
    let secret = SecretKey::new(&params, &mut rng);
    let top = params.highest();
    let request = KeyRequest::new()
        .with(Purpose::Relinearise, top)
        .with(Purpose::Rotate(1), top.down(1).unwrap_or(top))
        .with(Purpose::Rotate(3), top)
        .with(Purpose::Conjugate, top);
    let keys = KeySet::generate(&params, &secret, &request, &mut rng, |_| true).unwrap().unwrap();
    Setup { params, secret, keys }
}

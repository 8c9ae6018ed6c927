//! Small secret polynomials, in constant time: neither branches nor addresses depend on what is drawn.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

/// Standard deviation of the error, as in the Homomorphic Encryption Standard.
pub const SIGMA: f64 = 3.19;
/// The largest error that `gaussian` returns.
pub const GAUSSIAN_TAIL: i64 = GAUSSIAN.len() as i64;

/// Coefficients of a small polynomial; wiped when dropped.
pub type Small = Zeroizing<Vec<i64>>;

/// round(2^63 P(|x| > k)), k = 0, 1, ..., for the discrete Gaussian of standard deviation 3.19 (tail below 2^-64 cut).
const GAUSSIAN: [u64; 29] = [
    0x6ffe065e4d356b98,
    0x51830c10f87c934a,
    0x3735817a27cb5a86,
    0x22a2ae887089f77f,
    0x140caa67aafbde50,
    0xaad236f7f84412a,
    0x5377dfa9e5b368b,
    0x2559a69adb48003,
    0xf47eeb445b1347,
    0x5b5603a15a8b17,
    0x1f1ef88510c6e6,
    0x9a9c07ef0ea30,
    0x2bb6f66643a6b,
    0xb3f7fb32c792,
    0x2a1e718025e8,
    0x8f639863d12,
    0x1bba386f094,
    0x4df0855ab6,
    0xc6fc2dca3,
    0x1cd4f92e3,
    0x3caeda34,
    0x73ee89b,
    0xc901cd,
    0x13c408,
    0x1c375,
    0x248b,
    0x2af,
    0x2e,
    0x3,
];

/// n coefficients uniform in {-1, 0, 1}; bias below 2^-62.
pub fn ternary<R: CryptoRng + ?Sized>(n: usize, rng: &mut R) -> Small {
    collect(n, || ((u128::from(rng.next_u64()) * 3) >> 64) as i64 - 1)
}

/// n coefficients in {-1, 0, 1}, exactly `weight` of them nonzero, every support and sign equally likely (bias below 2^-40).
///
/// Selection sampling: position i is taken with probability (still wanted) / (still to come).
pub fn fixed_weight<R: CryptoRng + ?Sized>(n: usize, weight: usize, rng: &mut R) -> Small {
    debug_assert!(weight <= n, "a weight above the degree has no such polynomial");
    let mut wanted = weight as u64;
    let mut to_come = n as u64;
    collect(n, || {
        let draw = ((u128::from(rng.next_u64()) * u128::from(to_come)) >> 64) as u64;
        let take = draw.wrapping_sub(wanted) >> 63;
        let sign = 1 - 2 * (rng.next_u64() >> 63) as i64;
        wanted -= take;
        to_come -= 1;
        take as i64 * sign
    })
}

/// n coefficients from the discrete Gaussian of standard deviation 3.19, by comparison with the whole table.
pub fn gaussian<R: CryptoRng + ?Sized>(n: usize, rng: &mut R) -> Small {
    collect(n, || {
        let word = rng.next_u64();
        let (sign, draw) = (1 - 2 * (word >> 63) as i64, word & (u64::MAX >> 1));
        let magnitude: u64 = GAUSSIAN.iter().map(|&bound| draw.wrapping_sub(bound) >> 63).sum();
        magnitude as i64 * sign
    })
}

/// Filled in place so that no second copy of the secret is left behind by a growing vector.
fn collect(n: usize, mut draw: impl FnMut() -> i64) -> Small {
    let mut values = Zeroizing::new(vec![0; n]);
    values.iter_mut().for_each(|value| *value = draw());
    values
}

//! Four words modulo one prime, as integers or as doubles that hold integers.

use std::arch::x86_64::*;

use crate::modulus::Modulus;

/// Words in a vector.
pub(super) const LANES: usize = 4;
/// 2^52: added to an integer in [0, 2^52), it leaves the integer in the low bits of the double.
const MAGIC: f64 = 4_503_599_627_370_496.0;

#[inline]
#[target_feature(enable = "avx2,fma")]
pub(super) fn load(words: &[u64; LANES]) -> __m256i {
    // SAFETY: the array holds the 32 bytes that are read; the instruction allows any alignment.
    unsafe { _mm256_loadu_si256(words.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
pub(super) fn store(words: &mut [u64; LANES], x: __m256i) {
    // SAFETY: the array holds the 32 bytes that are written; the instruction allows any alignment.
    unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), x) }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
pub(super) fn splat(word: u64) -> __m256i {
    _mm256_set1_epi64x(word.cast_signed())
}

/// Words below 2^52 as doubles.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(super) fn to_double(x: __m256i) -> __m256d {
    let magic = _mm256_set1_pd(MAGIC);
    _mm256_sub_pd(_mm256_castsi256_pd(_mm256_or_si256(x, _mm256_castpd_si256(magic))), magic)
}

/// Integers in [0, 2^52) as words.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(super) fn to_word(x: __m256d) -> __m256i {
    let magic = _mm256_set1_pd(MAGIC);
    _mm256_castpd_si256(_mm256_xor_pd(_mm256_add_pd(x, magic), magic))
}

/// x where it is not negative, else y, for 63-bit integers.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(super) fn positive_or(x: __m256i, y: __m256i) -> __m256i {
    let sign = _mm256_castsi256_pd(x);
    _mm256_castpd_si256(_mm256_blendv_pd(sign, _mm256_castsi256_pd(y), sign))
}

#[inline]
#[target_feature(enable = "avx2,fma")]
pub(super) fn round(x: __m256d) -> __m256d {
    _mm256_round_pd::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(x)
}

/// The constants of one prime in every lane.
#[derive(Clone, Copy)]
pub(super) struct Field {
    /// q as a word.
    pub(super) word: __m256i,
    pub(super) q: __m256d,
    /// 1/q, rounded.
    inverse: __m256d,
}

impl Field {
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn new(modulus: &Modulus) -> Self {
        let q = modulus.value() as f64;
        Self { word: splat(modulus.value()), q: _mm256_set1_pd(q), inverse: _mm256_set1_pd(1.0 / q) }
    }

    /// a b mod q, off zero by at most (1/2 + 3 |a b / q| 2^-53) q, for integers with |a b / q| < 2^52.
    ///
    /// h + l is the exact product; h, the quotient and 1/q carry one rounding each, hence the three; the last two sums
    /// are exact because their values are integers below 2^53.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn mul(&self, a: __m256d, b: __m256d) -> __m256d {
        let high = _mm256_mul_pd(a, b);
        let low = _mm256_fmsub_pd(a, b, high);
        let quotient = round(_mm256_mul_pd(high, self.inverse));
        _mm256_add_pd(_mm256_fnmadd_pd(quotient, self.q, high), low)
    }

    /// x mod q, off zero by hardly more than q/2, for an integer below 2^52 in size.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn reduce(&self, x: __m256d) -> __m256d {
        _mm256_fnmadd_pd(round(_mm256_mul_pd(x, self.inverse)), self.q, x)
    }

    /// (-q, q) to words in [0, q).
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn settle(&self, x: __m256d) -> __m256i {
        to_word(_mm256_blendv_pd(x, _mm256_add_pd(x, self.q), x))
    }
}

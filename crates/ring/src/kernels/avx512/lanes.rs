//! Eight words modulo one prime.

use std::arch::x86_64::*;

use crate::modulus::{Constant, Modulus, WORD_BITS};

/// Words in a vector.
pub(super) const LANES: usize = 8;

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn load(words: &[u64; LANES]) -> __m512i {
    // SAFETY: the array holds the 64 bytes that are read; the instruction allows any alignment.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

/// Words of a low and a high plane.
#[inline]
#[target_feature(enable = "avx512f")]
pub(in super::super) fn join_bytes(low: &[u32; LANES], high: &[u8; LANES]) -> __m512i {
    // SAFETY: the arrays hold the 32 and 8 bytes that are read; the instructions allow any alignment.
    let (low, high) =
        unsafe { (_mm256_loadu_si256(low.as_ptr().cast()), _mm_loadl_epi64(high.as_ptr().cast())) };
    join(low, _mm512_cvtepu8_epi64(high))
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(in super::super) fn join_shorts(low: &[u32; LANES], high: &[u16; LANES]) -> __m512i {
    // SAFETY: the arrays hold the 32 and 16 bytes that are read; the instructions allow any alignment.
    let (low, high) =
        unsafe { (_mm256_loadu_si256(low.as_ptr().cast()), _mm_loadu_si128(high.as_ptr().cast())) };
    join(low, _mm512_cvtepu16_epi64(high))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn join(low: __m256i, high: __m512i) -> __m512i {
    _mm512_or_si512(_mm512_cvtepu32_epi64(low), _mm512_slli_epi64::<32>(high))
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn store(words: &mut [u64; LANES], x: __m512i) {
    // SAFETY: the array holds the 64 bytes that are written; the instruction allows any alignment.
    unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), x) }
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn splat(word: u64) -> __m512i {
    _mm512_set1_epi64(word.cast_signed())
}

/// x - m where x >= m, else x: the other candidate wraps around and is larger.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn sub_if(x: __m512i, m: __m512i) -> __m512i {
    _mm512_min_epu64(x, _mm512_sub_epi64(x, m))
}

/// A repeated multiplicand in every lane.
#[derive(Clone, Copy)]
pub(super) struct Factor {
    value: __m512i,
    quotient: __m512i,
}

impl Factor {
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn new(c: Constant) -> Self {
        Self { value: splat(c.value), quotient: splat(c.quotient) }
    }
}

/// The constants of one prime in every lane.
#[derive(Clone, Copy)]
pub(super) struct Field {
    pub(super) zero: __m512i,
    pub(super) mask: __m512i,
    pub(super) q: __m512i,
    pub(super) twice: __m512i,
    /// 2^52 - q: adding its multiples subtracts multiples of q, modulo 2^52.
    pub(super) minus: __m512i,
    ratio: __m512i,
    word: Factor,
    /// floor(2^(bits + 51) / q) where 2^(bits - 1) < q < 2^bits.
    scaled: __m512i,
    /// 52 - bits.
    shift: __m512i,
}

impl Field {
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn new(modulus: &Modulus) -> Self {
        let q = modulus.value();
        let bits = u64::BITS - q.leading_zeros();
        let scaled = ((1u128 << (bits + 51)) / u128::from(q)) as u64;
        Self {
            zero: _mm512_setzero_si512(),
            mask: splat((1 << WORD_BITS) - 1),
            q: splat(q),
            twice: splat(2 * q),
            minus: splat((1 << WORD_BITS) - q),
            ratio: splat(modulus.ratio()),
            word: Factor::new(modulus.word()),
            scaled: splat(scaled),
            shift: splat(u64::from(WORD_BITS - bits)),
        }
    }

    /// [0, 4q) to [0, q).
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn settle(&self, x: __m512i) -> __m512i {
        sub_if(sub_if(x, self.twice), self.q)
    }

    /// x mod q in [0, 2q) for x below 2^52.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn reduce_word_lazy(&self, x: __m512i) -> __m512i {
        let estimate = _mm512_madd52hi_epu64(self.zero, x, self.ratio);
        _mm512_and_si512(_mm512_madd52lo_epu64(x, estimate, self.minus), self.mask)
    }

    /// x * c in [0, 2q) for x below 2^52.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn mul_lazy(&self, x: __m512i, c: &Factor) -> __m512i {
        let estimate = _mm512_madd52hi_epu64(self.zero, x, c.quotient);
        let product = _mm512_madd52lo_epu64(self.zero, x, c.value);
        _mm512_and_si512(_mm512_madd52lo_epu64(product, estimate, self.minus), self.mask)
    }

    /// x * c in [0, q) for x below 2^52.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn mul_factor(&self, x: __m512i, c: &Factor) -> __m512i {
        sub_if(self.mul_lazy(x, c), self.q)
    }

    /// a * b in [0, q) for residues: Barrett, the quotient is at most two too small.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn mul(&self, a: __m512i, b: __m512i) -> __m512i {
        let shifted = _mm512_sllv_epi64(a, self.shift);
        let top = _mm512_madd52hi_epu64(self.zero, shifted, _mm512_add_epi64(b, b));
        let estimate = _mm512_madd52hi_epu64(self.zero, top, self.scaled);
        let product = _mm512_madd52lo_epu64(self.zero, a, b);
        self.settle(_mm512_and_si512(_mm512_madd52lo_epu64(product, estimate, self.minus), self.mask))
    }

    /// high * 2^52 + low in [0, q) for words below 2^52.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn reduce_wide(&self, high: __m512i, low: __m512i) -> __m512i {
        let estimate = _mm512_madd52hi_epu64(self.zero, high, self.word.quotient);
        let estimate = _mm512_madd52hi_epu64(estimate, low, self.ratio);
        let sum = _mm512_madd52lo_epu64(low, high, self.word.value);
        self.settle(_mm512_and_si512(_mm512_madd52lo_epu64(sum, estimate, self.minus), self.mask))
    }

    /// high * 2^52 + low in [0, q) for sums of up to `FEW` products below 2^100, or up to `MANY` if not `few`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn reduce_sum(&self, high: __m512i, low: __m512i, few: bool) -> __m512i {
        let mut high = _mm512_add_epi64(high, _mm512_srli_epi64::<WORD_BITS>(low));
        let low = _mm512_and_si512(low, self.mask);
        if !few {
            let top = self.mul_lazy(_mm512_srli_epi64::<WORD_BITS>(high), &self.word);
            high = _mm512_add_epi64(top, self.reduce_word_lazy(_mm512_and_si512(high, self.mask)));
        }
        self.reduce_wide(high, low)
    }
}

/// 15 high halves below 2^48 and the carry of 16 low ones stay below 2^52.
pub(super) const FEW: usize = 15;
/// 1024 low halves and a residue stay below 2^63.
pub(super) const MANY: usize = 1024;

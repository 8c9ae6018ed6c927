//! Butterflies on eight lanes, the two ways of multiplying by a root, and the transposition of eight vectors.

use std::arch::x86_64::*;

use super::lanes::{Field, LANES, splat, sub_if};
use crate::modulus::WORD_BITS;
use crate::ntt::NttTable;

/// A root in every lane with its Shoup quotient.
#[derive(Clone, Copy)]
pub(super) struct Root {
    value: __m512i,
    quotient: __m512i,
}

impl Root {
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn new(value: u64, quotient: u64) -> Self {
        Self { value: splat(value), quotient: splat(quotient) }
    }
}

/// The roots of L levels of butterflies: one for the first, two for the second, four for the third, ...
pub(super) struct Fan<'a, const L: usize> {
    roots: &'a [u64],
    quotients: &'a [u64],
    index: usize,
}

impl<'a, const L: usize> Fan<'a, L> {
    /// The fan below the root of the given index.
    #[inline]
    pub(super) fn new(roots: &'a [u64], quotients: &'a [u64], index: usize) -> Self {
        assert!(index < roots.len() >> (L - 1) && roots.len() == quotients.len());
        Self { roots, quotients, index }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn root(&self, level: usize, part: usize) -> Root {
        self.before(0, level, part)
    }

    /// A root of the fan that is `back` fans before this one.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn before(&self, back: usize, level: usize, part: usize) -> Root {
        debug_assert!(back <= self.index && level < L && part < 1 << level);
        let at = ((self.index - back) << level) + part;
        // SAFETY: at < (index + 1) 2^(L - 1), and `new` has compared that with both lengths.
        let (value, quotient) = unsafe { (self.roots.get_unchecked(at), self.quotients.get_unchecked(at)) };
        Root::new(*value, *quotient)
    }
}

/// Different roots in the lanes, times 2^52, and the same divided by q modulo 2^52.
#[derive(Clone, Copy)]
pub(super) struct Late {
    value: __m512i,
    divided: __m512i,
}

/// (x, y) in [0, 4q) to (x + w y, x - w y) in [0, 4q), all of them modulo 2^52: whatever lies above is dropped only where
/// words are compared, which shortens the path through a multiplication.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn forward(field: &Field, x: __m512i, y: __m512i, w: Root) -> (__m512i, __m512i) {
    let u = sub_if(_mm512_and_si512(x, field.mask), field.twice);
    let estimate = _mm512_madd52hi_epu64(field.zero, y, w.quotient);
    let low = _mm512_madd52lo_epu64(field.zero, y, w.value);
    let v = _mm512_madd52lo_epu64(low, estimate, field.minus);
    (_mm512_add_epi64(u, v), _mm512_sub_epi64(_mm512_add_epi64(u, field.twice), v))
}

/// (x, y) in [0, 2q) to (x + y, w (x - y)) in [0, 2q).
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn backward(field: &Field, x: __m512i, y: __m512i, w: Root) -> (__m512i, __m512i) {
    let sum = sub_if(_mm512_add_epi64(x, y), field.twice);
    let difference = _mm512_sub_epi64(_mm512_add_epi64(x, field.twice), y);
    (sum, product(field, difference, w))
}

/// y w in [0, 2q) for y below 2^52.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn product(field: &Field, y: __m512i, w: Root) -> __m512i {
    let estimate = _mm512_madd52hi_epu64(field.zero, y, w.quotient);
    let low = _mm512_madd52lo_epu64(field.zero, y, w.value);
    _mm512_and_si512(_mm512_madd52lo_epu64(low, estimate, field.minus), field.mask)
}

/// `forward` with a root for each lane, for x with nothing above 2^52, to such words.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn forward_late(field: &Field, x: __m512i, y: __m512i, w: Late) -> (__m512i, __m512i) {
    let u = _mm512_add_epi64(sub_if(x, field.twice), field.q);
    let v = signed_product(field, y, w);
    (_mm512_add_epi64(u, v), _mm512_sub_epi64(u, v))
}

/// `backward` with a root for each lane.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn backward_late(field: &Field, x: __m512i, y: __m512i, w: Late) -> (__m512i, __m512i) {
    let sum = sub_if(_mm512_add_epi64(x, y), field.twice);
    let difference = _mm512_sub_epi64(_mm512_add_epi64(x, field.twice), y);
    let quotient = _mm512_madd52lo_epu64(field.zero, difference, w.divided);
    let high = _mm512_madd52hi_epu64(field.q, difference, w.value);
    (sum, _mm512_sub_epi64(high, _mm512_madd52hi_epu64(field.zero, quotient, field.q)))
}

/// y w in (-q, q) for y below 2^52 (Montgomery 1985, with the factor divided beforehand as in Seiler 2018):
/// y value and quotient q agree modulo 2^52, so the difference of their high words is exact.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn signed_product(field: &Field, y: __m512i, w: Late) -> __m512i {
    let quotient = _mm512_madd52lo_epu64(field.zero, y, w.divided);
    let high = _mm512_madd52hi_epu64(field.zero, y, w.value);
    _mm512_sub_epi64(high, _mm512_madd52hi_epu64(field.zero, quotient, field.q))
}

/// The roots of three levels for each lane.
#[derive(Clone, Copy)]
pub(super) struct LateFan([Late; 7]);

impl LateFan {
    /// A place for a fan.
    #[inline]
    pub(super) fn zero(field: &Field) -> Self {
        Self([Late { value: field.zero, divided: field.zero }; 7])
    }

    #[inline]
    pub(super) fn root(&self, level: usize, part: usize) -> Late {
        self.0[(1 << level) - 1 + part]
    }
}

/// What it takes to find all roots of the last three levels from one root for each run of eight words.
pub(super) struct Spread {
    /// 1/q modulo 2^52.
    inverse: __m512i,
    /// psi^brv(1), psi^brv(2), psi^brv(3): they lead from a root of a level to the next ones.
    steps: [Late; 3],
}

impl Spread {
    /// `roots` are those of the table, forward or inverse.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn new(table: &NttTable, roots: &[u64]) -> Self {
        let modulus = table.modulus();
        let q = modulus.value();
        // Newton's iteration doubles the correct bits: q q = 1 modulo 8, so 3, 6, 12, 24, 48, 96.
        let inverse = (0..5).fold(q, |x, _| x.wrapping_mul(2u64.wrapping_sub(q.wrapping_mul(x))));
        let step = |i: usize| {
            let value = modulus.mul_constant(roots[i], modulus.word());
            let divided = value.wrapping_mul(inverse) & ((1 << WORD_BITS) - 1);
            [value, divided]
        };
        let late = |[value, divided]: [u64; 2]| Late { value: splat(value), divided: splat(divided) };
        Self { inverse: splat(inverse), steps: [late(step(1)), late(step(2)), late(step(3))] }
    }

    /// The roots of the last three levels: one, two and four for each lane.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn fan(&self, field: &Field, root: __m512i) -> LateFan {
        let c0 = self.late(field, root);
        let b0 = self.times(field, root, c0);
        let a0 = self.times(field, b0.value, b0);
        let [one, two, three] = self.steps;
        let b1 = self.times(field, b0.value, one);
        let c1 = self.times(field, root, one);
        let c2 = self.times(field, root, two);
        let c3 = self.times(field, root, three);
        LateFan([a0, b0, b1, c0, c1, c2, c3])
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn late(&self, field: &Field, value: __m512i) -> Late {
        Late { value, divided: _mm512_madd52lo_epu64(field.zero, value, self.inverse) }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn times(&self, field: &Field, x: __m512i, w: Late) -> Late {
        let product = signed_product(field, x, w);
        self.late(field, _mm512_min_epu64(product, _mm512_add_epi64(product, field.q)))
    }
}

/// Word j of vector i becomes word i of vector j.
#[inline]
#[target_feature(enable = "avx512f")]
pub(in super::super) fn transpose(x: [__m512i; LANES]) -> [__m512i; LANES] {
    let even = |a, b| _mm512_unpacklo_epi64(a, b);
    let odd = |a, b| _mm512_unpackhi_epi64(a, b);
    let [e0, e1, e2, e3] = square([even(x[0], x[1]), even(x[2], x[3]), even(x[4], x[5]), even(x[6], x[7])]);
    let [o0, o1, o2, o3] = square([odd(x[0], x[1]), odd(x[2], x[3]), odd(x[4], x[5]), odd(x[6], x[7])]);
    [e0, o0, e1, o1, e2, o2, e3, o3]
}

/// The transposition of four times four pairs of words.
#[inline]
#[target_feature(enable = "avx512f")]
fn square([a, b, c, d]: [__m512i; 4]) -> [__m512i; 4] {
    const EVEN: i32 = 0x88;
    const ODD: i32 = 0xdd;
    let (ab0, cd0) = (_mm512_shuffle_i64x2::<EVEN>(a, b), _mm512_shuffle_i64x2::<EVEN>(c, d));
    let (ab1, cd1) = (_mm512_shuffle_i64x2::<ODD>(a, b), _mm512_shuffle_i64x2::<ODD>(c, d));
    [
        _mm512_shuffle_i64x2::<EVEN>(ab0, cd0),
        _mm512_shuffle_i64x2::<EVEN>(ab1, cd1),
        _mm512_shuffle_i64x2::<ODD>(ab0, cd0),
        _mm512_shuffle_i64x2::<ODD>(ab1, cd1),
    ]
}

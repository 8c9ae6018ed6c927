//! Sums of products: words are split in halves of 25 bits, whose products are added up exactly and reduced once.

use std::arch::x86_64::*;

use super::super::scalar::KERNELS as SCALAR;
use super::super::{Addend, dot_rest};
use super::lanes::{Field, LANES, load, splat, store, to_double};
use crate::convert::Target;
use crate::modulus::Modulus;

const HALF_BITS: u32 = 25;
const WORD_BITS: i32 = 2 * HALF_BITS as i32;
/// Rows between reductions: the middle sum stays below 2^62.
const MANY: usize = 1024;
/// Of products, and of other rows, between reductions of a sum of both.
const HALF: usize = MANY / 2;

/// A word below 2^50 as two halves.
#[derive(Clone, Copy)]
struct Halves {
    low: __m256i,
    high: __m256i,
}

impl Halves {
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn new(x: __m256i) -> Self {
        let low = _mm256_and_si256(x, splat((1 << HALF_BITS) - 1));
        Self { low, high: _mm256_srli_epi64::<{ HALF_BITS as i32 }>(x) }
    }
}

/// low + 2^25 middle + 2^50 high.
#[derive(Clone, Copy)]
struct Sum {
    low: __m256i,
    middle: __m256i,
    high: __m256i,
}

impl Sum {
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn new(low: __m256i) -> Self {
        Self { low, middle: _mm256_setzero_si256(), high: _mm256_setzero_si256() }
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn add(&mut self, x: Halves, y: Halves) {
        self.low = _mm256_add_epi64(self.low, _mm256_mul_epu32(x.low, y.low));
        self.middle = _mm256_add_epi64(self.middle, _mm256_mul_epu32(x.low, y.high));
        self.middle = _mm256_add_epi64(self.middle, _mm256_mul_epu32(x.high, y.low));
        self.high = _mm256_add_epi64(self.high, _mm256_mul_epu32(x.high, y.high));
    }

    /// The residue, from three words of 50 bits.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn residue(&self, field: &Field, powers: &[__m256d; 2]) -> __m256i {
        let low = Halves::new(self.low);
        let middle = Halves::new(_mm256_add_epi64(self.middle, low.high));
        let high = _mm256_add_epi64(self.high, middle.high);
        let first = _mm256_or_si256(low.low, _mm256_slli_epi64::<{ HALF_BITS as i32 }>(middle.low));
        let second = to_double(_mm256_and_si256(high, splat((1 << WORD_BITS) - 1)));
        let third = to_double(_mm256_srli_epi64::<WORD_BITS>(high));
        let tops = _mm256_add_pd(field.mul(second, powers[0]), field.mul(third, powers[1]));
        field.settle(field.reduce(_mm256_add_pd(tops, to_double(first))))
    }
}

/// 2^50 and 2^100 mod q.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn powers(modulus: &Modulus) -> [__m256d; 2] {
    let power = modulus.reduce(1 << WORD_BITS);
    [power, modulus.mul(power, power)].map(|x| _mm256_set1_pd(x as f64))
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn combine(dst: &mut [u64], rows: &[&[u64]], weights: &[u64], offset: u64, modulus: &Modulus) {
    let field = Field::new(modulus);
    let powers = powers(modulus);
    let offset = modulus.reduce(offset);
    let (vectors, rest) = dst.as_chunks_mut::<{ 2 * LANES }>();
    let done = vectors.len() * 2 * LANES;
    for (i, dst) in vectors.iter_mut().enumerate() {
        let dst = dst.as_chunks_mut::<LANES>().0;
        let mut sums = [Sum::new(splat(offset)); 2];
        for (rows, weights) in rows.chunks(MANY).zip(weights.chunks(MANY)) {
            for (row, &weight) in rows.iter().zip(weights) {
                let weight = Halves::new(splat(weight));
                let words = row[2 * i * LANES..2 * (i + 1) * LANES].as_chunks::<LANES>().0;
                sums[0].add(Halves::new(load(&words[0])), weight);
                sums[1].add(Halves::new(load(&words[1])), weight);
            }
            sums[0] = Sum::new(sums[0].residue(&field, &powers));
            sums[1] = Sum::new(sums[1].residue(&field, &powers));
        }
        store(&mut dst[0], sums[0].low);
        store(&mut dst[1], sums[1].low);
    }
    if !rest.is_empty() {
        let tails: Vec<&[u64]> = rows.iter().map(|row| &row[done..]).collect();
        (SCALAR.combine)(rest, &tails, weights, offset, modulus);
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn convert(digits: &[&[u64]], targets: &mut [Target<'_>]) {
    for Target { row, weights, offset, modulus } in targets {
        combine(row, digits, weights, *offset, modulus);
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn dot(
    acc0: &mut [u64],
    acc1: &mut [u64],
    xs: &[&[u64]],
    k0: &[&[u64]],
    k1: &[&[u64]],
    modulus: &Modulus,
) {
    dot_plus([acc0, acc1], xs, [k0, k1], &Addend::default(), modulus);
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn dot_plus(
    [acc0, acc1]: [&mut [u64]; 2],
    xs: &[&[u64]],
    keys: [&[&[u64]]; 2],
    plus: &Addend<'_>,
    modulus: &Modulus,
) {
    let field = Field::new(modulus);
    let powers = powers(modulus);
    let (vectors0, rest0) = acc0.as_chunks_mut::<LANES>();
    let (vectors1, rest1) = acc1.as_chunks_mut::<LANES>();
    let done = vectors0.len() * LANES;
    for (i, (acc0, acc1)) in vectors0.iter_mut().zip(vectors1).enumerate() {
        let at = |row: &[u64]| Halves::new(load(&row[i * LANES..(i + 1) * LANES].as_chunks().0[0]));
        let mut sums = [Sum::new(splat(plus.offset)), Sum::new(_mm256_setzero_si256())];
        let fold = |sums: &mut [Sum; 2]| *sums = sums.map(|sum| Sum::new(sum.residue(&field, &powers)));
        for ((xs, k0), k1) in xs.chunks(HALF).zip(keys[0].chunks(HALF)).zip(keys[1].chunks(HALF)) {
            for ((x, k0), k1) in xs.iter().zip(k0).zip(k1) {
                let x = at(x);
                sums[0].add(x, at(k0));
                sums[1].add(x, at(k1));
            }
            if xs.len() == HALF {
                fold(&mut sums);
            }
        }
        let rows = plus.rows.map(|rows| rows.chunks(HALF));
        let [rows0, rows1] = rows;
        for ((weights, rows0), rows1) in plus.weights.chunks(HALF).zip(rows0).zip(rows1) {
            for ((&weight, row0), row1) in weights.iter().zip(rows0).zip(rows1) {
                let weight = Halves::new(splat(weight));
                sums[0].add(at(row0), weight);
                sums[1].add(at(row1), weight);
            }
            if weights.len() == HALF {
                fold(&mut sums);
            }
        }
        fold(&mut sums);
        store(acc0, sums[0].low);
        store(acc1, sums[1].low);
    }
    if !rest0.is_empty() {
        dot_rest([rest0, rest1], done, xs, keys, plus, modulus);
    }
}

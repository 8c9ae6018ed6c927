//! Sums of products: the halves of every product are added up in registers and reduced once.

use std::arch::x86_64::*;

use super::super::scalar::KERNELS as SCALAR;
use super::lanes::{FEW, Field, LANES, MANY, load, splat, store};
use crate::modulus::Modulus;

/// Vectors per step: enough independent sums to hide the latency of a multiply-add.
const WIDE: usize = 8;
const PAIRED: usize = 4;
/// Vectors per step of a row too short for the above.
const NARROW: usize = 2;

#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn combine(dst: &mut [u64], rows: &[&[u64]], weights: &[u64], offset: u64, modulus: &Modulus) {
    let field = Field::new(modulus);
    let offset = modulus.reduce(offset);
    let mut at = 0;
    while at + WIDE * LANES <= dst.len() {
        combine_columns::<WIDE>(dst, rows, weights, offset, &field, at);
        at += WIDE * LANES;
    }
    while at + NARROW * LANES <= dst.len() {
        combine_columns::<NARROW>(dst, rows, weights, offset, &field, at);
        at += NARROW * LANES;
    }
    if at < dst.len() {
        let rest: Vec<&[u64]> = rows.iter().map(|row| &row[at..]).collect();
        (SCALAR.combine)(&mut dst[at..], &rest, weights, offset, modulus);
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn combine_columns<const V: usize>(
    dst: &mut [u64],
    rows: &[&[u64]],
    weights: &[u64],
    offset: u64,
    field: &Field,
    at: usize,
) {
    let few = rows.len() <= FEW;
    let mut low = [splat(offset); V];
    for (rows, weights) in rows.chunks(MANY).zip(weights.chunks(MANY)) {
        let mut high = [field.zero; V];
        for (row, &weight) in rows.iter().zip(weights) {
            let weight = splat(weight);
            let words = columns::<V>(row, at);
            for v in 0..V {
                prefetch(&words[v]);
                let x = load(&words[v]);
                low[v] = _mm512_madd52lo_epu64(low[v], x, weight);
                high[v] = _mm512_madd52hi_epu64(high[v], x, weight);
            }
        }
        for v in 0..V {
            low[v] = field.reduce_sum(high[v], low[v], few);
        }
    }
    for (words, x) in columns_mut::<V>(dst, at).iter_mut().zip(low) {
        store(words, x);
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn dot(
    acc0: &mut [u64],
    acc1: &mut [u64],
    xs: &[&[u64]],
    k0: &[&[u64]],
    k1: &[&[u64]],
    modulus: &Modulus,
) {
    let field = Field::new(modulus);
    let mut at = 0;
    while at + PAIRED * LANES <= acc0.len() {
        dot_columns::<PAIRED>(acc0, acc1, xs, k0, k1, &field, at);
        at += PAIRED * LANES;
    }
    while at + NARROW * LANES <= acc0.len() {
        dot_columns::<NARROW>(acc0, acc1, xs, k0, k1, &field, at);
        at += NARROW * LANES;
    }
    if at < acc0.len() {
        let [xs, k0, k1] = [xs, k0, k1].map(|rows| rows.iter().map(|row| &row[at..]).collect::<Vec<_>>());
        (SCALAR.dot)(&mut acc0[at..], &mut acc1[at..], &xs, &k0, &k1, modulus);
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn dot_columns<const V: usize>(
    acc0: &mut [u64],
    acc1: &mut [u64],
    xs: &[&[u64]],
    k0: &[&[u64]],
    k1: &[&[u64]],
    field: &Field,
    at: usize,
) {
    let few = xs.len() <= FEW;
    let (mut low0, mut low1) = ([field.zero; V], [field.zero; V]);
    for ((xs, k0), k1) in xs.chunks(MANY).zip(k0.chunks(MANY)).zip(k1.chunks(MANY)) {
        let (mut high0, mut high1) = ([field.zero; V], [field.zero; V]);
        for ((x, k0), k1) in xs.iter().zip(k0).zip(k1) {
            let (x, k0, k1) = (columns::<V>(x, at), columns::<V>(k0, at), columns::<V>(k1, at));
            for v in 0..V {
                prefetch(&x[v]);
                prefetch(&k0[v]);
                prefetch(&k1[v]);
                let (x, k0, k1) = (load(&x[v]), load(&k0[v]), load(&k1[v]));
                low0[v] = _mm512_madd52lo_epu64(low0[v], x, k0);
                high0[v] = _mm512_madd52hi_epu64(high0[v], x, k0);
                low1[v] = _mm512_madd52lo_epu64(low1[v], x, k1);
                high1[v] = _mm512_madd52hi_epu64(high1[v], x, k1);
            }
        }
        for v in 0..V {
            low0[v] = field.reduce_sum(high0[v], low0[v], few);
            low1[v] = field.reduce_sum(high1[v], low1[v], few);
        }
    }
    for v in 0..V {
        store(&mut columns_mut::<V>(acc0, at)[v], low0[v]);
        store(&mut columns_mut::<V>(acc1, at)[v], low1[v]);
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn tensor(d: [&mut [u64]; 3], a: [&[u64]; 2], b: [&[u64]; 2], modulus: &Modulus) {
    let field = Field::new(modulus);
    let [(d0, rest0), (d1, rest1), (d2, rest2)] = d.map(|row| row.as_chunks_mut::<LANES>());
    let [(a0, a0_rest), (a1, a1_rest)] = a.map(|row| row.as_chunks::<LANES>());
    let [(b0, b0_rest), (b1, b1_rest)] = b.map(|row| row.as_chunks::<LANES>());
    let products = d0.iter_mut().zip(d1).zip(d2);
    let factors = a0.iter().zip(a1).zip(b0.iter().zip(b1));
    for (((d0, d1), d2), ((a0, a1), (b0, b1))) in products.zip(factors) {
        let (a0, a1, b0, b1) = (load(a0), load(a1), load(b0), load(b1));
        store(d0, field.mul(a0, b0));
        store(d2, field.mul(a1, b1));
        let low = _mm512_madd52lo_epu64(_mm512_madd52lo_epu64(field.zero, a0, b1), a1, b0);
        let high = _mm512_madd52hi_epu64(_mm512_madd52hi_epu64(field.zero, a0, b1), a1, b0);
        store(d1, field.reduce_sum(high, low, true));
    }
    (SCALAR.tensor)([rest0, rest1, rest2], [a0_rest, a1_rest], [b0_rest, b1_rest], modulus);
}

#[inline]
fn columns<const V: usize>(row: &[u64], at: usize) -> &[[u64; LANES]] {
    row[at..at + V * LANES].as_chunks().0
}

#[inline]
fn columns_mut<const V: usize>(row: &mut [u64], at: usize) -> &mut [[u64; LANES]] {
    row[at..at + V * LANES].as_chunks_mut().0
}

/// Asks for a line of a later step: a sum reads more rows at once than the hardware follows.
#[inline]
#[target_feature(enable = "avx512f")]
fn prefetch(words: &[u64; LANES]) {
    _mm_prefetch::<_MM_HINT_T0>(words.as_ptr().wrapping_add(WIDE * LANES).cast());
}

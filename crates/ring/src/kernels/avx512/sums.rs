//! Sums of products: the halves of every product are added up in registers and reduced once.

use std::arch::x86_64::*;

use super::super::scalar::KERNELS as SCALAR;
use super::super::{Addend, dot_rest};
use super::lanes::{FEW, Field, LANES, MANY, join_bytes, join_shorts, load, splat, store, sub_if};
use crate::convert::Target;
use crate::modulus::Modulus;
use crate::packed::Row;

/// Vectors per step: enough independent sums to hide the latency of a multiply-add.
const WIDE: usize = 8;
const PAIRED: usize = 4;
/// Targets of a conversion at once, and vectors of each: a word that is loaded, like a weight, serves several products, so that
/// multiplications are what limits, and their sums fit the registers.
const TARGETS: usize = 3;
const EACH: usize = 4;
/// Products, and other rows, between reductions of a sum of both.
const HALF: usize = MANY / 2;
/// Bytes of a line of a cache, and from a line to the one that is asked for beside it.
const LINE: usize = 64;
const AHEAD: usize = 8 * LINE;
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
pub(super) fn convert(digits: &[&[u64]], targets: &mut [Target<'_>]) {
    let together = if digits.len() <= MANY { targets.len() } else { 0 };
    let (together, apart) = targets.split_at_mut(together);
    let (threes, rest) = together.as_chunks_mut::<TARGETS>();
    let (twos, ones) = rest.as_chunks_mut::<2>();
    threes.iter_mut().for_each(|targets| convert_several(digits, targets));
    twos.iter_mut().for_each(|targets| convert_several(digits, targets));
    for Target { row, weights, offset, modulus } in ones.iter_mut().chain(apart) {
        combine(row, digits, weights, *offset, modulus);
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn convert_several<const T: usize>(digits: &[&[u64]], targets: &mut [Target<'_>; T]) {
    let fields = targets.each_ref().map(|target| Field::new(target.modulus));
    let words = targets[0].row.len();
    let mut at = 0;
    while at + EACH * LANES <= words {
        convert_columns::<T, EACH>(digits, targets, &fields, at);
        at += EACH * LANES;
    }
    if at < words {
        let rest: Vec<&[u64]> = digits.iter().map(|row| &row[at..]).collect();
        for Target { row, weights, offset, modulus } in targets {
            combine(&mut row[at..], &rest, weights, *offset, modulus);
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn convert_columns<const T: usize, const V: usize>(
    digits: &[&[u64]],
    targets: &mut [Target<'_>; T],
    fields: &[Field; T],
    at: usize,
) {
    let few = digits.len() <= FEW;
    let mut low = [[_mm512_setzero_si512(); V]; T];
    let mut high = low;
    let mut weights = [&[][..]; T];
    for t in 0..T {
        low[t] = [splat(targets[t].modulus.reduce(targets[t].offset)); V];
        weights[t] = &targets[t].weights[..digits.len()];
    }
    for (i, row) in digits.iter().enumerate() {
        let words = columns::<V>(row, at);
        let mut x = [_mm512_setzero_si512(); V];
        for v in 0..V {
            prefetch(&words[v]);
            x[v] = load(&words[v]);
        }
        for t in 0..T {
            let weight = splat(weights[t][i]);
            for v in 0..V {
                low[t][v] = _mm512_madd52lo_epu64(low[t][v], x[v], weight);
                high[t][v] = _mm512_madd52hi_epu64(high[t][v], x[v], weight);
            }
        }
    }
    for t in 0..T {
        let words = columns_mut::<V>(targets[t].row, at);
        for v in 0..V {
            store(&mut words[v], fields[t].reduce_sum(high[t][v], low[t][v], few));
        }
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn dot(
    acc0: &mut [u64],
    acc1: &mut [u64],
    xs: &[&[u64]],
    k0: &[Row<'_>],
    k1: &[Row<'_>],
    modulus: &Modulus,
) {
    dot_plus([acc0, acc1], xs, [k0, k1], &Addend::default(), modulus);
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn dot_plus(
    mut acc: [&mut [u64]; 2],
    xs: &[&[u64]],
    keys: [&[Row<'_>]; 2],
    plus: &Addend<'_>,
    modulus: &Modulus,
) {
    let field = Field::new(modulus);
    let words = acc[0].len();
    let mut at = 0;
    while at + PAIRED * LANES <= words {
        dot_columns::<PAIRED>(&mut acc, xs, keys, plus, &field, at);
        at += PAIRED * LANES;
    }
    while at + NARROW * LANES <= words {
        dot_columns::<NARROW>(&mut acc, xs, keys, plus, &field, at);
        at += NARROW * LANES;
    }
    if at < words {
        dot_rest(acc.map(|acc| &mut acc[at..]), at, xs, keys, plus, modulus);
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn dot_columns<const V: usize>(
    acc: &mut [&mut [u64]; 2],
    xs: &[&[u64]],
    keys: [&[Row<'_>]; 2],
    plus: &Addend<'_>,
    field: &Field,
    at: usize,
) {
    let few = xs.len() + plus.weights.len() <= FEW;
    let mut low = [[splat(plus.offset); V], [field.zero; V]];
    let mut high = [[field.zero; V]; 2];
    let fold = |low: &mut [[__m512i; V]; 2], high: &mut [[__m512i; V]; 2]| {
        for half in 0..2 {
            for v in 0..V {
                low[half][v] = field.reduce_sum(high[half][v], low[half][v], few);
                high[half][v] = field.zero;
            }
        }
    };
    for ((xs, k0), k1) in xs.chunks(HALF).zip(keys[0].chunks(HALF)).zip(keys[1].chunks(HALF)) {
        for ((x, k0), k1) in xs.iter().zip(k0).zip(k1) {
            let x = columns::<V>(x, at);
            let (k0, k1) = (load_row::<V>(*k0, at), load_row::<V>(*k1, at));
            for v in 0..V {
                prefetch(&x[v]);
                let x = load(&x[v]);
                add_product(&mut low[0][v], &mut high[0][v], x, k0[v]);
                add_product(&mut low[1][v], &mut high[1][v], x, k1[v]);
            }
        }
        if xs.len() == HALF {
            fold(&mut low, &mut high);
        }
    }
    let [rows0, rows1] = plus.rows.map(|rows| rows.chunks(HALF));
    for ((weights, rows0), rows1) in plus.weights.chunks(HALF).zip(rows0).zip(rows1) {
        for ((&weight, row0), row1) in weights.iter().zip(rows0).zip(rows1) {
            let (row0, row1, weight) = (columns::<V>(row0, at), columns::<V>(row1, at), splat(weight));
            for v in 0..V {
                prefetch(&row0[v]);
                prefetch(&row1[v]);
                add_product(&mut low[0][v], &mut high[0][v], load(&row0[v]), weight);
                add_product(&mut low[1][v], &mut high[1][v], load(&row1[v]), weight);
            }
        }
        if weights.len() == HALF {
            fold(&mut low, &mut high);
        }
    }
    fold(&mut low, &mut high);
    for half in 0..2 {
        for (words, &x) in columns_mut::<V>(acc[half], at).iter_mut().zip(&low[half]) {
            store(words, x);
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn add_product(low: &mut __m512i, high: &mut __m512i, x: __m512i, y: __m512i) {
    *low = _mm512_madd52lo_epu64(*low, x, y);
    *high = _mm512_madd52hi_epu64(*high, x, y);
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn tensor(d: [&mut [u64]; 3], a: [&[u64]; 2], b: [&[u64]; 2], twice: bool, modulus: &Modulus) {
    let field = Field::new(modulus);
    let shift = splat(u64::from(twice));
    let [(d0, rest0), (d1, rest1), (d2, rest2)] = d.map(|row| row.as_chunks_mut::<LANES>());
    let [(a0, a0_rest), (a1, a1_rest)] = a.map(|row| row.as_chunks::<LANES>());
    let [(b0, b0_rest), (b1, b1_rest)] = b.map(|row| row.as_chunks::<LANES>());
    let products = d0.iter_mut().zip(d1).zip(d2);
    let factors = a0.iter().zip(a1).zip(b0.iter().zip(b1));
    for (((d0, d1), d2), ((a0, a1), (b0, b1))) in products.zip(factors) {
        let (a0, a1) = (load(a0), load(a1));
        let [b0, b1] = [b0, b1].map(|b| sub_if(_mm512_sllv_epi64(load(b), shift), field.q));
        store(d0, field.mul(a0, b0));
        store(d2, field.mul(a1, b1));
        let low = _mm512_madd52lo_epu64(_mm512_madd52lo_epu64(field.zero, a0, b1), a1, b0);
        let high = _mm512_madd52hi_epu64(_mm512_madd52hi_epu64(field.zero, a0, b1), a1, b0);
        store(d1, field.reduce_sum(high, low, true));
    }
    (SCALAR.tensor)([rest0, rest1, rest2], [a0_rest, a1_rest], [b0_rest, b1_rest], twice, modulus);
}

/// Some words of a row, and a request for those of a later step.
#[inline]
#[target_feature(enable = "avx512f")]
fn load_row<const V: usize>(row: Row<'_>, at: usize) -> [__m512i; V] {
    let mut out = [_mm512_setzero_si512(); V];
    let words = at..at + V * LANES;
    match row {
        Row::Whole(row) => {
            for (out, words) in out.iter_mut().zip(columns::<V>(row, at)) {
                prefetch(words);
                *out = load(words);
            }
        }
        Row::Five(low, high) => {
            let (low, high) = (&low[words.clone()], &high[words]);
            ask_planes::<V>(low.as_ptr().cast(), high.as_ptr());
            for ((out, low), high) in out.iter_mut().zip(low.as_chunks().0).zip(high.as_chunks().0) {
                *out = join_bytes(low, high);
            }
        }
        Row::Six(low, high) => {
            let (low, high) = (&low[words.clone()], &high[words]);
            ask_planes::<V>(low.as_ptr().cast(), high.as_ptr().cast());
            for ((out, low), high) in out.iter_mut().zip(low.as_chunks().0).zip(high.as_chunks().0) {
                *out = join_shorts(low, high);
            }
        }
    }
    out
}

#[inline]
fn columns<const V: usize>(row: &[u64], at: usize) -> &[[u64; LANES]] {
    row[at..at + V * LANES].as_chunks().0
}

#[inline]
fn columns_mut<const V: usize>(row: &mut [u64], at: usize) -> &mut [[u64; LANES]] {
    row[at..at + V * LANES].as_chunks_mut().0
}

/// Asks for the lines of a later step in both planes.
#[inline]
#[target_feature(enable = "avx512f")]
fn ask_planes<const V: usize>(low: *const u8, high: *const u8) {
    for line in 0..(V * LANES * size_of::<u32>()).div_ceil(LINE) {
        _mm_prefetch::<_MM_HINT_T0>(low.wrapping_add(AHEAD + line * LINE).cast());
    }
    _mm_prefetch::<_MM_HINT_T0>(high.wrapping_add(AHEAD).cast());
}

/// Asks for a line of a later step: a sum reads more rows at once than the hardware follows.
#[inline]
#[target_feature(enable = "avx512f")]
fn prefetch(words: &[u64; LANES]) {
    _mm_prefetch::<_MM_HINT_T0>(words.as_ptr().cast::<u8>().wrapping_add(AHEAD).cast());
}

//! The negacyclic transform and its inverse on integers in doubles, of either sign.
//!
//! Between the passes the row holds the bits of doubles. A pass is two levels on four vectors (one level on two, if the
//! number of levels is odd); after the first, each quarter goes through all remaining passes before the next quarter.
//! The last two levels act within runs of four words: four runs are transposed, and each lane has its own roots.

use std::arch::x86_64::*;

use super::super::scalar::KERNELS as SCALAR;
use super::lanes::{Field, LANES, load, splat, store, to_double};
use super::rows::add_constant;
use crate::modulus::Constant;
use crate::ntt::NttTable;

/// Words of four runs.
const TILE: usize = LANES * LANES;
/// Levels within a run.
const LATE: u32 = 2;

struct Plan<'a> {
    field: Field,
    roots: &'a [u64],
    /// The inverse transform's factor, and its product with the last root.
    scale: [__m256d; 2],
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn ntt(row: &mut [u64], table: &NttTable) {
    if row.len() != 1 << table.log_n() || row.len() < TILE {
        return (SCALAR.ntt)(row, table);
    }
    let plan = Plan::new(table, table.roots(), Constant::default());
    for words in row.as_chunks_mut().0 {
        put(words, to_double(load(words)));
    }
    plan.forward(row, 1, table.log_n() - LATE);
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn digits(row: &mut [u64], from: Option<&[u64]>, table: &NttTable, scale: Constant, plus: u64) {
    if let Some(from) = from {
        row.copy_from_slice(from);
    }
    intt(row, table, scale);
    add_constant(row, plus, table.modulus());
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn intt(row: &mut [u64], table: &NttTable, scale: Constant) {
    if row.len() != 1 << table.log_n() || row.len() < TILE {
        return (SCALAR.intt)(row, table, scale);
    }
    Plan::new(table, table.inverse_roots(), scale).backward(row, 1, table.log_n() - LATE);
}

/// The doubles whose bits the words hold.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn get(words: &[u64; LANES]) -> __m256d {
    _mm256_castsi256_pd(load(words))
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn put(words: &mut [u64; LANES], x: __m256d) {
    store(words, _mm256_castpd_si256(x));
}

/// (x, y) to (x + w y, x - w y).
#[inline]
#[target_feature(enable = "avx2,fma")]
fn forward(field: &Field, x: __m256d, y: __m256d, w: __m256d) -> (__m256d, __m256d) {
    let product = field.mul(y, w);
    (_mm256_add_pd(x, product), _mm256_sub_pd(x, product))
}

/// (x, y) to (x + y, w (x - y)).
#[inline]
#[target_feature(enable = "avx2,fma")]
fn backward(field: &Field, x: __m256d, y: __m256d, w: __m256d) -> (__m256d, __m256d) {
    (field.reduce(_mm256_add_pd(x, y)), field.mul(_mm256_sub_pd(x, y), w))
}

/// Two levels: with |x| < 4q before, |x| < 2.5q between and |x| < 3.9q after.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn forward_two(field: &Field, [a, b, c, d]: [__m256d; 4], [w, w0, w1]: [__m256d; 3]) -> [__m256d; 4] {
    let (a, c) = forward(field, field.reduce(a), c, w);
    let (b, d) = forward(field, field.reduce(b), d, w);
    let (a, b) = forward(field, a, b, w0);
    let (c, d) = forward(field, c, d, w1);
    [a, b, c, d]
}

/// Undoes `forward_two`; |x| < 2q throughout.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn backward_two(field: &Field, [a, b, c, d]: [__m256d; 4], [w, w0, w1]: [__m256d; 3]) -> [__m256d; 4] {
    let (a, b) = backward(field, a, b, w0);
    let (c, d) = backward(field, c, d, w1);
    let (a, c) = backward(field, a, c, w);
    let (b, d) = backward(field, b, d, w);
    [a, b, c, d]
}

impl<'a> Plan<'a> {
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn new(table: &NttTable, roots: &'a [u64], scale: Constant) -> Self {
        let modulus = table.modulus();
        let last = modulus.mul_constant(roots[1], scale);
        let scale = [scale.value, last].map(|x| _mm256_set1_pd(x as f64));
        Self { field: Field::new(modulus), roots, scale }
    }

    /// Transforms a block whose first level uses the root of the given index and that has more levels before the late ones.
    #[target_feature(enable = "avx2,fma")]
    fn forward(&self, block: &mut [u64], index: usize, levels: u32) {
        if levels == 0 {
            return self.forward_late(block, index);
        }
        let take = 2 - levels % 2;
        let field = &self.field;
        if take == 1 {
            let root = self.root(index);
            let (low, high) = halves(block);
            for (x, y) in low.iter_mut().zip(high) {
                let (a, b) = forward(field, field.reduce(get(x)), get(y), root);
                put(x, a);
                put(y, b);
            }
        } else {
            let roots = self.fan(index);
            let (low, high) = block.split_at_mut(block.len() / 2);
            let ((a, b), (c, d)) = (halves(low), halves(high));
            for ((a, b), (c, d)) in a.iter_mut().zip(b).zip(c.iter_mut().zip(d)) {
                let x = forward_two(field, [get(a), get(b), get(c), get(d)], roots);
                put(a, x[0]);
                put(b, x[1]);
                put(c, x[2]);
                put(d, x[3]);
            }
        }
        if levels == take {
            return self.forward_late(block, index << take);
        }
        let part = block.len() >> take;
        for (i, part) in block.chunks_exact_mut(part).enumerate() {
            self.forward(part, (index << take) + i, levels - take);
        }
    }

    /// Undoes `forward`, times the constant.
    #[target_feature(enable = "avx2,fma")]
    fn backward(&self, block: &mut [u64], index: usize, levels: u32) {
        let take = 2 - levels % 2;
        if levels == take {
            self.backward_late(block, index << take);
        } else {
            let part = block.len() >> take;
            for (i, part) in block.chunks_exact_mut(part).enumerate() {
                self.backward(part, (index << take) + i, levels - take);
            }
        }
        let field = &self.field;
        if take == 1 {
            let root = self.root(index);
            let (low, high) = halves(block);
            for (x, y) in low.iter_mut().zip(high) {
                let (a, b) = (get(x), get(y));
                if index == 1 {
                    self.finish(x, y, a, b);
                } else {
                    let (a, b) = backward(field, a, b, root);
                    put(x, a);
                    put(y, b);
                }
            }
        } else {
            let roots = self.fan(index);
            let (low, high) = block.split_at_mut(block.len() / 2);
            let ((a, b), (c, d)) = (halves(low), halves(high));
            for ((a, b), (c, d)) in a.iter_mut().zip(b).zip(c.iter_mut().zip(d)) {
                let x = [get(a), get(b), get(c), get(d)];
                if index == 1 {
                    let (x0, x1) = backward(field, x[0], x[1], roots[1]);
                    let (x2, x3) = backward(field, x[2], x[3], roots[2]);
                    self.finish(a, c, x0, x2);
                    self.finish(b, d, x1, x3);
                } else {
                    let x = backward_two(field, x, roots);
                    put(a, x[0]);
                    put(b, x[1]);
                    put(c, x[2]);
                    put(d, x[3]);
                }
            }
        }
    }

    /// The very last butterfly of the inverse, times the constant, to words in [0, q).
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn finish(&self, x: &mut [u64; LANES], y: &mut [u64; LANES], a: __m256d, b: __m256d) {
        let field = &self.field;
        let [scale, root] = self.scale;
        store(x, field.settle(field.reduce(field.mul(_mm256_add_pd(a, b), scale))));
        store(y, field.settle(field.reduce(field.mul(_mm256_sub_pd(a, b), root))));
    }

    /// The last two levels of a block whose first run has the root of the given index, to words in [0, q).
    #[target_feature(enable = "avx2,fma")]
    fn forward_late(&self, block: &mut [u64], index: usize) {
        let field = &self.field;
        let (first, second) = self.late(index);
        for ((tile, first), second) in tiles(block).iter_mut().zip(first).zip(second) {
            let x = transpose([get(&tile[0]), get(&tile[1]), get(&tile[2]), get(&tile[3])]);
            let x = transpose(forward_two(field, x, late_fan(first, second)));
            for (words, x) in tile.iter_mut().zip(x) {
                store(words, field.settle(field.reduce(x)));
            }
        }
    }

    /// Undoes `forward_late`, from words in [0, q).
    #[target_feature(enable = "avx2,fma")]
    fn backward_late(&self, block: &mut [u64], index: usize) {
        let field = &self.field;
        let (first, second) = self.late(index);
        for ((tile, first), second) in tiles(block).iter_mut().zip(first).zip(second) {
            let [a, b, c, d] = [0, 1, 2, 3].map(|i| load(&tile[i]));
            let x = transpose([to_double(a), to_double(b), to_double(c), to_double(d)]);
            let x = transpose(backward_two(field, x, late_fan(first, second)));
            for (words, x) in tile.iter_mut().zip(x) {
                put(words, x);
            }
        }
    }

    /// The roots of the last two levels by tile: four and eight.
    fn late(&self, index: usize) -> (&[[u64; LANES]], &[[u64; 2 * LANES]]) {
        (self.roots[index..].as_chunks().0, self.roots[2 * index..].as_chunks().0)
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn root(&self, index: usize) -> __m256d {
        to_double(splat(self.roots[index]))
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn fan(&self, index: usize) -> [__m256d; 3] {
        [self.root(index), self.root(2 * index), self.root(2 * index + 1)]
    }
}

type Vectors<'a> = &'a mut [[u64; LANES]];

fn halves(block: &mut [u64]) -> (Vectors<'_>, Vectors<'_>) {
    let (low, high) = block.split_at_mut(block.len() / 2);
    (low.as_chunks_mut().0, high.as_chunks_mut().0)
}

fn tiles(block: &mut [u64]) -> &mut [[[u64; LANES]; LANES]] {
    block.as_chunks_mut().0.as_chunks_mut().0
}

/// The roots of the last two levels, one tile's run to a lane.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn late_fan(first: &[u64; LANES], second: &[u64; 2 * LANES]) -> [__m256d; 3] {
    let pairs = second.as_chunks().0;
    let (a, b) = (load(&pairs[0]), load(&pairs[1]));
    let even = _mm256_permute4x64_epi64::<0b1101_1000>(_mm256_unpacklo_epi64(a, b));
    let odd = _mm256_permute4x64_epi64::<0b1101_1000>(_mm256_unpackhi_epi64(a, b));
    [to_double(load(first)), to_double(even), to_double(odd)]
}

/// Double j of vector i becomes double i of vector j.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn transpose([a, b, c, d]: [__m256d; 4]) -> [__m256d; 4] {
    let (ab0, ab1) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
    let (cd0, cd1) = (_mm256_unpacklo_pd(c, d), _mm256_unpackhi_pd(c, d));
    [
        _mm256_permute2f128_pd::<0x20>(ab0, cd0),
        _mm256_permute2f128_pd::<0x20>(ab1, cd1),
        _mm256_permute2f128_pd::<0x31>(ab0, cd0),
        _mm256_permute2f128_pd::<0x31>(ab1, cd1),
    ]
}

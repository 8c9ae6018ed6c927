//! The negacyclic transform and its inverse.
//!
//! All levels but the last three run in passes of two or three levels that hold 16 vectors in registers, several columns
//! or several blocks at once, so that latencies overlap; a pass over a large block is followed by all the remaining
//! passes over each of its parts, so that these stay in the first cache. The last three levels act within runs of eight
//! words: eight runs are transposed, and each lane has its own roots.

use std::arch::x86_64::*;

use super::super::scalar::KERNELS as SCALAR;
use super::butterfly::{
    Fan, LateFan, Root, Spread, backward, backward_late, forward, forward_late, product, transpose,
};
use super::lanes::{Field, LANES, load, splat, store};
use crate::modulus::Constant;
use crate::ntt::NttTable;

/// Words of eight runs.
const TILE: usize = LANES * LANES;
/// The logarithm of the shortest row, which has one tile.
const LOG_TILE: usize = 6;
/// Tiles that the last levels hold at a time, to hide latencies.
const PAIR: usize = 2;

/// Levels per pass for rows of 64, 128, ... words; the last three levels come on top.
const PASSES: [&[usize]; 12] = [
    &[3],
    &[4],
    &[2, 3],
    &[3, 3],
    &[2, 2, 3],
    &[2, 3, 3],
    &[2, 2, 2, 3],
    &[2, 2, 3, 3],
    &[2, 3, 3, 3],
    &[2, 2, 2, 3, 3],
    &[2, 2, 3, 3, 3],
    &[2, 3, 3, 3, 3],
];

/// What every step of a transform needs.
struct Plan<'a> {
    field: Field,
    spread: Spread,
    roots: &'a [u64],
    quotients: &'a [u64],
    late: &'a [[u64; LANES]],
    /// The inverse transform's factor, and its product with the last root.
    scale: [Root; 2],
    /// What the inverse transform adds to every word.
    plus: __m512i,
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn ntt(row: &mut [u64], table: &NttTable) {
    match passes(row, table) {
        None => (SCALAR.ntt)(row, table),
        Some(passes) => {
            let (roots, quotients, late) = (table.roots(), table.root_quotients(), table.late_roots());
            Plan::new(table, roots, quotients, late, Constant::default()).forward(row, 1, passes);
        }
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn intt(row: &mut [u64], table: &NttTable, scale: Constant) {
    match passes(row, table) {
        None => (SCALAR.intt)(row, table, scale),
        Some(passes) => {
            let (roots, quotients) = (table.inverse_roots(), table.inverse_root_quotients());
            let plan = Plan::new(table, roots, quotients, table.inverse_late_roots(), scale);
            plan.backward(row, None, 1, passes);
        }
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn digits(row: &mut [u64], from: Option<&[u64]>, table: &NttTable, scale: Constant, plus: u64) {
    match passes(row, table) {
        None => (SCALAR.digits)(row, from, table, scale, plus),
        Some(passes) => {
            let (roots, quotients) = (table.inverse_roots(), table.inverse_root_quotients());
            let mut plan = Plan::new(table, roots, quotients, table.inverse_late_roots(), scale);
            plan.plus = splat(plus);
            plan.backward(row, from, 1, passes);
        }
    }
}

/// The passes for a row, if there is a tile.
fn passes(row: &[u64], table: &NttTable) -> Option<&'static [usize]> {
    debug_assert_eq!(row.len(), 1 << table.log_n());
    let passes = PASSES.get((table.log_n() as usize).checked_sub(LOG_TILE)?)?;
    (row.len() == 1 << table.log_n()).then_some(*passes)
}

/// Butterflies between the vectors of C arrays of W: level l joins vectors W / 2^(l + 1) apart with 2^l roots.
macro_rules! levels {
    ($x:ident, $levels:expr, $butterfly:ident, $field:ident, $root:expr) => {
        for level in $levels {
            let width = $x[0].len();
            let half = width >> (level + 1);
            for part in 0..1 << level {
                for i in 2 * half * part..2 * half * part + half {
                    for (k, x) in $x.iter_mut().enumerate() {
                        (x[i], x[i + half]) = $butterfly($field, x[i], x[i + half], $root(k, level, part));
                    }
                }
            }
        }
    };
}

impl<'a> Plan<'a> {
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn new(
        table: &NttTable,
        roots: &'a [u64],
        quotients: &'a [u64],
        late: &'a [u64],
        scale: Constant,
    ) -> Self {
        let modulus = table.modulus();
        let last = modulus.constant(modulus.mul_constant(roots[1], scale));
        Self {
            field: Field::new(modulus),
            spread: Spread::new(table, roots),
            roots,
            quotients,
            late: late.as_chunks().0,
            scale: [Root::new(scale.value, scale.quotient), Root::new(last.value, last.quotient)],
            plus: splat(0),
        }
    }

    /// Transforms a block whose first level uses the root of the given index.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn forward(&self, block: &mut [u64], index: usize, passes: &[usize]) {
        let Some((&levels, rest)) = passes.split_first() else { return };
        self.forward_pass(levels, block, block.len(), index);
        let (part, index) = (block.len() >> levels, index << levels);
        match *rest {
            [] => self.forward_late(block, index),
            [last] => {
                self.forward_pass(last, block, part, index);
                self.forward_late(block, index << last);
            }
            _ => {
                for (i, part) in block.chunks_exact_mut(part).enumerate() {
                    self.forward(part, index + i, rest);
                }
            }
        }
    }

    /// Undoes `forward`, times the constant. What is to be undone stands in the block, or in another row: that is copied in
    /// parts that stay in the first cache.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn backward(&self, block: &mut [u64], from: Option<&[u64]>, index: usize, passes: &[usize]) {
        let Some((&levels, rest)) = passes.split_first() else { return };
        let (part, below) = (block.len() >> levels, index << levels);
        match *rest {
            [] => {
                fetch(block, from);
                self.backward_late(block, below);
            }
            [last] => {
                fetch(block, from);
                self.backward_late(block, below << last);
                self.backward_pass(last, block, part, below);
            }
            _ => {
                let len = part;
                for (i, part) in block.chunks_exact_mut(len).enumerate() {
                    self.backward(part, from.map(|row| &row[i * len..][..len]), below + i, rest);
                }
            }
        }
        self.backward_pass(levels, block, block.len(), index);
    }

    /// A pass over each part of a block; the first part has the root of the given index.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn forward_pass(&self, levels: usize, block: &mut [u64], part: usize, index: usize) {
        if part >> levels == LANES {
            return match (levels, block.len() > part) {
                (2, _) => self.forward_parts::<2, 4, 4>(block, index),
                (3, true) => self.forward_parts::<3, 8, 2>(block, index),
                (3, false) => self.forward_parts::<3, 8, 1>(block, index),
                _ => self.forward_parts::<4, 16, 1>(block, index),
            };
        }
        for (i, part) in block.chunks_exact_mut(part).enumerate() {
            match levels {
                1 => self.forward_levels::<1, 2, 4>(part, index + i),
                2 => self.forward_levels::<2, 4, 4>(part, index + i),
                _ => self.forward_levels::<3, 8, 2>(part, index + i),
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn backward_pass(&self, levels: usize, block: &mut [u64], part: usize, index: usize) {
        if part >> levels == LANES {
            return match (levels, block.len() > part) {
                (2, _) => self.backward_parts::<2, 4, 4, false>(block, index),
                (3, true) => self.backward_parts::<3, 8, 2, false>(block, index),
                (3, false) if index > 1 => self.backward_parts::<3, 8, 1, false>(block, index),
                (3, false) => self.backward_parts::<3, 8, 1, true>(block, index),
                _ if index > 1 => self.backward_parts::<4, 16, 1, false>(block, index),
                _ => self.backward_parts::<4, 16, 1, true>(block, index),
            };
        }
        for (i, part) in block.chunks_exact_mut(part).enumerate() {
            match (levels, index + i) {
                (1, 1) => self.backward_levels::<1, 2, 4, true>(part, 1),
                (2, 1) => self.backward_levels::<2, 4, 4, true>(part, 1),
                (_, 1) => self.backward_levels::<3, 8, 2, true>(part, 1),
                (1, index) => self.backward_levels::<1, 2, 4, false>(part, index),
                (2, index) => self.backward_levels::<2, 4, 4, false>(part, index),
                (_, index) => self.backward_levels::<3, 8, 2, false>(part, index),
            }
        }
    }

    /// L levels on C columns of W = 2^L vectors at a time.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn forward_levels<const L: usize, const W: usize, const C: usize>(
        &self,
        block: &mut [u64],
        index: usize,
    ) {
        let field = &self.field;
        let fan = Fan::<L>::new(self.roots, self.quotients, index);
        let mut columns = Columns::<W>::new(block);
        for at in (0..columns.len / C).map(|step| step * C) {
            let mut x = [[field.zero; W]; C];
            for (k, x) in x.iter_mut().enumerate() {
                // SAFETY: k < C, and `at` is a multiple of C below len / C * C.
                *x = unsafe { columns.load(at + k) };
            }
            levels!(x, 0..L, forward, field, |_, level, part| fan.root(level, part));
            for (k, x) in x.into_iter().enumerate() {
                // SAFETY: as for the load.
                unsafe { columns.store(at + k, x) };
            }
        }
    }

    /// L levels on C blocks of W = 2^L vectors at a time.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn forward_parts<const L: usize, const W: usize, const C: usize>(
        &self,
        blocks: &mut [u64],
        index: usize,
    ) {
        let field = &self.field;
        let blocks = blocks.as_chunks_mut::<LANES>().0.as_chunks_mut::<W>().0.as_chunks_mut::<C>().0;
        for (i, blocks) in blocks.iter_mut().enumerate() {
            let fan = Fan::<L>::new(self.roots, self.quotients, index + i * C + C - 1);
            let mut x = [[field.zero; W]; C];
            for k in 0..C {
                for j in 0..W {
                    x[k][j] = load(&blocks[k][j]);
                }
            }
            levels!(x, 0..L, forward, field, |k, level, part| fan.before(C - 1 - k, level, part));
            for k in 0..C {
                for j in 0..W {
                    store(&mut blocks[k][j], x[k][j]);
                }
            }
        }
    }

    /// Undoes `forward_levels`; the last levels of all multiply by the constant.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn backward_levels<const L: usize, const W: usize, const C: usize, const LAST: bool>(
        &self,
        block: &mut [u64],
        index: usize,
    ) {
        let field = &self.field;
        let fan = Fan::<L>::new(self.roots, self.quotients, index);
        let mut columns = Columns::<W>::new(block);
        for at in (0..columns.len / C).map(|step| step * C) {
            let mut x = [[field.zero; W]; C];
            for (k, x) in x.iter_mut().enumerate() {
                // SAFETY: k < C, and `at` is a multiple of C below len / C * C.
                *x = unsafe { columns.load(at + k) };
            }
            levels!(x, (usize::from(LAST)..L).rev(), backward, field, |_, level, part| fan.root(level, part));
            if LAST {
                self.finish(&mut x);
            }
            for (k, x) in x.into_iter().enumerate() {
                // SAFETY: as for the load.
                unsafe { columns.store(at + k, x) };
            }
        }
    }

    /// Undoes `forward_parts`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn backward_parts<const L: usize, const W: usize, const C: usize, const LAST: bool>(
        &self,
        blocks: &mut [u64],
        index: usize,
    ) {
        let field = &self.field;
        let blocks = blocks.as_chunks_mut::<LANES>().0.as_chunks_mut::<W>().0.as_chunks_mut::<C>().0;
        for (i, blocks) in blocks.iter_mut().enumerate() {
            let fan = Fan::<L>::new(self.roots, self.quotients, index + i * C + C - 1);
            let mut x = [[field.zero; W]; C];
            for k in 0..C {
                for j in 0..W {
                    x[k][j] = load(&blocks[k][j]);
                }
            }
            levels!(x, (usize::from(LAST)..L).rev(), backward, field, |k, level, part| fan.before(
                C - 1 - k,
                level,
                part
            ));
            if LAST {
                self.finish(&mut x);
            }
            for k in 0..C {
                for j in 0..W {
                    store(&mut blocks[k][j], x[k][j]);
                }
            }
        }
    }

    /// The very last level of the inverse.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn finish<const W: usize>(&self, x: &mut [[__m512i; W]]) {
        for x in x {
            for i in 0..W / 2 {
                (x[i], x[i + W / 2]) = last(&self.field, x[i], x[i + W / 2], &self.scale, self.plus);
            }
        }
    }

    /// The last three levels of a block whose first run has the root of the given index, to [0, q).
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn forward_late(&self, block: &mut [u64], index: usize) {
        let late = &self.late[index / LANES - self.late.len()..];
        if block.len() == TILE {
            return self.forward_tiles::<1>(block, late);
        }
        for (tiles, late) in block.chunks_exact_mut(PAIR * TILE).zip(late.chunks_exact(PAIR)) {
            self.forward_tiles::<PAIR>(tiles, late);
        }
    }

    /// Undoes `forward_late`, from [0, q) to [0, 2q).
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn backward_late(&self, block: &mut [u64], index: usize) {
        let late = &self.late[index / LANES - self.late.len()..];
        if block.len() == TILE {
            return self.backward_tiles::<1>(block, late);
        }
        for (tiles, late) in block.chunks_exact_mut(PAIR * TILE).zip(late.chunks_exact(PAIR)) {
            prefetch(tiles);
            self.backward_tiles::<PAIR>(tiles, late);
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn forward_tiles<const C: usize>(&self, tiles: &mut [u64], late: &[[u64; LANES]]) {
        let field = &self.field;
        let mut columns = Tiles::<C>::new(tiles);
        let mut fans = [LateFan::zero(field); C];
        for (fan, late) in fans.iter_mut().zip(late) {
            *fan = self.spread.fan(field, load(late));
        }
        let mut x = columns.load();
        for x in &mut x {
            for x in &mut x[..LANES / 2] {
                *x = _mm512_and_si512(*x, field.mask);
            }
        }
        levels!(x, 0..3, forward_late, field, |k: usize, level, part| fans[k].root(level, part));
        for x in x.iter_mut().flatten() {
            *x = field.settle(*x);
        }
        columns.store(x);
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn backward_tiles<const C: usize>(&self, tiles: &mut [u64], late: &[[u64; LANES]]) {
        let field = &self.field;
        let mut columns = Tiles::<C>::new(tiles);
        let mut fans = [LateFan::zero(field); C];
        for (fan, late) in fans.iter_mut().zip(late) {
            *fan = self.spread.fan(field, load(late));
        }
        let mut x = columns.load();
        levels!(x, (0..3).rev(), backward_late, field, |k: usize, level, part| fans[k].root(level, part));
        columns.store(x);
    }
}

/// Copies what is to be transformed, if it stands elsewhere.
#[inline]
fn fetch(block: &mut [u64], from: Option<&[u64]>) {
    if let Some(from) = from {
        block.copy_from_slice(from);
    }
}

/// Asks for the words two pages after some: the innermost steps are the first to touch a row, and long enough for the
/// hardware to fall behind.
#[inline]
#[target_feature(enable = "avx512f")]
fn prefetch(words: &[u64]) {
    const AHEAD: usize = 1024;
    for line in words.as_chunks::<LANES>().0 {
        _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().wrapping_add(AHEAD).cast());
    }
}

/// The last butterfly of the inverse transform, times the constant, plus another, to [0, q).
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn last(
    field: &Field,
    x: __m512i,
    y: __m512i,
    [scale, root]: &[Root; 2],
    plus: __m512i,
) -> (__m512i, __m512i) {
    let sum = _mm512_add_epi64(x, y);
    let difference = _mm512_sub_epi64(_mm512_add_epi64(x, field.twice), y);
    let settled = |x: __m512i| field.settle(_mm512_add_epi64(x, plus));
    (settled(product(field, sum, *scale)), settled(product(field, difference, *root)))
}

/// A block seen as W parts of equal length, a multiple of the vector; column i holds vector i of every part.
struct Columns<'a, const W: usize> {
    words: &'a mut [[u64; LANES]],
    len: usize,
}

impl<'a, const W: usize> Columns<'a, W> {
    #[inline]
    fn new(block: &'a mut [u64]) -> Self {
        let words = block.as_chunks_mut::<LANES>().0;
        let len = words.len() / W;
        Self { words, len }
    }

    /// Column `at`.
    ///
    /// # Safety
    /// `at` must be below `len`.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn load(&self, at: usize) -> [__m512i; W] {
        debug_assert!(at < self.len);
        let mut x = [_mm512_setzero_si512(); W];
        for (i, x) in x.iter_mut().enumerate() {
            // SAFETY: i < W and at < len, so the place is below W len, which is at most the number of vectors.
            *x = load(unsafe { self.words.get_unchecked(i * self.len + at) });
        }
        x
    }

    /// Replaces column `at`.
    ///
    /// # Safety
    /// `at` must be below `len`.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn store(&mut self, at: usize, x: [__m512i; W]) {
        debug_assert!(at < self.len);
        for (i, x) in x.into_iter().enumerate() {
            // SAFETY: i < W and at < len, so the place is below W len, which is at most the number of vectors.
            store(unsafe { self.words.get_unchecked_mut(i * self.len + at) }, x);
        }
    }
}

/// C tiles of eight runs each; they are held transposed: vector j has word j of every run.
struct Tiles<'a, const C: usize> {
    runs: &'a mut [[[u64; LANES]; LANES]],
}

impl<'a, const C: usize> Tiles<'a, C> {
    #[inline]
    fn new(tiles: &'a mut [u64]) -> Self {
        Self { runs: &mut tiles.as_chunks_mut().0.as_chunks_mut().0[..C] }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn load(&self) -> [[__m512i; LANES]; C] {
        let mut x = [[_mm512_setzero_si512(); LANES]; C];
        for (x, runs) in x.iter_mut().zip(&*self.runs) {
            for (x, run) in x.iter_mut().zip(runs) {
                *x = load(run);
            }
            *x = transpose(*x);
        }
        x
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn store(&mut self, x: [[__m512i; LANES]; C]) {
        for (x, runs) in x.into_iter().zip(&mut *self.runs) {
            for (x, run) in transpose(x).into_iter().zip(runs) {
                store(run, x);
            }
        }
    }
}

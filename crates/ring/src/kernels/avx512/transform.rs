//! The negacyclic transform and its inverse.
//!
//! The first levels run in passes of two, three or four levels that hold 4, 8 or 16 vectors in registers; a pass over a
//! large block is followed by all the remaining passes over each of its parts, so that these stay in the first cache.
//! The last six levels act on 64 words: three levels between eight vectors, a transposition, and three more.

use std::arch::x86_64::*;

use super::super::scalar::KERNELS as SCALAR;
use super::butterfly::{Root, Spread, backward, backward_late, forward, forward_late, product, transpose};
use super::lanes::{Field, LANES, load, store, sub_if};
use crate::modulus::Constant;
use crate::ntt::NttTable;

/// Words of the innermost block, and their logarithm.
const INNER: usize = 64;
const LOG_INNER: usize = 6;

/// Levels per pass for a given number of levels above the innermost block; larger blocks first.
const PASSES: [&[usize]; 12] = [
    &[],
    &[1],
    &[2],
    &[3],
    &[2, 2],
    &[2, 3],
    &[3, 3],
    &[3, 4],
    &[3, 3, 2],
    &[3, 3, 3],
    &[3, 3, 4],
    &[3, 4, 4],
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
            Plan::new(table, roots, quotients, table.inverse_late_roots(), scale).backward(row, 1, passes);
        }
    }
}

/// The passes for a row, if there are at least six levels.
fn passes(row: &[u64], table: &NttTable) -> Option<&'static [usize]> {
    debug_assert_eq!(row.len(), 1 << table.log_n());
    (row.len() == 1 << table.log_n())
        .then_some(*PASSES.get((table.log_n() as usize).checked_sub(LOG_INNER)?)?)
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
        }
    }

    /// Transforms a block whose first level uses the root of the given index.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn forward(&self, block: &mut [u64], index: usize, passes: &[usize]) {
        let Some((&levels, rest)) = passes.split_first() else {
            for (i, inner) in block.as_chunks_mut().0.iter_mut().enumerate() {
                self.forward_inner(inner, index + i);
            }
            return;
        };
        match levels {
            1 => self.forward_pass::<1, 2>(block, index),
            2 => self.forward_pass::<2, 4>(block, index),
            3 => self.forward_pass::<3, 8>(block, index),
            _ => self.forward_pass::<4, 16>(block, index),
        }
        if rest.is_empty() {
            return self.forward(block, index << levels, rest);
        }
        let part = block.len() >> levels;
        for (i, part) in block.chunks_exact_mut(part).enumerate() {
            self.forward(part, (index << levels) + i, rest);
        }
    }

    /// Undoes `forward`, times the constant.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn backward(&self, block: &mut [u64], index: usize, passes: &[usize]) {
        let Some((&levels, rest)) = passes.split_first() else {
            for (i, inner) in block.as_chunks_mut().0.iter_mut().enumerate() {
                match index + i {
                    1 => self.backward_inner::<true>(inner, 1),
                    index => self.backward_inner::<false>(inner, index),
                }
            }
            return;
        };
        if rest.is_empty() {
            self.backward(block, index << levels, rest);
        } else {
            let part = block.len() >> levels;
            for (i, part) in block.chunks_exact_mut(part).enumerate() {
                self.backward(part, (index << levels) + i, rest);
            }
        }
        match (levels, index) {
            (1, 1) => self.backward_pass::<1, 2, true>(block, index),
            (2, 1) => self.backward_pass::<2, 4, true>(block, index),
            (3, 1) => self.backward_pass::<3, 8, true>(block, index),
            (_, 1) => self.backward_pass::<4, 16, true>(block, index),
            (1, _) => self.backward_pass::<1, 2, false>(block, index),
            (2, _) => self.backward_pass::<2, 4, false>(block, index),
            (3, _) => self.backward_pass::<3, 8, false>(block, index),
            (_, _) => self.backward_pass::<4, 16, false>(block, index),
        }
    }

    /// L levels on W = 2^L vectors at a time, a block's W-th part apart.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn forward_pass<const L: usize, const W: usize>(&self, block: &mut [u64], index: usize) {
        let field = &self.field;
        let roots = self.fan::<L, W>(index);
        let mut columns = Columns::<W>::new(block);
        for at in 0..columns.len() {
            let mut x = columns.load(at);
            for level in 0..L {
                let half = W >> (level + 1);
                for part in 0..1 << level {
                    let root = roots[(1 << level) - 1 + part];
                    for i in 2 * half * part..2 * half * part + half {
                        (x[i], x[i + half]) = forward(field, x[i], x[i + half], root);
                    }
                }
            }
            columns.store(at, x);
        }
    }

    /// Undoes `forward_pass`; the last pass of all multiplies by the constant.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn backward_pass<const L: usize, const W: usize, const LAST: bool>(
        &self,
        block: &mut [u64],
        index: usize,
    ) {
        let field = &self.field;
        let roots = self.fan::<L, W>(index);
        let mut columns = Columns::<W>::new(block);
        for at in 0..columns.len() {
            let mut x = columns.load(at);
            for level in (LAST as usize..L).rev() {
                let half = W >> (level + 1);
                for part in 0..1 << level {
                    let root = roots[(1 << level) - 1 + part];
                    for i in 2 * half * part..2 * half * part + half {
                        (x[i], x[i + half]) = backward(field, x[i], x[i + half], root);
                    }
                }
            }
            if LAST {
                for i in 0..W / 2 {
                    (x[i], x[i + W / 2]) = last(field, x[i], x[i + W / 2], &self.scale);
                }
            }
            columns.store(at, x);
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn forward_inner(&self, words: &mut [u64; INNER], index: usize) {
        let field = &self.field;
        let mut columns = Columns::<LANES>::new(words);
        let mut x = columns.load(0);
        let roots = self.fan::<3, 8>(index);
        for (a, b, root) in NETWORK {
            (x[a], x[b]) = forward(field, x[a], x[b], roots[root]);
        }
        x = transpose(x);
        let roots = self.spread.roots(field, load(&self.late[index - self.late.len()]));
        for (a, b, root) in NETWORK {
            (x[a], x[b]) = forward_late(field, x[a], x[b], roots[root]);
        }
        for x in &mut x {
            *x = field.settle(*x);
        }
        columns.store(0, transpose(x));
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn backward_inner<const LAST: bool>(&self, words: &mut [u64; INNER], index: usize) {
        let field = &self.field;
        let mut columns = Columns::<LANES>::new(words);
        let mut x = transpose(columns.load(0));
        let roots = self.spread.roots(field, load(&self.late[index - self.late.len()]));
        for (a, b, root) in NETWORK.into_iter().rev() {
            (x[a], x[b]) = backward_late(field, x[a], x[b], roots[root]);
        }
        x = transpose(x);
        let roots = self.fan::<3, 8>(index);
        for (a, b, root) in NETWORK.into_iter().skip(if LAST { 4 } else { 0 }).rev() {
            (x[a], x[b]) = backward(field, x[a], x[b], roots[root]);
        }
        if LAST {
            for i in 0..4 {
                (x[i], x[i + 4]) = last(field, x[i], x[i + 4], &self.scale);
            }
        }
        columns.store(0, x);
    }

    /// The roots of L levels below the block of the given index: one, two, four, ...
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn fan<const L: usize, const W: usize>(&self, index: usize) -> [Root; W] {
        let mut fan = [Root::new(0, 0); W];
        for level in 0..L {
            for part in 0..1 << level {
                let at = (index << level) + part;
                fan[(1 << level) - 1 + part] = Root::new(self.roots[at], self.quotients[at]);
            }
        }
        fan
    }
}

/// The last butterfly of the inverse transform, times the constant, to [0, q).
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn last(field: &Field, x: __m512i, y: __m512i, [scale, root]: &[Root; 2]) -> (__m512i, __m512i) {
    let sum = _mm512_add_epi64(x, y);
    let difference = _mm512_sub_epi64(_mm512_add_epi64(x, field.twice), y);
    (sub_if(product(field, sum, *scale), field.q), sub_if(product(field, difference, *root), field.q))
}

/// Three levels of butterflies on eight places, in order: the places and the root.
const NETWORK: [(usize, usize, usize); 12] = [
    (0, 4, 0),
    (1, 5, 0),
    (2, 6, 0),
    (3, 7, 0),
    (0, 2, 1),
    (1, 3, 1),
    (4, 6, 2),
    (5, 7, 2),
    (0, 1, 3),
    (2, 3, 4),
    (4, 5, 5),
    (6, 7, 6),
];

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

    #[inline]
    fn len(&self) -> usize {
        self.len
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn load(&self, at: usize) -> [__m512i; W] {
        assert!(at < self.len);
        let mut x = [_mm512_setzero_si512(); W];
        for (i, x) in x.iter_mut().enumerate() {
            // SAFETY: i < W and at < len, so the place is below W len, which is at most the number of vectors.
            *x = load(unsafe { self.words.get_unchecked(i * self.len + at) });
        }
        x
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn store(&mut self, at: usize, x: [__m512i; W]) {
        assert!(at < self.len);
        for (i, x) in x.into_iter().enumerate() {
            // SAFETY: i < W and at < len, so the place is below W len, which is at most the number of vectors.
            store(unsafe { self.words.get_unchecked_mut(i * self.len + at) }, x);
        }
    }
}

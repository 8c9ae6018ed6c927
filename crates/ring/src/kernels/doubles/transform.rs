//! The negacyclic transform and its inverse on integers in doubles, of either sign.
//!
//! Between the passes the row holds the bits of doubles. A pass is two levels on four vectors (one level on two, if the
//! number of levels is odd). Parts of a pass go through all that remains one after the other, until they are a block of a first
//! cache, over which each pass goes as a whole.
//! The last levels act within runs of N words: N runs are transposed, and each lane has its own roots.
//!
//! Roots of passes are centred, at most (q + 1)/2 in size, so that a product of a number below B q is below (1/2 + B/8) q.
//! Those of the last levels are not: there a product is below (1/2 + 3B/8) q. No number may reach 4q.

use super::super::scalar::KERNELS as SCALAR;
use super::lanes::{Field, Lanes, Step};
use super::rows::add_constant;
use crate::modulus::Constant;
use crate::ntt::NttTable;

/// Words that go through all their passes at once: half of a first cache.
const BLOCK: usize = 2048;

#[inline(always)]
pub(in super::super) fn ntt<S: Lanes<N>, const N: usize>(lanes: S, row: &mut [u64], table: &NttTable) {
    if row.len() != 1 << table.log_n() || row.len() < N * N {
        return (SCALAR.ntt)(row, table);
    }
    let plan = Plan::<S, N>::new(lanes, table, table.roots(), Constant::default());
    for words in row.as_chunks_mut().0 {
        let x = plan.field.load(words);
        plan.put(words, x);
    }
    plan.forward(row, 1, table.log_n() - N.ilog2(), false);
}

#[inline(always)]
pub(in super::super) fn digits<S: Lanes<N>, const N: usize>(
    lanes: S,
    row: &mut [u64],
    from: Option<&[u64]>,
    table: &NttTable,
    scale: Constant,
    plus: u64,
) {
    if let Some(from) = from {
        row.copy_from_slice(from);
    }
    intt(lanes, row, table, scale);
    add_constant(lanes, row, plus, table.modulus());
}

#[inline(always)]
pub(in super::super) fn intt<S: Lanes<N>, const N: usize>(
    lanes: S,
    row: &mut [u64],
    table: &NttTable,
    scale: Constant,
) {
    if row.len() != 1 << table.log_n() || row.len() < N * N {
        return (SCALAR.intt)(row, table, scale);
    }
    Plan::<S, N>::new(lanes, table, table.inverse_roots(), scale).backward(row, 1, table.log_n() - N.ilog2());
}

struct Plan<'a, S: Lanes<N>, const N: usize> {
    field: Field<S, N>,
    roots: &'a [u64],
    /// The inverse transform's factor, and its product with the last root; both centred.
    scale: [S::Double; 2],
}

impl<'a, S: Lanes<N>, const N: usize> Plan<'a, S, N> {
    #[inline(always)]
    fn new(lanes: S, table: &NttTable, roots: &'a [u64], scale: Constant) -> Self {
        let modulus = table.modulus();
        let last = modulus.mul_constant(roots[1], scale);
        let field = Field::new(lanes, modulus);
        let scale = field.reduce(lanes.splat_double(scale.value as f64));
        let last = field.reduce(lanes.splat_double(last as f64));
        Self { field, roots, scale: [scale, last] }
    }

    /// The doubles whose bits the words hold.
    #[inline(always)]
    fn get(&self, words: &[u64; N]) -> S::Double {
        self.field.lanes.as_double(self.field.lanes.load(words))
    }

    #[inline(always)]
    fn put(&self, words: &mut [u64; N], x: S::Double) {
        self.field.lanes.store(words, self.field.lanes.as_word(x));
    }

    /// (x, y) to (x + y, x - y).
    #[inline(always)]
    fn both(&self, x: S::Double, y: S::Double) -> (S::Double, S::Double) {
        (self.field.lanes.add(x, y), self.field.lanes.sub(x, y))
    }

    /// (x, y) to (x + w y, x - w y).
    #[inline(always)]
    fn forward_one(&self, x: S::Double, y: S::Double, w: S::Double) -> (S::Double, S::Double) {
        self.both(x, self.field.mul(y, w))
    }

    /// (x, y) to (x + y, w (x - y)).
    #[inline(always)]
    fn backward_one(&self, x: S::Double, y: S::Double, w: S::Double) -> (S::Double, S::Double) {
        let (sum, difference) = self.both(x, y);
        (sum, self.field.mul(difference, w))
    }

    #[inline(always)]
    fn reduce(&self, x: S::Double) -> S::Double {
        self.field.reduce(x)
    }

    /// Transforms a block whose first level uses the root of the given index and that has more levels before the late ones.
    ///
    /// Every second pass reduces what it does not multiply. From |x| < 4q such a pass leaves 1.5q and 2.2q behind its levels, and
    /// the next one 3q and 3.9q. The first of all passes starts from [0, q), and leaves 1.7q and 2.4q without reductions.
    #[inline(always)]
    fn forward(&self, block: &mut [u64], index: usize, levels: u32, tidy: bool) {
        self.field.lanes.enter(Forward { plan: self, block, index, levels, tidy });
    }

    /// The flag is a literal where loops are: each is compiled for its own.
    #[inline(always)]
    fn forward_pass(&self, block: &mut [u64], index: usize, take: u32, tidy: bool) {
        match (take, tidy) {
            (1, _) => self.forward_level(block, index, tidy),
            (_, true) => self.forward_levels(block, index, true),
            (_, false) => self.forward_levels(block, index, false),
        }
    }

    #[inline(always)]
    fn forward_level(&self, block: &mut [u64], index: usize, tidy: bool) {
        let root = self.root(index);
        let (low, high) = halves(block);
        for (x, y) in low.iter_mut().zip(high) {
            let first = if tidy { self.reduce(self.get(x)) } else { self.get(x) };
            let (a, b) = self.forward_one(first, self.get(y), root);
            self.put(x, a);
            self.put(y, b);
        }
    }

    #[inline(always)]
    fn forward_levels(&self, block: &mut [u64], index: usize, tidy: bool) {
        let [root, root0, root1] = self.fan(index);
        let (low, high) = block.split_at_mut(block.len() / 2);
        let ((a, b), (c, d)) = (halves(low), halves(high));
        for ((a, b), (c, d)) in a.iter_mut().zip(b).zip(c.iter_mut().zip(d)) {
            let (mut x0, mut x1) = (self.get(a), self.get(b));
            if tidy {
                (x0, x1) = (self.reduce(x0), self.reduce(x1));
            }
            let (x0, x2) = self.forward_one(x0, self.get(c), root);
            let (x1, x3) = self.forward_one(x1, self.get(d), root);
            let (x0, x1) = self.forward_one(x0, x1, root0);
            let (x2, x3) = self.forward_one(x2, x3, root1);
            self.put(a, x0);
            self.put(b, x1);
            self.put(c, x2);
            self.put(d, x3);
        }
    }

    /// Undoes `forward`, times the constant.
    #[inline(always)]
    fn backward(&self, block: &mut [u64], index: usize, levels: u32) {
        self.field.lanes.enter(Backward { plan: self, block, index, levels });
    }

    #[inline(always)]
    fn backward_pass(&self, block: &mut [u64], index: usize, take: u32, first: bool) {
        match (take, index) {
            (1, 1) => self.finish_level(block),
            (1, _) => self.backward_level(block, index),
            (_, 1) => self.finish_levels(block),
            _ if first => self.backward_levels(block, index, true),
            _ => self.backward_levels(block, index, false),
        }
    }

    #[inline(always)]
    fn backward_level(&self, block: &mut [u64], index: usize) {
        let root = self.root(index);
        let (low, high) = halves(block);
        for (x, y) in low.iter_mut().zip(high) {
            let (a, b) = self.backward_one(self.get(x), self.get(y), root);
            self.put(x, self.reduce(a));
            self.put(y, b);
        }
    }

    /// From |x| < 1.4q, reducing all sums, or from |x| < q, reducing those of the second level, to |x| < q.
    #[inline(always)]
    fn backward_levels(&self, block: &mut [u64], index: usize, tidy: bool) {
        let [root, root0, root1] = self.fan(index);
        let (low, high) = block.split_at_mut(block.len() / 2);
        let ((a, b), (c, d)) = (halves(low), halves(high));
        for ((a, b), (c, d)) in a.iter_mut().zip(b).zip(c.iter_mut().zip(d)) {
            let (mut x0, x1) = self.backward_one(self.get(a), self.get(b), root0);
            let (mut x2, x3) = self.backward_one(self.get(c), self.get(d), root1);
            if tidy {
                (x0, x2) = (self.reduce(x0), self.reduce(x2));
            }
            let (x0, x2) = self.backward_one(x0, x2, root);
            let (x1, x3) = self.backward_one(x1, x3, root);
            self.put(a, self.reduce(x0));
            self.put(b, self.reduce(x1));
            self.put(c, x2);
            self.put(d, x3);
        }
    }

    /// The very last level of the inverse.
    #[inline(always)]
    fn finish_level(&self, block: &mut [u64]) {
        let (low, high) = halves(block);
        for (x, y) in low.iter_mut().zip(high) {
            self.finish(x, y, self.get(x), self.get(y));
        }
    }

    /// The very last two levels of the inverse.
    #[inline(always)]
    fn finish_levels(&self, block: &mut [u64]) {
        let [_, root0, root1] = self.fan(1);
        let (low, high) = block.split_at_mut(block.len() / 2);
        let ((a, b), (c, d)) = (halves(low), halves(high));
        for ((a, b), (c, d)) in a.iter_mut().zip(b).zip(c.iter_mut().zip(d)) {
            let (x0, x1) = self.backward_one(self.get(a), self.get(b), root0);
            let (x2, x3) = self.backward_one(self.get(c), self.get(d), root1);
            self.finish(a, c, self.reduce(x0), self.reduce(x2));
            self.finish(b, d, x1, x3);
        }
    }

    /// The very last butterfly of the inverse, from |x| < 1.4q, times the constant, to words in [0, q).
    #[inline(always)]
    fn finish(&self, x: &mut [u64; N], y: &mut [u64; N], a: S::Double, b: S::Double) {
        let (sum, difference) = self.both(a, b);
        let [scale, root] = self.scale;
        self.field.store(x, self.field.mul(sum, scale));
        self.field.store(y, self.field.mul(difference, root));
    }

    /// The last levels of a block whose first run has the root of the given index, to words in [0, q).
    ///
    /// From |x| < 4q the levels leave 2.5q, 3.95q and 2.5q.
    #[inline(always)]
    fn forward_late(&self, block: &mut [u64], index: usize) {
        for (at, tile) in tiles(block).iter_mut().enumerate() {
            let mut x = [self.field.zero; N];
            for (x, words) in x.iter_mut().zip(&*tile) {
                *x = self.get(words);
            }
            x = self.field.lanes.transpose(x);
            for level in 0..N.ilog2() {
                let roots = self.late(index + at * N, level);
                let half = N >> (level + 1);
                for (part, root) in roots.into_iter().take(1 << level).enumerate() {
                    for i in 2 * half * part..2 * half * part + half {
                        let first = if level % 2 == 0 { self.reduce(x[i]) } else { x[i] };
                        (x[i], x[i + half]) = self.both(first, self.field.mul_wide(x[i + half], root));
                    }
                }
            }
            let x = self.field.lanes.transpose(x);
            for (words, x) in tile.iter_mut().zip(x) {
                self.field.store(words, self.reduce(x));
            }
        }
    }

    /// Undoes `forward_late`, from words in [0, q) to |x| < 1.4q: sums are reduced, and products are below 0.9q, 1.2q and 1.4q.
    #[inline(always)]
    fn backward_late(&self, block: &mut [u64], index: usize) {
        for (at, tile) in tiles(block).iter_mut().enumerate() {
            let mut x = [self.field.zero; N];
            for (x, words) in x.iter_mut().zip(&*tile) {
                *x = self.field.load(words);
            }
            x = self.field.lanes.transpose(x);
            for level in (0..N.ilog2()).rev() {
                let roots = self.late(index + at * N, level);
                let half = N >> (level + 1);
                for (part, root) in roots.into_iter().take(1 << level).enumerate() {
                    for i in 2 * half * part..2 * half * part + half {
                        let (sum, difference) = self.both(x[i], x[i + half]);
                        (x[i], x[i + half]) = (self.reduce(sum), self.field.mul_wide(difference, root));
                    }
                }
            }
            let x = self.field.lanes.transpose(x);
            for (words, x) in tile.iter_mut().zip(x) {
                self.put(words, x);
            }
        }
    }

    /// The roots of a late level of N runs, one run to a lane: 2^level vectors of them. The first run has the root of the given
    /// index in the first late level.
    #[inline(always)]
    fn late(&self, index: usize, level: u32) -> [S::Double; 4] {
        let lanes = self.field.lanes;
        let words = self.roots[index << level..(index + N) << level].as_chunks().0;
        let all = match level {
            0 => [lanes.load(&words[0]); 4],
            1 => {
                let [even, odd] = lanes.unzip(lanes.load(&words[0]), lanes.load(&words[1]));
                [even, odd, even, odd]
            }
            _ => {
                let [even0, odd0] = lanes.unzip(lanes.load(&words[0]), lanes.load(&words[1]));
                let [even1, odd1] = lanes.unzip(lanes.load(&words[2]), lanes.load(&words[3]));
                let ([x0, x2], [x1, x3]) = (lanes.unzip(even0, even1), lanes.unzip(odd0, odd1));
                [x0, x1, x2, x3]
            }
        };
        let [x0, x1, x2, x3] = all;
        [lanes.to_double(x0), lanes.to_double(x1), lanes.to_double(x2), lanes.to_double(x3)]
    }

    #[inline(always)]
    fn root(&self, index: usize) -> S::Double {
        self.reduce(self.field.lanes.splat_double(self.roots[index] as f64))
    }

    #[inline(always)]
    fn fan(&self, index: usize) -> [S::Double; 3] {
        [self.root(index), self.root(2 * index), self.root(2 * index + 1)]
    }
}

/// A step of the transform's recursion.
struct Forward<'a, 'b, S: Lanes<N>, const N: usize> {
    plan: &'a Plan<'b, S, N>,
    block: &'a mut [u64],
    index: usize,
    levels: u32,
    tidy: bool,
}

impl<S: Lanes<N>, const N: usize> Step for Forward<'_, '_, S, N> {
    #[inline(always)]
    fn run(self) {
        let Self { plan, block, index, levels, mut tidy } = self;
        let mut done = 0;
        while done < levels {
            let take = 2 - (levels - done) % 2;
            let part = block.len() >> done;
            for (i, part) in block.chunks_exact_mut(part).enumerate() {
                plan.forward_pass(part, (index << done) + i, take, tidy);
            }
            (done, tidy) = (done + take, !tidy);
            if block.len() > BLOCK {
                let part = block.len() >> done;
                for (i, part) in block.chunks_exact_mut(part).enumerate() {
                    plan.forward(part, (index << done) + i, levels - done, tidy);
                }
                return;
            }
        }
        plan.forward_late(block, index << levels);
    }
}

/// A step of the inverse's recursion.
struct Backward<'a, 'b, S: Lanes<N>, const N: usize> {
    plan: &'a Plan<'b, S, N>,
    block: &'a mut [u64],
    index: usize,
    levels: u32,
}

impl<S: Lanes<N>, const N: usize> Step for Backward<'_, '_, S, N> {
    #[inline(always)]
    fn run(self) {
        let Self { plan, block, index, levels } = self;
        let mut left = levels;
        if block.len() > BLOCK {
            left = 2 - levels % 2;
            let part = block.len() >> left;
            for (i, part) in block.chunks_exact_mut(part).enumerate() {
                plan.backward(part, (index << left) + i, levels - left);
            }
        } else {
            plan.backward_late(block, index << levels);
        }
        while left > 0 {
            let take = left.min(2);
            let first = left == levels && block.len() <= BLOCK;
            left -= take;
            let part = block.len() >> left;
            for (i, part) in block.chunks_exact_mut(part).enumerate() {
                plan.backward_pass(part, (index << left) + i, take, first);
            }
        }
    }
}

type Vectors<'a, const N: usize> = &'a mut [[u64; N]];

#[inline(always)]
fn halves<const N: usize>(block: &mut [u64]) -> (Vectors<'_, N>, Vectors<'_, N>) {
    let (low, high) = block.split_at_mut(block.len() / 2);
    (low.as_chunks_mut().0, high.as_chunks_mut().0)
}

#[inline(always)]
fn tiles<const N: usize>(block: &mut [u64]) -> &mut [[[u64; N]; N]] {
    block.as_chunks_mut().0.as_chunks_mut().0
}

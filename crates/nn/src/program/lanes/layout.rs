//! Where features sit in slots, and maps between them.

use std::collections::BTreeMap;

use arras_circuits::Matrix;

use crate::Error;
use crate::head::Linear;
use crate::transformer::Shape;

/// Token-major and feature-minor: lane t has the slots from t * period on, a half for the features and a half that repeats them,
/// so that rotations by less than half a period need no mask. Padding is zero.
///
/// Where all features of all lanes do not fit the slots, they are split into two blocks, a vector each, with half of the heads.
/// A place is a block times the slots of a half, plus a slot of the half.
///
/// Features of the residual stream keep their order. Those of queries, keys and values are spread so that there is a power of two
/// of heads, next to each other, and a power of two of features in each: the sum over the features of a head is then one over
/// rotations by powers of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// Lanes, a power of two.
    pub lanes: usize,
    /// Vectors that hold the features: 1 or 2.
    pub blocks: usize,
    /// Slots of one copy of the features of a block.
    pub half: usize,
    /// Heads of a block.
    heads: usize,
    spread: usize,
    /// Features of a block.
    width: usize,
}

impl Layout {
    /// One block if it fits this many slots, else two, if they can be made and fit better.
    pub fn new(shape: &Shape, slots: usize) -> Self {
        let one = Self::of(shape, 1);
        let is_even = shape.heads.is_multiple_of(2) && shape.width.is_multiple_of(2);
        if one.slots() <= slots || !is_even {
            return one;
        }
        let two = Self::of(shape, 2);
        // A slot must be left for one over the number of tokens.
        if two.width < two.half && two.half < one.half { two } else { one }
    }

    fn of(shape: &Shape, blocks: usize) -> Self {
        let (heads, width) = (shape.heads / blocks, shape.width / blocks);
        let spread = heads.next_power_of_two();
        let each = (shape.width / shape.heads).next_power_of_two();
        let half = width.next_power_of_two().max(spread * each);
        Self { lanes: shape.lanes.next_power_of_two(), blocks, half, heads, spread, width }
    }

    /// Slots of one lane.
    pub const fn period(&self) -> usize {
        2 * self.half
    }

    /// Slots of a vector.
    pub const fn slots(&self) -> usize {
        self.lanes * self.period()
    }

    /// Places of features.
    pub const fn places(&self) -> usize {
        self.blocks * self.half
    }

    /// The place of a feature of the residual stream.
    pub const fn place(&self, feature: usize) -> usize {
        feature / self.width * self.half + feature % self.width
    }

    /// The place of a feature of a query, key or value.
    pub const fn headwise(&self, feature: usize) -> usize {
        let all = self.blocks * self.heads;
        let (each, head) = (feature / all, feature % all);
        head / self.heads * self.half + each * self.spread + head % self.heads
    }

    /// The rotations that add up the features of each head.
    pub fn head_folds(&self) -> Vec<i64> {
        (self.spread.ilog2()..self.half.ilog2()).map(|log| 1 << log).collect()
    }

    /// A value for each head in all slots of that head, for the heads of a block.
    pub fn per_head(&self, values: &[f64], block: usize) -> Vec<f64> {
        let own = values.chunks(self.heads).nth(block).unwrap_or_default();
        let at = |slot: usize| own.get(slot % self.spread).copied().unwrap_or(0.0);
        (0..self.period()).map(|slot| if slot < self.half { at(slot) } else { 0.0 }).collect()
    }

    /// Values at the places of residual features.
    pub fn placed(&self, values: impl IntoIterator<Item = f64>) -> Vec<f64> {
        let mut out = vec![0.0; self.places()];
        for (feature, value) in values.into_iter().enumerate() {
            out.iter_mut().skip(self.place(feature)).take(1).for_each(|slot| *slot = value);
        }
        out
    }

    /// The values of places, `factor` times, as public vectors: a block each, in the first half of a period.
    pub fn public(&self, places: &[f64], factor: f64) -> Vec<Vec<f64>> {
        let one = |block: &[f64]| {
            let zeros = std::iter::repeat_n(0.0, self.half);
            block.iter().map(|value| factor * value).chain(zeros).collect()
        };
        places.chunks(self.half).map(one).collect()
    }

    /// The features of lanes in both halves of their periods, block after block.
    pub fn repeat(&self, features: &[f64]) -> Vec<Vec<f64>> {
        let lanes = || features.chunks(self.width * self.blocks);
        let one = |block: usize| {
            let mut out = vec![0.0; self.slots()];
            for (lane, row) in out.chunks_exact_mut(self.period()).zip(lanes()) {
                for half in lane.chunks_exact_mut(self.half) {
                    let own = row.chunks(self.width).nth(block).unwrap_or_default();
                    half.iter_mut().zip(own).for_each(|(slot, value)| *slot = *value);
                }
            }
            out
        };
        (0..self.blocks).map(one).collect()
    }

    /// The features of so many lanes, lane after lane, from the slots of the blocks.
    pub fn features(&self, blocks: &[Vec<f64>], lanes: usize) -> Vec<f64> {
        let lane = |at: usize| {
            let own = move |block: &Vec<f64>| {
                block.iter().skip(at * self.period()).take(self.width).copied().collect::<Vec<_>>()
            };
            blocks.iter().flat_map(own)
        };
        (0..lanes).flat_map(lane).collect()
    }

    /// The slots of a period that hold one over the number of tokens, where features of two blocks leave no part of a pair free.
    pub fn spare(&self) -> std::ops::Range<usize> {
        self.half - self.spares()..self.half
    }

    fn spares(&self) -> usize {
        // The largest power of two that is left, so that rotations by it and its doubles fill a lane.
        1 << (self.half - self.width).max(1).ilog2()
    }

    /// The rotations that bring the spare slots of a lane to all its slots, and to no other lane: to the left where the place
    /// of the spare slots has a bit, and to the right where it has not.
    pub fn spare_folds(&self) -> Vec<i64> {
        let place = self.spare().start / self.spares();
        let steps =
            (0..(self.period() / self.spares()).ilog2()).map(|log| (place >> log & 1, self.spares() << log));
        steps.map(|(bit, step)| if bit == 1 { signed(step) } else { -signed(step) }).collect()
    }
}

/// A number of slots, which fits.
pub(super) fn signed(slots: usize) -> i64 {
    i64::try_from(slots).unwrap_or(i64::MAX)
}

/// An affine map between places.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Affine {
    columns: usize,
    /// Row after row.
    entries: Vec<f64>,
    pub bias: Vec<f64>,
}

impl Affine {
    /// A layer from so many places to so many: row r goes to place `to(r)` of the result, column c reads place `of(c)`.
    pub fn new(
        layer: &Linear,
        [rows, columns]: [usize; 2],
        to: impl Fn(usize) -> usize,
        of: impl Fn(usize) -> usize,
    ) -> Self {
        let (mut entries, mut bias) = (vec![0.0; rows * columns], vec![0.0; rows]);
        for (row, (weights, b)) in layer.iter().enumerate() {
            let place = to(row);
            bias.iter_mut().skip(place).take(1).for_each(|bias| *bias = b);
            for places in entries.chunks_exact_mut(columns).skip(place).take(1) {
                for (column, weight) in weights.iter().enumerate() {
                    places.iter_mut().skip(of(column)).take(1).for_each(|place| *place = *weight);
                }
            }
        }
        Self { columns, entries, bias }
    }

    /// This map after another one.
    pub fn after(&self, first: &Self) -> Self {
        let mut entries = vec![0.0; self.bias.len() * first.columns];
        for (out, row) in entries.chunks_exact_mut(first.columns).zip(self.rows()) {
            for (weight, inner) in row.iter().zip(first.rows()).filter(|(weight, _)| **weight != 0.0) {
                out.iter_mut().zip(inner).for_each(|(out, inner)| *out += weight * inner);
            }
        }
        let bias = self.rows().zip(&self.bias).map(|(row, b)| b + dot(row, &first.bias)).collect();
        Self { columns: first.columns, entries, bias }
    }

    /// This map of factor * x, factors given by place.
    pub fn of_scaled(&self, factors: &[f64]) -> Self {
        let scale = |row: &[f64]| row.iter().zip(factors).map(|(w, f)| w * f).collect::<Vec<_>>();
        Self { entries: self.rows().flat_map(scale).collect(), ..self.clone() }
    }

    /// factor * this map, factors given by place.
    pub fn scaled(&self, factors: &[f64]) -> Self {
        let rows = self.rows().zip(factors);
        let entries = rows.flat_map(|(row, f)| row.iter().map(move |w| w * f)).collect();
        Self { entries, bias: self.bias.iter().zip(factors).map(|(b, f)| b * f).collect(), ..*self }
    }

    /// A row vector times this map, and times its bias.
    pub fn pulled(&self, row: &[f64]) -> (Vec<f64>, f64) {
        let mut out = vec![0.0; self.columns];
        for (weight, inner) in row.iter().zip(self.rows()) {
            out.iter_mut().zip(inner).for_each(|(out, inner)| *out += weight * inner);
        }
        (out, dot(row, &self.bias))
    }

    fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.entries.chunks_exact(self.columns)
    }

    /// `factor` times the map without its bias: for each block of places that it reads, a matrix to each block that it gives.
    pub fn matrices(&self, layout: &Layout, factor: f64) -> Result<Vec<Vec<Matrix>>, Error> {
        let (reads, gives) = (self.columns / layout.half, self.bias.len() / layout.half);
        (0..reads).map(|of| (0..gives).map(|to| self.matrix(layout, factor, to, of)).collect()).collect()
    }

    /// From repeated features of one block to ones of another that are not: diagonal k reads k slots on.
    fn matrix(&self, layout: &Layout, factor: f64, to: usize, of: usize) -> Result<Matrix, Error> {
        let size = layout.half;
        let mut diagonals: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        for (i, row) in self.rows().skip(to * size).take(size).enumerate() {
            let own = row.iter().skip(of * size).take(size).enumerate();
            for (j, weight) in own.filter(|(_, weight)| **weight != 0.0) {
                let diagonal =
                    diagonals.entry((size + j - i) % size).or_insert_with(|| vec![0.0; layout.period()]);
                diagonal.iter_mut().skip(i).take(1).for_each(|slot| *slot = factor * weight);
            }
        }
        Ok(Matrix::diagonals(layout.period(), diagonals)?)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

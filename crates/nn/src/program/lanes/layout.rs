//! Where features sit in slots, and maps between them.

use std::collections::BTreeMap;

use arras_circuits::Matrix;

use crate::Error;
use crate::head::Linear;
use crate::transformer::Shape;

/// Token-major and feature-minor: lane t has the slots from t * period on, a half for the features and a half that repeats them,
/// so that rotations by less than half a period need no mask. Padding is zero.
///
/// Features of the residual stream keep their order. Those of queries, keys and values are spread so that there is a power of two
/// of heads, next to each other, and a power of two of features in each: the sum over the features of a head is then one over
/// rotations by powers of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// Lanes, a power of two.
    pub lanes: usize,
    /// Slots of one copy of the features.
    pub half: usize,
    heads: usize,
    spread: usize,
    width: usize,
}

impl Layout {
    pub fn new(shape: &Shape) -> Self {
        let spread = shape.heads.next_power_of_two();
        let each = (shape.width / shape.heads).next_power_of_two();
        let half = shape.width.next_power_of_two().max(spread * each);
        Self { lanes: shape.lanes.next_power_of_two(), half, heads: shape.heads, spread, width: shape.width }
    }

    /// Slots of one lane.
    pub const fn period(&self) -> usize {
        2 * self.half
    }

    /// Slots of a vector.
    pub const fn slots(&self) -> usize {
        self.lanes * self.period()
    }

    /// The slot of a feature of a query, key or value within its lane.
    pub const fn headwise(&self, feature: usize) -> usize {
        feature / self.heads * self.spread + feature % self.heads
    }

    /// The rotations that add up the features of each head.
    pub fn head_folds(&self) -> Vec<i64> {
        (self.spread.ilog2()..self.half.ilog2()).map(|log| 1 << log).collect()
    }

    /// A value for each head in all slots of that head.
    pub fn per_head(&self, values: &[f64]) -> Vec<f64> {
        let at = |slot: usize| values.get(slot % self.spread).copied().unwrap_or(0.0);
        (0..self.period()).map(|slot| if slot < self.half { at(slot) } else { 0.0 }).collect()
    }

    /// Values at these slots of the first half of a period, zeros elsewhere.
    pub fn spread(&self, values: impl IntoIterator<Item = (usize, f64)>) -> Vec<f64> {
        let mut out = vec![0.0; self.period()];
        for (slot, value) in values {
            if let Some(out) = out.get_mut(slot) {
                *out = value;
            }
        }
        out
    }

    /// The features of lanes in both halves of their periods.
    pub fn repeat(&self, features: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; self.slots()];
        for (lane, row) in out.chunks_exact_mut(self.period()).zip(features.chunks(self.width)) {
            for half in lane.chunks_exact_mut(self.half) {
                half.iter_mut().zip(row).for_each(|(slot, value)| *slot = *value);
            }
        }
        out
    }
}

/// An affine map between the slots of one half of a period.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Affine {
    size: usize,
    /// Row after row.
    entries: Vec<f64>,
    pub bias: Vec<f64>,
}

impl Affine {
    /// The rows of a layer from `from` on, as many as fit: row r goes to slot `to(r)` of the result, column c reads slot
    /// `of(c)`.
    pub fn new(
        layout: &Layout,
        layer: &Linear,
        rows: std::ops::Range<usize>,
        to: impl Fn(usize) -> usize,
        of: impl Fn(usize) -> usize,
    ) -> Self {
        let size = layout.half;
        let (mut entries, mut bias) = (vec![0.0; size * size], vec![0.0; size]);
        for (row, (weights, b)) in layer.iter().enumerate().skip(rows.start).take(rows.len()) {
            let place = to(row - rows.start);
            if let (Some(slots), Some(bias)) =
                (entries.chunks_exact_mut(size).nth(place), bias.get_mut(place))
            {
                *bias = b;
                for (column, weight) in weights.iter().enumerate() {
                    slots.iter_mut().skip(of(column)).take(1).for_each(|slot| *slot = *weight);
                }
            }
        }
        Self { size, entries, bias }
    }

    /// The block of a layer's columns from `columns.start` on, of which row r goes to slot r; without its bias.
    pub fn columns(layout: &Layout, layer: &Linear, columns: std::ops::Range<usize>) -> Self {
        let size = layout.half;
        let mut entries = vec![0.0; size * size];
        for (slots, (weights, _)) in entries.chunks_exact_mut(size).zip(layer.iter()) {
            let own = weights.iter().skip(columns.start).take(columns.len());
            slots.iter_mut().zip(own).for_each(|(slot, weight)| *slot = *weight);
        }
        Self { size, entries, bias: vec![0.0; size] }
    }

    /// This map after another one.
    pub fn after(&self, first: &Self) -> Self {
        let mut entries = vec![0.0; self.size * self.size];
        for (out, row) in entries.chunks_exact_mut(self.size).zip(self.rows()) {
            for (weight, inner) in row.iter().zip(first.rows()).filter(|(weight, _)| **weight != 0.0) {
                out.iter_mut().zip(inner).for_each(|(out, inner)| *out += weight * inner);
            }
        }
        let bias = self.rows().zip(&self.bias).map(|(row, b)| b + dot(row, &first.bias)).collect();
        Self { size: self.size, entries, bias }
    }

    /// This map of factor * x, factors given by slot.
    pub fn of_scaled(&self, factors: &[f64]) -> Self {
        let scale = |row: &[f64]| row.iter().zip(factors).map(|(w, f)| w * f).collect::<Vec<_>>();
        Self { entries: self.rows().flat_map(scale).collect(), ..self.clone() }
    }

    /// factor * this map, factors given by slot.
    pub fn scaled(&self, factors: &[f64]) -> Self {
        let rows = self.rows().zip(factors);
        let entries = rows.flat_map(|(row, f)| row.iter().map(move |w| w * f)).collect();
        Self { entries, bias: self.bias.iter().zip(factors).map(|(b, f)| b * f).collect(), ..*self }
    }

    /// A row vector times this map, and times its bias.
    pub fn pulled(&self, row: &[f64]) -> (Vec<f64>, f64) {
        let mut out = vec![0.0; self.size];
        for (weight, inner) in row.iter().zip(self.rows()) {
            out.iter_mut().zip(inner).for_each(|(out, inner)| *out += weight * inner);
        }
        (out, dot(row, &self.bias))
    }

    fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.entries.chunks_exact(self.size)
    }

    /// `factor` times the map without its bias, from repeated features to ones that are not: diagonal k reads k slots on.
    pub fn matrix(&self, layout: &Layout, factor: f64) -> Result<Matrix, Error> {
        let mut diagonals: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        for (i, row) in self.rows().enumerate() {
            for (j, weight) in row.iter().enumerate().filter(|(_, weight)| **weight != 0.0) {
                let diagonal = diagonals
                    .entry((self.size + j - i) % self.size)
                    .or_insert_with(|| vec![0.0; layout.period()]);
                diagonal.iter_mut().skip(i).take(1).for_each(|slot| *slot = factor * weight);
            }
        }
        Ok(Matrix::diagonals(layout.period(), diagonals)?)
    }
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

//! Decision trees and forests on integers of few bits, as `arras_apps::tree` takes them.
//!
//! Features are put on a grid first, and trees are grown on the grid: what a tree says of the integers is what it says
//! under encryption, to the last sample. Splits are those of CART, by the Gini impurity; the same table, options and seed give
//! the same trees everywhere.
//!
//! References: Breiman, Friedman, Olshen and Stone (1984), Classification and Regression Trees, chapter 4; Breiman (2001),
//! Random Forests, section 4.

use arras_apps::tree::forest::{CLASSES, DEPTH};
use arras_apps::tree::model::{Arrays, FORMAT, File};
use serde_json::Value;

use crate::Error;
use crate::rng::Rng;

/// Labelled samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Names of the features, if known.
    pub names: Option<Vec<String>>,
    /// The samples, each of one finite number for each feature.
    pub rows: Vec<Vec<f64>>,
    /// The class of each sample, as an index of `classes`.
    pub labels: Vec<usize>,
    /// The classes: numbers or words.
    pub classes: Vec<Value>,
}

/// What to grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Bits of a feature, 1 to 16.
    pub bits: u32,
    /// The most splits on a path.
    pub depth: usize,
    /// How many trees; more than one see samples drawn with replacement, and at each split a square root of the features.
    pub trees: usize,
    /// Where the drawing starts.
    pub seed: u64,
}

/// The samples on the grid, and where it lies.
struct Grid {
    offset: Vec<f64>,
    scale: Vec<f64>,
    /// Feature by feature.
    columns: Vec<Vec<u32>>,
}

/// The best split of some samples.
#[derive(Clone, Copy)]
struct Split {
    feature: usize,
    threshold: f64,
    purity: f64,
}

/// Grows one tree, or a forest whose trees vote once each.
///
/// Cost: for each tree and level a sort of the samples for each feature.
///
/// # Errors
/// Options out of range, a table without two classes or features, or of uneven or unfinished rows.
pub fn grow(table: &Table, options: &Options) -> Result<File, Error> {
    check(table, options)?;
    let grid = Grid::new(table, options.bits);
    let mut rng = Rng::new(options.seed, 3);
    let grown = (0..options.trees).map(|_| {
        let count = table.rows.len();
        let alone = options.trees == 1;
        let samples = (0..count).map(|i| if alone { i } else { rng.below(count) }).collect();
        Grower { grid: &grid, table, options, arrays: Arrays::default() }.grow(samples, &mut rng)
    });
    let trees = grown.collect();
    Ok(File {
        format: FORMAT.to_owned(),
        bits: options.bits,
        offset: grid.offset,
        scale: grid.scale,
        names: table.names.clone(),
        classes: table.classes.clone(),
        votes: 1,
        trees,
    })
}

fn check(table: &Table, options: &Options) -> Result<(), Error> {
    let within = |name, value: usize, low: usize, high: usize| {
        let (v, l, h) = (value as f64, low as f64, high as f64);
        if (low..=high).contains(&value) {
            Ok(())
        } else {
            Err(Error::Option { name, value: v, low: l, high: h })
        }
    };
    within("bits", options.bits as usize, 1, 16)?;
    within("depth", options.depth, 1, DEPTH)?;
    within("trees", options.trees, 1, 256)?;
    let features = table.rows.first().map_or(0, Vec::len);
    let classes = table.classes.len();
    if features == 0 || !(2..=CLASSES).contains(&classes) {
        return Err(Error::Table { features, classes, most: CLASSES });
    }
    for (row, values) in (1..).zip(&table.rows) {
        if values.len() != features || !values.iter().all(|value| value.is_finite()) {
            return Err(Error::Row { row, features });
        }
    }
    match table.labels.iter().position(|label| *label >= classes) {
        None if table.labels.len() == table.rows.len() => Ok(()),
        row => Err(Error::Row { row: row.unwrap_or(table.labels.len()) + 1, features }),
    }
}

impl Grid {
    /// From the least to the largest value of each feature; integers that fit the bits stay what they are, less the least.
    fn new(table: &Table, bits: u32) -> Self {
        let top = f64::from(bits).exp2() - 1.0;
        let features = table.rows.first().map_or(0, Vec::len);
        let mut grid = Self { offset: Vec::new(), scale: Vec::new(), columns: Vec::new() };
        for feature in 0..features {
            let values = || table.rows.iter().filter_map(|row| row.get(feature).copied());
            let low = values().fold(f64::INFINITY, f64::min);
            let range = values().fold(f64::NEG_INFINITY, f64::max) - low;
            let whole = range <= top && values().all(|value| value.fract() == 0.0);
            let scale = if whole || range / top <= 0.0 { 1.0 } else { range / top };
            let column =
                values().map(|value| ((value - low) / scale).round_ties_even().clamp(0.0, top) as u32);
            grid.columns.push(column.collect());
            grid.offset.push(low);
            grid.scale.push(scale);
        }
        grid
    }

    fn at(&self, feature: usize, sample: usize) -> u32 {
        self.columns.get(feature).and_then(|column| column.get(sample)).copied().unwrap_or(0)
    }
}

/// A tree as it grows.
struct Grower<'a> {
    grid: &'a Grid,
    table: &'a Table,
    options: &'a Options,
    arrays: Arrays,
}

impl Grower<'_> {
    fn grow(mut self, samples: Vec<usize>, rng: &mut Rng) -> Arrays {
        let root = self.leaf(&samples);
        let mut waiting = vec![(root, samples, 0)];
        while let Some((node, samples, depth)) = waiting.pop() {
            let split = if depth < self.options.depth { self.best(&samples, rng) } else { None };
            let Some(split) = split else { continue };
            let goes_left = |i: &usize| f64::from(self.grid.at(split.feature, *i)) <= split.threshold;
            let (lefts, rights): (Vec<usize>, Vec<usize>) = samples.into_iter().partition(goes_left);
            let (left, right) = (self.leaf(&lefts), self.leaf(&rights));
            let lists = [&mut self.arrays.feature, &mut self.arrays.left, &mut self.arrays.right];
            for (list, value) in lists.into_iter().zip([split.feature, left, right]) {
                set(list, node, value as i64);
            }
            set(&mut self.arrays.threshold, node, split.threshold);
            waiting.extend([(right, rights, depth + 1), (left, lefts, depth + 1)]);
        }
        self.arrays
    }

    /// A new node without children.
    fn leaf(&mut self, samples: &[usize]) -> usize {
        let arrays = &mut self.arrays;
        for list in [&mut arrays.feature, &mut arrays.left, &mut arrays.right] {
            list.push(-1);
        }
        arrays.threshold.push(-1.0);
        arrays.value.push(self.table.count(samples.iter().copied()));
        arrays.value.len() - 1
    }

    /// The split after which samples are purest, if any makes them purer; of equals the first.
    fn best(&self, samples: &[usize], rng: &mut Rng) -> Option<Split> {
        let all = self.table.count(samples.iter().copied());
        let mut best = Split { feature: 0, threshold: 0.0, purity: purity(&all) * (1.0 + 1e-9) };
        let mut found = false;
        for feature in self.features(rng) {
            let value = |i: &usize| self.grid.at(feature, *i);
            let mut sorted = samples.to_vec();
            sorted.sort_unstable_by_key(value);
            let (mut left, mut right) = (vec![0.0; all.len()], all.clone());
            for pair in sorted.windows(2) {
                let [this, next] = pair else { continue };
                let class = self.table.labels.get(*this).copied().unwrap_or(0);
                left.iter_mut().skip(class).take(1).for_each(|count| *count += 1.0);
                right.iter_mut().skip(class).take(1).for_each(|count| *count -= 1.0);
                let (low, high) = (value(this), value(next));
                let pure = purity(&left) + purity(&right);
                if low < high && pure > best.purity {
                    let threshold = (f64::from(low) + f64::from(high)) / 2.0;
                    (best, found) = (Split { feature, threshold, purity: pure }, true);
                }
            }
        }
        found.then_some(best)
    }

    /// The features that a split may look at.
    fn features(&self, rng: &mut Rng) -> Vec<usize> {
        let mut features: Vec<usize> = (0..self.grid.columns.len()).collect();
        if self.options.trees > 1 {
            rng.shuffle(&mut features);
            features.truncate(features.len().isqrt().max(1));
        }
        features
    }
}

impl Table {
    /// How many of these samples each class has.
    fn count(&self, samples: impl Iterator<Item = usize>) -> Vec<f64> {
        let mut counts = vec![0.0; self.classes.len()];
        for label in samples.filter_map(|i| self.labels.get(i)) {
            counts.iter_mut().skip(*label).take(1).for_each(|count| *count += 1.0);
        }
        counts
    }
}

/// The sum of squared counts by their sum: the larger the sum of both sides, the smaller the Gini impurity of a split.
fn purity(counts: &[f64]) -> f64 {
    let all: f64 = counts.iter().sum();
    if all > 0.0 { counts.iter().map(|count| count * count).sum::<f64>() / all } else { 0.0 }
}

fn set<T>(list: &mut [T], at: usize, value: T) {
    if let Some(entry) = list.get_mut(at) {
        *entry = value;
    }
}

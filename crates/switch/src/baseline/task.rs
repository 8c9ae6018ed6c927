//! Works to be measured, whose numbers were checked, and their clear answers.

use super::graph;
use super::tree::Tree;
use crate::Error;

/// The widest integers: their products still fit 64 bits.
const MOST_BITS: u32 = 24;

/// The most values, nodes or rows to which a measurement is scaled.
const MOST: usize = 1 << 24;

/// The SoK's workloads (section 6.1), on A, B, C and D. What a product is compared with has twice the bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// A*B > C, with the whole product.
    W1,
    /// (A > B)*C.
    W2,
    /// (A*B > C)*D.
    W3,
}

/// What is asked of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Select {
    /// The value of every row that passes, and 0 for the others.
    Rows,
    /// The sum of the values that pass.
    Sum,
}

/// The SoK's query (section 7.6) on rows of a value and three columns a, b and c; bounds are public and belong to it.
///
/// `SELECT value WHERE a*b BETWEEN product AND a+c BETWEEN sum`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query {
    /// Bounds of a*b.
    pub product: (u64, u64),
    /// Bounds of a+c.
    pub sum: (u64, u64),
    /// What is asked.
    pub select: Select,
}

/// What a task is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Values of a workload.
    Values,
    /// Elements of an array.
    Elements,
    /// Nodes of a graph.
    Nodes,
    /// Samples to classify.
    Samples,
    /// Rows of a table.
    Rows,
}

impl Unit {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Values => "values",
            Self::Elements => "elements",
            Self::Nodes => "nodes",
            Self::Samples => "samples",
            Self::Rows => "rows",
        }
    }
}

/// A work and its numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    pub(super) bits: u32,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Workload { work: Work, values: Vec<[u64; 4]> },
    Sort(Vec<u64>),
    Paths { nodes: usize, weights: Vec<u64> },
    Tree { tree: Tree, samples: Vec<Vec<u64>> },
    Rows { query: Query, rows: Vec<[u64; 4]> },
}

impl Task {
    /// The most nodes of a graph.
    pub const MOST_NODES: usize = 1 << 12;

    /// A workload on values [A, B, C, D] of `bits` bits, C twice as many in W1 and W3; W1 and W2 have no use for D.
    pub fn workload(work: Work, bits: u32, values: &[[u64; 4]]) -> Result<Self, Error> {
        count(values.len(), 1, Unit::Values)?;
        let fits_all = |[a, b, c, d]: &[u64; 4]| {
            fit(&[*a, *b, *d], bits)?;
            fits(&[*c], work.bits_of_c(bits))
        };
        values.iter().try_for_each(fits_all)?;
        Ok(Self { bits, kind: Kind::Workload { work, values: values.to_vec() } })
    }

    /// Sorting in ascending order, by Batcher's network.
    pub fn sort(bits: u32, values: &[u64]) -> Result<Self, Error> {
        count(values.len(), 2, Unit::Elements)?;
        fit(values, bits)?;
        Ok(Self { bits, kind: Kind::Sort(values.to_vec()) })
    }

    /// All shortest paths of a graph with their predecessors, by Floyd and Warshall.
    ///
    /// Weights stand row by row; 2^bits - 1 is no edge, a path of that length or more is no path, and the diagonal is
    /// not looked at. The answer is the distances, then the predecessors: 0 ([`NONE`](super::NONE)) or the node's number
    /// plus one. Each of (n-1)(n-2) n updates is an addition, a comparison and two selections.
    pub fn paths(bits: u32, nodes: usize, weights: &[u64]) -> Result<Self, Error> {
        count(nodes, 3, Unit::Nodes)?;
        if nodes > Self::MOST_NODES {
            let most = Self::MOST_NODES;
            return Err(Error::TooMany { unit: Unit::Nodes.name(), have: nodes, most });
        }
        if weights.len() != nodes * nodes {
            return Err(Error::Shape { nodes, have: weights.len(), need: nodes * nodes });
        }
        fit(weights, bits)?;
        Ok(Self { bits, kind: Kind::Paths { nodes, weights: weights.to_vec() } })
    }

    /// The classes of samples by a decision tree: a comparison and a selection at each node, whatever path is taken.
    pub fn tree(bits: u32, tree: Tree, samples: &[Vec<u64>]) -> Result<Self, Error> {
        count(samples.len(), 1, Unit::Samples)?;
        let thresholds: Vec<u64> = tree.nodes().iter().map(|node| node.threshold).collect();
        fit(&thresholds, bits)?;
        samples.iter().try_for_each(|sample| fit(sample, bits))?;
        let feature = tree.nodes().iter().map(|node| node.feature).max().unwrap_or(0);
        let have = samples.iter().map(Vec::len).min().unwrap_or(0);
        if feature >= have {
            return Err(Error::Feature { feature, have });
        }
        Ok(Self { bits, kind: Kind::Tree { tree, samples: samples.to_vec() } })
    }

    /// A filter and what passes it, over rows of [value, a, b, c].
    pub fn rows(bits: u32, query: Query, rows: &[[u64; 4]]) -> Result<Self, Error> {
        count(rows.len(), 1, Unit::Rows)?;
        fit(rows.as_flattened(), bits)?;
        fits(&[query.product.0, query.product.1], 2 * bits)?;
        fits(&[query.sum.0, query.sum.1], bits + 1)?;
        Ok(Self { bits, kind: Kind::Rows { query, rows: rows.to_vec() } })
    }

    /// Bits of its numbers.
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// What it is counted in.
    pub fn unit(&self) -> Unit {
        match self.kind {
            Kind::Workload { .. } => Unit::Values,
            Kind::Sort(_) => Unit::Elements,
            Kind::Paths { .. } => Unit::Nodes,
            Kind::Tree { .. } => Unit::Samples,
            Kind::Rows { .. } => Unit::Rows,
        }
    }

    /// How many of its units there are.
    pub fn size(&self) -> usize {
        match &self.kind {
            Kind::Workload { values, .. } => values.len(),
            Kind::Sort(values) => values.len(),
            Kind::Paths { nodes, .. } => *nodes,
            Kind::Tree { samples, .. } => samples.len(),
            Kind::Rows { rows, .. } => rows.len(),
        }
    }

    /// What a run on ciphertexts has to give.
    pub fn answer(&self) -> Vec<u64> {
        match &self.kind {
            Kind::Workload { work, values } => values.iter().map(|value| work.answer(*value)).collect(),
            Kind::Sort(values) => {
                let mut sorted = values.clone();
                sorted.sort_unstable();
                sorted
            }
            Kind::Paths { nodes, weights } => graph::paths(weights, *nodes, self.bits),
            Kind::Tree { tree, samples } => samples.iter().map(|sample| tree.classify(sample)).collect(),
            Kind::Rows { query, rows } => {
                let passed = rows.iter().map(|row| query.answer(*row));
                match query.select {
                    Select::Rows => passed.collect(),
                    Select::Sum => vec![passed.sum()],
                }
            }
        }
    }
}

impl Work {
    /// Bits of C: those of what it is compared with, or of the result.
    pub(super) fn bits_of_c(self, bits: u32) -> u32 {
        match self {
            Self::W1 | Self::W3 => 2 * bits,
            Self::W2 => bits,
        }
    }

    fn answer(self, [a, b, c, d]: [u64; 4]) -> u64 {
        match self {
            Self::W1 => u64::from(a * b > c),
            Self::W2 => u64::from(a > b) * c,
            Self::W3 => u64::from(a * b > c) * d,
        }
    }
}

impl Query {
    fn answer(&self, [value, a, b, c]: [u64; 4]) -> u64 {
        let within = |number: u64, (low, high): (u64, u64)| low <= number && number <= high;
        u64::from(within(a * b, self.product) && within(a + c, self.sum)) * value
    }
}

fn count(have: usize, need: usize, unit: Unit) -> Result<(), Error> {
    match have {
        _ if have < need => Err(Error::TooFew { unit: unit.name(), have, need }),
        _ if have > MOST => Err(Error::TooMany { unit: unit.name(), have, most: MOST }),
        _ => Ok(()),
    }
}

fn fit(values: &[u64], bits: u32) -> Result<(), Error> {
    if !(2..=MOST_BITS).contains(&bits) || bits % 2 == 1 {
        return Err(Error::Width { bits, most: MOST_BITS });
    }
    fits(values, bits)
}

fn fits(values: &[u64], bits: u32) -> Result<(), Error> {
    let most = (1 << bits) - 1;
    match values.iter().find(|&&value| value > most) {
        Some(&value) => Err(Error::DoesNotFit { value, bits, most }),
        None => Ok(()),
    }
}

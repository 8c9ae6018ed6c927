//! Where splits and leaves sit in slots.

use std::collections::BTreeMap;

use arras_circuits::Matrix;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::tree::forest::Forest;

/// The most slots of a ciphertext.
pub const SLOTS: usize = 1 << 15;

/// The most numbers in the diagonals of a map, a gibibyte of them.
const DIAGONALS: usize = 1 << 27;

/// What the number of wrong turns is mapped to: from minus to plus this. The rest of [-1, 1] is for errors.
pub(super) const REACH: f64 = 15.0 / 16.0;

/// What a sample takes slots for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Packing {
    /// Each split on the way to each leaf.
    Paths,
    /// Each split.
    Nodes,
}

/// What is compared in one place of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// This split; negated, so that the sign is 1 for right, if the flag is not set.
    Split(usize, bool),
    /// Nothing: the sign is 1 if the flag is set, else -1.
    Fixed(bool),
}

/// Places p and samples r of a ciphertext: slot p * samples + r.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    /// What is compared where.
    pub places: Vec<Place>,
    /// Places of the leaves, a power of two: the leaves come first, and what follows are none.
    pub leaves: usize,
    /// Samples in one ciphertext, a power of two.
    pub samples: usize,
    /// From signs to paths, where that is no sum of rotations.
    pub map: Option<Map>,
}

/// A linear map of the splits, and what is added to it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Map {
    pub matrix: Matrix,
    pub offset: Vec<f64>,
}

impl Packing {
    /// The faster one for so many samples: fewest key switches, a sign of b bits taking some 3 b.
    ///
    /// # Errors
    /// When one sample does not fit a ciphertext in any packing.
    pub fn choose(forest: &Forest, bits: u32, rows: usize) -> Result<Self, Error> {
        let paths = Self::Paths.places(forest);
        if rows.saturating_mul(paths) <= SLOTS {
            return Ok(Self::Paths);
        }
        let nodes = Self::Nodes.places(forest);
        if nodes > SLOTS {
            return Err(Error::TooWide { slots: nodes, most: SLOTS });
        }
        let runs = |places: usize| (rows * places).div_ceil(SLOTS);
        let sign = 3 * bits as usize;
        let diagonals = diagonals(forest, nodes);
        // Beyond that many diagonals, encoding them takes longer and more memory than anything else.
        let few = diagonals <= 256;
        let switches = 4 * (diagonals.isqrt() + diagonals / 16);
        let nodes = runs(nodes) * (sign + switches);
        let paths = if paths > SLOTS { usize::MAX } else { runs(paths) * (sign + 4) };
        Ok(if paths == usize::MAX || (few && nodes < paths) { Self::Nodes } else { Self::Paths })
    }

    /// Slots of a sample.
    #[must_use]
    pub fn places(self, forest: &Forest) -> usize {
        let leaves = forest.leaves().len().next_power_of_two();
        match self {
            Self::Paths => forest.depth().next_power_of_two() * leaves,
            Self::Nodes => forest.splits().len().next_power_of_two().max(leaves),
        }
    }
}

impl Layout {
    /// The layout of so many samples, in as few slots as they take.
    ///
    /// # Errors
    /// When there are none, or one does not fit.
    pub fn new(forest: &Forest, packing: Packing, rows: usize) -> Result<Self, Error> {
        let places = packing.places(forest);
        if places > SLOTS {
            return Err(Error::TooWide { slots: places, most: SLOTS });
        }
        if rows == 0 {
            return Err(Error::Size { have: 0, least: 1, most: usize::MAX });
        }
        let samples = rows.min(SLOTS / places).next_power_of_two();
        Ok(match packing {
            Packing::Paths => Self::paths(forest, samples),
            Packing::Nodes => Self::nodes(forest, places, samples)?,
        })
    }

    fn paths(forest: &Forest, samples: usize) -> Self {
        let (steps, leaves) = (forest.depth().next_power_of_two(), forest.leaves().len().next_power_of_two());
        let place = |step: usize, leaf: usize| match forest.leaves().get(leaf) {
            // No leaf: every split on the way is wrong.
            None => Place::Fixed(step >= forest.depth()),
            Some(leaf) => {
                leaf.path.get(step).map_or(Place::Fixed(true), |&(split, left)| Place::Split(split, left))
            }
        };
        let places = (0..steps).flat_map(|step| (0..leaves).map(move |leaf| place(step, leaf))).collect();
        Self { places, leaves, samples, map: None }
    }

    fn nodes(forest: &Forest, places: usize, samples: usize) -> Result<Self, Error> {
        let splits = forest.splits().len();
        let compared = (0..places)
            .map(|p| if p < splits { Place::Split(p, true) } else { Place::Fixed(true) })
            .collect();
        let slots = places * samples;
        let (have, most) = (diagonals(forest, places), DIAGONALS / slots);
        if have > most {
            return Err(Error::Diagonals { have, most });
        }
        let mut diagonals = BTreeMap::new();
        // Where there is no leaf, every split is wrong.
        let mut offset = vec![REACH; slots];
        for (leaf, path) in forest.leaves().iter().map(|leaf| &leaf.path).enumerate() {
            let rights = path.iter().filter(|(_, left)| !left).count();
            let wrong = 2.0 * rights as f64 / forest.depth() as f64;
            fill(&mut offset, leaf, samples, REACH * (wrong - 1.0));
            for &(split, left) in path {
                let by = (places + split - leaf) % places * samples;
                let diagonal = diagonals.entry(by).or_insert_with(|| vec![0.0; slots]);
                fill(diagonal, leaf, samples, if left { 1.0 } else { -1.0 });
            }
        }
        let map = Map { matrix: Matrix::diagonals(slots, diagonals)?, offset };
        Ok(Self { places: compared, leaves: places, samples, map: Some(map) })
    }

    /// Slots of a ciphertext.
    pub fn slots(&self) -> usize {
        self.places.len() * self.samples
    }
}

/// Sets all samples of a place.
fn fill(slots: &mut [f64], place: usize, samples: usize, value: f64) {
    slots.iter_mut().skip(place * samples).take(samples).for_each(|slot| *slot = value);
}

/// How many diagonals the map from splits to leaves has.
fn diagonals(forest: &Forest, places: usize) -> usize {
    let leaves = forest.leaves().iter().enumerate();
    let all =
        leaves.flat_map(|(i, leaf)| leaf.path.iter().map(move |(split, _)| (places + split - i) % places));
    all.collect::<std::collections::BTreeSet<_>>().len()
}

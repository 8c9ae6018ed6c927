//! Trees without their thresholds: what is public of a model.

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The deepest tree.
pub const DEPTH: usize = 31;
/// The most splits or leaves of all trees together.
pub const NODES: usize = 1 << 14;
/// The most classes.
pub const CLASSES: usize = 64;
/// The most votes of a tree.
pub const VOTES: u32 = 1 << 10;

/// A node of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Node {
    /// Goes left where this feature is at most a threshold, else right.
    Split(usize),
    /// Gives these votes to the classes.
    Leaf(Vec<u32>),
}

/// Trees that vote for classes of samples with so many features.
///
/// Each is the list of its nodes in preorder: a split, all that is to its left, all that is to its right. Such a list is a
/// tree or is none, so neither cycles nor orphans can be written. Splits are numbered through all trees in that order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Record", into = "Record")]
pub struct Forest {
    features: usize,
    classes: usize,
    trees: Vec<Vec<Node>>,
    splits: Vec<usize>,
    leaves: Vec<Leaf>,
}

/// A leaf, and the way to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Leaf {
    /// The splits above it from the root on, and whether it is to their left.
    pub path: Vec<(usize, bool)>,
    /// Its votes, class by class.
    pub votes: Vec<u32>,
}

/// The serialised form, which anyone may write.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    features: usize,
    classes: usize,
    trees: Vec<Vec<Node>>,
}

impl TryFrom<Record> for Forest {
    type Error = Error;

    fn try_from(Record { features, classes, trees }: Record) -> Result<Self, Error> {
        Self::new(features, classes, trees)
    }
}

impl From<Forest> for Record {
    fn from(Forest { features, classes, trees, .. }: Forest) -> Self {
        Self { features, classes, trees }
    }
}

impl Forest {
    /// The forest of these trees.
    ///
    /// # Errors
    /// When a list is no tree, a split or a leaf does not fit the features or the classes, no tree has a split, or there is
    /// more than [`DEPTH`], [`NODES`], [`CLASSES`] and [`VOTES`] allow.
    pub fn new(features: usize, classes: usize, trees: Vec<Vec<Node>>) -> Result<Self, Error> {
        if !(1..=CLASSES).contains(&classes) {
            return Err(Error::Classes { classes, most: CLASSES });
        }
        let mut forest =
            Self { features, classes, trees: Vec::new(), splits: Vec::new(), leaves: Vec::new() };
        for (tree, nodes) in trees.iter().enumerate() {
            forest.plant(nodes).ok_or(Error::Tree { tree: tree + 1 })?;
        }
        if forest.splits.is_empty() {
            return Err(Error::NoSplit);
        }
        let (depth, nodes) = (forest.depth(), forest.leaves.len());
        if depth > DEPTH || nodes > NODES {
            return Err(Error::Forest { depth, nodes, most_depth: DEPTH, most_nodes: NODES });
        }
        Ok(Self { trees, ..forest })
    }

    /// Adds the splits and leaves of one tree; nothing if the list is none.
    fn plant(&mut self, nodes: &[Node]) -> Option<()> {
        // What is still to come to the right, and the way there.
        let mut waiting = vec![Vec::new()];
        for node in nodes {
            let mut path: Vec<(usize, bool)> = waiting.pop()?;
            match node {
                Node::Split(feature) if *feature < self.features && path.len() <= DEPTH => {
                    let split = self.splits.len();
                    self.splits.push(*feature);
                    let mut right = path.clone();
                    right.push((split, false));
                    path.push((split, true));
                    waiting.extend([right, path]);
                }
                Node::Leaf(votes) if votes.len() == self.classes && votes.iter().all(|v| *v <= VOTES) => {
                    self.leaves.push(Leaf { path, votes: votes.clone() });
                }
                Node::Split(_) | Node::Leaf(_) => return None,
            }
        }
        waiting.is_empty().then_some(())
    }

    /// Features of a sample.
    #[must_use]
    pub fn features(&self) -> usize {
        self.features
    }

    /// How many classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The trees, each in preorder.
    #[must_use]
    pub fn trees(&self) -> &[Vec<Node>] {
        &self.trees
    }

    /// The feature of each split.
    #[must_use]
    pub fn splits(&self) -> &[usize] {
        &self.splits
    }

    /// The leaves of all trees, from left to right.
    #[must_use]
    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// Splits on the longest path.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.leaves.iter().map(|leaf| leaf.path.len()).max().unwrap_or_default()
    }

    /// Whether it is one tree each of whose leaves votes once, for one class: the class can come out instead of votes.
    #[must_use]
    pub fn is_single(&self) -> bool {
        self.trees.len() == 1 && self.leaves.iter().all(|leaf| leaf.votes.iter().sum::<u32>() == 1)
    }

    /// The votes that classes get for a sample, walking down each tree; `thresholds` has one for each split.
    #[must_use]
    pub fn votes(&self, thresholds: &[i64], sample: &[u32]) -> Vec<u64> {
        let left = |split: usize| {
            let value = self.splits.get(split).and_then(|feature| sample.get(*feature)).copied();
            value.zip(thresholds.get(split)).is_some_and(|(value, t)| i64::from(value) <= *t)
        };
        let mut sum = vec![0; self.classes];
        for leaf in
            self.leaves.iter().filter(|leaf| leaf.path.iter().all(|(split, way)| left(*split) == *way))
        {
            sum.iter_mut().zip(&leaf.votes).for_each(|(sum, votes)| *sum += u64::from(*votes));
        }
        sum
    }
}

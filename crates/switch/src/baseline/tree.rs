//! Decision trees.

use crate::Error;

/// Where a node leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Branch {
    /// To a class.
    Leaf(u64),
    /// To a node that stands later in the list.
    Node(usize),
}

/// A split: samples whose feature is at most the threshold go low, the others high, as in scikit-learn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// The feature, from 0.
    pub feature: usize,
    /// The largest value that goes low.
    pub threshold: u64,
    /// Where the low ones go.
    pub low: Branch,
    /// Where the high ones go.
    pub high: Branch,
}

/// A decision tree of at least one split; the first node is the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    nodes: Vec<Node>,
    encrypted: bool,
}

impl Tree {
    /// A tree of these nodes; if `encrypted`, thresholds and classes are as secret as the samples.
    ///
    /// **Errors:** no nodes, or a branch to an earlier node or to none.
    pub fn new(nodes: Vec<Node>, encrypted: bool) -> Result<Self, Error> {
        if nodes.is_empty() {
            return Err(Error::TooFew { unit: "nodes", have: 0, need: 1 });
        }
        for (node, split) in nodes.iter().enumerate() {
            for branch in [split.low, split.high] {
                if let Branch::Node(child) = branch
                    && (child <= node || child >= nodes.len())
                {
                    return Err(Error::Branch { node, child, nodes: nodes.len() });
                }
            }
        }
        Ok(Self { nodes, encrypted })
    }

    /// The complete tree of a depth, at least 1: its thresholds level by level, and its classes from low to high.
    ///
    /// Node i splits on feature i. **Errors:** numbers of thresholds and classes that are not 2^depth - 1 and 2^depth.
    pub fn complete(thresholds: &[u64], classes: &[u64], encrypted: bool) -> Result<Self, Error> {
        let inner = thresholds.len();
        let need = (inner + 1).next_power_of_two().max(2);
        if inner + 1 != need {
            return Err(Error::TooFew { unit: "thresholds", have: inner, need: need - 1 });
        }
        if classes.len() != need {
            return Err(Error::TooFew { unit: "classes", have: classes.len(), need });
        }
        let branch = |child: usize| match child.checked_sub(inner).and_then(|leaf| classes.get(leaf)) {
            Some(&class) => Branch::Leaf(class),
            None => Branch::Node(child),
        };
        let node = |(i, &threshold): (usize, &u64)| Node {
            feature: i,
            threshold,
            low: branch(2 * i + 1),
            high: branch(2 * i + 2),
        };
        Self::new(thresholds.iter().enumerate().map(node).collect(), encrypted)
    }

    /// Its nodes, the root first.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Whether thresholds and classes are encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// Its classes, in no order and some of them more than once.
    pub fn classes(&self) -> impl Iterator<Item = u64> {
        let leaf = |branch| match branch {
            Branch::Leaf(class) => Some(class),
            Branch::Node(_) => None,
        };
        self.nodes.iter().flat_map(|node| [node.low, node.high]).filter_map(leaf)
    }

    /// The class of a sample; features that it lacks are 0.
    pub fn classify(&self, sample: &[u64]) -> u64 {
        let mut at = 0;
        while let Some(node) = self.nodes.get(at) {
            let value = sample.get(node.feature).copied().unwrap_or(0);
            match if value <= node.threshold { node.low } else { node.high } {
                Branch::Leaf(class) => return class,
                Branch::Node(next) => at = next,
            }
        }
        0
    }
}

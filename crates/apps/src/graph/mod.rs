//! Shortest paths between all pairs of nodes of a hidden graph, and reachability.

mod file;
mod paths;

pub use file::GraphError;
pub use paths::Paths;

use serde::Serialize;

/// The weights of edges between nodes; `None` where there is no edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    nodes: usize,
    /// Row after row; nothing from a node to itself.
    weights: Vec<Option<u64>>,
}

/// Shortest paths between all pairs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Routes {
    /// Row i, column j: from node i to node j; at infinity where no path is shorter than that.
    pub distances: Vec<Vec<u64>>,
    /// The node before j on a path from i to j of that length; none where there is no path, or i is j. Empty if not asked for.
    pub predecessors: Vec<Vec<Option<usize>>>,
}

impl Graph {
    /// The graph with these weights, row after row: from node i to node j in row i, column j.
    ///
    /// What a node has for itself is of no consequence and is dropped.
    ///
    /// # Errors
    /// Weights that are no square.
    pub fn new(rows: &[Vec<Option<u64>>]) -> Result<Self, GraphError> {
        let nodes = rows.len();
        if nodes == 0 {
            return Err(GraphError::Empty);
        }
        if let Some((row, weights)) = rows.iter().enumerate().find(|(_, weights)| weights.len() != nodes) {
            return Err(GraphError::Ragged { row: row + 1, have: weights.len(), need: nodes });
        }
        let weights = rows
            .iter()
            .enumerate()
            .flat_map(|(i, row)| row.iter().enumerate().map(move |(j, weight)| weight.filter(|_| i != j)));
        Ok(Self { nodes, weights: weights.collect() })
    }

    /// How many nodes.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.nodes
    }

    /// The weight of the edge from a node to another one.
    #[must_use]
    pub fn weight(&self, from: usize, to: usize) -> Option<u64> {
        self.weights.get(from * self.nodes + to).copied().flatten()
    }

    /// The largest weight; 0 if there is no edge.
    #[must_use]
    pub fn most(&self) -> u64 {
        self.weights.iter().flatten().copied().max().unwrap_or(0)
    }

    /// The same edges, each of weight 0: where a path leads, whatever its length.
    #[must_use]
    pub fn unweighted(&self) -> Self {
        let weights = self.weights.iter().map(|weight| weight.map(|_| 0));
        Self { nodes: self.nodes, weights: weights.collect() }
    }

    /// The same graph with its largest weight brought to `most` and the others in proportion, rounded to nearest.
    ///
    /// For weights of more bits than can be afforded: every distance then errs by up to half a unit for each edge.
    #[must_use]
    pub fn scaled(&self, most: u64) -> Self {
        let largest = u128::from(self.most().max(1));
        let scale = |weight: u64| {
            let rounded = (u128::from(weight) * u128::from(most) * 2 + largest) / (2 * largest);
            u64::try_from(rounded).unwrap_or(most)
        };
        let weights = self.weights.iter().map(|weight| weight.map(scale));
        Self { nodes: self.nodes, weights: weights.collect() }
    }
}

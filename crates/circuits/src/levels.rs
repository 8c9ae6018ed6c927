//! The levels between the places where a program may be refreshed, and a choice among these places.

use serde::{Deserialize, Serialize};

/// Where a program may be refreshed, and how many levels it takes from one place to the next.
///
/// Node 0 stands for the inputs, and node i for the i-th point that the program passed. A value at n levels, made by a program
/// whose nodes s are at L(s) levels, is at the least of L(s) - d(s), where d(s) are the levels on the longest way from s
/// that meets no other node; so the graph holds all that a schedule depends on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LevelGraph {
    /// The nodes, in the order of the program.
    pub nodes: Vec<Node>,
}

/// The inputs of a program, or a point.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Node {
    /// The nodes before it that its value depends on with no other node between, each with the levels on the longest way.
    pub from: Vec<(usize, u32)>,
    /// The most levels that anything takes from here with no other node between.
    pub reach: u32,
}

/// Which points refresh, and what a refresh does to levels.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The least level at which a refresh takes its input.
    pub input: u32,
    /// The level of what comes out.
    pub output: u32,
    /// For each point in the order of the program, whether it refreshes.
    pub refresh: Vec<bool>,
}

impl Schedule {
    /// Points that refresh.
    #[must_use]
    pub fn refreshes(&self) -> usize {
        self.refresh.iter().filter(|&&refresh| refresh).count()
    }
}

/// What a value depends on: for each node, L(s) - d(s) for L(s) as if the value were at level 0, so that a d is an entry less
/// the level of the value. It does not change as the value loses levels.
pub(crate) type Ways = Vec<(usize, u32)>;

/// The graph as it is recorded: each distinct set of ways is kept once, and values name it.
#[derive(Debug)]
pub(crate) struct Recorder {
    graph: LevelGraph,
    ways: Vec<Ways>,
}

impl Recorder {
    /// Inputs at a level; their ways are number 0.
    pub(crate) fn new(top: u32) -> Self {
        let graph = LevelGraph { nodes: vec![Node::default()] };
        Self { graph, ways: vec![vec![(0, top)]] }
    }

    pub(crate) fn graph(&self) -> &LevelGraph {
        &self.graph
    }

    /// Points passed so far.
    pub(crate) fn points(&self) -> usize {
        self.graph.nodes.len() - 1
    }

    /// Says that a value with these ways was made at a level.
    pub(crate) fn made(&mut self, ways: usize, level: u32) {
        for &(node, key) in self.ways.get(ways).into_iter().flatten() {
            if let Some(node) = self.graph.nodes.get_mut(node) {
                node.reach = node.reach.max(key - level);
            }
        }
    }

    /// The ways of what depends on two values, as seen from the lower of their levels.
    pub(crate) fn join(&mut self, a: (usize, u32), b: (usize, u32)) -> usize {
        if a.0 == b.0 {
            return a.0;
        }
        let low = a.1.min(b.1);
        let seen = |(ways, level): (usize, u32)| {
            self.ways.get(ways).into_iter().flatten().map(move |&(node, key)| (node, key - level + low))
        };
        let mut all: Ways = seen(a).chain(seen(b)).collect();
        // By node, the longest way of each first.
        all.sort_unstable_by_key(|&(node, key)| (node, std::cmp::Reverse(key)));
        all.dedup_by_key(|(node, _)| *node);
        self.keep(all)
    }

    /// Passes a point: the ways of what comes out at a level, which start anew.
    pub(crate) fn pass(&mut self, ways: usize, level: u32, out: u32) -> usize {
        let from =
            self.ways.get(ways).into_iter().flatten().map(|&(node, key)| (node, key - level)).collect();
        self.graph.nodes.push(Node { from, reach: 0 });
        self.ways.push(vec![(self.points(), out)]);
        self.ways.len() - 1
    }

    /// The number of these ways; sums of many terms join the same ones over and over, the last ones made.
    fn keep(&mut self, ways: Ways) -> usize {
        let recent = self.ways.len().saturating_sub(8);
        let known = self.ways.iter().skip(recent).position(|known| *known == ways).map(|at| at + recent);
        known.unwrap_or_else(|| {
            self.ways.push(ways);
            self.ways.len() - 1
        })
    }
}

//! What can be wrong with a task, or with this build.

/// A task that cannot be measured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The feature is off.
    #[error("built without the feature tfhe: rebuild with --features tfhe")]
    NoFeature,
    /// No such width.
    #[error("{bits} is no width in bits for the baseline: choose an even number from 2 to {most}")]
    Width {
        /// Bits asked for.
        bits: u32,
        /// The most there can be.
        most: u32,
    },
    /// A number that is too large.
    #[error("{value} does not fit {bits} bits: its most is {most}")]
    DoesNotFit {
        /// The number.
        value: u64,
        /// The bits it should fit.
        bits: u32,
        /// The largest number that would.
        most: u64,
    },
    /// Too little to work on.
    #[error("the number of {unit} is {have}, and must be at least {need}")]
    TooFew {
        /// What is counted.
        unit: &'static str,
        /// How many there are.
        have: usize,
        /// How many there must be.
        need: usize,
    },
    /// More than the baseline would ever be scaled to.
    #[error("there are {have} {unit}, and the baseline takes at most {most}")]
    TooMany {
        /// What is counted.
        unit: &'static str,
        /// How many there are.
        have: usize,
        /// How many there may be.
        most: usize,
    },
    /// A matrix of another shape.
    #[error("a graph of {nodes} nodes has {need} weights, not {have}")]
    Shape {
        /// The nodes.
        nodes: usize,
        /// The weights given.
        have: usize,
        /// The weights of such a graph.
        need: usize,
    },
    /// A branch that goes up, to itself, or nowhere.
    #[error("node {node} of the tree leads to node {child}: give a later one, below {nodes}")]
    Branch {
        /// The node.
        node: usize,
        /// Where it leads.
        child: usize,
        /// How many nodes there are.
        nodes: usize,
    },
    /// A split on a feature that a sample lacks.
    #[error(
        "the tree splits on feature {feature} (from 0), and the number of features of a sample is {have}"
    )]
    Feature {
        /// The feature.
        feature: usize,
        /// Features of the sample.
        have: usize,
    },
    /// The threads could not be started.
    #[error("{threads} threads cannot be started: ask for fewer")]
    Threads {
        /// How many.
        threads: usize,
    },
    /// The one who watches said so.
    #[error("the measurement was stopped")]
    Stopped,
}

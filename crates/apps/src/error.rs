//! What can be wrong with a program or its data.

/// Every error of this crate. Rows are counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Integers of no size that fits.
    #[error("integers of {bits} bits are not supported here: use {least} to {most}")]
    Bits {
        /// Bits asked for.
        bits: u32,
        /// The fewest.
        least: u32,
        /// The most.
        most: u32,
    },
    /// Too few or too many values.
    #[error("{have} values are given: give {least} to {most}")]
    Size {
        /// Values given.
        have: usize,
        /// The fewest.
        least: usize,
        /// The most.
        most: usize,
    },
    /// A top of none, or of more than there are.
    #[error("the largest {count} of {length} values are asked for: ask for 1 to {length}")]
    Top {
        /// Asked for.
        count: usize,
        /// All values.
        length: usize,
    },
    /// Vectors too short for a program.
    #[error("{have} slots are given: give a power of two from {least} on")]
    Slots {
        /// Slots given.
        have: usize,
        /// The fewest.
        least: usize,
    },
    /// Another number of columns or of vectors.
    #[error("{have} columns are given, and {need} are needed")]
    Columns {
        /// Columns needed.
        need: usize,
        /// Columns given.
        have: usize,
    },
    /// A value that does not fit its declared bits.
    #[error("row {row}, column {column}: {value} is not an integer from 0 to {most}")]
    Value {
        /// Row.
        row: usize,
        /// Column.
        column: usize,
        /// The value.
        value: u64,
        /// The most that fits.
        most: u64,
    },
    /// Too few or too many classes.
    #[error("a tree for {classes} classes is not supported: use 1 to {most}")]
    Classes {
        /// Classes given.
        classes: usize,
        /// The most.
        most: usize,
    },
    /// Nodes that are no tree. Trees are counted from 1.
    #[error("the nodes of tree {tree} are no tree of these features and classes: write the model again")]
    Tree {
        /// Tree.
        tree: usize,
    },
    /// Trees that are too large.
    #[error(
        "trees of depth {depth} with {nodes} leaves are too large: train with a depth of at most {most_depth} and fewer trees, \
         for {most_nodes} leaves together"
    )]
    Forest {
        /// Splits on the longest path.
        depth: usize,
        /// Leaves of all trees.
        nodes: usize,
        /// The deepest.
        most_depth: usize,
        /// The most leaves.
        most_nodes: usize,
    },
    /// Trees that never look at a sample.
    #[error(
        "no tree of the model has a split, so that every sample has the same class: nothing need be encrypted"
    )]
    NoSplit,
    /// A threshold that no feature can be compared with. Splits are counted from 1.
    #[error(
        "the threshold of split {split} is not an integer from -1 to {most}, which is what its bits hold"
    )]
    Threshold {
        /// Split, in preorder through all trees.
        split: usize,
        /// The most that fits.
        most: i64,
    },
    /// A sample that is compared in more places than a ciphertext has.
    #[error(
        "a sample of this model takes {slots} slots, and a ciphertext has {most}: train fewer or smaller trees"
    )]
    TooWide {
        /// Slots needed.
        slots: usize,
        /// Slots there are.
        most: usize,
    },
    /// A result that is no integer, or outside its range: inputs were not what the program takes, or somebody changed the
    /// answer.
    #[error(
        "the answer is not what this program can give: the sealed data were outside their range, or were changed on the way; \
         seal and run them again"
    )]
    Answer,
    /// Bytes that hold no program.
    #[error("these bytes hold no program: give the file that was made for it")]
    Prepared,
    /// A label of another program or of none.
    #[error("the label of the sealed data is damaged or of another program: seal them again for this one")]
    Label,
    /// A circuit.
    #[error(transparent)]
    Circuit(#[from] arras_circuits::Error),
}

//! What can be wrong with a program or its data.

/// Every error of this crate. Rows are counted from 1.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Integers of no size that fits.
    #[error("{bits}-bit integers are not supported here: use {least} to {most} bits")]
    Bits {
        /// Bits asked for.
        bits: u32,
        /// The fewest.
        least: u32,
        /// The most.
        most: u32,
    },
    /// Too few or too many values.
    #[error("the number of values is {have}: give {least} to {most}")]
    Size {
        /// Values given.
        have: usize,
        /// The fewest.
        least: usize,
        /// The most.
        most: usize,
    },
    /// A top of none, or of more than there are.
    #[error("the number of largest values asked for is {count}: ask for 1 to {length}")]
    Top {
        /// Asked for.
        count: usize,
        /// All values.
        length: usize,
    },
    /// Vectors too short or too long for a program, or of a length that is no power of two.
    #[error("the number of slots is {have}: give a power of two from {least} to {most}")]
    Slots {
        /// Slots given.
        have: usize,
        /// The fewest.
        least: usize,
        /// The most of any ring.
        most: usize,
    },
    /// Another number of columns or of vectors.
    #[error("the number of columns is {have}, and must be {need}")]
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
    /// Too few or too many nodes, or those of another graph.
    #[error("a {nodes}-node graph is not taken here: give {least} to {most} nodes")]
    Nodes {
        /// Nodes given.
        nodes: usize,
        /// The fewest.
        least: usize,
        /// The most.
        most: usize,
    },
    /// A weight that is no distance of its bits.
    #[error(
        "row {row}, column {column}: the weight {value} is above {most}, the largest {bits}-bit distance: give more bits, or \
         smaller weights"
    )]
    Weight {
        /// Row.
        row: usize,
        /// Column.
        column: usize,
        /// The weight.
        value: u64,
        /// The most that fits.
        most: u64,
        /// Bits of a distance.
        bits: u32,
    },
    /// A number out of its range.
    #[error("row {row}, column {column} is not a number from {least} to {most}")]
    OutOfRange {
        /// Row.
        row: usize,
        /// Column.
        column: usize,
        /// The least.
        least: f64,
        /// The most.
        most: f64,
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
    /// A query that cannot be read.
    #[error("the query cannot be read: {what}")]
    Syntax {
        /// What the parser says.
        what: String,
    },
    /// A part of a query that has no encrypted form here.
    #[error(
        "{part} is not supported in a query: use SELECT of expressions in +, - and * or of COUNT, SUM, AVG, MIN and MAX, one \
         table in FROM, and WHERE and GROUP BY"
    )]
    Unsupported {
        /// The part.
        part: String,
    },
    /// A name that the schema does not have.
    #[error("there is no {what} {name}: the schema has {known}")]
    Unknown {
        /// A table or a column.
        what: &'static str,
        /// The name.
        name: String,
        /// Names that exist.
        known: String,
    },
    /// A schema that names no table, or one thing twice.
    #[error("the schema is no schema: {what}; write {{\"table\": {{\"column\": bits}}}}")]
    Schema {
        /// What is wrong.
        what: String,
    },
    /// A number of a query whose range is too wide.
    #[error(
        "{what} goes from {least} to {most}, and at most {limit} different values are supported: use fewer bits"
    )]
    Overflow {
        /// The number.
        what: String,
        /// The least that the schema allows.
        least: i128,
        /// The largest.
        most: i128,
        /// How many values may be told apart.
        limit: i128,
    },
    /// A query with too many of something.
    #[error("the query has {have} {what}, and at most {most} are supported: ask for less at once")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many.
        have: usize,
        /// The most.
        most: usize,
    },
    /// Trees whose paths are too different from each other.
    #[error(
        "the paths of the trees take {have} diagonals, and at most {most} are supported: train fewer or smaller trees"
    )]
    Diagonals {
        /// Diagonals of the map from splits to leaves.
        have: usize,
        /// The most.
        most: usize,
    },
    /// A file that is no table.
    #[error("the table cannot be read: {what}")]
    Csv {
        /// What is wrong.
        what: String,
    },
    /// A cell that is not an integer of its column's bits. Rows are counted from 1, below the names.
    #[error("row {row}, column {column}: {text:?} is not an integer from 0 to {most}")]
    Cell {
        /// Row.
        row: usize,
        /// The column's name.
        column: String,
        /// What stands there.
        text: String,
        /// The most that fits.
        most: u64,
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

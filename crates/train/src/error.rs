//! What can go wrong between a table of sentences and a model.

/// Every error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A line that is not UTF-8.
    #[error("line {line} is not UTF-8 from its byte {offset} on: convert the file to UTF-8")]
    NotUtf8 {
        /// Line, counted from one.
        line: usize,
        /// Offset within the line.
        offset: usize,
    },
    /// The first line is not the expected header.
    #[error(
        "the first line has no column `{name}`: it must read `sentence<TAB>label`, in any order of columns"
    )]
    NoColumn {
        /// The column that is missing.
        name: &'static str,
    },
    /// A line with too few columns.
    #[error("line {line}: the number of columns separated by tabs is {have}, and that of the header {need}")]
    Columns {
        /// Line, counted from one.
        line: usize,
        /// Columns of the line.
        have: usize,
        /// Columns of the header.
        need: usize,
    },
    /// A label that is neither 0 nor 1.
    #[error("the label in line {line} is neither 0 nor 1")]
    Label {
        /// Line, counted from one.
        line: usize,
    },
    /// A sentence without any token.
    #[error("the sentence in line {line} holds no word and no punctuation: remove the line")]
    NoTokens {
        /// Line, counted from one.
        line: usize,
    },
    /// Too little to learn from.
    #[error(
        "too little to learn from (sentences: {sentences}, positive ones: {positive}): give at least 20, with both labels"
    )]
    TooLittle {
        /// Sentences given.
        sentences: usize,
        /// Those with label 1.
        positive: usize,
    },
    /// An option that makes no sense.
    #[error("the option {name} is {value}, and must be between {low} and {high}")]
    Option {
        /// Name of the option.
        name: &'static str,
        /// Its value.
        value: f64,
        /// The least accepted.
        low: f64,
        /// The largest accepted.
        high: f64,
    },
    /// A table that says nothing of classes.
    #[error(
        "no tree can be made where the number of features is {features} and that of classes {classes}: give at least 1 feature, \
         and 2 to {most} classes"
    )]
    Table {
        /// Features of the first row.
        features: usize,
        /// Classes.
        classes: usize,
        /// The most classes.
        most: usize,
    },
    /// A row that does not fit the first one. Rows are counted from 1.
    #[error(
        "row {row} does not hold finite numbers ({features}) and a class, as the first row does: fill in missing values"
    )]
    Row {
        /// Row.
        row: usize,
        /// Features of the first row.
        features: usize,
    },
    /// The caller asked to stop.
    #[error("training was interrupted, and no model was made")]
    Interrupted,
    /// The loss is no longer a number.
    #[error("the loss is not a number after step {step}: lower the learning rates")]
    Diverged {
        /// Steps taken.
        step: usize,
    },
    /// The network does not make a valid model.
    #[error("the trained network does not make a valid model")]
    Model(#[from] arras_nn::Error),
    /// The logistic polynomial cannot be fitted.
    #[error("the polynomial for the logistic function cannot be fitted")]
    Polynomial(#[from] arras_approx::Error),
    /// The tensor library refused.
    #[cfg(feature = "transformer")]
    #[error("the tensor library failed: {0}")]
    Tensor(#[from] candle_core::Error),
    /// Tensors that cannot be written.
    #[cfg(feature = "transformer")]
    #[error("the tensors cannot be written")]
    Container(#[from] safetensors::SafeTensorError),
    /// A checkpoint of another network.
    #[cfg(feature = "transformer")]
    #[error(
        "the checkpoint has no `{name}` of the right shape: it belongs to another network; start afresh in another folder"
    )]
    Checkpoint {
        /// What is missing.
        name: String,
    },
}

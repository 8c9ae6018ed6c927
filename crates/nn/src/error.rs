//! What can go wrong between a text, a model file and a prediction.

/// Every error of this crate but a failed sentinel, which is [`crate::sentinel::SentinelError`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are not UTF-8.
    #[error("the text is not UTF-8 from byte {offset} on: convert it to UTF-8 first")]
    NotUtf8 {
        /// Offset of the first byte that is not text.
        offset: usize,
    },
    /// What was read for one kind of model is given to the other.
    #[error("the text was read for another kind of model: read it again for this one")]
    OtherReading,
    /// A packing that the model does not have.
    #[error("a transformer takes one text per ciphertext: use the latency mode, or a model of words")]
    NoThroughput,
    /// Nothing to read.
    #[error("the text holds no word and no punctuation: give at least one")]
    NoTokens,
    /// A size beyond what this version reads.
    #[error("{what}: {have} is not between {least} and {most}, which is what this version reads")]
    Size {
        /// What has this size.
        what: &'static str,
        /// The size.
        have: usize,
        /// The smallest size.
        least: usize,
        /// The largest size.
        most: usize,
    },
    /// A bad line of the vocabulary.
    #[error("line {line} of the vocabulary is empty, too long, or a repetition: the model file is damaged")]
    Vocabulary {
        /// Line, counted from one.
        line: usize,
    },
    /// Two parts of a model do not fit each other.
    #[error("{what} has length {have}, and the rest of the model needs {need}")]
    Shape {
        /// Which part.
        what: &'static str,
        /// Its length.
        have: usize,
        /// The length that fits.
        need: usize,
    },
    /// A number that is not finite, or outside what makes sense.
    #[error(
        "{what} is {value} at position {at}, outside [{low}, {high}]: the model is damaged or was badly trained"
    )]
    Value {
        /// Which numbers.
        what: &'static str,
        /// Position among them.
        at: usize,
        /// The number.
        value: f64,
        /// The least accepted.
        low: f64,
        /// The largest accepted.
        high: f64,
    },
    /// The file is not a safetensors file.
    #[error("this is not a readable safetensors file: make it again with the trainer, or copy it again")]
    Container {
        /// What the reader says.
        source: safetensors::SafeTensorError,
    },
    /// A tensor is missing, or has another type or number of dimensions.
    #[error(
        "the model file has no tensor `{name}` of the type and shape that this version reads: make the file again"
    )]
    Tensor {
        /// Name of the tensor.
        name: String,
    },
    /// The checksum does not match, or is not there.
    #[error("the model file is damaged: its checksum does not match; copy or make it again")]
    Checksum,
    /// The file holds no description of the model.
    #[error("the file holds tensors but no description of an Arras model: it was written by another program")]
    NoCard,
    /// The description cannot be read.
    #[error("the description inside the model file cannot be read: make the file again")]
    Card {
        /// What the reader says.
        source: serde_json::Error,
    },
    /// Another format or architecture.
    #[error(
        "the model file has format {have}, and this version reads format {need}: use the matching version"
    )]
    Format {
        /// Format of the file.
        have: u32,
        /// Format that this version reads.
        need: u32,
    },
    /// The polynomial's domain does not lie evenly around zero.
    #[error("the polynomial is given on [{low}, {high}], and must be on an interval with zero in its middle")]
    Domain {
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
    /// Probabilities and labels that cannot be compared.
    #[error(
        "the number of probabilities is {probabilities}, and that of labels {labels}: give as many of one as of the other, at least one"
    )]
    Compare {
        /// Number of probabilities.
        probabilities: usize,
        /// Number of labels.
        labels: usize,
    },
    /// More sentences than fit.
    #[error(
        "{have} sentences do not fit: this packing holds at least 1 and at most {most} beside its sentinel; split them"
    )]
    Batch {
        /// Sentences given.
        have: usize,
        /// Sentences that fit.
        most: usize,
    },
    /// A circuit refused its sizes.
    #[error("the model cannot be laid out in slots")]
    Circuit {
        /// What the circuit says.
        #[from]
        source: arras_circuits::Error,
    },
    /// The label of a batch is none of ours.
    #[error("the label of the sealed data cannot be read: seal them again with this version")]
    Job {
        /// What the reader says.
        source: serde_json::Error,
    },
    /// A text longer than the lanes.
    #[error(
        "the text has {have} pieces with its first and last mark, and the model reads {most}: shorten it, or ask for it to be cut off"
    )]
    TooLong {
        /// Pieces of the text, with both marks.
        have: usize,
        /// The most that fit.
        most: usize,
    },
    /// A vocabulary without one of the special pieces.
    #[error("the vocabulary has no piece `{piece}`: it is not a WordPiece vocabulary of the BERT family")]
    Special {
        /// The missing piece.
        piece: &'static str,
    },
    /// A file of another kind.
    #[error("the model file is of the format `{have}`, and this reads `{need}`: use the matching version")]
    Kind {
        /// Format of the file.
        have: String,
        /// Format that this version reads.
        need: &'static str,
    },
    /// A transformer without ranges.
    #[error(
        "the model file carries no ranges, from which the scales of its encrypted evaluation follow: measure them with `arras train transformer calibrate`"
    )]
    NoRanges,
    /// A file of another program that cannot be read.
    #[error("the file {file} is not what the transformers library writes: download it again")]
    Foreign {
        /// Which file.
        file: &'static str,
        /// What the reader says.
        source: serde_json::Error,
    },
    /// An architecture that is not read.
    #[error(
        "the model has {layer}: only encoders of BERT's and DistilBERT's shape are read, in F32, uncased, with GELU"
    )]
    Unsupported {
        /// The layer or setting that is different.
        layer: String,
    },
    /// A tensor of another shape than the rest of the model needs.
    #[error(
        "the tensor `{name}` has the shape {have:?}, and config.json needs {need:?}: the files belong to different models"
    )]
    Misshapen {
        /// Name of the tensor.
        name: String,
        /// Its shape.
        have: Vec<usize>,
        /// The shape that fits.
        need: Vec<usize>,
    },
    /// A weight that is no number.
    #[error(
        "the tensor `{name}` is not a finite number at position {at}: the file is damaged, or training diverged"
    )]
    NotANumber {
        /// Name of the tensor.
        name: String,
        /// Position of the first one.
        at: usize,
    },
    /// A tokenizer of another model.
    #[error(
        "the tokenizer has {have} pieces, and the model has {need} rows, numbered from 0: tokenizer.json belongs to another model"
    )]
    OtherVocabulary {
        /// Pieces of the tokenizer.
        have: usize,
        /// Rows of the model.
        need: usize,
    },
    /// An encoder that was not tuned to classify.
    #[error("the encoder has no classifier: fine-tune it first with `arras train transformer teacher`")]
    NoClassifier,
}

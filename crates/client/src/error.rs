//! What can go wrong where the secret key lives.

use std::path::PathBuf;

use arras_rlwe::wire;

/// Every error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system gave no randomness.
    #[error("the operating system gives no randomness: {source}; nothing was made")]
    Randomness {
        /// What it says.
        source: getrandom::Error,
    },
    /// A passphrase that is guessed at once.
    #[error("the passphrase is shorter than {least} bytes: use a longer one, best several random words")]
    ShortPassphrase {
        /// The shortest accepted.
        least: usize,
    },
    /// A file of Argon2 costs that is none, or unsafe.
    #[error(
        "the file of the salt and costs of the passphrase is damaged or asks for too little or too much: copy it again"
    )]
    Recipe,
    /// The caller asked to stop.
    #[error("key generation was interrupted, and nothing was written")]
    Interrupted,
    /// No ring is large enough.
    #[error(
        "no parameters give {depth} levels at {security}-bit security: use less security, or a model or function of fewer levels"
    )]
    NoParameters {
        /// Levels that the model takes.
        depth: u32,
        /// Security wanted.
        security: u32,
    },
    /// The keys' parameters have too few levels.
    #[error(
        "the keys have {have} levels and {need} are needed: make keys for what shall run, as `arras keygen --model` does for a model"
    )]
    TooShallow {
        /// Levels of the keys.
        have: u32,
        /// Levels of the model.
        need: u32,
    },
    /// Parameters with too little precision to hide the noise of an answer.
    #[error(
        "the keys give {have:.1} correct bits, and {need} are needed before an answer may be shown: make keys for what shall run, as `arras keygen --model` does for a model"
    )]
    Noisy {
        /// Correct bits after the binary point at the lowest level.
        have: f64,
        /// Bits needed.
        need: u32,
    },
    /// A precision that no degrees reach.
    #[error(
        "no polynomials reach an error of 2^-{alpha:.1} with the noise of their parameters: ask for less"
    )]
    Unreachable {
        /// The precision of the sign.
        alpha: f64,
    },
    /// Polynomials and degrees.
    #[error(transparent)]
    Approx(#[from] arras_approx::Error),
    /// A value that a program lets grow beyond the domain of what it does next.
    #[error(
        "a value of up to {size} goes where at most 1 fits: the program has to state or to scale it, so no plan is made"
    )]
    Unbounded {
        /// The bound of its size.
        size: f64,
    },
    /// A value that would wrap around.
    #[error(
        "a value of up to {size} does not fit a modulus that holds {most}: ask for fewer conditions at once, or for smaller numbers"
    )]
    Wraps {
        /// The bound of its size.
        size: f64,
        /// What fits.
        most: f64,
    },
    /// A program, its data or its answer.
    #[error(transparent)]
    App(#[from] arras_apps::Error),
    /// Costs of operations.
    #[error(transparent)]
    Costs(#[from] arras_plan::Error),
    /// A function of columns.
    #[error(transparent)]
    Circuit(#[from] arras_circuits::Error),
    /// Columns that cannot be sealed.
    #[error(transparent)]
    Data(#[from] arras_circuits::slotwise::DataError),
    /// An answer about columns that must not be used.
    #[error(transparent)]
    Answer(#[from] arras_circuits::slotwise::AnswerError),
    /// A refresh that is not in the catalogue.
    #[error("the file of the program names a refresh that is not known here: seal again with this version")]
    Preset,
    /// Columns sealed for another function.
    #[error("the columns were sealed for another function: give the one with which they were sealed")]
    ForeignFunction,
    /// Approximate arithmetic.
    #[error(transparent)]
    Ckks(#[from] arras_ckks::Error),
    /// Keys and parameters.
    #[error(transparent)]
    Rlwe(#[from] arras_rlwe::Error),
    /// The model, or a text.
    #[error(transparent)]
    Model(#[from] arras_nn::Error),
    /// An answer that must not be used.
    #[error(transparent)]
    Sentinel(#[from] arras_nn::sentinel::SentinelError),
    /// Bytes that are not what they should be.
    #[error("{}: {source}", path.display())]
    Bytes {
        /// Where they were read.
        path: PathBuf,
        /// What is wrong.
        source: wire::Error,
    },
    /// Parameters in a file that are refused.
    #[error("{}: {source}", path.display())]
    Params {
        /// Where they were read.
        path: PathBuf,
        /// What is wrong.
        source: arras_ckks::Error,
    },
    /// A folder that is there already.
    #[error("{} exists already: choose another folder, or replace it with --force", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// A folder whose name is that of folders in the making.
    #[error("{} has a name that folders of keys have while they are made: choose another folder", path.display())]
    Reserved {
        /// The folder.
        path: PathBuf,
    },
    /// A folder that is to be replaced, and holds something else.
    #[error("{} is no folder of keys, or holds other files too, so it is not replaced: choose another folder", path.display())]
    NotKeys {
        /// The folder.
        path: PathBuf,
    },
    /// A file of keys that is not there.
    #[error("{} is missing: make keys with `arras keygen --out`, or give the folder that holds them", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The secret key could be read by others.
    #[error("{} can be read by others: run `chmod 600` on it, and make new keys if someone may have read it", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// A secret key that would be lost.
    #[error("{} is a secret key, so it is not overwritten: choose another file", path.display())]
    Secret {
        /// The file.
        path: PathBuf,
    },
    /// A file that is longer than anything of its kind.
    #[error("{} has more than {most} bytes, which is too long: give another file", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The most bytes read.
        most: u64,
    },
    /// More sentences than one file may hold.
    #[error(
        "{have} sentences would take {bytes} bytes of memory, and {most} are allowed: seal them in parts, or with `--mode throughput` where the model has it"
    )]
    TooMany {
        /// Sentences given.
        have: usize,
        /// Bytes that their ciphertexts take.
        bytes: u64,
        /// The most bytes allowed.
        most: u64,
    },
    /// The file system refused.
    #[error("{} cannot be {action}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// Why not.
        source: std::io::Error,
    },
    /// Sealed data of another model.
    #[error("the data were sealed for another model: give the model file with which they were sealed")]
    ForeignModel,
    /// The engine answered something else than it was asked.
    #[error("the number of ciphertexts in the answer is {have}, and must be {need}: run it again")]
    Items {
        /// Ciphertexts found.
        have: usize,
        /// Ciphertexts expected.
        need: usize,
    },
    /// Data that were sealed, and not run.
    #[error("these data are sealed but not yet run: run them first, as `arras run` does with a model")]
    NotRun,
    /// No text at all.
    #[error("there is no text to classify: give at least one sentence")]
    NoText,
    /// A text that the model cannot read.
    #[error("text {position}: {source}")]
    Text {
        /// Position, from one.
        position: usize,
        /// Why.
        source: arras_nn::Error,
    },
}

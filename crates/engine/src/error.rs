//! Why a program did not run.

use arras_ckks::Level;
use arras_rlwe::Purpose;

use crate::journal::NotKept;

/// Misuse, keys that do not fit the program, or a batch that does not fit the model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Levels, values, packing: what the scheme refuses.
    #[error(transparent)]
    Scheme(arras_ckks::Error),
    /// A vector or matrix that does not fit the slots.
    #[error(transparent)]
    Program(#[from] arras_circuits::Error),
    /// A program of integers, or a label of another one.
    #[error(transparent)]
    App(#[from] arras_apps::Error),
    /// Refreshes that cannot be scheduled.
    #[error(transparent)]
    Plan(#[from] arras_plan::Error),
    /// Parameters whose security was not established.
    #[error(
        "these parameters do not have the security that they claim; make new keys with the command that made these"
    )]
    Insecure,
    /// A key that the program needs is not there.
    #[error(
        "no evaluation key for {by}; make keys for what shall run, as `arras keygen --model <file>` does for a model"
    )]
    MissingKey {
        /// What the key would do.
        by: Purpose,
    },
    /// A key does not reach the level at which the program needs it.
    #[error(
        "the evaluation key for {by} reaches level {have}, and level {need} is needed; make keys for what shall run, as `arras keygen --model <file>` does for a model"
    )]
    KeyLevel {
        /// What the key does.
        by: Purpose,
        /// The highest level of the key.
        have: Level,
        /// The level needed.
        need: Level,
    },
    /// Vectors packed for another number of slots.
    #[error(
        "vectors of {need} slots are needed, and {have} are here; seal the data again for what runs here and these keys"
    )]
    Slots {
        /// Slots needed.
        need: usize,
        /// Slots there are.
        have: usize,
    },
    /// Ciphertexts at another level than the program starts from.
    #[error(
        "the program starts at level {need}, and the data are at level {have}; seal the data again for what runs here"
    )]
    Level {
        /// The level needed.
        need: Level,
        /// The level there is.
        have: Level,
    },
    /// A program deeper than any parameters.
    #[error(
        "the model needs {need} levels, more than any parameters have; train one with fewer layers or lower degrees"
    )]
    TooDeep {
        /// Levels needed.
        need: u32,
    },
    /// Another number of ciphertexts than the label promises.
    #[error(
        "the number of ciphertexts in the batch is {have}, and must be {need}; seal the data again for what runs here"
    )]
    Ciphertexts {
        /// Ciphertexts needed.
        need: usize,
        /// Ciphertexts there are.
        have: usize,
    },
    /// A batch sealed for another model.
    #[error("the data were sealed for another model; seal them again with the model file that runs here")]
    ForeignModel,
    /// Columns sealed for another function.
    #[error(
        "the columns were sealed for another function, or for the same one with other polynomials; seal them again for the \
         function that runs here"
    )]
    ForeignFunction,
    /// A label that cannot be read, or a model without a program.
    #[error(transparent)]
    Model(#[from] arras_nn::Error),
    /// A batch larger than the engine accepts.
    #[error(
        "the batch holds {have} sentences, and this engine takes at most {most} at once; send it in parts"
    )]
    Sentences {
        /// Sentences in the batch.
        have: usize,
        /// The most accepted.
        most: usize,
    },
    /// More rows than the engine accepts.
    #[error("the columns have {have} rows, and this engine takes at most {most} at once; send them in parts")]
    Rows {
        /// Rows of the columns.
        have: usize,
        /// The most accepted.
        most: usize,
    },
    /// A run that would hold more than the engine may.
    #[error(
        "the run would hold {need} bytes, and this engine may hold {most}; send less at once, or run it where there is more memory"
    )]
    Memory {
        /// Bytes needed.
        need: u64,
        /// Bytes allowed.
        most: u64,
    },
    /// A place to go on from that no run of this program on these data reaches.
    #[error("what was kept is of another run, or damaged: give another place, and the run starts anew")]
    Journal,
    /// What a run reached was not kept.
    #[error("what the run reached cannot be kept")]
    Keep(#[source] NotKept),
    /// The caller asked to stop.
    #[error("the run was stopped, and nothing was written")]
    Stopped,
    /// A refresh that is not in the catalogue.
    #[error("the program names a refresh that is not known here: run it with the version that sealed it")]
    Preset,
    /// A schedule for other levels than a refresh has.
    #[error(
        "the schedule takes refreshes from level {input} to level {output}, and these go from {need} to {gives}: make the schedule for this refresh"
    )]
    Schedule {
        /// The level at which the schedule takes the input of a refresh.
        input: u32,
        /// The level at which it has the output.
        output: u32,
        /// The level at which a refresh takes its input.
        need: u32,
        /// The level of what it gives.
        gives: u32,
    },
    /// A probe that was given no way to decrypt.
    #[error(
        "decryption needs the secret key, which only the caller has: give it to the probe with `opening`"
    )]
    NoOpening,
}

impl From<arras_ckks::Error> for Error {
    fn from(error: arras_ckks::Error) -> Self {
        if error == arras_ckks::Error::Stopped {
            return Self::Stopped;
        }
        if let arras_ckks::Error::Rlwe(below) = error { below.into() } else { Self::Scheme(error) }
    }
}

impl From<arras_rlwe::Error> for Error {
    fn from(error: arras_rlwe::Error) -> Self {
        if let arras_rlwe::Error::MissingKey { by } = error {
            return Self::MissingKey { by };
        }
        if let arras_rlwe::Error::KeyLevel { by, have, need } = error {
            return Self::KeyLevel { by, have, need };
        }
        Self::Scheme(error.into())
    }
}

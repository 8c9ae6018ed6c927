//! The words of `arras tree`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::args::{Bits, task};

#[derive(Debug, Subcommand)]
pub enum Tree {
    /// Find the classes of samples: seal, run and open in one go
    #[command(
        after_help = "Examples:\n  arras tree predict --model tree.json --in samples.csv --check\n  arras tree predict --model forest.json --in labelled.csv --labelled --json\n\nThe model is what `arras tree train` writes, or a few lines of Python from scikit-learn: see docs/integers.md."
    )]
    Predict(Predict),
    /// Grow a tree or a forest on labelled samples
    #[command(
        after_help = "Example:\n  arras tree train --in labelled.csv --bits 8 --depth 6 --out tree.json\n\nThe last column is the class; the others are numbers."
    )]
    Train(Train),
    /// Encrypt samples for a model
    #[command(
        after_help = "Example:\n  arras tree seal --model tree.json --in samples.csv --keys keys --task task --out sealed"
    )]
    Seal(Seal),
    /// Run a model on sealed samples (needs evaluation keys only)
    #[command(
        after_help = "Example:\n  arras tree run --evaluation-keys keys/evaluation.key --task task --in sealed --out answer"
    )]
    Run(task::Run),
    /// Decrypt classes (needs the secret key)
    #[command(
        after_help = "Example:\n  arras tree open --keys keys --task task --in answer --model tree.json"
    )]
    Open(Open),
}

/// Which model, and which samples.
#[derive(Debug, Args)]
pub struct Samples {
    /// The file of the model
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,
    /// The samples: CSV, a line for each, a column for each feature; a first line of words is a header
    #[arg(long = "in", value_name = "FILE")]
    pub input: PathBuf,
    /// The last column is the class, which is not encrypted but compared with the answer
    #[arg(long)]
    pub labelled: bool,
    /// Move what is beyond the bits of the model to the nearest value that they hold, which changes no answer
    #[arg(long)]
    pub clamp: bool,
    /// Encrypt the thresholds too
    #[arg(long)]
    pub hide_thresholds: bool,
    /// Security in bits
    #[arg(long, value_name = "BITS", default_value = "128")]
    pub security: Bits,
}

#[derive(Debug, Args)]
pub struct Predict {
    #[command(flatten)]
    pub samples: Samples,
    /// Compare every answer with a walk down each tree in the clear
    #[arg(long)]
    pub check: bool,
    #[command(flatten)]
    pub beside: task::Beside,
}

#[derive(Debug, Args)]
pub struct Seal {
    #[command(flatten)]
    pub samples: Samples,
    #[command(flatten)]
    pub files: task::Seal,
}

#[derive(Debug, Args)]
pub struct Open {
    #[command(flatten)]
    pub files: task::Open,
    /// The file of the model, for the names of the classes; without it they are numbered from 0
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Train {
    /// Labelled samples: CSV, the class in the last column; a first line of words is a header
    #[arg(long = "in", value_name = "FILE")]
    pub input: PathBuf,
    /// Bits of a feature
    #[arg(long, value_name = "BITS", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=16))]
    pub bits: u32,
    /// The most splits on the way to a leaf
    #[arg(long, value_name = "SPLITS", default_value_t = 6)]
    pub depth: usize,
    /// Trees; more than one vote
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    pub trees: usize,
    /// Seed of what the trees of a forest see
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// The file of the model to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

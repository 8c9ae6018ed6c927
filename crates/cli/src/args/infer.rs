//! The words of `arras infer`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::args::{Bits, task};

#[derive(Debug, Subcommand)]
pub enum Infer {
    /// Find the scores of samples: seal, run and open in one go
    #[command(
        after_help = "Examples:\n  arras infer predict --model network.json --in samples.csv --check\n  arras infer predict --model network.safetensors --in labelled.csv --labelled --json\n\nHow to write a model from scikit-learn or PyTorch is in docs/integers.md."
    )]
    Predict(Predict),
    /// Encrypt samples for a network
    #[command(
        after_help = "Example:\n  arras infer seal --model network.json --in samples.csv --keys keys --task task --out sealed"
    )]
    Seal(Seal),
    /// Run a network on sealed samples (needs evaluation keys only)
    #[command(
        after_help = "Example:\n  arras infer run --evaluation-keys keys/evaluation.key --task task --in sealed --out answer"
    )]
    Run(task::Run),
    /// Decrypt scores (needs the secret key)
    #[command(after_help = "Example:\n  arras infer open --keys keys --task task --in answer")]
    Open(task::Open),
}

/// Which network, and which samples.
#[derive(Debug, Args)]
pub struct Samples {
    /// The file of the network, JSON or safetensors
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,
    /// The samples: CSV, a line for each, a column for each feature; a first line of words is a header
    #[arg(long = "in", value_name = "FILE")]
    pub input: PathBuf,
    /// The last column is the class, which is not encrypted but compared with the answer
    #[arg(long)]
    pub labelled: bool,
    /// A ReLU errs by two to the minus this of the most that its neuron can be
    #[arg(long, value_name = "BITS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(4..=20))]
    pub precision: u32,
    /// Security in bits
    #[arg(long, value_name = "BITS", default_value = "128")]
    pub security: Bits,
}

#[derive(Debug, Args)]
pub struct Predict {
    #[command(flatten)]
    pub samples: Samples,
    /// Compare every score with that of the network in the clear
    #[arg(long)]
    pub check: bool,
}

#[derive(Debug, Args)]
pub struct Seal {
    #[command(flatten)]
    pub samples: Samples,
    #[command(flatten)]
    pub files: task::Seal,
}

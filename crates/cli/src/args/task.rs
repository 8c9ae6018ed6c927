//! The words that every program on encrypted integers takes, one party at a time.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Where sealing reads and writes.
#[derive(Debug, Args)]
pub struct Seal {
    /// The folder of keys, made for this program when missing
    #[arg(long, value_name = "DIR")]
    pub keys: PathBuf,
    /// The file of ciphertexts to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// The file of the program to write: public, for whoever runs or opens it
    #[arg(long, value_name = "FILE")]
    pub task: PathBuf,
    /// Seal under the public key, as others would
    #[arg(long)]
    pub public: bool,
}

/// Where running reads and writes: evaluation keys only.
#[derive(Debug, Args)]
pub struct Run {
    /// The file of evaluation keys
    #[arg(long, value_name = "FILE")]
    pub evaluation_keys: PathBuf,
    /// The file of parameters; by default params, beside the evaluation keys
    #[arg(long, value_name = "FILE")]
    pub params: Option<PathBuf>,
    /// The file of the program
    #[arg(long, value_name = "FILE")]
    pub task: PathBuf,
    /// What was sealed
    #[arg(long = "in", value_name = "FILE")]
    pub input: PathBuf,
    /// The file of the answer to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// Where opening reads.
#[derive(Debug, Args)]
pub struct Open {
    /// The folder of keys
    #[arg(long, value_name = "DIR")]
    pub keys: PathBuf,
    /// The file of the program
    #[arg(long, value_name = "FILE")]
    pub task: PathBuf,
    /// The answer
    #[arg(long = "in", value_name = "FILE")]
    pub input: PathBuf,
}

/// What else does the same, in the same command.
#[derive(Debug, Args)]
pub struct Beside {
    /// Run a baseline too, on the first few values, and show published figures: bit-wise TFHE (needs the feature tfhe)
    #[arg(long, value_name = "METHOD")]
    pub baseline: Option<Baseline>,
}

/// Another method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Baseline {
    /// Bit-wise TFHE
    Tfhe,
}

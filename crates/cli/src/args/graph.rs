//! The words of `arras graph`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::args::{Bits, task};

#[derive(Debug, Subcommand)]
pub enum Graph {
    /// Find shortest paths between all pairs of nodes: seal, run and open in one go
    #[command(
        after_help = "Examples:\n  arras graph paths --in weights.csv --check\n  arras graph paths --in miles.csv --bits 8 --scale --json\n\nThe file is a square of weights, from row to column; nothing or inf where there is no edge. Distances of B bits end at\n2^B - 2, and 2^B - 1 stands for no path."
    )]
    Paths(Paths),
    /// Find which nodes lead to which: seal, run and open in one go
    #[command(
        after_help = "Example:\n  arras graph reach --in weights.csv --check\n\nThe file is as for paths; what edges weigh is of no consequence."
    )]
    Reach(Reach),
    /// Encrypt a graph
    #[command(
        after_help = "Examples:\n  arras graph seal --in weights.csv --keys keys --task task --out sealed\n  arras graph seal --in weights.csv --reach --keys keys --task task --out sealed"
    )]
    Seal(Seal),
    /// Find the paths of a sealed graph (needs evaluation keys only)
    #[command(
        after_help = "Examples:\n  arras graph run --evaluation-keys keys/evaluation.key --task task --in sealed --out answer\n  arras graph run --evaluation-keys keys/evaluation.key --task task --in sealed --out answer --journal rounds"
    )]
    Run(Run),
    /// Decrypt paths (needs the secret key)
    #[command(after_help = "Example:\n  arras graph open --keys keys --task task --in answer")]
    Open(task::Open),
}

/// Which graph.
#[derive(Debug, Args)]
pub struct File {
    /// The weights: CSV, a row and a column for each node
    #[arg(long = "in", value_name = "FILE")]
    pub input: PathBuf,
    /// Security in bits
    #[arg(long, value_name = "BITS", default_value = "128")]
    pub security: Bits,
}

/// How its weights are read.
#[derive(Debug, Args)]
pub struct Weights {
    /// Bits of a distance
    #[arg(long, value_name = "BITS", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=12))]
    pub bits: u32,
    /// Bring the largest weight to what the bits hold, and the others in proportion, rounded
    #[arg(long)]
    pub scale: bool,
    /// Leave out the predecessors, which take half of the slots
    #[arg(long)]
    pub no_predecessors: bool,
}

#[derive(Debug, Args)]
pub struct Paths {
    #[command(flatten)]
    pub file: File,
    #[command(flatten)]
    pub weights: Weights,
    /// Compare the answer with the same algorithm in the clear
    #[arg(long)]
    pub check: bool,
    #[command(flatten)]
    pub beside: task::Beside,
}

#[derive(Debug, Args)]
pub struct Reach {
    #[command(flatten)]
    pub file: File,
    /// Compare the answer with the same algorithm in the clear
    #[arg(long)]
    pub check: bool,
}

#[derive(Debug, Args)]
pub struct Run {
    #[command(flatten)]
    pub files: task::Run,
    /// Keep every round of a graph that is refreshed in this folder, so that the same command goes on where it was stopped
    #[arg(long, value_name = "DIR")]
    pub journal: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Seal {
    #[command(flatten)]
    pub file: File,
    #[command(flatten)]
    pub weights: Weights,
    /// Only which nodes lead to which
    #[arg(long, conflicts_with_all = ["bits", "scale", "no_predecessors"])]
    pub reach: bool,
    #[command(flatten)]
    pub files: task::Seal,
}

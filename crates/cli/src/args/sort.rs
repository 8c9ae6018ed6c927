//! The words of `arras sort`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::args::{Bits, task};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Sort {
    #[command(subcommand)]
    pub party: Option<Party>,
    #[command(flatten)]
    pub values: Values,
    /// Compare the answer with the one in the clear, and fail if it is wrong
    #[arg(long)]
    pub check: bool,
    #[command(flatten)]
    pub beside: task::Beside,
}

/// One party at a time.
#[derive(Debug, Subcommand)]
pub enum Party {
    /// Encrypt the numbers
    #[command(
        after_help = "Example:\n  arras sort seal --in numbers.txt --bits 8 --keys keys --task sort.task --out sealed"
    )]
    Seal(Seal),
    /// Sort what was sealed (needs evaluation keys only)
    #[command(
        after_help = "Example:\n  arras sort run --evaluation-keys keys/evaluation.key --task sort.task --in sealed --out answer"
    )]
    Run(task::Run),
    /// Decrypt the answer
    #[command(after_help = "Example:\n  arras sort open --keys keys --task sort.task --in answer")]
    Open(task::Open),
}

#[derive(Debug, Args)]
pub struct Seal {
    #[command(flatten)]
    pub values: Values,
    #[command(flatten)]
    pub files: task::Seal,
}

/// What is sorted, and how.
#[derive(Debug, Args)]
pub struct Values {
    /// A file of whole numbers from 0 on, one in each line; - is standard input, as is no file
    #[arg(long = "in", value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// Bits that hold every number
    #[arg(long, value_name = "BITS", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=16))]
    pub bits: u32,
    /// What is asked
    #[arg(long, value_name = "MODE", default_value = "sort")]
    pub mode: Mode,
    /// How many of the largest, for --mode top
    #[arg(long, value_name = "K", required_if_eq("mode", "top"))]
    pub k: Option<usize>,
    /// Security in bits
    #[arg(long = "security", value_name = "BITS", default_value = "128")]
    pub security: Bits,
}

/// What is asked of the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// All of them, ascending
    Sort,
    /// The place of each in the sorted list, from 0; equal numbers keep their order
    Rank,
    /// The --k largest, descending
    Top,
    /// The one in the middle, or the mean of the two
    Median,
}

//! The words of `arras demo`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum Demo {
    /// A program far deeper than the chain: the logistic map x <- r x (1 - x) for a hidden r in each slot, with refreshes
    /// where a schedule puts them
    #[command(
        after_help = "Examples:\n  arras demo deep\n  arras demo deep --depth 40 --preset toy --json\n  arras demo deep --keys keys\n  arras demo deep --preset toy --stray 4\n\nThe error is that against the clear reading, over all slots, after every step. What every refresh changed is looked at, and nothing is shown if a value left its range."
    )]
    Deep(Deep),
}

#[derive(Debug, Args)]
pub struct Deep {
    /// Multiplications one after another
    #[arg(long, value_name = "STEPS", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub depth: u32,
    /// boot-n15, boot-n16, boot-n16-deep, boot-n16-wide, boot-n16-precise, or toy (small and insecure)
    #[arg(long, value_name = "NAME", default_value = "boot-n16")]
    pub preset: String,
    /// Slots of the vectors, a power of two; all by default
    #[arg(long, value_name = "SLOTS")]
    pub slots: Option<usize>,
    /// Use the keys of a folder that `arras keygen --bootstrap` made for the same preset and slots, instead of new ones
    #[arg(long, value_name = "DIR")]
    pub keys: Option<PathBuf>,
    /// A rate r for the first slot, which may be one that the program does not allow (beyond 3.2, up to 4): it is refused
    #[arg(long, value_name = "RATE")]
    pub stray: Option<f64>,
}

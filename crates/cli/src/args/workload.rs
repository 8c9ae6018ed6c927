//! The words of `arras workload`.

use clap::{Args, ValueEnum};

use crate::args::{Bits, task};

#[derive(Debug, Args)]
pub struct Workload {
    /// What is computed in every slot
    #[arg(value_enum)]
    pub kind: Kind,
    /// Bits of the integers
    #[arg(long, value_name = "BITS", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=16))]
    pub bits: u32,
    /// Slots, a power of two; all of the ring by default
    #[arg(long, value_name = "SLOTS")]
    pub slots: Option<usize>,
    /// Runs, each on values of its own, of which the fastest counts
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub runs: u32,
    /// Seed of the values
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// Security in bits
    #[arg(long, value_name = "BITS", default_value = "128")]
    pub security: Bits,
    #[command(flatten)]
    pub beside: task::Beside,
}

/// Which workload.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Kind {
    /// A * B > C, C of twice the bits
    W1,
    /// (A > B) * C
    W2,
    /// (A * B > C) * D, C of twice the bits
    W3,
}

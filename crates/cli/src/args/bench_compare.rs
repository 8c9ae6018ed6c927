//! The words of `arras bench compare`.

use std::path::PathBuf;

use arras_circuits::slotwise::Function;
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use super::{Chain, compare};

#[derive(Debug, Args)]
pub struct BenchCompare {
    /// Bits of precision, from 4 to 20: inputs that differ by 2^-BITS are told apart, and results err by at most 2^-BITS
    #[arg(long, value_name = "BITS", required_unless_present = "all", allow_negative_numbers = true,
        value_parser = clap::value_parser!(u8).range(4..=20))]
    pub alpha: Option<u8>,
    /// Levels of the modulus chain; by default as published for 8, 12, 16 and 20 bits, else the fewest
    #[arg(long, value_name = "LEVELS", value_parser = clap::value_parser!(u32).range(1..=128))]
    pub depth: Option<u32>,
    /// What is computed in each slot
    #[arg(long, value_name = "FUNCTION", default_value = "compare", value_parser = compare::function(true))]
    pub function: Function,
    /// How degrees are chosen
    #[arg(long, value_name = "METHOD", default_value = "proposed")]
    pub method: Method,
    /// The sign inside max and its like is right from FACTOR times 2^-BITS on; by default as published
    #[arg(long, value_name = "FACTOR", allow_negative_numbers = true)]
    pub zeta: Option<f64>,
    /// Runs, each on inputs of its own, of which the fastest counts
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub runs: u32,
    /// Seed of the inputs
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// A file of costs; by default that of `arras calibrate`, or measured first
    #[arg(long, value_name = "FILE")]
    pub costs: Option<PathBuf>,
    /// The modulus chain; by default narrow where every method is granted there, else wide
    #[arg(long, value_name = "KIND")]
    pub chain: Option<Chain>,
    /// Every published row, by all methods taking turns, kept in --out; the same command goes on after an interruption
    #[arg(long, requires = "out", conflicts_with_all = ["alpha", "depth", "zeta", "method", "function"])]
    pub all: bool,
    /// Where --all keeps its rows
    #[arg(long, value_name = "FILE", requires = "all")]
    pub out: Option<PathBuf>,
    /// A small and insecure ring, on which scripts are tried
    #[arg(long, hide = true)]
    pub toy: bool,
}

/// How degrees are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The fewest products, of degrees up to 31
    Previous,
    /// The least time by measured costs, of degrees up to 63
    Proposed,
    /// The degrees that were published as those of the least time
    Published,
}

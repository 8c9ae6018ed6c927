//! The words of `arras bench sok`.

use std::path::PathBuf;

use clap::Args;

use super::bench_tfhe::Work;

#[derive(Debug, Args)]
pub struct BenchSok {
    /// Only these workloads and applications; all by default
    #[arg(long, value_name = "WORKS", value_delimiter = ',')]
    pub only: Vec<Work>,
    /// Only integers of these bits; 6, 8, 12 and 16 by default
    #[arg(long, value_name = "BITS", value_delimiter = ',')]
    pub bits: Vec<u32>,
    /// Only these sizes: elements, nodes, depth or rows; all by default
    #[arg(long, value_name = "SIZES", value_delimiter = ',')]
    pub sizes: Vec<usize>,
    /// A file of JSON that is written after each row; rows that it holds are not run again
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Seed of the numbers
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
}

//! The words of `arras bench tfhe`.

use arras_plan::sok;
use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub struct BenchTfhe {
    /// What is run
    #[arg(long, value_name = "WORK")]
    pub work: Work,
    /// Bits of the integers, an even number
    #[arg(long, value_name = "BITS", default_value_t = 8)]
    pub bits: u32,
    /// Values of a workload, elements to sort, nodes of a graph, depth of a tree, rows of a table; by default 1, 8, 16, 6
    /// and 512
    #[arg(long, value_name = "SIZE", value_parser = clap::value_parser!(u32).range(1..=65536))]
    pub size: Option<u32>,
    /// How much of it is measured, and the time scaled; by default 1 value or row, 8 elements, 4 nodes
    #[arg(long, value_name = "SIZE", value_parser = clap::value_parser!(u32).range(1..=65536))]
    pub sample: Option<u32>,
    /// Leave thresholds and classes of the tree in the clear
    #[arg(long)]
    pub plain_model: bool,
    /// Seed of the numbers
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
}

/// A workload or an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Work {
    /// A*B > C, C of twice the bits
    W1,
    /// (A > B)*C
    W2,
    /// (A*B > C)*D, C of twice the bits
    W3,
    /// Sorting, by Batcher's network
    Sort,
    /// All shortest paths and predecessors, by Floyd and Warshall
    Paths,
    /// A complete decision tree, a feature of its own at each node
    Tree,
    /// SELECT id WHERE a*b BETWEEN … AND a+c BETWEEN …
    Sql,
}

impl From<Work> for sok::Work {
    fn from(work: Work) -> Self {
        match work {
            Work::W1 => Self::W1,
            Work::W2 => Self::W2,
            Work::W3 => Self::W3,
            Work::Sort => Self::Sort,
            Work::Paths => Self::Paths,
            Work::Tree => Self::Tree,
            Work::Sql => Self::Sql,
        }
    }
}

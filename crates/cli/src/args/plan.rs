//! The words of `arras plan`.

use clap::{Args, ValueEnum};

use crate::args::Bits;

#[derive(Debug, Args)]
pub struct Plan {
    /// What is to be computed
    #[arg(value_enum, required_unless_present = "chart")]
    pub work: Option<Work>,
    /// Bits of the integers
    #[arg(long, value_name = "BITS", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=16))]
    pub bits: u32,
    /// Values of a workload, elements to sort, nodes of a graph, samples for a tree, rows of a table; 8 elements, 16 nodes and else 1 by
    /// default
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1_000_000_000))]
    pub values: Option<u32>,
    /// Find what takes the least time of a value where batches are full, not the least time in all
    #[arg(long)]
    pub throughput: bool,
    /// Allow answers that may be wrong where both sides of a comparison differ by less than 2^-BITS of the largest difference
    #[arg(long, value_name = "BITS", value_parser = clap::value_parser!(u32).range(1..=32))]
    pub approximate: Option<u32>,
    /// Depth of the complete tree
    #[arg(long, value_name = "SPLITS", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=10))]
    pub depth: u32,
    /// Encrypt the thresholds of the tree, too
    #[arg(long)]
    pub hide_thresholds: bool,
    /// Security in bits
    #[arg(long, value_name = "BITS", default_value = "128")]
    pub security: Bits,
    /// Measure the operations of the plan's chain now, instead of taking kept or modelled costs
    #[arg(long)]
    pub measure: bool,
    /// Print which kind of method fits which kind of application, and what Arras takes for each
    #[arg(long, conflicts_with_all = ["work", "bits", "values", "throughput", "approximate"])]
    pub chart: bool,
}

/// A workload or an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Work {
    /// A * B > C, C of twice the bits
    W1,
    /// (A > B) * C
    W2,
    /// (A * B > C) * D, C of twice the bits
    W3,
    /// Sorting an array
    Sort,
    /// All shortest paths of a graph with their predecessors
    Paths,
    /// Classes by a complete decision tree, a feature of its own at each split
    Tree,
    /// SELECT id WHERE a * b BETWEEN … AND a + c BETWEEN …
    Sql,
}

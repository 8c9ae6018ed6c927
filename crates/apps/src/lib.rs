#![doc = include_str!("../README.md")]

mod error;
pub mod graph;
pub mod infer;
pub mod prepared;
pub mod program;
pub mod sort;
pub mod table;
pub mod tree;
pub mod workload;

pub use error::Error;
pub use graph::Paths;
pub use prepared::Prepared;
pub use program::{Input, Need, Output, Program};
pub use sort::Sort;
pub use table::Table;
pub use workload::Workload;

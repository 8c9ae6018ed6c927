//! One file for each command.

pub mod baseline;
pub mod bench;
pub mod calibrate;
pub mod classify;
pub mod compare;
pub mod demo;
pub mod eval;
pub mod evaluate;
pub mod examples;
pub mod graph;
pub mod infer;
pub mod keygen;
pub mod minimax;
pub mod open;
pub mod params;
pub mod plan;
pub mod report;
mod rounds;
mod samples;
pub mod seal;
pub mod sort;
pub mod sql;
pub mod task;
pub mod train;
#[cfg(feature = "transformer")]
pub mod transformer;
pub mod tree;
pub mod workload;

#![doc = include_str!("../README.md")]

pub mod activation;
mod clear;
pub mod compare;
mod error;
pub mod integers;
mod layout;
mod levels;
pub mod logistic;
pub mod matrix;
pub mod minmax;
mod ops;
pub mod sign;
pub mod slotwise;
pub mod softargmax;
pub mod trace;

pub use clear::{Clear, Seen};
pub use compare::Compare;
pub use error::{Error, Failure};
pub use integers::{Exact, Integers, Relation};
pub use layout::Layout;
pub use levels::{LevelGraph, Node, Schedule};
pub use logistic::Logistic;
pub use matrix::{Dense, Matrix};
pub use minmax::{Abs, Max, Min, Relu};
pub use ops::{Arith, Pairs, Points, Rotate};
pub use sign::{Composition, Sign};
pub use slotwise::Slotwise;
pub use trace::{Op, Trace, Traced, Tracer};

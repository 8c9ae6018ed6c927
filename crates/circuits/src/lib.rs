#![doc = include_str!("../README.md")]

pub mod activation;
mod clear;
mod error;
mod layout;
pub mod matrix;
mod ops;
pub mod softargmax;
pub mod trace;

pub use clear::{Clear, Seen};
pub use error::{Error, Failure};
pub use layout::Layout;
pub use matrix::{Dense, Matrix};
pub use ops::{Arith, Rotate};
pub use trace::{Op, Trace, Traced, Tracer};

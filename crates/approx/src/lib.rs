#![doc = include_str!("../README.md")]

pub mod certify;
mod error;
pub mod fit;
pub mod interval;
pub mod minimax;
pub mod plan;
mod polynomial;
mod search;
mod target;

pub use certify::{Certificate, Measure, certify};
pub use error::Error;
pub use fit::{Fit, Symmetry, interpolate};
pub use interval::{Interval, Jet, Real};
pub use plan::{Node, Plan, Power, Tally};
pub use polynomial::{Affine, MAX_DEGREE, Parity, Polynomial};
pub use target::Target;

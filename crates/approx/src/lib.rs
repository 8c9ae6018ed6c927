#![doc = include_str!("../README.md")]

mod cells;
pub mod certify;
pub mod composite;
pub mod degrees;
mod error;
mod fine;
pub mod fit;
pub mod interval;
pub mod memo;
pub mod minimax;
pub mod plan;
mod polynomial;
mod range;
mod search;
mod target;

pub use certify::{Certificate, Measure, certify};
pub use composite::{Composite, Stage};
pub use error::Error;
pub use fit::{Fit, Symmetry, interpolate};
pub use interval::{Interval, Jet, Real};
pub use plan::{Node, Plan, Power, Tally};
pub use polynomial::{Affine, MAX_DEGREE, Parity, Polynomial};
pub use range::range;
pub use target::Target;

#![doc = include_str!("../README.md")]

pub mod cost;
mod error;
mod fastest;
mod model;
pub mod price;
mod schedule;
pub mod sok;

pub use cost::{Chain, CostTable, Machine, Operation, Ring};
pub use error::Error;
pub use fastest::Fastest;
pub use model::Rows;
pub use price::OddPrices;
pub use schedule::{Budget, schedule};

#![doc = include_str!("../README.md")]

pub mod cost;
mod error;
pub mod price;

pub use cost::{Chain, CostTable, Machine, Operation, Ring};
pub use error::Error;
pub use price::OddPrices;

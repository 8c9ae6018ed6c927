#![doc = include_str!("../README.md")]

pub mod bitwise;
pub mod candidate;
pub mod chart;
mod choose;
pub mod cost;
mod error;
mod explain;
mod fastest;
mod model;
mod need;
pub mod price;
mod schedule;
pub mod sok;

pub use candidate::{Bytes, Candidate, Costs, Growth, Method, Parameters};
pub use choose::{Choice, Lost, Offer, Refused, Turn, choose};
pub use cost::{Chain, CostTable, Machine, Operation, Ring};
pub use error::Error;
pub use fastest::Fastest;
pub use model::Rows;
pub use need::{Aim, Need};
pub use price::OddPrices;
pub use schedule::{Budget, schedule};

#![doc = include_str!("../README.md")]

pub mod adamw;
pub mod data;
mod error;
pub mod network;
pub mod phase;
pub mod prepare;
pub mod rng;
pub mod sst2;
pub mod temperature;
#[cfg(feature = "transformer")]
pub mod transformer;
pub mod tree;

pub use error::Error;

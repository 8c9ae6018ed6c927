#![doc = include_str!("../README.md")]

pub mod backend;
mod error;
pub mod probe;

pub use error::Error;

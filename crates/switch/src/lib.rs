#![doc = include_str!("../README.md")]

pub mod baseline;
mod error;

pub use error::Error;

#![doc = include_str!("../README.md")]

mod client;
mod columns;
mod encrypt;
mod error;
mod fresh;
pub mod keys;
pub mod passphrase;
pub mod plan;
pub mod random;
mod spread;
mod stages;
pub mod store;
mod tasks;

pub use client::{Client, LANES_PRECISION_BITS, PRECISION_BITS, Sealer, precision_bits};
pub use columns::{ColumnClient, ColumnPlan, ColumnSealer, Least, Place, Scales, Sealing, Wish, modelled};
pub use error::Error;
pub use keys::{Keys, Owner, Source};
pub use plan::Plan;
pub use store::Folder;
pub use tasks::{FAILURE_LOG2, TaskClient, TaskPlan, TaskSealer};

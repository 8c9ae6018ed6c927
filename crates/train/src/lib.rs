//! train
pub mod adamw;
pub mod network;
pub mod rng;
#[allow(clippy::all)]
pub mod explore;

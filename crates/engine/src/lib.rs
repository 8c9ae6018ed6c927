#![doc = include_str!("../README.md")]

pub mod backend;
mod engine;
mod error;
mod journal;
mod limits;
pub mod probe;
mod refreshed;
mod run;
mod task;
mod watch;

pub use engine::Engine;
pub use error::Error;
pub use journal::{Journal, NotKept};
pub use limits::Limits;

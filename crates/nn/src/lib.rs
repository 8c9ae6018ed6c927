#![doc = include_str!("../README.md")]

pub mod encoder;
mod error;
mod file;
pub mod head;
pub mod job;
pub mod lexicon;
pub mod metrics;
mod model;
mod network;
pub mod program;
pub mod sentinel;
pub mod text;
pub mod transformer;

pub use encoder::{Encoder, Features, Pooling, Table};
pub use error::Error;
pub use file::{BYTES, FORMAT};
pub use head::Head;
pub use job::{Job, Mode};
pub use lexicon::Lexicon;
pub use metrics::Metrics;
pub use model::{About, FIGURES, Model, NAME, Prediction, Ranges, Span};
pub use network::{Network, Reading};
pub use transformer::Transformer;

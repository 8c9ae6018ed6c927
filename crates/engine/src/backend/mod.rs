//! What runs a program: the operations of `arras_circuits` on ciphertexts.

mod cache;
mod ckks;
mod refresh;

pub use cache::{CACHE_BYTES, Cache};
pub(crate) use ckks::counts;
pub use ckks::{Ckks, Counts, Hidden};
pub use refresh::Refreshing;

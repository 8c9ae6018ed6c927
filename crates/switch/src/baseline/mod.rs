//! Bit-wise TFHE, measured: the same works on one encrypted integer at a time.
//!
//! Every integer is a ciphertext for each two of its bits, and every table look-up a bootstrap. What is timed are the
//! radix integers of the crate `tfhe` in the cheapest way that its public operations offer, on the fastest of its
//! parameters for two bits of message and two of carry at a failure probability of 2^-128 (a key switch of 32 bits). An
//! integer has the declared bits and no more, and a product twice as many.
//!
//! Bootstraps at 8 bits, counted: product 65 (of two 16-bit integers 111), comparison 5 (of 16 bits 11), selection 12,
//! product with a bit 4, both orders of a pair 16, sum with its carry 8.

mod graph;
mod measured;
#[cfg(any(test, feature = "tfhe"))]
mod network;
mod task;
mod tree;

#[cfg(feature = "tfhe")]
mod machine;
#[cfg(feature = "tfhe")]
mod part;
#[cfg(feature = "tfhe")]
mod steps;

#[cfg(not(feature = "tfhe"))]
mod absent;

pub use graph::NONE;
pub use measured::{Measured, Watch};
pub use task::{Query, Select, Task, Unit, Work};
pub use tree::{Branch, Node, Tree};

#[cfg(not(feature = "tfhe"))]
pub use absent::Baseline;
#[cfg(feature = "tfhe")]
pub use machine::Baseline;

//! A model's head as programs over hidden vectors, in two packings; and a transformer as a program, in [`Lanes`].
//!
//! | | [`Latency`] | [`Throughput`] |
//! |---|---|---|
//! | one ciphertext holds | one sentence, all its features | one feature of up to S - 1 sentences |
//! | rotations, Galois keys | yes | none |
//! | sentinel | one lane of the sentence | one sentence of the batch |
//! | levels | the same: layer, quadratic, layer, polynomial | |

mod lanes;
mod latency;
mod throughput;

pub use lanes::{Lanes, Stage};
pub use latency::Latency;
pub use throughput::Throughput;

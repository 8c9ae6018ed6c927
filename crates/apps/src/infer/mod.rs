//! Logistic regression and small multilayer networks with ReLU, on encrypted features.
//!
//! Features lie in ranges that the model states, so every value inside has a range that follows from them: each neuron is divided
//! by the most that it can be, and the polynomials of the ReLU never leave their domain. Scores are numbers with a proved
//! bound of their error, not integers.
//!
//! Slot p R + r holds neuron p of sample r, for R samples: a layer is one linear map and one ReLU for all of them.

mod network;
mod predict;
mod tensors;

pub use network::{File, Layer, Network, NetworkError};
pub use predict::{Infer, Scores};

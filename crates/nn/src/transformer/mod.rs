//! A classifier of texts whose server half is a transformer with squares in place of exponentials, divisions and norms.
//!
//! The client reads a text into pieces ([`tokens`]), looks up and normalises their features ([`Embedding`]) and encrypts them,
//! n tokens of `width` features in `lanes` lanes. The server then computes, layer by layer:
//!
//! ```text
//! q_i = Wq x_i + bq      k_j = Wk x_j + bk      v_j = (Wv x_j + bv) / n
//! s_ij = q_i . k_j + c                          of each head alone: feature e * heads + h belongs to head h
//! a_i = sum_j s_ij^2 v_j
//! y_i = g * x_i + Wo a_i + bo
//! x'_i = g' * y_i + W2 (W1 y_i + b1)^2 + b2
//! ```
//!
//! The last layer runs for the first lane alone, whose features give two logits and their soft-argmax. What training has of
//! other constants (the root of the head's width, leading and linear coefficients of the activation, means and deviations of
//! a norm) is folded into weights. In empty lanes every bias, and the shift c, counts as zero, so that x stays zero there
//! and no mask is needed: an empty query has score 0, an empty value adds nothing.

mod config;
mod file;
mod import;
mod model;
pub mod pretrained;
pub mod tokens;

pub use config::{LANES, LAYERS, LayerRanges, Ranges, Shape, reach};
pub use file::FORMAT;
pub use import::WEIGHTS;
pub use model::{About, Classifier, Embedded, Embedding, Layer, LayerValues, Parts, Transformer, Values};
pub use pretrained::Pretrained;
pub use tokens::{Pieces, Vocabulary};

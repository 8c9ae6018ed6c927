//! Decision trees and forests: every split of every tree compared at once, whatever the sample.
//!
//! # The program
//!
//! For each split the sign of 2 (t - x) + 1 says whether the feature x, an integer of b bits, is at most the threshold t.
//! For each leaf the number w of splits on its path that point elsewhere is a sum of signs. It is 0 for the leaf that is
//! reached, and 1 to d for the others of a tree of depth d, so that
//!
//! p(w) = (1 - w) (1 - w / 2) ... (1 - w / d)
//!
//! is 1 for that leaf and 0 for the others, within |p| <= 1 on [0, d], by ceil(log2(d + 1)) levels. A sum over the leaves,
//! weighted by class or by votes, is the answer.
//!
//! # Two packings
//!
//! | packing | slots of a sample | from signs to w |
//! |---|---|---|
//! | [`Packing::Paths`] | a slot for each split on the way to each leaf | log2 of the depth rotations, no level |
//! | [`Packing::Nodes`] | a slot for each split | one linear map: a level, and some 2 sqrt(splits) rotations |
//!
//! Whoever seals puts each feature wherever it is compared, which costs nothing. The first is the faster for what fits one
//! ciphertext; the second takes several times the samples into one ciphertext.
//!
//! A ciphertext for each feature and a sample in each slot would need no rotation, but one sign for each split whatever the
//! number of samples: as many as the second packing takes for a sample in every slot, and only there without its linear maps.
//!
//! Reference: Akhavan Mahdavi, Ni, Linkov and Kerschbaum (2023), Level Up: Private Non-Interactive Decision Tree Evaluation using
//! Levelled Homomorphic Encryption, for the sums along paths.

pub mod forest;
pub mod model;
mod packing;
mod predict;

pub use forest::{Forest, Node};
pub use model::{Model, ModelError};
pub use packing::Packing;
pub use predict::{Predict, Prediction, Samples};

#![doc = include_str!("../README.md")]

pub mod boot;
mod chain;
mod cipher;
mod encode;
mod error;
mod eval;
pub mod noise;
mod params;
pub mod presets;
mod release;
pub mod wire;

pub use arras_rlwe as rlwe;
pub use arras_rlwe::{KeyRequest, KeySet, KeySizes, Level, PublicKey, Purpose, SecretKey, Security, Spec};
pub use boot::{BootSpec, Bootstrapper};
pub use chain::{Shape, Wish};
pub use cipher::{Ciphertext, Product, SeededCiphertext, Tensor};
pub use encode::{Complex, Plain};
pub use error::Error;
pub use eval::{Counts, Diagonals, Evaluator, Giant, HoistedCiphertext, Op};
pub use params::Params;
pub use release::{Decrypted, Released, rounded};

/// The example on the front page compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct FrontPage;

#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

pub mod convert;
mod divide;
mod error;
pub mod galois;
#[allow(unsafe_code)]
pub mod kernels;
pub mod modulus;
pub mod ntt;
mod packed;
pub mod par;
mod poly;
pub mod pool;
pub mod primes;
mod ring;
pub mod sample;
mod stream;

pub use convert::{Conversion, Target};
pub use divide::MADE;
pub use error::Error;
pub use galois::Galois;
pub use kernels::Kernels;
pub use modulus::{Constant, Modulus};
pub use ntt::NttTable;
pub use packed::{Packed, Row};
pub use poly::{Basis, Coeff, Eval, Poly};
pub use pool::{Block, Pool};
pub use ring::{LOG_DEGREES, Ring, group, source_row};
pub use stream::Seed;

#![doc = include_str!("../README.md")]

mod cipher;
mod encrypt;
mod error;
mod gadget;
mod keyset;
mod keystream;
mod keyswitch;
mod level;
mod params;
mod raise;
mod request;
mod secret;
pub mod security;
mod spec;
mod switchkey;
pub mod wire;

pub use arras_ring as ring;
pub use cipher::{Ciphertext, SeededCiphertext};
pub use encrypt::PublicKey;
pub use error::{Advice, Error};
pub use keyset::KeySet;
pub use keystream::KeyStream;
pub use keyswitch::{Hoisted, Raised, Sum, switch, switch_divide};
pub use level::Level;
pub use params::{Params, ParamsId};
pub use raise::raise;
pub use request::{KeyRequest, KeySizes, Purpose};
pub use secret::SecretKey;
pub use spec::{Refresh, Secret, Security, Spec};
pub use switchkey::SwitchKey;

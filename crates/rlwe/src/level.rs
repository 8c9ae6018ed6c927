//! How many multiplications a ciphertext has left.

use serde::{Deserialize, Serialize};

/// Multiplications left before a refresh: 0 at the bottom of the modulus chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Level(pub u8);

impl Level {
    /// The level after `spent` multiplications, if there is one.
    pub const fn down(self, spent: u32) -> Option<Self> {
        if spent > self.0 as u32 { None } else { Some(Self(self.0 - spent as u8)) }
    }

    /// The level as an index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

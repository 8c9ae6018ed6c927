//! Which evaluation keys a program needs, as data.

use std::collections::BTreeMap;

use arras_ring::Galois;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::level::Level;
use crate::params::Params;
use crate::switchkey::SwitchKey;
use crate::wire;

/// What an evaluation key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Purpose {
    /// Turns a degree-two ciphertext into one of degree one.
    Relinearise,
    /// Rotates the slots to the left.
    Rotate(u32),
    /// Conjugates the slots.
    Conjugate,
    /// Carries a ciphertext at level 0 to the ephemeral sparse secret of a refresh.
    ToSparse,
    /// Carries it back to the main secret, modulo the whole chain.
    ToDense,
}

/// A set of keys to generate, each with the highest level at which it is used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRequest {
    keys: BTreeMap<Purpose, Level>,
}

/// Bytes of some keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeySizes {
    /// All of them in memory.
    pub memory: u64,
    /// The largest of them in memory.
    pub largest: u64,
    /// Their file.
    pub file: u64,
}

impl KeyRequest {
    /// No keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for a key up to a level; the higher level wins if it was asked for before.
    #[must_use]
    pub fn with(mut self, purpose: Purpose, level: Level) -> Self {
        let entry = self.keys.entry(purpose).or_insert(level);
        *entry = (*entry).max(level);
        self
    }

    /// Asks for the two keys around a raise from level 0 to a level: they come together, from one ephemeral secret.
    #[must_use]
    pub fn with_raise(self, to: Level) -> Self {
        self.with(Purpose::ToSparse, Level(0)).with(Purpose::ToDense, to)
    }

    /// Everything in either.
    #[must_use]
    pub fn union(self, other: &Self) -> Self {
        other.keys.iter().fold(self, |all, (&purpose, &level)| all.with(purpose, level))
    }

    /// The keys in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Purpose, Level)> {
        self.keys.iter().map(|(&purpose, &level)| (purpose, level))
    }

    /// The level asked for.
    pub fn level(&self, purpose: Purpose) -> Option<Level> {
        self.keys.get(&purpose).copied()
    }

    /// The bytes of these keys, before any is made.
    ///
    /// # Errors
    /// What no key answers, as in `KeySet::generate`.
    pub fn sizes(&self, params: &Params) -> Result<KeySizes, Error> {
        self.check(params)?;
        let one = |(purpose, level)| SwitchKey::memory(params, purpose, level);
        Ok(KeySizes {
            memory: self.iter().map(one).sum(),
            largest: self.iter().map(one).max().unwrap_or(0),
            file: wire::file_size(params, self),
        })
    }

    /// Whether there are such keys.
    pub(crate) fn check(&self, params: &Params) -> Result<(), Error> {
        let most = params.degree() as u32 / 2 - 1;
        for (purpose, level) in self.iter() {
            params.check_key_level(level)?;
            if let Purpose::Rotate(by) = purpose
                && !(1..=most).contains(&by)
            {
                return Err(Error::NoSuchRotation { by, most });
            }
        }
        let halves = [Purpose::ToSparse, Purpose::ToDense].map(|purpose| self.level(purpose));
        let whole = match (halves, params.spec().refresh) {
            ([None, None], _) => true,
            ([Some(low), Some(_)], Some(_)) => low == Level(0),
            _ => false,
        };
        if whole { Ok(()) } else { Err(Error::HalfRaise) }
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

impl Purpose {
    /// The automorphism of a rotation or a conjugation.
    pub fn galois(self, degree: usize) -> Option<Galois> {
        match self {
            Self::Relinearise | Self::ToSparse | Self::ToDense => None,
            Self::Rotate(by) => Some(Galois::rotation(i64::from(by), degree)),
            Self::Conjugate => Some(Galois::conjugation(degree)),
        }
    }
}

impl std::fmt::Display for Purpose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Relinearise => f.write_str("relinearisation"),
            Self::Rotate(by) => write!(f, "rotation by {by}"),
            Self::Conjugate => f.write_str("conjugation"),
            Self::ToSparse => f.write_str("going to the sparse secret"),
            Self::ToDense => f.write_str("coming back from the sparse secret"),
        }
    }
}

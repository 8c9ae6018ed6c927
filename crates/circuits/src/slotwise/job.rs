//! The label of sealed columns.

use serde::{Deserialize, Serialize};

use super::{Record, Slotwise};
use crate::error::Error;

/// What a client asks of an engine: public, and the same on the way there and back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// [`Slotwise::digest`]: the function, its polynomials and their proof.
    pub function: [u8; 32],
    /// Rows in use.
    pub rows: u32,
}

/// The most rows of one job.
const ROWS: u32 = 1 << 16;

impl Job {
    /// The job in a label.
    ///
    /// # Errors
    /// When the label holds no job, no row, or more rows than any ring has slots.
    pub fn from_bytes(label: &[u8]) -> Result<Self, Error> {
        match serde_json::from_slice(label) {
            Ok(Job { function, rows }) if (1..=ROWS).contains(&rows) => Ok(Job { function, rows }),
            Ok(_) | Err(_) => Err(Error::Label),
        }
    }

    /// The label of the job.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // A few numbers always serialise.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl Slotwise {
    /// The bytes in which a function is kept and sent.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Finite numbers always serialise.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The function in some bytes, checked as by [`Slotwise::new`].
    ///
    /// # Errors
    /// Bytes that hold none, or one that is refused.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let record: Record = serde_json::from_slice(bytes).map_err(|_| Error::Function)?;
        Self::try_from(record)
    }

    /// BLAKE3 of the bytes: what binds sealed columns to it.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        *blake3::hash(&self.to_bytes()).as_bytes()
    }
}

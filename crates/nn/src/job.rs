//! What a client asks of an engine: the label of sealed data.

use serde::{Deserialize, Serialize};

use crate::Error;

/// The most sentences of one job.
pub const ITEMS: u32 = 1 << 16;

/// How sentences sit in ciphertexts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// One sentence per ciphertext: [`crate::program::Latency`].
    Latency,
    /// One feature of all sentences per ciphertext: [`crate::program::Throughput`].
    Throughput,
}

/// The label of a batch: public, and the same on the way there and back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// How the sentences are packed.
    pub mode: Mode,
    /// BLAKE3 of the model's bytes.
    pub model: [u8; 32],
    /// Sentences.
    pub items: u32,
}

impl Job {
    /// The job in a label.
    ///
    /// # Errors
    ///
    /// When the label holds no job, or no sentence, or more than [`ITEMS`].
    pub fn from_bytes(label: &[u8]) -> Result<Self, Error> {
        let job: Self = serde_json::from_slice(label).map_err(|source| Error::Job { source })?;
        crate::lexicon::within("sentences", job.items as usize, 1, ITEMS as usize)?;
        Ok(job)
    }

    /// The label of the job.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Two names and a few numbers always serialise.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_come_back_and_nonsense_does_not() {
        let job = Job { mode: Mode::Throughput, model: [7; 32], items: 872 };
        assert_eq!(Job::from_bytes(&job.to_bytes()).unwrap(), job);
        assert!(job.to_bytes().len() < 300);
        for bad in [&b""[..], b"{}", b"\xff\xfe"] {
            assert!(matches!(Job::from_bytes(bad), Err(Error::Job { .. })));
        }
        for items in [0, u32::MAX] {
            assert!(matches!(Job::from_bytes(&Job { items, ..job }.to_bytes()), Err(Error::Size { .. })));
        }
    }
}

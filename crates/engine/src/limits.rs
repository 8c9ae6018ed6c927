//! What one run may take.

use arras_ckks::{Level, Params};
use arras_rlwe::Raised;

use crate::backend::CACHE_BYTES;
use crate::error::Error;

/// Bounds on one run, checked before anything is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Sentences of one batch.
    pub sentences: usize,
    /// Rows of one batch of columns.
    pub rows: usize,
    /// Bytes of the evaluation keys and of the ciphertexts that a run holds at once, estimated from above.
    pub bytes: u64,
    /// Bytes of encoded linear maps that are kept from run to run.
    pub cache_bytes: usize,
}

impl Default for Limits {
    /// 65536 sentences or rows, 16 GiB, and 1 GiB of encoded maps.
    fn default() -> Self {
        Self { sentences: 1 << 16, rows: 1 << 16, bytes: 1 << 34, cache_bytes: CACHE_BYTES }
    }
}

impl Limits {
    pub(crate) fn check_sentences(&self, have: usize) -> Result<(), Error> {
        if have <= self.sentences { Ok(()) } else { Err(Error::Sentences { have, most: self.sentences }) }
    }

    pub(crate) fn check_rows(&self, have: usize) -> Result<(), Error> {
        if have <= self.rows { Ok(()) } else { Err(Error::Rows { have, most: self.rows }) }
    }

    pub(crate) fn check_bytes(&self, need: u64) -> Result<(), Error> {
        if need <= self.bytes { Ok(()) } else { Err(Error::Memory { need, most: self.bytes }) }
    }
}

/// Bytes of a ciphertext.
pub(crate) fn ciphertext_bytes(params: &Params, level: Level) -> u64 {
    bytes(params, params.basis(level).rows())
}

/// Bytes of a rotation before it is divided by the special primes.
pub(crate) fn raised_bytes(params: &Params, level: Level) -> u64 {
    bytes(params, Raised::basis(params.rlwe(), level).rows())
}

fn bytes(params: &Params, rows: usize) -> u64 {
    (2 * rows * params.degree() * size_of::<u64>()) as u64
}

//! What a measurement gives, and who watches it.

use std::time::Duration;

use super::Unit;

/// How long bit-wise TFHE takes for a task.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Seconds on ciphertexts for the whole task: keys, encryption and decryption are not in it.
    pub seconds: f64,
    /// What the task is counted in.
    pub unit: Unit,
    /// The size of the task.
    pub values: usize,
    /// The smaller size that was measured, when `seconds` is scaled from it by the steps that both take.
    pub scaled_from: Option<usize>,
    /// Seconds that were really measured.
    pub seconds_measured: f64,
    /// Bootstraps that were counted.
    pub bootstraps: u64,
    /// Decrypted integers that were compared with the clear answer.
    pub checked: usize,
    /// Those of them that differ.
    pub wrong: usize,
    /// Bytes of the encrypted inputs that were measured, uncompressed.
    pub ciphertext_bytes: u64,
    /// The same with the encrypted answers.
    pub communication_bytes: u64,
}

impl Measured {
    /// Milliseconds for each of the values.
    pub fn amortised_ms(&self) -> f64 {
        1e3 * self.seconds / self.values.max(1) as f64
    }
}

/// Who watches a measurement: the library has no clock of its own.
pub struct Watch<'a> {
    /// The time since any moment.
    pub clock: &'a mut (dyn FnMut() -> Duration + Send),
    /// Told of each step done and of all there are; stops the measurement by `false`.
    pub step: &'a mut (dyn FnMut(usize, usize) -> bool + Send),
}

//! What stands in when the feature is off.

use std::convert::Infallible;

use super::{Measured, Task, Watch};
use crate::Error;

/// Keys of bit-wise TFHE; without the feature `tfhe` there are none.
#[derive(Debug)]
pub struct Baseline(Infallible);

impl Baseline {
    /// Makes keys. **Errors:** always, as the feature `tfhe` is off.
    pub fn new(_threads: usize) -> Result<Self, Error> {
        Err(Error::NoFeature)
    }

    /// Bytes of the evaluation keys in memory.
    pub fn key_bytes(&self) -> u64 {
        match self.0 {}
    }

    /// Measures a task.
    pub fn measure<'a>(
        &'a self,
        _task: &Task,
        _at_most: usize,
        _watch: Watch<'a>,
    ) -> Result<Measured, Error> {
        match self.0 {}
    }
}

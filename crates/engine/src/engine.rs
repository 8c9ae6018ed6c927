//! Evaluation keys at work.

use std::sync::Arc;

use arras_ckks::{Evaluator, KeySet, Params};

use crate::backend::{Cache, Ckks, Counts, counts};
use crate::error::Error;
use crate::limits::Limits;

/// Runs programs on what clients sealed, with their evaluation keys and nothing else. Shared freely between threads.
#[derive(Debug)]
pub struct Engine {
    eval: Arc<Evaluator>,
    cache: Arc<Cache>,
    limits: Limits,
}

impl Engine {
    /// An engine for the owner of these keys.
    ///
    /// # Errors
    /// [`Error::Insecure`] for parameters made without the security check, or keys of other parameters.
    pub fn new(params: &Params, keys: KeySet) -> Result<Self, Error> {
        if !params.is_secure() {
            return Err(Error::Insecure);
        }
        Self::danger_insecure_new(params, keys)
    }

    /// The same without regard to security, for tests alone: the data of whoever uses such keys are not protected.
    ///
    /// # Errors
    /// Keys of other parameters.
    pub fn danger_insecure_new(params: &Params, keys: KeySet) -> Result<Self, Error> {
        let eval = Arc::new(Evaluator::new(params, keys)?);
        Ok(Self { eval, cache: Arc::default(), limits: Limits::default() })
    }

    /// The same with other limits; encoded maps are forgotten.
    #[must_use]
    pub fn limited(self, limits: Limits) -> Self {
        Self { eval: self.eval, cache: Arc::new(Cache::new(limits.cache_bytes)), limits }
    }

    /// What it refuses to exceed.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The parameters.
    #[must_use]
    pub fn params(&self) -> &Params {
        self.eval.params()
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &KeySet {
        self.eval.keys()
    }

    /// Operations on vectors of this many slots. All backends of an engine share its encoded maps and its counters.
    ///
    /// # Errors
    /// When the number of slots is not a power of two, or above half the ring degree.
    pub fn backend(&self, slots: usize) -> Result<Ckks, Error> {
        Ckks::danger_insecure_new(self.eval.clone(), slots, self.cache.clone())
    }

    /// How often each operation ran at each level, since the start or the last reset.
    #[must_use]
    pub fn counts(&self) -> Counts {
        counts(&self.eval)
    }

    /// Starts counting anew.
    pub fn reset_counts(&self) {
        self.eval.reset_counts();
    }
}

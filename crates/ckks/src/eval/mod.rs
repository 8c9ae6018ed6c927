//! Computing on encrypted vectors.

mod add;
pub(crate) mod compact;
mod linear;
mod mul;
mod pairs;
pub(crate) mod poly;
pub(crate) mod rotate;

pub use linear::{Diagonals, Giant};
pub use rotate::HoistedCiphertext;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arras_rlwe::{KeySet, Level};

use crate::cipher::{Ciphertext, Raw};
use crate::error::Error;
use crate::params::Params;

/// What an evaluator counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// Products of two ciphertexts.
    Product,
    /// Relinearisations.
    Relinearise,
    /// Divisions by the modulus of a level.
    Rescale,
    /// Rotations and conjugations with a decomposition of their own.
    Rotate,
    /// Rotations that share one decomposition.
    HoistedRotate,
    /// Products by an encoded vector.
    PlainProduct,
    /// Products by a number.
    ScalarProduct,
}

/// How often each operation ran, by the level of its operands.
pub type Counts = BTreeMap<(Op, Level), u64>;

/// Runs operations under evaluation keys. Shared freely between threads.
///
/// It aligns levels on its own and never refreshes.
#[derive(Debug)]
pub struct Evaluator {
    params: Params,
    keys: Arc<KeySet>,
    counts: Mutex<Counts>,
}

impl Evaluator {
    /// An evaluator.
    ///
    /// # Errors
    /// Keys of other parameters.
    pub fn new(params: &Params, keys: KeySet) -> Result<Self, Error> {
        params.check_id("evaluation key", keys.id())?;
        Ok(Self { params: params.clone(), keys: Arc::new(keys), counts: Mutex::default() })
    }

    /// An evaluator with the same keys and with counters of its own.
    #[must_use]
    pub fn twin(&self) -> Self {
        Self { params: self.params.clone(), keys: self.keys.clone(), counts: Mutex::default() }
    }

    /// The parameters.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The keys.
    pub fn keys(&self) -> &KeySet {
        &self.keys
    }

    /// What ran since the start or the last `reset_counts`.
    pub fn counts(&self) -> Counts {
        self.lock().clone()
    }

    /// Starts counting anew.
    pub fn reset_counts(&self) {
        self.lock().clear();
    }

    pub(crate) fn count(&self, op: Op, level: Level, times: u64) {
        if times > 0 {
            *self.lock().entry((op, level)).or_insert(0) += times;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Counts> {
        // A panic elsewhere leaves counters at worst one behind.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A copy of an operand that was checked.
    pub(crate) fn copy(&self, a: &Ciphertext) -> Ciphertext {
        Ciphertext { inner: a.inner.copy(self.params.ring(), self.params.rlwe(), a.level()), slots: a.slots }
    }

    /// The same vector at a lower level, at that level's scale.
    ///
    /// Cost: nothing at the same level; else one product by a number and one rescale, at the level above `level`.
    ///
    /// # Errors
    /// An operand of other parameters, or `Error::OutOfLevels` if the ciphertext is below `level`.
    pub fn lower(&self, a: &Ciphertext, level: Level) -> Result<Ciphertext, Error> {
        self.check(a)?;
        if a.level() == level {
            return Ok(self.copy(a));
        }
        let Some(above) = a.level().0.checked_sub(level.0).map(|_| Level(level.0 + 1)) else {
            return Err(Error::OutOfLevels { op: "lowering", need: u32::from(level.0), have: a.level() });
        };
        let (ring, basis) = (self.params.ring(), self.params.basis(above));
        // Delta_level q_above = Delta_above^2: the product by 1 at the level above.
        let weight = self.params.scale(level) * self.params.step(above) / self.params.scale(a.level());
        let scaled = [0, 1]
            .map(|k| ring.mul_integer(&a.inner.parts[k], |m| crate::encode::residue_of(weight, m), basis));
        let parts = ring.divide([&scaled[0], &scaled[1]], self.params.basis(level));
        self.count(Op::ScalarProduct, above, 1);
        self.count(Op::Rescale, above, 1);
        Ok(self.wrap(parts, level, a.slots))
    }

    pub(crate) fn wrap(
        &self,
        parts: [arras_ring::Poly<arras_ring::Eval>; 2],
        level: Level,
        slots: usize,
    ) -> Ciphertext {
        Ciphertext { inner: arras_rlwe::Ciphertext { parts, level, id: self.params.id() }, slots }
    }

    pub(crate) fn check(&self, a: &Ciphertext) -> Result<(), Error> {
        Ok(self.params.check_id("ciphertext", a.id())?)
    }

    /// Both operands fit each other and the parameters; their common level.
    fn meet(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Level, Error> {
        self.check(a)?;
        self.check(b)?;
        if a.slots != b.slots {
            return Err(Error::SlotMismatch { left: a.slots, right: b.slots });
        }
        Ok(a.level().min(b.level()))
    }

    /// Both operands at their common level; only the higher one is copied.
    fn align<'a>(
        &self,
        a: &'a Ciphertext,
        b: &'a Ciphertext,
    ) -> Result<(Aligned<'a>, Aligned<'a>, Level), Error> {
        let level = self.meet(a, b)?;
        let bring = |x: &'a Ciphertext| -> Result<Aligned<'a>, Error> {
            if x.level() == level {
                Ok(Aligned::Same(x))
            } else {
                Ok(Aligned::Lowered(Box::new(self.lower(x, level)?)))
            }
        };
        Ok((bring(a)?, bring(b)?, level))
    }

    fn need(&self, op: &'static str, need: u32, have: Level) -> Result<Level, Error> {
        have.down(need).ok_or(Error::OutOfLevels { op, need, have })
    }

    pub(crate) fn raw(&self, a: &Ciphertext) -> Raw {
        let copy = self.copy(a);
        Raw { parts: copy.inner.parts, level: copy.inner.level, scale: self.params.scale(copy.inner.level) }
    }
}

/// An operand at the common level.
enum Aligned<'a> {
    Same(&'a Ciphertext),
    Lowered(Box<Ciphertext>),
}

impl std::ops::Deref for Aligned<'_> {
    type Target = Ciphertext;

    fn deref(&self) -> &Ciphertext {
        match self {
            Self::Same(a) => a,
            Self::Lowered(a) => a,
        }
    }
}

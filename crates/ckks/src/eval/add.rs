//! Sums and differences: no level, no key.

use super::Evaluator;
use crate::cipher::{Ciphertext, Product, Tensor};
use crate::encode::{Complex, Plain, residue_of};
use crate::error::Error;

impl Evaluator {
    /// a + b. Cost: no level; levels are aligned first.
    ///
    /// # Errors
    /// Operands of other parameters or other slots.
    pub fn add(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        let (a, b, level) = self.align(a, b)?;
        let parts = [0, 1].map(|k| self.params.ring().add(&a.inner.parts[k], &b.inner.parts[k]));
        Ok(self.wrap(parts, level, a.slots))
    }

    /// a - b. Cost: no level; levels are aligned first.
    ///
    /// # Errors
    /// Operands of other parameters or other slots.
    pub fn sub(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        let (a, b, level) = self.align(a, b)?;
        let parts = [0, 1].map(|k| self.params.ring().sub(&a.inner.parts[k], &b.inner.parts[k]));
        Ok(self.wrap(parts, level, a.slots))
    }

    /// -a. Cost: no level.
    ///
    /// # Errors
    /// An operand of other parameters.
    pub fn neg(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        self.check(a)?;
        let mut negated = self.copy(a);
        negated.inner.parts.iter_mut().for_each(|part| self.params.ring().neg_assign(part));
        Ok(negated)
    }

    /// a + v, zeros after the last value of v. Cost: no level, one encoding.
    ///
    /// # Errors
    /// As encoding.
    pub fn add_plain(&self, a: &Ciphertext, v: &[f64]) -> Result<Ciphertext, Error> {
        self.check(a)?;
        let plain = self.params.encode_at(v, a.slots, a.level())?;
        let mut sum = self.copy(a);
        self.params.ring().add_assign(&mut sum.inner.parts[0], &plain.poly);
        Ok(sum)
    }

    /// a + c in every slot. Cost: no level.
    ///
    /// # Errors
    /// An operand of other parameters, or a number that is not finite or too large.
    pub fn add_scalar(&self, a: &Ciphertext, c: f64) -> Result<Ciphertext, Error> {
        self.check(a)?;
        fits(c, self.params.most_log2(a.level()))?;
        let mut sum = self.copy(a);
        let constant = c * self.params.scale(a.level());
        self.params.ring().add_integer_assign(&mut sum.inner.parts[0], |m| residue_of(constant, m));
        Ok(sum)
    }

    /// a + v, the complex vector v repeated to fill the slots. Cost: no level, one encoding of the period of v alone.
    ///
    /// # Errors
    /// As encoding; a length that is not a power of two up to the slots.
    pub fn add_repeated(&self, a: &Ciphertext, v: &[Complex]) -> Result<Ciphertext, Error> {
        let plain = self.repeated(a, v)?;
        let mut sum = self.copy(a);
        self.params.ring().add_assign(&mut sum.inner.parts[0], &plain.poly);
        Ok(sum)
    }

    /// A vector of a shorter period, encoded for the level and the slots of a ciphertext.
    pub(super) fn repeated(&self, a: &Ciphertext, v: &[Complex]) -> Result<Plain, Error> {
        self.check(a)?;
        if v.len() > a.slots {
            return Err(Error::TooManyValues { values: v.len(), slots: a.slots });
        }
        Ok(Plain { slots: a.slots, ..self.params.encode_complex(v, v.len(), a.level())? })
    }

    /// acc += a, both waiting for a rescale.
    ///
    /// # Errors
    /// Operands of other parameters, slots or levels.
    pub fn add_product(&self, acc: &mut Product, a: &Product) -> Result<(), Error> {
        self.params.check_id("product", acc.id)?;
        self.params.check_id("product", a.id)?;
        fit((acc.level, acc.slots), (a.level, a.slots))?;
        (0..2).for_each(|k| self.params.ring().add_assign(&mut acc.parts[k], &a.parts[k]));
        Ok(())
    }

    /// acc += a, both waiting for a relinearisation.
    ///
    /// # Errors
    /// Operands of other parameters, slots or levels.
    pub fn add_tensor(&self, acc: &mut Tensor, a: &Tensor) -> Result<(), Error> {
        self.params.check_id("product", acc.id)?;
        self.params.check_id("product", a.id)?;
        fit((acc.level, acc.slots), (a.level, a.slots))?;
        (0..3).for_each(|k| self.params.ring().add_assign(&mut acc.parts[k], &a.parts[k]));
        Ok(())
    }

    /// acc += a, the one waiting for a relinearisation and the other for a rescale.
    ///
    /// # Errors
    /// Operands of other parameters, slots or levels.
    pub fn add_product_to_tensor(&self, acc: &mut Tensor, a: &Product) -> Result<(), Error> {
        self.params.check_id("product", acc.id)?;
        self.params.check_id("product", a.id)?;
        fit((acc.level, acc.slots), (a.level, a.slots))?;
        (0..2).for_each(|k| self.params.ring().add_assign(&mut acc.parts[k], &a.parts[k]));
        Ok(())
    }

    /// Numbers that can multiply: finite, below 2^24 in size.
    pub(super) fn check_scalar(&self, c: f64) -> Result<(), Error> {
        fits(c, 24)
    }

    /// Complex vectors: as `add_plain`.
    ///
    /// # Errors
    /// As encoding.
    pub fn add_plain_complex(&self, a: &Ciphertext, v: &[Complex]) -> Result<Ciphertext, Error> {
        self.check(a)?;
        let plain = self.params.encode_complex(v, a.slots, a.level())?;
        let mut sum = self.copy(a);
        self.params.ring().add_assign(&mut sum.inner.parts[0], &plain.poly);
        Ok(sum)
    }
}

/// Refuses what is no number as well.
fn fits(c: f64, most_log2: i32) -> Result<(), Error> {
    if c.abs() <= 2f64.powi(most_log2) {
        Ok(())
    } else {
        Err(Error::Value { position: 0, value: c, most_log2 })
    }
}

fn fit(acc: (arras_rlwe::Level, usize), a: (arras_rlwe::Level, usize)) -> Result<(), Error> {
    if acc.1 != a.1 {
        return Err(Error::SlotMismatch { left: acc.1, right: a.1 });
    }
    if acc.0 != a.0 {
        return Err(Error::ProductLevels { left: acc.0, right: a.0 });
    }
    Ok(())
}

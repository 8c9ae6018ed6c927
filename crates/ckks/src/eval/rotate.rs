//! Moving values between slots.

use std::borrow::Borrow;

use arras_ring::Galois;
use arras_rlwe::{Hoisted, Purpose, Raised, switch};

use super::{Evaluator, Op};
use crate::cipher::Ciphertext;
use crate::error::Error;

/// A ciphertext, owned or borrowed, with the decomposition that its rotations share.
#[derive(Debug)]
pub struct HoistedCiphertext<C> {
    whole: C,
    digits: Hoisted,
}

impl Evaluator {
    /// Slot i of the result holds slot (i + by) mod slots. Cost: no level, one key switch; nothing for by = 0.
    ///
    /// # Errors
    /// An operand of other parameters, or no key for the rotation.
    pub fn rotate(&self, a: &Ciphertext, by: i64) -> Result<Ciphertext, Error> {
        self.check(a)?;
        match by.rem_euclid(a.slots as i64) as u32 {
            0 => Ok(self.copy(a)),
            by => self.automorphism(a, Purpose::Rotate(by)),
        }
    }

    /// The complex conjugate of every slot. Cost: no level, one key switch.
    ///
    /// # Errors
    /// An operand of other parameters, or no key for conjugation.
    pub fn conjugate(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        self.check(a)?;
        self.automorphism(a, Purpose::Conjugate)
    }

    fn automorphism(&self, a: &Ciphertext, purpose: Purpose) -> Result<Ciphertext, Error> {
        let key = self.keys.key(purpose, a.level())?;
        let raised = switch(self.params.rlwe(), &a.inner.parts[1], a.level(), key);
        self.count(Op::Rotate, a.level(), 1);
        Ok(self.finish_rotation(a, &raised, purpose))
    }

    /// Rotations of one ciphertext, which share its decomposition.
    ///
    /// Cost: no level; one decomposition, then for each rotation one product with a key and one division.
    ///
    /// # Errors
    /// An operand of other parameters, or no key for one of the rotations.
    pub fn rotate_hoisted(&self, a: &Ciphertext, by: &[i64]) -> Result<Vec<Ciphertext>, Error> {
        self.check(a)?;
        let steps = || by.iter().map(|by| by.rem_euclid(a.slots as i64) as u32);
        steps().filter(|&by| by != 0).try_for_each(|by| self.keys.check(Purpose::Rotate(by), a.level()))?;
        let hoisted = self.hoist(a)?;
        by.iter().map(|&by| self.rotate_from(&hoisted, by)).collect()
    }

    /// A ciphertext decomposed, for many rotations. Cost: no level, the decomposition of one key switch.
    ///
    /// # Errors
    /// An operand of other parameters.
    pub fn hoist<C: Borrow<Ciphertext>>(&self, a: C) -> Result<HoistedCiphertext<C>, Error> {
        let operand = a.borrow();
        self.check(operand)?;
        let digits = Hoisted::new(self.params.rlwe(), &operand.inner.parts[1], operand.level());
        Ok(HoistedCiphertext { whole: a, digits })
    }

    /// As `rotate`, of a ciphertext already decomposed. Cost: no level; one product with a key and one division.
    ///
    /// # Errors
    /// An operand of other parameters, or no key for the rotation.
    pub fn rotate_from<C: Borrow<Ciphertext>>(
        &self,
        hoisted: &HoistedCiphertext<C>,
        by: i64,
    ) -> Result<Ciphertext, Error> {
        let a = hoisted.whole.borrow();
        self.check(a)?;
        let by = by.rem_euclid(a.slots as i64) as u32;
        if by == 0 {
            return Ok(self.copy(a));
        }
        let purpose = Purpose::Rotate(by);
        let raised = hoisted.digits.product(self.params.rlwe(), self.keys.key(purpose, a.level())?);
        self.count(Op::HoistedRotate, a.level(), 1);
        Ok(self.finish_rotation(a, &raised, purpose))
    }

    /// Divides, adds c0, permutes.
    fn finish_rotation(&self, a: &Ciphertext, raised: &Raised, purpose: Purpose) -> Ciphertext {
        let galois = galois(purpose, self.params.degree());
        let parts = raised.divide_rotated(self.params.rlwe(), &a.inner.parts[0], galois);
        self.wrap(parts, a.level(), a.slots)
    }

    /// Every slot holds the sum of `count` slots from it on: count a power of two, rotations by 1, 2, 4, ..., count / 2.
    ///
    /// Cost: no level, log2(count) key switches.
    ///
    /// # Errors
    /// An operand of other parameters, a count that is not a power of two up to the slots, or no key for one of the rotations.
    pub fn inner_sum(&self, a: &Ciphertext, count: usize) -> Result<Ciphertext, Error> {
        self.check(a)?;
        if !count.is_power_of_two() || count > a.slots {
            return Err(Error::Slots { slots: count, most: a.slots });
        }
        let mut sum = self.copy(a);
        for log in 0..count.trailing_zeros() {
            let shifted = self.rotate(&sum, 1 << log)?;
            sum = self.add(&sum, &shifted)?;
        }
        Ok(sum)
    }
}

/// The automorphism of a purpose; relinearisation has the trivial one.
pub(crate) fn galois(purpose: Purpose, degree: usize) -> Galois {
    purpose.galois(degree).unwrap_or(Galois::rotation(0, degree))
}

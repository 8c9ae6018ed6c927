//! Two real vectors in one ciphertext, as the real and the imaginary parts of its slots.

use super::Evaluator;
use crate::cipher::{Ciphertext, Tensor};
use crate::encode::power_of_i;
use crate::error::Error;

impl Evaluator {
    /// re + i im. Cost: no level; levels are aligned first.
    ///
    /// # Errors
    /// Operands of other parameters or other slots.
    pub fn pair(&self, re: &Ciphertext, im: &Ciphertext) -> Result<Ciphertext, Error> {
        let (re, im, _) = self.align(re, im)?;
        Ok(self.gaussian_sum(&re, &im, [0, 1]))
    }

    /// Twice the real part and twice the imaginary part of every slot. Cost: no level, one key switch.
    ///
    /// # Errors
    /// An operand of other parameters, or no key for conjugation.
    pub fn twice_parts(&self, a: &Ciphertext) -> Result<[Ciphertext; 2], Error> {
        let conjugate = self.conjugate(a)?;
        Ok([self.add(a, &conjugate)?, self.gaussian_sum(a, &conjugate, [3, 1])])
    }

    /// The sum over the terms (z, p, m), z = s + i t, of s^2 (p + m) + t^2 (p - m) in the real part, for real p and m; the
    /// imaginary part is left as it comes.
    ///
    /// It is z (conj(z) p + z m): s^2 + t^2 and the real part s^2 - t^2 of z^2 at once. Cost: two levels; for each term a
    /// conjugation and a relinearisation, and one relinearisation in all.
    ///
    /// # Errors
    /// No terms, two levels that are not there, operands that do not fit, or no key.
    pub fn square_dot(&self, terms: &[[&Ciphertext; 3]]) -> Result<Ciphertext, Error> {
        let mut total: Option<Tensor> = None;
        for [z, p, m] in terms {
            let mut inner = self.mul_lazy(&self.conjugate(z)?, p)?;
            self.add_tensor(&mut inner, &self.mul_lazy(z, m)?)?;
            let outer = self.mul_lazy(z, &self.relinearise_rescale(&inner)?)?;
            match &mut total {
                Some(total) => self.add_tensor(total, &outer)?,
                None => total = Some(outer),
            }
        }
        let none = Error::Range { what: "a number of terms", value: 0, least: 1, most: 1 << 20 };
        self.relinearise_rescale(&total.ok_or(none)?)
    }

    /// i^powers[0] a + i^powers[1] b, at one level.
    fn gaussian_sum(&self, a: &Ciphertext, b: &Ciphertext, powers: [u32; 2]) -> Ciphertext {
        let basis = self.params.basis(a.level());
        let half = |k: usize| {
            let terms = [&a.inner.parts[k], &b.inner.parts[k]];
            self.params.ring().combine_gaussian(&terms, |t, m| power_of_i(powers[t], m), basis)
        };
        self.wrap([half(0), half(1)], a.level(), a.slots)
    }
}

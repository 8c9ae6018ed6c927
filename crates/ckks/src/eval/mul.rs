//! Products, and the two things that they wait for.

use arras_ring::{Eval, Modulus, Poly};
use arras_rlwe::{Level, Purpose, Sum, switch_divide};

use super::{Evaluator, Op};
use crate::cipher::{Ciphertext, Product, Tensor};
use crate::encode::{Complex, Plain, residue_of};
use crate::error::Error;

impl Evaluator {
    /// a * b. Cost: one level, one relinearisation fused with the rescale.
    ///
    /// # Errors
    /// No level left, no relinearisation key, or operands that do not fit.
    ///
    /// Error: about 3.19 N^(1/2) / scale of key switching, divided by the modulus of the level, and the rounding of the rescale.
    pub fn mul(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, Error> {
        let tensor = self.mul_lazy(a, b)?;
        self.relinearise_rescale(&tensor)
    }

    /// a^2. Cost: as `mul`.
    ///
    /// # Errors
    /// As `mul`.
    pub fn square(&self, a: &Ciphertext) -> Result<Ciphertext, Error> {
        self.mul(a, a)
    }

    /// a * b, not yet relinearised nor rescaled: such products add. Cost: no level yet.
    ///
    /// # Errors
    /// No level left, or operands that do not fit.
    pub fn mul_lazy(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Tensor, Error> {
        let (a, b, level) = self.align(a, b)?;
        self.need("a product", 1, level)?;
        let (a0, b0) = (&a.inner.parts, &b.inner.parts);
        let parts = self.params.ring().tensor([&a0[0], &a0[1]], [&b0[0], &b0[1]], self.params.basis(level));
        self.count(Op::Product, level, 1);
        Ok(Tensor { parts, level, slots: a.slots, id: self.params.id() })
    }

    /// Degree two to degree one. Cost: one key switch.
    ///
    /// # Errors
    /// An operand of other parameters, or no relinearisation key for the level.
    pub fn relinearise(&self, tensor: &Tensor) -> Result<Product, Error> {
        self.params.check_id("product", tensor.id)?;
        let parts = self.relinearise_parts(&tensor.parts, tensor.level, tensor.level)?;
        Ok(Product { parts, level: tensor.level, slots: tensor.slots, id: tensor.id })
    }

    /// Relinearises and rescales in one division. Cost: one level, one key switch.
    ///
    /// # Errors
    /// An operand of other parameters, no level left, or no relinearisation key for the level.
    pub fn relinearise_rescale(&self, tensor: &Tensor) -> Result<Ciphertext, Error> {
        self.params.check_id("product", tensor.id)?;
        let below = self.need("a rescale", 1, tensor.level)?;
        let parts = self.relinearise_parts(&tensor.parts, tensor.level, below)?;
        self.count(Op::Rescale, tensor.level, 1);
        Ok(self.wrap(parts, below, tensor.slots))
    }

    /// (d0, d1, d2) to degree one, divided down to a level.
    pub(crate) fn relinearise_parts(
        &self,
        d: &[Poly<Eval>; 3],
        level: Level,
        to: Level,
    ) -> Result<[Poly<Eval>; 2], Error> {
        self.relinearise_sum(d, &Sum::default(), level, to)
    }

    /// (d0, d1, d2) to degree one, plus a sum, divided down to a level.
    pub(super) fn relinearise_sum(
        &self,
        d: &[Poly<Eval>; 3],
        plus: &Sum<'_>,
        level: Level,
        to: Level,
    ) -> Result<[Poly<Eval>; 2], Error> {
        let key = self.keys.key(Purpose::Relinearise, level)?;
        let terms: Vec<[&Poly<Eval>; 2]> =
            [[&d[0], &d[1]]].into_iter().chain(plus.terms.iter().copied()).collect();
        let weight = |t: usize, m: &Modulus| t.checked_sub(1).map_or(1, |t| (plus.weight)(t, m));
        let sum = Sum { terms: &terms, weight: &weight, ..*plus };
        self.count(Op::Relinearise, level, 1);
        Ok(switch_divide(self.params.rlwe(), &d[2], level, key, sum, to))
    }

    /// Squared scale to the scale of the level below. Cost: one level.
    ///
    /// # Errors
    /// An operand of other parameters, or no level left.
    ///
    /// Error: rounding, at most 1/2 (1 + N) in a coefficient, or (r + 1)/2 (1 + N) for a level of r > 1 primes; about sqrt(rN/18) in
    /// deviation, if the secret is dense ternary.
    pub fn rescale(&self, product: &Product) -> Result<Ciphertext, Error> {
        self.params.check_id("product", product.id)?;
        let below = self.need("a rescale", 1, product.level)?;
        let basis = self.params.basis(below);
        let parts = self.params.ring().divide([&product.parts[0], &product.parts[1]], basis);
        self.count(Op::Rescale, product.level, 1);
        Ok(self.wrap(parts, below, product.slots))
    }

    /// a * v. Cost: one level, one encoding.
    ///
    /// # Errors
    /// No level left, or as encoding.
    pub fn mul_plain(&self, a: &Ciphertext, v: &[f64]) -> Result<Ciphertext, Error> {
        let plain = self.params.encode_at(v, a.slots, a.level())?;
        self.rescale(&self.mul_plain_lazy(a, &plain)?)
    }

    /// a * v, the complex vector v repeated to fill the slots. Cost: one level, one encoding of the period of v alone.
    ///
    /// # Errors
    /// No level left, or as encoding; a length that is not a power of two up to the slots.
    pub fn mul_repeated(&self, a: &Ciphertext, v: &[Complex]) -> Result<Ciphertext, Error> {
        self.rescale(&self.mul_plain_lazy(a, &self.repeated(a, v)?)?)
    }

    /// a times an encoded vector of its level, not yet rescaled. Cost: no level yet.
    ///
    /// # Errors
    /// No level left, or a vector encoded for another level or other slots.
    pub fn mul_plain_lazy(&self, a: &Ciphertext, plain: &Plain) -> Result<Product, Error> {
        self.check(a)?;
        self.params.check_id("encoded vector", plain.id)?;
        self.need("a product", 1, a.level())?;
        if a.slots != plain.slots {
            return Err(Error::SlotMismatch { left: a.slots, right: plain.slots });
        }
        if a.level() != plain.level {
            return Err(Error::ProductLevels { left: a.level(), right: plain.level });
        }
        let parts = [0, 1].map(|k| self.params.ring().mul(&a.inner.parts[k], &plain.poly));
        self.count(Op::PlainProduct, a.level(), 1);
        Ok(Product { parts, level: a.level(), slots: a.slots, id: self.params.id() })
    }

    /// a * c in every slot. Cost: one level.
    ///
    /// # Errors
    /// An operand of other parameters, no level left, or a number that is not finite or too large.
    pub fn mul_scalar(&self, a: &Ciphertext, c: f64) -> Result<Ciphertext, Error> {
        self.check(a)?;
        self.need("a product", 1, a.level())?;
        self.check_scalar(c)?;
        let (ring, level) = (self.params.ring(), a.level());
        let weight = c * self.params.scale(level);
        let parts = [0, 1].map(|k| {
            ring.mul_integer(&a.inner.parts[k], |m| residue_of(weight, m), self.params.basis(level))
        });
        self.count(Op::ScalarProduct, level, 1);
        self.rescale(&Product { parts, level, slots: a.slots, id: self.params.id() })
    }

    /// bias + sum_i weights[i] * terms[i]. Cost: one level below the lowest term, one rescale.
    ///
    /// # Errors
    /// No terms, no level left, terms that do not fit, or numbers that are not finite or too large.
    pub fn combine(&self, terms: &[&Ciphertext], weights: &[f64], bias: f64) -> Result<Ciphertext, Error> {
        self.rescale(&self.combine_lazy(terms, weights, bias)?)
    }

    /// `combine` before the rescale. Terms at any level meet at the lowest without a rescale of their own.
    ///
    /// # Errors
    /// As `combine`.
    pub fn combine_lazy(&self, terms: &[&Ciphertext], weights: &[f64], bias: f64) -> Result<Product, Error> {
        let range = |value: usize| Error::Range {
            what: "a number of terms",
            value: value as u64,
            least: 1,
            most: 1 << 20,
        };
        let first = terms.first().ok_or(range(0))?;
        if terms.len() != weights.len() {
            return Err(range(weights.len()));
        }
        let mut level = first.level();
        for term in terms {
            level = level.min(self.meet(first, term)?);
        }
        self.need("a product", 1, level)?;
        weights.iter().chain([&bias]).try_for_each(|&c| self.check_scalar(c))?;
        let scale = self.params.scale(level).powi(2);
        let used: Vec<(&Ciphertext, f64)> = terms
            .iter()
            .zip(weights)
            .filter(|(_, weight)| **weight != 0.0)
            .map(|(&term, &weight)| (term, weight))
            .collect();
        let (ring, basis) = (self.params.ring(), self.params.basis(level));
        let integer = |t: usize| used[t].1 * (scale / self.params.scale(used[t].0.level()));
        let mut parts = [0, 1].map(|k| {
            let polys: Vec<&Poly<Eval>> = used.iter().map(|(term, _)| &term.inner.parts[k]).collect();
            ring.combine(&polys, |t, m| residue_of(integer(t), m), basis)
        });
        if bias != 0.0 {
            ring.add_integer_assign(&mut parts[0], |m| residue_of(bias * scale, m));
        }
        self.count(Op::ScalarProduct, level, used.len() as u64);
        Ok(Product { parts, level, slots: first.slots, id: self.params.id() })
    }
}

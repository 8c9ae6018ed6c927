//! What somebody wants of columns, and the chains on which it may run.

use arras_approx::degrees::{Goal, least_depth};
use arras_circuits::Integers;
use arras_circuits::slotwise::{DataError, Domain, Function};
use arras_ckks::{Security, Shape};
use arras_rlwe::Spec;

use crate::error::Error;
use crate::plan::smallest;

/// The distances, in multiples of the error, beyond which the sign inside max and ReLU shall be right. A larger one asks no more
/// of the sign, so the first that reaches the error is taken; what lies between these is not tried.
const FACTORS: [f64; 8] = [24.0, 16.0, 12.0, 8.0, 6.0, 4.0, 3.0, 2.0];

/// Bits of a chain for columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scales {
    /// Bits left at the bottom.
    pub base_bits: u32,
    /// Bits of every scale.
    pub scale_bits: u32,
}

impl Scales {
    /// A base of one prime: one limb less at every level, and eight times the noise.
    ///
    /// Values up to 4 can be read. Results and guards are at most one in size, and the guard of a number outside the domain may be
    /// larger in one row by as much as half the degree of the ring before anything wraps round; then the sentinel moves too.
    pub const NARROW: Self = Self { base_bits: 50, scale_bits: 47 };
    /// Scales as large as one prime allows, and values up to 2^9.
    pub const WIDE: Self = Self { base_bits: 60, scale_bits: 50 };
}

/// What somebody wants to compute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wish {
    /// The function.
    pub function: Function,
    /// What the columns hold.
    pub domain: Domain,
    /// The result errs by at most 2^-alpha; for max and min of integers it is exact whatever alpha says.
    pub alpha: f64,
    /// The largest degree of a polynomial.
    pub max_degree: usize,
    /// Rows of the columns.
    pub rows: usize,
    /// Security wanted.
    pub security: Security,
}

impl Wish {
    /// Whether the sign is multiplied by its argument.
    pub(super) fn is_ramp(&self) -> bool {
        matches!(self.function, Function::Max | Function::Min | Function::Relu | Function::Abs)
    }

    /// The distances, in multiples of the error, beyond which the sign shall be right: that of a comparison from the gap on.
    pub(super) fn factors(&self) -> impl Iterator<Item = f64> {
        let ramp = FACTORS.into_iter().filter(|&factor| self.is_ramp() && self.admits(factor));
        ramp.chain((!self.is_ramp()).then_some(1.0))
    }

    /// The fewest levels of any plan, were there no noise.
    pub(super) fn least_depth(&self) -> Result<u32, Error> {
        // A larger factor takes no more levels.
        let goal = self.goal(self.factors().next().unwrap_or(1.0))?;
        Ok(least_depth(&goal)? + self.extra_depth()? - goal.after())
    }

    /// Whether max and its like can be right from this many times the error on.
    fn admits(&self, factor: f64) -> bool {
        self.sign_alpha().is_ok_and(|alpha| factor * (-alpha).exp2() < 1.0)
    }

    /// What the sign is to achieve: that of a comparison from the gap on, that inside max and its like from `zeta` times the
    /// error on.
    ///
    /// # Errors
    /// A precision, gap, zeta or largest degree out of range.
    pub fn goal(&self, zeta: f64) -> Result<Goal, Error> {
        self.narrowed(zeta, 1.0)
    }

    /// The same with a part of the gap.
    pub(super) fn narrowed(&self, zeta: f64, part: f64) -> Result<Goal, Error> {
        let (gap, alpha) = (self.domain.gap(self.function)?, self.sign_alpha()?);
        Ok(match self.is_ramp() {
            true => Goal::for_max(alpha, part * zeta, self.max_degree)?,
            false => Goal::new(alpha, part * gap, self.max_degree)?,
        })
    }

    /// The alpha of the sign (error 2^(1 - alpha)), or of max with error 2^-alpha.
    fn sign_alpha(&self) -> Result<f64, Error> {
        Ok(match (self.function, self.domain) {
            // Half a unit, less a tenth of it for noise.
            (Function::Max | Function::Min, Domain::Integers { bits }) => {
                -(0.45 * Integers::new(bits)?.unit()).log2()
            }
            // 1 - s^2 errs by twice the sign, |x| = x s(x) by twice the weighted error.
            (Function::Equal, _) => self.alpha + 2.0,
            (Function::Abs, _) => self.alpha + 1.0,
            _ => self.alpha,
        })
    }

    /// Levels beyond those of the sign.
    pub(super) fn extra_depth(&self) -> Result<u32, Error> {
        Ok(match self.domain {
            Domain::Integers { .. } => self.function.relation()?.extra_depth(),
            Domain::Numbers { .. } => u32::from(self.is_ramp()),
        })
    }

    /// The smallest ring with a chain of so many levels.
    pub(super) fn spec(&self, scales: Scales, depth: u32) -> Result<Spec, Error> {
        // The largest ring has 2^16 slots, and the last is the sentinel's.
        if self.rows >= 1 << 16 {
            return Err(DataError::Rows { have: self.rows, most: (1 << 16) - 1 }.into());
        }
        let slots = (self.rows + 1).next_power_of_two();
        let (Scales { base_bits, scale_bits }, security) = (scales, self.security);
        smallest(Shape { log_degree: 0, base_bits, scale_bits, depth, security }, slots)
    }
}

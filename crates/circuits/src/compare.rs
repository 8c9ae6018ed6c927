//! Which of two hidden numbers is larger.

use arras_approx::Polynomial;

use crate::error::Error;
use crate::ops::Arith;
use crate::sign::{Composition, Sign};

/// (1 + s(a - b)) / 2: 1 where a > b, 1/2 where they are equal, 0 where a < b.
///
/// The half and the constant are folded into the last polynomial.
#[derive(Debug, Clone, PartialEq)]
pub struct Compare {
    composition: Composition,
}

impl Compare {
    /// The comparison by this sign.
    ///
    /// # Errors
    /// When a coefficient overflows.
    pub fn new(sign: &Sign) -> Result<Self, Error> {
        Ok(Compare { composition: sign.mapped(0.5, 0.5)? })
    }

    /// The polynomials as evaluated: those of the sign, but for the last and for the half before a real step.
    #[must_use]
    pub fn stages(&self) -> &[Polynomial] {
        self.composition.polynomials()
    }

    /// (1 + s(x)) / 2 as it is evaluated.
    #[must_use]
    pub fn composition(&self) -> &Composition {
        &self.composition
    }

    /// Levels consumed: those of the sign.
    #[must_use]
    pub fn depth(&self) -> u32 {
        self.composition.depth()
    }

    /// Of a and b with |a - b| <= 1. Cost: [`Compare::depth`] levels. Error: half that of the sign at a - b.
    ///
    /// # Errors
    /// When levels or keys are missing.
    pub fn apply<A: Arith>(&self, ops: &A, a: &A::Ct, b: &A::Ct) -> Result<A::Ct, A::Error> {
        self.of_difference(ops, &ops.sub(a, b)?)
    }

    /// The same of x = a - b.
    ///
    /// # Errors
    /// As [`Compare::apply`].
    pub fn of_difference<A: Arith>(&self, ops: &A, x: &A::Ct) -> Result<A::Ct, A::Error> {
        ops.compose(x, &self.composition)
    }
}

//! Functions that are linear on either side of a step: x times a step, by one product more than a comparison.
//!
//! With c(x) = (1 + s(x)) / 2 as in [`Compare`], max(a, b) = b + x c(x) and min(a, b) = a - x c(x) for x = a - b, so no half is
//! left over, and the added operand comes down to the result's level at the bottom of the chain, where that is cheap. The
//! error of the sign counts with weight |x| / 2: at a small distance a wrong sign does little harm.

use crate::compare::Compare;
use crate::error::Error;
use crate::ops::Arith;
use crate::sign::Sign;

/// The larger of a and b.
#[derive(Debug, Clone, PartialEq)]
pub struct Max(Ramp);

/// The smaller of a and b.
#[derive(Debug, Clone, PartialEq)]
pub struct Min(Ramp);

/// x where it is positive, else 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Relu(Ramp);

/// |x| = x s(x).
#[derive(Debug, Clone, PartialEq)]
pub struct Abs(Sign);

/// x c(x).
#[derive(Debug, Clone, PartialEq)]
struct Ramp(Compare);

impl Ramp {
    fn apply<A: Arith>(&self, ops: &A, x: &A::Ct) -> Result<A::Ct, A::Error> {
        ops.ramp(x, self.0.composition())
    }
}

impl Max {
    /// The maximum by this sign.
    ///
    /// # Errors
    /// When a coefficient overflows.
    pub fn new(sign: &Sign) -> Result<Self, Error> {
        Ok(Max(Ramp(Compare::new(sign)?)))
    }

    /// Levels consumed: those of the sign and one.
    #[must_use]
    pub fn depth(&self) -> u32 {
        self.0.0.depth() + 1
    }

    /// Of a and b with |a - b| <= 1. Cost: [`Max::depth`] levels. Error: |a - b| / 2 times that of the sign.
    ///
    /// # Errors
    /// When levels or the relinearisation key are missing.
    pub fn apply<A: Arith>(&self, ops: &A, a: &A::Ct, b: &A::Ct) -> Result<A::Ct, A::Error> {
        ops.add(b, &self.0.apply(ops, &ops.sub(a, b)?)?)
    }
}

impl Min {
    /// The minimum by this sign.
    ///
    /// # Errors
    /// When a coefficient overflows.
    pub fn new(sign: &Sign) -> Result<Self, Error> {
        Ok(Min(Ramp(Compare::new(sign)?)))
    }

    /// Levels consumed: those of the sign and one.
    #[must_use]
    pub fn depth(&self) -> u32 {
        self.0.0.depth() + 1
    }

    /// Of a and b with |a - b| <= 1. Cost and error: as [`Max::apply`].
    ///
    /// # Errors
    /// When levels or the relinearisation key are missing.
    pub fn apply<A: Arith>(&self, ops: &A, a: &A::Ct, b: &A::Ct) -> Result<A::Ct, A::Error> {
        ops.sub(a, &self.0.apply(ops, &ops.sub(a, b)?)?)
    }
}

impl Relu {
    /// The ReLU by this sign.
    ///
    /// # Errors
    /// When a coefficient overflows.
    pub fn new(sign: &Sign) -> Result<Self, Error> {
        Ok(Relu(Ramp(Compare::new(sign)?)))
    }

    /// Levels consumed: those of the sign and one.
    #[must_use]
    pub fn depth(&self) -> u32 {
        self.0.0.depth() + 1
    }

    /// Of x in [-1, 1]. Cost: [`Relu::depth`] levels. Error: |x| / 2 times that of the sign.
    ///
    /// # Errors
    /// When levels or the relinearisation key are missing.
    pub fn apply<A: Arith>(&self, ops: &A, x: &A::Ct) -> Result<A::Ct, A::Error> {
        self.0.apply(ops, x)
    }
}

impl Abs {
    /// The absolute value by this sign.
    #[must_use]
    pub fn new(sign: &Sign) -> Self {
        Abs(sign.clone())
    }

    /// Levels consumed: those of the sign and one.
    #[must_use]
    pub fn depth(&self) -> u32 {
        self.0.depth() + 1
    }

    /// Of x in [-1, 1]. Cost: [`Abs::depth`] levels. Error: |x| times that of the sign.
    ///
    /// # Errors
    /// When levels or the relinearisation key are missing.
    pub fn apply<A: Arith>(&self, ops: &A, x: &A::Ct) -> Result<A::Ct, A::Error> {
        ops.ramp(x, self.0.composition())
    }
}

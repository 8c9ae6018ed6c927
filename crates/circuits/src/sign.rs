//! The sign of hidden numbers, by a composition of odd polynomials.

use arras_approx::{Parity, Polynomial};

use crate::error::Error;
use crate::ops::Arith;

/// p_k(...p_2(p_1(x))...) for odd p_i on [-1, 1]: near -1 or 1 wherever |x| is not small.
///
/// How near, and from which |x| on, is what the certificate of the composition says; so is how far each stage may stray.
/// Reference: Lee, Lee, No and Kim (2022), Minimax Approximation of Sign Function by Composite Polynomial.
#[derive(Debug, Clone, PartialEq)]
pub struct Sign {
    stages: Vec<Polynomial>,
}

impl Sign {
    /// The composition of these polynomials, the first one first, each as it is evaluated: on [-1, 1], scalings folded in.
    ///
    /// # Errors
    /// When there is none, or one is not odd or not on [-1, 1].
    pub fn new(stages: Vec<Polynomial>) -> Result<Self, Error> {
        let odd = |p: &Polynomial| p.is_unit() && p.parity() == Parity::Odd;
        if stages.is_empty() {
            return Err(Error::NoStages);
        }
        match stages.iter().position(|p| !odd(p)) {
            Some(stage) => Err(Error::BadStage { stage }),
            None => Ok(Sign { stages }),
        }
    }

    /// The polynomials in order.
    #[must_use]
    pub fn stages(&self) -> &[Polynomial] {
        &self.stages
    }

    /// Levels consumed: the sum over the stages of ceil(log2(degree + 1)).
    #[must_use]
    pub fn depth(&self) -> u32 {
        depth(&self.stages)
    }

    /// The sign of x. Cost: [`Sign::depth`] levels and the products of the plans. Error: that of the composition.
    ///
    /// # Errors
    /// When levels or the relinearisation key are missing.
    pub fn apply<A: Arith>(&self, ops: &A, x: &A::Ct) -> Result<A::Ct, A::Error> {
        compose(ops, x, &self.stages)
    }

    /// The polynomials of a s(x) + b: the last one takes both, so they cost nothing.
    pub(crate) fn mapped(&self, a: f64, b: f64) -> Result<Vec<Polynomial>, Error> {
        let mut stages = self.stages.clone();
        if let Some(last) = stages.last_mut() {
            let mut coefficients: Vec<f64> = last.coefficients().iter().map(|c| a * c).collect();
            coefficients[0] += b;
            *last = Polynomial::unit(coefficients)?;
        }
        Ok(stages)
    }
}

/// Each polynomial of the value of the one before.
pub(crate) fn compose<A: Arith>(ops: &A, x: &A::Ct, stages: &[Polynomial]) -> Result<A::Ct, A::Error> {
    stages.iter().try_fold(x.clone(), |value, p| ops.poly(&value, p))
}

/// Levels of a composition.
pub(crate) fn depth(stages: &[Polynomial]) -> u32 {
    stages.iter().map(Polynomial::depth).sum()
}

//! The functions that networks need, written once for numbers, intervals and jets.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::fit::Symmetry;
use crate::interval::Real;

/// A function to approximate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Target {
    /// 1 / (1 + e^-x).
    Sigmoid,
    /// e^x.
    Exp,
    /// 1/x, on intervals without zero.
    Reciprocal,
    /// (e^x - e^-x) / (e^x + e^-x).
    Tanh,
    /// x sigma(1.5957691216 (x + 0.044715 x^3)), the form with a hyperbolic tangent of Hendrycks and Gimpel (2016).
    Gelu,
}

impl Target {
    /// The function over any [`Real`]: for an interval an enclosure, for a jet also of two derivatives.
    #[must_use]
    pub fn of<R: Real>(self, x: R) -> R {
        let one = R::constant(1.0);
        match self {
            Target::Sigmoid => sigmoid(x),
            Target::Exp => x.exp(),
            Target::Reciprocal => x.recip(),
            Target::Tanh => {
                let s = sigmoid(x + x);
                s + s - one
            }
            Target::Gelu => {
                let cubic = x + R::constant(0.044_715) * x * x * x;
                x * sigmoid(R::constant(1.595_769_121_605_730_8) * cubic)
            }
        }
    }

    /// The function at a number.
    #[must_use]
    pub fn eval(self, x: f64) -> f64 {
        self.of(x)
    }

    /// The symmetry about zero, which a fit on a symmetric interval keeps exactly.
    #[must_use]
    pub fn symmetry(self) -> Symmetry {
        match self {
            Target::Sigmoid | Target::Tanh => Symmetry::Odd,
            Target::Exp | Target::Reciprocal | Target::Gelu => Symmetry::None,
        }
    }

    /// Refuses an interval on which the function is not defined.
    pub(crate) fn check(self, lo: f64, hi: f64) -> Result<(), Error> {
        if self == Target::Reciprocal && lo <= 0.0 && hi >= 0.0 {
            return Err(Error::TargetUndefined { lo, hi });
        }
        Ok(())
    }
}

fn sigmoid<R: Real>(x: R) -> R {
    (R::constant(1.0) + (-x).exp()).recip()
}

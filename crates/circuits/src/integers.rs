//! Comparing integers, exactly: what rounds to the right answer for every pair, by proof.
//!
//! Integers A in 0..=M of b bits, M = 2^b - 1, are hidden as a = 2A / (2M + 1). Then a - b shifted by 1 / (2M + 1) is an odd
//! multiple of 1 / (2M + 1) within [-1, 1]: never zero, and never nearer to it than that. The shift costs nothing.
//!
//! | relation | result | sign of | smallest distance from zero | sign evaluations |
//! |---|---|---|---|---|
//! | A > B | c(x) | (2 (A - B) - 1) / (2M + 1) | 1 / (2M + 1) | 1 |
//! | A >= B | c(x) | (2 (A - B) + 1) / (2M + 1) | 1 / (2M + 1) | 1 |
//! | A = B | 1 - s(x)^2 | 2 (A - B) / (2M + 1) | 0, or 2 / (2M + 1) | 1 |
//! | max, min | a or b | 2 (A - B) / (2M + 1) | as weighted by the distance | 1 |
//!
//! Equality could be (A >= B) - (A > B), by two signs. But an odd composition is 0 at 0, so one sign and a square do it, with
//! twice the gap: about one level less for the sign, one more for the square, and half the products.

use arras_approx::Polynomial;

use crate::compare::Compare;
use crate::error::Error;
use crate::minmax::{Max, Min};
use crate::ops::Arith;
use crate::sign::Sign;

/// The most bits of an integer.
pub const BITS: u32 = 16;

/// Integers of b bits, hidden as multiples of 2 / (2M + 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Integers {
    bits: u32,
}

/// What is asked of two integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relation {
    /// 1 where A > B, else 0.
    Greater,
    /// 1 where A >= B, else 0.
    GreaterEqual,
    /// 1 where A = B, else 0.
    Equal,
    /// The larger one, hidden as the operands are.
    Max,
    /// The smaller one, hidden as the operands are.
    Min,
}

/// How far the result of a circuit may be from the exact one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// The proved error of the polynomials with whatever noise their proof covers.
    pub error: f64,
    /// The bound of all other noise at its tail.
    pub noise: f64,
}

/// A relation of integers that is right after rounding, for every pair.
#[derive(Debug, Clone, PartialEq)]
pub struct Exact {
    integers: Integers,
    circuit: Circuit,
    shift: f64,
    bounds: Bounds,
}

#[derive(Debug, Clone, PartialEq)]
enum Circuit {
    Step(Compare),
    Equal(Sign),
    Max(Max),
    Min(Min),
}

impl Integers {
    /// Integers from 0 to 2^bits - 1.
    ///
    /// # Errors
    /// When there are no bits, or more than [`BITS`].
    pub fn new(bits: u32) -> Result<Self, Error> {
        if (1..=BITS).contains(&bits) { Ok(Integers { bits }) } else { Err(Error::Bits { bits, most: BITS }) }
    }

    /// How many bits.
    #[must_use]
    pub fn bits(self) -> u32 {
        self.bits
    }

    /// M, the largest integer.
    #[must_use]
    pub fn most(self) -> u32 {
        (1 << self.bits) - 1
    }

    /// 2 / (2M + 1): how far two integers in a row lie apart.
    #[must_use]
    pub fn unit(self) -> f64 {
        2.0 / (2.0 * f64::from(self.most()) + 1.0)
    }

    /// The number that stands for an integer.
    #[must_use]
    pub fn hide(self, integer: u32) -> f64 {
        f64::from(integer) * self.unit()
    }

    /// The integer nearest to a number, and how far off it is in units.
    #[must_use]
    pub fn read(self, value: f64) -> (f64, f64) {
        let integer = (value / self.unit()).round();
        (integer, (value / self.unit() - integer).abs())
    }
}

impl Relation {
    /// How far from zero the sign must be right.
    #[must_use]
    pub fn gap(self, integers: Integers) -> f64 {
        match self {
            Relation::Greater | Relation::GreaterEqual => integers.unit() / 2.0,
            Relation::Equal | Relation::Max | Relation::Min => integers.unit(),
        }
    }

    /// What is added to a - b, so that it is never zero where a tie must be decided.
    #[must_use]
    pub fn shift(self, integers: Integers) -> f64 {
        match self {
            Relation::Greater => -integers.unit() / 2.0,
            Relation::GreaterEqual => integers.unit() / 2.0,
            Relation::Equal | Relation::Max | Relation::Min => 0.0,
        }
    }

    /// Levels beyond those of the sign.
    #[must_use]
    pub fn extra_depth(self) -> u32 {
        match self {
            Relation::Greater | Relation::GreaterEqual => 0,
            Relation::Equal | Relation::Max | Relation::Min => 1,
        }
    }

    /// What one unit of the result is: 1 for a bit.
    #[must_use]
    pub fn unit(self, integers: Integers) -> f64 {
        match self {
            Relation::Greater | Relation::GreaterEqual | Relation::Equal => 1.0,
            Relation::Max | Relation::Min => integers.unit(),
        }
    }

    /// The error of the result from the proved errors of the sign.
    ///
    /// `sign` is |s(x) - sgn x| from [`Relation::gap`] on, `weighted` is |x| |s(x) - sgn x| / 2 over all |x| <= 1, and `tie` is
    /// |s(x)| at zero (see [`tie`]), each with the noise inside the sign included.
    #[must_use]
    pub fn error(self, sign: f64, weighted: f64, tie: f64) -> f64 {
        match self {
            Relation::Greater | Relation::GreaterEqual => sign / 2.0,
            Relation::Equal => (2.0 * sign + sign * sign).max(tie * tie),
            Relation::Max | Relation::Min => weighted,
        }
    }
}

impl Bounds {
    /// Refuses what together is not below half of such a unit.
    pub(crate) fn check(self, unit: f64) -> Result<(), Error> {
        let (error, noise) = (self.error / unit, self.noise / unit);
        // What is no number is not below one half either.
        let exact = error + noise < 0.5;
        if exact { Ok(()) } else { Err(Error::NotExact { error, noise, need: 0.5 - noise }) }
    }
}

impl Exact {
    /// The circuit of a relation, if its result is exact after rounding.
    ///
    /// The bounds are those of the result as it comes out, in which a bit is 1 and an integer a multiple of [`Integers::unit`].
    ///
    /// # Errors
    /// [`Error::NotExact`] when the bounds are not below half a unit together.
    pub fn new(integers: Integers, relation: Relation, sign: &Sign, bounds: Bounds) -> Result<Self, Error> {
        bounds.check(relation.unit(integers))?;
        let circuit = match relation {
            Relation::Greater | Relation::GreaterEqual => Circuit::Step(Compare::new(sign)?),
            Relation::Equal => Circuit::Equal(sign.clone()),
            Relation::Max => Circuit::Max(Max::new(sign)?),
            Relation::Min => Circuit::Min(Min::new(sign)?),
        };
        Ok(Exact { integers, circuit, shift: relation.shift(integers), bounds })
    }

    /// The integers.
    #[must_use]
    pub fn integers(&self) -> Integers {
        self.integers
    }

    /// How far a result may be from the exact one before it is rounded.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Levels consumed: those of the sign, and one more for equality, max and min.
    #[must_use]
    pub fn depth(&self) -> u32 {
        match &self.circuit {
            Circuit::Step(compare) => compare.depth(),
            Circuit::Equal(sign) => sign.depth() + 1,
            Circuit::Max(max) => max.depth(),
            Circuit::Min(min) => min.depth(),
        }
    }

    /// The number whose sign decides: a - b, shifted off zero where a tie must be decided. Cost: no level.
    ///
    /// # Errors
    /// When the operands do not fit each other.
    pub fn difference<A: Arith>(&self, ops: &A, a: &A::Ct, b: &A::Ct) -> Result<A::Ct, A::Error> {
        let difference = ops.sub(a, b)?;
        if self.shift == 0.0 { Ok(difference) } else { ops.add_scalar(&difference, self.shift) }
    }

    /// The relation of a and b, hidden by [`Integers::hide`].
    ///
    /// Cost: [`Exact::depth`] levels. Error: within [`Exact::bounds`], so none after rounding.
    ///
    /// # Errors
    /// When levels or the relinearisation key are missing.
    pub fn apply<A: Arith>(&self, ops: &A, a: &A::Ct, b: &A::Ct) -> Result<A::Ct, A::Error> {
        match &self.circuit {
            Circuit::Step(compare) => compare.of_difference(ops, &self.difference(ops, a, b)?),
            Circuit::Equal(sign) => {
                let s = sign.apply(ops, &self.difference(ops, a, b)?)?;
                let square = ops.mul(&s, &s)?;
                let zero = ops.sub(&square, &square)?;
                ops.add_scalar(&ops.sub(&zero, &square)?, 1.0)
            }
            Circuit::Max(max) => max.apply(ops, a, b),
            Circuit::Min(min) => min.apply(ops, a, b),
        }
    }
}

/// How far from zero the sign by these odd polynomials can be of an input that is within `input` of zero, when each stage strays
/// by its margin; so much in each of the real and the imaginary part, as the noise of slots does.
///
/// |T_k(z)| <= |T_k(i|z|)| = sinh(k asinh |z|) for odd k, since the signs of its coefficients alternate. The bound is that of |s(z)|,
/// so that no part of it is larger; infinite if a distance reaches 1.
#[must_use]
pub fn tie(stages: &[Polynomial], input: f64, margins: &[f64]) -> f64 {
    let both = std::f64::consts::SQRT_2;
    stages.iter().zip(margins).fold(both * input, |z, (p, margin)| {
        let reach = |(k, c): (usize, &f64)| c.abs() * (k as f64 * z.asinh()).sinh();
        let most: f64 = p.coefficients().iter().enumerate().map(reach).sum();
        if z < 1.0 { most + both * margin } else { f64::INFINITY }
    })
}

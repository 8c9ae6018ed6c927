//! Polynomials in the Chebyshev basis on an interval.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::plan::Plan;
use crate::search;

/// The largest degree of a [`Polynomial`].
pub const MAX_DEGREE: usize = 255;

/// Which coefficients of a polynomial are exactly zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Parity {
    /// Only odd indices.
    Odd,
    /// Only even indices.
    Even,
    /// Both.
    General,
}

/// The map t = scale * x + shift.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Affine {
    /// The factor of x.
    pub scale: f64,
    /// What is added afterwards.
    pub shift: f64,
}

impl Affine {
    /// The value of the map at x.
    #[must_use]
    pub fn apply(&self, x: f64) -> f64 {
        self.scale * x + self.shift
    }
}

/// c_0 T_0(t) + ... + c_d T_d(t) with t = (2x - lo - hi) / (hi - lo) for x in the domain [lo, hi].
///
/// Valid by construction: the ends are finite and lo < hi, the coefficients are finite, the last is not zero (unless it
/// is the only one), and the degree is at most [`MAX_DEGREE`]. Outside its domain a polynomial grows like |2t|^d and
/// says nothing about it: whoever applies one knows the range of what goes in.
///
/// Reference: Trefethen (2013), Approximation Theory and Approximation Practice, chapter 3.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Record", into = "Record")]
pub struct Polynomial {
    lo: f64,
    hi: f64,
    coefficients: Vec<f64>,
}

/// The serialised form, which anyone may write.
#[derive(Serialize, Deserialize)]
struct Record {
    lo: f64,
    hi: f64,
    coefficients: Vec<f64>,
}

impl TryFrom<Record> for Polynomial {
    type Error = Error;
    fn try_from(r: Record) -> Result<Self, Error> {
        Polynomial::new(r.lo, r.hi, r.coefficients)
    }
}

impl From<Polynomial> for Record {
    fn from(p: Polynomial) -> Self {
        Record { lo: p.lo, hi: p.hi, coefficients: p.coefficients }
    }
}

impl Polynomial {
    /// The polynomial with these Chebyshev coefficients on [lo, hi]; trailing zeros are dropped.
    ///
    /// # Errors
    /// When the domain is empty or not finite, a coefficient is missing or not finite, or the degree is above
    /// [`MAX_DEGREE`].
    pub fn new(lo: f64, hi: f64, mut coefficients: Vec<f64>) -> Result<Self, Error> {
        check_domain(lo, hi)?;
        if coefficients.is_empty() {
            return Err(Error::NoCoefficients);
        }
        if let Some((index, &value)) = coefficients.iter().enumerate().find(|(_, c)| !c.is_finite()) {
            return Err(Error::BadCoefficient { index, value });
        }
        while coefficients.len() > 1 && coefficients.last() == Some(&0.0) {
            coefficients.pop();
        }
        let degree = coefficients.len() - 1;
        if degree > MAX_DEGREE {
            return Err(Error::DegreeTooHigh { degree, max: MAX_DEGREE });
        }
        Ok(Polynomial { lo, hi, coefficients })
    }

    /// The polynomial with these Chebyshev coefficients on [-1, 1].
    ///
    /// # Errors
    /// As [`Polynomial::new`].
    pub fn unit(coefficients: Vec<f64>) -> Result<Self, Error> {
        Polynomial::new(-1.0, 1.0, coefficients)
    }

    /// The coefficients c_0, ..., c_d.
    #[must_use]
    pub fn coefficients(&self) -> &[f64] {
        &self.coefficients
    }

    /// The largest index of a coefficient that is not zero; zero for a constant.
    #[must_use]
    pub fn degree(&self) -> usize {
        self.coefficients.len() - 1
    }

    /// The interval [lo, hi] on which the polynomial means something.
    #[must_use]
    pub fn domain(&self) -> (f64, f64) {
        (self.lo, self.hi)
    }

    /// Whether the domain is [-1, 1], so that no level is spent on the affine map.
    #[must_use]
    pub fn is_unit(&self) -> bool {
        self.lo == -1.0 && self.hi == 1.0
    }

    /// Which coefficients are exactly zero (a constant is even).
    #[must_use]
    pub fn parity(&self) -> Parity {
        let none = |start: usize| self.coefficients.iter().skip(start).step_by(2).all(|&c| c == 0.0);
        if none(1) {
            Parity::Even
        } else if none(0) {
            Parity::Odd
        } else {
            Parity::General
        }
    }

    /// Levels that an evaluation consumes: ceil(log2(d + 1)), and one more when the domain is not [-1, 1].
    #[must_use]
    pub fn depth(&self) -> u32 {
        levels(self.degree() + 1) + u32::from(!self.is_unit())
    }

    /// The map from the domain to [-1, 1].
    #[must_use]
    pub fn to_unit(&self) -> Affine {
        let width = self.hi - self.lo;
        Affine { scale: 2.0 / width, shift: -(self.lo + self.hi) / width }
    }

    /// The same coefficients on [-1, 1], with the map to apply first: p(x) = q(map(x)).
    ///
    /// Folding the map into the linear layer before saves its level.
    #[must_use]
    pub fn on_unit(&self) -> (Polynomial, Affine) {
        let unit = Polynomial { lo: -1.0, hi: 1.0, coefficients: self.coefficients.clone() };
        (unit, self.to_unit())
    }

    /// p(x) by Clenshaw's recurrence, in plain f64.
    ///
    /// Error: a few times d * 2^-53 * sum |c_k| inside the domain.
    #[must_use]
    pub fn eval(&self, x: f64) -> f64 {
        clenshaw(&self.coefficients, self.place(x))
    }

    /// p at each of these x, the same bits as [`Polynomial::eval`]: several at once take little longer than one.
    #[must_use]
    pub fn eval_each<const N: usize>(&self, x: [f64; N]) -> [f64; N] {
        clenshaw_each(&self.coefficients, x.map(|x| self.place(x)))
    }

    /// x on [-1, 1].
    fn place(&self, x: f64) -> f64 {
        if self.is_unit() { x } else { (2.0 * x - self.lo - self.hi) / (self.hi - self.lo) }
    }

    /// c times the polynomial.
    ///
    /// # Errors
    /// When a coefficient overflows.
    pub fn scaled(&self, c: f64) -> Result<Polynomial, Error> {
        Polynomial::new(self.lo, self.hi, self.coefficients.iter().map(|&a| a * c).collect())
    }

    /// How to evaluate the polynomial in t at the optimal depth, with the fewest products that the search finds.
    ///
    /// The plan speaks of [-1, 1]; for another domain apply [`Polynomial::to_unit`] first, at the cost of a level.
    /// Cost: well below a millisecond to degree 63, some milliseconds at 255.
    #[must_use]
    pub fn plan(&self) -> Plan {
        search::plan(&self.coefficients)
    }
}

/// ceil(log2 k) for k >= 1: the depth of T_k.
pub(crate) fn levels(k: usize) -> u32 {
    debug_assert!(k >= 1, "T_0 is a constant and has no depth");
    usize::BITS - (k - 1).leading_zeros()
}

/// Refuses an interval that is not two finite numbers in order.
pub(crate) fn check_domain(lo: f64, hi: f64) -> Result<(), Error> {
    if lo.is_finite() && hi.is_finite() && lo < hi && (hi - lo).is_finite() && (2.0 / (hi - lo)).is_finite() {
        Ok(())
    } else {
        Err(Error::BadDomain { lo, hi })
    }
}

/// sum c_k T_k(t) by Clenshaw's recurrence.
pub(crate) fn clenshaw(coefficients: &[f64], t: f64) -> f64 {
    let [value] = clenshaw_each(coefficients, [t]);
    value
}

/// The same for several t, whose recurrences do not wait for each other.
fn clenshaw_each<const N: usize>(coefficients: &[f64], t: [f64; N]) -> [f64; N] {
    let (mut b1, mut b2) = ([0.0; N], [0.0; N]);
    for &c in coefficients.iter().skip(1).rev() {
        for ((b1, b2), t) in b1.iter_mut().zip(&mut b2).zip(&t) {
            (*b1, *b2) = (c + 2.0 * t * *b1 - *b2, *b1);
        }
    }
    let first = coefficients.first();
    std::array::from_fn(|i| first.map_or(0.0, |c| c + t[i] * b1[i] - b2[i]))
}

//! Best approximations: of the sign by odd polynomials, as precisely as the case needs, and of any target on a union of
//! intervals.
//!
//! ```
//! // The best odd polynomial of degree 15 for the sign on [-1, -2^-30] and [2^-30, 1].
//! let best = arras_approx::minimax::sign(2.0_f64.powi(-30), 1.0, 15)?;
//! assert!((best.log2_complement() + 25.338).abs() < 1e-3);
//! // As it is composed: scaled, so that its values fit into [-1, 1].
//! let p = best.polynomial(1.0)?.scaled(1.0 / (1.0 + best.error()))?;
//! assert!((p.coefficients()[1] - 0.637146295).abs() < 1e-9);
//! # Ok::<(), arras_approx::Error>(())
//! ```

mod best;
mod inverse;
mod number;
mod remez;
pub mod table;

pub use inverse::{Inverse, Odds, inverse, inverse_binary};

use num_bigint::BigInt;

pub use best::{Best, Union, best};

use crate::error::Error;
use crate::memo::Memo;
use crate::polynomial::{MAX_DEGREE, Polynomial};
use number::{Fixed, shifted};
use remez::{Levelled, Squares};

/// The most bits that are spent on one polynomial.
pub const MAX_PRECISION: u32 = 1 << 16;

/// Bits beyond those that the size of the error takes.
const GUARD: u32 = 128;
/// Bits of a printed coefficient below the error.
const PRINTED: f64 = 64.0;

/// The best approximation of the sign on [-hi, -lo] and [lo, hi] by an odd polynomial.
///
/// On [lo, hi] its error 1 - p(x) takes the values +e, -e, +e, ... in (d + 3) / 2 points. It is kept as these points:
/// the coefficients are computed from them in any basis.
#[derive(Debug, Clone)]
pub struct Minimax {
    ends: Ends,
    degree: usize,
    fixed: Fixed,
    nodes: Vec<i64>,
    level: BigInt,
    exchanges: u32,
}

/// An interval, exactly.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Ends {
    /// [lo, hi].
    Pair(f64, f64),
    /// [1 - tau, 1 + tau].
    Around(f64),
    /// [gap, 2 - gap].
    Near(f64),
}

impl Ends {
    /// The ends nearest in f64.
    fn rounded(self) -> (f64, f64) {
        match self {
            Ends::Pair(lo, hi) => (lo, hi),
            Ends::Around(tau) => (1.0 - tau, 1.0 + tau),
            Ends::Near(gap) => (gap, 2.0 - gap),
        }
    }

    /// What tells it from others.
    fn key(self) -> (u8, [u64; 2]) {
        match self {
            Ends::Pair(lo, hi) => (0, [lo.to_bits(), hi.to_bits()]),
            Ends::Around(tau) => (1, [tau.to_bits(), 0]),
            Ends::Near(gap) => (2, [gap.to_bits(), 0]),
        }
    }

    /// The power of two by which everything is multiplied, to bring hi to [1, 2).
    fn shift(self) -> i32 {
        match self {
            Ends::Pair(_, hi) => -exponent(hi),
            Ends::Around(_) | Ends::Near(_) => 0,
        }
    }

    /// The ends times the power of two, rounded down.
    fn at(self, fixed: Fixed) -> (BigInt, BigInt) {
        let of = |x: f64| fixed.number(x, self.shift());
        let one = fixed.one();
        match self {
            Ends::Pair(lo, hi) => (of(lo), of(hi)),
            Ends::Around(tau) => (&one - of(tau), &one + of(tau)),
            Ends::Near(gap) => (of(gap), (one << 1_u32) - of(gap)),
        }
    }

    /// log2 of hi / lo, and of (hi + lo) / (hi - lo), roughly and from above.
    fn spread(self) -> (f64, f64) {
        let (lo, hi) = self.rounded();
        match self {
            Ends::Pair(..) => (hi.log2() - lo.log2(), ((hi / 2.0 + lo / 2.0) / (hi / 2.0 - lo / 2.0)).log2()),
            // Below 2^-53 the ends in f64 are no ends any more.
            Ends::Around(tau) => (if tau < 0.5 { 2.0 } else { hi.log2() - lo.log2() }, -tau.log2()),
            Ends::Near(gap) => (1.0 - gap.log2(), -(-gap).ln_1p() / std::f64::consts::LN_2),
        }
    }
}

/// The e with 2^e <= x < 2^(e+1), for a positive normal x; -1023 below.
fn exponent(x: f64) -> i32 {
    ((x.to_bits() >> 52) & 0x7ff) as i32 - 1023
}

/// The best odd polynomial of this degree for the sign on [-hi, -lo] and [lo, hi].
///
/// Cost: some 10 (d/2)^2 operations of words for every 64 bits of precision; below a millisecond for d = 31, a few for
/// d = 63. Error: the result is the best but for a fraction of 2^-56, and proves it by its alternation.
///
/// # Errors
/// When not 0 < lo < hi, the degree is even or above [`MAX_DEGREE`], or more than [`MAX_PRECISION`] bits would be
/// needed.
///
/// Reference: Lee, Lee, No and Kim (2021), Minimax approximation of sign function by composite polynomial for
/// homomorphic comparison, section 3, which defines MP and ME.
pub fn sign(lo: f64, hi: f64, degree: usize) -> Result<Minimax, Error> {
    if !(lo > 0.0 && lo < hi && hi.is_finite()) {
        return Err(Error::BadGap { lo, hi });
    }
    solve(Ends::Pair(lo, hi), degree)
}

/// The same on [1 - tau, 1 + tau], for the tau exactly as given.
///
/// # Errors
/// When not 0 < tau < 1, and as [`sign`].
pub fn sign_around_one(tau: f64, degree: usize) -> Result<Minimax, Error> {
    if !(tau > 0.0 && tau < 1.0) {
        return Err(Error::BadTau { tau });
    }
    solve(Ends::Around(tau), degree)
}

/// The same on [gap, 2 - gap], which is tau = 1 - gap without the rounding of tau.
///
/// # Errors
/// When not 0 < gap < 1, and as [`sign`].
pub fn sign_with_gap(gap: f64, degree: usize) -> Result<Minimax, Error> {
    if !(gap > 0.0 && gap < 1.0) {
        return Err(Error::BadTau { tau: 1.0 - gap });
    }
    solve(Ends::Near(gap), degree)
}

fn solve(ends: Ends, degree: usize) -> Result<Minimax, Error> {
    static SOLVED: Memo<(u8, [u64; 2], usize), Minimax> = Memo::new();
    let (kind, numbers) = ends.key();
    SOLVED.get((kind, numbers, degree), || exchanged(ends, degree))
}

fn exchanged(ends: Ends, degree: usize) -> Result<Minimax, Error> {
    if degree.is_multiple_of(2) {
        return Err(Error::EvenDegree { degree });
    }
    if degree > MAX_DEGREE {
        return Err(Error::DegreeTooHigh { degree, max: MAX_DEGREE });
    }
    let n = degree.div_ceil(2);
    // As tau vanishes the error tends to 2 binomial(2n, n) (tau/4)^n: its size tells the bits, and too few are noticed.
    let (ratio, smallness) = ends.spread();
    let needed = (4.0 * ratio + n as f64 * smallness).ceil();
    let (mut bits, mut excess) = (needed as u32 + GUARD, f64::INFINITY);
    for _ in 0..3 {
        if needed > f64::from(MAX_PRECISION) || bits > MAX_PRECISION {
            return Err(Error::TooPrecise { bits, max: MAX_PRECISION });
        }
        let fixed = Fixed { bits };
        let (lo, hi) = ends.at(fixed);
        let outcome = remez::exchange(&Squares::new(fixed, &lo, &hi), n);
        if outcome.is_best() {
            let remez::Outcome { nodes, level, exchanges, .. } = outcome;
            return Ok(Minimax { ends, degree, fixed, nodes, level, exchanges });
        }
        excess = outcome.excess;
        bits *= 2;
    }
    Err(Error::NotLevelled { degree, excess })
}

impl Minimax {
    /// The degree d of the polynomial.
    #[must_use]
    pub fn degree(&self) -> usize {
        self.degree
    }

    /// The ends lo and hi, rounded to f64.
    #[must_use]
    pub fn domain(&self) -> (f64, f64) {
        self.ends.rounded()
    }

    /// How many times the points of the alternation were exchanged.
    #[must_use]
    pub fn iterations(&self) -> u32 {
        self.exchanges
    }

    /// The bits after the point with which it was computed.
    #[must_use]
    pub fn precision(&self) -> u32 {
        self.fixed.bits
    }

    /// The error e: the largest |p(x) - 1| on [lo, hi]; zero below the range of f64.
    #[must_use]
    pub fn error(&self) -> f64 {
        self.fixed.to_f64(&self.level)
    }

    /// log2 of the error.
    #[must_use]
    pub fn log2_error(&self) -> f64 {
        let near_one = self.fixed.bits as u64 - self.complement().bits().min(self.fixed.bits.into());
        self.fixed.log2(&self.level, 80 + near_one as u32)
    }

    /// log2 of 1 - e, which keeps what an error near one does not show.
    #[must_use]
    pub fn log2_complement(&self) -> f64 {
        let smallness = self.fixed.bits as u64 - self.level.bits().min(self.fixed.bits.into());
        self.fixed.log2(&self.complement(), 80 + smallness as u32)
    }

    /// log2(e / (1 - e)): one number with all digits of small errors and of errors near one.
    #[must_use]
    pub fn log2_odds(&self) -> f64 {
        // Near one half the logarithm is near zero, and its digits are in the last bits.
        self.fixed.log2(&self.fixed.div(&self.level, &self.complement()), 80)
    }

    /// The error in decimal with this many significant digits, as in 1.25e-203.
    #[must_use]
    pub fn error_decimal(&self, digits: usize) -> String {
        self.fixed.scientific(&self.level, digits)
    }

    fn complement(&self) -> BigInt {
        self.fixed.one() - &self.level
    }

    /// The points of [lo, hi] where the error 1 - p(x) is +e, -e, +e, ..., rounded to f64.
    #[must_use]
    pub fn reference(&self) -> Vec<f64> {
        let (lo, hi) = self.ends.at(self.fixed);
        let squares = Squares::new(self.fixed, &lo, &hi);
        let root = |&t: &i64| number::ratio(&self.fixed.sqrt(&squares.at(t)), &self.fixed.one());
        self.nodes.iter().map(|t| root(t) * 2.0_f64.powi(-self.ends.shift())).collect()
    }

    /// The coefficients c_0, c_1, ... of sum c_k T_(2k+1)(x / scaling) in decimal, with all digits that mean something:
    /// 64 bits below the error, and below one minus the error.
    ///
    /// # Errors
    /// When the scaling is not positive and finite, or so far from the interval that the digits do not end.
    pub fn coefficients(&self, scaling: f64) -> Result<Vec<String>, Error> {
        if !(scaling > 0.0 && scaling.is_finite()) {
            return Err(Error::BadScaling { scaling });
        }
        let below = self.log2_error().min(self.log2_complement());
        // Beyond the scaling T_d grows, and with it what a digit is worth.
        let end = (self.domain().1 / scaling).max(1.0);
        let printed = PRINTED - below + self.degree as f64 * end.acosh() * std::f64::consts::LOG2_E;
        let places = (printed * std::f64::consts::LOG10_2).ceil() as u32;
        let (fixed, odd) = self.odd_chebyshev(scaling, printed)?;
        Ok(odd.iter().map(|c| fixed.decimal(c, places)).collect())
    }

    /// The polynomial in f64 on [-scaling, scaling].
    ///
    /// Error: 2^-53 of each coefficient.
    ///
    /// # Errors
    /// When the scaling is not positive and finite, or so far from the interval that the digits do not end.
    pub fn polynomial(&self, scaling: f64) -> Result<Polynomial, Error> {
        let decimals = self.coefficients(scaling)?;
        let mut all = vec![0.0; self.degree + 1];
        for (slot, text) in all.iter_mut().skip(1).step_by(2).zip(&decimals) {
            // What we wrote ourselves is a number.
            *slot = text.parse().unwrap_or(f64::NAN);
        }
        Polynomial::new(-scaling, scaling, all)
    }

    /// The coefficients in the basis T_(2k+1)(x / scaling), in the format in which they are given, correct to 2^-bits and some guard.
    fn odd_chebyshev(&self, scaling: f64, bits: f64) -> Result<(Fixed, Vec<BigInt>), Error> {
        let (lo, hi) = self.ends.at(self.fixed);
        let rough = Squares::new(self.fixed, &lo, &hi);
        let wide = self.fixed.number(scaling, self.ends.shift());
        // On [0, scaling] the nodes t reach this far, and each factor of Newton's form multiplies an error by as much.
        let slope = number::ratio(&rough.slope, &self.fixed.one());
        let far =
            |square: &BigInt| number::ratio(&(square - &rough.mid), &self.fixed.one()).abs() / slope + 4.0;
        let reach = far(&BigInt::ZERO).max(far(&self.fixed.mul(&wide, &wide)));
        let (ratio, _) = self.ends.spread();
        let needed = bits + 4.0 * ratio + self.nodes.len() as f64 * reach.log2() + f64::from(GUARD);
        let (needed, max) = (needed.ceil() as u32, 4 * MAX_PRECISION);
        if needed > max {
            return Err(Error::TooPrecise { bits: needed, max });
        }
        let fixed = Fixed { bits: needed.max(self.fixed.bits) };
        let (lo, hi) = self.ends.at(fixed);
        let squares = Squares::new(fixed, &lo, &hi);
        let levelled = Levelled::solve(&squares, &self.nodes);
        let scaling = fixed.number(scaling, self.ends.shift());
        Ok((fixed, to_odd_chebyshev(&squares, &levelled, &scaling)))
    }
}

/// Horner's rule for x q(x^2) in the basis T_(2k+1)(y) with x = scaling y.
///
/// The factor t - t_j is alpha_j + beta y^2, and y^2 T_m = T_m / 2 + (T_(m+2) + T_(|m-2|)) / 4.
fn to_odd_chebyshev(squares: &Squares, levelled: &Levelled, scaling: &BigInt) -> Vec<BigInt> {
    let fixed = squares.fixed;
    let beta = fixed.div(&fixed.mul(scaling, scaling), &squares.slope);
    let offset = fixed.div(&squares.mid, &squares.slope);
    let mut odd: Vec<BigInt> = Vec::with_capacity(levelled.newton.len());
    for (c, &node) in levelled.newton.iter().zip(&levelled.order).rev() {
        let alpha =
            -(&offset + shifted(BigInt::from(node), i64::from(fixed.bits) - i64::from(number::NODE_BITS)));
        let middle = &alpha + (&beta >> 1_u32);
        let quarter = &beta >> 2_u32;
        let mut next = vec![BigInt::ZERO; odd.len() + 1];
        for (k, a) in odd.iter().enumerate() {
            let side = fixed.mul(a, &quarter);
            next[k] += fixed.mul(a, &middle);
            // T_1 reflects: |1 - 2| = 1.
            next[k.saturating_sub(1)] += &side;
            next[k + 1] += side;
        }
        if let Some(first) = next.first_mut() {
            *first += fixed.mul(c, scaling);
        }
        odd = next;
    }
    odd
}

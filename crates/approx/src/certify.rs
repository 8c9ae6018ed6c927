//! Proved bounds on the error of a polynomial.
//!
//! The error is maximised over Taylor cells: its coefficients at the middle of a cell from the derivative series of the
//! polynomial and a jet of the target, the fourth one on the whole cell from a bound of the polynomial's (|T_k| <= 1)
//! and an interval enclosure of the target's.

use crate::cells::{Look, Series, maximum, middle, top};
use crate::error::Error;
use crate::interval::{Interval, Jet, ORDER, Real};
use crate::polynomial::Polynomial;
use crate::target::Target;

/// How an error is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measure {
    /// |p - f|.
    Absolute,
    /// |p / f - 1|, for a target that is nowhere zero.
    Relative,
}

/// A proved bound on the error of a polynomial against a target on an interval; only [`certify`] makes one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Certificate {
    target: Target,
    domain: (f64, f64),
    measure: Measure,
    error: f64,
    attained: f64,
}

impl Certificate {
    /// What was approximated.
    #[must_use]
    pub fn target(&self) -> Target {
        self.target
    }

    /// Where the bound holds.
    #[must_use]
    pub fn domain(&self) -> (f64, f64) {
        self.domain
    }

    /// How the error is measured.
    #[must_use]
    pub fn measure(&self) -> Measure {
        self.measure
    }

    /// No x in the domain has a larger error (of the polynomial with exactly these coefficients, in real arithmetic).
    #[must_use]
    pub fn error(&self) -> f64 {
        self.error
    }

    /// Some x in the domain has at least this error.
    #[must_use]
    pub fn attained(&self) -> f64 {
        self.attained
    }
}

/// Cells closer than this to the largest error seen are not refined.
const SLACK: f64 = 1.02;
/// Errors below this multiple of the size of the polynomial are rounding and not refined.
const FLOOR: f64 = 1e-12;

/// Proves a bound on the error of p against the target on [lo, hi], which lies inside the domain of p.
///
/// Error: never below the true maximum; at most 2 % above it, or 1e-12 of the size of the polynomial, or the width of an
/// enclosure at a point, whichever is largest; looser only when p is so rough that 2^16 cells do not suffice.
///
/// # Errors
/// When [lo, hi] is not inside the domain, or the target is undefined on it.
pub fn certify(
    p: &Polynomial,
    target: Target,
    (lo, hi): (f64, f64),
    measure: Measure,
) -> Result<Certificate, Error> {
    let (from, to) = p.domain();
    if !(from <= lo && lo < hi && hi <= to) {
        return Err(Error::OutsideDomain { lo, hi });
    }
    target.check(lo, hi)?;
    let problem = Problem::new(p, target, measure);
    let enough = |worst: &Look, attained: f64| {
        worst.bound <= (SLACK * attained.max(worst.middle)).max(attained + FLOOR * problem.size)
    };
    let start = 4 * (p.degree() + 1);
    let found = maximum(problem.unit_range(lo, hi), start, &|u, v| problem.look(u, v), &enough);
    Ok(Certificate {
        target,
        domain: (lo, hi),
        measure,
        error: found.bound,
        attained: found.attained.max(0.0),
    })
}

/// Derivatives that are evaluated at the middle of a cell; the next one is bounded on all of it.
const LAST: usize = ORDER - 1;

/// A polynomial, its Taylor coefficients as series in t, and what it should equal.
struct Problem {
    target: Target,
    measure: Measure,
    centre: Interval,
    half_width: Interval,
    series: Series<Interval>,
    size: f64,
}

impl Problem {
    fn new(p: &Polynomial, target: Target, measure: Measure) -> Self {
        let (lo, hi) = p.domain();
        let (lo, hi, half) = (Interval::point(lo), Interval::point(hi), Interval::point(0.5));
        let coefficients: Vec<Interval> = p.coefficients().iter().map(|&c| Interval::point(c)).collect();
        let series = Series::new(&coefficients, LAST, 1.0);
        let (centre, half_width, size) = ((lo + hi) * half, (hi - lo) * half, series.bounds()[0].max(1.0));
        Problem { target, measure, centre, half_width, series, size }
    }

    /// The interval of t that is sure to contain the image of [lo, hi].
    fn unit_range(&self, lo: f64, hi: f64) -> (f64, f64) {
        let to_unit = |x: f64| (Interval::point(x) - self.centre) * self.half_width.recip();
        (to_unit(lo).lo().max(-1.0), to_unit(hi).hi().min(1.0))
    }

    /// What is known of the size of the error on [u, v].
    fn look(&self, u: f64, v: f64) -> Look {
        let (m, h) = middle(u, v);
        let mut p = [Interval::ENTIRE; ORDER];
        p[..LAST].copy_from_slice(&self.series.at(m));
        let here = self.compare(Jet(p), Interval::point(m));
        let bounds = std::array::from_fn(|k| self.series.bounds()[k]).map(|b| Interval::new(-b, b));
        let rest = self.compare(Jet(bounds), Interval::new(u, v))[LAST].magnitude();
        let (here, below) = (&here[..LAST], here.map(|c| -c));
        let bound = top(here, h, rest).max(top(&below[..LAST], h, rest));
        Look { bound, middle: here[0].magnitude(), attained: here[0].mignitude() }
    }

    /// The Taylor coefficients of the error, from those of the polynomial, about any t in the interval.
    fn compare(&self, p: Jet, t: Interval) -> [Interval; ORDER] {
        let f = self.target.of(Jet::line(self.centre + self.half_width * t, self.half_width));
        match self.measure {
            Measure::Absolute => (p - f).0,
            Measure::Relative => (p * f.recip() - Jet::constant(1.0)).0,
        }
    }
}

//! Proved bounds on the error of a polynomial.
//!
//! On a cell of radius h about m, Taylor's theorem bounds the error by the sum of its Taylor coefficients at m times
//! h^k for k < 4, and h^4 times a bound of the fourth coefficient on the cell. Values at m are enclosed with outward
//! rounding; the fourth coefficient is bounded from the derivative series of the polynomial (|T_k| <= 1) and an
//! interval enclosure of the target's. The cell with the largest bound is halved until that bound is close to the
//! largest error seen.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::error::Error;
use crate::interval::{Interval, Jet, ORDER, Real, sum};
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
/// Cells looked at before the bound is taken as it is.
const CELLS: usize = 1 << 16;

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
    let start = 4 * (p.degree() + 1);
    let (a, b) = problem.unit_range(lo, hi);
    let edge = |i: usize| if i == start { b } else { a + (b - a) * (i as f64 / start as f64) };
    let mut attained = 0.0f64;
    let mut cells: BinaryHeap<Cell> =
        (0..start).map(|i| problem.look(edge(i), edge(i + 1), &mut attained)).collect();
    let mut seen = start;
    while let Some(worst) = cells.pop() {
        let m = 0.5 * (worst.u + worst.v);
        let seen_there = attained.max(worst.middle);
        let good = worst.bound <= (SLACK * seen_there).max(attained + FLOOR * problem.size);
        if good || seen >= CELLS || m <= worst.u || m >= worst.v {
            return Ok(Certificate { target, domain: (lo, hi), measure, error: worst.bound, attained });
        }
        cells.push(problem.look(worst.u, m, &mut attained));
        cells.push(problem.look(m, worst.v, &mut attained));
        seen += 2;
    }
    // Not reached: the heap starts with a cell, and each that leaves is replaced by two.
    Ok(Certificate { target, domain: (lo, hi), measure, error: f64::INFINITY, attained })
}

/// A part of the domain in t, and a bound of the error on it; ordered by the bound.
struct Cell {
    bound: f64,
    /// The largest error that the enclosure at the middle allows: halving does not go below it.
    middle: f64,
    u: f64,
    v: f64,
}

impl Ord for Cell {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bound.total_cmp(&other.bound)
    }
}

impl PartialOrd for Cell {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Cell {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Cell {}

/// Derivatives that are evaluated at the middle of a cell; the next one is bounded on all of it.
const LAST: usize = ORDER - 1;

/// A polynomial, its Taylor coefficients as series in t, and what it should equal.
struct Problem {
    target: Target,
    measure: Measure,
    centre: Interval,
    half_width: Interval,
    /// p^(k) / k! for k below [`LAST`].
    series: [Vec<Interval>; LAST],
    /// Bounds of |p^(k)| / k! on the whole domain.
    bounds: [f64; ORDER],
    size: f64,
}

impl Problem {
    fn new(p: &Polynomial, target: Target, measure: Measure) -> Self {
        let (lo, hi) = p.domain();
        let (lo, hi, half) = (Interval::point(lo), Interval::point(hi), Interval::point(0.5));
        let mut next: Vec<Interval> = p.coefficients().iter().map(|&c| Interval::point(c)).collect();
        let mut bounds = [0.0; ORDER];
        let mut series = [const { Vec::new() }; LAST];
        for k in 0..ORDER {
            bounds[k] = sum(next.iter().map(|c| Interval::point(c.magnitude()))).hi();
            let over = Interval::point(k as f64 + 1.0).recip();
            let after = derivative(&next).into_iter().map(|c| c * over).collect();
            let this = std::mem::replace(&mut next, after);
            if k < LAST {
                series[k] = this;
            }
        }
        let (centre, half_width, size) = ((lo + hi) * half, (hi - lo) * half, bounds[0].max(1.0));
        Problem { target, measure, centre, half_width, series, bounds, size }
    }

    /// The interval of t that is sure to contain the image of [lo, hi].
    fn unit_range(&self, lo: f64, hi: f64) -> (f64, f64) {
        let to_unit = |x: f64| (Interval::point(x) - self.centre) * self.half_width.recip();
        (to_unit(lo).lo().max(-1.0), to_unit(hi).hi().min(1.0))
    }

    /// The cell [u, v] with its bound; raises what is attained.
    fn look(&self, u: f64, v: f64, attained: &mut f64) -> Cell {
        let here = self.error_at(0.5 * (u + v));
        *attained = attained.max(here[0].mignitude());
        Cell { bound: self.bound(&here, u, v), middle: here[0].magnitude(), u, v }
    }

    /// The Taylor coefficients of the error, from those of the polynomial, about any t in the interval.
    fn compare(&self, p: Jet, t: Interval) -> [Interval; ORDER] {
        let f = self.target.of(Jet::line(self.centre + self.half_width * t, self.half_width));
        match self.measure {
            Measure::Absolute => (p - f).0,
            Measure::Relative => (p * f.recip() - Jet::constant(1.0)).0,
        }
    }

    /// The Taylor coefficients of the error about the number t; the last means nothing.
    fn error_at(&self, t: f64) -> [Interval; ORDER] {
        let t_of = chebyshev(t, self.series[0].len());
        let mut p = [Interval::ENTIRE; ORDER];
        for (value, series) in p.iter_mut().zip(&self.series) {
            *value = sum(series.iter().zip(&t_of).map(|(&a, &b)| a * b));
        }
        self.compare(Jet(p), Interval::point(t))
    }

    /// A bound of the error on the cell [u, v], given its Taylor coefficients at the middle.
    fn bound(&self, here: &[Interval; ORDER], u: f64, v: f64) -> f64 {
        let cell = Interval::new(u, v);
        let whole = self.compare(Jet(self.bounds.map(|b| Interval::new(-b, b))), cell);
        let h = Interval::point((cell - Interval::point(0.5 * (u + v))).magnitude());
        let start = Interval::point(whole[LAST].magnitude());
        let horner = |above: Interval, c: &Interval| Interval::point(c.magnitude()) + h * above;
        here[..LAST].iter().rev().fold(start, horner).hi()
    }
}

/// The Chebyshev coefficients of the derivative.
fn derivative(c: &[Interval]) -> Vec<Interval> {
    let zero = Interval::point(0.0);
    let mut out = vec![zero; c.len() + 1];
    for k in (1..c.len()).rev() {
        out[k - 1] = out[k + 1] + Interval::point(2.0 * k as f64) * c[k];
    }
    out[0] = out[0] * Interval::point(0.5);
    out.truncate(c.len().saturating_sub(1).max(1));
    out
}

/// Enclosures of T_0(t), ..., T_{n-1}(t); by doubling, so that their width grows like k^2 and not like 2.4^k.
fn chebyshev(t: f64, n: usize) -> Vec<Interval> {
    let (one, two, t) = (Interval::point(1.0), Interval::point(2.0), Interval::point(t));
    let mut out = Vec::with_capacity(n.max(2));
    out.extend([one, t]);
    for k in 2..n {
        let (a, b) = (out[k / 2], out[k.div_ceil(2)]);
        let less = if k % 2 == 0 { one } else { t };
        out.push((two * a * b - less).clip(-1.0, 1.0));
    }
    out.truncate(n);
    out
}

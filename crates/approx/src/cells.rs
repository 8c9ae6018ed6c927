//! Proved maxima by Taylor cells.
//!
//! On a cell of radius h about m, Taylor's theorem bounds a function by its first Taylor coefficients at m and h^n times
//! a bound of the n-th on the cell. Coefficients at m are enclosed with outward rounding; those of a polynomial come
//! from its derivative series, and so does the bound of the last. The cell with the largest bound is halved until
//! whoever asks is content.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::fine::Enclosure;
use crate::interval::{Interval, Real, sum};

/// Cells looked at before a bound is taken as it is.
const CELLS: usize = 1 << 16;

/// What is known of a function on a cell.
pub(crate) struct Look {
    /// No value on the cell is larger.
    pub bound: f64,
    /// The largest value that the enclosure at the middle allows: halving does not go below it.
    pub middle: f64,
    /// Some value on the cell is at least this.
    pub attained: f64,
}

/// A proved maximum.
pub(crate) struct Maximum {
    /// No value is larger.
    pub bound: f64,
    /// Some value is at least this.
    pub attained: f64,
}

/// The maximum over [a, b] of what `look` bounds on cells; `enough` judges the worst cell and the best value seen.
pub(crate) fn maximum(
    (a, b): (f64, f64),
    start: usize,
    look: &dyn Fn(f64, f64) -> Look,
    enough: &dyn Fn(&Look, f64) -> bool,
) -> Maximum {
    let edge = |i: usize| if i == start { b } else { a + (b - a) * (i as f64 / start as f64) };
    let cell = |u: f64, v: f64| Cell { look: look(u, v), u, v };
    let mut cells: BinaryHeap<Cell> = (0..start).map(|i| cell(edge(i), edge(i + 1))).collect();
    let mut best = cells.iter().fold(f64::NEG_INFINITY, |best, cell| best.max(cell.look.attained));
    let mut looked = start;
    while let Some(worst) = cells.pop() {
        let m = 0.5 * (worst.u + worst.v);
        if enough(&worst.look, best) || looked >= CELLS || m <= worst.u || m >= worst.v {
            return Maximum { bound: worst.look.bound, attained: best };
        }
        for half in [cell(worst.u, m), cell(m, worst.v)] {
            best = best.max(half.look.attained);
            cells.push(half);
        }
        looked += 2;
    }
    // Only without a first cell, of which nothing is known.
    Maximum { bound: f64::INFINITY, attained: best }
}

/// A part of the domain, ordered by the bound on it.
struct Cell {
    look: Look,
    u: f64,
    v: f64,
}

impl Ord for Cell {
    fn cmp(&self, other: &Self) -> Ordering {
        self.look.bound.total_cmp(&other.look.bound)
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

/// The middle of [u, v] and a radius that reaches both ends.
pub(crate) fn middle(u: f64, v: f64) -> (f64, f64) {
    let m = 0.5 * (u + v);
    (m, (Interval::new(u, v) - Interval::point(m)).magnitude())
}

/// No value of c_0 + c_1 s + c_2 s^2 + ... with |s| <= h is larger, where the terms after those given add at most
/// rest h^n.
///
/// The parabola is maximised exactly, so the excess shrinks like h^3.
pub(crate) fn top(c: &[Interval], h: f64, rest: f64) -> f64 {
    let h = Interval::point(h);
    let horner = |above: Interval, c: &Interval| Interval::point(c.magnitude()) + h * above;
    let others = c[3..].iter().rev().fold(Interval::point(rest), horner) * h * h * h;
    let (slope, bend) = (Interval::point(c[1].magnitude()), Interval::point(c[2].hi()));
    // slope s + bend s^2 for 0 <= s <= h: its end, or the vertex when that may lie before.
    let at_end = (slope + bend * h) * h;
    let before_end = (slope + bend * h + bend * h).lo() < 0.0;
    let parabola = if before_end { slope * slope * (Interval::point(-4.0) * bend).recip() } else { at_end };
    (Interval::point(c[0].hi()) + parabola + others).hi()
}

/// A polynomial in the Chebyshev basis with its derivatives.
pub(crate) struct Series<E> {
    /// The Chebyshev coefficients of the derivatives of order 0, 1, ..., n - 1; none is exactly zero.
    derivatives: Vec<Vec<Option<E>>>,
    /// Bounds of |p^(k)| / k! on [-reach, reach] for k = 0, ..., n.
    bounds: Vec<f64>,
    /// Enclosures of 1 / k!.
    factorials: Vec<Interval>,
}

impl<E: Enclosure> Series<E> {
    /// The polynomial sum c_k T_k(t), seen for |t| <= reach, with n >= 3 derivatives (the polynomial itself is one).
    pub(crate) fn new(coefficients: &[Interval], n: usize, reach: f64) -> Self {
        Series::from_terms(terms(coefficients), n, reach)
    }

    /// As [`Series::new`], of the derivative of the polynomial.
    pub(crate) fn slope(coefficients: &[Interval], n: usize, reach: f64) -> Self {
        Series::from_terms(derivative(&terms(coefficients)), n, reach)
    }

    fn from_terms(mut next: Vec<Option<E>>, n: usize, reach: f64) -> Self {
        let far: Vec<Interval> = chebyshev(reach.max(1.0), next.len());
        let mut out = Series { derivatives: Vec::new(), bounds: Vec::new(), factorials: Vec::new() };
        let mut over = Interval::point(1.0);
        for k in 0..=n {
            let size = |c: &Option<E>| Interval::point(c.map_or(0.0, |c| c.hull().magnitude()));
            out.bounds.push((sum(next.iter().zip(&far).map(|(c, &t)| size(c) * t)) * over).hi());
            if k < n {
                let after = derivative(&next);
                out.derivatives.push(std::mem::replace(&mut next, after));
                out.factorials.push(over);
                over = over * Interval::point(k as f64 + 1.0).recip();
            }
        }
        out
    }

    /// p^(k)(t) / k! for k below n.
    pub(crate) fn at(&self, t: f64) -> Vec<Interval> {
        let t_of = chebyshev::<E>(t, self.derivatives[0].len());
        let scaled = |(c, &over): (&Vec<Option<E>>, &Interval)| dot(c, &t_of).hull() * over;
        self.derivatives.iter().zip(&self.factorials).map(scaled).collect()
    }

    /// p(t).
    pub(crate) fn value(&self, t: f64) -> Interval {
        dot(&self.derivatives[0], &chebyshev::<E>(t, self.derivatives[0].len())).hull()
    }

    /// Bounds of |p^(k)| / k! on [-reach, reach], one more than there are coefficients in [`Series::at`].
    pub(crate) fn bounds(&self) -> &[f64] {
        &self.bounds
    }
}

/// The coefficients; none where one is exactly zero, as half of those of an odd or even polynomial are.
fn terms<E: Enclosure>(coefficients: &[Interval]) -> Vec<Option<E>> {
    coefficients.iter().map(|&c| (c != Interval::point(0.0)).then(|| E::of(c))).collect()
}

/// sum c_k T_k.
fn dot<E: Enclosure>(c: &[Option<E>], t_of: &[E]) -> E {
    let zero = E::of(Interval::point(0.0));
    c.iter().zip(t_of).fold(zero, |sum, (c, &t)| c.map_or(sum, |c| sum + c * t))
}

/// The Chebyshev coefficients of the derivative.
fn derivative<E: Enclosure>(c: &[Option<E>]) -> Vec<Option<E>> {
    let mut out = vec![None; c.len() + 1];
    for k in (1..c.len()).rev() {
        let own = c[k].map(|c| E::of(Interval::point(2.0 * k as f64)) * c);
        out[k - 1] = match (out[k + 1], own) {
            (Some(a), Some(b)) => Some(a + b),
            (a, b) => a.or(b),
        };
    }
    out[0] = out[0].map(|c| c * E::of(Interval::point(0.5)));
    out.truncate(c.len().saturating_sub(1).max(1));
    out
}

/// Enclosures of T_0(t), ..., T_{n-1}(t); by doubling, so that their width grows like k^2 and not like 2.4^k.
fn chebyshev<E: Enclosure>(t: f64, n: usize) -> Vec<E> {
    let point = |x: f64| E::of(Interval::point(x));
    let (one, two, t) = (point(1.0), point(2.0), point(t));
    let mut out = Vec::with_capacity(n.max(2));
    out.extend([one, t]);
    for k in 2..n {
        let (a, b) = (out[k / 2], out[k.div_ceil(2)]);
        let less = if k % 2 == 0 { one } else { t };
        out.push(two * a * b - less);
    }
    out.truncate(n);
    out
}

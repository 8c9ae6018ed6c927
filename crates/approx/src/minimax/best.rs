//! The best approximation of any target on a union of intervals, in f64.

use std::f64::consts::PI;

use crate::error::Error;
use crate::polynomial::{MAX_DEGREE, Parity, Polynomial, check_domain};

/// Exchanges after which we give up.
const MAX_EXCHANGES: u32 = 100;
/// The error and its lower bound agree to this fraction, or to what f64 resolves.
const LEVELLED: f64 = 1e-12;
/// Where f64 does not resolve that, an error must be known to this fraction, or be as small beside the target.
const COARSE: f64 = 1e-6;

/// Disjoint intervals, from left to right.
#[derive(Debug, Clone, PartialEq)]
pub struct Union {
    parts: Vec<(f64, f64)>,
}

impl Union {
    /// The union of these intervals, in any order.
    ///
    /// # Errors
    /// When there is none, one is empty or not finite, or two overlap or touch.
    pub fn new(parts: &[(f64, f64)]) -> Result<Self, Error> {
        let mut parts = parts.to_vec();
        parts.sort_by(|a, b| a.0.total_cmp(&b.0));
        for &(lo, hi) in &parts {
            check_domain(lo, hi)?;
        }
        let apart = |pair: &[(f64, f64)]| pair[0].1 < pair[1].0;
        if let Some(pair) = parts.windows(2).find(|&pair| !apart(pair)) {
            return Err(Error::Overlap { end: pair[0].1, begin: pair[1].0 });
        }
        if parts.is_empty() {
            return Err(Error::NoInterval);
        }
        Ok(Union { parts })
    }

    /// The intervals, from left to right.
    #[must_use]
    pub fn parts(&self) -> &[(f64, f64)] {
        &self.parts
    }

    /// The smallest interval around all.
    #[must_use]
    pub fn hull(&self) -> (f64, f64) {
        let ends = (self.parts.first(), self.parts.last());
        ends.0.zip(ends.1).map_or((0.0, 0.0), |(first, last)| (first.0, last.1))
    }
}

/// A best approximation, with a bound from either side on its error.
#[derive(Debug, Clone)]
pub struct Best {
    polynomial: Polynomial,
    domain: Union,
    error: f64,
    level: f64,
    reference: Vec<f64>,
    exchanges: u32,
}

impl Best {
    /// The polynomial, on the hull of the domain; of an odd or even one, on that of the domain and its mirror image.
    #[must_use]
    pub fn polynomial(&self) -> &Polynomial {
        &self.polynomial
    }

    /// Where it approximates.
    #[must_use]
    pub fn domain(&self) -> &Union {
        &self.domain
    }

    /// The largest error that was found, at the extrema: a measurement.
    #[must_use]
    pub fn error(&self) -> f64 {
        self.error
    }

    /// No polynomial of this degree and parity has a smaller error, up to rounding (de la Vallee Poussin).
    #[must_use]
    pub fn least(&self) -> f64 {
        self.level
    }

    /// The points where the error alternates.
    #[must_use]
    pub fn reference(&self) -> &[f64] {
        &self.reference
    }

    /// How many times the points were exchanged.
    #[must_use]
    pub fn iterations(&self) -> u32 {
        self.exchanges
    }
}

/// The polynomial of this degree that is nearest to a target on all of a union of intervals.
///
/// An odd or even polynomial is sought on a domain of non-negative numbers and is as near on its mirror image, if the
/// target has its symmetry. The next reference is chosen among all local extrema of the error: alternating, none below
/// the level, and largest in sum. Cost: for each exchange a solution of d + 2 equations and some hundred values of the
/// polynomial for each extremum. Error: down to d 2^-52 of the coefficients,
/// which is what f64 resolves; where they are so large, because of wide gaps, that nothing is left, it says so.
///
/// # Errors
/// When the degree is above [`MAX_DEGREE`], the target is not finite somewhere, the domain of an odd or even polynomial
/// has negative numbers, or the exchange does not converge.
///
/// Reference: Lee, Lee, Lee, Kim, Kim, No (2021), High-precision bootstrapping of RNS-CKKS homomorphic encryption using
/// optimal minimax polynomial approximation and inverse sine function, section 3 (improved multi-interval Remez).
pub fn best(
    target: &dyn Fn(f64) -> f64,
    domain: &Union,
    degree: usize,
    parity: Parity,
) -> Result<Best, Error> {
    let search = Search::new(target, domain, degree, parity)?;
    let mut reference = search.start();
    let (mut exchanges, mut before) = (0, f64::INFINITY);
    loop {
        let (polynomial, signed) = search.level(&reference)?;
        let level = signed.abs();
        exchanges += 1;
        let mut extrema = search.extrema(&polynomial)?;
        let error = extrema.iter().map(|e| e.error.abs()).fold(level, f64::max);
        let excess = error - level;
        let rounding = search.rounding(&polynomial);
        let stalled = excess <= rounding && excess >= 0.5 * before;
        if excess <= LEVELLED * error || error <= rounding || stalled {
            // What f64 resolves is the answer, unless huge values between the intervals have used it up.
            if excess > COARSE * error && error > COARSE * search.largest {
                return Err(Error::NotLevelled { degree, excess: excess / level });
            }
            let domain = domain.clone();
            return Ok(Best { polynomial, domain, error, level, reference, exchanges });
        }
        // The old reference is a choice too, with the signs that it has but for rounding: so there always is one.
        let signs = [signed, -signed].into_iter().cycle();
        extrema.extend(reference.iter().zip(signs).map(|(&at, error)| Extremum { at, error }));
        extrema.sort_by(|a, b| a.at.total_cmp(&b.at));
        let Some(next) = select(&extrema, search.columns.len() + 1, 0.999 * level) else {
            return Err(Error::NotLevelled { degree, excess: excess / level });
        };
        if exchanges >= MAX_EXCHANGES {
            return Err(Error::NotLevelled { degree, excess: excess / level });
        }
        (reference, before) = (next, excess);
    }
}

/// A local extremum of the error.
#[derive(Debug, Clone, Copy)]
struct Extremum {
    at: f64,
    error: f64,
}

/// What stays the same from exchange to exchange.
struct Search<'a> {
    target: &'a dyn Fn(f64) -> f64,
    /// For each interval its grid, which is dense enough that no extremum hides between two points.
    grids: Vec<Vec<f64>>,
    /// The interval of the basis.
    basis: (f64, f64),
    /// The indices of the basis polynomials.
    columns: Vec<usize>,
    parity: Parity,
    /// The largest value of the target.
    largest: f64,
}

impl<'a> Search<'a> {
    fn new(
        target: &'a dyn Fn(f64) -> f64,
        domain: &Union,
        degree: usize,
        parity: Parity,
    ) -> Result<Self, Error> {
        if degree > MAX_DEGREE {
            return Err(Error::DegreeTooHigh { degree, max: MAX_DEGREE });
        }
        let (lo, hi) = domain.hull();
        if parity != Parity::General && lo < 0.0 {
            return Err(Error::NotPositive { lo });
        }
        let columns: Vec<usize> = match parity {
            Parity::General => (0..=degree).collect(),
            Parity::Odd => (1..=degree).step_by(2).collect(),
            Parity::Even => (0..=degree).step_by(2).collect(),
        };
        if columns.is_empty() {
            return Err(Error::NoCoefficients);
        }
        let points = 16 * degree + 64;
        let grid = |&(lo, hi): &(f64, f64)| -> Vec<f64> {
            let inner = |i: usize| -(PI * i as f64 / points as f64).cos();
            let place = |i: usize| (0.5 * ((hi - lo) * inner(i) + (hi + lo))).clamp(lo, hi);
            (0..=points).map(place).collect()
        };
        let grids: Vec<Vec<f64>> = domain.parts().iter().map(grid).collect();
        let mut largest = 0.0_f64;
        for &at in grids.iter().flatten() {
            largest = largest.max(finite(target, at)?.abs());
        }
        let basis = if parity == Parity::General { (lo, hi) } else { (-hi, hi) };
        Ok(Search { target, grids, basis, columns, parity, largest })
    }

    /// How far an error that is computed in f64 may be from the true one.
    fn rounding(&self, polynomial: &Polynomial) -> f64 {
        let sum: f64 = polynomial.coefficients().iter().map(|c| c.abs()).sum();
        (sum + self.largest) * (polynomial.degree() + 4) as f64 * f64::EPSILON
    }

    /// Points as far from each other as possible, in the product of distances: near those of the best polynomial,
    /// whatever the intervals.
    fn start(&self) -> Vec<f64> {
        let folded = |x: f64| if self.parity == Parity::General { x } else { x * x };
        let mut left: Vec<(f64, f64)> = self.grids.iter().flatten().map(|&x| (x, 0.0)).collect();
        if self.parity == Parity::Odd {
            // An odd polynomial has a zero at zero.
            left.iter_mut().for_each(|(x, log)| *log = x.ln());
        }
        let mut chosen = Vec::with_capacity(self.columns.len() + 1);
        while chosen.len() <= self.columns.len() {
            let Some(best) = (0..left.len()).max_by(|&a, &b| left[a].1.total_cmp(&left[b].1)) else { break };
            let (at, _) = left.swap_remove(best);
            left.iter_mut().for_each(|(x, log)| *log += (folded(*x) - folded(at)).abs().ln());
            chosen.push(at);
        }
        chosen.sort_by(f64::total_cmp);
        chosen
    }

    /// The polynomial whose errors at the reference are h, -h, ..., and h.
    fn level(&self, reference: &[f64]) -> Result<(Polynomial, f64), Error> {
        let (lo, hi) = self.basis;
        let equation = |(i, &x): (usize, &f64)| {
            let t = (2.0 * x - lo - hi) / (hi - lo);
            let values = chebyshev(t, self.columns.last().copied().unwrap_or(0));
            let mut row: Vec<f64> = self.columns.iter().map(|&k| values[k]).collect();
            row.push(if i % 2 == 0 { 1.0 } else { -1.0 });
            row.push((self.target)(x));
            row
        };
        let mut solution = eliminate(reference.iter().enumerate().map(equation).collect());
        let level = solution.pop().unwrap_or(0.0);
        let mut coefficients = vec![0.0; self.columns.last().map_or(1, |k| k + 1)];
        for (&k, c) in self.columns.iter().zip(solution) {
            coefficients[k] = c;
        }
        Ok((Polynomial::new(lo, hi, coefficients)?, level))
    }

    /// The local extrema of the error, from left to right.
    fn extrema(&self, polynomial: &Polynomial) -> Result<Vec<Extremum>, Error> {
        let error = |at: f64| finite(self.target, at).map(|f| f - polynomial.eval(at));
        let mut extrema = Vec::new();
        for grid in &self.grids {
            let errors: Vec<f64> = grid.iter().map(|&x| error(x)).collect::<Result<_, _>>()?;
            for (i, (&at, &value)) in grid.iter().zip(&errors).enumerate() {
                let sides = [i.checked_sub(1), Some(i + 1)].map(|j| j.filter(|&j| j < grid.len()));
                let beyond = |j: Option<usize>| j.is_some_and(|j| value.signum() * (errors[j] - value) > 0.0);
                if sides.into_iter().any(beyond) {
                    continue;
                }
                let [left, right] = sides.map(|j| j.map_or(at, |j| grid[j]));
                extrema.push(peak(&error, left, Extremum { at, error: value }, right)?);
            }
        }
        Ok(extrema)
    }
}

/// The largest error of the same sign in [left, right], by golden sections, starting from a point inside.
fn peak(
    error: &impl Fn(f64) -> Result<f64, Error>,
    left: f64,
    top: Extremum,
    right: f64,
) -> Result<Extremum, Error> {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    /// The width shrinks to 2^-28, where the error is flat in f64.
    const SECTIONS: u32 = 40;
    let sign = top.error.signum();
    let (mut a, mut b, mut best) = (left, right, top);
    let mut keep = |at: f64| -> Result<f64, Error> {
        let value = error(at)?;
        if sign * value > sign * best.error {
            best = Extremum { at, error: value };
        }
        Ok(sign * value)
    };
    let (mut c, mut d) = (b - GOLDEN * (b - a), a + GOLDEN * (b - a));
    let (mut at_c, mut at_d) = (keep(c)?, keep(d)?);
    for _ in 0..SECTIONS {
        if at_c > at_d {
            (b, d, at_d) = (d, c, at_c);
            c = b - GOLDEN * (b - a);
            at_c = keep(c)?;
        } else {
            (a, c, at_c) = (c, d, at_d);
            d = a + GOLDEN * (b - a);
            at_d = keep(d)?;
        }
    }
    Ok(best)
}

/// Of the extrema that are not below a level, so many with alternating signs and the largest sum.
fn select(extrema: &[Extremum], count: usize, level: f64) -> Option<Vec<f64>> {
    let all: Vec<Extremum> = extrema.iter().copied().filter(|e| e.error.abs() >= level).collect();
    // sums[i]: the largest sum of a chain that ends in extremum i, and the one before it, for growing lengths.
    let mut sums: Vec<f64> = all.iter().map(|e| e.error.abs()).collect();
    let mut before: Vec<Vec<Option<usize>>> = Vec::with_capacity(count);
    for _ in 1..count {
        let mut last: [Option<usize>; 2] = [None, None];
        let mut next = vec![f64::NEG_INFINITY; all.len()];
        let mut from = vec![None; all.len()];
        for (i, e) in all.iter().enumerate() {
            let side = usize::from(e.error.is_sign_positive());
            if let Some(j) = last[1 - side] {
                (next[i], from[i]) = (sums[j] + e.error.abs(), Some(j));
            }
            if sums[i] > f64::NEG_INFINITY && last[side].is_none_or(|j| sums[j] < sums[i]) {
                last[side] = Some(i);
            }
        }
        sums = next;
        before.push(from);
    }
    let mut at = (0..all.len()).max_by(|&a, &b| sums[a].total_cmp(&sums[b]))?;
    if sums[at] == f64::NEG_INFINITY {
        return None;
    }
    let mut chosen = vec![all[at].at];
    for from in before.iter().rev() {
        at = from[at]?;
        chosen.push(all[at].at);
    }
    chosen.reverse();
    Some(chosen)
}

/// T_0(t), ..., T_n(t).
fn chebyshev(t: f64, n: usize) -> Vec<f64> {
    let mut values = vec![1.0, t];
    for k in 2..=n {
        values.push(2.0 * t * values[k - 1] - values[k - 2]);
    }
    values
}

/// The solution of equations whose right side is their last column, by elimination with row pivots.
fn eliminate(mut rows: Vec<Vec<f64>>) -> Vec<f64> {
    let n = rows.len();
    for j in 0..n {
        let pivot = (j..n).max_by(|&a, &b| rows[a][j].abs().total_cmp(&rows[b][j].abs())).unwrap_or(j);
        rows.swap(j, pivot);
        let (done, rest) = rows.split_at_mut(j + 1);
        let pivot = &done[j];
        for row in rest {
            let factor = row[j] / pivot[j];
            row.iter_mut().zip(pivot).skip(j).for_each(|(x, p)| *x -= factor * p);
        }
    }
    let mut solution = vec![0.0; n];
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|j| rows[i][j] * solution[j]).sum();
        solution[i] = (rows[i][n] - known) / rows[i][i];
    }
    solution
}

fn finite(f: &dyn Fn(f64) -> f64, at: f64) -> Result<f64, Error> {
    let value = f(at);
    if value.is_finite() { Ok(value) } else { Err(Error::BadValue { at, value }) }
}

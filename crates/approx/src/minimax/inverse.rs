//! The width that a degree can take: the inverse of the minimax error.
//!
//! Both the half-width tau of a domain [1 - tau, 1 + tau] and the error of a polynomial on it lie strictly between 0 and
//! 1, and matter as much near 1 as near 0. [`Odds`] resolve both ends: log2 tau for small tau, -log2(1 - tau) near one.
//! In odds the error of degree d is a smooth curve, with slope (d + 1) / 2 at the lower end and slope 1 at the upper end,
//! so one interpolation serves for all of it and goes on beyond the table at either end.

use crate::Error;
use crate::minimax::sign_around_one;
use crate::minimax::table::{DEGREES, TAUS, Table, gap, tau};

/// Through how many points of the table a curve is drawn.
const NEIGHBOURS: usize = 6;

/// A number t strictly between 0 and 1 as log2(t / (1 - t)), which has digits to spare at both ends.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Odds(f64);

impl Odds {
    /// The odds of t, exact to rounding where t is at most 1/2; `None` unless 0 < t < 1.
    #[must_use]
    pub fn of(t: f64) -> Option<Self> {
        (0.0 < t && t < 1.0).then(|| Self(t.log2() - (-t).ln_1p() * std::f64::consts::LOG2_E))
    }

    /// The odds of 1 - t, exact to rounding where t is at most 1/2; `None` unless 0 < t < 1.
    #[must_use]
    pub fn of_complement(t: f64) -> Option<Self> {
        Self::of(t).map(|odds| Self(-odds.0))
    }

    /// From log2(t / (1 - t)).
    #[must_use]
    pub fn from_log2(odds: f64) -> Self {
        Self(odds)
    }

    /// log2(t / (1 - t)).
    #[must_use]
    pub fn log2(self) -> f64 {
        self.0
    }

    /// t.
    #[must_use]
    pub fn value(self) -> f64 {
        1.0 / (1.0 + (-self.0).exp2())
    }

    /// 1 - t, with all its digits.
    #[must_use]
    pub fn complement(self) -> f64 {
        1.0 / (1.0 + self.0.exp2())
    }

    /// The odds of t + by; `None` where that leaves (0, 1).
    #[must_use]
    pub fn moved(self, by: f64) -> Option<Self> {
        let (value, complement) = (self.value() + by, self.complement() - by);
        if by == 0.0 {
            Some(self)
        } else {
            (value > 0.0 && complement > 0.0).then(|| Self(value.log2() - complement.log2()))
        }
    }
}

/// The table of errors, turned around: for each degree the odds of tau over the odds of the error.
#[derive(Debug, Clone)]
pub struct Inverse {
    /// One curve for each degree 3, 5, ...: (odds of the error, odds of tau), both increasing.
    curves: Vec<Vec<(f64, f64)>>,
}

impl Inverse {
    /// Turns a table around; costs one pass over it.
    #[must_use]
    pub fn new(table: &Table) -> Self {
        let degrees = (3..).step_by(2).take(DEGREES);
        Self { curves: degrees.map(|degree| curve(table, degree)).collect() }
    }

    /// The largest tau at which degree d still has at most this error: IME of Lee, Lee, Kim and No (2022), algorithm 7.
    ///
    /// Costs a binary search. Where the algorithm draws straight lines between neighbours in three different scales, this
    /// passes a polynomial through six neighbours in odds; beyond the table it goes on with the slopes of the limits. In
    /// odds it is off by less than 1e-6 on the table, and by less than 4e-5 from 2^-50 to 1 - 2^-50 (`tests/degrees.rs`).
    /// `None` if the degree is not in the table.
    #[must_use]
    pub fn at(&self, error: Odds, degree: usize) -> Option<Odds> {
        let place = degree.checked_sub(3).filter(|d| d.is_multiple_of(2))? / 2;
        at(self.curves.get(place)?, error.0, degree).map(Odds)
    }
}

/// The odds of tau for an error of odds y.
fn at(curve: &[(f64, f64)], y: f64, degree: usize) -> Option<f64> {
    let (&(first, lowest), &(last, highest)) = (curve.first()?, curve.last()?);
    if y < first {
        Some(lowest + (y - first) * 2.0 / (degree + 1) as f64)
    } else if y > last {
        Some(highest + (y - last))
    } else {
        let above = curve.partition_point(|&(knot, _)| knot < y);
        let start = above.saturating_sub(NEIGHBOURS / 2).min(curve.len().saturating_sub(NEIGHBOURS));
        Some(through(curve.get(start..start + NEIGHBOURS)?, y))
    }
}

/// The knots of one degree; tau = 1/2 is in both halves of the grid and taken once.
fn curve(table: &Table, degree: usize) -> Vec<(f64, f64)> {
    let knot = |row| Some((table.get(row, degree)?.log2_odds(), tau(row).log2() - gap(row).log2()));
    let mut knots: Vec<(f64, f64)> = (0..TAUS).filter_map(knot).collect();
    knots.dedup_by(|next, last| next.1 <= last.1);
    knots
}

/// The polynomial through the points, at y (Lagrange).
fn through(points: &[(f64, f64)], y: f64) -> f64 {
    let weight = |i: usize, yi: f64| -> f64 {
        let others = points.iter().enumerate().filter(|&(k, _)| k != i);
        others.map(|(_, &(yk, _))| (y - yk) / (yi - yk)).product()
    };
    points.iter().enumerate().map(|(i, &(yi, x))| x * weight(i, yi)).sum()
}

/// IME of one error and degree from a table: the largest tau at which degree d has at most this error.
///
/// Costs a pass over the degree's part of the table; [`Inverse`] is for many. Error as [`Inverse::at`]. `None` unless
/// 0 < error < 1 and the degree is in the table.
#[must_use]
pub fn inverse(table: &Table, error: f64, degree: usize) -> Option<f64> {
    at(&curve(table, degree), Odds::of(error)?.0, degree).map(|odds| Odds(odds).value())
}

/// IME by bisection on exact errors: Lee, Lee, Kim and No (2022), algorithm 1.
///
/// Costs one [`sign_around_one`] for each iteration. The odds of tau, which lie between those of 2^-21 and of 1 - 2^-21,
/// are found to within 42 / 2^iterations; the algorithm as printed bisects tau itself, which wastes iterations at both
/// ends.
///
/// # Errors
/// An error that is not between 0 and 1, or what [`sign_around_one`] refuses.
pub fn inverse_binary(error: f64, degree: usize, iterations: u32) -> Result<f64, Error> {
    let goal = Odds::of(error).ok_or(Error::BadError { error })?;
    let (mut low, mut high) = (-21.0, 21.0);
    for _ in 0..iterations {
        let middle = f64::midpoint(low, high);
        let best = sign_around_one(Odds(middle).value(), degree)?;
        if best.log2_odds() < goal.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    Ok(Odds(f64::midpoint(low, high)).value())
}

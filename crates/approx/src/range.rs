//! Proved ranges of a polynomial on an interval.

use crate::cells::{Look, Series, maximum, middle, top};
use crate::error::Error;
use crate::fine::{Enclosure, Fine};
use crate::interval::{Interval, Real};
use crate::polynomial::{Polynomial, check_domain, clenshaw};

/// Derivatives in a cell; 2^14 h^14 k^28 / 28! is below 2^-50 for the largest k = 63 and h = 2^-10.
const ORDER: usize = 14;
/// How close to a true end is close enough, in parts of the end itself or of the width of the range.
const SLACK: f64 = 1.0 / 1048576.0;
/// Below this part of the polynomial's size a range is rounding.
const FLOOR: f64 = 1e-15;

/// An interval that contains p(x) for every x in [lo, hi], which may reach beyond the domain of p.
///
/// Error: each end lies beyond the true one by at most 2^-19 of its own size and of the width of the range, or 1e-15 of
/// the size of the polynomial; by more only when 2^16 cells do not suffice. Cost: milliseconds at degree 63.
///
/// # Errors
/// When lo and hi are not finite or not in order.
pub fn range(p: &Polynomial, lo: f64, hi: f64) -> Result<Interval, Error> {
    check_domain(lo, hi)?;
    let (from, to) = p.domain();
    let half = Interval::point(0.5);
    let (from, to) = (Interval::point(from), Interval::point(to));
    let unit = |x: f64| (Interval::point(x) - (from + to) * half) * ((to - from) * half).recip();
    let coefficients: Vec<Interval> = p.coefficients().iter().map(|&c| Interval::point(c)).collect();
    Ok(on_unit(&coefficients, unit(lo).lo(), unit(hi).hi()))
}

/// An interval that contains sum c_k T_k(t) for every t in [a, b] and every choice of c_k in the coefficients.
pub(crate) fn on_unit(coefficients: &[Interval], a: f64, b: f64) -> Interval {
    let tolerances = tolerances(coefficients, a, b);
    let (range, loose) = extremes::<Interval>(coefficients, (a, b), tolerances);
    if loose { extremes::<Fine>(coefficients, (a, b), tolerances).0 } else { range }
}

/// How close to the true ends is close enough, from a look at plain values.
fn tolerances(coefficients: &[Interval], a: f64, b: f64) -> [f64; 2] {
    let c: Vec<f64> = coefficients.iter().map(|c| 0.5 * (c.lo() + c.hi())).collect();
    let count = 8 * c.len();
    let at = |i: usize| clenshaw(&c, a + (b - a) * (i as f64 / count as f64));
    let (lo, hi) = (0..=count).map(at).fold((f64::MAX, f64::MIN), |(lo, hi), y| (lo.min(y), hi.max(y)));
    let floor = FLOOR * c.iter().map(|c| c.abs()).sum::<f64>();
    [lo, hi].map(|end| (SLACK * (hi - lo).min(end.abs())).max(floor))
}

/// The range by one arithmetic, and whether its roundings have left it too wide.
fn extremes<E: Enclosure>(
    coefficients: &[Interval],
    (a, b): (f64, f64),
    [lower, upper]: [f64; 2],
) -> (Interval, bool) {
    let series = Series::<E>::new(coefficients, ORDER, a.abs().max(b.abs()));
    let start = 2 * coefficients.len();
    let find = |sign: f64, tolerance: f64| {
        let enough = |worst: &Look, attained: f64| worst.bound <= attained.max(worst.middle) + tolerance;
        let found = maximum((a, b), start, &|u, v| look(&series, sign, u, v), &enough);
        (found.bound, found.bound - found.attained > 2.0 * tolerance)
    };
    let ((most, loose_above), (least, loose_below)) = (find(1.0, upper), find(-1.0, lower));
    (Interval::new(-least, most), loose_above || loose_below)
}

/// What is known of sign times the polynomial on [u, v].
fn look<E: Enclosure>(series: &Series<E>, sign: f64, u: f64, v: f64) -> Look {
    let (m, h) = middle(u, v);
    let mut here = series.at(m);
    for c in &mut here {
        *c = Interval::point(sign) * *c;
    }
    let bound = top(&here, h, series.bounds()[here.len()]);
    Look { bound, middle: here[0].hi(), attained: here[0].lo() }
}

/// Whether sum c_k T_k(t) is proved to increase on [a, b], for every choice of c_k in the coefficients.
pub(crate) fn increases(coefficients: &[Interval], a: f64, b: f64) -> bool {
    let series = Series::<Interval>::slope(coefficients, ORDER, a.abs().max(b.abs()));
    // Where even the middle of a cell is not surely positive, halving does not help.
    let enough = |worst: &Look, _: f64| worst.bound < 0.0 || worst.middle >= 0.0;
    maximum((a, b), 2 * coefficients.len(), &|u, v| look(&series, -1.0, u, v), &enough).bound < 0.0
}

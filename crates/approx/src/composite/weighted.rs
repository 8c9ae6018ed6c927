//! Bounds of |x| |P(x) - sgn x|, closer to zero than epsilon too.
//!
//! Each polynomial increases up to the lower end of its domain and stays in its range beyond, so the smallest value
//! that a composition can take on inputs of at least x is found by evaluating at x alone, stage by stage.

use super::Stage;
use super::chain::{error, unit, widened};
use crate::cells::{Look, Series, maximum};
use crate::interval::Interval;

/// How close to the largest value a bound is brought.
const SLACK: f64 = 1.0 + 1.0 / 4096.0;
/// Parts of the interval at the start.
const START: usize = 32;

/// Bounds on what a composition does to inputs in [-1, 1] when everything strays by at most its margin.
pub(super) struct Bounds<'a> {
    stages: Vec<(&'a Stage, Series<Interval>)>,
    input_margin: f64,
    /// Bound of the error at epsilon and beyond, which is also one of |P(x)| - 1 anywhere.
    far: f64,
}

impl<'a> Bounds<'a> {
    /// For the stages, of which the last ends in the range `noisy`.
    pub(super) fn new(stages: &'a [Stage], input_margin: f64, noisy: Interval) -> Self {
        let with = |s: &'a Stage| (s, Series::new(&s.hull, 3, unit(s.domain.hi(), s.scaling).1));
        Bounds { stages: stages.iter().map(with).collect(), input_margin, far: error(noisy) }
    }

    /// A bound of x |P(x) - 1| / 2 for lo <= x <= 1.
    ///
    /// Beyond epsilon it is half the error there, which is attained near one.
    pub(super) fn above(&self, lo: f64, epsilon: f64) -> f64 {
        let floor = half(self.far);
        if lo >= epsilon {
            return floor;
        }
        let look = |u: f64, v: f64| {
            let m = 0.5 * (u + v);
            let middle = self.weighted(m, m);
            Look { bound: self.weighted(u, v), middle, attained: middle }
        };
        let enough = |worst: &Look, seen: f64| worst.bound <= (SLACK * seen).max(floor);
        maximum((lo, epsilon), START, &look, &enough).bound.max(floor)
    }

    /// A bound of k |P(k / top) - 1| / 2 for k = 1, ..., top.
    pub(super) fn integers(&self, top: u32, epsilon: f64) -> f64 {
        let scale = f64::from(top);
        let near = (1..=top).map(|k| unit(f64::from(k), scale)).take_while(|&(u, _)| u < epsilon);
        let worst = near.fold(half(self.far), |worst, (u, v)| worst.max(self.weighted(u, v)));
        (Interval::point(scale) * Interval::point(worst)).hi()
    }

    /// A bound of x |P(x) - 1| / 2 for u <= x <= v.
    fn weighted(&self, u: f64, v: f64) -> f64 {
        let x = Interval::point(u) - Interval::point(self.input_margin);
        let least = self.stages.iter().fold(x.lo(), |x, (stage, series)| stage.least(series, x));
        let below = (Interval::point(1.0) - Interval::point(least)).hi();
        half((Interval::point(v) * Interval::point(below.max(self.far))).hi())
    }
}

fn half(x: f64) -> f64 {
    (Interval::point(0.5) * Interval::point(x)).hi()
}

impl Stage {
    /// No value that comes of an input in the box and of at least x is smaller.
    fn least(&self, series: &Series<Interval>, x: f64) -> f64 {
        if x < 0.0 {
            return -self.most(series, -x);
        }
        let least = if x < self.knee {
            series.value(unit(x, self.scaling).0.max(0.0)).lo().min(self.floor)
        } else if x < self.domain.lo() {
            self.floor
        } else {
            self.range.lo()
        };
        widened(Interval::point(least), self.margin).lo()
    }

    /// No value that comes of an input in [0, x] is larger.
    fn most(&self, series: &Series<Interval>, x: f64) -> f64 {
        let most = if x < self.knee { series.value(unit(x, self.scaling).1).hi() } else { self.range.hi() };
        widened(Interval::point(most), self.margin).hi()
    }
}

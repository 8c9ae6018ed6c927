//! Going from stage to stage: domains, scalings and proved ranges.

use super::weighted::Bounds;
use super::{Composite, Stage};
use crate::error::Error;
use crate::interval::{Interval, Real};
use crate::memo::Memo;
use crate::minimax;
use crate::polynomial::Polynomial;
use crate::range::{increases, on_unit};

/// Scalings are multiples of this, so that they print shortly.
const GRID: f64 = 1.0 / (1 << 20) as f64;
/// A polynomial may be level from lo (1 - 2^-j) to lo for j from this number down.
const MOST_LEVEL: i32 = 24;
/// What a scaling is above the values it should hold.
const ROOM: f64 = 1.0 + 1.0 / (1 << 18) as f64;
/// Scalings that are tried for one stage.
const TRIES: u32 = 16;

/// The part of a composition that is proved so far.
pub(super) struct Chain {
    epsilon: f64,
    input_margin: f64,
    stages: Vec<Stage>,
    /// Where values with |x| >= epsilon are now when evaluated exactly, and the scaling of the next stage.
    exact: Interval,
    /// The same when everything strays by at most its margin.
    noisy: Interval,
    scaling: f64,
}

impl Chain {
    /// Nothing applied yet.
    pub(super) fn new(epsilon: f64, input_margin: f64) -> Result<Self, Error> {
        if !(epsilon > 0.0 && epsilon < 1.0) {
            return Err(Error::BadGap { lo: epsilon, hi: 1.0 });
        }
        if !(input_margin >= 0.0 && input_margin < epsilon) {
            return Err(Error::InputMargin { margin: input_margin, epsilon });
        }
        let exact = Interval::new(epsilon, 1.0);
        Ok(Chain {
            epsilon,
            input_margin,
            stages: Vec::new(),
            exact,
            noisy: widened(exact, input_margin),
            scaling: 1.0,
        })
    }

    /// Adds the best polynomial of this degree.
    pub(super) fn extend(
        &mut self,
        degree: usize,
        last: bool,
        margin: &mut dyn FnMut(&Polynomial) -> f64,
    ) -> Result<(), Error> {
        let (error, c) = best(self.noisy, degree, self.scaling)?;
        let mut next = if last { 1.0 } else { scaling_above(1.0 + error) };
        for _ in 0..TRIES {
            // The caller's margin is in units of what is evaluated; the stage speaks in those of the printed polynomial.
            let margin = times(margin(&fold(&c, next)?), next);
            let stage = self.prove(c.clone(), margin, next)?;
            let end = widened(stage.range, stage.margin).hi();
            if last || end <= next {
                self.accept(stage, next);
                return Ok(());
            }
            next = scaling_above(end);
        }
        Err(self.too_wide(self.noisy))
    }

    /// Adds a polynomial that is given, with the scaling of the stage after it unless it is the last.
    pub(super) fn append(&mut self, c: Vec<f64>, margin: f64, after: Option<f64>) -> Result<(), Error> {
        let next = after.unwrap_or(1.0);
        let stage = self.prove(c, margin, next)?;
        let values = widened(stage.range, stage.margin);
        // Written so that a scaling that is not a number is refused.
        let fits = after.is_none_or(|next| values.hi() <= next);
        if !fits {
            return Err(self.too_wide(values));
        }
        self.accept(stage, next);
        Ok(())
    }

    /// The composition of all stages.
    pub(super) fn finish(self) -> Result<Composite, Error> {
        if self.stages.is_empty() {
            return Err(Error::NoStages);
        }
        let Chain { epsilon, input_margin, stages, exact, noisy, .. } = self;
        let weighted = Bounds::new(&stages, input_margin, noisy).above(0.0, epsilon);
        Ok(Composite { epsilon, input_margin, stages, exact, noisy, weighted })
    }

    /// The polynomial as the next stage, with everything proved about it.
    fn prove(&self, coefficients: Vec<f64>, margin: f64, next: f64) -> Result<Stage, Error> {
        let number = self.stages.len();
        if !(margin >= 0.0 && margin.is_finite()) {
            return Err(Error::BadMargin { stage: number, margin });
        }
        let evaluated = fold(&coefficients, next)?;
        let hull = cover(&coefficients, &evaluated, next);
        let domain = self.noisy;
        let ((a, _), (_, b)) = (unit(domain.lo(), self.scaling), unit(domain.hi(), self.scaling));
        let on_domain = on_unit(&hull, a, b);
        let (knee, beyond) = self.knee(&hull, on_domain)?;
        // The upper end is that of the box of all values.
        let range = Interval::new(on_domain.lo(), beyond.hi());
        if widened(range, margin).lo() <= 0.0 {
            return Err(self.too_wide(widened(range, margin)));
        }
        let exact_range = if self.exact == domain {
            range
        } else {
            let (a, b) = (unit(self.exact.lo(), self.scaling).0, unit(self.exact.hi(), self.scaling).1);
            on_unit(&hull, a, b).clip(range.lo(), range.hi())
        };
        let (scaling, floor) = (self.scaling, beyond.lo());
        Ok(Stage { scaling, coefficients, margin, domain, range, exact_range, knee, floor, evaluated, hull })
    }

    /// How far from zero the polynomial is proved to increase, and its range from there on, given that on the domain.
    ///
    /// A best polynomial increases to the very end of its domain; but where its error is below 2^-53 or so, rounding the
    /// coefficients leaves it level a little before.
    fn knee(&self, hull: &[Interval], range: Interval) -> Result<(f64, Interval), Error> {
        let lo = self.noisy.lo();
        let increases_to = |x: f64| increases(hull, 0.0, unit(x, self.scaling).1);
        if increases_to(lo) {
            return Ok((lo, range));
        }
        let mut nearer = (1..=MOST_LEVEL).rev().map(|j| lo - lo * f64::from(-j).exp2());
        let Some(knee) = nearer.find(|&x| increases_to(x)) else {
            return Err(Error::NotIncreasing { stage: self.stages.len(), hi: 0.5 * lo });
        };
        let between = on_unit(hull, unit(knee, self.scaling).0, unit(lo, self.scaling).1);
        Ok((knee, Interval::new(between.lo().min(range.lo()), between.hi().max(range.hi()))))
    }

    fn accept(&mut self, stage: Stage, next: f64) {
        self.exact = stage.exact_range;
        self.noisy = widened(stage.range, stage.margin);
        self.scaling = next;
        self.stages.push(stage);
    }

    fn too_wide(&self, after: Interval) -> Error {
        Error::StageTooWide { stage: self.stages.len(), lo: after.lo(), hi: after.hi() }
    }
}

/// The error of the best polynomial of this degree on an interval, and the c_k of its sum of c_k T_{2k+1}(x / scaling).
fn best(domain: Interval, degree: usize, scaling: f64) -> Result<(f64, Vec<f64>), Error> {
    static FOUND: Memo<([u64; 3], usize), (f64, Vec<f64>)> = Memo::new();
    let numbers = [domain.lo(), domain.hi(), scaling].map(f64::to_bits);
    FOUND.get((numbers, degree), || {
        let best = minimax::sign(domain.lo(), domain.hi(), degree)?;
        let p = best.polynomial(scaling)?;
        Ok((best.error(), p.coefficients().iter().skip(1).step_by(2).copied().collect()))
    })
}

/// The largest |x - 1| in the interval.
pub(super) fn error(x: Interval) -> f64 {
    (x - Interval::point(1.0)).magnitude()
}

/// All numbers within the margin of the interval.
pub(super) fn widened(x: Interval, margin: f64) -> Interval {
    if margin == 0.0 { x } else { x + Interval::new(-margin, margin) }
}

/// The product of two numbers that are not negative, from above; exact where one is 0 or 1.
fn times(a: f64, b: f64) -> f64 {
    if a == 0.0 || b == 1.0 { a } else { (Interval::point(a) * Interval::point(b)).hi() }
}

/// Two numbers that enclose x / scaling.
pub(super) fn unit(x: f64, scaling: f64) -> (f64, f64) {
    let t = Interval::point(x) * Interval::point(scaling).recip();
    (t.lo(), t.hi())
}

/// A scaling a little above x: room for what a proved range is wider than the true one, and for a change of margin.
fn scaling_above(x: f64) -> f64 {
    (x * ROOM / GRID).ceil() * GRID
}

/// The polynomial on [-1, 1] with coefficients c_k / next at T_{2k+1}, each rounded to nearest.
fn fold(c: &[f64], next: f64) -> Result<Polynomial, Error> {
    Polynomial::unit(c.iter().flat_map(|&c| [0.0, c / next]).collect())
}

/// Coefficients of T_0, T_1, ... that cover those printed and those evaluated times the next scaling.
fn cover(c: &[f64], evaluated: &Polynomial, next: f64) -> Vec<Interval> {
    let mut out = vec![Interval::point(0.0); 2 * c.len()];
    for (k, (&c, &folded)) in c.iter().zip(evaluated.coefficients().iter().skip(1).step_by(2)).enumerate() {
        let back = Interval::point(folded) * Interval::point(next);
        out[2 * k + 1] =
            if next == 1.0 { Interval::point(c) } else { Interval::new(back.lo().min(c), back.hi().max(c)) };
    }
    out
}

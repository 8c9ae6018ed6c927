//! Polynomials that follow a function: interpolation, weighted least squares, clamped tails.

use std::f64::consts::PI;

use crate::error::Error;
use crate::polynomial::{MAX_DEGREE, Polynomial, check_domain, clenshaw};
use crate::target::Target;

/// What is known about a function on an interval, seen from the centre of the interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Symmetry {
    /// Nothing.
    #[default]
    None,
    /// f - f(centre) is odd: only odd coefficients and a constant.
    Odd,
    /// f is even: only even coefficients.
    Even,
}

impl Symmetry {
    fn keeps(self, k: usize) -> bool {
        match self {
            Symmetry::None => true,
            Symmetry::Odd => k == 0 || k % 2 == 1,
            Symmetry::Even => k.is_multiple_of(2),
        }
    }
}

/// The polynomial of this degree through f at the Chebyshev nodes of [lo, hi].
///
/// Error: within a factor 2 + (2/pi) ln(d + 1) of the best polynomial. For f = 1/x on a positive interval it *is* the
/// best in relative error, with value [`reciprocal_error`].
///
/// # Errors
/// When the interval is empty, the degree too high, or f not finite at a node.
///
/// Reference: Trefethen (2013), Approximation Theory and Approximation Practice, chapters 4 and 15.
pub fn interpolate(f: impl Fn(f64) -> f64, lo: f64, hi: f64, degree: usize) -> Result<Polynomial, Error> {
    check_domain(lo, hi)?;
    check_degree(degree)?;
    let n = degree + 1;
    let angle = |j: usize| PI * (j as f64 + 0.5) / n as f64;
    let mut values = Vec::with_capacity(n);
    for j in 0..n {
        values.push(finite(&f, from_unit(angle(j).cos(), lo, hi))?);
    }
    let coefficient = |k: usize| {
        let sum: f64 = values.iter().enumerate().map(|(j, v)| v * (k as f64 * angle(j)).cos()).sum();
        sum * if k == 0 { 1.0 } else { 2.0 } / n as f64
    };
    Polynomial::new(lo, hi, (0..n).map(coefficient).collect())
}

/// The largest |x p(x) - 1| on [lo, hi] for the interpolant p of 1/x of this degree: 1 / |T_{d+1}(t(0))|, exactly.
///
/// At the nodes, the zeros of T_{d+1}, the polynomial 1 - x p(x) vanishes; it has degree d + 1 and is 1 at zero.
#[must_use]
pub fn reciprocal_error(lo: f64, hi: f64, degree: usize) -> f64 {
    let t = ((hi + lo) / (hi - lo)).abs();
    1.0 / ((degree as f64 + 1.0) * t.acosh()).cosh()
}

/// A weighted least-squares fit on a dense Chebyshev grid, with optional clamped tails.
///
/// With tails the fit runs on [lo - t, hi + t], where beyond [lo, hi] the target is held at its end value and counts
/// with a smaller weight: an input that is a little out of range gets a value a little wrong, instead of the
/// explosion of |2t|^d. The polynomial's domain is the extended interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    lo: f64,
    hi: f64,
    degree: usize,
    tail: f64,
    tail_weight: f64,
    symmetry: Symmetry,
}

impl Fit {
    /// A fit of this degree on [lo, hi], without tails or symmetry.
    ///
    /// # Errors
    /// When the interval is empty or not finite, or the degree too high.
    pub fn new(lo: f64, hi: f64, degree: usize) -> Result<Self, Error> {
        check_domain(lo, hi)?;
        check_degree(degree)?;
        Ok(Fit { lo, hi, degree, tail: 0.0, tail_weight: 0.0, symmetry: Symmetry::None })
    }

    /// Clamped tails of this length on both sides, with this weight relative to the middle.
    ///
    /// # Errors
    /// When the length or the weight is negative or not finite.
    pub fn tails(mut self, length: f64, weight: f64) -> Result<Self, Error> {
        if !(length.is_finite() && weight.is_finite() && length >= 0.0 && weight >= 0.0) {
            return Err(Error::BadTail { length, weight });
        }
        check_domain(self.lo - length, self.hi + length)?;
        (self.tail, self.tail_weight) = (length, weight);
        Ok(self)
    }

    /// Only coefficients with this symmetry about the centre of the interval; the others are exactly zero.
    #[must_use]
    pub fn symmetry(mut self, symmetry: Symmetry) -> Self {
        self.symmetry = symmetry;
        self
    }

    /// The fit of f.
    ///
    /// # Errors
    /// When f is not finite somewhere on [lo, hi].
    pub fn run(&self, f: impl Fn(f64) -> f64) -> Result<Polynomial, Error> {
        self.run_weighted(f, |_| 1.0)
    }

    /// The fit of a target, with its symmetry when the interval is symmetric about zero.
    ///
    /// # Errors
    /// When the target is undefined somewhere on [lo, hi].
    pub fn target(&self, target: Target) -> Result<Polynomial, Error> {
        target.check(self.lo, self.hi)?;
        let symmetric = self.symmetry == Symmetry::None && self.lo == -self.hi;
        let fit = if symmetric { self.symmetry(target.symmetry()) } else { *self };
        fit.run(|x| target.eval(x))
    }

    /// The fit of f where an error at x counts weight(x) times; weight = 1/f fits the relative error.
    ///
    /// Cost: a QR factorisation of 4d + 40 by d + 1.
    ///
    /// # Errors
    /// When f or the weight is not finite somewhere on [lo, hi].
    pub fn run_weighted(
        &self,
        f: impl Fn(f64) -> f64,
        weight: impl Fn(f64) -> f64,
    ) -> Result<Polynomial, Error> {
        let (lo, hi) = (self.lo - self.tail, self.hi + self.tail);
        let rows = 4 * self.degree + 40;
        let kept: Vec<usize> = (0..=self.degree).filter(|&k| self.symmetry.keeps(k)).collect();
        let mut columns = vec![vec![0.0; rows]; kept.len()];
        let mut right = vec![0.0; rows];
        for i in 0..rows {
            let angle = PI * (i as f64 + 0.5) / rows as f64;
            let x = from_unit(angle.cos(), lo, hi);
            let inside = x.clamp(self.lo, self.hi);
            let w = finite(&weight, inside)? * if x == inside { 1.0 } else { self.tail_weight };
            right[i] = w * finite(&f, inside)?;
            for (column, &k) in columns.iter_mut().zip(&kept) {
                column[i] = w * (k as f64 * angle).cos();
            }
        }
        let solution = least_squares(columns, right);
        let mut coefficients = vec![0.0; self.degree + 1];
        for (&k, c) in kept.iter().zip(solution) {
            coefficients[k] = c;
        }
        Polynomial::new(lo, hi, coefficients)
    }
}

/// The largest |p - f| on a grid of n + 1 Chebyshev points of [lo, hi]: a measurement, not a proof.
#[must_use]
pub fn grid_error(p: &Polynomial, f: impl Fn(f64) -> f64, lo: f64, hi: f64, n: usize) -> f64 {
    let map = p.to_unit();
    let at = |j: usize| from_unit((PI * j as f64 / n as f64).cos(), lo, hi);
    (0..=n).map(at).map(|x| (clenshaw(p.coefficients(), map.apply(x)) - f(x)).abs()).fold(0.0, f64::max)
}

fn check_degree(degree: usize) -> Result<(), Error> {
    if degree > MAX_DEGREE { Err(Error::DegreeTooHigh { degree, max: MAX_DEGREE }) } else { Ok(()) }
}

fn finite(f: &impl Fn(f64) -> f64, at: f64) -> Result<f64, Error> {
    let value = f(at);
    if value.is_finite() { Ok(value) } else { Err(Error::BadValue { at, value }) }
}

fn from_unit(t: f64, lo: f64, hi: f64) -> f64 {
    0.5 * ((hi - lo) * t + (hi + lo))
}

/// The x that minimises |A x - b|, by Householder reflections; A is given by columns and has full rank.
///
/// Reference: Golub and Van Loan (2013), Matrix Computations, section 5.2.
fn least_squares(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let n = a.len();
    let mut diagonal = vec![0.0; n];
    for j in 0..n {
        let (left, rest) = a.split_at_mut(j + 1);
        let v = &mut left[j][j..];
        let norm = v.iter().map(|x| x * x).sum::<f64>().sqrt();
        if norm == 0.0 {
            continue;
        }
        diagonal[j] = if v[0] > 0.0 { -norm } else { norm };
        v[0] -= diagonal[j];
        let half: f64 = v.iter().map(|x| x * x).sum::<f64>() * 0.5;
        for column in rest.iter_mut().map(|c| &mut c[j..]).chain(std::iter::once(&mut b[j..])) {
            let s = v.iter().zip(column.iter()).map(|(x, y)| x * y).sum::<f64>() / half;
            column.iter_mut().zip(v.iter()).for_each(|(y, x)| *y -= s * x);
        }
    }
    let mut x = vec![0.0; n];
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|j| a[j][i] * x[j]).sum();
        // A column that vanished has nothing to say: its coefficient stays zero.
        x[i] = if diagonal[i] == 0.0 { 0.0 } else { (b[i] - known) / diagonal[i] };
    }
    x
}

//! The differentiable soft-argmax: which class, as a smooth number.
//!
//! For logits x and a temperature T, softmax_i = e^(x_i/T) / sum_j e^(x_j/T) and the index is sum_i i softmax_i, with
//! classes counted from 0. It calibrates a prediction; it is no security mechanism.
//!
//! Reference: the paper on homomorphic neural networks with a differentiable soft-argmax layer, section 4.3, which
//! counts the classes from 1. The squaring rests on softmax(y) being proportional to the square of softmax(y/2).

use arras_approx::fit::reciprocal_error;
use arras_approx::{Certificate, Fit, Measure, Polynomial, Target, certify, interpolate};

use crate::error::{Error, Failure};
use crate::ops::Arith;

/// Two classes: the probability of class 1, which is also the soft index, as sigma((x_1 - x_0) / T).
#[derive(Debug, Clone, PartialEq)]
pub struct TwoClasses {
    sigmoid: Polynomial,
    reach: f64,
    certificate: Certificate,
}

impl TwoClasses {
    /// For |x_1 - x_0| / T up to `range`, with a clamped tail of this length beyond, by a polynomial of this degree.
    ///
    /// # Errors
    /// When a number is not positive, or the degree too high.
    pub fn new(range: f64, tail: f64, degree: usize) -> Result<Self, Error> {
        check_positive("range", range)?;
        let fit = Fit::new(-range, range, degree)?.tails(tail, 0.05)?.target(Target::Sigmoid)?;
        let certificate = certify(&fit, Target::Sigmoid, (-range, range), Measure::Absolute)?;
        Ok(TwoClasses { sigmoid: fit.on_unit().0, reach: range + tail, certificate })
    }

    /// What the difference x_1 - x_0 over T is multiplied by before it is given to [`TwoClasses::apply`].
    ///
    /// Fold scale / T into the layer that makes the difference: it then costs no level.
    #[must_use]
    pub fn scale(&self) -> f64 {
        1.0 / self.reach
    }

    /// The proved error on the range.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Levels consumed: ceil(log2(degree + 1)).
    #[must_use]
    pub fn depth(&self) -> u32 {
        self.sigmoid.depth()
    }

    /// The probability of class 1, from scale * (x_1 - x_0) / T.
    ///
    /// Cost: [`TwoClasses::depth`] levels. Error: that of the certificate.
    ///
    /// # Errors
    /// When levels or the relinearisation key are missing.
    pub fn apply<A: Arith>(&self, ops: &A, difference: &A::Ct) -> Result<A::Ct, A::Error> {
        ops.poly(difference, &self.sigmoid)
    }
}

/// The result of a soft-argmax over many classes.
#[derive(Debug, Clone)]
pub struct Choice<C> {
    /// The probability of each class.
    pub probabilities: Vec<C>,
    /// The soft index, in 0..=K-1.
    pub index: C,
}

/// K classes, one hidden vector for each logit.
///
/// Each logit goes through a polynomial for e^(x / 2^r T); the K values are divided by their sum, then r times squared
/// and divided by their sum again. A division is a polynomial for 1/s, best in relative error. All divisions but the
/// last may be rough: a common factor cancels in the next. Scales and shifts that map each sum to [-1, 1] are folded into
/// the polynomials before, so no level is spent on them.
///
/// The degrees and r are searched for the least depth, then the lowest degrees, that keep a *proved* error of the index
/// below the tolerance.
#[derive(Debug, Clone, PartialEq)]
pub struct ManyClasses {
    classes: usize,
    range: f64,
    exp: Polynomial,
    divisions: Vec<Division>,
    relative: f64,
}

/// Values, and the inverse of their sum.
struct Fraction<C> {
    values: Vec<C>,
    inverse: C,
}

/// One division by the sum.
#[derive(Debug, Clone, PartialEq)]
struct Division {
    /// Added to the sum, so that it lies in [-1, 1].
    shift: f64,
    /// A multiple of 1 / sum.
    inverse: Polynomial,
}

/// The degrees of one candidate.
#[derive(Debug, Clone)]
struct Degrees {
    exp: usize,
    divisions: Vec<usize>,
}

/// Every interval is this much wider than computed, for the noise of a backend.
const MARGIN: f64 = 0.01;
/// The degrees tried: the largest at each depth.
const DEGREES: [usize; 5] = [3, 7, 15, 31, 63];
/// The most squarings tried.
const SQUARINGS: usize = 3;

impl ManyClasses {
    /// For logits with |x_i| / T up to `range`, and a soft index that errs by at most `tolerance`.
    ///
    /// # Errors
    /// When there are fewer than two classes, a number is not positive, or the tolerance is out of reach.
    pub fn new(classes: usize, range: f64, tolerance: f64) -> Result<Self, Error> {
        if classes < 2 {
            return Err(Error::TooFewClasses { classes });
        }
        check_positive("range", range)?;
        check_positive("tolerance", tolerance)?;
        let mut best: Option<((u32, u32), Self)> = None;
        for squarings in 0..=SQUARINGS {
            for degree in DEGREES {
                let exp = Exponential::new(range, squarings, degree)?;
                for divisions in choices(squarings + 1) {
                    let degrees = Degrees { exp: degree, divisions };
                    let price = degrees.price(classes);
                    let worse = best.as_ref().is_some_and(|(least, _)| *least <= price);
                    let relative = exp.relative(squarings, classes, &degrees.divisions);
                    if worse || relative * index_span(classes) > tolerance {
                        continue;
                    }
                    best = Some((price, Self::build(classes, range, &exp, &degrees, relative)?));
                }
                // A higher degree would only improve what is good enough.
                if exp.ratio(squarings) * index_span(classes) < tolerance / 100.0 {
                    break;
                }
            }
        }
        best.map(|(_, chosen)| chosen).ok_or(Error::OutOfReach { tolerance, range })
    }

    fn build(
        classes: usize,
        range: f64,
        exp: &Exponential,
        degrees: &Degrees,
        relative: f64,
    ) -> Result<Self, Error> {
        let sums = exp.sums(classes, &degrees.divisions);
        let scale = |i: usize| sums.get(i).map_or(1.0, |(lo, hi): &(f64, f64)| 2.0 / (hi - lo));
        let mut divisions = Vec::with_capacity(sums.len());
        for (i, (&(lo, hi), &degree)) in sums.iter().zip(&degrees.divisions).enumerate() {
            let shift = -(hi + lo) / (hi - lo);
            // The quotient is squared before the next sum; the last quotient is the probability itself.
            let factor = scale(i + 1).sqrt() / scale(i);
            let inverse = interpolate(|s| 1.0 / s, lo, hi, degree)?.on_unit().0.scaled(factor)?;
            divisions.push(Division { shift, inverse });
        }
        let exp = exp.polynomial.scaled(scale(0))?;
        Ok(ManyClasses { classes, range, exp, divisions, relative })
    }

    /// What each logit over T is multiplied by before it is given to [`ManyClasses::apply`]: 1 / range.
    ///
    /// Fold scale / T into the layer that makes the logits: it then costs no level.
    #[must_use]
    pub fn scale(&self) -> f64 {
        1.0 / self.range
    }

    /// The number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Levels consumed: those of the polynomials, one for each division, one for each squaring.
    #[must_use]
    pub fn depth(&self) -> u32 {
        let divisions: u32 = self.divisions.iter().map(|d| d.inverse.depth() + 2).sum();
        self.exp.depth() + divisions - 1
    }

    /// A bound of |p'_i / p_i - 1| for each probability, proved for exact arithmetic.
    #[must_use]
    pub fn relative_error(&self) -> f64 {
        self.relative
    }

    /// A bound of the error of the index: (K - 1) / 2 times the relative error.
    #[must_use]
    pub fn index_error(&self) -> f64 {
        self.relative * index_span(self.classes)
    }

    /// The polynomials in the order in which they are applied, each on [-1, 1].
    pub fn polynomials(&self) -> impl Iterator<Item = &Polynomial> {
        std::iter::once(&self.exp).chain(self.divisions.iter().map(|d| &d.inverse))
    }

    /// Probabilities and index, from scale * x_i / T.
    ///
    /// Cost: [`ManyClasses::depth`] levels. Error: [`ManyClasses::relative_error`], [`ManyClasses::index_error`].
    ///
    /// # Errors
    /// When the number of logits is wrong, or levels or the relinearisation key are missing.
    pub fn apply<A: Arith>(&self, ops: &A, logits: &[A::Ct]) -> Result<Choice<A::Ct>, Failure<A::Error>> {
        let Fraction { values, inverse } = self.fraction(ops, logits)?;
        let index = self.weigh(ops, &values, &inverse)?;
        let probabilities = values.iter().map(|v| ops.mul(v, &inverse)).collect::<Result<_, _>>()?;
        Ok(Choice { probabilities, index })
    }

    /// The index alone, which saves K products.
    ///
    /// Cost and errors as [`ManyClasses::apply`].
    ///
    /// # Errors
    /// As [`ManyClasses::apply`].
    pub fn index<A: Arith>(&self, ops: &A, logits: &[A::Ct]) -> Result<A::Ct, Failure<A::Error>> {
        let Fraction { values, inverse } = self.fraction(ops, logits)?;
        Ok(self.weigh(ops, &values, &inverse)?)
    }

    /// The values before the last division, and the inverse of their sum.
    fn fraction<A: Arith>(&self, ops: &A, logits: &[A::Ct]) -> Result<Fraction<A::Ct>, Failure<A::Error>> {
        let wrong = Failure::Inputs { need: self.classes, have: logits.len() };
        let (Some((last, first)), true) = (self.divisions.split_last(), logits.len() == self.classes) else {
            return Err(wrong);
        };
        let mut values = logits.iter().map(|x| ops.poly(x, &self.exp)).collect::<Result<Vec<_>, _>>()?;
        for division in first {
            let inverse = division.invert(ops, &values)?;
            for v in &mut values {
                let quotient = ops.mul(v, &inverse)?;
                *v = ops.mul(&quotient, &quotient)?;
            }
        }
        let inverse = last.invert(ops, &values)?;
        Ok(Fraction { values, inverse })
    }

    /// c + sum (i - c) value_i / sum, about the centre c so that an error of the sum counts half.
    fn weigh<A: Arith>(&self, ops: &A, values: &[A::Ct], inverse: &A::Ct) -> Result<A::Ct, A::Error> {
        let centre = index_span(self.classes);
        let weights: Vec<f64> = (0..self.classes).map(|i| i as f64 - centre).collect();
        let sum = ops.combine(values, &weights, 0.0)?;
        ops.add_scalar(&ops.mul(&sum, inverse)?, centre)
    }
}

impl Division {
    fn invert<A: Arith>(&self, ops: &A, values: &[A::Ct]) -> Result<A::Ct, A::Error> {
        let mut values = values.iter();
        // There are at least two values.
        let Some(first) = values.next() else { return ops.combine(&[], &[], 0.0) };
        let sum = values.try_fold(first.clone(), |a, b| ops.add(&a, b))?;
        ops.poly(&ops.add_scalar(&sum, self.shift)?, &self.inverse)
    }
}

/// e^x on [-range / 2^r, range / 2^r], with its proved relative error.
struct Exponential {
    polynomial: Polynomial,
    half: f64,
    error: f64,
}

impl Exponential {
    fn new(range: f64, squarings: usize, degree: usize) -> Result<Self, Error> {
        let half = range / f64::from(1u32 << squarings);
        let fit = Fit::new(-half, half, degree)?.run_weighted(f64::exp, |x| (-x).exp())?;
        let error = certify(&fit, Target::Exp, (-half, half), Measure::Relative)?.error();
        Ok(Exponential { polynomial: fit.on_unit().0, half, error })
    }

    /// The interval of each sum that is divided by, given the degrees of the divisions.
    fn sums(&self, classes: usize, divisions: &[usize]) -> Vec<(f64, f64)> {
        let k = classes as f64;
        let wide = |lo: f64, hi: f64| (lo * (1.0 - MARGIN), hi * (1.0 + MARGIN));
        let low = k * (-self.half).exp() * (1.0 - self.error);
        let high = k * self.half.exp() * (1.0 + self.error);
        let mut sums = vec![wide(low, high)];
        let (mut lo, mut hi) = sums[0];
        for &degree in divisions.iter().take(divisions.len() - 1) {
            // The quotients sum to 1 up to the error of this division, and their squares to between 1/K and 1 times the
            // square of that.
            let off = reciprocal_error(lo, hi, degree);
            (lo, hi) = wide((1.0 - off).powi(2) / k, (1.0 + off).powi(2));
            sums.push((lo, hi));
        }
        sums
    }

    /// The bound of the relative error of a probability.
    fn relative(&self, squarings: usize, classes: usize, divisions: &[usize]) -> f64 {
        let sums = self.sums(classes, divisions);
        if self.error >= 1.0 || sums.iter().any(|(lo, _)| *lo <= 0.0) {
            return f64::INFINITY;
        }
        let last = sums.last().zip(divisions.last());
        let division = last.map_or(1.0, |(&(lo, hi), &degree)| reciprocal_error(lo, hi, degree));
        (1.0 + self.ratio(squarings)) * (1.0 + division) - 1.0
    }

    /// The share of the exponential in the relative error: each value and the sum err by at most the same factor,
    /// raised to the power 2^r by the squarings.
    fn ratio(&self, squarings: usize) -> f64 {
        if self.error >= 1.0 {
            return f64::INFINITY;
        }
        ((1.0 + self.error) / (1.0 - self.error)).powi(1 << squarings) - 1.0
    }
}

impl Degrees {
    /// Depth, then degrees: products grow with them at equal depth.
    fn price(&self, classes: usize) -> (u32, u32) {
        let depth = |d: usize| (d + 1).next_power_of_two().ilog2();
        let divisions: u32 = self.divisions.iter().map(|&d| depth(d) + 2).sum();
        let degrees = classes * self.exp + self.divisions.iter().sum::<usize>();
        (depth(self.exp) + divisions - 1, u32::try_from(degrees).unwrap_or(u32::MAX))
    }
}

/// Every list of this many degrees.
fn choices(length: usize) -> Vec<Vec<usize>> {
    let mut lists = vec![Vec::new()];
    for _ in 0..length {
        lists = lists
            .iter()
            .flat_map(|list: &Vec<usize>| DEGREES.map(|d| list.iter().copied().chain([d]).collect()))
            .collect();
    }
    lists
}

/// The largest distance of a class from the middle one.
fn index_span(classes: usize) -> f64 {
    (classes as f64 - 1.0) / 2.0
}

fn check_positive(what: &'static str, value: f64) -> Result<(), Error> {
    if value.is_finite() && value > 0.0 { Ok(()) } else { Err(Error::NotPositive { what, value }) }
}

//! Compositions of polynomials that tend to the sign, with proved bounds on how far they are from it.
//!
//! Stage i maps x to the sum of c_k T_{2k+1}(x / w_i), where w_i is its scaling, and the stages are applied in order.
//! What is evaluated has the division by the next scaling folded into its coefficients, so that every value lies in
//! [-1, 1] and the scalings cost nothing: stage i becomes the sum of (c_k / w_{i+1}) T_{2k+1}(t), each quotient rounded
//! to nearest. Every statement here is proved for the coefficients as printed and for those as evaluated.
//!
//! # The argument
//!
//! Stage 1 sees [epsilon, 1], widened on both sides by the margin of the input. The range of each stage on its domain is
//! proved (see [`crate::range`]) and widened by the margin of the stage, and that is the domain of the next. Since each
//! polynomial is continuous, the image of an interval is an interval, so nothing is lost by going stage by stage. Each
//! polynomial is also proved to increase from 0 to the lower end of its domain (or nearly, and to stay in its range from
//! there), so that no input in [-1, 1], however close to zero, leaves the box of its stage.
//!
//! Reference: Lee, Lee, Kim, Kim and No (2022), Optimization of homomorphic comparison algorithm on RNS-CKKS scheme,
//! algorithms 5 and 10 to 13; there the scalings and margins come from experiments.

mod chain;
mod record;
mod weighted;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::interval::Interval;
use crate::polynomial::Polynomial;
use chain::Chain;
use weighted::Bounds;

/// One polynomial of a composition, with what is proved about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    scaling: f64,
    coefficients: Vec<f64>,
    margin: f64,
    domain: Interval,
    range: Interval,
    exact_range: Interval,
    /// Where the polynomial is sure to increase, from zero, and the least value from there to the end of the domain.
    knee: f64,
    floor: f64,
    evaluated: Polynomial,
    /// Enclosures of the coefficients at T_0, T_1, ... that cover both the printed and the evaluated ones.
    hull: Vec<Interval>,
}

impl Stage {
    /// The degree of the polynomial, which is odd.
    #[must_use]
    pub fn degree(&self) -> usize {
        (2 * self.coefficients.len()).saturating_sub(1)
    }

    /// The positive half of where the polynomial is used: every input with |x| >= epsilon arrives in here, up to sign.
    #[must_use]
    pub fn domain(&self) -> (f64, f64) {
        (self.domain.lo(), self.domain.hi())
    }

    /// The w of T_{2k+1}(x / w); at least the upper end of the domain, but for what the margin of the input adds to 1.
    #[must_use]
    pub fn scaling(&self) -> f64 {
        self.scaling
    }

    /// The c_k of the sum of c_k T_{2k+1}(x / w), nothing folded.
    #[must_use]
    pub fn coefficients(&self) -> &[f64] {
        &self.coefficients
    }

    /// A proved enclosure of the values on the domain.
    #[must_use]
    pub fn range(&self) -> (f64, f64) {
        (self.range.lo(), self.range.hi())
    }

    /// How far an evaluation may stray, in the units of the range.
    #[must_use]
    pub fn margin(&self) -> f64 {
        self.margin
    }
}

/// A composition of odd polynomials that tends to the sign on epsilon <= |x| <= 1.
///
/// Serialised it is a certificate: the coefficients, what is claimed of them, and all that a proof needs. Reading one
/// proves the claims again or refuses it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "record::Record", into = "record::Record")]
pub struct Composite {
    epsilon: f64,
    input_margin: f64,
    stages: Vec<Stage>,
    exact: Interval,
    noisy: Interval,
    weighted: f64,
}

impl Composite {
    /// The best composition with these degrees, in order of application, for a gap of epsilon.
    ///
    /// Inputs stray by at most the input margin. `margins` is called with the number of a stage and the polynomial
    /// exactly as it is evaluated, and says how far the evaluation may stray from it, in units of its output; it may be
    /// called more than once for a stage, when a larger margin asks for a larger scaling.
    ///
    /// Cost: some ten milliseconds for a stage.
    ///
    /// # Errors
    /// When there is no stage, a degree is even, the gap is not in (0, 1), the input margin is not below it, or a margin
    /// is so large that a stage no longer tells the signs apart.
    pub fn build(
        epsilon: f64,
        input_margin: f64,
        degrees: &[usize],
        margins: &mut dyn FnMut(usize, &Polynomial) -> f64,
    ) -> Result<Composite, Error> {
        let mut chain = Chain::new(epsilon, input_margin)?;
        for (stage, &degree) in degrees.iter().enumerate() {
            let last = stage + 1 == degrees.len();
            chain.extend(degree, last, &mut |p| margins(stage, p))?;
        }
        chain.finish()
    }

    /// The stages in order of application.
    #[must_use]
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// The degrees in order of application.
    #[must_use]
    pub fn degrees(&self) -> Vec<usize> {
        self.stages.iter().map(Stage::degree).collect()
    }

    /// Levels that an evaluation consumes.
    #[must_use]
    pub fn depth(&self) -> u32 {
        self.stages.iter().map(|s| s.evaluated.depth()).sum()
    }

    /// Products of two ciphertexts that an evaluation takes.
    #[must_use]
    pub fn products(&self) -> u32 {
        self.stages.iter().map(|s| s.evaluated.plan().products).sum()
    }

    /// The gap: nothing is said of the sign of inputs closer to zero.
    #[must_use]
    pub fn epsilon(&self) -> f64 {
        self.epsilon
    }

    /// How far an input may stray.
    #[must_use]
    pub fn input_margin(&self) -> f64 {
        self.input_margin
    }

    /// A proved bound of |P(x) - sgn x| for epsilon <= |x| <= 1, evaluated exactly.
    #[must_use]
    pub fn certified_error(&self) -> f64 {
        chain::error(self.exact)
    }

    /// A proved bound of |P(x) - sgn x| for epsilon <= |x| <= 1, when the input and every stage stray by at most their
    /// margins.
    #[must_use]
    pub fn noisy_error(&self) -> f64 {
        chain::error(self.noisy)
    }

    /// A proved bound of |x| |P(x) - sgn x| / 2 for all |x| <= 1, when the input and every stage stray by at most their
    /// margins: the error of max, min, relu and |x| / 2.
    #[must_use]
    pub fn weighted_error(&self) -> f64 {
        self.weighted
    }

    /// As [`Composite::weighted_error`], for lo <= |x| <= 1 alone.
    #[must_use]
    pub fn weighted_error_above(&self, lo: f64) -> f64 {
        self.bounds().above(lo, self.epsilon)
    }

    /// A proved bound of k |P(k / top) - 1| / 2 for the integers k = 1, ..., top, when the input and every stage stray by
    /// at most their margins: the error of the max of two integers whose difference is divided by top.
    ///
    /// Cost: some microseconds for each k below epsilon top.
    #[must_use]
    pub fn integer_error(&self, top: u32) -> f64 {
        self.bounds().integers(top, self.epsilon)
    }

    fn bounds(&self) -> Bounds<'_> {
        Bounds::new(&self.stages, self.input_margin, self.noisy)
    }

    /// A proved bound of |P(x)| for all |x| <= 1, when the input and every stage stray by at most their margins: what is
    /// larger was not an input in [-1, 1].
    #[must_use]
    pub fn magnitude(&self) -> f64 {
        self.noisy.magnitude()
    }

    /// The polynomials as they are evaluated, on [-1, 1], the scalings folded.
    #[must_use]
    pub fn polynomials(&self) -> Vec<Polynomial> {
        self.stages.iter().map(|s| s.evaluated.clone()).collect()
    }

    /// P(x) in plain f64.
    #[must_use]
    pub fn eval(&self, x: f64) -> f64 {
        self.stages.iter().fold(x, |x, s| s.evaluated.eval(x))
    }
}

//! The sign of hidden numbers, by a composition of odd polynomials.

use arras_approx::{Parity, Polynomial};

use crate::error::Error;
use crate::ops::Arith;

/// p_k(...p_2(p_1(x))...) for odd p_i on [-1, 1]: near -1 or 1 wherever |x| is not small.
///
/// How near, and from which |x| on, is what the certificate of the composition says; so is how far each stage may stray.
/// Reference: Lee, Lee, No and Kim (2022), Minimax Approximation of Sign Function by Composite Polynomial.
#[derive(Debug, Clone, PartialEq)]
pub struct Sign {
    stages: Vec<Polynomial>,
    composition: Composition,
}

/// a s(x) + b, as it is evaluated: polynomials one after the other, the last of which takes a and b.
#[derive(Debug, Clone, PartialEq)]
pub struct Composition {
    /// The one of the real step is halved.
    polynomials: Vec<Polynomial>,
    real_after: Option<usize>,
    /// Those of s, by which readings that bound errors know it.
    stages: Vec<Polynomial>,
    factor: f64,
    offset: f64,
}

impl Sign {
    /// The composition of these polynomials, the first one first, each as it is evaluated: on [-1, 1], scalings folded in.
    ///
    /// # Errors
    /// When there is none, or one is not odd or not on [-1, 1].
    pub fn new(stages: Vec<Polynomial>) -> Result<Self, Error> {
        let odd = |p: &Polynomial| p.is_unit() && p.parity() == Parity::Odd;
        if stages.is_empty() {
            return Err(Error::NoStages);
        }
        match stages.iter().position(|p| !odd(p)) {
            Some(stage) => Err(Error::BadStage { stage }),
            None => {
                let composition = Composition {
                    polynomials: stages.clone(),
                    real_after: None,
                    stages: stages.clone(),
                    factor: 1.0,
                    offset: 0.0,
                };
                Ok(Sign { stages, composition })
            }
        }
    }

    /// The same sign with its values made real after a stage, counted from zero: half a polynomial and its conjugate.
    ///
    /// Noise has an imaginary part, which slopes multiply and squares fold into the real one. Cost: no level, one key switch
    /// with the key of conjugation where the stage ends. Halving is exact.
    ///
    /// # Errors
    /// When the stage is the last one or none.
    pub fn with_real_after(self, stage: usize) -> Result<Self, Error> {
        let stages = self.stages.len();
        if stage >= stages.saturating_sub(1) {
            return Err(Error::RealAfter { stage, stages });
        }
        let mut polynomials = self.stages.clone();
        polynomials[stage] = polynomials[stage].scaled(0.5)?;
        let composition = Composition { polynomials, real_after: Some(stage), ..self.composition };
        Ok(Sign { stages: self.stages, composition })
    }

    /// The polynomials in order.
    #[must_use]
    pub fn stages(&self) -> &[Polynomial] {
        &self.stages
    }

    /// The stage after which values are made real, if any.
    #[must_use]
    pub fn real_after(&self) -> Option<usize> {
        self.composition.real_after
    }

    /// s(x) as it is evaluated.
    #[must_use]
    pub fn composition(&self) -> &Composition {
        &self.composition
    }

    /// Levels consumed: the sum over the stages of ceil(log2(degree + 1)).
    #[must_use]
    pub fn depth(&self) -> u32 {
        self.composition.depth()
    }

    /// The sign of x. Cost: [`Sign::depth`] levels and the products of the plans. Error: that of the composition.
    ///
    /// # Errors
    /// When levels or keys are missing.
    pub fn apply<A: Arith>(&self, ops: &A, x: &A::Ct) -> Result<A::Ct, A::Error> {
        ops.compose(x, &self.composition)
    }

    /// a s(x) + b: the last polynomial takes both, so they cost nothing.
    ///
    /// # Errors
    /// When a coefficient overflows.
    pub fn mapped(&self, a: f64, b: f64) -> Result<Composition, Error> {
        let mut mapped = Composition { factor: a, offset: b, ..self.composition.clone() };
        if let Some(last) = mapped.polynomials.last_mut() {
            let mut coefficients: Vec<f64> = last.coefficients().iter().map(|c| a * c).collect();
            coefficients[0] += b;
            *last = Polynomial::unit(coefficients)?;
        }
        Ok(mapped)
    }
}

impl Composition {
    /// The polynomials in order, as evaluated.
    #[must_use]
    pub fn polynomials(&self) -> &[Polynomial] {
        &self.polynomials
    }

    /// Those of the sign that is mapped.
    #[must_use]
    pub fn stages(&self) -> &[Polynomial] {
        &self.stages
    }

    /// The stage after which values are made real, if any.
    #[must_use]
    pub fn real_after(&self) -> Option<usize> {
        self.real_after
    }

    /// a and b of a s(x) + b.
    #[must_use]
    pub fn map(&self) -> (f64, f64) {
        (self.factor, self.offset)
    }

    /// Levels consumed.
    #[must_use]
    pub fn depth(&self) -> u32 {
        self.polynomials.iter().map(Polynomial::depth).sum()
    }

    /// Each polynomial of the value of the one before: what [`Arith::compose`] does where nothing else is said.
    ///
    /// # Errors
    /// When levels or keys are missing.
    pub fn evaluate<A: Arith>(&self, ops: &A, x: &A::Ct) -> Result<A::Ct, A::Error> {
        let mut value = x.clone();
        for (stage, p) in self.polynomials.iter().enumerate() {
            value = ops.poly(&value, p)?;
            if self.real_after == Some(stage) {
                value = ops.twice_real(&value)?;
            }
        }
        Ok(value)
    }
}

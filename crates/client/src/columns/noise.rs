//! The noise of a function under its parameters: what every stage may stray by, and what is proved of the result.

use arras_approx::Composite;
use arras_circuits::integers::tie;
use arras_circuits::slotwise::{Function, GUARD_LEVELS, Proof};
use arras_ckks::noise::Noise;
use arras_ckks::{Level, Params};

use super::plan::Sealing;
use crate::stages::{Stages, Tail};

/// The noise of a function under its parameters.
pub(super) struct ColumnNoise<'a> {
    pub params: &'a Params,
    pub sealing: Sealing,
    pub function: Function,
    pub degrees: &'a [usize],
    /// The level of fresh columns.
    pub top: Level,
    /// The stage after which values are made real.
    pub real_after: Option<usize>,
}

impl ColumnNoise<'_> {
    fn slots(&self) -> usize {
        self.params.max_slots()
    }

    fn tail(&self) -> Tail<'_> {
        Tail { params: self.params, slots: self.slots(), events: self.degrees.len() + 2 }
    }

    /// What no slot exceeds in any of the stages, but with probability 2^-40.
    fn bound(&self, noise: Noise) -> f64 {
        self.tail().bound(noise)
    }

    /// The stages of the sign. Comparisons evaluate the half of the last one.
    pub fn stages(&self) -> Stages<'_> {
        let whole = matches!(self.function, Function::Equal | Function::Abs);
        let (top, factors) = (u32::from(self.top.0), if whole { &[1.0] } else { &[0.5] });
        Stages {
            tail: self.tail(),
            levels: [top, top],
            degrees: self.degrees,
            real_after: self.real_after,
            factors,
        }
    }

    /// Of a fresh column.
    fn fresh(&self) -> Noise {
        match self.sealing {
            Sealing::Secret => self.params.fresh_noise(self.slots(), self.top),
            Sealing::Public => self.params.public_noise(self.slots(), self.top),
        }
    }

    /// Of the number whose sign decides.
    fn difference(&self) -> Noise {
        let one = self.fresh();
        if self.function.columns() == 1 { one } else { one.plus(one) }
    }

    pub fn input(&self) -> f64 {
        self.bound(self.difference())
    }

    /// What is proved of a composition whose result has imaginary parts up to a bound.
    pub fn proof(&self, composite: &Composite, imaginary: f64) -> Proof {
        let margins: Vec<f64> = composite.stages().iter().map(|stage| stage.margin()).collect();
        let polynomials = composite.polynomials();
        let last = polynomials.last().map_or(0.0, |p| self.stages().margin(polynomials.len() - 1, p));
        Proof {
            sign: composite.noisy_error(),
            weighted: composite.weighted_error(),
            tie: tie(&polynomials, composite.input_margin(), &margins),
            noise: self.result(last, imaginary),
            guard: self.bound(self.guard()),
        }
    }

    /// Of the result, when that of the sign stays within a bound, and its imaginary part within another.
    fn result(&self, sign: f64, imaginary: f64) -> f64 {
        let (slots, bottom) = (self.slots(), Level(1));
        let (lowered, rounding) =
            (self.params.rescale_noise(slots, bottom), self.params.rescale_noise(slots, Level(0)));
        let product = |a, b| self.params.product_noise(a, b, slots, bottom);
        match self.function {
            Function::Compare | Function::Greater | Function::GreaterEqual => sign / 2.0,
            // A square doubles the error of its operand.
            Function::Equal => {
                let rounding = self.bound(product((0.0, Noise(0.0)), (0.0, Noise(0.0))));
                2.0 * sign + imaginary * imaginary + rounding
            }
            Function::Max | Function::Min | Function::Relu | Function::Abs => {
                let x = (1.0, self.difference().plus(lowered));
                let added = self.fresh().plus(rounding);
                let noise = self.bound(product(x, (1.0, Noise(0.0))).plus(added));
                sign + self.input() * imaginary + noise
            }
        }
    }

    /// Of T_8 of the difference, made at the bottom: each step doubles a square.
    fn guard(&self) -> Noise {
        let slots = self.slots();
        let rounding = |level| self.params.product_noise((0.0, Noise(0.0)), (0.0, Noise(0.0)), slots, level);
        let top = Level(GUARD_LEVELS as u8);
        let start = self.difference().plus(self.params.rescale_noise(slots, top));
        (0..GUARD_LEVELS).fold(start, |noise, done| {
            noise.times(4.0).plus(rounding(top.down(done).unwrap_or(Level(1))).times(2.0))
        })
    }
}

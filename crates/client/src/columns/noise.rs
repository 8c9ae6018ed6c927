//! The noise of a function under its parameters: what every stage may stray by, and what is proved of the result.

use arras_approx::{Composite, Polynomial};
use arras_circuits::integers::tie;
use arras_circuits::slotwise::{Function, GUARD_LEVELS, Proof};
use arras_ckks::noise::Noise;
use arras_ckks::{Level, Params};

use super::plan::{Sealing, levels};
use super::spread::Spread;

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

/// How far a stage may stray from its polynomial.
pub(super) struct Stray {
    /// By its own noise.
    pub noise: f64,
    /// Because of imaginary parts that enter it.
    pub bend: f64,
}

impl ColumnNoise<'_> {
    fn slots(&self) -> usize {
        self.params.max_slots()
    }

    /// What no slot exceeds in any of the stages, but with probability 2^-40.
    fn bound(&self, noise: Noise) -> f64 {
        noise.bound(self.slots() * (self.degrees.len() + 2))
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

    /// The level at which a stage starts.
    fn start(&self, stage: usize) -> Level {
        let before = self.degrees.iter().take(stage).map(|&degree| levels(degree)).sum();
        self.top.down(before).unwrap_or(Level(0))
    }

    /// Of a stage as it is evaluated, from an exact input: how far inputs stray is in the domains.
    fn stage(&self, stage: usize, p: &Polynomial) -> Noise {
        self.params.poly_noise(p, Noise(0.0), self.slots(), self.start(stage))
    }

    /// How far a stage may stray; the last of `spreads` is what enters it.
    pub fn stray(
        &self,
        stage: usize,
        p: &Polynomial,
        spreads: &mut Vec<Spread>,
    ) -> Result<Stray, arras_approx::Error> {
        let noise = self.margin(stage, p);
        let Some(entering) = spreads.last() else { return Ok(Stray { noise, bend: f64::NAN }) };
        let bend = entering.bend(p)?;
        let (slots, level) = (self.slots(), self.start(stage));
        let noise_at = |x: f64| self.bound(self.params.poly_noise_at(p, x, Noise(0.0), slots, level));
        let leaving = entering.after(p, noise + bend, &noise_at)?;
        // What the key switch adds is no more real than other noise.
        let made_real = || self.bound(self.params.switch_noise(slots, self.start(stage + 1)));
        spreads.push(if self.real_after == Some(stage) { leaving.made_real(made_real()) } else { leaving });
        Ok(Stray { noise, bend })
    }

    /// What the noise of a stage stays below, in units of p. Of the last one comparisons evaluate half, and so does whoever makes
    /// values real: its rounding counts twice.
    fn margin(&self, stage: usize, p: &Polynomial) -> f64 {
        let last = stage + 1 == self.degrees.len();
        let real = self.real_after == Some(stage);
        let halved = real || (last && !matches!(self.function, Function::Equal | Function::Abs));
        if !halved {
            return self.bound(self.stage(stage, p));
        }
        // Half of a polynomial that exists is one.
        let half = p.scaled(0.5).map_or(Noise(f64::INFINITY), |half| self.stage(stage, &half));
        let switch = self.params.switch_noise(self.slots(), self.start(stage + 1));
        self.bound(half.times(2.0).plus(if real { switch } else { Noise(0.0) }))
    }

    /// What is proved of a composition whose result has imaginary parts up to a bound.
    pub fn proof(&self, composite: &Composite, imaginary: f64) -> Proof {
        let margins: Vec<f64> = composite.stages().iter().map(|stage| stage.margin()).collect();
        let polynomials = composite.polynomials();
        let last = polynomials.last().map_or(0.0, |p| self.margin(polynomials.len() - 1, p));
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

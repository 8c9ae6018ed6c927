//! A sign at its place in a program: polynomials whose margins come from the noise there.

use arras_approx::{Composite, Polynomial};
use arras_circuits::Sign;
use arras_ckks::noise::Noise;
use arras_ckks::{Level, Params};

use crate::columns::Spread;
use crate::error::Error;

/// Where a program uses a sign, over all its uses.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Site {
    /// The lowest level of an argument: noise is largest there.
    pub lowest: u32,
    /// The highest.
    pub highest: u32,
    /// How far the real part of an argument may be from its exact value.
    pub real: f64,
    /// How large its imaginary part may be.
    pub imaginary: f64,
    /// The sizes of the factors by which the last polynomial is multiplied.
    pub factors: Vec<f64>,
}

/// A sign with what is proved of it at its place.
#[derive(Clone, Debug)]
pub(crate) struct Proved {
    pub sign: Sign,
    pub composite: Composite,
    pub site: Site,
    /// How large the imaginary part of s(x) may be.
    pub imaginary: f64,
}

/// What the noise of a whole program must not exceed, but with probability 2^-40.
#[derive(Clone, Copy)]
pub(crate) struct Tail<'a> {
    pub params: &'a Params,
    pub slots: usize,
    /// Operations that add noise.
    pub events: usize,
}

impl Tail<'_> {
    pub fn bound(&self, noise: Noise) -> f64 {
        noise.bound(self.slots.saturating_mul(self.events.max(1)))
    }

    pub fn level(&self, level: u32) -> Level {
        Level(u8::try_from(level).unwrap_or(u8::MAX).min(self.params.summit().0))
    }

    pub fn switch(&self, level: u32) -> f64 {
        self.bound(self.params.switch_noise(self.slots, self.level(level)))
    }

    pub fn rescale(&self, level: u32) -> f64 {
        self.bound(self.params.rescale_noise(self.slots, self.level(level)))
    }

    pub fn encoding(&self, level: u32) -> f64 {
        self.bound(self.params.fresh_noise(self.slots, self.level(level)))
    }
}

impl Proved {
    /// The composition of these degrees for a gap, with margins for whatever strays at the site.
    ///
    /// # Errors
    /// Noise that leaves no margin, or degrees that tell no signs apart.
    pub fn new(
        tail: Tail<'_>,
        site: &Site,
        gap: f64,
        is_ramp: bool,
        degrees: &[usize],
        real_after: Option<usize>,
    ) -> Result<Self, Error> {
        let stages = Stages { tail, site, degrees, real_after };
        let near = if is_ramp { 0.0 } else { gap - site.real };
        let mut spreads = vec![Spread::new(near, site.imaginary)];
        let composite = Composite::build(gap, site.real, degrees, &mut |stage, p| {
            spreads.truncate(stage + 1);
            // What cannot be computed is refused as a margin.
            stages.stray(stage, p, &mut spreads).unwrap_or(f64::NAN)
        })?;
        let mut sign = Sign::new(composite.polynomials())?;
        if let Some(stage) = real_after {
            sign = sign.with_real_after(stage)?;
        }
        let imaginary = spreads.last().map_or(site.imaginary, Spread::most);
        Ok(Self { sign, composite, site: site.clone(), imaginary })
    }
}

/// The noise of the stages of a sign.
struct Stages<'a> {
    tail: Tail<'a>,
    site: &'a Site,
    degrees: &'a [usize],
    real_after: Option<usize>,
}

impl Stages<'_> {
    /// The levels at which a stage may start.
    fn starts(&self, stage: usize) -> [u32; 2] {
        let before: u32 = self.degrees.iter().take(stage).map(|&degree| levels(degree)).sum();
        [self.site.lowest, self.site.highest].map(|level| level.saturating_sub(before))
    }

    /// How far a stage may stray, its noise and what comes of imaginary parts together; the last of `spreads` is what enters it.
    fn stray(
        &self,
        stage: usize,
        p: &Polynomial,
        spreads: &mut Vec<Spread>,
    ) -> Result<f64, arras_approx::Error> {
        let Some(entering) = spreads.last() else { return Ok(f64::NAN) };
        let stray = self.margin(stage, p) + entering.bend(p)?;
        let Tail { params, slots, .. } = self.tail;
        let at = |x: f64, level: u32| params.poly_noise_at(p, x, Noise(0.0), slots, self.tail.level(level));
        let noise_at = |x: f64| {
            let worst = self.starts(stage).map(|level| self.tail.bound(at(x, level)));
            worst.into_iter().fold(0.0, f64::max)
        };
        let leaving = entering.after(p, stray, &noise_at)?;
        let made_real =
            || self.starts(stage + 1).map(|level| self.tail.switch(level)).into_iter().fold(0.0, f64::max);
        spreads.push(if self.real_after == Some(stage) { leaving.made_real(made_real()) } else { leaving });
        Ok(stray)
    }

    /// What the noise of a stage stays below, in units of p.
    fn margin(&self, stage: usize, p: &Polynomial) -> f64 {
        self.starts(stage).map(|start| self.margin_at(stage, p, start)).into_iter().fold(0.0, f64::max)
    }

    fn margin_at(&self, stage: usize, p: &Polynomial, start: u32) -> f64 {
        let Tail { params, slots, .. } = self.tail;
        // Whoever multiplies a polynomial by a factor divides the noise of its rounding by it.
        let scaled = |factor: f64| {
            let scaled = p.scaled(factor);
            let noise = |p: &Polynomial| params.poly_noise(p, Noise(0.0), slots, self.tail.level(start));
            scaled.map_or(f64::INFINITY, |p| self.tail.bound(noise(&p)) / factor.abs())
        };
        if self.real_after == Some(stage) {
            return scaled(0.5) + self.tail.switch(start.saturating_sub(p.depth()));
        }
        if stage + 1 == self.degrees.len() {
            return self.site.factors.iter().map(|&factor| scaled(factor)).fold(scaled(1.0), f64::max);
        }
        scaled(1.0)
    }
}

/// Levels of a polynomial of this degree.
fn levels(degree: usize) -> u32 {
    degree.saturating_add(1).next_power_of_two().trailing_zeros()
}

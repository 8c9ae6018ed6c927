//! A sign at its place in a program: polynomials whose margins come from the noise there.

use arras_approx::Composite;
use arras_circuits::Sign;

use crate::error::Error;
use crate::spread::Spread;
use crate::stages::{Stages, Tail};

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
    /// What imaginary parts change the last stage by: always the same way.
    pub bend: f64,
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
        let levels = [site.lowest, site.highest];
        let stages = Stages { tail, levels, degrees, real_after, factors: &site.factors };
        let near = if is_ramp { 0.0 } else { gap - site.real };
        let mut spreads = vec![Spread::new(near, site.imaginary)];
        let mut bend = 0.0;
        let composite = Composite::build(gap, site.real, degrees, &mut |stage, p| {
            spreads.truncate(stage + 1);
            // What cannot be computed is refused as a margin.
            let Ok(stray) = stages.stray(stage, p, &mut spreads) else { return f64::NAN };
            bend = stray.bend;
            stray.noise + stray.bend
        })?;
        let mut sign = Sign::new(composite.polynomials())?;
        if let Some(stage) = real_after {
            sign = sign.with_real_after(stage)?;
        }
        let imaginary = spreads.last().map_or(site.imaginary, Spread::most);
        Ok(Self { sign, composite, site: site.clone(), imaginary, bend })
    }
}

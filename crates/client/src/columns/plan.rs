//! Parameters, keys and polynomials for a function of columns, with margins from the noise of those parameters.

use std::cell::RefCell;

use arras_approx::Composite;
use arras_circuits::slotwise::{Domain, GUARD_LEVELS};
use arras_circuits::{Sign, Slotwise};
use arras_ckks::{KeyRequest, Level, Params};
use arras_plan::Chain;

use super::noise::ColumnNoise;
use super::wish::{Scales, Wish};
use crate::error::Error;
use crate::plan::key_request;
use crate::spread::Spread;
use crate::stages::levels;

/// What a plan is made over.
#[derive(Clone, Copy)]
pub(super) enum Ground<'a> {
    /// Parameters that are there already.
    There(Place<'a>),
    /// The smallest ring with a chain that is long enough.
    Made(&'a Chains),
}

/// Chains of one kind. The one made last is kept: its tables take longer than the proofs of a plan.
pub(super) struct Chains {
    scales: Scales,
    last: RefCell<Option<Params>>,
}

impl Chains {
    pub fn new(scales: Scales) -> Self {
        Self { scales, last: RefCell::new(None) }
    }

    fn params(&self, wish: &Wish, depth: u32) -> Result<Params, Error> {
        let spec = wish.spec(self.scales, depth)?;
        let mut last = self.last.borrow_mut();
        match last.as_ref().filter(|params| *params.spec() == spec) {
            Some(params) => Ok(params.clone()),
            None => Ok(last.insert(Params::new(&spec)?).clone()),
        }
    }
}

/// The key under which columns are sealed; the secret one adds less noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealing {
    /// By the owner alone.
    Secret,
    /// By anyone.
    Public,
}

/// Parameters that are there already, and the key that seals for them.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The parameters.
    pub params: &'a Params,
    /// The key.
    pub sealing: Sealing,
}

/// Imaginary parts that add less than this share to the noise of every stage are not worth a key switch.
const BENT: f64 = 1.0 / 64.0;

/// Parameters, keys and polynomials for a function of columns.
#[derive(Clone, Debug)]
pub struct ColumnPlan {
    params: Params,
    request: KeyRequest,
    slotwise: Slotwise,
    composite: Composite,
    /// Whether imaginary parts take much of a margin, so that making values real may help.
    bent: bool,
}

impl ColumnPlan {
    /// The plan with these degrees, in order of application, on a wide chain, whatever its error is.
    ///
    /// # Errors
    /// Degrees of which no composition tells the signs apart, answers that would not be exact and are to be, or parameters that
    /// do not exist.
    pub fn with_degrees(wish: &Wish, degrees: &[usize]) -> Result<Self, Error> {
        let gap = match (wish.domain, wish.is_ramp()) {
            // Of max only the weighted error counts, so any gap will do: that of the error is neither small nor large.
            (Domain::Numbers { .. }, true) => (8.0 * (-wish.alpha).exp2()).min(0.5),
            (domain, _) => domain.gap(wish.function)?,
        };
        Self::build(wish, Ground::Made(&Chains::new(Scales::WIDE)), gap, degrees, None)
    }

    /// The plan with these degrees over parameters that are there already, for the gap of [`Wish::goal`], whatever its error.
    ///
    /// # Errors
    /// As [`ColumnPlan::with_degrees`], or parameters with too few levels.
    pub fn over_degrees(wish: &Wish, place: Place<'_>, zeta: f64, degrees: &[usize]) -> Result<Self, Error> {
        Self::build(wish, Ground::There(place), wish.goal(zeta)?.epsilon(), degrees, None)
    }

    /// Whether a real step may help.
    pub(super) fn is_bent(&self) -> bool {
        self.bent
    }

    /// Whether numbers that leave are rounded no coarser than they were wished for.
    pub(super) fn is_fine(&self, wish: &Wish) -> bool {
        let numbers = matches!(wish.domain, Domain::Numbers { .. }) && wish.is_ramp();
        !numbers || f64::from(super::precision_bits(&self.slotwise)) > wish.alpha
    }

    /// Whether the errors are as wished, those of integers before rounding.
    pub(super) fn grants(&self, wish: &Wish, sign_alpha: f64) -> bool {
        match wish.domain {
            Domain::Numbers { .. } => self.slotwise.error() <= (-wish.alpha).exp2(),
            Domain::Integers { .. } if wish.is_ramp() => {
                self.composite.weighted_error() <= (-sign_alpha).exp2()
            }
            Domain::Integers { .. } => self.composite.noisy_error() <= (1.0 - sign_alpha).exp2(),
        }
    }

    pub(super) fn build(
        wish: &Wish,
        ground: Ground<'_>,
        gap: f64,
        degrees: &[usize],
        real_after: Option<usize>,
    ) -> Result<Self, Error> {
        let sign_depth: u32 = degrees.iter().map(|&degree| levels(degree)).sum();
        let depth = (sign_depth + wish.extra_depth()?).max(GUARD_LEVELS);
        let (params, sealing) = match ground {
            Ground::There(place) => (place.params.clone(), place.sealing),
            Ground::Made(chains) => (chains.params(wish, depth)?, Sealing::Public),
        };
        let have = u32::from(params.highest().0);
        let level = u8::try_from(depth).ok().filter(|_| depth <= have).map(Level);
        let top = level.ok_or(Error::TooShallow { have, need: depth })?;
        let noise =
            ColumnNoise { params: &params, sealing, function: wish.function, degrees, top, real_after };
        let stages = noise.stages();
        let (input, near) = (noise.input(), if wish.is_ramp() { 0.0 } else { gap });
        // What enters each stage so far: a stage may be asked about again.
        let mut spreads = vec![Spread::new(near - input, input)];
        let mut bent = false;
        let composite = Composite::build(gap, input, degrees, &mut |stage, p| {
            spreads.truncate(stage + 1);
            // What cannot be computed is refused as a margin.
            let Ok(stray) = stages.stray(stage, p, &mut spreads) else { return f64::NAN };
            bent |= stray.bend > BENT * stray.noise;
            stray.noise + stray.bend
        })?;
        let mut sign = Sign::new(composite.polynomials())?;
        if let Some(stage) = real_after {
            sign = sign.with_real_after(stage)?;
        }
        let domain = match wish.domain {
            Domain::Numbers { .. } => Domain::Numbers { epsilon: gap },
            integers @ Domain::Integers { .. } => integers,
        };
        let slotwise = Slotwise::new(
            wish.function,
            domain,
            &sign,
            noise.proof(&composite, spreads.last().map_or(input, Spread::most)),
        )?;
        let request = key_request(&slotwise.trace()?);
        Ok(Self { params, request, slotwise, composite, bent })
    }

    /// Milliseconds of its polynomials and of its real step by the costs of a chain.
    ///
    /// The final product of max and its like, the guard and sums of columns are the same in every plan, and not counted.
    ///
    /// # Errors
    /// A chain with fewer levels.
    pub fn milliseconds(&self, costs: &Chain) -> Result<f64, Error> {
        let (degrees, slotwise) = (self.composite.degrees(), &self.slotwise);
        Ok(costs.composition(&degrees, slotwise.depth(), slotwise.real_after())?)
    }

    /// The parameters.
    #[must_use]
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The keys.
    #[must_use]
    pub fn request(&self) -> &KeyRequest {
        &self.request
    }

    /// The function as it runs.
    #[must_use]
    pub fn slotwise(&self) -> &Slotwise {
        &self.slotwise
    }

    /// The polynomials with what is proved of them.
    #[must_use]
    pub fn composite(&self) -> &Composite {
        &self.composite
    }
}

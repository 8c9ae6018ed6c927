//! Degrees of a sign, and its proof at the place where a program uses it.

use arras_approx::Composite;
use arras_approx::degrees::{Goal, Products, fewest_products, least_depth};
use arras_approx::memo::Memo;
use arras_apps::Need;
use arras_circuits::Sign;

use super::bounds::{Known, Wrong};
use super::signs::{Proved, Site};
use crate::error::Error;
use crate::stages::Tail;

/// The distances, in multiples of the error, from which on the sign inside max and its like shall be right.
const FACTORS: [f64; 6] = [16.0, 12.0, 8.0, 6.0, 4.0, 2.0];
/// The largest degree of a polynomial.
const DEGREE: usize = 63;

/// Degrees of a sign.
#[derive(Clone)]
pub(super) struct Choice {
    need: Need,
    pub degrees: Vec<usize>,
    gap: f64,
    /// Without noise inside: what degrees of later signs are chosen by.
    ideal: Composite,
    pub sign: Sign,
}

/// What was tried for each sign of a program: the same comes back with other wishes for the signs around it.
#[derive(Default)]
pub(super) struct Tried(Vec<Vec<Try>>);

/// A sign at a site, if a proof was found for it.
pub(super) struct Try {
    site: Site,
    real_after: Option<usize>,
    proved: Option<Proved>,
}

impl Tried {
    /// For the sign of this number.
    pub fn of(&mut self, at: usize) -> &mut Vec<Try> {
        if self.0.len() <= at {
            self.0.resize_with(at + 1, Vec::new);
        }
        &mut self.0[at]
    }
}

/// Degrees for a need, whose arguments stray by so much: of least depth, then of fewest products.
///
/// The same is asked for on every ground, and for programs of all sizes.
pub(super) fn choice(need: Need, narrower: f64, input: f64) -> Result<Choice, Error> {
    static CHOSEN: Memo<[u64; 4], Choice> = Memo::new();
    let (gap, error) = match need {
        Need::Step { gap, error } => (gap, error),
        // No step has this gap.
        Need::Ramp { error } => (f64::INFINITY, error),
    };
    CHOSEN.get([gap, error, narrower, input].map(f64::to_bits), || chosen(need, narrower, input))
}

fn chosen(need: Need, narrower: f64, input: f64) -> Result<Choice, Error> {
    match need {
        Need::Step { gap, error } => {
            let goal = Goal::new(1.0 - error.log2(), gap * narrower, DEGREE)?.with_input_margin(input)?;
            ideal(need, &goal, gap, input)
        }
        Need::Ramp { error } => {
            let alpha = -error.log2();
            let mut last = Error::Unreachable { alpha };
            for factor in FACTORS.iter().filter(|&&factor| factor * error < 1.0) {
                let goal = Goal::for_max(alpha, factor * narrower, DEGREE)?;
                match ideal(need, &goal, goal.epsilon(), 0.0) {
                    Ok(choice) if choice.ideal.weighted_error() <= error => return Ok(choice),
                    Ok(_) => {}
                    Err(error) => last = error,
                }
            }
            Err(last)
        }
    }
}

fn ideal(need: Need, goal: &Goal, gap: f64, input: f64) -> Result<Choice, Error> {
    let degrees = fewest_products(goal, least_depth(goal)?, Products::planned())?.degrees;
    let ideal = Composite::build(gap, input, &degrees, &mut |_, _| 0.0)?;
    let sign = Sign::new(ideal.polynomials())?;
    Ok(Choice { need, degrees, gap, ideal, sign })
}

impl Choice {
    /// What a proof at the sign's place will show, if it has one: see [`Choice::is_good`].
    pub fn assumed(&self) -> Known {
        let step = match self.need {
            Need::Step { error, .. } => error,
            Need::Ramp { .. } => 2.0 * self.ideal.noisy_error(),
        };
        Known {
            stages: self.sign.stages().to_vec(),
            step: Wrong::drift(step),
            weighted: 2.0 * self.ideal.weighted_error(),
            magnitude: self.ideal.magnitude(),
            imaginary: self.ideal.noisy_error(),
            proved: None,
            site: None,
        }
    }

    /// What it is likely to show: noise takes little of what the degrees leave.
    pub fn expected(&self) -> Known {
        let assumed = self.assumed();
        Known { step: Wrong::drift(assumed.step.total().min(1.25 * self.ideal.noisy_error())), ..assumed }
    }

    /// The sign at its place, with values made real so many stages from the end at least; 0 is not at all.
    pub fn prove(
        &self,
        tail: Tail<'_>,
        known: &Known,
        earlier: usize,
        tried: &mut Vec<Try>,
    ) -> Result<Proved, Error> {
        let site = known.site.as_ref().ok_or(Error::ForeignFunction)?;
        let is_ramp = matches!(self.need, Need::Ramp { .. });
        // The reading assumed something of imaginary parts, and of the sizes of ramps.
        let mut wider = site.clone();
        wider.real *= if is_ramp { 1.25 } else { 1.01 };
        wider.imaginary *= 1.25;
        let mut last = Error::Unreachable { alpha: 0.0 };
        let stages = self.degrees.len();
        let places = std::iter::once(None).chain((0..stages - 1).rev().map(Some));
        for real_after in places.skip(earlier.min(stages - 1)) {
            let before = tried.iter().find(|one| one.real_after == real_after && one.site == wider);
            let proved = match before {
                Some(one) => one.proved.clone(),
                None => {
                    let made = self.attempt(tail, &wider, real_after);
                    let proved = made.map_err(|error| last = error).ok();
                    tried.push(Try { site: wider.clone(), real_after, proved: proved.clone() });
                    proved
                }
            };
            if let Some(proved) = proved {
                return Ok(proved);
            }
        }
        Err(last)
    }

    /// The sign at a site, if it is as good as was assumed.
    fn attempt(&self, tail: Tail<'_>, site: &Site, real_after: Option<usize>) -> Result<Proved, Error> {
        let is_ramp = matches!(self.need, Need::Ramp { .. });
        let proved = Proved::new(tail, site, self.gap, is_ramp, &self.degrees, real_after)?;
        if self.is_good(&proved) {
            Ok(proved)
        } else {
            Err(Error::Unreachable { alpha: 1.0 - proved.composite.noisy_error().log2() })
        }
    }

    /// Whether noise leaves of the sign what was assumed of it. What the last stage strays by is counted beside it.
    fn is_good(&self, proved: &Proved) -> bool {
        let have = &proved.composite;
        match self.need {
            Need::Step { error, .. } => wrong(proved).drift - proved.bend <= error,
            Need::Ramp { .. } => have.weighted_error() <= 2.0 * self.ideal.weighted_error(),
        }
    }
}

/// What is proved of a sign, of which its last stage adds some as noise.
fn wrong(proved: &Proved) -> Wrong {
    let whole = proved.composite.noisy_error();
    let margin = proved.composite.stages().last().map_or(0.0, |stage| stage.margin());
    let noise = (margin - proved.bend).clamp(0.0, whole);
    Wrong { drift: whole - noise, noise }
}

/// What readings know of a sign that is proved.
pub(super) fn proven(proved: &Proved) -> Known {
    Known {
        stages: proved.sign.stages().to_vec(),
        step: wrong(proved),
        weighted: proved.composite.weighted_error(),
        magnitude: proved.composite.magnitude(),
        imaginary: proved.imaginary,
        proved: Some(proved.clone()),
        site: None,
    }
}

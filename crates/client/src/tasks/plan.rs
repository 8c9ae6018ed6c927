//! Degrees, parameters and keys for a program, and the proof that its results round to the right integers.

use arras_approx::Composite;
use arras_approx::degrees::{Goal, Products, fewest_products, least_depth};
use arras_apps::{Need, Prepared, Program};
use arras_circuits::{Sign, Trace, Tracer};
use arras_ckks::{KeyRequest, Params, Security, Shape};

use super::bounds::{Bounded, Bounds, Known};
use super::signs::{Proved, Tail};
use crate::error::Error;
use crate::plan::{key_request, smallest};

/// Base and scale of a chain, in bits, the cheapest first. Results are at most about 1 in size.
const CHAINS: [(u32, u32); 7] = [(43, 38), (46, 41), (49, 44), (50, 47), (60, 50), (64, 56), (70, 60)];
/// What gaps are multiplied by when degrees are chosen, until noise has its place beside the error of the degrees.
const NARROWER: [f64; 5] = [1.0, 0.98, 0.93, 0.85, 0.7];
/// The distances, in multiples of the error, from which on the sign inside max and its like shall be right.
const FACTORS: [f64; 6] = [16.0, 12.0, 8.0, 6.0, 4.0, 2.0];
/// The largest degree of a polynomial.
const DEGREE: usize = 63;

/// A program with parameters and keys under which its results are exact.
#[derive(Clone, Debug)]
pub struct TaskPlan<P> {
    params: Params,
    request: KeyRequest,
    prepared: Prepared<P>,
    certificates: Vec<Composite>,
    trace: Trace,
}

impl<P: Program + Clone> TaskPlan<P> {
    /// The smallest chain under which every result of a program is proved to round to the right integer.
    ///
    /// Chains are tried from the smallest scale on, degrees by least depth and then fewest products. Cost: some seconds, in the search for degrees and in proofs.
    ///
    /// # Errors
    /// A program that no chain of this security computes exactly; the error is that of the last chain.
    pub fn for_program(program: &P, security: Security) -> Result<Self, Error> {
        let mut last = Error::Unreachable { alpha: 0.0 };
        for chain in CHAINS {
            for narrower in NARROWER {
                match Draft::new(program, narrower).and_then(|draft| draft.build(chain, security)) {
                    Ok(plan) => return Ok(plan),
                    // Of some sizes there are too few primes, so a larger scale may do.
                    Err(error @ Error::NoParameters { .. }) => {
                        last = better(last, error);
                        break;
                    }
                    Err(error) => {
                        // A narrower gap is no help against noise.
                        let noisy = is_noisy(&error);
                        last = error;
                        if noisy {
                            break;
                        }
                    }
                }
            }
        }
        Err(last)
    }
}

/// What tells more of two errors: a chain that does not exist hides why others were refused.
fn better(last: Error, error: Error) -> Error {
    if matches!(last, Error::Unreachable { .. }) { error } else { last }
}

impl<P> TaskPlan<P> {
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

    /// The program as it runs.
    #[must_use]
    pub fn prepared(&self) -> &Prepared<P> {
        &self.prepared
    }

    /// The polynomials of each sign with what is proved of them.
    #[must_use]
    pub fn certificates(&self) -> &[Composite] {
        &self.certificates
    }

    /// Operations, levels and keys.
    #[must_use]
    pub fn trace(&self) -> &Trace {
        &self.trace
    }
}

/// Degrees for a program, and how deep it is with them.
struct Draft<'a, P> {
    program: &'a P,
    choices: Vec<Choice>,
    trace: Trace,
}

/// Degrees of a sign.
#[derive(Clone)]
struct Choice {
    degrees: Vec<usize>,
    gap: f64,
    is_ramp: bool,
    /// Without noise: what the first reading of bounds assumes.
    ideal: Composite,
    sign: Sign,
}

impl<'a, P: Program + Clone> Draft<'a, P> {
    fn new(program: &'a P, narrower: f64) -> Result<Self, Error> {
        let choose = |need: &Need| choice(*need, narrower);
        let choices: Vec<Choice> = program.needs().iter().map(choose).collect::<Result<_, _>>()?;
        let tracer = Tracer::unlimited(program.slots())?;
        let inputs = vec![tracer.input(); program.inputs().len()];
        let outputs = program.run(&tracer, &signs(&choices), &inputs)?;
        let trace = tracer.trace(&outputs);
        Ok(Self { program, choices, trace })
    }

    fn build(&self, (base_bits, scale_bits): (u32, u32), security: Security) -> Result<TaskPlan<P>, Error> {
        let depth = self.trace.depth;
        let shape = Shape { log_degree: 0, base_bits, scale_bits, depth, security };
        let params = Params::new(&smallest(shape, self.program.slots())?)?;
        let events = usize::try_from(self.trace.counts.values().sum::<u64>()).unwrap_or(usize::MAX);
        let tail = Tail { params: &params, slots: self.program.slots(), events };
        let assumed = self.choices.iter().map(Choice::assumed).collect();
        let (_, places) = self.read(tail, assumed)?;
        let proved: Vec<Proved> = self
            .choices
            .iter()
            .zip(&places)
            .map(|(choice, known)| choice.prove(tail, known))
            .collect::<Result<_, _>>()?;
        let signs: Vec<Sign> = proved.iter().map(|proved| proved.sign.clone()).collect();
        let (outputs, _) = self.read(tail, proved.iter().map(known).collect())?;
        let units = self.program.outputs();
        let bounds = outputs.iter().zip(&units).map(|(bounded, output)| bounded.error / output.unit);
        let prepared = Prepared::new(self.program.clone(), signs, bounds.collect(), None)?;
        let trace = prepared.trace()?;
        let certificates = proved.into_iter().map(|proved| proved.composite).collect();
        Ok(TaskPlan { request: key_request(&trace), params, prepared, certificates, trace })
    }

    /// The bounds of the outputs, and where signs are used.
    fn read(&self, tail: Tail<'_>, known: Vec<Known>) -> Result<(Vec<Bounded>, Vec<Known>), Error> {
        let signs = known.iter().zip(&self.choices).map(|(known, choice)| match &known.proved {
            Some(proved) => proved.sign.clone(),
            None => choice.sign.clone(),
        });
        let signs: Vec<Sign> = signs.collect();
        let bounds = Bounds::new(tail, known, None);
        let inputs = self.program.inputs();
        let inputs: Vec<Bounded> =
            inputs.iter().map(|input| bounds.input(self.trace.depth, input.size)).collect();
        let outputs = self.program.run(&bounds, &signs, &inputs)?;
        Ok((outputs, bounds.into_signs()))
    }
}

fn signs(choices: &[Choice]) -> Vec<Sign> {
    choices.iter().map(|choice| choice.sign.clone()).collect()
}

/// Degrees for a need: of least depth, then of fewest products.
fn choice(need: Need, narrower: f64) -> Result<Choice, Error> {
    match need {
        Need::Step { gap, error } => {
            let goal = Goal::new(1.0 - error.log2(), gap * narrower, DEGREE)?;
            ideal(&goal, gap, false)
        }
        Need::Ramp { error } => {
            let alpha = -error.log2();
            let mut last = Error::Unreachable { alpha };
            for factor in FACTORS.iter().filter(|&&factor| factor * error < 1.0) {
                let goal = Goal::for_max(alpha, factor * narrower, DEGREE)?;
                match ideal(&goal, goal.epsilon(), true) {
                    Ok(choice) if choice.ideal.weighted_error() <= error => return Ok(choice),
                    Ok(_) => {}
                    Err(error) => last = error,
                }
            }
            Err(last)
        }
    }
}

fn ideal(goal: &Goal, gap: f64, is_ramp: bool) -> Result<Choice, Error> {
    let degrees = fewest_products(goal, least_depth(goal)?, Products::planned())?.degrees;
    let ideal = Composite::build(gap, 0.0, &degrees, &mut |_, _| 0.0)?;
    let sign = Sign::new(ideal.polynomials())?;
    Ok(Choice { degrees, gap, is_ramp, ideal, sign })
}

impl Choice {
    /// What is taken of the sign before its place is known: twice the error without noise.
    fn assumed(&self) -> Known {
        Known {
            stages: self.sign.stages().to_vec(),
            step: 2.0 * self.ideal.noisy_error(),
            weighted: 2.0 * self.ideal.weighted_error(),
            magnitude: self.ideal.magnitude(),
            imaginary: self.ideal.noisy_error(),
            proved: None,
            site: None,
        }
    }

    /// The sign at its place; values are made real on the way only where it does not do without, and then as late as will do.
    fn prove(&self, tail: Tail<'_>, known: &Known) -> Result<Proved, Error> {
        let site = known.site.as_ref().ok_or(Error::ForeignFunction)?;
        // The first reading assumed something of other signs.
        let mut wider = site.clone();
        wider.real *= 1.25;
        wider.imaginary *= 1.25;
        let mut last = Error::Unreachable { alpha: 0.0 };
        let stages = self.degrees.len();
        for real_after in std::iter::once(None).chain((0..stages - 1).rev().map(Some)) {
            match Proved::new(tail, &wider, self.gap, self.is_ramp, &self.degrees, real_after) {
                Ok(proved) if self.is_good(&proved) => return Ok(proved),
                Ok(proved) => {
                    last = Error::Unreachable { alpha: 1.0 - proved.composite.noisy_error().log2() }
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Whether noise leaves of the sign what the second reading needs at most.
    fn is_good(&self, proved: &Proved) -> bool {
        let (have, ideal) = (&proved.composite, &self.ideal);
        match self.is_ramp {
            true => have.weighted_error() <= 2.0 * ideal.weighted_error(),
            false => have.noisy_error() <= 2.0 * ideal.noisy_error(),
        }
    }
}

/// What the second reading knows of a sign.
fn known(proved: &Proved) -> Known {
    Known {
        stages: proved.sign.stages().to_vec(),
        step: proved.composite.noisy_error(),
        weighted: proved.composite.weighted_error(),
        magnitude: proved.composite.magnitude(),
        imaginary: proved.imaginary,
        proved: Some(proved.clone()),
        site: None,
    }
}

/// Whether a larger scale may help, and a narrower gap does not.
fn is_noisy(error: &Error) -> bool {
    use arras_approx::Error::{BadMargin, StageTooWide};
    matches!(error, Error::Approx(BadMargin { .. } | StageTooWide { .. }) | Error::Noisy { .. })
}

//! Degrees, parameters and keys for a program, and the proof that its results round to the right integers.

use arras_approx::Composite;
use arras_apps::prepared::Refresh;
use arras_apps::{Need, Output, Prepared, Program};
use arras_circuits::{Op, Sign, Trace, Tracer};
use arras_ckks::boot::presets::{BootPreset, PRESETS};
use arras_ckks::{KeyRequest, Params, Security, Shape};

use super::bounds::{Bounded, Bounds, Known, Refreshes};
use super::choice::{Choice, Tried, choice, proven};
use crate::client::MARGIN_BITS;
use crate::error::Error;
use crate::plan::{key_request, scheduled, smallest};
use crate::stages::Tail;

/// Base and scale of a chain, in bits, the smallest first. Results are at most about 1 in size.
const CHAINS: [(u32, u32); 8] =
    [(43, 38), (46, 41), (49, 44), (50, 47), (60, 50), (64, 56), (70, 60), (80, 70)];
/// What gaps are multiplied by when degrees are chosen, until noise has its place beside the error of the degrees.
const NARROWER: [f64; 6] = [1.0, 0.98, 0.93, 0.85, 0.78, 0.7];
/// How often a proof is begun with what the one before found.
const ROUNDS: usize = 4;

/// A program with parameters and keys under which its results are exact.
#[derive(Clone, Debug)]
pub struct TaskPlan<P> {
    params: Params,
    request: KeyRequest,
    prepared: Prepared<P>,
    certificates: Vec<Composite>,
    trace: Trace,
}

/// log2 of the degree of the ring of refreshes.
const RING: u32 = 16;
/// Key switches that a refresh counts for beside those of a program.
const REFRESH: u64 = 100;
/// The most bytes that the matrices of a refresh may take.
const MATRICES: u64 = 4 << 30;

/// What a program runs on.
#[derive(Clone, Copy)]
enum Ground {
    /// A chain as deep as the program, with these bits of the base and of a level.
    Chain(u32, u32),
    /// A chain whose levels come back.
    Refreshed(&'static BootPreset),
}

impl<P: Program + Clone> TaskPlan<P> {
    /// The cheapest chain on which every result of a program is proved to round to the right integer.
    ///
    /// A chain costs N times the square of its primes. Chains are tried from the smallest scale on: a larger scale may need narrower
    /// gaps, and so levels, no more. Degrees are of least depth, then of fewest products. A program with points that is deeper than every
    /// chain is refreshed, by the cheapest schedule under the cheapest preset. Cost: some seconds, in the search for
    /// degrees and in proofs.
    ///
    /// # Errors
    /// A program that no chain of this security computes exactly; the error is that of the last chain.
    pub fn for_program(program: &P, security: Security) -> Result<Self, Error> {
        let chains = CHAINS.map(|(base, scale)| Ground::Chain(base, scale));
        let plain = Self::cheapest(program, &chains, security, None);
        // A chain in the ring of refreshes is as short as the program, theirs is not.
        let is_small = |plan: &Self| plan.params.degree() <= 1 << RING;
        if security != Security::Bits128 || plain.as_ref().is_ok_and(is_small) {
            return plain;
        }
        let presets = PRESETS.iter().filter(|one| one.rounds == 1 && one.spec.log_degree == RING);
        let presets: Vec<Ground> = presets.map(Ground::Refreshed).collect();
        let (lacking, best) = match plain {
            Ok(plan) => (None, Some(plan)),
            Err(error) => (Some(error), None),
        };
        match (Self::cheapest(program, &presets, security, best), lacking) {
            // Without points there is nothing to refresh, and what chains lack is what is lacking.
            (Err(Error::Costs(_) | Error::Ckks(_)), Some(error)) => Err(error),
            (plan, _) => plan,
        }
    }

    /// The cheapest plan on one of these grounds, unless there is a cheaper one.
    fn cheapest(
        program: &P,
        grounds: &[Ground],
        security: Security,
        mut best: Option<Self>,
    ) -> Result<Self, Error> {
        let mut last = Error::Unreachable { alpha: 0.0 };
        for &ground in grounds {
            for narrower in NARROWER {
                let draft = Draft::new(program, narrower, ground, security);
                let dearer = |best: &Self| draft.as_ref().is_ok_and(|draft| draft.work() >= best.work());
                if best.as_ref().is_some_and(dearer) {
                    break;
                }
                match draft.and_then(Draft::build) {
                    Ok(plan) => {
                        best = Some(plan);
                        break;
                    }
                    // Of some sizes there are too few primes, so a larger scale may do; and some refreshes give too few levels.
                    Err(error @ (Error::NoParameters { .. } | Error::Costs(_))) => {
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
        best.ok_or(last)
    }

    /// What it costs, as far as it tells plans apart.
    fn work(&self) -> usize {
        work(&self.params, &self.trace, self.trace.count(Op::Refresh))
    }
}

/// What a program costs under some parameters, as far as it tells chains apart: each key switch acts on N numbers for each prime, and
/// does so for each digit.
fn work(params: &Params, trace: &Trace, refreshes: u64) -> usize {
    let spec = params.spec();
    let primes = spec.base.len() + spec.levels.iter().map(Vec::len).sum::<usize>();
    let switches = trace.count(Op::Product) + trace.count(Op::Rotate) + refreshes * REFRESH;
    let switches = usize::try_from(switches).unwrap_or(usize::MAX);
    (params.degree() * primes * primes).saturating_mul(switches.max(1))
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
    ground: Ground,
    params: Params,
    refresh: Option<Refresh>,
}

/// What is proved of a program.
struct Evidence {
    /// Its signs.
    known: Vec<Known>,
    /// The error of each output, in units.
    bounds: Vec<f64>,
    certificates: Vec<Composite>,
}

impl<'a, P: Program + Clone> Draft<'a, P> {
    /// Degrees for each sign in order, given how far the arguments stray that the signs before it leave.
    fn new(program: &'a P, narrower: f64, ground: Ground, security: Security) -> Result<Self, Error> {
        let needs = program.needs();
        let first = needs.iter().map(|need| choice(*need, narrower, 0.0)).collect::<Result<_, _>>()?;
        let mut draft = Self::of(program, first, ground, security, None)?;
        for (at, need) in needs.iter().enumerate().filter(|(_, need)| matches!(need, Need::Step { .. })) {
            let expected = draft.choices.iter().map(Choice::expected).collect();
            let (_, places) = draft.read(draft.tail(), expected)?;
            let site = places.get(at).and_then(|known| known.site.as_ref()).ok_or(Error::ForeignFunction)?;
            let better = choice(*need, narrower, site.real)?;
            if let Some(choice) = draft.choices.get_mut(at) {
                *choice = better;
            }
            draft = Self::of(program, draft.choices, ground, security, Some(draft.params))?;
        }
        Ok(draft)
    }

    /// `before` are parameters of the same ground at some depth.
    fn of(
        program: &'a P,
        choices: Vec<Choice>,
        ground: Ground,
        security: Security,
        before: Option<Params>,
    ) -> Result<Self, Error> {
        let tracer = Tracer::unlimited(program.slots())?;
        let inputs = vec![tracer.input(); program.inputs().len()];
        let signs: Vec<Sign> = choices.iter().map(|choice| choice.sign.clone()).collect();
        let outputs = program.run(&tracer, &signs, &inputs)?;
        let trace = tracer.trace(&outputs);
        let depth = trace.depth;
        let (params, refresh) = match ground {
            Ground::Chain(base_bits, scale_bits) => {
                let same = before.filter(|params| u32::from(params.highest().0) == depth);
                let shape = Shape { log_degree: 0, base_bits, scale_bits, depth: depth.max(1), security };
                let made = || Ok::<_, Error>(Params::new(&smallest(shape, program.slots())?)?);
                (same.map_or_else(made, Ok)?, None)
            }
            Ground::Refreshed(preset) => {
                let missing = Error::NoParameters { depth, security: security.bits() };
                let made = || Ok::<_, Error>(Params::new(&preset.spec.build().ok_or(missing)?)?);
                let params = before.map_or_else(made, Ok)?;
                let refresh = refreshes(preset, &params, program.slots(), &trace)?;
                (params, Some(refresh))
            }
        };
        Ok(Self { program, choices, trace, ground, params, refresh })
    }

    fn tail(&self) -> Tail<'_> {
        let events = usize::try_from(self.trace.counts.values().sum::<u64>()).unwrap_or(usize::MAX);
        // A vector of few slots is itself over and over in the ring, and each copy has noise of its own: a sign acts on every one
        // of them, before decoding takes their mean.
        Tail { params: &self.params, slots: self.params.max_slots(), events }
    }

    fn work(&self) -> usize {
        let refreshes = self.refresh.as_ref().map_or(0, |refresh| refresh.schedule.refreshes());
        work(&self.params, &self.trace, refreshes as u64)
    }

    fn build(self) -> Result<TaskPlan<P>, Error> {
        let Evidence { known, bounds, certificates } = self.proved()?;
        let signs: Vec<Sign> =
            known.iter().filter_map(|known| Some(known.proved.as_ref()?.sign.clone())).collect();
        let prepared = Prepared::new(self.program.clone(), signs, bounds, self.refresh)?;
        let trace = prepared.trace()?;
        let mut request = key_request(&trace);
        if let Ground::Refreshed(preset) = self.ground {
            let slots = preset.packing(self.program.slots());
            request = request.union(&preset.spec.request(&self.params, slots)?);
        }
        Ok(TaskPlan { request, params: self.params, prepared, certificates, trace })
    }

    /// What is proved of each sign at its place, and then of each output, in units; values are made real within signs only where
    /// it does not do without, and then as late as will do.
    fn proved(&self) -> Result<Evidence, Error> {
        let stages = self.choices.iter().map(|choice| choice.degrees.len()).max().unwrap_or(1);
        let mut first = None;
        let mut tried = Tried::default();
        for earlier in 0..stages.max(1) {
            match self.proved_with(earlier, &mut tried) {
                Ok(evidence) => return Ok(evidence),
                Err(error) => first = first.or(Some(error)),
            }
        }
        Err(first.unwrap_or(Error::ForeignFunction))
    }

    /// The same where values are made real so many steps earlier than each sign by itself asks for.
    ///
    /// Where values go round, what a sign leaves comes back to it: then what was assumed of imaginary parts may be too little,
    /// and is taken from the proof the next time.
    fn proved_with(&self, earlier: usize, tried: &mut Tried) -> Result<Evidence, Error> {
        let tail = self.tail();
        let mut assumed: Vec<Known> = self.choices.iter().map(Choice::assumed).collect();
        if self.read(tail, assumed.clone()).is_err() {
            assumed = self.choices.iter().map(Choice::expected).collect();
        }
        let mut last = Error::Unreachable { alpha: 0.0 };
        for _ in 0..ROUNDS {
            let mut known = assumed.clone();
            let mut certificates = Vec::with_capacity(known.len());
            // One sign after the other: what is proved of one is where the next begins.
            for (at, choice) in self.choices.iter().enumerate() {
                let (_, places) = self.read(tail, known.clone())?;
                let known_at = places.get(at).ok_or(Error::ForeignFunction)?;
                let proved = choice.prove(tail, known_at, earlier, tried.of(at))?;
                if let Some(known) = known.get_mut(at) {
                    *known = proven(&proved);
                }
                certificates.push(proved.composite);
            }
            match self.read(tail, known.clone()) {
                Ok((outputs, _)) => {
                    let units = self.program.outputs();
                    self.check_hidden(&outputs, &units)?;
                    let bounds =
                        outputs.iter().zip(&units).map(|(bounded, output)| bounded.error / output.unit);
                    let bounds = bounds.collect();
                    return Ok(Evidence { known, bounds, certificates });
                }
                Err(error) => last = error,
            }
            let more = |assumed: &mut f64, known: f64| {
                if known > *assumed {
                    *assumed = 1.25 * known;
                }
            };
            for (assumed, known) in assumed.iter_mut().zip(known) {
                more(&mut assumed.imaginary, known.imaginary);
                more(&mut assumed.step.noise, known.step.noise);
                more(&mut assumed.step.drift, known.step.drift);
            }
        }
        Err(last)
    }

    /// Refuses numbers that would be opened with their noise; integers are opened without.
    fn check_hidden(&self, outputs: &[Bounded], units: &[Output]) -> Result<(), Error> {
        if self.program.is_exact() {
            return Ok(());
        }
        for (output, unit) in outputs.iter().zip(units) {
            let (have, need) = (-output.noise().log2(), hiding_bits(unit));
            if have < f64::from(need) {
                return Err(Error::Noisy { have, need });
            }
        }
        Ok(())
    }

    /// The bounds of the outputs, lowered to where they are opened, and where signs are used.
    fn read(&self, tail: Tail<'_>, known: Vec<Known>) -> Result<(Vec<Bounded>, Vec<Known>), Error> {
        let signs = known.iter().zip(&self.choices).map(|(known, choice)| match &known.proved {
            Some(proved) => proved.sign.clone(),
            None => choice.sign.clone(),
        });
        let signs: Vec<Sign> = signs.collect();
        let refreshes = match self.ground {
            Ground::Chain(..) => None,
            Ground::Refreshed(preset) => self.refresh.as_ref().map(|refresh| Refreshes {
                schedule: refresh.schedule.clone(),
                error: preset.spec.tolerance(preset.rounds),
            }),
        };
        let bounds = Bounds::new(tail, self.program.slots(), known, refreshes);
        let start = self.refresh.as_ref().map_or(self.trace.depth, |refresh| refresh.start);
        let inputs = self.program.inputs();
        let inputs: Vec<Bounded> = inputs.iter().map(|input| bounds.input(start, input.size)).collect();
        let outputs = self.program.run(&bounds, &signs, &inputs)?;
        let outputs = outputs.iter().map(|output| bounds.output(output));
        Ok((outputs.collect::<Result<_, _>>()?, bounds.into_signs()))
    }
}

/// The refreshes of a program under a preset, unless their matrices take too much memory.
fn refreshes(preset: &BootPreset, params: &Params, slots: usize, trace: &Trace) -> Result<Refresh, Error> {
    if preset.spec.memory(params, preset.packing(slots))? > MATRICES {
        return Err(Error::NoParameters { depth: trace.depth, security: 128 });
    }
    let schedule = scheduled(preset, params, slots, trace)?;
    Ok(Refresh { preset: preset.name.to_owned(), start: u32::from(params.highest().0), schedule })
}

/// Bits after the binary point that must be right before a number may leave, rounded to its unit.
pub(super) fn hiding_bits(output: &Output) -> u32 {
    (-output.unit.log2()).ceil().max(0.0) as u32 + MARGIN_BITS
}

/// Whether a larger scale may help, and a narrower gap does not.
fn is_noisy(error: &Error) -> bool {
    use arras_approx::Error::{BadMargin, StageTooWide};
    let approx = matches!(error, Error::Approx(BadMargin { .. } | StageTooWide { .. }));
    approx || matches!(error, Error::Noisy { .. } | Error::Wraps { .. })
}

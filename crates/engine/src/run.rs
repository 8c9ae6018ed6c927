//! A model, or a function of columns, on a batch.

use std::cell::Cell;

use arras_circuits::{Failure, Op, Schedule, Slotwise, Trace, Traced, Tracer, slotwise};
use arras_ckks::boot::presets::{self, BootPreset};
use arras_ckks::wire::{Batch, Items};
use arras_ckks::{Ciphertext, Level, Params, SeededCiphertext};
use arras_nn::program::{Lanes, Latency, Stage, Throughput};
use arras_nn::{Job, Mode, Network};
use arras_plan::{Budget, schedule};
use arras_rlwe::Purpose;
use arras_rlwe::ring::par;

use crate::backend::{Ckks, Hidden};
use crate::engine::Engine;
use crate::error::Error;
use crate::limits::{ciphertext_bytes, raised_bytes};
use crate::refreshed::{Refreshed, Refreshes};
use crate::watch::Watched;

/// Given what each stage of a transformer leaves; stops the run by an error.
type Show<'a> = &'a mut dyn FnMut(Stage, &[Hidden]) -> Result<(), Error>;

/// Called with the steps done and all steps; stops the run by returning `false`.
pub(crate) type Progress<'a> = &'a mut dyn FnMut(usize, usize) -> bool;

impl Engine {
    /// The answer to a batch that was sealed for this model, at the lowest level and under the same label. Each answer of a
    /// transformer that is refreshed is followed by the guards of its refreshes, at level 1.
    ///
    /// `digest` names the model: the BLAKE3 of its bytes, as in [`Job::model`]. `progress` hears of the steps done and of
    /// all steps (a step is a sentence in latency mode, and an operation in throughput mode and of a transformer) and stops the
    /// run by returning `false`.
    ///
    /// Labels, sizes, levels, keys and memory are checked before anything is computed.
    ///
    /// Cost: in latency mode that of [`Latency::trace`] for each sentence, on all threads; in throughput mode that of
    /// [`Throughput::trace`] for all sentences together; of a transformer that of [`Lanes::trace`] and of its refreshes for each
    /// sentence, one after the other. Error: the scheme's, which the contract test bounds.
    ///
    /// # Errors
    /// A label that is none or names another model, ciphertexts of another number, level or packing than the program
    /// takes, a key that is missing, a limit exceeded, or [`Error::Stopped`].
    pub fn run<'a>(
        &self,
        model: impl Into<Network<'a>>,
        digest: &[u8; 32],
        sealed: Batch,
        progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Batch, Error> {
        let job = Job::from_bytes(&sealed.label)?;
        if job.model != *digest {
            return Err(Error::ForeignModel);
        }
        self.limits().check_sentences(job.items as usize)?;
        let inputs = unpack(sealed.items);
        let items = job.items as usize;
        let results = match (model.into(), job.mode) {
            (Network::Words(model), Mode::Latency) => {
                self.latency(&Latency::new(model)?, inputs, items, progress)?
            }
            (Network::Words(model), Mode::Throughput) => {
                self.throughput(&Throughput::new(model)?, inputs, items, progress)?
            }
            (Network::Lanes(lanes), Mode::Latency) => {
                self.lanes(lanes, inputs, items, progress, &mut |_, _| Ok(()))?
            }
            (Network::Lanes(_), Mode::Throughput) => return Err(arras_nn::Error::NoThroughput.into()),
        };
        Ok(Batch { label: sealed.label, items: Items::Whole(results) })
    }

    /// The answer to texts that were sealed for this transformer; `show` is given what each stage leaves, at the lowest level, and
    /// stops the run by returning `false`. For measurements: only the owner of the key can read what it is given.
    ///
    /// Cost: that of [`Engine::run`], and of lowering a ciphertext for each stage.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub fn run_shown(
        &self,
        program: &Lanes,
        digest: &[u8; 32],
        sealed: Batch,
        show: &mut dyn FnMut(Stage, Vec<Ciphertext>) -> bool,
    ) -> Result<Batch, Error> {
        let job = Job::from_bytes(&sealed.label)?;
        if job.model != *digest {
            return Err(Error::ForeignModel);
        }
        let items = job.items as usize;
        self.limits().check_sentences(items)?;
        let backend = self.backend(program.slots())?;
        let mut show = |stage, values: &[Hidden]| {
            let lowest = values.iter().map(|value| backend.output(value)).collect::<Result<_, _>>()?;
            if show(stage, lowest) { Ok(()) } else { Err(Error::Stopped) }
        };
        let results = self.lanes(program, unpack(sealed.items), items, &mut |_, _| true, &mut show)?;
        Ok(Batch { label: sealed.label, items: Items::Whole(results) })
    }

    /// The answer to columns that were sealed for this function, and its guard, at the lowest level and under the same label.
    ///
    /// `progress` hears of the operations done and of all operations, and stops the run by returning `false`. Labels, sizes,
    /// levels, keys and memory are checked before anything is computed.
    ///
    /// Cost: that of [`Slotwise::trace`] for all rows together. Error: [`Slotwise::error`], for parameters of which its proof
    /// speaks.
    ///
    /// # Errors
    /// A label that is none or names another function, ciphertexts of another number, level or packing than the function
    /// takes, a key that is missing, a limit exceeded, or [`Error::Stopped`].
    pub fn run_columns(
        &self,
        function: &Slotwise,
        sealed: Batch,
        progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Batch, Error> {
        let job = slotwise::Job::from_bytes(&sealed.label)?;
        if job.function != function.digest() {
            return Err(Error::ForeignFunction);
        }
        let rows = job.rows as usize;
        self.limits().check_rows(rows)?;
        let inputs = unpack(sealed.items);
        let columns = function.function().columns();
        let slots = check_number(&inputs, columns)?;
        // The last slot holds the sentinel.
        if rows >= slots {
            return Err(Error::Slots { need: (rows + 1).next_power_of_two(), have: slots });
        }
        let trace = function.trace()?;
        let level = self.check(&trace, &inputs, slots)?;
        // The powers and sums of one polynomial at a time, but no bound of those is simpler.
        let held = inputs.len() as u64 + trace.count(Op::Product);
        self.check_bytes(held * ciphertext_bytes(self.params(), level))?;
        let steps = steps(|ops, x| function.run(ops, &vec![x; columns]).map(drop))?;
        report(progress, 0, steps)?;
        let backend = self.backend(slots)?;
        let inputs: Vec<Hidden> = inputs.into_iter().map(|x| x.open(&backend)).collect::<Result<_, _>>()?;
        let watched = Watched::new(&backend, |done| progress(done, steps));
        let results = function.run(&watched, &inputs).map_err(refused)?;
        let results = results.iter().map(|result| backend.output(result)).collect::<Result<_, _>>()?;
        Ok(Batch { label: sealed.label, items: Items::Whole(results) })
    }

    /// One ciphertext after the other, as many at a time as there are threads; the first alone encodes the matrices.
    fn latency(
        &self,
        program: &Latency,
        inputs: Vec<Sealed>,
        sentences: usize,
        progress: Progress<'_>,
    ) -> Result<Vec<Ciphertext>, Error> {
        let slots = check_number(&inputs, sentences)?;
        if !slots.is_multiple_of(program.period()) {
            return Err(Error::Slots { need: program.period(), have: slots });
        }
        let (trace, backend) = (program.trace(slots)?, self.backend(slots)?);
        let level = self.check(&trace, &inputs, slots)?;
        let at_once = par::threads().min(sentences) as u64;
        let babies = trace.count(Op::HoistedRotate) + 1;
        let one = ciphertext_bytes(self.params(), level) + babies * raised_bytes(self.params(), level);
        let results = sentences as u64 * ciphertext_bytes(self.params(), Level(0));
        self.check_bytes(at_once * one + results)?;
        let answer = |x: Sealed| backend.output(&program.run(&backend, &x.open(&backend)?)?);
        let mut inputs = inputs.into_iter();
        let mut results = Vec::with_capacity(sentences);
        while results.len() < sentences {
            report(progress, results.len(), sentences)?;
            let width = if results.is_empty() { 1 } else { par::threads() };
            for result in par::map(inputs.by_ref().take(width).collect(), answer) {
                results.push(result?);
            }
        }
        report(progress, sentences, sentences)?;
        Ok(results)
    }

    /// One ciphertext after the other: each operation of a transformer has work for all threads.
    fn lanes(
        &self,
        program: &Lanes,
        inputs: Vec<Sealed>,
        sentences: usize,
        progress: Progress<'_>,
        show: Show<'_>,
    ) -> Result<Vec<Ciphertext>, Error> {
        let slots = check_number(&inputs, sentences)?;
        if slots != program.slots() {
            return Err(Error::Slots { need: program.slots(), have: slots });
        }
        let refresh = self.refresh(program)?;
        let start = u32::from(self.params().highest().0);
        let schedule = refresh.as_ref().map(|(_, schedule)| (start, schedule));
        let (trace, steps) =
            counted(slots, schedule, |ops, tracer| Ok(vec![program.run(ops, &tracer.input())?]))?;
        let backend = self.backend(slots)?;
        let level = self.check_at(refresh.as_ref().map_or(trace.depth, |_| start), &trace, &inputs, slots)?;
        let beside = refresh
            .as_ref()
            .map_or(Ok(0), |(preset, _)| preset.spec.memory(self.params(), preset.packing(slots)))?;
        let layers = program.model().shape().layers as u64;
        self.check_bytes(self.lanes_bytes(&trace, level, layers, sentences) + beside)?;
        let all = steps * sentences;
        report(progress, 0, all)?;
        let refreshed = match refresh {
            None => None,
            Some((preset, schedule)) => Some(Refreshed::new(self.params(), preset, schedule, slots)?),
        };
        let mut results = Vec::with_capacity(sentences);
        for (at, input) in inputs.into_iter().enumerate() {
            let input = input.open(&backend)?;
            let mut heard = |done| progress(at * steps + done, all);
            let Some(refreshed) = &refreshed else {
                let result = program.run_shown(&Watched::new(&backend, heard), &input, &mut *show)?;
                results.push(backend.output(&result)?);
                continue;
            };
            let run = |ops: &Refreshes<'_>| program.run_shown(ops, &input, &mut *show);
            let (result, mut guards) = refreshed.run(&backend, None, (steps, &mut heard), run)?;
            results.push(backend.output(&result)?);
            results.append(&mut guards);
        }
        Ok(results)
    }

    /// What the vectors of a transformer take at once.
    fn lanes_bytes(&self, trace: &Trace, level: Level, layers: u64, sentences: usize) -> u64 {
        // What a linear map holds: its baby steps, and as many sums of giant steps at most.
        let babies = 2 * (trace.at(Op::HoistedRotate, u32::from(level.0)).div_ceil(layers) + 1);
        // Keys, values and scores of a few lane offsets, and what a layer carries along.
        let held = trace.count(Op::Relinearise).div_ceil(layers);
        held * ciphertext_bytes(self.params(), level)
            + babies * raised_bytes(self.params(), level)
            + sentences as u64 * ciphertext_bytes(self.params(), Level(0))
    }

    /// How a transformer is refreshed: where the parameters are those of a refresh, by the cheapest schedule.
    fn refresh(&self, program: &Lanes) -> Result<Option<(&'static BootPreset, Schedule)>, Error> {
        let Some(preset) = presets::of(self.params()).filter(|_| program.is_refreshable()) else {
            return Ok(None);
        };
        let [input, output] = preset.spec.levels(preset.packing(program.slots()));
        let budget = Budget { start: u32::from(self.params().highest().0), input, output };
        Ok(Some((preset, schedule(&program.trace()?.points, budget, &|_| 1.0)?)))
    }

    /// All sentences at once, one ciphertext for each feature.
    fn throughput(
        &self,
        program: &Throughput,
        inputs: Vec<Sealed>,
        sentences: usize,
        progress: Progress<'_>,
    ) -> Result<Vec<Ciphertext>, Error> {
        let slots = check_number(&inputs, program.features())?;
        // The last slot holds the sentinel.
        if sentences >= slots {
            return Err(Error::Slots { need: (sentences + 1).next_power_of_two(), have: slots });
        }
        let trace = program.trace()?;
        let level = self.check(&trace, &inputs, slots)?;
        let held = inputs.len() as u64 + trace.count(Op::Product);
        self.check_bytes(held * ciphertext_bytes(self.params(), level))?;
        let steps = steps(|ops, x| program.run(ops, &vec![x; program.features()]).map(drop))?;
        report(progress, 0, steps)?;
        let backend = self.backend(slots)?;
        let inputs: Vec<Hidden> = inputs.into_iter().map(|x| x.open(&backend)).collect::<Result<_, _>>()?;
        let watched = Watched::new(&backend, |done| progress(done, steps));
        let result = program.run(&watched, &inputs).map_err(refused)?;
        Ok(vec![backend.output(&result)?])
    }

    /// Whether the ciphertexts of a run fit beside the keys, those included that are in a file still.
    pub(crate) fn check_bytes(&self, ciphertexts: u64) -> Result<(), Error> {
        let keys = self.keys().request().sizes(self.params().rlwe())?.memory;
        self.limits().check_bytes(keys.saturating_add(ciphertexts))
    }

    /// Every ciphertext is as the program takes it and every key is there; the level of the inputs.
    pub(crate) fn check(&self, trace: &Trace, inputs: &[Sealed], slots: usize) -> Result<Level, Error> {
        self.check_at(trace.depth, trace, inputs, slots)
    }

    /// The same for inputs of a level that is not the depth.
    pub(crate) fn check_at(
        &self,
        need: u32,
        trace: &Trace,
        inputs: &[Sealed],
        slots: usize,
    ) -> Result<Level, Error> {
        let need = level(need)?;
        self.params().check_level(need)?;
        for input in inputs {
            if input.level() != need {
                return Err(Error::Level { need, have: input.level() });
            }
            if input.slots() != slots {
                return Err(Error::Slots { need: slots, have: input.slots() });
            }
        }
        if let Some(at) = trace.relinearise {
            self.keys().check(Purpose::Relinearise, level(at)?)?;
        }
        if let Some(at) = trace.conjugate {
            self.keys().check(Purpose::Conjugate, level(at)?)?;
        }
        for (&by, &at) in &trace.rotations {
            // Rotations are below the slots, which fit.
            self.keys().check(Purpose::Rotate(u32::try_from(by).unwrap_or(u32::MAX)), level(at)?)?;
        }
        Ok(need)
    }
}

/// A ciphertext as it came.
pub(crate) enum Sealed {
    Seeded(SeededCiphertext),
    Whole(Ciphertext),
}

impl Sealed {
    fn level(&self) -> Level {
        match self {
            Self::Seeded(x) => x.level(),
            Self::Whole(x) => x.level(),
        }
    }

    fn slots(&self) -> usize {
        match self {
            Self::Seeded(x) => x.slots(),
            Self::Whole(x) => x.slots(),
        }
    }

    pub(crate) fn whole(self, params: &Params) -> Ciphertext {
        match self {
            Self::Seeded(x) => x.expand(params),
            Self::Whole(x) => x,
        }
    }

    pub(crate) fn open(self, backend: &Ckks) -> Result<Hidden, Error> {
        backend.input(self.whole(backend.evaluator().params()))
    }
}

pub(crate) fn unpack(items: Items) -> Vec<Sealed> {
    match items {
        Items::Seeded(items) => items.into_iter().map(Sealed::Seeded).collect(),
        Items::Whole(items) => items.into_iter().map(Sealed::Whole).collect(),
    }
}

/// The slots of the first of exactly this many ciphertexts.
pub(crate) fn check_number(inputs: &[Sealed], need: usize) -> Result<usize, Error> {
    match inputs.first() {
        Some(first) if inputs.len() == need => Ok(first.slots()),
        Some(_) | None => Err(Error::Ciphertexts { need, have: inputs.len() }),
    }
}

/// A level of a trace, which a chain of 200 levels at most can have.
pub(crate) fn level(traced: u32) -> Result<Level, Error> {
    u8::try_from(traced).map(Level).map_err(|_| Error::TooDeep { need: traced })
}

pub(crate) fn report(progress: Progress<'_>, done: usize, all: usize) -> Result<(), Error> {
    if progress(done, all) { Ok(()) } else { Err(Error::Stopped) }
}

/// What a program does on vectors of so many slots, and in how many operations; with a schedule, from the level at which it starts.
pub(crate) fn counted(
    slots: usize,
    schedule: Option<(u32, &Schedule)>,
    program: impl FnOnce(&Counted<'_>, &Tracer) -> Result<Vec<Traced>, Error>,
) -> Result<(Trace, usize), Error> {
    let tracer = match schedule {
        None => Tracer::unlimited(slots)?,
        Some((start, schedule)) => Tracer::scheduled(slots, start, schedule)?,
    };
    let steps = Cell::new(0);
    let count = |done| {
        steps.set(done);
        true
    };
    let results = program(&Watched::new(&tracer, Box::new(count)), &tracer)?;
    Ok((tracer.trace(&results), steps.get()))
}

/// Operations of a program, counted on nothing.
fn steps(program: impl FnOnce(&Counted<'_>, Traced) -> Result<(), Failure<Error>>) -> Result<usize, Error> {
    let run = |ops: &Counted<'_>, tracer: &Tracer| {
        program(ops, tracer.input()).map_err(refused)?;
        Ok(Vec::new())
    };
    Ok(counted(2, None, run)?.1)
}

/// Operations on nothing that are counted.
pub(crate) type Counted<'a> = Watched<'a, Tracer, Box<dyn FnMut(usize) -> bool + 'a>>;

fn refused(failure: Failure<Error>) -> Error {
    match failure {
        Failure::Operation(error) => error,
        Failure::Inputs { need, have } => Error::Ciphertexts { need, have },
    }
}

//! A program of `arras-apps` on a batch.

use arras_apps::prepared::Refresh;
use arras_apps::{Prepared, Program};
use arras_ckks::Ciphertext;
use arras_ckks::boot::presets::{self, BootPreset};
use arras_ckks::wire::{Batch, Items};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::Hidden;
use crate::engine::Engine;
use crate::error::Error;
use crate::journal::Journal;
use crate::limits::ciphertext_bytes;
use crate::refreshed::{Refreshed, Refreshes};
use crate::run::{Sealed, check_number, counted, report, unpack};
use crate::watch::Watched;

/// Vectors that a program holds at once beside what goes in and comes out: the powers and sums of one polynomial, and some.
const HELD: u64 = 64;

impl Engine {
    /// The answer to data that were sealed for this program, at the lowest level and under the same label; the guards of its
    /// refreshes follow, at level 1.
    ///
    /// `progress` hears of the operations done and of all operations, within a refresh again and again of the same, and stops
    /// the run by returning `false`. Labels, sizes, levels, keys and memory are checked before anything is computed.
    ///
    /// Cost: that of [`Prepared::trace`]. Error: within [`Prepared::bounds`], for the parameters that it was planned for.
    ///
    /// # Errors
    /// A label of another program, ciphertexts of another number, level or packing than it takes, a key that is missing, a limit
    /// exceeded, or [`Error::Stopped`].
    pub fn run_task<P: Program + Serialize + DeserializeOwned + Clone>(
        &self,
        task: &Prepared<P>,
        sealed: Batch,
        progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Batch, Error> {
        self.run_task_kept(task, sealed, None, progress)
    }

    /// [`Engine::run_task`], which keeps the rounds of a program that is refreshed ([`arras_circuits::Points::reached`]) in a journal,
    /// and begins after those that are in it: with the answer that one run gives, to the last bit.
    ///
    /// Cost: a copy of a vector at the end of a round, and of the guards, for each round.
    ///
    /// # Errors
    /// As [`Engine::run_task`], [`Error::Journal`] for rounds of another run, or [`Error::Keep`].
    pub fn run_task_kept<P: Program + Serialize + DeserializeOwned + Clone>(
        &self,
        task: &Prepared<P>,
        sealed: Batch,
        journal: Option<Journal<'_>>,
        progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Batch, Error> {
        task.check_label(&sealed.label)?;
        let (program, inputs) = (task.program(), unpack(sealed.items));
        let slots = check_number(&inputs, program.inputs().len())?;
        if slots != program.slots() {
            return Err(Error::Slots { need: program.slots(), have: slots });
        }
        let schedule = task.refresh().map(|refresh| (refresh.start, &refresh.schedule));
        let (trace, steps) = counted(slots, schedule, |ops, tracer| {
            program.run(ops, task.signs(), &vec![tracer.input(); program.inputs().len()])
        })?;
        let need = task.refresh().map_or(trace.depth, |refresh| refresh.start);
        let level = self.check_at(need, &trace, &inputs, slots)?;
        let held = (inputs.len() + trace.outputs.len() + program.held()) as u64 + HELD;
        let beside = match task.refresh() {
            Some(refresh) => {
                let preset = preset(refresh)?;
                preset.spec.memory(self.params(), preset.packing(slots))?
            }
            None => 0,
        };
        self.check_bytes(held * ciphertext_bytes(self.params(), level) + beside)?;
        report(progress, 0, steps)?;
        let mut heard = |done| progress(done, steps);
        let results = match task.refresh() {
            Some(refresh) => self.refreshed(task, refresh, inputs, slots, journal, (steps, &mut heard))?,
            None => self.evaluate(task, inputs, slots, &mut heard)?,
        };
        Ok(Batch { label: sealed.label, items: Items::Whole(results) })
    }

    /// The results, and after them the guard of each refresh.
    fn refreshed<P: Program>(
        &self,
        task: &Prepared<P>,
        refresh: &Refresh,
        inputs: Vec<Sealed>,
        slots: usize,
        journal: Option<Journal<'_>>,
        progress: (usize, &mut dyn FnMut(usize) -> bool),
    ) -> Result<Vec<Ciphertext>, Error> {
        let refreshed = Refreshed::new(self.params(), preset(refresh)?, refresh.schedule.clone(), slots)?;
        let backend = self.backend(slots)?;
        let inputs: Vec<Hidden> = inputs.into_iter().map(|x| x.open(&backend)).collect::<Result<_, _>>()?;
        let run = |ops: &Refreshes<'_>| task.program().run(ops, task.signs(), &inputs);
        let (results, guards) = refreshed.run(&backend, journal, progress, run)?;
        let results = results.iter().map(|result| backend.output(result));
        results.chain(guards.into_iter().map(Ok)).collect()
    }

    fn evaluate<P: Program>(
        &self,
        task: &Prepared<P>,
        inputs: Vec<Sealed>,
        slots: usize,
        heard: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Vec<Ciphertext>, Error> {
        let backend = self.backend(slots)?;
        let inputs: Vec<Hidden> = inputs.into_iter().map(|x| x.open(&backend)).collect::<Result<_, _>>()?;
        let watched = Watched::new(&backend, heard);
        let results = task.program().run(&watched, task.signs(), &inputs)?;
        results.iter().map(|result| backend.output(result)).collect()
    }
}

/// The refresh that a program names.
fn preset(refresh: &Refresh) -> Result<&'static BootPreset, Error> {
    presets::find(&refresh.preset).ok_or(Error::Preset)
}

//! Runs of programs whose points are refreshed.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use arras_circuits::Schedule;
use arras_ckks::boot::presets::BootPreset;
use arras_ckks::{Bootstrapper, Ciphertext, Params};

use crate::backend::{Ckks, Refreshing};
use crate::error::Error;
use crate::journal::Journal;
use crate::watch::Watched;

/// The operations of one run.
pub(crate) type Refreshes<'a> = Watched<'a, Refreshing<'a>, &'a mut dyn FnMut(usize) -> bool>;

/// Where a program is refreshed, and what refreshes it.
pub(crate) struct Refreshed {
    boot: Arc<Bootstrapper>,
    rounds: u32,
    schedule: Schedule,
}

impl Refreshed {
    /// Refreshes of vectors of so many slots. **Cost**: the matrices of a refresh.
    pub(crate) fn new(
        params: &Params,
        preset: &BootPreset,
        schedule: Schedule,
        slots: usize,
    ) -> Result<Self, Error> {
        let boot = Arc::new(Bootstrapper::new(params, &preset.spec, preset.packing(slots))?);
        Ok(Self { boot, rounds: preset.rounds, schedule })
    }

    /// What a program leaves, and the guard of each refresh at level 1; its rounds are kept in the journal, if there is one, and
    /// begin after those that it has.
    ///
    /// `progress` has the number of all operations, and what is told how many are done after each, and again before each step of
    /// a refresh, which is one operation and a long one; it stops the run by `false`.
    pub(crate) fn run<T>(
        &self,
        backend: &Ckks,
        journal: Option<Journal<'_>>,
        (steps, heard): (usize, &mut dyn FnMut(usize) -> bool),
        program: impl FnOnce(&Refreshes<'_>) -> Result<T, Error>,
    ) -> Result<(T, Vec<Ciphertext>), Error> {
        let (last, heard) = (Cell::new(0), RefCell::new(heard));
        let go_on = || heard.borrow_mut()(last.get());
        let mut refreshing =
            backend.refreshing(self.boot.clone(), self.rounds, self.schedule.clone(), go_on)?;
        if let Some(Journal { run, rounds, keep }) = journal {
            refreshing = refreshing.journaled(Journal { run, rounds, keep })?;
            // Between two points there is as much to do, more or less.
            last.set(steps * refreshing.passed() / self.schedule.refresh.len().max(1));
        }
        let mut tell = |done| {
            last.set(done);
            heard.borrow_mut()(done)
        };
        let result = program(&Watched::after(last.get(), &refreshing, &mut tell))?;
        let guards = refreshing.guards();
        let whole = |guard: &Arc<Ciphertext>| Ok(backend.evaluator().lower(guard, guard.level())?);
        Ok((result, guards.iter().map(whole).collect::<Result<_, Error>>()?))
    }
}

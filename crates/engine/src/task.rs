//! A program of `arras-apps` on a batch.

use std::cell::Cell;

use arras_apps::{Prepared, Program};
use arras_circuits::{Trace, Tracer};
use arras_ckks::Ciphertext;
use arras_ckks::wire::{Batch, Items};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::Hidden;
use crate::engine::Engine;
use crate::error::Error;
use crate::limits::ciphertext_bytes;
use crate::run::{Sealed, check_number, report, unpack};
use crate::watch::Watched;

/// Vectors that a program holds at once beside what goes in and comes out: the powers and sums of one polynomial, and some.
const HELD: u64 = 64;

impl Engine {
    /// The answer to data that were sealed for this program, at the lowest level and under the same label.
    ///
    /// `progress` hears of the operations done and of all operations, and stops the run by returning `false`. Labels, sizes,
    /// levels, keys and memory are checked before anything is computed.
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
        task.check_label(&sealed.label)?;
        let (program, inputs) = (task.program(), unpack(sealed.items));
        let slots = check_number(&inputs, program.inputs().len())?;
        if slots != program.slots() {
            return Err(Error::Slots { need: program.slots(), have: slots });
        }
        let (trace, steps) = counted(task)?;
        let level = self.check(&trace, &inputs, slots)?;
        let held = (inputs.len() + trace.outputs.len()) as u64 + HELD;
        self.limits().check_bytes(held * ciphertext_bytes(self.params(), level))?;
        report(progress, 0, steps)?;
        let results = self.evaluate(task, inputs, slots, &mut |done| progress(done, steps))?;
        Ok(Batch { label: sealed.label, items: Items::Whole(results) })
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

/// What a program does, and in how many operations.
fn counted<P: Program>(task: &Prepared<P>) -> Result<(Trace, usize), Error> {
    let program = task.program();
    let (tracer, steps) = (Tracer::unlimited(program.slots())?, Cell::new(0));
    let watched = Watched::new(&tracer, |done| {
        steps.set(done);
        true
    });
    let inputs = vec![tracer.input(); program.inputs().len()];
    let results = program.run(&watched, task.signs(), &inputs)?;
    Ok((tracer.trace(&results), steps.get()))
}

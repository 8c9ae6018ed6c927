//! What a run keeps of its rounds, so that one that was stopped goes on.

use std::cell::Cell;
use std::sync::Arc;

use arras_ckks::Ciphertext;
use arras_ckks::wire::{Batch, Items};

use crate::backend::{Ckks, Hidden};
use crate::error::Error;

/// The first bytes of a label, with the version.
const FORMAT: [u8; 8] = *b"round-01";

/// Why a round was not kept.
pub type NotKept = Box<dyn std::error::Error + Send + Sync>;

/// Where a run keeps its rounds. They hold what an answer holds: ciphertexts.
pub struct Journal<'a> {
    /// What tells this run from others: a hash of its program and its data.
    pub run: [u8; 32],
    /// What was kept before, in order.
    pub rounds: Vec<Batch>,
    /// Keeps a round; an error ends the run.
    pub keep: &'a mut dyn FnMut(&Batch) -> Result<(), NotKept>,
}

impl std::fmt::Debug for Journal<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("run", &self.run).field("rounds", &self.rounds.len()).finish()
    }
}

impl Journal<'_> {
    /// How far the last run was, if it kept anything.
    pub(crate) fn reached(&mut self, backend: &Ckks) -> Result<Option<Reached>, Error> {
        let mut last: Option<Reached> = None;
        for batch in self.rounds.drain(..) {
            let (rounds, points) = numbers(&self.run, &batch.label).ok_or(Error::Journal)?;
            let Items::Whole(items) = batch.items else { return Err(Error::Journal) };
            let (before, mut guards) = last.map_or((0, Vec::new()), |last| (last.rounds, last.guards));
            let mut items = items.into_iter();
            let value = backend.input(items.next().ok_or(Error::Journal)?)?;
            guards.extend(items.map(Arc::new));
            if rounds != before + 1 {
                return Err(Error::Journal);
            }
            last = Some(Reached { rounds, points, value, guards });
        }
        Ok(last)
    }
}

/// How far a run is, between two rounds of its program: what it can go on from.
#[derive(Debug)]
pub(crate) struct Reached {
    /// Rounds that are done.
    pub rounds: usize,
    /// Points that were passed.
    pub points: usize,
    /// What the last round made.
    pub value: Hidden,
    /// The guards of all refreshes so far.
    pub guards: Vec<Arc<Ciphertext>>,
}

/// Rounds as they are kept: each with the guards that are new in it.
#[derive(Debug)]
pub(crate) struct Rounds {
    run: [u8; 32],
    guards: Cell<usize>,
}

impl Rounds {
    pub(crate) fn after(reached: Option<&Reached>, run: [u8; 32]) -> Self {
        Self { run, guards: Cell::new(reached.map_or(0, |reached| reached.guards.len())) }
    }

    /// Cost: copies.
    pub(crate) fn next(&self, reached: &Reached, backend: &Ckks) -> Result<Batch, Error> {
        let before = self.guards.replace(reached.guards.len());
        let guards = reached.guards.iter().skip(before).map(Arc::as_ref);
        let copy = |x: &Ciphertext| Ok(backend.evaluator().lower(x, x.level())?);
        let items = std::iter::once(reached.value.ciphertext()).chain(guards).map(copy);
        let items = Items::Whole(items.collect::<Result<_, Error>>()?);
        Ok(Batch { label: label(&self.run, reached.rounds, reached.points), items })
    }
}

fn label(run: &[u8; 32], rounds: usize, points: usize) -> Vec<u8> {
    let numbers = [rounds, points].map(|number| (number as u64).to_le_bytes());
    [&FORMAT[..], run, numbers.as_flattened()].concat()
}

/// The rounds and points of a label of this run.
fn numbers(run: &[u8; 32], label: &[u8]) -> Option<(usize, usize)> {
    let rest = label.strip_prefix(&FORMAT)?.strip_prefix(run)?;
    let ([rounds, points], []) = rest.as_chunks::<8>() else { return None };
    let number = |bytes: &[u8; 8]| usize::try_from(u64::from_le_bytes(*bytes)).ok();
    Some((number(rounds)?, number(points)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_of_one_run() {
        let label = label(&[7; 32], 3, 4);
        assert_eq!(numbers(&[7; 32], &label), Some((3, 4)));
        assert_eq!(numbers(&[8; 32], &label), None);
        assert_eq!(numbers(&[7; 32], &label[..label.len() - 1]), None);
        assert_eq!(numbers(&[7; 32], &[&label[..], &[0]].concat()), None);
        assert_eq!(numbers(&[7; 32], &[]), None);
    }
}

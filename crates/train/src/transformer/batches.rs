//! Batches of texts of equal length: no lane is empty, so nothing needs a mask.

use std::ops::ControlFlow;
use std::thread;

use super::learn::Part;
use crate::Error;
use crate::rng::Rng;

/// One text to learn from.
#[derive(Debug, Clone, PartialEq)]
pub struct Lesson {
    /// Rows of the embedding table, with both marks.
    pub rows: Vec<u32>,
    /// The two logits, or log-probabilities, to match.
    pub target: [f32; 2],
    /// Whether the label is 1.
    pub positive: bool,
}

/// The places of the lessons, in batches of at most `size` of equal length, in an order of this seed and epoch.
#[must_use]
pub fn batches(lessons: &[Lesson], size: usize, seed: u64, epoch: usize) -> Vec<Vec<usize>> {
    let mut rng = Rng::new(seed, 17 + epoch as u64);
    let mut order: Vec<usize> = (0..lessons.len()).collect();
    rng.shuffle(&mut order);
    order.sort_by_key(|&i| lessons.get(i).map_or(0, |l| l.rows.len()));
    let length = |i: &usize| lessons.get(*i).map_or(0, |l| l.rows.len());
    let mut out: Vec<Vec<usize>> = order
        .chunk_by(|a, b| length(a) == length(b))
        .flat_map(|equal| equal.chunks(size.max(1)).map(<[usize]>::to_vec))
        .collect();
    rng.shuffle(&mut out);
    out
}

/// Hears how many texts are done, and stops by breaking.
pub type Report<'a> = &'a mut dyn FnMut(usize) -> ControlFlow<()>;

/// Texts that are looked at together.
pub(super) const TOGETHER: usize = 64;

/// What `look` finds in every batch, by `workers` threads; `take` gets the places of a batch and what was found, in an order that
/// does not depend on them.
pub(super) fn look_at_all<T: Send>(
    lessons: &[Lesson],
    workers: usize,
    look: &(dyn Fn(&Part<'_>) -> Result<T, Error> + Sync),
    take: &mut dyn FnMut(&[usize], T),
    report: Report<'_>,
) -> Result<(), Error> {
    let mut done = 0;
    let one = |batch: &[usize]| look(&Part::of(batch.iter().filter_map(|&i| lessons.get(i)).collect()));
    for group in batches(lessons, TOGETHER, 1, 0).chunks(workers.max(1)) {
        let found: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = group.iter().map(|batch| scope.spawn(move || one(batch))).collect();
            threads.into_iter().map(thread::ScopedJoinHandle::join).collect()
        });
        for (batch, found) in group.iter().zip(found) {
            take(batch, found.map_err(|_| Error::Interrupted)??);
            done += batch.len();
        }
        if report(done).is_break() {
            return Err(Error::Interrupted);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lesson_is_in_one_batch_of_its_length() {
        let lesson = |n: usize| Lesson { rows: vec![0; n], target: [0.0; 2], positive: false };
        let lessons: Vec<Lesson> = (0..100).map(|i| lesson(3 + i % 7)).collect();
        let all = batches(&lessons, 4, 1, 0);
        for batch in &all {
            assert!((1..=4).contains(&batch.len()));
            assert!(batch.iter().all(|&i| lessons[i].rows.len() == lessons[batch[0]].rows.len()));
        }
        let mut seen: Vec<usize> = all.concat();
        seen.sort_unstable();
        assert_eq!(seen, (0..100).collect::<Vec<_>>());
        assert_ne!(all, batches(&lessons, 4, 1, 1));
        assert_eq!(all, batches(&lessons, 4, 1, 0));
    }
}

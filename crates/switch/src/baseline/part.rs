//! The part of a task that is measured, and what is counted there.

use std::time::Duration;

use super::task::Kind;
use super::{Measured, Task, network};

impl Task {
    /// The same on the first `size` of its units, as few as make sense and as many as there are.
    pub(super) fn first(&self, size: usize) -> Self {
        let size = size.clamp(self.least(), self.size());
        let kind = match &self.kind {
            Kind::Workload { work, values } => {
                Kind::Workload { work: *work, values: values.iter().take(size).copied().collect() }
            }
            Kind::Sort(values) => Kind::Sort(values.iter().take(size).copied().collect()),
            Kind::Paths { nodes, weights } => {
                let rows = weights.chunks(*nodes).take(size);
                let weights = rows.flat_map(|row| row.iter().take(size)).copied().collect();
                Kind::Paths { nodes: size, weights }
            }
            Kind::Tree { tree, samples } => {
                Kind::Tree { tree: tree.clone(), samples: samples.iter().take(size).cloned().collect() }
            }
            Kind::Rows { query, rows } => {
                Kind::Rows { query: *query, rows: rows.iter().take(size).copied().collect() }
            }
        };
        Self { bits: self.bits, kind }
    }

    fn least(&self) -> usize {
        match self.kind {
            Kind::Workload { .. } | Kind::Tree { .. } | Kind::Rows { .. } => 1,
            Kind::Sort(_) => 2,
            Kind::Paths { .. } => 3,
        }
    }

    /// Steps on ciphertexts, each of which takes as long as the others of this task.
    pub(super) fn steps(&self) -> usize {
        match &self.kind {
            Kind::Workload { values, .. } => values.len(),
            Kind::Sort(values) => network::comparators(values.len()).len(),
            Kind::Paths { nodes, .. } => nodes * (nodes - 1) * (nodes - 2),
            Kind::Tree { tree, samples } => samples.len() * tree.nodes().len(),
            Kind::Rows { rows, .. } => rows.len(),
        }
    }
}

/// What a run on ciphertexts has counted.
#[derive(Debug, Default)]
pub(super) struct Counted {
    /// Time in steps.
    pub spent: Duration,
    pub bootstraps: u64,
    /// Bytes of inputs, and of answers.
    pub sent: u64,
    pub returned: u64,
}

impl Counted {
    /// The report on a part, scaled to the whole by their steps; `answer` is what was decrypted.
    pub fn report(&self, whole: &Task, part: &Task, answer: &[u64]) -> Measured {
        let right = part.answer();
        let same = answer.iter().zip(&right).filter(|(a, b)| a == b).count();
        let seconds_measured = self.spent.as_secs_f64();
        Measured {
            seconds: seconds_measured * (whole.steps() as f64 / part.steps() as f64),
            unit: whole.unit(),
            values: whole.size(),
            scaled_from: (part.size() < whole.size()).then(|| part.size()),
            seconds_measured,
            bootstraps: self.bootstraps,
            checked: right.len(),
            wrong: right.len().max(answer.len()) - same,
            ciphertext_bytes: self.sent,
            communication_bytes: self.sent + self.returned,
        }
    }
}

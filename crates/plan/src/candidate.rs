//! A way to do a task, with its price.

use serde::Serialize;

/// A kind of encryption that Arras can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Vectors of numbers.
    Ckks,
    /// Single integers, two bits in a ciphertext.
    Tfhe,
}

impl Method {
    /// Its name in commands and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ckks => "ckks",
            Self::Tfhe => "tfhe",
        }
    }
}

/// Under which parameters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Parameters {
    /// Degree of the ring.
    pub n: usize,
    /// log2 of the whole modulus.
    pub log2_qp: f64,
    /// Multiplications in a row.
    pub levels: u32,
    /// Bits of security.
    pub security_bits: u32,
}

/// Where the times of its operations come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Costs {
    /// They were measured on this machine.
    Measured,
    /// A model that was fitted on another.
    Modelled,
    /// They were measured once, on the machine that [`bitwise`](crate::bitwise) names.
    Recorded,
}

/// Bytes of one run, and of the keys for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Bytes {
    /// What is sealed.
    pub sealed: u64,
    /// What comes back.
    pub answer: u64,
    /// Evaluation keys.
    pub keys: u64,
}

/// How time grows with values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Growth {
    /// A run takes so many values at once, or fewer in the same time.
    Batches(usize),
    /// One run takes up to so many, and no second one helps: an array is sorted as a whole.
    Whole(usize),
    /// Batcher's network: a step for each comparator.
    Network,
    /// Floyd and Warshall: a step for each pair of nodes and each third one that a path may pass.
    Triples,
}

/// A way to do a task; times, refreshes and failures are those of one step: a run, a comparator of a network, or an
/// update of a distance.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The kind of encryption.
    pub method: Method,
    /// Whether its answers are proved to be exact.
    pub exact: bool,
    /// Its parameters.
    pub parameters: Parameters,
    /// How steps follow from values.
    pub growth: Growth,
    /// Seconds of a step on one core.
    pub seconds: f64,
    /// Refreshes of a step.
    pub refreshes: u64,
    /// Bytes of a run, of a value of a network, or of an entry of a matrix.
    pub bytes: Bytes,
    /// log2 of the probability that a step is wrong.
    pub failure_log2: f64,
    /// Where its seconds come from.
    pub costs: Costs,
}

impl Candidate {
    /// Steps for so many values, unless they are too many.
    #[must_use]
    pub fn steps(&self, values: usize) -> Option<u64> {
        match self.growth {
            Growth::Batches(batch) => Some(values.div_ceil(batch.max(1)) as u64),
            Growth::Whole(most) => (values <= most).then_some(1),
            Growth::Network => Some(comparators(values)),
            Growth::Triples => Some(triples(values)),
        }
    }

    /// Seconds for so many values; infinite where they are too many.
    #[must_use]
    pub fn seconds_for(&self, values: usize) -> f64 {
        self.steps(values).map_or(f64::INFINITY, |steps| steps as f64 * self.seconds)
    }

    /// Seconds of one value where batches are full.
    #[must_use]
    pub fn seconds_each(&self, values: usize) -> f64 {
        match self.growth {
            Growth::Batches(batch) => self.seconds / batch.max(1) as f64,
            Growth::Whole(_) | Growth::Network | Growth::Triples => {
                self.seconds_for(values) / values.max(1) as f64
            }
        }
    }

    /// Bytes for so many values.
    #[must_use]
    pub fn bytes_for(&self, values: usize) -> Bytes {
        let runs = match self.growth {
            Growth::Batches(_) | Growth::Whole(_) => self.steps(values).unwrap_or(0),
            Growth::Network => values as u64,
            Growth::Triples => (values as u64).saturating_mul(values as u64),
        };
        let Bytes { sealed, answer, keys } = self.bytes;
        Bytes { sealed: runs.saturating_mul(sealed), answer: runs.saturating_mul(answer), keys }
    }
}

/// Triples of different nodes.
#[must_use]
pub fn triples(nodes: usize) -> u64 {
    let nodes = nodes as u64;
    [1, 2].iter().fold(nodes, |all, less| all.saturating_mul(nodes.saturating_sub(*less)))
}

/// Comparators of Batcher's odd-even merge sort of so many elements (Batcher 1968): those of the next power of two that
/// touch no element beyond the end.
#[must_use]
pub fn comparators(count: usize) -> u64 {
    let size = count.next_power_of_two();
    let runs = (0..size.ilog2()).map(|k| 1_usize << k);
    let stages = runs.flat_map(|run| (0..=run.ilog2()).rev().map(move |k| (run, 1_usize << k)));
    // A comparator of low and low + gap; of a merge all lie in one pair of runs.
    let stage = |(run, gap): (usize, usize)| {
        let first = if gap == run { 0 } else { gap };
        let low = (0..count.saturating_sub(gap)).filter(|low| {
            let place = low % (2 * run);
            place >= first && (place - first) / gap % 2 == 0 && place + gap < 2 * run
        });
        low.count() as u64
    };
    stages.map(stage).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (k^2 - k + 4) 2^(k - 2) - 1 for 2^k elements (Batcher 1968), and counts for other sizes by hand.
    #[test]
    fn comparators_of_batchers_network() {
        for k in 1..=9_u64 {
            assert_eq!(comparators(1 << k), ((k * k + 4 - k) << k) / 4 - 1, "2^{k} elements");
        }
        assert_eq!([0, 1, 3, 5, 6, 7].map(comparators), [0, 0, 3, 9, 12, 16]);
        assert!((1..300).map(comparators).is_sorted());
    }
}

//! What bit-wise TFHE takes for a step of a work: recorded, since it comes from outside and its parameters are fixed.
//!
//! Source: `arras bench tfhe` (crate `tfhe` 1.8.2, two bits of message and two of carry, a key switch of 32 bits, failure 2^-128),
//! CPU time of one core of an AMD EPYC of family 26 and model 2 with AVX-512. `data/tfhe-measured.csv` says which runs.

use crate::candidate::{Bytes, Candidate, Costs, Growth, Method, Parameters};
use crate::error::Error;

const MEASURED: &str = include_str!("../data/tfhe-measured.csv");

const COLUMNS: &str = "step,bits,seconds,bootstraps,sealed_bytes,answer_bytes";

/// Bytes of the evaluation keys in memory.
const KEYS: u64 = 90_275_840;

/// Its ring, and the modulus of a word; look-ups are refreshes, so that it has a level whatever was done before.
const PARAMETERS: Parameters = Parameters { n: 2048, log2_qp: 64.0, levels: 1, security_bits: 128 };

/// log2 of the probability that a bootstrap is wrong, as the crate states it.
const FAILURE_LOG2: f64 = -128.0;

/// The most bits that were measured.
pub const BITS: u32 = 16;

/// What is done to the bits of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A*B > C.
    W1,
    /// (A > B)*C.
    W2,
    /// (A*B > C)*D.
    W3,
    /// Two values put in order; its bytes are those of one value.
    Exchange,
    /// A split of a tree with public thresholds and classes.
    Split,
    /// A split of a tree with encrypted ones.
    HiddenSplit,
    /// A row of the SoK's query: a product and a sum, each between bounds.
    Row,
    /// A distance and a predecessor by a third node: min(a, b + c), and which; its bytes are those of an entry of both matrices.
    Update,
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::W1 => "w1",
            Self::W2 => "w2",
            Self::W3 => "w3",
            Self::Exchange => "exchange",
            Self::Split => "split",
            Self::HiddenSplit => "hidden-split",
            Self::Row => "row",
            Self::Update => "update",
        }
    }
}

/// A step as it was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// CPU seconds of one core.
    pub seconds: f64,
    /// Bootstraps.
    pub bootstraps: f64,
    /// Bytes of its inputs.
    pub sealed: f64,
    /// Bytes of its answer.
    pub answer: f64,
}

impl Measured {
    /// A step on integers of so many bits: two share a ciphertext, so that an odd number costs as the next one.
    ///
    /// # Errors
    /// No bits, or more than [`BITS`].
    pub fn of(step: Step, bits: u32) -> Result<Self, Error> {
        if !(1..=BITS).contains(&bits) {
            return Err(Error::Bits { bits, most: BITS });
        }
        let bits = bits.next_multiple_of(2);
        let lines =
            MEASURED.lines().enumerate().filter(|(_, line)| !line.starts_with('#') && *line != COLUMNS);
        for (at, line) in lines {
            let row = parse(line).ok_or(Error::Figure { line: at + 1 })?;
            if (row.0, row.1) == (step.name(), bits) {
                return Ok(row.2);
            }
        }
        Err(Error::NoStep { step: step.name(), bits })
    }

    /// The way that takes so many steps for each value.
    #[must_use]
    pub fn each(self, steps: usize) -> Candidate {
        self.candidate(Growth::Batches(1), steps as f64, steps as f64)
    }

    /// The way that sorts.
    #[must_use]
    pub fn network(self) -> Candidate {
        self.candidate(Growth::Network, 1.0, 1.0)
    }

    /// The way that finds all shortest paths.
    #[must_use]
    pub fn paths(self) -> Candidate {
        self.candidate(Growth::Triples, 1.0, 1.0)
    }

    fn candidate(self, growth: Growth, steps: f64, shares: f64) -> Candidate {
        let bootstraps = steps * self.bootstraps;
        Candidate {
            method: Method::Tfhe,
            exact: true,
            parameters: PARAMETERS,
            growth,
            seconds: steps * self.seconds,
            refreshes: bootstraps.ceil() as u64,
            bytes: Bytes {
                sealed: (shares * self.sealed).ceil() as u64,
                answer: (shares * self.answer).ceil() as u64,
                keys: KEYS,
            },
            failure_log2: FAILURE_LOG2 + bootstraps.max(1.0).log2(),
            costs: Costs::Recorded,
        }
    }
}

/// A line of the table: what, at how many bits, and its figures.
fn parse(line: &str) -> Option<(&str, u32, Measured)> {
    let cells: Vec<&str> = line.split(',').collect();
    let [step, bits, seconds, bootstraps, sealed, answer] = cells.try_into().ok()?;
    let number = |cell: &str| cell.parse().ok().filter(|value: &f64| value.is_finite() && *value > 0.0);
    let measured = Measured {
        seconds: number(seconds)?,
        bootstraps: number(bootstraps)?,
        sealed: number(sealed)?,
        answer: number(answer)?,
    };
    Some((step, bits.parse().ok()?, measured))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: [Step; 8] = [
        Step::W1,
        Step::W2,
        Step::W3,
        Step::Exchange,
        Step::Split,
        Step::HiddenSplit,
        Step::Row,
        Step::Update,
    ];

    #[test]
    fn every_step_is_there_and_takes_longer_on_more_bits() {
        for step in STEPS {
            let all: Vec<Measured> = (1..=BITS).map(|bits| Measured::of(step, bits).unwrap()).collect();
            assert!(all.is_sorted_by(|a, b| a.seconds <= b.seconds), "{step:?}: {all:?}");
            assert!(all.is_sorted_by(|a, b| a.bootstraps <= b.bootstraps), "{step:?}");
            // A bootstrap takes some 14 ms.
            assert!(all.iter().all(|row| (0.01..0.02).contains(&(row.seconds / row.bootstraps))), "{step:?}");
        }
        assert_eq!(Measured::of(Step::W1, 17).unwrap_err(), Error::Bits { bits: 17, most: 16 });
        assert_eq!(Measured::of(Step::W1, 0).unwrap_err(), Error::Bits { bits: 0, most: 16 });
    }

    #[test]
    fn a_tree_has_a_step_for_each_split_and_fails_as_often() {
        let split = Measured::of(Step::Split, 8).unwrap();
        let (one, all) = (split.each(1), split.each(63));
        assert!((all.seconds / one.seconds - 63.0).abs() < 1e-9);
        assert!((all.failure_log2 - one.failure_log2 - 63_f64.log2()).abs() < 1e-9);
        assert_eq!(split.network().steps(8), Some(19));
        assert_eq!([2, 3, 16].map(|nodes| split.paths().steps(nodes)), [0, 6, 3360].map(Some));
    }
}

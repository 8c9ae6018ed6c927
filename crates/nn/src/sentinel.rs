//! A known value that travels with the hidden ones, so that the client sees whether a result is whole.
//!
//! The sentinel passes through every operation that a sentence passes through: the layers, a quadratic, the polynomial. Running
//! out of noise budget, decrypting with the wrong key, a level too few, a damaged ciphertext or a forgotten rotation moves it.
//! It is no proof of honest work: a server that wants to cheat can treat the sentinel well.

use arras_circuits::activation::Quadratic;

/// How far the sentinel may be from its expected value.
pub const TOLERANCE: f64 = 1e-3;

/// How far outside [0, 1] a probability may be, as the polynomial overshoots a little.
pub const OVERSHOOT: f64 = 0.05;

/// A result that must not be used. It leaves decrypted values out: a decryption of whatever a stranger sent must not reach whoever
/// reads the message or a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SentinelError {
    /// The sentinel has moved.
    #[error(
        "the sentinel has moved by more than {TOLERANCE}: the result is damaged, was opened with another key, or ran out of \
         precision; run the sealed data again"
    )]
    Moved,
    /// A probability outside [0, 1] by more than [`OVERSHOOT`].
    #[error(
        "the probability of sentence {} is outside [0, 1]: its input was outside the model's range; leave it out and run again",
        sentence + 1
    )]
    Range {
        /// Sentence, counted from zero.
        sentence: usize,
    },
    /// An input of the logistic polynomial beyond the range that the model certifies.
    #[error(
        "the text leads the model beyond the range of its training, where nothing is certified: shorten it, or leave it out and run \
         again"
    )]
    Uncertified,
    /// Values that a refresh on the way could not take.
    #[error(
        "values inside the model left the range of its training (slots: {slots}), or the answer is damaged: shorten the text, or \
         leave it out and run again"
    )]
    Left {
        /// Slots that were changed.
        slots: usize,
    },
    /// Too few slots to hold the result.
    #[error("the result has {have} slots, and at least {need} are needed: it belongs to another packing")]
    Slots {
        /// Slots of the result.
        have: usize,
        /// Slots needed.
        need: usize,
    },
}

/// Accepts the sentinel's value. Anything that is not a number is refused.
pub(crate) fn unmoved(have: f64, need: f64) -> Result<(), SentinelError> {
    if (have - need).abs() <= TOLERANCE { Ok(()) } else { Err(SentinelError::Moved) }
}

/// Accepts a probability and brings it into [0, 1].
pub(crate) fn probability(sentence: usize, have: f64) -> Result<f64, SentinelError> {
    if (-OVERSHOOT..=1.0 + OVERSHOOT).contains(&have) {
        Ok(have.clamp(0.0, 1.0))
    } else {
        Err(SentinelError::Range { sentence })
    }
}

/// The sentinel of one lane: a network of one neuron, from a seed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Lane {
    /// The value that the client packs.
    pub input: f64,
    /// Weight and bias before the quadratic.
    pub hidden: (f64, f64),
    /// Slope and offset of the quadratic.
    pub activation: (f64, f64),
    /// Weight and bias before the polynomial.
    pub output: (f64, f64),
}

impl Lane {
    /// The lane of a seed. What enters the polynomial is between 0.05 and 0.15 on one side of zero, where it is steep.
    pub(crate) fn new(seed: u64) -> Self {
        let mut uniform = Uniform(seed);
        let input = 0.5 + 0.5 * uniform.draw();
        let hidden = (0.5 + 0.5 * uniform.draw(), 0.5 * uniform.draw());
        let activation = (0.5 + uniform.draw(), uniform.draw());
        let side = if uniform.draw() < 0.5 { -1.0 } else { 1.0 };
        let bias = 0.02 * uniform.draw();
        let mut lane = Self { input, hidden, activation, output: (0.0, 0.0) };
        lane.output = ((side * (0.05 + 0.1 * uniform.draw()) - bias) / lane.activated(), bias);
        lane
    }

    fn activated(&self) -> f64 {
        let z = self.hidden.0 * self.input + self.hidden.1;
        z * (z + self.activation.0) + self.activation.1
    }

    /// What enters the polynomial.
    pub(crate) fn logit(&self) -> f64 {
        self.output.0 * self.activated() + self.output.1
    }

    /// Puts the lane's activation into one slot.
    pub(crate) fn activate(&self, quadratic: &mut Quadratic, slot: usize) {
        if let (Some(b), Some(c)) = (quadratic.b.get_mut(slot), quadratic.c.get_mut(slot)) {
            (*b, *c) = self.activation;
        }
    }
}

/// The features of the sentinel sentence of a seed, of this length (Euclidean).
pub(crate) fn sentence(seed: u64, features: usize, length: f64) -> Vec<f64> {
    let mut uniform = Uniform(seed ^ 0x5e27_11e1);
    let raw: Vec<f64> = (0..features).map(|_| 2.0 * uniform.draw() - 1.0).collect();
    let norm = raw.iter().map(|v| v * v).sum::<f64>().sqrt().max(1e-9);
    raw.into_iter().map(|v| v * length / norm).collect()
}

/// SplitMix64 as numbers in [0, 1). The sentinel is public; only its spread matters.
struct Uniform(u64);

impl Uniform {
    fn draw(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_stay_where_the_polynomial_is_steep() {
        for seed in 0..500 {
            let t = Lane::new(seed).logit().abs();
            assert!((0.05 - 1e-12..=0.15 + 1e-12).contains(&t), "{t}");
        }
        let s = sentence(3, 63, 2.0);
        assert!((s.iter().map(|v| v * v).sum::<f64>().sqrt() - 2.0).abs() < 1e-12);
    }

    #[test]
    fn what_is_not_a_number_is_refused() {
        assert!(
            unmoved(f64::NAN, 0.5).is_err() && unmoved(0.502, 0.5).is_err() && unmoved(0.5005, 0.5).is_ok()
        );
        assert!(probability(0, f64::NAN).is_err() && probability(0, 1.06).is_err());
        assert_eq!(probability(0, -0.01).unwrap(), 0.0);
    }
}

//! One sentence per ciphertext.

use arras_approx::Polynomial;
use arras_circuits::activation::Quadratic;
use arras_circuits::{Dense, Rotate, Trace, Tracer};

use crate::head::{HIDDEN, Head};
use crate::lexicon::within;
use crate::sentinel::{Lane, SentinelError, probability, unmoved};
use crate::{Error, Model};

/// A head over one ciphertext that holds one sentence.
///
/// The features sit in slots 0, 1, ..., the sentinel in the last slot of a period F (a power of two), and the period repeats to fill
/// the ciphertext. The result holds the probability in slot 0 and the sentinel in slot 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Latency {
    features: usize,
    period: usize,
    hidden: Dense,
    hidden_bias: Vec<f64>,
    activation: Quadratic,
    output: Dense,
    output_bias: Vec<f64>,
    polynomial: Polynomial,
    lane: Lane,
    expected: f64,
}

impl Latency {
    /// The program of a model.
    ///
    /// # Errors
    ///
    /// When the matrices cannot be laid out, which a valid model gives no reason for.
    pub fn new(model: &Model) -> Result<Self, Error> {
        Self::of(model.head(), model.about().sentinel)
    }

    /// The program of a head, with the sentinel of this seed.
    ///
    /// # Errors
    ///
    /// As [`Latency::new`].
    pub fn of(head: &Head, seed: u64) -> Result<Self, Error> {
        let (d, h, lane) = (head.features(), head.neurons(), Lane::new(seed));
        within("values of a layer", d.max(h), 1, HIDDEN)?;
        let period = (d.max(h) + 1).next_power_of_two();
        let last = period - 1;
        let mut hidden = vec![0.0; period * period];
        let mut hidden_bias = vec![0.0; period];
        for (i, (weights, bias)) in head.parts().hidden.iter().enumerate() {
            fill(&mut hidden, i * period, weights);
            fill(&mut hidden_bias, i, &[bias]);
        }
        fill(&mut hidden, period * period - 1, &[lane.hidden.0]);
        fill(&mut hidden_bias, last, &[lane.hidden.1]);
        let (b, c) = (head.parts().activation.slope(), head.parts().activation.offset());
        let mut activation = Quadratic { b: padded(b, period), c: padded(c, period) };
        lane.activate(&mut activation, last);
        let (row, bias) = head.unit_row();
        let mut output = padded(&row, 2 * period);
        fill(&mut output, 2 * period - 1, &[lane.output.0]);
        let polynomial = head.unit_polynomial();
        Ok(Self {
            features: d,
            period,
            hidden: Dense::plain(period, period, &hidden, period)?,
            hidden_bias,
            activation,
            output: Dense::new(2, period, &output, period)?,
            output_bias: vec![bias, lane.output.1],
            expected: polynomial.eval(lane.logit()),
            polynomial,
            lane,
        })
    }

    /// Slots after which everything repeats; a backend has a multiple of it.
    #[must_use]
    pub const fn period(&self) -> usize {
        self.period
    }

    /// The slots of one period: the features, then zeros, then the sentinel.
    ///
    /// # Errors
    ///
    /// When there are not as many features as the model reads.
    pub fn pack(&self, features: &[f64]) -> Result<Vec<f64>, Error> {
        let (have, need) = (features.len(), self.features);
        if have != need {
            return Err(Error::Shape { what: "the feature vector", have, need });
        }
        let mut slots = padded(features, self.period);
        fill(&mut slots, self.period - 1, &[self.lane.input]);
        Ok(slots)
    }

    /// The head, on hidden values. **Cost**: 3 levels and those of the polynomial.
    ///
    /// # Errors
    ///
    /// Whatever the operations refuse: too few levels, a missing key.
    pub fn run<B: Rotate>(&self, ops: &B, x: &B::Ct) -> Result<B::Ct, B::Error> {
        let z = ops.add_plain(&self.hidden.apply(ops, x)?, &self.hidden_bias)?;
        let a = self.activation.apply(ops, &z)?;
        let t = ops.add_plain(&self.output.apply(ops, &a)?, &self.output_bias)?;
        ops.poly(&t, &self.polynomial)
    }

    /// The probability of class 1 from the slots of a result.
    ///
    /// # Errors
    ///
    /// When the sentinel has moved or the probability is out of range.
    pub fn unpack(&self, slots: &[f64]) -> Result<f64, SentinelError> {
        let (Some(&value), Some(&sentinel)) = (slots.first(), slots.get(1)) else {
            return Err(SentinelError::Slots { have: slots.len(), need: 2 });
        };
        unmoved(sentinel, self.expected)?;
        probability(0, value)
    }

    /// Operations, levels and keys, found by running the program on nothing.
    ///
    /// # Errors
    ///
    /// When `slots` is not a power of two that holds a period.
    pub fn trace(&self, slots: usize) -> Result<Trace, Error> {
        let tracer = Tracer::unlimited(slots)?;
        let result = self.run(&tracer, &tracer.input())?;
        Ok(tracer.trace(&[result]))
    }

    /// Levels that a fresh input needs.
    ///
    /// # Errors
    ///
    /// As [`Latency::trace`].
    pub fn depth(&self) -> Result<u32, Error> {
        Ok(self.trace(self.period)?.depth)
    }
}

/// The values, followed by zeros up to `length`.
fn padded(values: &[f64], length: usize) -> Vec<f64> {
    let mut out = values.to_vec();
    out.resize(length, 0.0);
    out
}

/// Overwrites from `at` on.
fn fill(out: &mut [f64], at: usize, values: &[f64]) {
    for (o, v) in out.iter_mut().skip(at).zip(values) {
        *o = *v;
    }
}

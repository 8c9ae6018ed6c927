//! One ciphertext per feature, one sentence per slot.

use arras_approx::Polynomial;
use arras_circuits::{Arith, Failure, Trace, Tracer};

use crate::head::Head;
use crate::lexicon::within;
use crate::sentinel::{SentinelError, probability, sentence, unmoved};
use crate::{Error, Model};

/// A head over as many ciphertexts as there are features; slot s of each belongs to sentence s.
///
/// The last slot holds the sentinel: the features of a sentence that nobody wrote, whose probability is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Throughput {
    hidden: Vec<Neuron>,
    output: Vec<f64>,
    output_bias: f64,
    polynomial: Polynomial,
    sentinel: Vec<f64>,
    expected: f64,
}

/// One hidden neuron.
#[derive(Debug, Clone, PartialEq)]
struct Neuron {
    /// The first feature that it reads; a member of several networks side by side reads only its own.
    from: usize,
    /// Weights of the features from there on.
    weights: Vec<f64>,
    bias: f64,
    slope: f64,
}

/// The most slots that a batch may ask for.
const SLOTS: usize = 1 << 20;

/// Length of the sentinel sentence's features.
const LENGTH: f64 = 1.0;

impl Throughput {
    /// The program of a model.
    ///
    /// # Errors
    ///
    /// When the sentinel cannot be computed, which a valid model gives no reason for.
    pub fn new(model: &Model) -> Result<Self, Error> {
        Self::of(model.head(), model.about().sentinel)
    }

    /// The program of a head, with the sentinel of this seed.
    ///
    /// # Errors
    ///
    /// As [`Throughput::new`].
    pub fn of(head: &Head, seed: u64) -> Result<Self, Error> {
        let sentinel = sentence(seed, head.features(), LENGTH);
        let expected = head.soften(head.values(&sentinel)?.logit);
        let parts = head.parts();
        let neuron = |((weights, bias), &slope): ((&[f64], f64), &f64)| {
            let from = weights.iter().position(|&w| w != 0.0).unwrap_or(0);
            let to = weights.iter().rposition(|&w| w != 0.0).map_or(1, |last| last + 1);
            Neuron { from, weights: weights.get(from..to).unwrap_or(weights).to_vec(), bias, slope }
        };
        let hidden = parts.hidden.iter().zip(parts.activation.slope()).map(neuron).collect();
        let (output, bias) = head.unit_row();
        // The activation's constants cost nothing: they go into the bias of the layer behind it.
        let constants: f64 = output.iter().zip(parts.activation.offset()).map(|(w, c)| w * c).sum();
        let polynomial = head.unit_polynomial();
        Ok(Self { hidden, output, output_bias: bias + constants, polynomial, sentinel, expected })
    }

    /// Features, and so ciphertexts of one batch.
    #[must_use]
    pub const fn features(&self) -> usize {
        self.sentinel.len()
    }

    /// The slots of every ciphertext, feature after feature. Slots without a sentence hold zeros.
    ///
    /// # Errors
    ///
    /// When there is no sentence or more than `slots` - 1, or one has not as many features as the model reads.
    pub fn pack_batch(&self, sentences: &[Vec<f64>], slots: usize) -> Result<Vec<Vec<f64>>, Error> {
        within("slots", slots, 2, SLOTS)?;
        if sentences.is_empty() || sentences.len() >= slots {
            return Err(Error::Batch { have: sentences.len(), most: slots - 1 });
        }
        let need = self.features();
        if let Some(bad) = sentences.iter().find(|s| s.len() != need) {
            return Err(Error::Shape { what: "the feature vector", have: bad.len(), need });
        }
        let column = |f: usize| {
            let mut out: Vec<f64> = sentences.iter().map(|s| s.get(f).copied().unwrap_or(0.0)).collect();
            out.resize(slots - 1, 0.0);
            out.extend(self.sentinel.get(f));
            out
        };
        Ok((0..need).map(column).collect())
    }

    /// The head, on hidden values. **Cost**: 3 levels and those of the polynomial; no rotation, no Galois key.
    ///
    /// # Errors
    ///
    /// When there are not as many ciphertexts as features, or whatever the operations refuse.
    pub fn run<B: Arith>(&self, ops: &B, xs: &[B::Ct]) -> Result<B::Ct, Failure<B::Error>> {
        if xs.len() != self.features() {
            return Err(Failure::Inputs { need: self.features(), have: xs.len() });
        }
        let activate = |n: &Neuron| {
            let own = xs.get(n.from..n.from + n.weights.len()).unwrap_or(xs);
            let z = ops.combine(own, &n.weights, n.bias)?;
            ops.mul(&z, &ops.add_scalar(&z, n.slope)?)
        };
        let activations: Result<Vec<_>, B::Error> = self.hidden.iter().map(activate).collect();
        let t = ops.combine(&activations?, &self.output, self.output_bias)?;
        Ok(ops.poly(&t, &self.polynomial)?)
    }

    /// The probabilities of class 1 of the first `count` sentences, from all slots of a result.
    ///
    /// # Errors
    ///
    /// When the sentinel has moved or a probability is out of range.
    pub fn unpack_batch(&self, slots: &[f64], count: usize) -> Result<Vec<f64>, SentinelError> {
        match slots.split_last() {
            Some((&last, sentences)) if sentences.len() >= count => {
                unmoved(last, self.expected)?;
                sentences.iter().take(count).enumerate().map(|(i, &v)| probability(i, v)).collect()
            }
            Some(_) | None => Err(SentinelError::Slots { have: slots.len(), need: count.saturating_add(1) }),
        }
    }

    /// Operations and levels, found by running the program on nothing.
    ///
    /// # Errors
    ///
    /// When the tracer refuses, which it has no reason to.
    pub fn trace(&self) -> Result<Trace, Error> {
        let tracer = Tracer::unlimited(2)?;
        let inputs = vec![tracer.input(); self.features()];
        match self.run(&tracer, &inputs) {
            Ok(result) => Ok(tracer.trace(&[result])),
            Err(Failure::Operation(source)) => Err(Error::Circuit { source }),
            Err(Failure::Inputs { need, have }) => {
                Err(Error::Shape { what: "the list of inputs", have, need })
            }
        }
    }

    /// Levels that fresh inputs need.
    ///
    /// # Errors
    ///
    /// As [`Throughput::trace`].
    pub fn depth(&self) -> Result<u32, Error> {
        Ok(self.trace()?.depth)
    }
}

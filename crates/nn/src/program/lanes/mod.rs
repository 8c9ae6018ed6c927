//! One text per ciphertext, one token per lane: a transformer.
//!
//! See `docs/transformer.md` for the layout and what every step costs.

mod attention;
mod layer;
mod layout;

use arras_approx::Polynomial;
use arras_circuits::{Pairs, Trace, Tracer};

use crate::Error;
use crate::lexicon::within;
use crate::sentinel::{SentinelError, probability, unmoved};
use crate::transformer::{Embedded, Transformer};
use layer::{Full, GAINS, Last};
use layout::Layout;

/// A transformer over one ciphertext that holds the tokens of one text.
///
/// The input is a pair: features, and one over the number of tokens, both zero in empty lanes. What other parts of an empty lane
/// hold later on is of no account, as its values are multiplied by that zero before they are weighed. The result is a pair, the
/// same in every slot: the probability of class 1, and the polynomial's input, by which the owner of the key sees whether the
/// probability is one.
#[derive(Debug, Clone, PartialEq)]
pub struct Lanes {
    model: Transformer,
    layout: Layout,
    layers: Vec<Full>,
    last: Last,
    polynomial: Polynomial,
}

/// What a fresh pair is multiplied by when it is taken apart.
const DOUBLED: f64 = 2.0;

impl Lanes {
    /// The program of a transformer.
    ///
    /// # Errors
    ///
    /// When the matrices cannot be laid out, which a valid transformer gives no reason for.
    pub fn new(model: Transformer) -> Result<Self, Error> {
        let parts = model.parts();
        let layout = Layout::new(&parts.shape);
        let Some((last, below)) = parts.layers.split_last() else {
            return Err(Error::Size { what: "layers", have: 0, least: 1, most: crate::transformer::LAYERS });
        };
        Ok(Self {
            layout,
            layers: below.iter().map(|layer| Full::new(layout, layer)).collect::<Result<_, _>>()?,
            last: Last::new(layout, last, &parts.classifier)?,
            polynomial: parts.classifier.polynomial.on_unit().0,
            model,
        })
    }

    /// The transformer.
    #[must_use]
    pub const fn model(&self) -> &Transformer {
        &self.model
    }

    /// Slots of a vector; a backend has as many.
    #[must_use]
    pub const fn slots(&self) -> usize {
        self.layout.slots()
    }

    /// The two halves of an input, slot by slot.
    ///
    /// # Errors
    ///
    /// When the text has no token, more than there are lanes, or features of another width.
    pub fn pack(&self, text: &Embedded) -> Result<[Vec<f64>; 2], Error> {
        let shape = self.model.shape();
        within("tokens", text.tokens, 1, shape.lanes)?;
        let (have, need) = (text.values.len(), text.tokens * shape.width);
        if have != need {
            return Err(Error::Shape { what: "the features of the tokens", have, need });
        }
        let features: Vec<f64> = text.values.iter().map(|value| value * GAINS.features / DOUBLED).collect();
        let share = GAINS.share / DOUBLED / text.tokens as f64;
        let present = text.tokens * self.layout.period();
        let shares = (0..self.slots()).map(|slot| if slot < present { share } else { 0.0 });
        Ok([self.layout.repeat(&features), shares.collect()])
    }

    /// The transformer, on hidden values.
    ///
    /// **Cost**: seven levels for each layer, one more for the last, and those of the polynomial.
    ///
    /// # Errors
    ///
    /// Whatever the operations refuse: too few levels, a missing key.
    pub fn run<B: Pairs>(&self, ops: &B, input: &B::Pair) -> Result<B::Pair, B::Error> {
        let [mut x, share] = ops.twice_parts(input)?;
        for layer in &self.layers {
            x = layer.run(ops, &x, &share)?;
        }
        let logit = self.last.run(ops, &x, &share)?;
        ops.pair(&ops.poly(&logit, &self.polynomial)?, &logit)
    }

    /// The probability of class 1 from both parts of a result: the mean over the slots, in which noise is less than in each.
    ///
    /// # Errors
    ///
    /// When slots differ, the probability is not the polynomial of its input, or the input is outside its domain.
    pub fn unpack(&self, parts: [&[f64]; 2]) -> Result<f64, SentinelError> {
        let [value, logit] = parts.map(|part| part.iter().sum::<f64>() / part.len() as f64);
        for (part, mean) in parts.into_iter().zip([value, logit]) {
            if part.len() != self.slots() {
                return Err(SentinelError::Slots { have: part.len(), need: self.slots() });
            }
            part.iter().try_for_each(|&have| unmoved(have, mean))?;
        }
        if logit.abs() > 1.0 {
            return Err(SentinelError::Range { sentence: 0, have: value });
        }
        unmoved(value, self.polynomial.eval(logit))?;
        probability(0, value)
    }

    /// Operations, levels and keys, found by running the program on nothing.
    ///
    /// # Errors
    ///
    /// When the tracer refuses, which it has no reason to.
    pub fn trace(&self) -> Result<Trace, Error> {
        let tracer = Tracer::unlimited(self.slots())?;
        let result = self.run(&tracer, &tracer.input())?;
        Ok(tracer.trace(&[result]))
    }

    /// Levels that a fresh input needs.
    ///
    /// # Errors
    ///
    /// As [`Lanes::trace`].
    pub fn depth(&self) -> Result<u32, Error> {
        Ok(self.trace()?.depth)
    }
}

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
use crate::sentinel::{SentinelError, TOLERANCE, probability, unmoved};
use crate::transformer::{Embedded, Transformer, reach};
use layer::{Full, Gains, Last, SHARE};
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
    gains: Gains,
    layers: Vec<Full>,
    last: Last,
    polynomial: Polynomial,
    /// How far from zero the input of the polynomial may be: as far as the model's file certifies.
    certified: f64,
}

/// How far a text has come, for whoever measures what is inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The features that the client sealed.
    Input,
    /// The features behind a layer, counted from zero. The last one is not among them: its features are never made.
    Layer(usize),
    /// The input of the logistic polynomial, behind the last layer and the classifier.
    Logit,
    /// The answer.
    Probability,
}

/// What a pair is multiplied by when it is taken apart.
const DOUBLED: f64 = 2.0;

/// What features in one block are multiplied by: they need no refresh, which would hold them to [-1, 1].
const FREE: f64 = 8.0;

/// Slots of the largest ring that a transformer runs in.
const SLOTS: usize = 1 << 15;

/// How much wider features may be than the range that was measured.
const MARGIN: f64 = 1.25;

impl Lanes {
    /// The program of a transformer, in one block of at most 2^15 slots or in two.
    ///
    /// # Errors
    ///
    /// [`Error::NoRanges`] when the ranges of the transformer were not measured.
    pub fn new(model: Transformer) -> Result<Self, Error> {
        Self::within(model, SLOTS)
    }

    /// The same, in one block if it fits this many slots.
    ///
    /// # Errors
    ///
    /// As [`Lanes::new`].
    pub fn within(model: Transformer, slots: usize) -> Result<Self, Error> {
        let parts = model.parts();
        let end = parts.classifier.polynomial.domain().1;
        let layout = Layout::new(&parts.shape, slots);
        let ranges = model.ranges()?;
        let gains = match layout.blocks {
            1 => Gains { read: FREE, left: FREE },
            _ => {
                let left = 1.0 / (MARGIN * ranges.widest_features());
                Gains { read: DOUBLED * left, left }
            }
        };
        let Some((last, below)) = parts.layers.split_last() else {
            return Err(Error::Size { what: "layers", have: 0, least: 1, most: crate::transformer::LAYERS });
        };
        Ok(Self {
            layout,
            gains,
            layers: below.iter().map(|layer| Full::new(layout, layer, gains)).collect::<Result<_, _>>()?,
            last: Last::new(layout, last, &parts.classifier, gains.read)?,
            polynomial: parts.classifier.polynomial.on_unit().0,
            certified: (reach(model.ranges()?.logit) / end).min(1.0),
            model,
        })
    }

    /// The transformer.
    #[must_use]
    pub const fn model(&self) -> &Transformer {
        &self.model
    }

    /// Whether features between layers are held to [-1, 1], so that they can be refreshed there.
    #[must_use]
    pub fn is_refreshable(&self) -> bool {
        self.layout.blocks > 1
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
        let gain = self.gains.read / DOUBLED;
        let features: Vec<f64> = text.values.iter().map(|value| value * gain).collect();
        let share = SHARE / DOUBLED / text.tokens as f64;
        let mut blocks = self.layout.repeat(&features).into_iter();
        let (mut first, second) = (blocks.next().unwrap_or_default(), blocks.next());
        let lanes = |slots: usize| {
            (0..slots).map(|slot| if slot / self.layout.period() < text.tokens { share } else { 0.0 })
        };
        if let Some(second) = second {
            for (slot, share) in lanes(first.len()).enumerate() {
                if self.layout.spare().contains(&(slot % self.layout.period())) {
                    first.iter_mut().skip(slot).take(1).for_each(|value| *value = share);
                }
            }
            return Ok([first, second]);
        }
        let shares = lanes(first.len()).collect();
        Ok([first, shares])
    }

    /// The transformer, on hidden values.
    ///
    /// **Cost**: seven levels for each layer, one more for the last, and those of the polynomial; between
    /// layers there are points.
    ///
    /// # Errors
    ///
    /// Whatever the operations refuse: too few levels, a missing key.
    pub fn run<B: Pairs>(&self, ops: &B, input: &B::Pair) -> Result<B::Pair, B::Error> {
        self.run_shown(ops, input, |_, _| Ok(()))
    }

    /// The same; `show` is given what each stage leaves, a vector for each block of features.
    ///
    /// # Errors
    ///
    /// As [`Lanes::run`], and what `show` refuses.
    pub fn run_shown<B: Pairs>(
        &self,
        ops: &B,
        input: &B::Pair,
        mut show: impl FnMut(Stage, &[B::Ct]) -> Result<(), B::Error>,
    ) -> Result<B::Pair, B::Error> {
        let [first, second] = ops.twice_parts(input)?;
        let (mut xs, share) = match self.layout.blocks {
            1 => (vec![first], second),
            _ => {
                let share = self.share(ops, &first)?;
                (vec![first, second], share)
            }
        };
        show(Stage::Input, &xs)?;
        for (at, layer) in self.layers.iter().enumerate() {
            xs = self.between(ops, layer.run(ops, &xs, &share)?)?;
            show(Stage::Layer(at), &xs)?;
        }
        let logit = self.last.run(ops, &xs, &share)?;
        show(Stage::Logit, std::slice::from_ref(&logit))?;
        let value = ops.poly(&logit, &self.polynomial)?;
        show(Stage::Probability, std::slice::from_ref(&value))?;
        ops.pair(&value, &logit)
    }

    /// What [`Lanes::run_shown`] shows at a stage, from the slots of its vectors, in the units of the model: a row of features for
    /// each of so many tokens, or the logit or the probability once for every slot.
    #[must_use]
    pub fn inside(&self, stage: Stage, shown: &[Vec<f64>], tokens: usize) -> Vec<f64> {
        match stage {
            Stage::Input | Stage::Layer(_) => {
                let features = self.layout.features(shown, tokens);
                features.into_iter().map(|x| x / self.gains.read).collect()
            }
            Stage::Logit => {
                let end = self.model.parts().classifier.polynomial.domain().1;
                shown.iter().flatten().map(|x| x * end).collect()
            }
            Stage::Probability => shown.concat(),
        }
    }

    /// What an exact server would have there; one number for a logit or a probability.
    ///
    /// # Errors
    ///
    /// As [`Transformer::values`].
    pub fn exact(&self, stage: Stage, text: &Embedded) -> Result<Vec<f64>, Error> {
        let values = self.model.values(&text.values)?;
        Ok(match stage {
            Stage::Input => text.values.clone(),
            Stage::Layer(at) => {
                values.layers.into_iter().nth(at).map(|layer| layer.output).unwrap_or_default()
            }
            Stage::Logit => vec![values.logit],
            Stage::Probability => vec![self.model.parts().classifier.polynomial.eval(values.logit)],
        })
    }

    /// One over the number of tokens in all slots of each lane, of features with spare slots that hold it.
    fn share<B: Pairs>(&self, ops: &B, first: &B::Ct) -> Result<B::Ct, B::Error> {
        let spare = self.layout.spare();
        let mask: Vec<f64> =
            (0..self.layout.period()).map(|slot| if spare.contains(&slot) { 1.0 } else { 0.0 }).collect();
        ops.fold(first, &mask, &self.layout.spare_folds())
    }

    /// What a layer left, as the next one reads it. Two blocks are one pair at the point.
    fn between<B: Pairs>(&self, ops: &B, xs: Vec<B::Ct>) -> Result<Vec<B::Ct>, B::Error> {
        match xs.as_slice() {
            [a, b] => Ok(ops.twice_parts(&ops.point_pair(&ops.pair(a, b)?)?)?.into()),
            _ => xs.iter().map(|x| ops.point(x)).collect(),
        }
    }

    /// The probability of class 1 from both parts of a result: the mean over the slots, in which noise is less than in each.
    ///
    /// # Errors
    ///
    /// When slots differ, the probability is not the polynomial of its input, or the input is beyond the range that the model
    /// certifies, and so beyond all that training has seen.
    pub fn unpack(&self, parts: [&[f64]; 2]) -> Result<f64, SentinelError> {
        let [value, logit] = parts.map(|part| part.iter().sum::<f64>() / part.len() as f64);
        for (part, mean) in parts.into_iter().zip([value, logit]) {
            if part.len() != self.slots() {
                return Err(SentinelError::Slots { have: part.len(), need: self.slots() });
            }
            part.iter().try_for_each(|&have| unmoved(have, mean))?;
        }
        if logit.abs() > 1.0 {
            return Err(SentinelError::Range { sentence: 0 });
        }
        unmoved(value, self.polynomial.eval(logit))?;
        // Noise may carry a text at the very end across it.
        if logit.abs() > self.certified + TOLERANCE {
            return Err(SentinelError::Uncertified);
        }
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

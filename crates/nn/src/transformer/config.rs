//! The sizes of a transformer, and the ranges of the values inside it.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::encoder::{FEATURES, in_range};
use crate::head::SIDE;
use crate::lexicon::within;
use crate::model::Span;

use super::model::Values;

/// The most layers.
pub const LAYERS: usize = 48;

/// The most token lanes.
pub const LANES: usize = 512;

/// The sizes of a transformer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Layers.
    pub layers: usize,
    /// Features of one token.
    pub width: usize,
    /// Attention heads: feature e * heads + h of a query, key or value belongs to head h.
    pub heads: usize,
    /// Hidden neurons of one layer.
    pub hidden: usize,
    /// Token lanes, with the first and the last mark: every text fills as many, so its length stays hidden.
    pub lanes: usize,
}

impl Shape {
    /// Accepts sizes that this version reads and that fit each other.
    pub(crate) fn check(&self) -> Result<(), Error> {
        within("layers", self.layers, 1, LAYERS)?;
        within("features of a token", self.width, 1, FEATURES)?;
        within("heads", self.heads, 1, self.width)?;
        within("hidden neurons", self.hidden, 1, SIDE)?;
        within("token lanes", self.lanes, 3, LANES)?;
        let rest = self.width % self.heads;
        if rest == 0 {
            return Ok(());
        }
        let need = self.width - rest;
        Err(Error::Shape { what: "the features of all heads together", have: self.width, need })
    }
}

/// The least and largest values inside one layer, over the texts that it was measured on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerRanges {
    /// Queries, with their bias.
    pub query: Span,
    /// Keys, with their bias.
    pub key: Span,
    /// Values, with their bias, divided by the number of tokens.
    pub value: Span,
    /// What is squared to a weight: query times key plus the shift of the head.
    pub score: Span,
    /// Sums of weighted values.
    pub mixed: Span,
    /// The residual stream between attention and hidden layer.
    pub middle: Span,
    /// Hidden values before they are squared.
    pub hidden: Span,
    /// The residual stream behind the layer, in lanes without token too.
    pub output: Span,
}

impl LayerRanges {
    /// The ranges of nothing.
    #[must_use]
    pub const fn empty() -> Self {
        let e = Span::empty();
        Self { query: e, key: e, value: e, score: e, mixed: e, middle: e, hidden: e, output: e }
    }

    /// The ranges with their names.
    #[must_use]
    pub const fn named(&self) -> [(&'static str, Span); 8] {
        [
            ("a query", self.query),
            ("a key", self.key),
            ("a value", self.value),
            ("a score", self.score),
            ("a mixed value", self.mixed),
            ("a feature behind the attention", self.middle),
            ("a hidden value", self.hidden),
            ("a feature", self.output),
        ]
    }
}

/// The least and largest values inside a transformer, over the texts that it was measured on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ranges {
    /// Embedded tokens: what the client encrypts.
    pub embedded: Span,
    /// The layers, in order; the last one at the first lane alone.
    pub layers: Vec<LayerRanges>,
    /// Logit differences over the temperature: inputs of the logistic polynomial.
    pub logit: Span,
}

/// The least half of the range of a logistic polynomial.
const REACH: f64 = 2.0;

/// How far from zero logits of this range reach: where a logistic polynomial is certified, on both sides.
#[must_use]
pub fn reach(logits: Span) -> f64 {
    logits.high.max(-logits.low).max(REACH)
}

impl Ranges {
    /// The ranges of nothing.
    #[must_use]
    pub fn empty(layers: usize) -> Self {
        Self { embedded: Span::empty(), layers: vec![LayerRanges::empty(); layers], logit: Span::empty() }
    }

    /// How far from zero a feature is at most where layers begin and end.
    #[must_use]
    pub fn widest_features(&self) -> f64 {
        let spans = self.layers.iter().map(|layer| layer.output).chain([self.embedded]);
        spans.fold(0.0, |widest, span| span.high.max(-span.low).max(widest))
    }

    /// Widens the ranges to hold the values of one more text.
    pub fn widen(&mut self, features: &[f64], values: &Values) {
        self.embedded.widen(features.iter().copied());
        for (range, layer) in self.layers.iter_mut().zip(&values.layers) {
            let pairs = [
                (&mut range.query, &layer.query),
                (&mut range.key, &layer.key),
                (&mut range.value, &layer.value),
                (&mut range.score, &layer.score),
                (&mut range.mixed, &layer.mixed),
                (&mut range.middle, &layer.middle),
                (&mut range.hidden, &layer.hidden),
                (&mut range.output, &layer.output),
            ];
            for (span, values) in pairs {
                span.widen(values.iter().copied());
            }
            range.output.widen(layer.empty.iter().copied());
        }
        self.logit.widen([values.logit]);
    }

    /// Accepts finite ranges of as many layers.
    pub(crate) fn check(&self, layers: usize) -> Result<(), Error> {
        if self.layers.len() != layers {
            return Err(Error::Shape { what: "the list of ranges", have: self.layers.len(), need: layers });
        }
        let inner = self.layers.iter().flat_map(|layer| layer.named().map(|(_, span)| span));
        for (at, span) in inner.chain([self.embedded, self.logit]).enumerate() {
            in_range("the low end of a range", at, span.low, -1e6, 1e6)?;
            in_range("the high end of a range", at, span.high, span.low, 1e6)?;
        }
        // Features are divided by it where they are refreshed.
        in_range("the widest feature of all ranges", 0, self.widest_features(), 1e-6, 1e6)
    }
}

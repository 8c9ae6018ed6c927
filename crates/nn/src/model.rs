//! A classifier of texts: an [`Encoder`] for the client, a [`Head`] for the server, and what is known about both.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::encoder::{Encoder, Features, in_range};
use crate::head::{Head, logistic};
use crate::lexicon::within;
use crate::metrics::positive;

/// The most figures a model carries.
pub const FIGURES: usize = 64;

/// The longest label or name of a figure, in bytes.
pub const NAME: usize = 64;

/// The least and the largest value seen somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// The least.
    pub low: f64,
    /// The largest.
    pub high: f64,
}

impl Span {
    /// The span of nothing, which every value widens.
    #[must_use]
    pub const fn empty() -> Self {
        Self { low: f64::INFINITY, high: f64::NEG_INFINITY }
    }

    /// Widens the span to hold these values.
    pub fn widen(&mut self, values: impl IntoIterator<Item = f64>) {
        for v in values {
            self.low = self.low.min(v);
            self.high = self.high.max(v);
        }
    }
}

/// What went into every nonlinearity over the whole training set.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ranges {
    /// Single features.
    pub feature: Span,
    /// Hidden values: inputs of the quadratics.
    pub hidden: Span,
    /// Activations.
    pub activation: Span,
    /// Logit differences over temperature: inputs of the logistic polynomial.
    pub logit: Span,
}

impl Ranges {
    /// The ranges of nothing.
    #[must_use]
    pub const fn empty() -> Self {
        Self {
            feature: Span::empty(),
            hidden: Span::empty(),
            activation: Span::empty(),
            logit: Span::empty(),
        }
    }
}

/// What is known about a model besides its numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct About {
    /// Names of class 0 and class 1.
    pub labels: [String; 2],
    /// Ranges over the training set.
    pub ranges: Ranges,
    /// Figures of the training run, by name.
    pub figures: BTreeMap<String, f64>,
    /// Seed of the sentinel: the values that travel along and prove a result whole.
    pub sentinel: u64,
}

/// A probability of class 1 and the class that it says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// Probability of class 1.
    pub probability: f64,
    /// The class: 0 or 1.
    pub label: usize,
}

impl Prediction {
    /// The prediction of this probability of class 1.
    #[must_use]
    pub fn of(probability: f64) -> Self {
        Self { probability, label: usize::from(positive(probability)) }
    }
}

/// A classifier of texts, valid by construction.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    encoder: Encoder,
    head: Head,
    about: About,
}

impl Model {
    /// A model of halves that fit each other.
    ///
    /// # Errors
    ///
    /// When the encoder gives another number of features than the head reads, or a name or number in `about` makes no sense.
    pub fn new(encoder: Encoder, head: Head, about: About) -> Result<Self, Error> {
        let (have, need) = (encoder.table().width(), head.features());
        if have != need {
            return Err(Error::Shape { what: "a row of the embedding table", have, need });
        }
        within("figures", about.figures.len(), 0, FIGURES)?;
        for name in about.labels.iter().chain(about.figures.keys()) {
            within("bytes of a name", name.len(), 1, NAME)?;
        }
        for (at, &figure) in about.figures.values().enumerate() {
            in_range("a figure", at, figure, f64::MIN, f64::MAX)?;
        }
        let ranges = [about.ranges.feature, about.ranges.hidden, about.ranges.activation, about.ranges.logit];
        for (at, span) in ranges.iter().enumerate() {
            in_range("the low end of a range", at, span.low, -1e6, 1e6)?;
            in_range("the high end of a range", at, span.high, span.low, 1e6)?;
        }
        Ok(Self { encoder, head, about })
    }

    /// The client's half.
    #[must_use]
    pub const fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    /// The server's half.
    #[must_use]
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// What is known about it.
    #[must_use]
    pub const fn about(&self) -> &About {
        &self.about
    }

    /// The name of a class.
    #[must_use]
    pub fn label(&self, prediction: &Prediction) -> &str {
        self.about.labels.get(prediction.label).map_or("", String::as_str)
    }

    /// The features of a text: what the client encrypts.
    ///
    /// # Errors
    ///
    /// [`Error::NoTokens`] when there is nothing to read.
    pub fn features(&self, text: &str) -> Result<Features, Error> {
        self.encoder.encode(text)
    }

    /// The prediction with the exact logistic function.
    ///
    /// # Errors
    ///
    /// When there are not as many features as the model reads.
    pub fn plain(&self, features: &[f64]) -> Result<Prediction, Error> {
        Ok(Prediction::of(logistic(self.head.values(features)?.logit)))
    }

    /// The prediction with the polynomial in place of the logistic function: what an exact server would answer.
    ///
    /// # Errors
    ///
    /// When there are not as many features as the model reads.
    pub fn polynomial(&self, features: &[f64]) -> Result<Prediction, Error> {
        Ok(Prediction::of(self.head.soften(self.head.values(features)?.logit)))
    }
}

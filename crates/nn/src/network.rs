//! A classifier of either kind, for those to whom the kind is nothing.

use crate::encoder::Features;
use crate::program::Lanes;
use crate::transformer::Embedded;
use crate::{Error, Mode, Model, Prediction};

/// A classifier of texts.
#[derive(Debug, Clone, Copy)]
pub enum Network<'a> {
    /// Features of a whole text, and a head over them.
    Words(&'a Model),
    /// Features of every token, and a transformer over them.
    Lanes(&'a Lanes),
}

/// What a client encrypts of a text.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// For [`Network::Words`].
    Words(Features),
    /// For [`Network::Lanes`].
    Lanes(Embedded),
}

impl Reading {
    /// Words or pieces that count, and those left out because the text is too long.
    #[must_use]
    pub const fn lengths(&self) -> (usize, usize) {
        match self {
            Self::Words(features) => (features.tokens, features.dropped),
            Self::Lanes(embedded) => (embedded.tokens, embedded.dropped),
        }
    }
}

impl<'a> From<&'a Model> for Network<'a> {
    fn from(model: &'a Model) -> Self {
        Self::Words(model)
    }
}

impl<'a> From<&'a Lanes> for Network<'a> {
    fn from(lanes: &'a Lanes) -> Self {
        Self::Lanes(lanes)
    }
}

impl<'a> Network<'a> {
    /// The packings that it has.
    #[must_use]
    pub const fn modes(self) -> &'static [Mode] {
        match self {
            Self::Words(_) => &[Mode::Latency, Mode::Throughput],
            Self::Lanes(_) => &[Mode::Latency],
        }
    }

    /// Reads a text. One that has more tokens than a transformer has lanes is cut off if `truncate` says so; a model of words
    /// always leaves out what is too much.
    ///
    /// # Errors
    ///
    /// [`Error::NoTokens`] when there is nothing to read, [`Error::TooLong`] when the text does not fit.
    pub fn read(self, text: &str, truncate: bool) -> Result<Reading, Error> {
        match self {
            Self::Words(model) => model.features(text).map(Reading::Words),
            Self::Lanes(lanes) => lanes.model().embed(text, truncate).map(Reading::Lanes),
        }
    }

    /// The input of the logistic function: the difference of the logits over the temperature.
    ///
    /// # Errors
    ///
    /// When the text was read for another network.
    pub fn logit(self, reading: &Reading) -> Result<f64, Error> {
        match (self, reading) {
            (Self::Words(model), Reading::Words(features)) => {
                Ok(model.head().values(&features.values)?.logit)
            }
            (Self::Lanes(lanes), Reading::Lanes(embedded)) => {
                Ok(lanes.model().values(&embedded.values)?.logit)
            }
            _ => Err(Error::OtherReading),
        }
    }

    /// What the difference of the logits is divided by.
    #[must_use]
    pub fn temperature(self) -> f64 {
        match self {
            Self::Words(model) => model.head().parts().temperature,
            Self::Lanes(lanes) => lanes.model().parts().classifier.temperature,
        }
    }

    /// The prediction with the exact logistic function.
    ///
    /// # Errors
    ///
    /// When the text was read for another network.
    pub fn plain(self, reading: &Reading) -> Result<Prediction, Error> {
        match (self, reading) {
            (Self::Words(model), Reading::Words(features)) => model.plain(&features.values),
            (Self::Lanes(lanes), Reading::Lanes(embedded)) => lanes.model().plain(&embedded.values),
            _ => Err(Error::OtherReading),
        }
    }

    /// The prediction with the polynomial in place of the logistic function: what an exact server would answer.
    ///
    /// # Errors
    ///
    /// When the text was read for another network.
    pub fn polynomial(self, reading: &Reading) -> Result<Prediction, Error> {
        match (self, reading) {
            (Self::Words(model), Reading::Words(features)) => model.polynomial(&features.values),
            (Self::Lanes(lanes), Reading::Lanes(embedded)) => lanes.model().polynomial(&embedded.values),
            _ => Err(Error::OtherReading),
        }
    }

    /// The name of a class.
    #[must_use]
    pub fn label(self, prediction: &Prediction) -> &'a str {
        match self {
            Self::Words(model) => model.label(prediction),
            Self::Lanes(lanes) => lanes.model().label(prediction),
        }
    }
}

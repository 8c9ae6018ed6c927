//! The parts of a transformer and what they compute, in plain numbers.

use std::collections::BTreeMap;

use arras_approx::Polynomial;

use crate::Error;
use crate::encoder::{Table, in_range};
use crate::head::{Linear, all_in_range, dot, logistic};
use crate::lexicon::within;
use crate::model::{FIGURES, NAME, Prediction};

use super::config::{Ranges, Shape};
use super::tokens::Vocabulary;

/// The client's half: rows of a table and positions, normalised token by token (Ba, Kiros, Hinton 2016).
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding {
    /// One row per piece of the vocabulary.
    pub table: Table,
    /// One row per lane, lane after lane.
    pub positions: Vec<f64>,
    /// What the normalised features are multiplied by.
    pub gain: Vec<f64>,
    /// What is then added.
    pub bias: Vec<f64>,
    /// What is added to the variance.
    pub epsilon: f64,
}

/// One layer of the server's half; see the module's table for what it computes.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// From features to queries, the root of the head's width folded in.
    pub query: Linear,
    /// From features to keys.
    pub key: Linear,
    /// From features to values, the attention's constant folded in.
    pub value: Linear,
    /// What each head adds to its scores.
    pub shift: Vec<f64>,
    /// From mixed values back to features.
    pub mix: Linear,
    /// What each feature is multiplied by on its way around the attention.
    pub around_attention: Vec<f64>,
    /// From features to hidden values.
    pub up: Linear,
    /// From squared hidden values to features.
    pub down: Linear,
    /// What each feature is multiplied by on its way around the hidden layer.
    pub around_hidden: Vec<f64>,
}

/// Two logits from the first lane, and the soft-argmax.
#[derive(Debug, Clone, PartialEq)]
pub struct Classifier {
    /// From features to the two logits.
    pub output: Linear,
    /// What the logits are divided by.
    pub temperature: f64,
    /// The polynomial in place of the logistic function, on an interval with zero in its middle.
    pub polynomial: Polynomial,
}

/// What is known about a transformer besides its numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct About {
    /// Names of class 0 and class 1.
    pub labels: [String; 2],
    /// Ranges over the training set, once they are measured.
    pub ranges: Option<Ranges>,
    /// Figures of the training run, by name.
    pub figures: BTreeMap<String, f64>,
    /// Seed of the sentinel: the values that travel along and prove a result whole.
    pub sentinel: u64,
}

/// The parts of a transformer.
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    /// Sizes.
    pub shape: Shape,
    /// From text to rows.
    pub vocabulary: Vocabulary,
    /// From rows to features.
    pub embedding: Embedding,
    /// The layers, in order.
    pub layers: Vec<Layer>,
    /// From features to a probability.
    pub classifier: Classifier,
    /// What else is known.
    pub about: About,
}

/// A transformer whose server half is a polynomial; valid by construction.
#[derive(Debug, Clone, PartialEq)]
pub struct Transformer(Parts);

/// What the client encrypts, and how the text was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedded {
    /// Features of the tokens, token after token: `tokens` times the width.
    pub values: Vec<f64>,
    /// Lanes that are present, with both marks.
    pub tokens: usize,
    /// Pieces left out because the text is longer than the lanes.
    pub dropped: usize,
    /// Words that the vocabulary cannot spell.
    pub unknown: usize,
}

/// The values inside one layer, row after row: a row per token, or one row where the layer runs for the first lane alone.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LayerValues {
    /// Queries: a row per lane that the layer runs for.
    pub query: Vec<f64>,
    /// Keys: a row per token.
    pub key: Vec<f64>,
    /// Values divided by the number of tokens: a row per token.
    pub value: Vec<f64>,
    /// What is squared: for every query row, token after token, the scores of all heads.
    pub score: Vec<f64>,
    /// Sums of weighted values.
    pub mixed: Vec<f64>,
    /// The residual stream between attention and hidden layer.
    pub middle: Vec<f64>,
    /// Hidden values before they are squared.
    pub hidden: Vec<f64>,
    /// The residual stream behind the layer.
    pub output: Vec<f64>,
    /// What a lane without token holds behind the layer, if there is one: nobody attends to it, but it is there.
    pub empty: Vec<f64>,
}

/// All values inside a transformer for one text.
#[derive(Debug, Clone, PartialEq)]
pub struct Values {
    /// The layers, in order; the last one for the first lane alone.
    pub layers: Vec<LayerValues>,
    /// (l_1 - l_0) / T: the input of the logistic function.
    pub logit: f64,
}

impl Transformer {
    /// A transformer of parts that fit each other.
    ///
    /// # Errors
    ///
    /// When sizes do not fit or a number is not finite or outside what makes sense.
    pub fn new(parts: Parts) -> Result<Self, Error> {
        let shape = parts.shape;
        shape.check()?;
        parts.embedding.check(&shape, parts.vocabulary.pieces().len())?;
        length("the list of layers", parts.layers.len(), shape.layers)?;
        parts.layers.iter().try_for_each(|layer| layer.check(&shape))?;
        parts.classifier.check(&shape)?;
        parts.about.check(&shape)?;
        Ok(Self(parts))
    }

    /// The parts.
    #[must_use]
    pub const fn parts(&self) -> &Parts {
        &self.0
    }

    /// The parts, to make another transformer of.
    #[must_use]
    pub fn into_parts(self) -> Parts {
        self.0
    }

    /// The sizes.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.0.shape
    }

    /// The ranges of the values inside.
    ///
    /// # Errors
    ///
    /// [`Error::NoRanges`] when they were not measured.
    pub fn ranges(&self) -> Result<&Ranges, Error> {
        self.0.about.ranges.as_ref().ok_or(Error::NoRanges)
    }

    /// The name of a class.
    #[must_use]
    pub fn label(&self, prediction: &Prediction) -> &str {
        self.0.about.labels.get(prediction.label).map_or("", String::as_str)
    }

    /// The features of a text's tokens: what the client encrypts. A text longer than the lanes is cut off if `truncate` says so.
    ///
    /// # Errors
    ///
    /// [`Error::NoTokens`] when there is nothing to read, [`Error::TooLong`] when the text does not fit.
    pub fn embed(&self, text: &str, truncate: bool) -> Result<Embedded, Error> {
        let lanes = self.0.shape.lanes;
        let read = self.0.vocabulary.read(text, lanes)?;
        if read.dropped > 0 && !truncate {
            return Err(Error::TooLong { have: read.rows.len() + read.dropped, most: lanes });
        }
        let values = self.0.embedding.apply(&read.rows);
        Ok(Embedded { values, tokens: read.rows.len(), dropped: read.dropped, unknown: read.unknown })
    }

    /// All values inside for the features of a text's tokens.
    ///
    /// **Cost**: 12 width^2 multiplications per token and layer, and 2 tokens^2 width for the attention.
    ///
    /// # Errors
    ///
    /// When the features are not those of 1 to `lanes` tokens.
    pub fn values(&self, features: &[f64]) -> Result<Values, Error> {
        let (width, lanes) = (self.0.shape.width, self.0.shape.lanes);
        let tokens = features.len() / width;
        within("tokens", tokens, 1, lanes)?;
        length("the features of the tokens", features.len(), tokens * width)?;
        let heads = self.0.shape.heads;
        let mut layers: Vec<LayerValues> = Vec::with_capacity(self.0.layers.len());
        let mut empty = if tokens < lanes.next_power_of_two() { vec![0.0; width] } else { Vec::new() };
        for (at, layer) in (1..).zip(&self.0.layers) {
            let input = layers.last().map_or(features, |below| below.output.as_slice());
            if at == self.0.layers.len() {
                layers.push(layer.apply(input, 1, heads));
                continue;
            }
            let mut values = layer.apply(input, tokens, heads);
            empty = layer.behind(&empty, values.key.clone(), values.value.clone(), heads).output;
            values.empty.clone_from(&empty);
            layers.push(values);
        }
        let top = layers.last().map_or(features, |below| below.output.as_slice());
        let logit = self.0.classifier.logit(top);
        Ok(Values { layers, logit })
    }

    /// The prediction with the exact logistic function.
    ///
    /// # Errors
    ///
    /// As [`Transformer::values`].
    pub fn plain(&self, features: &[f64]) -> Result<Prediction, Error> {
        Ok(Prediction::of(logistic(self.values(features)?.logit)))
    }

    /// The prediction with the polynomial in place of the logistic function: what an exact server would answer.
    ///
    /// # Errors
    ///
    /// As [`Transformer::values`].
    pub fn polynomial(&self, features: &[f64]) -> Result<Prediction, Error> {
        Ok(Prediction::of(self.0.classifier.polynomial.eval(self.values(features)?.logit)))
    }
}

impl Embedding {
    fn check(&self, shape: &Shape, pieces: usize) -> Result<(), Error> {
        length("a row of the embedding table", self.table.width(), shape.width)?;
        length("the list of embedding scales", self.table.rows(), pieces)?;
        length("the list of positions", self.positions.len(), shape.lanes * shape.width)?;
        length("the gain of the normalisation", self.gain.len(), shape.width)?;
        length("the bias of the normalisation", self.bias.len(), shape.width)?;
        all_in_range("a position", &self.positions)?;
        all_in_range("a gain", &self.gain)?;
        all_in_range("a bias", &self.bias)?;
        in_range("the epsilon of the normalisation", 0, self.epsilon, 1e-15, 1.0)
    }

    /// The features of these rows, row after row; a row that the table does not have counts as zero.
    #[must_use]
    pub fn apply(&self, rows: &[u32]) -> Vec<f64> {
        let width = self.table.width();
        let mut out = Vec::with_capacity(rows.len() * width);
        for (&row, position) in rows.iter().zip(self.positions.chunks_exact(width)) {
            let mut x = position.to_vec();
            if let Some(values) = self.table.row(row as usize) {
                x.iter_mut().zip(values).for_each(|(x, v)| *x += v);
            }
            let mean = x.iter().sum::<f64>() / width as f64;
            let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / width as f64;
            let scale = 1.0 / (variance + self.epsilon).sqrt();
            let affine = self.gain.iter().zip(&self.bias);
            out.extend(x.iter().zip(affine).map(|(x, (g, b))| (x - mean) * scale * g + b));
        }
        out
    }
}

impl Layer {
    fn check(&self, shape: &Shape) -> Result<(), Error> {
        let (d, m) = (shape.width, shape.hidden);
        let linear = [
            ("the query weights", &self.query, d, d),
            ("the key weights", &self.key, d, d),
            ("the value weights", &self.value, d, d),
            ("the mixing weights", &self.mix, d, d),
            ("the weights up to the hidden layer", &self.up, d, m),
            ("the weights down from the hidden layer", &self.down, m, d),
        ];
        for (what, layer, columns, rows) in linear {
            length(what, layer.columns() * layer.rows(), columns * rows)?;
            length(what, layer.rows(), rows)?;
        }
        length("the list of shifts", self.shift.len(), shape.heads)?;
        length("the factors around the attention", self.around_attention.len(), d)?;
        length("the factors around the hidden layer", self.around_hidden.len(), d)?;
        all_in_range("a shift", &self.shift)?;
        all_in_range("a factor around the attention", &self.around_attention)?;
        all_in_range("a factor around the hidden layer", &self.around_hidden)
    }

    /// The values inside for the features of all tokens, at the first `queries` of them.
    #[must_use]
    pub fn apply(&self, x: &[f64], queries: usize, heads: usize) -> LayerValues {
        let width = self.query.columns();
        let n = (x.len() / width).max(1) as f64;
        let seen = x.get(..queries * width).unwrap_or(x);
        let key = rows(&self.key, x);
        let value: Vec<f64> = rows(&self.value, x).iter().map(|v| v / n).collect();
        self.behind(seen, key, value, heads)
    }

    /// The values inside at the rows of `seen`, which attend to these keys and values.
    fn behind(&self, seen: &[f64], key: Vec<f64>, value: Vec<f64>, heads: usize) -> LayerValues {
        let query = rows(&self.query, seen);
        let (score, mixed) = self.attend(&query, &key, &value, heads);
        let middle = beside(&self.around_attention, seen, &rows(&self.mix, &mixed));
        let hidden = rows(&self.up, &middle);
        let squares: Vec<f64> = hidden.iter().map(|z| z * z).collect();
        let output = beside(&self.around_hidden, &middle, &rows(&self.down, &squares));
        LayerValues { query, key, value, score, mixed, middle, hidden, output, empty: Vec::new() }
    }

    /// The scores of all pairs, and the values weighted by their squares.
    fn attend(&self, query: &[f64], key: &[f64], value: &[f64], heads: usize) -> (Vec<f64>, Vec<f64>) {
        let width = self.query.rows();
        let (mut scores, mut mixed) = (Vec::new(), Vec::with_capacity(query.len()));
        for q in query.chunks_exact(width) {
            let mut sum = vec![0.0; width];
            for (k, v) in key.chunks_exact(width).zip(value.chunks_exact(width)) {
                let mut score = self.shift.clone();
                for (q, k) in q.chunks_exact(heads).zip(k.chunks_exact(heads)) {
                    score.iter_mut().zip(q.iter().zip(k)).for_each(|(s, (q, k))| *s += q * k);
                }
                for (sum, v) in sum.chunks_exact_mut(heads).zip(v.chunks_exact(heads)) {
                    sum.iter_mut().zip(v.iter().zip(&score)).for_each(|(sum, (v, s))| *sum += s * s * v);
                }
                scores.append(&mut score);
            }
            mixed.append(&mut sum);
        }
        (scores, mixed)
    }
}

impl Classifier {
    fn check(&self, shape: &Shape) -> Result<(), Error> {
        length("a row of the output layer", self.output.columns(), shape.width)?;
        length("the output layer", self.output.rows(), 2)?;
        in_range("the temperature", 0, self.temperature, 1e-3, 1e3)?;
        let (low, high) = self.polynomial.domain();
        if low == -high && high <= 1e3 { Ok(()) } else { Err(Error::Domain { low, high }) }
    }

    /// (l_1 - l_0) / T for the features of the first lane.
    #[must_use]
    pub fn logit(&self, x: &[f64]) -> f64 {
        let mut logits = self.output.iter().map(|(w, b)| dot(w, x) + b);
        let (zero, one) = (logits.next().unwrap_or(0.0), logits.next().unwrap_or(0.0));
        (one - zero) / self.temperature
    }
}

impl About {
    fn check(&self, shape: &Shape) -> Result<(), Error> {
        within("figures", self.figures.len(), 0, FIGURES)?;
        for name in self.labels.iter().chain(self.figures.keys()) {
            within("bytes of a name", name.len(), 1, NAME)?;
        }
        for (at, &figure) in self.figures.values().enumerate() {
            in_range("a figure", at, figure, f64::MIN, f64::MAX)?;
        }
        self.ranges.as_ref().map_or(Ok(()), |ranges| ranges.check(shape.layers))
    }
}

fn length(what: &'static str, have: usize, need: usize) -> Result<(), Error> {
    if have == need { Ok(()) } else { Err(Error::Shape { what, have, need }) }
}

/// A linear layer, row by row.
fn rows(layer: &Linear, x: &[f64]) -> Vec<f64> {
    let count = x.len() / layer.columns();
    let mut out = vec![0.0; count * layer.rows()];
    // Weights are read once for all rows of x, which are fewer and stay near.
    for (column, (weights, bias)) in layer.iter().enumerate() {
        let places = out.iter_mut().skip(column).step_by(layer.rows());
        for (place, x) in places.zip(x.chunks_exact(layer.columns())) {
            *place = dot(weights, x) + bias;
        }
    }
    out
}

/// factor * x + y, the factors repeated for every row.
fn beside(factors: &[f64], x: &[f64], y: &[f64]) -> Vec<f64> {
    factors.iter().cycle().zip(x.iter().zip(y)).map(|(g, (x, y))| g * x + y).collect()
}

//! Encoders of BERT's and DistilBERT's shape (Devlin et al. 2019; Sanh et al. 2019), and what they compute in plain numbers.
//!
//! ```text
//! x_i = norm(word + position + type)
//! a_i = sum_j softmax_j(q_i . k_j / sqrt(width / heads)) v_j      of each head alone: its features stand side by side
//! y_i = norm(x_i + Wo a_i + bo)
//! x'_i = norm(y_i + W2 gelu(W1 y_i + b1) + b2)
//! ```

use crate::Error;
use crate::head::{Linear, dot};
use crate::lexicon::within;

use super::tokens::Vocabulary;

/// A normalisation of the features of one token.
#[derive(Debug, Clone, PartialEq)]
pub struct Norm {
    /// What the normalised features are multiplied by.
    pub gain: Vec<f64>,
    /// What is then added.
    pub bias: Vec<f64>,
    /// What is added to the variance.
    pub epsilon: f64,
}

impl Norm {
    /// The normalised features.
    #[must_use]
    pub fn apply(&self, x: &[f64]) -> Vec<f64> {
        let n = x.len().max(1) as f64;
        let mean = x.iter().sum::<f64>() / n;
        let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
        let scale = 1.0 / (variance + self.epsilon).sqrt();
        x.iter().zip(self.gain.iter().zip(&self.bias)).map(|(x, (g, b))| (x - mean) * scale * g + b).collect()
    }
}

/// One layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// From features to queries.
    pub query: Linear,
    /// From features to keys.
    pub key: Linear,
    /// From features to values.
    pub value: Linear,
    /// From mixed values back to features.
    pub mix: Linear,
    /// The normalisation behind the attention.
    pub norm: Norm,
    /// From features to hidden values.
    pub up: Linear,
    /// From hidden values to features.
    pub down: Linear,
    /// The normalisation behind the layer.
    pub last_norm: Norm,
}

/// A pretrained encoder; made by [`Pretrained::read`] alone, so its parts fit each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Pretrained {
    pub(super) width: usize,
    pub(super) heads: usize,
    pub(super) vocabulary: Vocabulary,
    pub(super) words: Vec<f32>,
    pub(super) positions: Vec<f32>,
    pub(super) norm: Norm,
    pub(super) blocks: Vec<Block>,
    pub(super) classifier: Option<Linear>,
}

impl Pretrained {
    /// Features of a token.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Attention heads.
    #[must_use]
    pub const fn heads(&self) -> usize {
        self.heads
    }

    /// Pieces of words.
    #[must_use]
    pub const fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The embedding table, row after row.
    #[must_use]
    pub fn words(&self) -> &[f32] {
        &self.words
    }

    /// What is added at each position, the type of a single text included, row after row.
    #[must_use]
    pub fn positions(&self) -> &[f32] {
        &self.positions
    }

    /// The most tokens of a text.
    #[must_use]
    pub const fn lanes(&self) -> usize {
        self.positions.len() / self.width
    }

    /// The normalisation of embedded tokens.
    #[must_use]
    pub const fn norm(&self) -> &Norm {
        &self.norm
    }

    /// The layers, in order.
    #[must_use]
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// From the features of the first token to two logits, once it is tuned to a task.
    #[must_use]
    pub const fn classifier(&self) -> Option<&Linear> {
        self.classifier.as_ref()
    }

    /// The features of all tokens behind the embedding and behind every layer.
    ///
    /// **Cost**: 12 width^2 multiplications per token and layer for hidden layers four times as wide.
    ///
    /// # Errors
    ///
    /// When there is no token, more than positions, or a row that the table does not have.
    pub fn apply(&self, rows: &[u32]) -> Result<Vec<Vec<f64>>, Error> {
        within("tokens", rows.len(), 1, self.lanes())?;
        let mut embedded = Vec::with_capacity(rows.len() * self.width);
        for (&row, position) in rows.iter().zip(self.positions.chunks_exact(self.width)) {
            let at = row as usize;
            let most = self.vocabulary.pieces().len() - 1;
            let bad = || Error::Size { what: "row of the embedding table", have: at, least: 0, most };
            let word = self.words.chunks_exact(self.width).nth(at).ok_or_else(bad)?;
            let sum: Vec<f64> =
                word.iter().zip(position).map(|(w, p)| f64::from(*w) + f64::from(*p)).collect();
            embedded.extend(self.norm.apply(&sum));
        }
        let mut all = vec![embedded];
        for block in &self.blocks {
            if let Some(below) = all.last() {
                all.push(block.apply(below, self.heads));
            }
        }
        Ok(all)
    }

    /// The two logits of a text that is cut off behind `lanes` pieces.
    ///
    /// # Errors
    ///
    /// [`Error::NoClassifier`] when there is none; as [`Vocabulary::read`] and [`Pretrained::apply`].
    pub fn logits(&self, text: &str, lanes: usize) -> Result<[f64; 2], Error> {
        let classifier = self.classifier.as_ref().ok_or(Error::NoClassifier)?;
        let layers = self.apply(&self.vocabulary.read(text, lanes)?.rows)?;
        let first = layers.last().and_then(|top| top.get(..self.width)).unwrap_or_default();
        let mut logits = classifier.iter().map(|(w, b)| dot(w, first) + b);
        Ok([logits.next().unwrap_or(0.0), logits.next().unwrap_or(0.0)])
    }
}

impl Block {
    /// The features behind the layer for those of all tokens.
    fn apply(&self, x: &[f64], heads: usize) -> Vec<f64> {
        let width = self.query.columns();
        let rows =
            |layer: &Linear| -> Vec<f64> { x.chunks_exact(width).flat_map(|x| layer.apply(x)).collect() };
        let (query, key, value) = (rows(&self.query), rows(&self.key), rows(&self.value));
        let mut out = Vec::with_capacity(x.len());
        for (x, q) in x.chunks_exact(width).zip(query.chunks_exact(width)) {
            let mixed = attend(q, &key, &value, width / heads);
            let middle = self.norm.apply(&plus(x, &self.mix.apply(&mixed)));
            let hidden: Vec<f64> = self.up.apply(&middle).into_iter().map(gelu).collect();
            out.extend(self.last_norm.apply(&plus(&middle, &self.down.apply(&hidden))));
        }
        out
    }
}

/// The values mixed for one query, head by head.
fn attend(query: &[f64], key: &[f64], value: &[f64], each: usize) -> Vec<f64> {
    let width = query.len();
    let mut out = Vec::with_capacity(width);
    for (at, q) in (0..width).step_by(each).zip(query.chunks_exact(each)) {
        let own = |rows: &'_ [f64]| -> Vec<Vec<f64>> {
            rows.chunks_exact(width).filter_map(|row| row.get(at..at + each)).map(<[f64]>::to_vec).collect()
        };
        let scores: Vec<f64> = own(key).iter().map(|k| dot(q, k) / (each as f64).sqrt()).collect();
        let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = scores.iter().map(|s| (s - most).exp()).collect();
        let total: f64 = weights.iter().sum();
        let mut mixed = vec![0.0; each];
        for (weight, v) in weights.iter().zip(own(value)) {
            mixed.iter_mut().zip(v).for_each(|(m, v)| *m += weight / total * v);
        }
        out.append(&mut mixed);
    }
    out
}

fn plus(x: &[f64], y: &[f64]) -> Vec<f64> {
    x.iter().zip(y).map(|(x, y)| x + y).collect()
}

/// z times the normal distribution function at z (Hendrycks, Gimpel 2016).
fn gelu(z: f64) -> f64 {
    0.5 * z * (1.0 + erf(z * std::f64::consts::FRAC_1_SQRT_2))
}

/// The error function: its Taylor series near zero, its continued fraction beyond. **Error**: below 1e-12.
fn erf(x: f64) -> f64 {
    let t = x.abs();
    if t > 6.0 {
        return x.signum();
    }
    if t < 2.5 {
        let (mut term, mut sum) = (t, t);
        for n in 1..60 {
            term *= -t * t / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        return x.signum() * sum * std::f64::consts::FRAC_2_SQRT_PI;
    }
    let tail = (1..60).rev().fold(t, |fraction, n| t + 0.5 * f64::from(n) / fraction);
    x.signum() * (1.0 - (-t * t).exp() / (tail * std::f64::consts::PI.sqrt()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_error_function_at_known_points() {
        // Abramowitz, Stegun 1964, table 7.1.
        let known = [(0.5, 0.520_499_877_8), (1.0, 0.842_700_792_9), (2.0, 0.995_322_265_0)];
        for (x, y) in known {
            assert!((super::erf(x) - y).abs() < 1e-10 && (super::erf(-x) + y).abs() < 1e-10);
        }
        assert!((super::erf(2.5 - 1e-9) - super::erf(2.5 + 1e-9)).abs() < 1e-10);
    }
}

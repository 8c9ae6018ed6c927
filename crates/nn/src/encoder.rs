//! The client's half of a model: from text to a short vector of features, in the clear and with public tables.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::lexicon::{Entry, Lexicon, within};
use crate::text;

/// The most features a model may have.
pub const FEATURES: usize = 1024;

/// An embedding table in eight bits per number and one scale per row.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    width: usize,
    codes: Vec<i8>,
    scales: Vec<f32>,
}

impl Table {
    /// A table from its numbers: row i is scales[i] times codes[i * width..].
    ///
    /// # Errors
    ///
    /// When the lengths do not fit each other or a scale is negative or not finite.
    pub fn new(width: usize, codes: Vec<i8>, scales: Vec<f32>) -> Result<Self, Error> {
        within("features", width, 1, FEATURES)?;
        let need = scales.len().saturating_mul(width);
        if codes.len() != need {
            return Err(Error::Shape { what: "the embedding table", have: codes.len(), need });
        }
        for (at, &scale) in scales.iter().enumerate() {
            in_range("a scale of the embedding table", at, f64::from(scale), 0.0, 1e3)?;
        }
        Ok(Self { width, codes, scales })
    }

    /// Rounds full rows to eight bits. **Error**: at most half a scale, the largest number of the row over 254.
    ///
    /// # Errors
    ///
    /// As [`Table::new`].
    pub fn quantise(width: usize, rows: &[f32]) -> Result<Self, Error> {
        within("features", width, 1, FEATURES)?;
        let mut codes = Vec::with_capacity(rows.len());
        let mut scales = Vec::with_capacity(rows.len() / width);
        for row in rows.chunks_exact(width) {
            let scale = row.iter().fold(0.0f32, |m, w| m.max(w.abs())) / 127.0;
            scales.push(scale);
            codes.extend(row.iter().map(|w| if scale > 0.0 { (w / scale).round() as i8 } else { 0 }));
        }
        Self::new(width, codes, scales)
    }

    /// Numbers per row.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Number of rows.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.scales.len()
    }

    /// The eight-bit numbers, row after row.
    #[must_use]
    pub fn codes(&self) -> &[i8] {
        &self.codes
    }

    /// The scales of the rows.
    #[must_use]
    pub fn scales(&self) -> &[f32] {
        &self.scales
    }

    /// One row; nothing when the table does not have it.
    pub fn row(&self, at: usize) -> Option<impl Iterator<Item = f64>> {
        let codes = self.codes.chunks_exact(self.width).nth(at)?;
        let scale = f64::from(*self.scales.get(at)?);
        Some(codes.iter().map(move |&code| scale * f64::from(code)))
    }

    /// The weighted sum of rows; a row that the table does not have counts as zero.
    #[must_use]
    pub fn sum(&self, entries: &[Entry]) -> Vec<f64> {
        let mut sum = vec![0.0; self.width];
        for entry in entries {
            let at = entry.row as usize;
            let row = self.codes.get(at * self.width..(at + 1) * self.width);
            if let (Some(row), Some(&scale)) = (row, self.scales.get(at)) {
                let weight = f64::from(entry.weight) * f64::from(scale);
                for (s, &code) in sum.iter_mut().zip(row) {
                    *s += weight * f64::from(code);
                }
            }
        }
        sum
    }
}

/// How a sum of rows becomes features: divided by (number of tokens)^power, then scaled down to length `limit` if longer.
///
/// The limit makes the range of everything behind it a property of the model, whatever the text.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pooling {
    /// Power of the number of tokens.
    pub power: f64,
    /// The longest feature vector.
    pub limit: f64,
}

/// Features and how much of the text they speak for.
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    /// The features.
    pub values: Vec<f64>,
    /// Tokens read.
    pub tokens: usize,
    /// Tokens left out because the text is longer than [`text::TEXT_TOKENS`].
    pub dropped: usize,
    /// Tokens that are not in the vocabulary and count by their parts alone.
    pub unknown: usize,
}

/// The client's half of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoder {
    lexicon: Lexicon,
    table: Table,
    pooling: Pooling,
}

impl Encoder {
    /// An encoder of parts that fit each other.
    ///
    /// # Errors
    ///
    /// When the table has another number of rows than the lexicon addresses, or the pooling makes no sense.
    pub fn new(lexicon: Lexicon, table: Table, pooling: Pooling) -> Result<Self, Error> {
        let (have, need) = (table.rows(), lexicon.rows());
        if have != need {
            return Err(Error::Shape { what: "the list of embedding scales", have, need });
        }
        in_range("the pooling power", 0, pooling.power, 0.0, 1.0)?;
        in_range("the feature limit", 0, pooling.limit, 1e-3, 1e3)?;
        Ok(Self { lexicon, table, pooling })
    }

    /// The vocabulary.
    #[must_use]
    pub const fn lexicon(&self) -> &Lexicon {
        &self.lexicon
    }

    /// The embedding table.
    #[must_use]
    pub const fn table(&self) -> &Table {
        &self.table
    }

    /// How sums become features.
    #[must_use]
    pub const fn pooling(&self) -> Pooling {
        self.pooling
    }

    /// The features of tokens.
    #[must_use]
    pub fn features(&self, tokens: &[String]) -> Vec<f64> {
        let mut values = self.table.sum(&self.lexicon.entries(tokens));
        let scale = (tokens.len().max(1) as f64).powf(-self.pooling.power);
        let norm = scale * values.iter().map(|v| v * v).sum::<f64>().sqrt();
        let shrink = if norm > self.pooling.limit { self.pooling.limit / norm } else { 1.0 };
        for v in &mut values {
            *v *= scale * shrink;
        }
        values
    }

    /// The features of a text, and how it was read.
    ///
    /// # Errors
    ///
    /// [`Error::NoTokens`] when there is nothing to read.
    pub fn encode(&self, text: &str) -> Result<Features, Error> {
        let read = text::tokenise(text)?;
        let values = self.features(&read.tokens);
        let unknown = read.tokens.iter().filter(|t| self.lexicon.row(t).is_none()).count();
        Ok(Features { values, tokens: read.tokens.len(), dropped: read.dropped, unknown })
    }
}

/// Accepts a finite number from `low` to `high`.
pub(crate) fn in_range(what: &'static str, at: usize, value: f64, low: f64, high: f64) -> Result<(), Error> {
    if (low..=high).contains(&value) { Ok(()) } else { Err(Error::Value { what, at, value, low, high }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_to_eight_bits_costs_half_a_scale() {
        let rows = [0.3f32, -1.0, 0.017, 0.0, 0.0, 0.0];
        let table = Table::quantise(3, &rows).unwrap();
        let sum = table.sum(&[Entry { row: 0, weight: 1.0 }, Entry { row: 1, weight: 3.0 }]);
        for (x, y) in sum.iter().zip(&rows) {
            assert!((x - f64::from(*y)).abs() <= 0.5 / 127.0 + 1e-9);
        }
        assert_eq!(table.sum(&[Entry { row: 9, weight: 1.0 }]), [0.0; 3]);
    }

    #[test]
    fn features_stay_within_the_limit() {
        let lexicon = Lexicon::new(vec!["good".into()], 8).unwrap();
        let table = Table::quantise(2, &[1.0; 18]).unwrap();
        let encoder = Encoder::new(lexicon, table, Pooling { power: 0.5, limit: 1.5 }).unwrap();
        let few = encoder.encode("?").unwrap();
        assert_eq!((few.tokens, few.unknown), (1, 1));
        let many = encoder.encode(&"good ".repeat(600)).unwrap();
        assert_eq!((many.tokens, many.dropped, many.unknown), (512, 88, 0));
        let norm = many.values.iter().map(|v| v * v).sum::<f64>().sqrt();
        assert!((norm - 1.5).abs() < 1e-9);
    }
}

//! Networks as files, and the ranges of what is inside them.

use serde::{Deserialize, Serialize};

/// The widest layer.
pub const WIDTH: usize = 256;
/// The most layers.
pub const LAYERS: usize = 4;
/// The name of the format.
pub const FORMAT: &str = "arras-network";

/// What is wrong with a network, or with samples for it. Layers, rows and features are counted from 1.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// Text that is not of the format.
    #[error("this is no network ({0}): write it as docs/integers.md shows")]
    Json(#[from] serde_json::Error),
    /// Bytes that are no safetensors.
    #[error("this is no network ({0}): write it as docs/integers.md shows")]
    Safetensors(#[from] safetensors::SafeTensorError),
    /// A tensor that belongs to no layer.
    #[error("tensor {name:?} is no weight, bias or ranges of 32 or 64 bits")]
    Tensor {
        /// Its name.
        name: String,
    },
    /// A file of another format.
    #[error("this is no network: its format must be \"arras-network\"")]
    Format,
    /// Ranges that are missing or none.
    #[error(
        "feature {feature} has no range of finite numbers, the least first: state the ranges of the training samples"
    )]
    Range {
        /// Feature.
        feature: usize,
    },
    /// Layers that do not fit.
    #[error("layer {layer} does not fit: {reason}")]
    Layer {
        /// Layer.
        layer: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// Too few or too many layers.
    #[error("{layers} layers are not supported: use 1 to {most}")]
    Layers {
        /// Layers given.
        layers: usize,
        /// The most.
        most: usize,
    },
    /// Classes that do not fit the scores.
    #[error(
        "the number of classes is {classes}, and that of scores {scores}: give a score for each class, or one score for two classes"
    )]
    Classes {
        /// Classes given.
        classes: usize,
        /// Scores of the last layer.
        scores: usize,
    },
    /// A sample with too few or too many features.
    #[error(
        "row {row}: the number of values is {have}, and must be {need}, one for each feature of the network"
    )]
    Features {
        /// Row.
        row: usize,
        /// Features of the network.
        need: usize,
        /// Values given.
        have: usize,
    },
    /// A feature out of its range.
    #[error(
        "row {row}, feature {feature}: {value} is not in the range of the network, {low} to {high}: scores would mean nothing"
    )]
    OutOfRange {
        /// Row.
        row: usize,
        /// Feature.
        feature: usize,
        /// The value.
        value: f64,
        /// The least.
        low: f64,
        /// The largest.
        high: f64,
    },
}

/// The file, which anyone may write.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// `arras-network`.
    pub format: String,
    /// The least and the largest value of each feature.
    pub ranges: Vec<(f64, f64)>,
    /// The classes, numbers or words.
    pub classes: Vec<serde_json::Value>,
    /// The layers; a ReLU follows each but the last.
    pub layers: Vec<Layer>,
}

/// Weights and biases.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// For each neuron, a weight for each of its inputs.
    pub weights: Vec<Vec<f64>>,
    /// For each neuron, what is added.
    pub bias: Vec<f64>,
}

/// A network whose values all have known ranges.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "File", into = "File")]
pub struct Network {
    file: File,
    /// For each layer, the most that each of its neurons can be, before the ReLU, in size.
    most: Vec<Vec<f64>>,
}

impl TryFrom<File> for Network {
    type Error = NetworkError;

    fn try_from(file: File) -> Result<Self, NetworkError> {
        Self::new(file)
    }
}

impl From<Network> for File {
    fn from(network: Network) -> Self {
        network.file
    }
}

impl Network {
    /// The network in a text.
    ///
    /// # Errors
    /// Text that is no such network, or one that [`Network::new`] refuses.
    pub fn parse(text: &str) -> Result<Self, NetworkError> {
        Self::new(serde_json::from_str(text)?)
    }

    /// The network of a file.
    ///
    /// # Errors
    /// Missing ranges, layers that do not fit each other or the classes, or more than [`WIDTH`] and [`LAYERS`] allow.
    pub fn new(file: File) -> Result<Self, NetworkError> {
        if file.format != FORMAT {
            return Err(NetworkError::Format);
        }
        let fits = |(low, high): &(f64, f64)| low.is_finite() && high.is_finite() && low <= high;
        if let Some(feature) = file.ranges.iter().position(|range| !fits(range)) {
            return Err(NetworkError::Range { feature: feature + 1 });
        }
        if file.ranges.is_empty() {
            return Err(NetworkError::Range { feature: 1 });
        }
        if !(1..=LAYERS).contains(&file.layers.len()) {
            return Err(NetworkError::Layers { layers: file.layers.len(), most: LAYERS });
        }
        let mut ranges = file.ranges.clone();
        let mut most = Vec::with_capacity(file.layers.len());
        for (layer, Layer { weights, bias }) in (1..).zip(&file.layers) {
            let wrong = |reason| NetworkError::Layer { layer, reason };
            if ranges.is_empty() || ranges.len().max(bias.len()) > WIDTH || bias.is_empty() {
                return Err(wrong("layers are 1 to 256 wide, and there is a range for each feature"));
            }
            if weights.len() != bias.len() || weights.iter().any(|row| row.len() != ranges.len()) {
                return Err(wrong(
                    "each neuron needs a bias, and a weight for each feature or neuron before it",
                ));
            }
            let reached: Vec<(f64, f64)> =
                weights.iter().zip(bias).map(|(row, bias)| interval(row, *bias, &ranges)).collect();
            if !reached.iter().all(|(low, high)| low.is_finite() && high.is_finite()) {
                return Err(wrong("its weights are no finite numbers, or too large"));
            }
            most.push(reached.iter().map(|(low, high)| low.abs().max(high.abs()).max(TINY)).collect());
            ranges = reached.iter().map(|(low, high)| (low.max(0.0), high.max(0.0))).collect();
        }
        let (classes, scores) = (file.classes.len(), ranges.len());
        if classes != scores.max(2) {
            return Err(NetworkError::Classes { classes, scores });
        }
        Ok(Self { file, most })
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// For each layer, the most that each of its neurons can be, before the ReLU, in size.
    #[must_use]
    pub fn most(&self) -> &[Vec<f64>] {
        &self.most
    }

    /// Refuses samples that the network says nothing about.
    ///
    /// # Errors
    /// A number of features that is not the network's, or a value out of its range.
    pub fn check(&self, rows: &[Vec<f64>]) -> Result<(), NetworkError> {
        for (row, values) in (1..).zip(rows) {
            let (need, have) = (self.file.ranges.len(), values.len());
            if need != have {
                return Err(NetworkError::Features { row, need, have });
            }
            for (feature, (&value, &(low, high))) in (1..).zip(values.iter().zip(&self.file.ranges)) {
                if !(low..=high).contains(&value) {
                    return Err(NetworkError::OutOfRange { row, feature, value, low, high });
                }
            }
        }
        Ok(())
    }

    /// The scores of a sample, by the network itself.
    #[must_use]
    pub fn scores(&self, sample: &[f64]) -> Vec<f64> {
        let mut values = sample.to_vec();
        for (i, Layer { weights, bias }) in self.file.layers.iter().enumerate() {
            if i > 0 {
                values.iter_mut().for_each(|value| *value = value.max(0.0));
            }
            let dot = |row: &Vec<f64>| row.iter().zip(&values).map(|(w, x)| w * x).sum::<f64>();
            values = weights.iter().zip(bias).map(|(row, bias)| bias + dot(row)).collect();
        }
        values
    }

    /// The class by some scores: the largest, or of two classes the second where the only score is positive.
    #[must_use]
    pub fn class(scores: &[f64]) -> usize {
        if let [score] = scores {
            return usize::from(*score > 0.0);
        }
        let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        scores.iter().position(|score| *score >= most).unwrap_or_default()
    }
}

/// What a neuron is divided by that is always zero.
const TINY: f64 = 1e-30;

/// More than rounding changes a weighted sum by, in whatever order it is made, in parts of the sum of sizes.
const ROUNDING: f64 = 1e-12;

/// The range of a weighted sum.
fn interval(weights: &[f64], bias: f64, ranges: &[(f64, f64)]) -> (f64, f64) {
    let ends = |(w, (low, high)): (&f64, &(f64, f64))| ((w * low).min(w * high), (w * low).max(w * high));
    let all = weights.iter().zip(ranges).map(ends);
    let sizes = all.clone().map(|(low, high)| low.abs().max(high.abs())).sum::<f64>() + bias.abs();
    let (low, high) = all.fold((bias, bias), |sum, ends| (sum.0 + ends.0, sum.1 + ends.1));
    (low - ROUNDING * sizes, high + ROUNDING * sizes)
}

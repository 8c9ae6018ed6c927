//! The server's half of a model: a hidden layer, a quadratic per neuron, two logits, one soft-argmax.
//!
//! ```text
//! z = W1 x + b1        a_i = z_i (z_i + s_i) + c_i        l = W2 a + b2        p = P((l_1 - l_0) / T)
//! ```
//!
//! P is a polynomial near the logistic function 1 / (1 + e^-t), so the whole head is a polynomial in its input. For two classes
//! the soft-argmax sum_i i * softmax_i(l / T) is exactly that logistic function. The leading coefficient of every quadratic
//! is one, folded into W1 and W2: an activation costs one multiplication.

use arras_approx::Polynomial;

use crate::Error;
use crate::encoder::{FEATURES, in_range};
use crate::lexicon::within;

/// The most hidden neurons.
pub const HIDDEN: usize = 1024;

/// The most rows or columns of a linear layer.
pub const SIDE: usize = 4096;

/// The largest weight, bias or coefficient.
const WEIGHT: f64 = 1e3;

/// A linear layer: weights row after row, and one bias per row.
#[derive(Debug, Clone, PartialEq)]
pub struct Linear {
    columns: usize,
    weights: Vec<f64>,
    bias: Vec<f64>,
}

impl Linear {
    /// A layer from `columns` values to `bias.len()`.
    ///
    /// # Errors
    ///
    /// When the lengths do not fit, or a number is not finite or above 1000 in size.
    pub fn new(columns: usize, weights: Vec<f64>, bias: Vec<f64>) -> Result<Self, Error> {
        within("columns of a layer", columns, 1, SIDE)?;
        within("rows of a layer", bias.len(), 1, SIDE)?;
        let need = columns * bias.len();
        if weights.len() != need {
            return Err(Error::Shape { what: "the weights of a layer", have: weights.len(), need });
        }
        all_in_range("a weight", &weights)?;
        all_in_range("a bias", &bias)?;
        Ok(Self { columns, weights, bias })
    }

    /// Values in.
    #[must_use]
    pub const fn columns(&self) -> usize {
        self.columns
    }

    /// Values out.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.bias.len()
    }

    /// The weights of the rows, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[f64], f64)> {
        self.weights.chunks_exact(self.columns).zip(self.bias.iter().copied())
    }

    /// W x + b.
    #[must_use]
    pub fn apply(&self, x: &[f64]) -> Vec<f64> {
        self.iter().map(|(w, b)| dot(w, x) + b).collect()
    }
}

/// One quadratic z (z + slope_i) + offset_i per neuron.
#[derive(Debug, Clone, PartialEq)]
pub struct Quadratic {
    slope: Vec<f64>,
    offset: Vec<f64>,
}

impl Quadratic {
    /// Quadratics of these coefficients.
    ///
    /// # Errors
    ///
    /// When there are not as many slopes as offsets, or a number is not finite or above 1000 in size.
    pub fn new(slope: Vec<f64>, offset: Vec<f64>) -> Result<Self, Error> {
        let (have, need) = (offset.len(), slope.len());
        if have != need {
            return Err(Error::Shape { what: "the list of activation constants", have, need });
        }
        all_in_range("an activation slope", &slope)?;
        all_in_range("an activation constant", &offset)?;
        Ok(Self { slope, offset })
    }

    /// The linear coefficients.
    #[must_use]
    pub fn slope(&self) -> &[f64] {
        &self.slope
    }

    /// The constants.
    #[must_use]
    pub fn offset(&self) -> &[f64] {
        &self.offset
    }

    /// The activations of these values.
    #[must_use]
    pub fn apply(&self, z: &[f64]) -> Vec<f64> {
        z.iter().zip(&self.slope).zip(&self.offset).map(|((z, s), c)| z * (z + s) + c).collect()
    }
}

/// What is learned and fitted: the parts of a [`Head`].
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    /// From features to hidden values.
    pub hidden: Linear,
    /// The activation.
    pub activation: Quadratic,
    /// From activations to the two logits.
    pub output: Linear,
    /// What the logits are divided by.
    pub temperature: f64,
    /// The polynomial in place of the logistic function, on an interval with zero in its middle.
    pub polynomial: Polynomial,
}

/// The values inside the head for one input.
#[derive(Debug, Clone, PartialEq)]
pub struct Values {
    /// Hidden values: the inputs of the quadratics.
    pub hidden: Vec<f64>,
    /// Activations.
    pub activation: Vec<f64>,
    /// (l_1 - l_0) / T: the input of the logistic function.
    pub logit: f64,
}

/// The server's half of a model; valid by construction.
#[derive(Debug, Clone, PartialEq)]
pub struct Head(Parts);

impl Head {
    /// A head of parts that fit each other.
    ///
    /// # Errors
    ///
    /// When the sizes do not fit, there are not two logits, the temperature is not in [0.001, 1000], or the polynomial's domain
    /// is not centred on zero.
    pub fn new(parts: Parts) -> Result<Self, Error> {
        let h = parts.hidden.rows();
        within("features", parts.hidden.columns(), 1, FEATURES)?;
        within("hidden neurons", h, 1, HIDDEN)?;
        let lengths = [
            ("the list of activation slopes", parts.activation.slope.len(), h),
            ("a row of the output layer", parts.output.columns, h),
            ("the output layer", parts.output.rows(), 2),
        ];
        for (what, have, need) in lengths {
            if have != need {
                return Err(Error::Shape { what, have, need });
            }
        }
        in_range("the temperature", 0, parts.temperature, 1e-3, 1e3)?;
        let (low, high) = parts.polynomial.domain();
        if low != -high || high > WEIGHT {
            return Err(Error::Domain { low, high });
        }
        Ok(Self(parts))
    }

    /// The parts.
    #[must_use]
    pub const fn parts(&self) -> &Parts {
        &self.0
    }

    /// Features in.
    #[must_use]
    pub const fn features(&self) -> usize {
        self.0.hidden.columns
    }

    /// Hidden neurons.
    #[must_use]
    pub const fn neurons(&self) -> usize {
        self.0.hidden.rows()
    }

    /// The weights and bias from activations to (l_1 - l_0) / (T D), D being the end of the polynomial's domain: what lands in
    /// [-1, 1] for the polynomial on the unit interval.
    #[must_use]
    pub fn unit_row(&self) -> (Vec<f64>, f64) {
        let scale = 1.0 / (self.0.temperature * self.0.polynomial.domain().1);
        let mut rows = self.0.output.iter();
        let (zero, one) = (rows.next().unwrap_or((&[], 0.0)), rows.next().unwrap_or((&[], 0.0)));
        let weights = one.0.iter().zip(zero.0).map(|(a, b)| (a - b) * scale).collect();
        (weights, (one.1 - zero.1) * scale)
    }

    /// The polynomial on [-1, 1], to which [`Head::unit_row`] belongs.
    #[must_use]
    pub fn unit_polynomial(&self) -> Polynomial {
        self.0.polynomial.on_unit().0
    }

    /// All values inside the head for these features.
    ///
    /// # Errors
    ///
    /// When there are not as many features as the model reads.
    pub fn values(&self, x: &[f64]) -> Result<Values, Error> {
        let (have, need) = (x.len(), self.features());
        if have != need {
            return Err(Error::Shape { what: "the feature vector", have, need });
        }
        let hidden = self.0.hidden.apply(x);
        let activation = self.0.activation.apply(&hidden);
        let logits = self.0.output.apply(&activation);
        let logit = (logits.last().unwrap_or(&0.0) - logits.first().unwrap_or(&0.0)) / self.0.temperature;
        Ok(Values { hidden, activation, logit })
    }

    /// The polynomial's value at an input of the logistic function.
    #[must_use]
    pub fn soften(&self, logit: f64) -> f64 {
        self.0.polynomial.eval(logit)
    }

    /// The largest size of each hidden value over all inputs of length at most `limit`: |w_i| limit + |b_i|.
    #[must_use]
    pub fn hidden_bounds(&self, limit: f64) -> Vec<f64> {
        let norm = |w: &[f64]| w.iter().map(|w| w * w).sum::<f64>().sqrt();
        self.0.hidden.iter().map(|(w, b)| norm(w) * limit + b.abs()).collect()
    }
}

/// The inner product, summed in eight lanes so that it vectorises.
pub(crate) fn dot(x: &[f64], y: &[f64]) -> f64 {
    let ((x, x_rest), (y, y_rest)) = (x.as_chunks::<8>(), y.as_chunks::<8>());
    let mut lanes = [0.0; 8];
    for (x, y) in x.iter().zip(y) {
        for (lane, (x, y)) in lanes.iter_mut().zip(x.iter().zip(y)) {
            *lane += x * y;
        }
    }
    lanes.iter().sum::<f64>() + x_rest.iter().zip(y_rest).map(|(x, y)| x * y).sum::<f64>()
}

/// The logistic function.
#[must_use]
pub fn logistic(t: f64) -> f64 {
    1.0 / (1.0 + (-t).exp())
}

pub(crate) fn all_in_range(what: &'static str, values: &[f64]) -> Result<(), Error> {
    values.iter().enumerate().try_for_each(|(at, &v)| in_range(what, at, v, -WEIGHT, WEIGHT))
}

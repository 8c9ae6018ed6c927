//! A transformer of polynomials in training: the parts of [`arras_nn::transformer`] before constants are folded.
//!
//! Scores are divided by the root of the head's width, and heads stand side by side (see [`super::fold`]). Hidden values start near
//! one, where a square is nearly linear: (1 + u)^2 = 1 + 2 u + u^2.

use arras_nn::transformer::Shape;
use candle_core::{DType, Device, Result, Tensor, Var};

use super::batches::{Lesson, batches};
use super::learn::{Part, Weights};
use super::ops;
use super::teacher::{cross_entropy, var};
use crate::rng::Rng;

/// What holds the values inside, and how they are shaken.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Care {
    /// Half the width of the uniform noise on the residual stream.
    pub noise: f32,
    /// Share of pieces that are read as the unknown piece.
    pub drop: f32,
    /// Weight of the penalty on values out of their free range.
    pub penalty: f32,
    /// Free range of scores.
    pub score: f32,
    /// Free range of the residual stream.
    pub stream: f32,
    /// Free range of hidden values.
    pub hidden: f32,
    /// Free range of the logit difference; the teacher's is brought into it as well.
    pub logit: f32,
    /// Share of the teacher in the loss; the labels have the rest.
    pub teacher: f32,
}

impl Default for Care {
    fn default() -> Self {
        Self {
            noise: 0.02,
            drop: 0.1,
            penalty: 0.04,
            score: 3.0,
            stream: 6.0,
            hidden: 4.0,
            logit: 5.0,
            teacher: 0.7,
        }
    }
}

/// Texts of one batch that is only looked at.
const CHECKED: usize = 64;

/// The network.
#[derive(Debug)]
pub struct Student {
    shape: Shape,
    weights: Weights,
    care: Care,
    unknown: u32,
}

/// The rows that the normalisation adds to the variance.
pub(super) const EPSILON: f32 = 1e-6;

impl Student {
    /// A network over this table, its other weights small and random; `unknown` is the row of the unknown piece.
    ///
    /// # Errors
    ///
    /// When the table does not fit the shape.
    pub fn new(shape: Shape, table: Vec<f32>, unknown: u32, care: Care, seed: u64) -> Result<Self> {
        let (d, m) = (shape.width, shape.hidden);
        let mut rng = Rng::new(seed, 29);
        let mut weights = Weights::new();
        let mut insert = |name: String, values: Vec<f32>, dims: &[usize]| -> Result<()> {
            weights.insert(name, var(values, dims)?);
            Ok(())
        };
        let rows = table.len() / d;
        insert("table".to_owned(), table, &[rows, d])?;
        let mut draw =
            |count: usize, width: f32| (0..count).map(|_| rng.symmetric(width)).collect::<Vec<_>>();
        insert("positions".to_owned(), draw(shape.lanes * d, 0.05), &[shape.lanes, d])?;
        insert("norm.weight".to_owned(), vec![1.0; d], &[d])?;
        insert("norm.bias".to_owned(), vec![0.0; d], &[d])?;
        for at in 0..shape.layers {
            let linear = [
                ("query", d, d, 1.0),
                ("key", d, d, 1.0),
                ("value", d, d, 1.0),
                ("mix", d, d, 0.5),
                ("up", d, m, 0.4),
                ("down", m, d, 0.25),
            ];
            for (name, columns, rows, gain) in linear {
                let width = gain * (3.0 / columns as f32).sqrt();
                let matrix = draw(rows * columns, width);
                let bias = match name {
                    "up" => vec![1.0; rows],
                    "down" => matrix.chunks_exact(columns).map(|row| -row.iter().sum::<f32>()).collect(),
                    _ => vec![0.0; rows],
                };
                insert(format!("{at}.{name}.weight"), matrix, &[rows, columns])?;
                insert(format!("{at}.{name}.bias"), bias, &[rows])?;
            }
            insert(format!("{at}.shift"), vec![1.0; shape.heads], &[shape.heads])?;
            insert(format!("{at}.around_attention"), vec![1.0; d], &[d])?;
            insert(format!("{at}.around_hidden"), vec![1.0; d], &[d])?;
        }
        insert("output.weight".to_owned(), draw(2 * d, 0.05), &[2, d])?;
        insert("output.bias".to_owned(), vec![0.0; 2], &[2])?;
        Ok(Self { shape, weights, care, unknown })
    }

    /// Takes other care from now on.
    pub fn care_for(&mut self, care: Care) {
        self.care = care;
    }

    /// How it is cared for.
    #[must_use]
    pub const fn care(&self) -> &Care {
        &self.care
    }

    /// The sizes.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// What learns.
    #[must_use]
    pub const fn weights(&self) -> &Weights {
        &self.weights
    }

    /// The two logits of each text: a row per text.
    ///
    /// # Errors
    ///
    /// When the texts are of different lengths, or longer than the lanes.
    pub fn logits(&self, part: &Part<'_>) -> Result<Tensor> {
        Ok(self.forward(part, None)?.0)
    }

    /// The texts whose values leave their free ranges by more than `limit`, the root of the sum of squares.
    ///
    /// # Errors
    ///
    /// As [`Student::logits`].
    pub fn strays(&self, lessons: &[Lesson], limit: f32) -> Result<Vec<usize>> {
        let mut strays = Vec::new();
        for batch in batches(lessons, CHECKED, 1, 0) {
            let part = Part { lessons: batch.iter().filter_map(|&i| lessons.get(i)).collect(), seed: 0 };
            let strain: Vec<f32> = self.forward(&part, None)?.1.to_vec1()?;
            strays.extend(batch.iter().zip(strain).filter(|(_, s)| *s > limit * limit).map(|(&i, _)| i));
        }
        strays.sort_unstable();
        Ok(strays)
    }

    /// The logits, and how far each text's values are out of range; with a generator, noise shakes what is inside.
    fn forward(&self, part: &Part<'_>, mut noise: Option<&mut Rng>) -> Result<(Tensor, Tensor)> {
        let texts = part.lessons.len();
        let n = part.lessons.first().map_or(1, |l| l.rows.len());
        let rows: Vec<u32> = part.lessons.iter().flat_map(|l| self.read(&l.rows, &mut noise)).collect();
        let places: Vec<u32> = (0..texts).flat_map(|_| 0..n as u32).collect();
        let words = self.weight("table")?.index_select(&Tensor::new(rows, &Device::Cpu)?, 0)?;
        let positions = self.weight("positions")?.index_select(&Tensor::new(places, &Device::Cpu)?, 0)?;
        let sum = (words + positions)?;
        let mut x = ops::norm(&sum, self.weight("norm.weight")?, self.weight("norm.bias")?, EPSILON)?;
        let learning = noise.is_some();
        let mut strain = Tensor::zeros(texts, DType::F32, &Device::Cpu)?;
        for at in 0..self.shape.layers {
            let name = |rest: &str| format!("{at}.{rest}");
            let last = at + 1 == self.shape.layers;
            let (mixed, scores) = self.attend(&x, n, last, &name, learning)?;
            let seen = if last { first(&x, n)? } else { x };
            let around = ops::scale_row(&seen, self.weight(&name("around_attention"))?)?;
            let middle = self.shaken(&(around + self.linear(&name("mix"), &mixed)?)?, &mut noise)?;
            let held = Self::held(&middle, self.care.stream, learning)?;
            let hidden = self.linear(&name("up"), &held)?;
            let square = Self::held(&hidden, self.care.hidden, learning)?.sqr()?;
            let around = ops::scale_row(&held, self.weight(&name("around_hidden"))?)?;
            let output = self.shaken(&(around + self.linear(&name("down"), &square)?)?, &mut noise)?;
            x = Self::held(&output, self.care.stream, learning)?;
            let free = [self.care.score, self.care.stream, self.care.hidden, self.care.stream];
            for (values, free) in [&scores, &middle, &hidden, &output].into_iter().zip(free) {
                strain = (strain + beyond(values, free, texts)?)?;
            }
        }
        let logits = self.linear("output", &x)?;
        let strain = (strain + beyond(&margin(&logits)?, self.care.logit, texts)?)?;
        Ok((logits, strain))
    }

    /// The rows of a text, of which some are read as unknown while learning; both marks stay.
    fn read(&self, rows: &[u32], noise: &mut Option<&mut Rng>) -> Vec<u32> {
        let last = rows.len().saturating_sub(1);
        let mut out = rows.to_vec();
        if let Some(rng) = noise {
            for row in out.iter_mut().take(last).skip(1) {
                if rng.unit() < self.care.drop {
                    *row = self.unknown;
                }
            }
        }
        out
    }

    /// The mixed values, and the scores that are squared.
    fn attend(
        &self,
        x: &Tensor,
        n: usize,
        last: bool,
        name: &dyn Fn(&str) -> String,
        learning: bool,
    ) -> Result<(Tensor, Tensor)> {
        let (rows, d) = x.dims2()?;
        let (heads, each, texts) = (self.shape.heads, d / self.shape.heads, rows / n);
        let split = |which: &str, x: &Tensor, n: usize| {
            let y = self.linear(&name(which), x)?;
            y.reshape((texts, n, heads, each))?.transpose(1, 2)?.contiguous()
        };
        let (seen, queries) = if last { (first(x, n)?, 1) } else { (x.clone(), n) };
        let (query, key, value) =
            (split("query", &seen, queries)?, split("key", x, n)?, split("value", x, n)?);
        let scores = (query.matmul(&key.transpose(2, 3)?)? * (each as f64).powf(-0.5))?;
        let shift = self.weight(&name("shift"))?.reshape((1, heads, 1, 1))?;
        let scores = scores.broadcast_add(&shift)?;
        let held = Self::held(&scores, self.care.score, learning)?;
        let mixed = (held.sqr()?.matmul(&value)? * (1.0 / n as f64))?;
        let mixed = mixed.transpose(1, 2)?.contiguous()?.reshape((texts * queries, d))?;
        Ok((mixed, scores))
    }

    /// Holds values while learning, so that a text far out of range does not drown the others; the penalty sees them as they are.
    fn held(x: &Tensor, free: f32, learning: bool) -> Result<Tensor> {
        let end = f64::from(TAIL * free);
        if learning { x.clamp(-end, end) } else { Ok(x.clone()) }
    }

    fn shaken(&self, x: &Tensor, noise: &mut Option<&mut Rng>) -> Result<Tensor> {
        let Some(rng) = noise else { return Ok(x.clone()) };
        let values: Vec<f32> = (0..x.elem_count()).map(|_| rng.symmetric(self.care.noise)).collect();
        x + Tensor::from_vec(values, x.shape(), &Device::Cpu)?
    }

    pub(super) fn weight(&self, name: &str) -> Result<&Tensor> {
        self.weights
            .get(name)
            .map(Var::as_tensor)
            .ok_or_else(|| candle_core::Error::msg(format!("no weight {name}")))
    }

    fn linear(&self, name: &str, x: &Tensor) -> Result<Tensor> {
        let product = x.matmul(&self.weight(&format!("{name}.weight"))?.t()?)?;
        ops::add_row(&product, self.weight(&format!("{name}.bias"))?)
    }

    /// The squared distance to the teacher, the cross-entropy of the labels, and the penalty.
    ///
    /// # Errors
    ///
    /// As [`Student::logits`].
    pub fn loss(&self, part: &Part<'_>) -> Result<Tensor> {
        let mut rng = Rng::new(part.seed, 31);
        let (logits, strain) = self.forward(part, Some(&mut rng))?;
        let reach = self.care.logit;
        // The teacher's logits saturate: what it is sure of need not be learnt to the decimal.
        let target = |l: &&Lesson| reach * ((l.target[1] - l.target[0]) / reach).tanh();
        let targets: Vec<f32> = part.lessons.iter().map(target).collect();
        let distance = (margin(&logits)? - Tensor::new(targets, &Device::Cpu)?)?.sqr()?.mean_all()?;
        let labels = cross_entropy(&logits, part)?;
        let (share, rest) = (f64::from(self.care.teacher), f64::from(1.0 - self.care.teacher));
        let all = ((distance * share)? + (labels * rest)?)?;
        all + (strain.mean_all()? * f64::from(self.care.penalty))?
    }
}

/// The first row of every text.
fn first(x: &Tensor, n: usize) -> Result<Tensor> {
    let (rows, d) = x.dims2()?;
    x.reshape((rows / n, n, d))?.narrow(1, 0, 1)?.squeeze(1)?.contiguous()
}

/// Where the held tails begin, in free ranges.
const TAIL: f32 = 1.5;

/// The difference of the two logits, text by text.
fn margin(logits: &Tensor) -> Result<Tensor> {
    (logits.narrow(1, 1, 1)? - logits.narrow(1, 0, 1)?)?.squeeze(1)
}

/// The squares of what lies beyond a free range, summed within each text: a mean would hide the rare one.
fn beyond(x: &Tensor, free: f32, texts: usize) -> Result<Tensor> {
    (x.abs()? - f64::from(free))?.relu()?.sqr()?.reshape((texts, ()))?.sum(1)
}

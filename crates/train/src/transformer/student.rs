//! A transformer of polynomials in training: the parts of [`arras_nn::transformer`] before constants are folded.
//!
//! Scores are divided by the root of the head's width, and heads stand side by side (see [`super::fold`]). Hidden values start near
//! one, where a square is nearly linear: (1 + u)^2 = 1 + 2 u + u^2.

use std::collections::BTreeMap;

use arras_nn::transformer::Shape;
use candle_core::{DType, Device, Result, Tensor};

use super::batches::{Lesson, Report, TOGETHER, batches, look_at_all};
use super::care::{Care, Help};
use super::guide::Guide;
use super::learn::{Part, Weights};
use super::memory::Memory;
use super::ops;
use super::teacher::{cross_entropy, first, var};
use crate::Error;
use crate::rng::Rng;

/// Weight of the logits while they count little.
const LITTLE: f64 = 0.1;

/// The network.
#[derive(Debug)]
pub struct Student {
    shape: Shape,
    weights: Weights,
    frozen: BTreeMap<String, Tensor>,
    care: Care,
    unknown: u32,
}

/// How a student compares with its guide.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Standing {
    /// Squared distances of the states behind the attention and the hidden values of every layer, in variances of the guide's: the
    /// median of all texts.
    pub states: Vec<f32>,
    /// How far from zero a state is at most: the median of all texts, and the most.
    pub widest: [f32; 2],
    /// The share of texts with the right label.
    pub accuracy: f64,
}

/// What a network makes of a part: the logits, how far each text's values are out of range, and the residual stream behind the
/// attention and the hidden values of every layer, a row per lane.
struct Pass {
    logits: Tensor,
    strain: Tensor,
    states: Vec<Tensor>,
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
        Ok(Self { shape, weights, frozen: BTreeMap::new(), care, unknown })
    }

    /// Gets maps from its own features to those of a memory, which learn as well, and are no part of the model.
    ///
    /// # Errors
    ///
    /// When the tensors cannot be made.
    pub fn compare_with(&mut self, memory: &Memory, seed: u64) -> Result<()> {
        let (mut rng, columns, rows) = (Rng::new(seed, 53), self.shape.width, memory.width());
        let width = (3.0 / columns as f32).sqrt();
        for at in 0..self.shape.layers {
            let weights = (0..rows * columns).map(|_| rng.symmetric(width)).collect();
            self.weights.insert(format!("{at}.shown.weight"), var(weights, &[rows, columns])?);
            self.weights.insert(format!("{at}.shown.bias"), var(vec![0.0; rows], &[rows])?);
        }
        Ok(())
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

    /// What learns, to be set from elsewhere.
    pub(super) const fn weights_mut(&mut self) -> &mut Weights {
        &mut self.weights
    }

    /// Takes a weight from what learns; it stays as it is.
    pub(super) fn freeze(&mut self, name: &str) {
        if let Some(var) = self.weights.remove(name) {
            self.frozen.insert(name.to_owned(), var.as_detached_tensor());
        }
    }

    /// The two logits of each text: a row per text.
    ///
    /// # Errors
    ///
    /// When the texts are of different lengths, or longer than the lanes.
    pub fn logits(&self, part: &Part<'_>) -> Result<Tensor> {
        Ok(self.forward(part, None, None)?.logits)
    }

    /// Where the network stands beside its guide, on these texts.
    ///
    /// # Errors
    ///
    /// As [`Student::logits`].
    pub fn standing(&self, lessons: &[Lesson], guide: &Guide) -> Result<Standing> {
        let mut right = 0;
        let (mut apart_by, mut widest) = (vec![Vec::new(); 2 * self.shape.layers], Vec::new());
        for batch in batches(lessons, TOGETHER, 1, 0) {
            let part = Part::of(batch.iter().filter_map(|&i| lessons.get(i)).collect());
            let pass = self.forward(&part, None, None)?;
            let texts = part.lessons.len();
            let distances = apart(&pass.states, &guide.look(&part)?.states, texts)?;
            for (all, distances) in apart_by.iter_mut().zip(distances) {
                all.extend(distances.to_vec1::<f32>()?);
            }
            let most = |x: &Tensor| x.abs()?.reshape((texts, ()))?.max(1);
            let most: Vec<Tensor> = pass.states.iter().map(most).collect::<Result<_>>()?;
            widest.extend(Tensor::stack(&most, 0)?.max(0)?.to_vec1::<f32>()?);
            let margins: Vec<f32> = margin(&pass.logits)?.to_vec1()?;
            right += part.lessons.iter().zip(margins).filter(|(l, m)| l.positive == (*m > 0.0)).count();
        }
        Ok(Standing {
            states: apart_by.into_iter().map(|all| quantile(all, 0.5)).collect(),
            widest: [quantile(widest.clone(), 0.5), quantile(widest, 1.0)],
            accuracy: right as f64 / lessons.len().max(1) as f64,
        })
    }

    /// The texts whose values leave their free ranges by more than `limit`, the root of the sum of squares.
    ///
    /// # Errors
    ///
    /// As [`Student::logits`], and when `report` breaks.
    pub fn strays(
        &self,
        lessons: &[Lesson],
        limit: f32,
        workers: usize,
        report: Report<'_>,
    ) -> std::result::Result<Vec<usize>, Error> {
        let mut strays = Vec::new();
        let look = |part: &Part<'_>| {
            let pass = self.forward(part, None, None)?;
            Ok((pass.strain.to_vec1::<f32>()?, margin(&pass.logits)?.to_vec1::<f32>()?))
        };
        let mut take = |batch: &[usize], (strain, margins): (Vec<f32>, Vec<f32>)| {
            // What ran away until it was no number has no strain.
            let stray = |(strain, margin): (f32, f32)| strain > limit * limit || !margin.is_finite();
            let found = batch.iter().zip(strain.into_iter().zip(margins));
            strays.extend(found.filter(|(_, values)| stray(*values)).map(|(&i, _)| i));
        };
        look_at_all(lessons, workers, &look, &mut take, report)?;
        strays.sort_unstable();
        Ok(strays)
    }

    /// What the network makes of a part; with a generator, noise shakes what is inside, and with a teacher's states, each layer
    /// reads those below it. Every text has one empty lane behind its tokens, for whose values the ranges hold as well.
    fn forward(
        &self,
        part: &Part<'_>,
        mut noise: Option<&mut Rng>,
        forced: Option<&[Tensor]>,
    ) -> Result<Pass> {
        let texts = part.lessons.len();
        let (tokens, n) = self.embed(part)?;
        let mut x = laned(&tokens, &Tensor::zeros((texts, 1, self.shape.width), DType::F32, &Device::Cpu)?)?;
        let learning = noise.is_some();
        let mut strain = Tensor::zeros(texts, DType::F32, &Device::Cpu)?;
        let mut states = Vec::with_capacity(2 * self.shape.layers);
        for at in 0..self.shape.layers {
            let name = |rest: &str| format!("{at}.{rest}");
            let last = at + 1 == self.shape.layers;
            if let Some(below) = forced.and_then(|states| states.get(2 * at)) {
                x = laned(below, &x.reshape((texts, n + 1, ()))?.narrow(1, n, 1)?)?;
            }
            let (mixed, scores) = self.attend(&x, (texts, n), last, &name, learning)?;
            let seen = if last { first(&x, texts)? } else { x };
            let middle = self.beside(&name("around_attention"), &seen, &name("mix"), &mixed)?;
            let middle = self.shaken(&middle, &mut noise)?;
            let held = Self::held(&middle, self.care.stream, learning)?;
            let hidden = self.linear(&name("up"), &held)?;
            let square = Self::held(&hidden, self.care.hidden, learning)?.sqr()?;
            let output = self.beside(&name("around_hidden"), &held, &name("down"), &square)?;
            let output = self.shaken(&output, &mut noise)?;
            x = Self::held(&output, self.care.stream, learning)?;
            let free = [self.care.score, self.care.stream, self.care.hidden, self.care.stream];
            for (values, free) in [&scores, &middle, &hidden, &output].into_iter().zip(free) {
                strain = (strain + beyond(values, free, texts)?)?;
            }
            states.extend([middle, output]);
        }
        let logits = self.linear("output", &x)?;
        let strain = (strain + beyond(&margin(&logits)?, self.care.logit, texts)?)?;
        Ok(Pass { logits, strain, states })
    }

    /// The embedded tokens of all texts, and how many each text has.
    pub(super) fn embed(&self, part: &Part<'_>) -> Result<(Tensor, usize)> {
        let (rows, n) = part.rows()?;
        let places: Vec<u32> = (0..part.lessons.len()).flat_map(|_| 0..n as u32).collect();
        let words = self.weight("table")?.index_select(&rows, 0)?;
        let positions = self.weight("positions")?.index_select(&Tensor::new(places, &Device::Cpu)?, 0)?;
        let sum = (words + positions)?;
        let x = ops::norm(&sum, self.weight("norm.weight")?, self.weight("norm.bias")?, EPSILON)?;
        Ok((x, n))
    }

    /// What goes around, and what a linear layer makes of other values.
    pub(super) fn beside(&self, around: &str, x: &Tensor, linear: &str, y: &Tensor) -> Result<Tensor> {
        ops::scale_row(x, self.weight(around)?)? + self.linear(linear, y)?
    }

    /// The texts as they are read while learning: some pieces as unknown; both marks stay.
    fn read(&self, part: &Part<'_>, rng: &mut Rng) -> Vec<Lesson> {
        let mut lessons: Vec<Lesson> = part.lessons.iter().map(|&l| l.clone()).collect();
        for lesson in &mut lessons {
            let last = lesson.rows.len().saturating_sub(1);
            for row in lesson.rows.iter_mut().take(last).skip(1) {
                if rng.unit() < self.care.drop {
                    *row = self.unknown;
                }
            }
        }
        lessons
    }

    /// The mixed values, and the scores that are squared: every lane, or the first alone, attends to the `n` tokens of its text.
    pub(super) fn attend(
        &self,
        x: &Tensor,
        (texts, n): (usize, usize),
        last: bool,
        name: &dyn Fn(&str) -> String,
        learning: bool,
    ) -> Result<(Tensor, Tensor)> {
        let (rows, d) = x.dims2()?;
        let (heads, each) = (self.shape.heads, d / self.shape.heads);
        let split = |which: &str, x: &Tensor| {
            let y = self.linear(&name(which), x)?;
            y.reshape((texts, (), heads, each))?.transpose(1, 2)?.contiguous()
        };
        let tokens = x.reshape((texts, rows / texts, d))?.narrow(1, 0, n)?.contiguous()?.reshape(((), d))?;
        let query = if last { split("query", &first(x, texts)?)? } else { split("query", x)? };
        let (key, value) = (split("key", &tokens)?, split("value", &tokens)?);
        let scores = (query.matmul(&key.transpose(2, 3)?)? * (each as f64).powf(-0.5))?;
        let shift = self.weight(&name("shift"))?.reshape((1, heads, 1, 1))?;
        let scores = scores.broadcast_add(&shift)?;
        let held = Self::held(&scores, self.care.score, learning)?;
        let mixed = (held.sqr()?.matmul(&value)? * (1.0 / n as f64))?;
        let mixed = mixed.transpose(1, 2)?.contiguous()?.reshape(((), d))?;
        Ok((mixed, scores))
    }

    /// Holds values while learning, so that a text far out of range does not drown the others; the penalty sees them as they are.
    pub(super) fn held(x: &Tensor, free: f32, learning: bool) -> Result<Tensor> {
        let end = f64::from(TAIL * free);
        if learning { x.clamp(-end, end) } else { Ok(x.clone()) }
    }

    fn shaken(&self, x: &Tensor, noise: &mut Option<&mut Rng>) -> Result<Tensor> {
        let Some(rng) = noise else { return Ok(x.clone()) };
        let values: Vec<f32> = (0..x.elem_count()).map(|_| rng.symmetric(self.care.noise)).collect();
        x + Tensor::from_vec(values, x.shape(), &Device::Cpu)?
    }

    pub(super) fn weight(&self, name: &str) -> Result<&Tensor> {
        let learnt = self.weights.get(name).map(|var| var.as_tensor());
        learnt
            .or_else(|| self.frozen.get(name))
            .ok_or_else(|| candle_core::Error::msg(format!("no weight {name}")))
    }

    pub(super) fn linear(&self, name: &str, x: &Tensor) -> Result<Tensor> {
        let product = x.matmul(&self.weight(&format!("{name}.weight"))?.t()?)?;
        ops::add_row(&product, self.weight(&format!("{name}.bias"))?)
    }

    /// How far what the student's features behind each layer are mapped to is from the teacher's, for every text.
    fn shown(&self, states: &[Tensor], teacher: &[Tensor], texts: usize) -> Result<Vec<Tensor>> {
        let one = |(at, (state, teacher)): (usize, (&Tensor, &Tensor))| {
            let (d, n) = (state.dim(1)?, teacher.dim(0)? / texts);
            let tokens = state.reshape((texts, (), d))?.narrow(1, 0, n)?.contiguous()?.reshape(((), d))?;
            let distance = (self.linear(&format!("{at}.shown"), &tokens)? - teacher)?;
            distance.sqr()?.reshape((texts, ()))?.mean(1)
        };
        // Behind every layer, and not between its halves.
        states.iter().skip(1).step_by(2).zip(teacher).enumerate().map(one).collect()
    }

    /// The squared distance to the teacher, the cross-entropy of the labels, and the penalty. A guide sees the texts as they are
    /// read, in the place of the lessons' targets, and adds the distance of the states; a memory is of texts without a piece missing.
    ///
    /// # Errors
    ///
    /// As [`Student::logits`].
    pub fn loss(&self, part: &Part<'_>, help: Help<'_>) -> Result<Tensor> {
        let mut rng = Rng::new(part.seed, 31);
        let read = self.read(part, &mut rng);
        let part = Part { lessons: read.iter().collect(), ..part.clone() };
        let sight = help.guide().map(|guide| guide.look(&part)).transpose()?;
        let forced = sight.as_ref().filter(|_| part.progress < self.care.forced).map(|s| s.states.as_slice());
        let Pass { logits, strain, states } = self.forward(&part, Some(&mut rng), forced)?;
        let reach = f64::from(self.care.logit);
        let targets = match &sight {
            Some(sight) => margin(&sight.logits)?,
            None => Tensor::new(targets(&part), &Device::Cpu)?,
        };
        // The teacher's logits saturate: what it is sure of need not be learnt to the decimal.
        let targets = ((targets / reach)?.tanh()? * reach)?;
        let distance = (margin(&logits)? - targets)?.sqr()?;
        let labels = cross_entropy(&logits, &part)?;
        let (share, rest) = (f64::from(self.care.teacher), f64::from(1.0 - self.care.teacher));
        let all = ((distance * share)? + (labels * rest)?)?;
        let all = (all + (strain * f64::from(self.care.penalty))?)?;
        let apart = match (help, sight) {
            (Help::Memory(memory), _) => self.shown(&states, &memory.look(&part)?, part.lessons.len())?,
            (_, Some(sight)) => apart(&states, &sight.states, part.lessons.len())?,
            (_, None) => return all.mean_all(),
        };
        let is_memory = matches!(help, Help::Memory(_));
        let all = if is_memory && part.progress < self.care.early { (all * LITTLE)? } else { all };
        let weight = f64::from(self.care.states) / apart.len().max(1) as f64;
        let all = apart.iter().try_fold(all, |all, distance| all + (distance * weight)?)?;
        if is_memory {
            return all.mean_all();
        }
        // Through many squares a text may run away by many orders of magnitude: it pulls by the logarithm.
        (((all / FAR)? + 1.0)?.log()? * FAR)?.mean_all()
    }
}

/// The loss of a text behind which it pulls less and less.
const FAR: f64 = 4.0;

/// The teacher's logit differences that the lessons know.
fn targets(part: &Part<'_>) -> Vec<f32> {
    part.lessons.iter().map(|l| l.target[1] - l.target[0]).collect()
}

/// Tokens and one more lane for every text.
fn laned(tokens: &Tensor, lane: &Tensor) -> Result<Tensor> {
    let (texts, _, d) = lane.dims3()?;
    Tensor::cat(&[&tokens.reshape((texts, (), d))?, lane], 1)?.reshape(((), d))
}

/// The mean squared distance of each state to the teacher's, of which the first is the embedding, for every text: that of all
/// tokens, and in the last layer that of the first one.
fn apart(states: &[Tensor], teacher: &[Tensor], texts: usize) -> Result<Vec<Tensor>> {
    let one = |(state, teacher): (&Tensor, &Tensor)| {
        let d = state.dim(1)?;
        let (state, teacher) = (state.reshape((texts, (), d))?, teacher.reshape((texts, (), d))?);
        let n = if state.dim(1)? == 1 { 1 } else { teacher.dim(1)? };
        (state.narrow(1, 0, n)? - teacher.narrow(1, 0, n)?)?.sqr()?.mean((1, 2))
    };
    states.iter().zip(teacher.iter().skip(1)).map(one).collect()
}

/// The number below which this share of all lies; NaN counts as the largest.
fn quantile(mut all: Vec<f32>, share: f64) -> f32 {
    all.sort_unstable_by(f32::total_cmp);
    let last = all.len().saturating_sub(1);
    all.get((share * last as f64) as usize).copied().unwrap_or(f32::NAN)
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

//! A teacher of the student's own shape, that shows what the residual stream should hold between layers.
//!
//! Features are shown with mean 0 and variance 1 over the texts that the guide was made with. What a constant or a factor of a
//! feature says can be folded into the layers that read it, and without them all features need the same range.

use arras_nn::transformer::Pretrained;
use candle_core::{Device, Result, Tensor};

use super::batches::{Lesson, TOGETHER, batches};
use super::learn::Part;
use super::ops;
use super::teacher::{Teacher, first};
use crate::Error;

/// The teacher, and what its features are on average.
#[derive(Debug)]
pub struct Guide {
    teacher: Teacher,
    stages: Vec<Stage>,
}

/// Mean and deviation of each feature of one state.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stage {
    pub(super) mean: Vec<f64>,
    pub(super) deviation: Vec<f64>,
}

/// What a guide shows of some texts: the states of [`Teacher::states`] with mean 0 and variance 1, and the logits.
#[derive(Debug)]
pub(super) struct Sight {
    pub(super) states: Vec<Tensor>,
    pub(super) logits: Tensor,
}

impl Guide {
    /// Asks the teacher about these texts. In its last layer the first token alone counts.
    ///
    /// **Cost**: one reading of every text.
    ///
    /// # Errors
    ///
    /// As [`Teacher::logits`].
    pub fn new(encoder: &Pretrained, lessons: &[Lesson]) -> std::result::Result<Self, Error> {
        let teacher = Teacher::new(encoder, 0)?;
        let last = 2 * encoder.blocks().len() - 1;
        let mut sums: Vec<Sum> = Vec::new();
        for batch in batches(lessons, TOGETHER, 1, 0) {
            let part = Part::of(batch.iter().filter_map(|&i| lessons.get(i)).collect());
            let states = teacher.states(&part)?;
            sums.resize_with(states.len(), Sum::default);
            for ((at, state), sum) in states.iter().enumerate().zip(&mut sums) {
                let seen = if at < last { state.clone() } else { first(state, part.lessons.len())? };
                sum.add(&seen)?;
            }
        }
        Ok(Self { teacher, stages: sums.iter().map(Sum::stage).collect() })
    }

    /// The averages of the embedding, and behind the attention and the hidden values of every layer.
    pub(super) fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// What the teacher makes of these texts; no gradient flows into it.
    pub(super) fn look(&self, part: &Part<'_>) -> Result<Sight> {
        let states = self.teacher.states(part)?;
        let top = states.last().ok_or_else(|| candle_core::Error::msg("no layer"))?;
        let logits = self.teacher.classify(top, part.lessons.len())?.detach();
        let states: Result<_> = states.iter().zip(&self.stages).map(|(x, s)| s.apply(&x.detach())).collect();
        Ok(Sight { states: states?, logits })
    }
}

impl Stage {
    fn apply(&self, x: &Tensor) -> Result<Tensor> {
        let row = |values: &mut dyn Iterator<Item = f64>| {
            Tensor::new(values.map(|v| v as f32).collect::<Vec<_>>(), &Device::Cpu)
        };
        let shift = row(&mut self.mean.iter().map(|m| -m))?;
        let scale = row(&mut self.deviation.iter().map(|d| 1.0 / d))?;
        ops::scale_row(&ops::add_row(x, &shift)?, &scale)
    }
}

/// Sums of features and of their squares.
#[derive(Default)]
struct Sum {
    rows: f64,
    first: Vec<f64>,
    second: Vec<f64>,
}

impl Sum {
    fn add(&mut self, x: &Tensor) -> Result<()> {
        let (rows, d) = x.dims2()?;
        self.rows += rows as f64;
        self.first.resize(d, 0.0);
        self.second.resize(d, 0.0);
        for row in x.flatten_all()?.to_vec1::<f32>()?.chunks_exact(d) {
            for ((first, second), &x) in self.first.iter_mut().zip(&mut self.second).zip(row) {
                *first += f64::from(x);
                *second += f64::from(x * x);
            }
        }
        Ok(())
    }

    fn stage(&self) -> Stage {
        let mean: Vec<f64> = self.first.iter().map(|s| s / self.rows).collect();
        let variance = self.second.iter().zip(&mean).map(|(s, m)| s / self.rows - m * m);
        Stage { deviation: variance.map(|v| v.max(LEAST).sqrt()).collect(), mean }
    }
}

/// The least variance of a feature.
const LEAST: f64 = 1e-6;

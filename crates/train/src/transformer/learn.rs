//! The loop around a network: batches, gradients by several threads, AdamW, checkpoints.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

use candle_core::{Device, Tensor, Var};
use serde::{Deserialize, Serialize};

use super::batches::{Lesson, batches};
use super::optimiser::{AdamW, Step};
use crate::Error;

/// The weights of a network by name.
pub type Weights = BTreeMap<String, Var>;

/// How long and how fast to learn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Schedule {
    /// Passes over the lessons.
    pub epochs: usize,
    /// Texts per step.
    pub batch: usize,
    /// Largest learning rate.
    pub rate: f32,
    /// Share of the steps over which the rate rises; behind it, it falls to zero in a straight line.
    pub warm: f32,
    /// Decoupled weight decay.
    pub decay: f32,
    /// Longest gradient.
    pub clip: f32,
    /// Whether AdamW moves the weights; without it a step only finds the gradient.
    pub optimise: bool,
    /// Threads, of which each finds the gradient of a part of the batch.
    pub workers: usize,
    /// Seed of everything random.
    pub seed: u64,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            epochs: 1,
            batch: 32,
            rate: 5e-5,
            warm: 0.06,
            decay: 0.01,
            clip: 1.0,
            optimise: true,
            workers: 1,
            seed: 1,
        }
    }
}

impl Schedule {
    fn check(&self) -> Result<(), Error> {
        let options = [
            ("epochs", self.epochs as f64, 1.0, 1000.0),
            ("batch", self.batch as f64, 1.0, 4096.0),
            ("rate", f64::from(self.rate), 1e-9, 1.0),
            ("warm", f64::from(self.warm), 0.0, 1.0),
            ("decay", f64::from(self.decay), 0.0, 1.0),
            ("clip", f64::from(self.clip), 1e-6, 1e6),
            ("workers", self.workers as f64, 1.0, 256.0),
        ];
        match options.into_iter().find(|(_, value, low, high)| !(low..=high).contains(&value)) {
            Some((name, value, low, high)) => Err(Error::Option { name, value, low, high }),
            None => Ok(()),
        }
    }

    /// The learning rate of a step.
    fn rate_at(&self, step: usize, steps: usize) -> f32 {
        let (at, all) = (step as f32 + 1.0, steps.max(1) as f32);
        let warm = (self.warm * all).max(1.0);
        self.rate * (at / warm).min((all - at + 1.0) / (all - warm + 1.0)).clamp(0.0, 1.0)
    }
}

/// Where training stands.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Progress {
    /// Steps taken.
    pub step: usize,
    /// Steps in all.
    pub steps: usize,
    /// Epochs finished.
    pub epoch: usize,
    /// Loss of the step.
    pub loss: f32,
    /// Learning rate of the step.
    pub rate: f32,
    /// Length of the gradient.
    pub gradient: f32,
}

/// One part of a batch: texts of equal length, and a number of its own for noise.
#[derive(Debug, Clone)]
pub struct Part<'a> {
    /// The texts.
    pub lessons: Vec<&'a Lesson>,
    /// Where they stand among all lessons; nowhere if they are only looked at.
    pub places: Vec<usize>,
    /// A seed that no other part has.
    pub seed: u64,
    /// The share of all steps that is taken.
    pub progress: f32,
}

impl<'a> Part<'a> {
    /// Texts that are only looked at.
    #[must_use]
    pub const fn of(lessons: Vec<&'a Lesson>) -> Self {
        Self { lessons, places: Vec::new(), seed: 0, progress: 0.0 }
    }

    /// Rows of the embedding table, text after text, and how many each text has.
    pub fn rows(&self) -> candle_core::Result<(Tensor, usize)> {
        let rows: Vec<u32> = self.lessons.iter().flat_map(|l| l.rows.iter().copied()).collect();
        let each = rows.len() / self.lessons.len().max(1);
        Ok((Tensor::new(rows, &Device::Cpu)?, each))
    }
}

/// The mean loss over the texts of a part.
pub type Loss<'a> = dyn Fn(&Part<'a>) -> candle_core::Result<Tensor> + Sync + 'a;

/// Sees every step; breaks to stop.
pub type Report<'a> = dyn FnMut(&Progress, &Learner) -> ControlFlow<()> + 'a;

/// A network in training.
#[derive(Debug, Default)]
pub struct Learner {
    optimiser: AdamW,
    taken: usize,
}

/// The name under which a checkpoint keeps its number of steps.
const TAKEN: &str = "taken";

impl Learner {
    /// Steps taken.
    #[must_use]
    pub const fn taken(&self) -> usize {
        self.taken
    }

    /// Minimises `loss`. `report` is called at every step and stops the training by breaking.
    ///
    /// # Errors
    ///
    /// When an option makes no sense, the loss diverges, or `report` breaks.
    pub fn run<'a>(
        &mut self,
        weights: &Weights,
        lessons: &'a [Lesson],
        schedule: &Schedule,
        loss: &Loss<'a>,
        report: &mut Report<'_>,
    ) -> Result<(), Error> {
        schedule.check()?;
        let order = |epoch| batches(lessons, schedule.batch, schedule.seed, epoch);
        let each = order(0).len();
        let steps = schedule.epochs * each;
        for epoch in self.taken / each.max(1)..schedule.epochs {
            for batch in order(epoch).iter().skip(self.taken - epoch * each) {
                let rate = schedule.rate_at(self.taken, steps);
                let parts = parts(lessons, batch, schedule, (self.taken, steps));
                let (value, grads) = gradient(weights, &parts, loss)?;
                let step = Step { rate, decay: schedule.decay, clip: schedule.clip };
                let gradient =
                    if schedule.optimise { self.optimiser.step(weights, &grads, step)? } else { 0.0 };
                if !(value.is_finite() && gradient.is_finite()) {
                    return Err(Error::Diverged { step: self.taken });
                }
                self.taken += 1;
                let progress = Progress {
                    step: self.taken,
                    steps,
                    epoch: self.taken / each,
                    loss: value,
                    rate,
                    gradient,
                };
                if report(&progress, self).is_break() {
                    return Err(Error::Interrupted);
                }
            }
        }
        Ok(())
    }

    /// Weights and moments as the bytes of a safetensors file, from which training goes on.
    ///
    /// # Errors
    ///
    /// When the container refuses.
    pub fn checkpoint(&self, weights: &Weights) -> Result<Vec<u8>, Error> {
        let (mut state, steps) = self.optimiser.state(weights)?;
        state.extend(weights.iter().map(|(name, var)| (format!("weight.{name}"), var.as_tensor().clone())));
        let counts = [self.taken as i64, i64::from(steps)];
        state.insert(TAKEN.to_owned(), Tensor::new(&counts, &Device::Cpu)?);
        Ok(safetensors::serialize(state, None)?)
    }

    /// The learner of a checkpoint, whose weights are set to those of then.
    ///
    /// # Errors
    ///
    /// [`Error::Checkpoint`] when the bytes are no checkpoint of this network.
    pub fn resume(bytes: &[u8], weights: &Weights) -> Result<Self, Error> {
        let state: HashMap<String, Tensor> = candle_core::safetensors::load_buffer(bytes, &Device::Cpu)?;
        let state: BTreeMap<String, Tensor> = state.into_iter().collect();
        for (name, var) in weights {
            let kept = state.get(&format!("weight.{name}")).filter(|t| t.shape() == var.shape());
            var.set(kept.ok_or_else(|| Error::Checkpoint { name: name.clone() })?)?;
        }
        let counts: Vec<i64> =
            state.get(TAKEN).ok_or_else(|| Error::Checkpoint { name: TAKEN.to_owned() })?.to_vec1()?;
        let &[taken, steps] = counts.as_slice() else {
            return Err(Error::Checkpoint { name: TAKEN.to_owned() });
        };
        let optimiser = AdamW::resume(&state, i32::try_from(steps).unwrap_or(0))?;
        Ok(Self { optimiser, taken: usize::try_from(taken).unwrap_or(0) })
    }
}

/// The batch in as many parts as there are workers.
fn parts<'a>(
    lessons: &'a [Lesson],
    batch: &[usize],
    schedule: &Schedule,
    (step, steps): (usize, usize),
) -> Vec<Part<'a>> {
    let each = batch.len().div_ceil(schedule.workers).max(1);
    let part = |(at, places): (usize, &[usize])| Part {
        lessons: places.iter().filter_map(|&i| lessons.get(i)).collect(),
        places: places.to_vec(),
        seed: schedule.seed ^ ((step * schedule.workers + at) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15),
        progress: step as f32 / steps.max(1) as f32,
    };
    batch.chunks(each).enumerate().map(part).collect()
}

/// The mean loss over all parts and its gradient; each part has a thread.
fn gradient<'a>(
    weights: &Weights,
    parts: &[Part<'a>],
    loss: &Loss<'a>,
) -> Result<(f32, BTreeMap<String, Tensor>), Error> {
    let all: usize = parts.iter().map(|p| p.lessons.len()).sum();
    let one = |part: &Part<'a>| -> candle_core::Result<(f32, BTreeMap<String, Tensor>)> {
        let value = (loss(part)? * (part.lessons.len() as f64 / all.max(1) as f64))?;
        let mut found = value.backward()?;
        let named = weights.iter().filter_map(|(name, var)| Some((name.clone(), found.remove(var)?)));
        Ok((value.to_scalar()?, named.collect()))
    };
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = parts.iter().map(|part| scope.spawn(move || one(part))).collect();
        threads.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
    });
    let (mut value, mut sum) = (0.0, BTreeMap::<String, Tensor>::new());
    for result in results {
        let (part, grads) = result.map_err(|_| Error::Interrupted)??;
        value += part;
        for (name, grad) in grads {
            let together = match sum.remove(&name) {
                Some(other) => (other + grad)?,
                None => grad,
            };
            sum.insert(name, together);
        }
    }
    Ok((value, sum))
}

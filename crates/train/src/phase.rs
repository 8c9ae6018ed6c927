//! The first phase: the network learns by AdamW on the cross-entropy of the true logistic function.

use std::ops::ControlFlow;

use arras_nn::lexicon::Entry;

use crate::Error;
use crate::adamw::{AdamW, Dense, Table};
use crate::network::{Network, Pass, Penalty, axpy};
use crate::prepare::{Dropout, Prepared, Rows, batches};
use crate::rng::Rng;

/// How the network learns.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// Passes over the examples.
    pub epochs: usize,
    /// Examples per step.
    pub batch: usize,
    /// Largest learning rate of the table.
    pub table_rate: f32,
    /// Largest learning rate of everything else.
    pub rate: f32,
    /// Decoupled weight decay.
    pub decay: f32,
    /// What is left out.
    pub dropout: Dropout,
    /// Uniform noise added to every feature, half its width.
    pub noise: f32,
    /// What ranges cost.
    pub penalty: Penalty,
    /// Seed of everything random.
    pub seed: u64,
}

/// Steps over which the learning rate rises while it falls linearly to zero; a twentieth of all steps if that is fewer.
const WARM: f32 = 200.0;

/// Steps between two reports.
const REPORT: usize = 64;

/// Where the first phase stands.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// Epochs finished.
    pub epoch: usize,
    /// Steps taken.
    pub step: usize,
    /// Steps in all.
    pub steps: usize,
    /// Mean loss since the last report.
    pub loss: f32,
    /// Whether an epoch has just ended: the network is worth a look.
    pub ended: bool,
}

/// A network on its way.
pub struct Learner<'a> {
    examples: &'a Prepared,
    schedule: Schedule,
    network: Network,
    adamw: AdamW,
    dense: Dense,
    table: Table,
    rng: Rng,
    gradient: Vec<f32>,
    touched: Touched,
    pass: Pass,
    entries: Vec<Entry>,
}

impl<'a> Learner<'a> {
    /// A learner before its first step.
    #[must_use]
    pub fn new(network: Network, rows: usize, examples: &'a Prepared, schedule: Schedule) -> Self {
        let length = network.dense.len();
        let width = network.shape.features;
        Self {
            examples,
            schedule,
            adamw: AdamW::default(),
            dense: Dense::new(length),
            table: Table::new(rows, width),
            rng: Rng::new(schedule.seed, 2),
            gradient: vec![0.0; length],
            touched: Touched::new(rows, width),
            pass: Pass::default(),
            entries: Vec::new(),
            network,
        }
    }

    /// Runs all epochs.
    ///
    /// # Errors
    ///
    /// When `report` breaks or the loss is no longer a number.
    pub fn run(
        mut self,
        report: &mut dyn FnMut(Standing, &Network) -> ControlFlow<()>,
    ) -> Result<Network, Error> {
        let lengths: Vec<usize> = self.examples.rows.iter().map(Rows::tokens).collect();
        let steps = self.schedule.epochs * lengths.len().div_ceil(self.schedule.batch.max(1));
        let (mut step, mut losses) = (0, Vec::with_capacity(REPORT));
        for epoch in 0..self.schedule.epochs {
            let batches = batches(&lengths, self.schedule.batch, &mut self.rng);
            for (i, batch) in batches.iter().enumerate() {
                losses.push(self.step(batch, step, steps));
                step += 1;
                let ended = i + 1 == batches.len();
                if !(ended || losses.len() == REPORT) {
                    continue;
                }
                let loss = losses.iter().sum::<f32>() / losses.len().max(1) as f32;
                losses.clear();
                if !loss.is_finite() {
                    return Err(Error::Diverged { step });
                }
                let standing = Standing { epoch: epoch + usize::from(ended), step, steps, loss, ended };
                if ended {
                    self.table.finish(&mut self.network.table);
                }
                if report(standing, &self.network).is_break() {
                    return Err(Error::Interrupted);
                }
            }
        }
        Ok(self.network)
    }

    /// One step on these examples; the mean loss.
    fn step(&mut self, batch: &[usize], step: usize, steps: usize) -> f32 {
        self.gradient.fill(0.0);
        let share = 1.0 / batch.len().max(1) as f32;
        let loss: f32 =
            batch.iter().filter_map(|&i| self.examples.rows.get(i)).map(|rows| self.one(rows)).sum();
        let rate =
            (1.0 - step as f32 / steps as f32) * ((step + 1) as f32 / WARM.min(0.05 * steps as f32)).min(1.0);
        let s = self.schedule;
        self.gradient.iter_mut().chain(&mut self.touched.gradient).for_each(|g| *g *= share);
        self.dense.step(&self.adamw, s.rate * rate, s.decay, &mut self.network.dense, &self.gradient);
        let (rows, gradient) = (&self.touched.rows, &self.touched.gradient);
        self.table.step(&self.adamw, s.table_rate * rate, s.decay, &mut self.network.table, rows, gradient);
        self.touched.clear();
        loss * share
    }

    /// Adds one example's gradient; its loss.
    fn one(&mut self, rows: &Rows) -> f32 {
        let (s, pass) = (&self.schedule, &mut self.pass);
        self.examples.thinned(rows, &s.dropout, &mut self.rng, &mut self.entries);
        self.network.embed(&self.entries, rows.tokens(), pass);
        for x in &mut pass.x {
            *x += self.rng.symmetric(s.noise);
        }
        self.network.forward(pass);
        let loss = self.network.backward(pass, rows.target, &s.penalty, &mut self.gradient);
        let scale = self.network.scale(rows.tokens());
        for entry in &self.entries {
            axpy(scale * entry.weight, &pass.dx, self.touched.row(entry.row));
        }
        loss
    }
}

/// The rows that a batch touches, and their gradients in the order of first touch.
struct Touched {
    width: usize,
    place: Vec<usize>,
    rows: Vec<u32>,
    gradient: Vec<f32>,
}

/// The place of a row that is not touched.
const NOWHERE: usize = usize::MAX;

impl Touched {
    fn new(rows: usize, width: usize) -> Self {
        Self { width, place: vec![NOWHERE; rows], rows: Vec::new(), gradient: Vec::new() }
    }

    /// The gradient of a row, zero at first; empty for a row that does not exist.
    fn row(&mut self, row: u32) -> &mut [f32] {
        let Some(place) = self.place.get_mut(row as usize) else { return &mut [] };
        if *place == NOWHERE {
            *place = self.rows.len();
            self.rows.push(row);
            self.gradient.resize(self.gradient.len() + self.width, 0.0);
        }
        let at = *place * self.width;
        self.gradient.get_mut(at..at + self.width).unwrap_or_default()
    }

    fn clear(&mut self) {
        for &row in &self.rows {
            if let Some(place) = self.place.get_mut(row as usize) {
                *place = NOWHERE;
            }
        }
        self.rows.clear();
        self.gradient.clear();
    }
}

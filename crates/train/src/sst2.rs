//! From a table of labelled sentences to a model: the recipe of the model that Arras ships.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use arras_approx::{Fit, Measure, Target, certify};
use arras_nn::head::{Linear, Parts, Quadratic};
use arras_nn::lexicon::{Entry, PARTS};
use arras_nn::{About, Encoder, Head, Lexicon, Metrics, Model, Pooling, Ranges, Span, Table};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::data::{Example, Split, split};
use crate::network::{Network, Pass, Penalty, Shape};
use crate::phase::{Learner, Schedule};
use crate::prepare::{Dropout, Prepared, vocabulary};
use crate::temperature;

/// Everything that may be chosen; the defaults are the shipped model's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Networks that learn apart and answer together, side by side in one.
    pub members: usize,
    /// Features of each member; the client encrypts those of all.
    pub features: usize,
    /// Hidden neurons of each member.
    pub hidden: usize,
    /// Hashed rows for parts of words.
    pub parts: usize,
    /// Longest run of words with a row of its own: 1, 2 or 3.
    pub longest_run: usize,
    /// Sentences in which a run must stand to get one.
    pub least_run: usize,
    /// Passes over the examples.
    pub epochs: usize,
    /// Examples per step, of similar length.
    pub batch: usize,
    /// Largest learning rate of the embedding table.
    pub table_rate: f32,
    /// Largest learning rate of the other weights.
    pub rate: f32,
    /// Decoupled weight decay.
    pub decay: f32,
    /// Share of words left out each time an example is seen.
    pub drop_words: f32,
    /// Share of runs left out.
    pub drop_runs: f32,
    /// Share of words read by their parts alone.
    pub unknown: f32,
    /// Half the width of the uniform noise on every feature.
    pub noise: f32,
    /// Weight of the penalty on values out of range.
    pub penalty: f32,
    /// Free range of hidden values.
    pub hidden_range: f32,
    /// Free range of the logit difference.
    pub logit_range: f32,
    /// Power of the number of tokens by which a sum of rows is divided.
    pub power: f32,
    /// Longest feature vector of each member.
    pub limit: f32,
    /// Share of the sentences held back, on which the temperature is fitted.
    pub held_out: f64,
    /// Degree of the polynomial near the logistic function.
    pub degree: usize,
    /// Seed of everything random.
    pub seed: u64,
    /// Names of class 0 and class 1.
    pub labels: [String; 2],
}

impl Default for Options {
    fn default() -> Self {
        Self {
            members: 3,
            features: 21,
            hidden: 15,
            parts: 1 << 15,
            longest_run: 2,
            least_run: 3,
            epochs: 8,
            batch: 32,
            table_rate: 1e-2,
            rate: 1e-3,
            decay: 0.01,
            drop_words: 0.4,
            drop_runs: 0.7,
            unknown: 0.1,
            noise: 0.1,
            penalty: 0.1,
            hidden_range: 4.0,
            logit_range: 6.0,
            power: 0.5,
            limit: 2.0,
            held_out: 0.05,
            degree: 15,
            seed: 1,
            labels: ["negative".to_owned(), "positive".to_owned()],
        }
    }
}

/// Which part of training is running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The network learns.
    Network,
    /// The network is frozen and the temperature learns.
    Temperature,
}

/// Where training stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// What is running.
    pub phase: Phase,
    /// Epochs finished.
    pub epoch: usize,
    /// Epochs in all.
    pub epochs: usize,
    /// Steps taken.
    pub step: usize,
    /// Steps in all.
    pub steps: usize,
    /// Mean loss since the last report.
    pub loss: f64,
    /// Figures on the sentences held back, at the end of every epoch.
    pub held_out: Option<Metrics>,
    /// Share of the work that is done: elapsed / fraction is the time that all will take.
    pub fraction: f64,
}

/// Trains a model. The same examples and options give the same model, bit for bit, on the same machine.
///
/// `report` is called some thirty times per epoch and stops the training by breaking.
///
/// **Cost**: one thread; for the 67,349 phrases of SST-2 well under a second per epoch and member on an idle core.
///
/// # Errors
///
/// When an option makes no sense, there is too little to learn from, the loss diverges, or `report` breaks.
pub fn train(
    examples: &[Example],
    options: &Options,
    report: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Model, Error> {
    options.check()?;
    let positive = examples.iter().filter(|e| e.positive).count();
    if examples.len() < 20 || positive == 0 || positive == examples.len() {
        return Err(Error::TooLittle { sentences: examples.len(), positive });
    }
    let split = split(examples, options.held_out, options.seed);
    let (learn, held) = (pick(examples, &split.learn), pick(examples, &split.held_out));
    if learn.is_empty() || held.is_empty() {
        return Err(Error::TooLittle { sentences: learn.len(), positive });
    }
    let sentences = split.sentences.iter().filter_map(|&i| examples.get(i));
    let words = vocabulary(sentences, options.longest_run, options.least_run);
    let lexicon = Lexicon::new(words, options.parts)?;
    let network = first_phase(&lexicon, &learn, &held, options, report)?;
    second_phase(lexicon, &network, &split, (&learn, &held), options, report)
}

fn pick<'a>(examples: &'a [Example], indices: &[usize]) -> Vec<&'a Example> {
    indices.iter().filter_map(|&i| examples.get(i)).collect()
}

/// Lets the members learn from the labels, one after the other, and puts them side by side.
fn first_phase(
    lexicon: &Lexicon,
    learn: &[&Example],
    held: &[&Example],
    options: &Options,
    report: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Network, Error> {
    let [lesson, exam] = [learn, held].map(|set| Prepared::new(lexicon, set.iter().copied()));
    let labels: Vec<bool> = held.iter().map(|e| e.positive).collect();
    let mut members: Vec<Network> = Vec::with_capacity(options.members);
    for turn in 0..options.members {
        let seed = options.seed.wrapping_add(turn as u64 * SEEDS);
        let network = Network::new(options.shape(), lexicon.rows(), seed);
        let schedule = Schedule { seed, ..options.schedule() };
        let network = Learner::new(network, lexicon.rows(), &lesson, schedule).run(&mut |at, network| {
            let look = || Metrics::of(&probabilities(network, &exam), &labels).ok();
            let (step, steps) = (turn * at.steps + at.step, options.members * at.steps);
            report(&Progress {
                phase: Phase::Network,
                epoch: turn * options.epochs + at.epoch,
                epochs: options.members * options.epochs,
                step,
                steps,
                loss: f64::from(at.loss),
                held_out: if at.ended { look() } else { None },
                fraction: 0.97 * step as f64 / steps.max(1) as f64,
            })
        })?;
        members.push(network);
    }
    Network::beside(&members).ok_or(Error::TooLittle { sentences: learn.len(), positive: 0 })
}

/// What separates the seeds of members.
const SEEDS: u64 = 0x1_0000;

fn probabilities(network: &Network, set: &Prepared) -> Vec<f64> {
    let (mut pass, mut entries) = (Pass::default(), Vec::<Entry>::new());
    let one = |rows| {
        set.whole(rows, &mut entries);
        network.embed(&entries, rows.tokens(), &mut pass);
        network.forward(&mut pass);
        arras_nn::head::logistic(f64::from(pass.d))
    };
    set.rows.iter().map(one).collect()
}

/// Rounds the table, fits the temperature and the polynomial, and measures what the model will carry.
fn second_phase(
    lexicon: Lexicon,
    network: &Network,
    split: &Split,
    (learn, held): (&[&Example], &[&Example]),
    options: &Options,
    report: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Model, Error> {
    let pooling = Pooling { power: f64::from(options.power), limit: f64::from(network.shape.limit) };
    let encoder = Encoder::new(lexicon, Table::quantise(network.shape.features, &network.table)?, pooling)?;
    let raw = head(network, 1.0, (REACH, REACH), options.degree)?;
    let mut ranges = Ranges::empty();
    for example in learn.iter().chain(held) {
        let features = encoder.features(&example.tokens);
        let values = raw.values(&features)?;
        ranges.feature.widen(features);
        ranges.hidden.widen(values.hidden);
        ranges.activation.widen(values.activation);
        ranges.logit.widen([values.logit]);
    }
    let widest = ranges.logit.high.max(-ranges.logit.low);
    let logits: Result<Vec<f32>, Error> =
        held.iter().map(|e| Ok(raw.values(&encoder.features(&e.tokens))?.logit as f32)).collect();
    let (logits, labels) = (logits?, held.iter().map(|e| e.positive).collect::<Vec<_>>());
    let temperature = temperature::fit(&logits, &labels, (widest / REACH) as f32);
    let divisor = f64::from(temperature);
    ranges.logit = Span { low: ranges.logit.low / divisor, high: ranges.logit.high / divisor };
    let reach = (widest / divisor).max(2.0);
    let end = (extreme(&encoder, &raw)? / divisor).clamp(1.25 * reach, 2.0 * reach);
    let head = head(network, divisor, (reach, end), options.degree)?;
    let probabilities: Vec<f64> =
        logits.iter().map(|&d| arras_nn::head::logistic(f64::from(d / temperature))).collect();
    let held_out = Metrics::of(&probabilities, &labels)?;
    let error = certify(&head.parts().polynomial, Target::Sigmoid, (-reach, reach), Measure::Absolute)?;
    let figures = BTreeMap::from([
        ("training phrases".to_owned(), learn.len() as f64),
        ("training sentences".to_owned(), split.sentences.len() as f64),
        ("held-out sentences".to_owned(), held.len() as f64),
        ("held-out accuracy".to_owned(), held_out.accuracy),
        ("held-out cross-entropy".to_owned(), held_out.cross_entropy),
        ("held-out AUROC".to_owned(), held_out.auroc),
        ("logistic polynomial error".to_owned(), error.error()),
        ("seed".to_owned(), options.seed as f64),
        ("epochs".to_owned(), options.epochs as f64),
    ]);
    let done = Progress {
        phase: Phase::Temperature,
        epoch: options.members * options.epochs,
        epochs: options.members * options.epochs,
        step: 1,
        steps: 1,
        loss: held_out.cross_entropy,
        held_out: Some(held_out),
        fraction: 1.0,
    };
    if report(&done).is_break() {
        return Err(Error::Interrupted);
    }
    let about = About { labels: options.labels.clone(), ranges, figures, sentinel: options.seed };
    Ok(Model::new(encoder, head, about)?)
}

/// The largest logit difference of a text that repeats one entry of the vocabulary until the feature limit holds it.
fn extreme(encoder: &Encoder, head: &Head) -> Result<f64, Error> {
    let mut largest = 0.0f64;
    for word in encoder.lexicon().words() {
        let tokens: Vec<String> = word.split(' ').map(str::to_owned).collect();
        let mut x = encoder.features(&tokens);
        let norm = x.iter().map(|v| v * v).sum::<f64>().sqrt().max(1e-9);
        x.iter_mut().for_each(|v| *v *= encoder.pooling().limit / norm);
        largest = largest.max(head.values(&x)?.logit.abs());
    }
    Ok(largest)
}

/// The network as a model's head, its polynomial good on [-reach, reach] and tame on [-end, end].
fn head(network: &Network, temperature: f64, (reach, end): (f64, f64), degree: usize) -> Result<Head, Error> {
    let p = network.parts();
    let wide = |values: &[f32]| values.iter().map(|&v| f64::from(v)).collect::<Vec<f64>>();
    let half: Vec<f64> = p.w2.iter().map(|&w| 0.5 * f64::from(w)).collect();
    let output = half.iter().map(|w| -w).chain(half.iter().copied()).collect();
    let bias = 0.5 * f64::from(p.b2);
    Ok(Head::new(Parts {
        hidden: Linear::new(network.shape.features, wide(p.w1), wide(p.b1))?,
        activation: Quadratic::new(wide(p.slope), wide(p.offset))?,
        output: Linear::new(network.shape.hidden, output, vec![-bias, bias])?,
        temperature,
        polynomial: Fit::new(-reach, reach, degree)?
            .tails(end - reach, TAIL_WEIGHT)?
            .target(Target::Sigmoid)?,
    })?)
}

/// The widest range of the logistic polynomial; the temperature is not lowered beyond what keeps the training set in it.
const REACH: f64 = 10.0;

/// Weight of the tails in the fit.
const TAIL_WEIGHT: f64 = 0.1;

impl Options {
    /// Accepts options that make sense.
    fn check(&self) -> Result<(), Error> {
        let ranges = [
            ("members", self.members as f64, 1.0, 16.0),
            ("features of all members", (self.members.saturating_mul(self.features)) as f64, 1.0, 1024.0),
            ("neurons of all members", (self.members.saturating_mul(self.hidden)) as f64, 1.0, 1024.0),
            ("features", self.features as f64, 1.0, 1024.0),
            ("hidden", self.hidden as f64, 1.0, 1024.0),
            ("parts", self.parts as f64, 1.0, PARTS as f64),
            ("longest_run", self.longest_run as f64, 1.0, 3.0),
            ("least_run", self.least_run as f64, 1.0, 1e6),
            ("epochs", self.epochs as f64, 1.0, 1e4),
            ("batch", self.batch as f64, 1.0, 1e5),
            ("table_rate", f64::from(self.table_rate), 0.0, 1.0),
            ("rate", f64::from(self.rate), 0.0, 1.0),
            ("decay", f64::from(self.decay), 0.0, 0.9),
            ("drop_words", f64::from(self.drop_words), 0.0, 0.95),
            ("drop_runs", f64::from(self.drop_runs), 0.0, 0.95),
            ("unknown", f64::from(self.unknown), 0.0, 1.0),
            ("noise", f64::from(self.noise), 0.0, 10.0),
            ("penalty", f64::from(self.penalty), 0.0, 100.0),
            ("hidden_range", f64::from(self.hidden_range), 0.1, 100.0),
            ("logit_range", f64::from(self.logit_range), 0.1, 100.0),
            ("power", f64::from(self.power), 0.0, 1.0),
            ("limit", f64::from(self.limit), 0.01, 100.0),
            ("held_out", self.held_out, 0.001, 0.9),
            ("degree", self.degree as f64, 3.0, 63.0),
        ];
        for (name, value, low, high) in ranges {
            if !(low..=high).contains(&value) {
                return Err(Error::Option { name, value, low, high });
            }
        }
        Ok(())
    }

    const fn shape(&self) -> Shape {
        Shape { features: self.features, hidden: self.hidden, power: self.power, limit: self.limit }
    }

    const fn schedule(&self) -> Schedule {
        Schedule {
            epochs: self.epochs,
            batch: self.batch,
            table_rate: self.table_rate,
            rate: self.rate,
            decay: self.decay,
            dropout: Dropout { word: self.drop_words, run: self.drop_runs, unknown: self.unknown },
            noise: self.noise,
            penalty: Penalty { weight: self.penalty, hidden: self.hidden_range, logit: self.logit_range },
            seed: self.seed,
        }
    }
}

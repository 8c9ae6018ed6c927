//! The files around a training: encoders, tables, the log, checkpoints, and how training is watched.

use std::fs;
use std::io::{Read as _, Write as _};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, bail};
use arras_client::store;
use arras_nn::transformer::{Pretrained, WEIGHTS};
use arras_train::data::{self, Labelled};
use arras_train::transformer::learn::{Loss, Weights};
use arras_train::transformer::{Learner, Lesson, Progress, Schedule};
use serde::Serialize;

use crate::args::transformer::Pace;
use crate::cmd::report::training;
use crate::{input, output, stop};

/// The files of an encoder.
pub const MODEL: &str = "model.safetensors";
pub const CONFIG: &str = "config.json";
pub const TOKENIZER: &str = "tokenizer.json";

/// Labelled sentences to learn from.
pub const TRAIN: &str = "train.tsv";

const CHECKPOINT: &str = "checkpoint.safetensors";
/// What a teacher showed.
pub const SHOWN: &str = "shown.bin";
const SUBJECT: &str = "training.json";
const MOST_SUBJECT: u64 = 1 << 16;
const LOG: &str = "log.jsonl";
const PLOT: &str = "training.svg";

/// Steps between two checkpoints.
const KEEP: usize = 400;

/// The encoder of a folder.
pub fn encoder(folder: &Path) -> anyhow::Result<Pretrained> {
    let read = |name: &str| {
        let wanted = "give a folder with model.safetensors, config.json and tokenizer.json";
        store::read_at_most(&folder.join(name), WEIGHTS as u64).context(wanted)
    };
    let (config, tokenizer, model) = (read(CONFIG)?, read(TOKENIZER)?, read(MODEL)?);
    Pretrained::read(&config, &tokenizer, &model).with_context(|| folder.display().to_string())
}

/// The labelled sentences of a folder.
pub fn table(folder: &Path, name: &str) -> anyhow::Result<Vec<Labelled>> {
    let path = folder.join(name);
    data::rows(&input::data(&path)?).with_context(|| path.display().to_string())
}

/// A schedule with what the user chose.
pub fn schedule(pace: &Pace, default: Schedule) -> Schedule {
    Schedule {
        epochs: pace.epochs.unwrap_or(default.epochs),
        batch: pace.batch.unwrap_or(default.batch),
        rate: pace.rate.unwrap_or(default.rate),
        workers: pace.workers.unwrap_or_else(rayon::current_num_threads),
        seed: pace.seed.unwrap_or(default.seed),
        ..default
    }
}

/// Breaks where the user asked to stop.
pub fn go_on() -> ControlFlow<()> {
    if stop::asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// Shows on a bar how many texts are done, and stops where the user asks to.
pub fn heard(bar: &indicatif::ProgressBar) -> impl FnMut(usize) -> ControlFlow<()> {
    |done| {
        bar.set_position(done as u64);
        go_on()
    }
}

/// What a checkpoint is a checkpoint of: a training goes on with the same of all this, or not at all. Passes, rate and threads may change.
#[derive(Serialize)]
pub struct Subject {
    /// Hash of the encoder's weights.
    encoder: String,
    /// Hash of the table of sentences.
    table: String,
    new_texts: usize,
    lanes: usize,
    batch: usize,
    seed: u64,
}

impl Subject {
    /// Of an encoder, a table in a folder, and a schedule.
    pub fn new(
        encoder: &Path,
        data: &Path,
        new_texts: usize,
        lanes: usize,
        schedule: &Schedule,
    ) -> anyhow::Result<Self> {
        let weights = store::read_at_most(&encoder.join(MODEL), WEIGHTS as u64)?;
        let hash = |bytes: &[u8]| blake3::hash(bytes).to_hex().to_string();
        Ok(Self {
            encoder: hash(&weights),
            table: hash(&input::data(&data.join(TRAIN))?),
            new_texts,
            lanes,
            batch: schedule.batch,
            seed: schedule.seed,
        })
    }

    /// Makes the folder of this training if it is not there, and refuses one that holds another training.
    pub fn claim(&self, folder: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let (path, own) = (folder.join(SUBJECT), serde_json::to_value(self)?);
        let begun = [CHECKPOINT, SHOWN].into_iter().any(|name| folder.join(name).exists());
        if !begun || !path.exists() {
            return Ok(store::write_file(&path, serde_json::to_string_pretty(&own)?.as_bytes())?);
        }
        let kept: serde_json::Value = serde_json::from_slice(&store::read_at_most(&path, MOST_SUBJECT)?)
            .with_context(|| path.display().to_string())?;
        let other =
            own.as_object().into_iter().flatten().filter(|&(name, value)| kept.get(name) != Some(value));
        let names: Vec<&str> = other.map(|(name, _)| name.as_str()).collect();
        if names.is_empty() {
            return Ok(());
        }
        bail!(
            "{} keeps a training that differs in {}: give what it was started with, or another folder",
            folder.display(),
            names.join(", ")
        )
    }
}

/// What to say of a training that was stopped.
pub fn kept(folder: &Path) -> String {
    format!("{} keeps a checkpoint: the same command goes on from it", folder.display())
}

/// Keeps where a training stands.
pub fn keep(folder: &Path, learner: &Learner, weights: &Weights) -> anyhow::Result<()> {
    Ok(store::write_file(&folder.join(CHECKPOINT), &learner.checkpoint(weights)?)?)
}

/// Writes a large file of a folder piece by piece; it has its name once it is whole.
pub fn write_large(
    path: &Path,
    write: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>,
) -> anyhow::Result<()> {
    let part = path.with_extension("part");
    let written = fs::File::create(&part).and_then(|file| {
        let mut file = std::io::BufWriter::new(file);
        write(&mut file)?;
        file.into_inner()?.sync_all()?;
        fs::rename(&part, path)
    });
    written.with_context(|| format!("{} cannot be written", path.display()))
}

/// Adds a line to a file of a folder.
pub fn note(folder: &Path, name: &str, line: &serde_json::Value) -> anyhow::Result<()> {
    let path = folder.join(name);
    let file = fs::OpenOptions::new().create(true).append(true).open(&path);
    file.and_then(|mut file| writeln!(file, "{line}"))
        .with_context(|| format!("{} cannot be written", path.display()))
}

/// A training whose folder holds its log and its checkpoint.
pub struct Watched<'a> {
    folder: &'a Path,
    log: fs::File,
    bar: indicatif::ProgressBar,
    started: Instant,
    resumed: usize,
    mean: f32,
    stop_after: Option<usize>,
}

/// One line of the log.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    at: &'a Progress,
    seconds: f64,
}

/// The running mean with one loss more.
fn running(mean: f32, loss: f32) -> f32 {
    if mean.is_nan() { loss } else { 0.98 * mean + 0.02 * loss }
}

/// The log at its end; a last line that was cut off is dropped, or the next one would go on in it.
fn log(path: &Path) -> std::io::Result<fs::File> {
    let mut log = fs::OpenOptions::new().create(true).read(true).append(true).open(path)?;
    let mut bytes = Vec::new();
    log.read_to_end(&mut bytes)?;
    let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
    if whole < bytes.len() {
        log.set_len(whole as u64)?;
    }
    Ok(log)
}

impl<'a> Watched<'a> {
    /// Goes on where the folder's checkpoint stands, or starts.
    pub fn start(
        folder: &'a Path,
        weights: &Weights,
        what: &'static str,
        pace: &Pace,
    ) -> anyhow::Result<(Self, Learner)> {
        let checkpoint = folder.join(CHECKPOINT);
        let learner = if checkpoint.exists() {
            let bytes = store::read_at_most(&checkpoint, WEIGHTS as u64)?;
            Learner::resume(&bytes, weights).with_context(|| checkpoint.display().to_string())?
        } else {
            Learner::default()
        };
        let path = folder.join(LOG);
        let before = if learner.taken() > 0 { training::read(&path).unwrap_or_default() } else { Vec::new() };
        let log = log(&path).with_context(|| format!("{} cannot be written", path.display()))?;
        stop::watch()?;
        let watched = Self {
            folder,
            log,
            bar: output::bar(0, what),
            started: Instant::now(),
            resumed: learner.taken(),
            mean: before.iter().fold(f32::NAN, |mean, line| running(mean, line.loss as f32)),
            stop_after: pace.stop_after,
        };
        Ok((watched, learner))
    }

    /// Lets the network learn; returns the seconds it took and the running mean of the loss.
    pub fn learn<'b>(
        mut self,
        learner: &mut Learner,
        weights: &Weights,
        lessons: &'b [Lesson],
        schedule: &Schedule,
        loss: &Loss<'b>,
    ) -> anyhow::Result<(f64, f32)> {
        let mut failed = None;
        let mut report = |at: &Progress, learner: &Learner| {
            self.step(at, learner, weights).unwrap_or_else(|error| {
                failed = Some(error);
                ControlFlow::Break(())
            })
        };
        let learnt = learner.run(weights, lessons, schedule, loss, &mut report);
        self.bar.finish_and_clear();
        failed.map_or(Ok(()), Err)?;
        learnt.with_context(|| kept(self.folder))?;
        let chart = training::chart(&training::read(&self.folder.join(LOG))?);
        store::write_file(&self.folder.join(PLOT), chart.draw().as_bytes())?;
        Ok((self.started.elapsed().as_secs_f64(), self.mean))
    }

    /// Writes a step to the log, moves the bar, and keeps a checkpoint now and then, and when the user asks to stop.
    fn step(
        &mut self,
        at: &Progress,
        learner: &Learner,
        weights: &Weights,
    ) -> anyhow::Result<ControlFlow<()>> {
        let seconds = self.started.elapsed().as_secs_f64();
        let line = serde_json::to_string(&Line { at, seconds })? + "\n";
        self.log.write_all(line.as_bytes()).context("the log cannot be written")?;
        self.mean = running(self.mean, at.loss);
        self.bar.set_length(at.steps as u64);
        self.bar.set_position(at.step as u64);
        let left = seconds / (at.step - self.resumed).max(1) as f64 * (at.steps - at.step) as f64;
        self.bar.set_message(format!("loss {:.4}, {left:.0} s left", self.mean));
        let stop = stop::asked() || self.stop_after.is_some_and(|steps| at.step >= steps);
        if stop || at.step.is_multiple_of(KEEP) || at.step == at.steps {
            keep(self.folder, learner, weights)?;
        }
        Ok(if stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }
}

//! `cargo xtask peers` by itself: one operation after another, at several levels.

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use super::machine::Machine;
use super::preset::Preset;
use super::report::{Report, Samples};
use super::worker::{self, Worker};
use super::{Programs, Run};

/// What to compare, and how long.
#[derive(Args)]
pub struct Options {
    /// The parameters and the levels to time at.
    #[arg(long, default_value = "n16-l28", value_parser = Preset::named)]
    preset: Preset,
    /// Only these libraries beside ours; none, and no Python, when no name follows.
    #[arg(long, value_delimiter = ',', num_args = 0.., default_value = "openfhe,seal")]
    with: Vec<Peer>,
    #[command(flatten)]
    run: Run,
}

/// Another library.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Peer {
    Openfhe,
    Seal,
}

impl Peer {
    fn script(self) -> &'static str {
        match self {
            Self::Openfhe => "openfhe_ops.py",
            Self::Seal => "tenseal_ops.py",
        }
    }
}

pub fn run(options: &Options) -> Result<()> {
    let Options { preset, with, run } = options;
    let programs = Programs::ready(run, !with.is_empty())?;
    let mut workers = start(&programs, options)?;

    let mut samples = Samples::default();
    for round in 1..=run.rounds {
        eprintln!("round {round} of {}", run.rounds);
        for request in preset.requests(run.reps) {
            for worker in &mut workers {
                let answer = worker.ask(&request).with_context(|| format!("{} failed", worker.name()))?;
                samples.add(&request, worker.name(), answer);
            }
        }
    }

    let machine = Machine::read();
    let report = Report::new(&machine, *preset, &workers, &samples);
    if run.json {
        println!("{}", report.json()?);
    } else {
        print!("{}", report.table());
    }
    if !run.no_record && !preset.toy {
        programs.recorded(&report.record(&programs.records())?);
    }
    Ok(())
}

fn start(programs: &Programs, options: &Options) -> Result<Vec<Worker>> {
    let Options { preset, with, run } = options;
    let ours = Worker::start(worker::ours(&programs.ours, *preset), run.core).context("our own worker")?;
    let mut workers = vec![ours];
    if let Some(before) = &run.before {
        let worker = Worker::start(worker::ours(before, *preset), run.core).context("the older build")?;
        workers.push(worker.named("before"));
    }
    for (peer, python) in with.iter().zip(programs.python.iter().cycle()) {
        let command = worker::theirs(python, &programs.script(peer.script()), *preset);
        workers.push(Worker::start(command, run.core).with_context(|| peer.script())?);
    }
    Ok(workers)
}

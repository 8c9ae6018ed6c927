//! `cargo xtask peers`: the same operations in our library and in others, interleaved in one run.
//!
//! A shared machine changes its speed from one second to the next, so only neighbours in time compare: ours, theirs,
//! ours, theirs. Each library is a process that answers one line per request; `bench/peers/README.md` has the protocol.

mod machine;
mod preset;
mod protocol;
mod python;
mod report;
mod worker;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use cargo_metadata::MetadataCommand;
use clap::{Args, ValueEnum};

use machine::Machine;
use preset::Preset;
use report::{Report, Samples};
use worker::Worker;

/// What to compare, and how long.
#[derive(Args)]
pub struct Options {
    /// The parameters and the levels to time at.
    #[arg(long, default_value = "n16-l28", value_parser = Preset::named)]
    preset: Preset,
    /// Calls of one operation in a row.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    reps: u32,
    /// How often every library gets its turn.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Only these libraries beside ours; none, and no Python, when no name follows.
    #[arg(long, value_delimiter = ',', num_args = 0.., default_value = "openfhe,seal")]
    with: Vec<Peer>,
    /// An older build of `arras`, to take turns with this one.
    #[arg(long)]
    before: Option<PathBuf>,
    /// A program that takes the place of this checkout's `arras`.
    #[arg(long)]
    ours: Option<PathBuf>,
    /// The Python 3.10 that the virtual environment is made with.
    #[arg(long)]
    python: Option<PathBuf>,
    /// The core that every process is tied to.
    #[arg(long, default_value_t = 0)]
    core: u32,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Leave bench/records/ as it is.
    #[arg(long)]
    no_record: bool,
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

/// Runs every library in turn, prints the minima and their ratios, and keeps a record.
pub fn compare(options: &Options) -> Result<()> {
    let metadata = MetadataCommand::new().no_deps().exec().context("cannot read the workspace")?;
    let root = metadata.workspace_root.as_std_path();
    let folder = root.join("bench/peers");
    // The environment first: it is what a machine may lack.
    let python = match options.with.as_slice() {
        [] => None,
        _ => Some(python::environment(&folder, options.python.as_deref())?),
    };
    let ours = match &options.ours {
        Some(program) => program.clone(),
        None => build(&metadata.target_directory.join("release/arras").into_std_path_buf())?,
    };

    let machine = Machine::read();
    let preset = options.preset;
    let mut workers =
        vec![Worker::start(worker::ours(&ours, preset), options.core).context("our own worker")?];
    if let Some(before) = &options.before {
        let worker = Worker::start(worker::ours(before, preset), options.core).context("the older build")?;
        workers.push(worker.named("before"));
    }
    for (peer, python) in options.with.iter().zip(python.iter().cycle()) {
        let script = folder.join(peer.script());
        let worker = Worker::start(worker::theirs(python, &script, preset), options.core);
        workers.push(worker.with_context(|| peer.script())?);
    }

    let mut samples = Samples::default();
    for round in 1..=options.rounds {
        eprintln!("round {round} of {}", options.rounds);
        for request in preset.requests(options.reps) {
            for worker in &mut workers {
                let answer = worker.ask(&request).with_context(|| format!("{} failed", worker.name()))?;
                samples.add(&request, worker.name(), answer);
            }
        }
    }

    let report = Report::new(&machine, preset, &workers, &samples);
    if options.json {
        println!("{}", report.json()?);
    } else {
        print!("{}", report.table());
    }
    if !options.no_record && !preset.toy {
        let path = report.record(&root.join("bench/records"))?;
        eprintln!("recorded in {}", path.strip_prefix(root).unwrap_or(&path).display());
    }
    Ok(())
}

fn build(arras: &Path) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--release", "--package", "arras-cli", "--bin", "arras"])
        .status()
        .context("cannot start cargo")?;
    ensure!(status.success(), "our own program does not build");
    Ok(arras.into())
}

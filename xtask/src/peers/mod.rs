//! `cargo xtask peers`: the same work in our library and in others, interleaved in one run.
//!
//! A shared machine changes its speed from one second to the next, so only neighbours in time compare: ours, theirs,
//! ours, theirs. Each library is a process that answers one line per request; `bench/peers/README.md` has the protocol.

mod boot;
mod compare;
mod machine;
mod ops;
mod outcome;
mod preset;
mod protocol;
mod python;
mod record;
mod report;
mod samples;
mod turn;
mod worker;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use cargo_metadata::MetadataCommand;
use clap::{Args, Subcommand};

/// What to compare.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Options {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    ops: ops::Options,
}

#[derive(Subcommand)]
enum What {
    /// Time a refresh (bootstrapping), the whole of it.
    Boot(boot::Options),
    /// Time sign compositions, on which comparison stands.
    Compare(compare::Options),
}

/// How long, beside what, and where the result goes.
#[derive(Args)]
struct Run {
    /// Calls of one operation in a row.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    reps: u32,
    /// How often every library gets its turn.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
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

/// Runs every library in turn, prints the minima and their ratios, and keeps a record.
pub fn run(options: &Options) -> Result<()> {
    match &options.what {
        None => ops::run(&options.ops),
        Some(What::Boot(boot)) => boot::run(boot),
        Some(What::Compare(compare)) => compare::run(compare),
    }
}

/// The programs of a comparison.
struct Programs {
    root: PathBuf,
    ours: PathBuf,
    /// Absent when no other library takes part.
    python: Option<PathBuf>,
}

impl Programs {
    /// Builds ours, and makes the environment of the others where there are any.
    fn ready(run: &Run, others: bool) -> Result<Self> {
        let metadata = MetadataCommand::new().no_deps().exec().context("cannot read the workspace")?;
        let root = metadata.workspace_root.into_std_path_buf();
        // The environment first: it is what a machine may lack.
        let python = match others {
            false => None,
            true => Some(python::environment(&root.join("bench/peers"), run.python.as_deref())?),
        };
        let ours = match &run.ours {
            Some(program) => program.clone(),
            None => build(&metadata.target_directory.join("release/arras").into_std_path_buf())?,
        };
        Ok(Self { root, ours, python })
    }

    fn script(&self, name: &str) -> PathBuf {
        self.root.join("bench/peers").join(name)
    }

    fn records(&self) -> PathBuf {
        self.root.join("bench/records")
    }

    /// Says where a record is.
    fn recorded(&self, path: &Path) {
        eprintln!("recorded in {}", path.strip_prefix(&self.root).unwrap_or(path).display());
    }
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

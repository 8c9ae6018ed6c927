//! `cargo xtask peers compare`: the same sign composition in every library.
//!
//! Each precision alpha has a chain of its own, of exactly the composition's depth, and so processes of its own. Our
//! worker plans the evaluation, and the other libraries follow the plan: all do the same products at the same levels.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};
use serde_json::Value;

use super::composite::Composition;
use super::machine::Machine;
use super::outcome::{Outcome, Report, Setting};
use super::protocol::{Answer, Request};
use super::worker::Worker;
use super::{Programs, Run};

/// What to compare, and how long.
#[derive(Args)]
pub struct Options {
    /// Bits of the comparison: two numbers in [0, 1] are told apart when they differ by 2^-alpha.
    #[arg(long, value_delimiter = ',', default_values_t = [8, 20])]
    alpha: Vec<u8>,
    /// Degrees of the polynomials, for one alpha.
    #[arg(long, value_delimiter = ',')]
    degrees: Vec<usize>,
    /// The polynomials themselves, for one alpha: what `arras minimax polynomials --json` prints.
    #[arg(long, conflicts_with = "degrees")]
    polynomials: Option<PathBuf>,
    /// Other degrees for a second measurement of ours, for one alpha.
    #[arg(long, value_delimiter = ',')]
    own_degrees: Vec<usize>,
    /// log2 of the ring dimension.
    #[arg(long, default_value_t = 16)]
    log_ring: u8,
    /// Skip every library's security check: for trying the scripts on small rings.
    #[arg(long)]
    danger_insecure: bool,
    /// Only these libraries beside ours; none, and no Python, when no name follows.
    #[arg(long, value_delimiter = ',', num_args = 0.., default_value = "openfhe,openfhe-series,seal")]
    with: Vec<Peer>,
    #[command(flatten)]
    run: Run,
}

/// Another library, or another way to use it.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Peer {
    /// OpenFHE by our plan.
    Openfhe,
    /// OpenFHE by its own evaluation of a Chebyshev series.
    OpenfheSeries,
    /// SEAL by our plan.
    Seal,
}

impl Peer {
    fn script(self) -> &'static str {
        match self {
            Self::Openfhe | Self::OpenfheSeries => "openfhe_compare.py",
            Self::Seal => "tenseal_compare.py",
        }
    }
}

/// Bits of the base modulus, and of the scale and each level.
const BITS: [(&str, u8); 2] = [("--base-bits", 60), ("--scale-bits", 50)];

/// Degrees with the fewest products at the least depth, from Lee, Lee, No, Kim (2022, minimax approximation of sign
/// function by composite polynomial for homomorphic comparison, table 3), and the fewest digits to try in OpenFHE's key
/// switch: those with which it is fastest, when 128 bits of security allow them.
fn usual(alpha: u8) -> Option<(&'static [usize], u8)> {
    match alpha {
        8 => Some((&[3, 15, 31], 3)),
        20 => Some((&[5, 5, 5, 7, 7, 15, 15, 31], 1)),
        _ => None,
    }
}

pub fn run(options: &Options) -> Result<()> {
    let Options { run, with, .. } = options;
    let compositions = compositions(options)?;
    let programs = Programs::ready(run, !with.is_empty())?;
    let mut settings = Vec::new();
    for (alpha, composition) in compositions {
        let setting = measure(options, &programs, alpha, &composition);
        settings.push(setting.with_context(|| format!("alpha = {alpha}"))?);
    }
    let machine = Machine::read();
    let report = Report::new(&machine, options.log_ring, settings);
    if run.json {
        println!("{}", report.json()?);
    } else {
        print!("{}", report.table());
    }
    if !run.no_record && !options.danger_insecure {
        programs.recorded(&report.record(&programs.records())?);
    }
    Ok(())
}

/// What is compared at each alpha.
fn compositions(options: &Options) -> Result<Vec<(u8, Composition)>> {
    let Options { alpha, degrees, polynomials, own_degrees, .. } = options;
    let chosen = !degrees.is_empty() || polynomials.is_some() || !own_degrees.is_empty();
    ensure!(!chosen || alpha.len() == 1, "degrees and polynomials are for one --alpha");
    let odd = |degrees: &[usize]| degrees.iter().all(|degree| degree % 2 == 1 && (3..=63).contains(degree));
    ensure!(odd(degrees) && odd(own_degrees), "degrees are odd, from 3 to 63");
    let composition = |&alpha: &u8| {
        let epsilon = 2f64.powi(-i32::from(alpha));
        let composition = match (polynomials, degrees.as_slice(), usual(alpha)) {
            (Some(path), ..) => {
                let text =
                    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
                let record = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
                Composition::parse(&record).with_context(|| path.display().to_string())?
            }
            (None, [], None) => bail!("alpha = {alpha} has no usual degrees: name them with --degrees"),
            (None, [], Some((degrees, _))) => Composition::iterations(degrees, epsilon),
            (None, degrees, _) => Composition::iterations(degrees, epsilon),
        };
        Ok((alpha, composition))
    };
    alpha.iter().map(composition).collect()
}

/// A worker, what it is asked, and what came of it.
struct Turn {
    worker: Worker,
    request: Request,
    outcome: Outcome,
}

impl Turn {
    fn new(worker: Worker, request: Request) -> Self {
        let outcome = Outcome::of(worker.about().clone());
        Self { worker, request, outcome }
    }

    fn take(&mut self) -> Result<()> {
        let answer = self.worker.ask(&self.request);
        self.outcome.add(answer?)
    }
}

fn measure(options: &Options, programs: &Programs, alpha: u8, composition: &Composition) -> Result<Setting> {
    let run = &options.run;
    let mut ours = start(options, ours(options, &programs.ours, composition.depth()))?;
    let (request, products) = planned(&mut ours, composition, run.reps)?;
    let mut turns = vec![Turn::new(ours, request.clone())];
    if let Some(before) = &run.before {
        let worker = start(options, self::ours(options, before, composition.depth()))?;
        turns.push(Turn::new(worker.named("before"), request.clone()));
    }
    if !options.own_degrees.is_empty() {
        let own = Composition::iterations(&options.own_degrees, composition.epsilon);
        let mut worker = start(options, self::ours(options, &programs.ours, own.depth()))?.named("arras-own");
        let (request, _) = planned(&mut worker, &own, run.reps)?;
        turns.push(Turn::new(worker, request));
    }
    for (&peer, python) in options.with.iter().zip(programs.python.iter().cycle()) {
        let command = theirs(options, python, &programs.script(peer.script()), peer, alpha, composition);
        let worker = start(options, command).with_context(|| peer.script())?;
        turns.push(Turn::new(worker, request.clone()));
    }
    for round in 1..=run.rounds {
        eprintln!("alpha {alpha}: round {round} of {}", run.rounds);
        for turn in &mut turns {
            turn.take().with_context(|| format!("{} failed", turn.worker.name()))?;
        }
    }
    let outcomes = turns.into_iter().map(|turn| turn.outcome).collect();
    Ok(Setting::new(alpha, composition, products, outcomes))
}

fn start(options: &Options, command: Command) -> Result<Worker> {
    Worker::start(command, options.run.core)
}

/// The request for a composition with its plans, and the number of their products.
fn planned(worker: &mut Worker, composition: &Composition, reps: u32) -> Result<(Request, Value)> {
    let level = u8::try_from(composition.depth()).context("too many levels")?;
    let request = Request::new("plan", level, 0).with("stages", composition.stages());
    let Answer::Done { mut more, .. } = worker.ask(&request)? else { bail!("it has no plans") };
    ensure!(more.get("depth") == Some(&level.into()), "the plan is not of depth {level}");
    let (Some(stages), Some(products)) = (more.remove("stages"), more.remove("products")) else {
        bail!("the plan has no stages");
    };
    let request = Request::new("composite", level, reps);
    Ok((request.with("epsilon", composition.epsilon.into()).with("stages", stages), products))
}

/// Our own worker.
fn ours(options: &Options, arras: &Path, levels: u32) -> Command {
    let mut command = Command::new(arras);
    command.args(["bench", "composite"]);
    parameters(&mut command, options, levels);
    command
}

/// Another library's worker.
fn theirs(
    options: &Options,
    python: &Path,
    script: &Path,
    peer: Peer,
    alpha: u8,
    composition: &Composition,
) -> Command {
    let mut command = Command::new(python);
    command.arg("-B").arg(script);
    parameters(&mut command, options, composition.depth());
    if matches!(peer, Peer::Openfhe | Peer::OpenfheSeries) {
        let digits = usual(alpha).map_or(1, |(_, digits)| digits);
        command.arg("--digits").arg(digits.to_string());
    }
    if peer == Peer::OpenfheSeries {
        let degrees: Vec<_> = composition.degrees().iter().map(ToString::to_string).collect();
        command.arg("--series").arg("--degrees").arg(degrees.join(","));
    }
    command
}

fn parameters(command: &mut Command, options: &Options, levels: u32) {
    command.arg("--log-ring").arg(options.log_ring.to_string()).arg("--levels").arg(levels.to_string());
    for (option, bits) in BITS {
        command.arg(option).arg(bits.to_string());
    }
    if options.danger_insecure {
        command.arg("--danger-insecure");
    }
}

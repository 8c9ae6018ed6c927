//! `cargo xtask peers compare`: the same sign composition in every library.
//!
//! Each precision alpha has a chain of its own, of exactly the composition's depth, and so processes of its own. Our
//! worker plans the evaluation, and the other libraries follow the plan: all do the same products at the same levels.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};

use super::machine::Machine;
use super::outcome::{Composition, Report, Setting};
use super::protocol::{Answer, Request};
use super::turn::{Turn, take};
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

/// Degrees that take the least time, from Lee, Lee, Kim and No (2022, optimization of homomorphic comparison algorithm on
/// RNS-CKKS scheme, table 7): for each alpha those of the depth that its authors found fastest.
fn usual(alpha: u8) -> Option<&'static [usize]> {
    match alpha {
        8 => Some(&[3, 15, 31]),
        12 => Some(&[5, 5, 5, 15, 29]),
        16 => Some(&[5, 3, 5, 7, 7, 15, 31]),
        20 => Some(&[5, 5, 5, 7, 7, 15, 15, 31]),
        _ => None,
    }
}

pub fn run(options: &Options) -> Result<()> {
    let Options { run, with, .. } = options;
    let degrees = degrees(options)?;
    let programs = Programs::ready(run, !with.is_empty())?;
    let mut settings = Vec::new();
    for (&alpha, degrees) in options.alpha.iter().zip(degrees) {
        let setting = measure(options, &programs, alpha, &degrees);
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

/// The degrees at each alpha.
fn degrees(options: &Options) -> Result<Vec<Vec<usize>>> {
    let Options { alpha, degrees, own_degrees, .. } = options;
    let chosen = !degrees.is_empty() || !own_degrees.is_empty();
    ensure!(!chosen || alpha.len() == 1, "degrees are for one --alpha");
    let odd = |degrees: &[usize]| degrees.iter().all(|degree| degree % 2 == 1 && (3..=63).contains(degree));
    ensure!(odd(degrees) && odd(own_degrees), "degrees are odd, from 3 to 63");
    let of = |&alpha: &u8| match (degrees.as_slice(), usual(alpha)) {
        ([], None) => bail!("alpha = {alpha} has no usual degrees: name them with --degrees"),
        ([], Some(degrees)) => Ok(degrees.to_vec()),
        (degrees, _) => Ok(degrees.to_vec()),
    };
    alpha.iter().map(of).collect()
}

/// Levels that a composition takes: those of the powers of x.
fn depth(degrees: &[usize]) -> u32 {
    degrees.iter().map(|degree| (degree + 1).next_power_of_two().ilog2()).sum()
}

fn measure(options: &Options, programs: &Programs, alpha: u8, degrees: &[usize]) -> Result<Setting> {
    let run = &options.run;
    let mut ours = start(options, ours(options, &programs.ours, degrees))?;
    let (composition, request) = planned(&mut ours, alpha, degrees, run.reps)?;
    let mut turns = vec![Turn::new(ours, request.clone())];
    if let Some(before) = &run.before {
        let worker = start(options, self::ours(options, before, degrees))?;
        turns.push(Turn::new(worker.named("before"), request.clone()));
    }
    if !options.own_degrees.is_empty() {
        let degrees = &options.own_degrees;
        let mut worker = start(options, self::ours(options, &programs.ours, degrees))?.named("arras-own");
        let (own, request) = planned(&mut worker, alpha, degrees, run.reps)?;
        let mut turn = Turn::new(worker, request);
        turn.outcome.composed_of(own);
        turns.push(turn);
    }
    for (&peer, python) in options.with.iter().zip(programs.python.iter().cycle()) {
        let command = theirs(options, python, &programs.script(peer.script()), peer, degrees);
        let worker = start(options, command).with_context(|| peer.script())?;
        turns.push(Turn::new(worker, request.clone()));
    }
    let outcomes = take(turns, run.rounds, &format!("alpha {alpha}"))?;
    Ok(Setting::new(alpha, composition, outcomes))
}

fn start(options: &Options, command: Command) -> Result<Worker> {
    Worker::start(command, options.run.core)
}

/// A composition, and the request to time it by its plans.
fn planned(worker: &mut Worker, alpha: u8, degrees: &[usize], reps: u32) -> Result<(Composition, Request)> {
    let level = u8::try_from(depth(degrees)).context("too many levels")?;
    let epsilon = 2f64.powi(-i32::from(alpha));
    let request = Request::new("plan", level, 0).with("epsilon", epsilon.into());
    let Answer::Done { mut more, .. } = worker.ask(&request.with("degrees", degrees.into()))? else {
        bail!("it has no plans")
    };
    let stages = more.remove("stages").context("the plan has no stages")?;
    ensure!(more.get("depth") == Some(&level.into()), "the plan is not of depth {level}");
    let request =
        Request::new("composite", level, reps).with("epsilon", epsilon.into()).with("stages", stages);
    Ok((Composition { degrees: degrees.to_vec(), epsilon, plan: more }, request))
}

/// Our own worker.
fn ours(options: &Options, arras: &Path, degrees: &[usize]) -> Command {
    let mut command = Command::new(arras);
    command.args(["bench", "composite"]);
    parameters(&mut command, options, depth(degrees));
    command
}

/// Another library's worker.
fn theirs(options: &Options, python: &Path, script: &Path, peer: Peer, degrees: &[usize]) -> Command {
    let mut command = Command::new(python);
    command.arg("-B").arg(script);
    parameters(&mut command, options, depth(degrees));
    if peer == Peer::OpenfheSeries {
        let degrees: Vec<_> = degrees.iter().map(ToString::to_string).collect();
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

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use serde_json::json;

    use super::*;

    #[derive(clap::Parser)]
    struct Words {
        #[command(flatten)]
        options: Options,
    }

    fn options(words: &str) -> Options {
        Words::parse_from(["compare"].into_iter().chain(words.split_whitespace())).options
    }

    /// A worker that gives its answers in turn, whatever it is asked.
    fn toy(answers: &[&str]) -> Worker {
        let mut script = r#"echo '{"ready": {"name": "toy"}}'"#.to_owned();
        for answer in answers {
            script += &format!("; read request; echo '{answer}'");
        }
        let mut command = Command::new("sh");
        command.args(["-c", &script]);
        Worker::start(command, 0).unwrap()
    }

    #[test]
    fn a_planned_composition_takes_its_turns() {
        let plan = r#"{"op": "plan", "level": 5, "depth": 5, "products": 7, "stages": ["first", "second"]}"#;
        let done = r#"{"op": "composite", "level": 5, "cpu_ms": [3], "wall_ms": [3], "max_error": 1e-8}"#;
        let wrong = r#"{"op": "composite", "level": 5, "cpu_ms": [1], "wall_ms": [1], "max_error": 1}"#;
        let mut worker = toy(&[plan, done, wrong]);
        let (composition, request) = planned(&mut worker, 3, &[3, 7], 1).unwrap();
        assert_eq!((composition.epsilon, &composition.plan["products"]), (0.125, &json!(7)));
        assert_eq!((request.op.as_str(), request.level, request.reps), ("composite", 5, 1));
        assert_eq!(request.more["stages"], json!(["first", "second"]));
        let mut turn = Turn::new(worker, request);
        turn.take().unwrap();
        assert!(turn.take().unwrap_err().to_string().contains("from the right one"));
    }

    #[test]
    fn a_plan_of_another_depth() {
        let plan = r#"{"op": "plan", "level": 5, "depth": 6, "products": 7, "stages": []}"#;
        assert!(planned(&mut toy(&[plan]), 3, &[3, 7], 1).is_err());
    }

    #[test]
    fn degrees_of_each_alpha() {
        let of = |words| degrees(&options(words)).map_err(|error| error.to_string());
        let depths = |words| of(words).unwrap().iter().map(|degrees| depth(degrees)).collect::<Vec<_>>();
        assert_eq!(depths(""), [11, 28]);
        assert_eq!(depths("--alpha 8,12,16,20"), [11, 18, 23, 28]);
        assert_eq!(of("--alpha 9 --degrees 55,55").unwrap(), [[55, 55]]);
        assert!(of("--alpha 9").unwrap_err().contains("--degrees"));
        assert!(of("--degrees 7,7").unwrap_err().contains("one --alpha"));
        assert!(of("--alpha 8 --degrees 4").unwrap_err().contains("odd"));
    }

    #[test]
    fn commands() {
        let spell = |words, peer| {
            let command = theirs(&options(words), Path::new("python"), Path::new("x.py"), peer, &[3, 7]);
            command.get_args().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
        };
        let bits = "--levels 5 --base-bits 60 --scale-bits 50";
        assert_eq!(spell("", Peer::Seal), format!("-B x.py --log-ring 16 {bits}"));
        let series = spell("--log-ring 13 --danger-insecure", Peer::OpenfheSeries);
        let end = "--danger-insecure --series --degrees 3,7";
        assert_eq!(series, format!("-B x.py --log-ring 13 {bits} {end}"));
        assert!(!spell("", Peer::Openfhe).contains("insecure"));
    }
}

//! `cargo xtask peers boot`: one refresh in every library that has one.
//!
//! Libraries leave different numbers of levels, so what compares is the time for each slot and level. Levels are counted
//! from the input of one refresh to that of the next.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::Value;

use super::machine::Machine;
use super::outcome::{Library, Outcome, libraries};
use super::protocol::{About, Request};
use super::report::plain;
use super::turn::{Turn, take};
use super::worker::{ENVIRONMENT, Worker};
use super::{Programs, Run, record};

/// What to compare, and how long.
#[derive(Args)]
#[command(mut_arg("reps", |reps| reps.default_value("1")), mut_arg("rounds", |rounds| rounds.default_value("3")))]
pub struct Options {
    /// The refresh of ours, as in `arras bench boot`; toy is small and insecure.
    #[arg(long, default_value = "boot-n16")]
    preset: String,
    /// Slots of the vectors, a power of two; all by default.
    #[arg(long)]
    slots: Option<usize>,
    /// Only these libraries beside ours; none, and no Python, when no name follows.
    #[arg(long, value_delimiter = ',', num_args = 0.., default_value = "openfhe")]
    with: Vec<Peer>,
    /// Digits of OpenFHE's key switch; fewer take less memory, and leave fewer levels.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=12))]
    digits: Option<u32>,
    #[command(flatten)]
    run: Run,
}

/// Another library.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Peer {
    Openfhe,
}

impl Peer {
    fn script(self) -> &'static str {
        match self {
            Self::Openfhe => "openfhe_boot.py",
        }
    }
}

impl Options {
    fn is_toy(&self) -> bool {
        self.preset == "toy"
    }
}

pub fn run(options: &Options) -> Result<()> {
    let Options { run, with, .. } = options;
    let programs = Programs::ready(run, !with.is_empty())?;
    let (task, outcomes) = measure(options, &programs)?;
    let machine = Machine::read();
    let report = Report::new(&machine, &options.preset, task, outcomes);
    if run.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", report.table());
    }
    if !run.no_record && !options.is_toy() {
        programs.recorded(&record::append(&programs.records(), &machine, &report.date, &report)?);
    }
    Ok(())
}

/// What every library refreshes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct Task {
    log_ring: u32,
    slots: u64,
}

impl Task {
    /// The one that our worker has prepared.
    fn of(ours: &About) -> Result<Self> {
        let number = |name: &str| ours.more.get(name).and_then(Value::as_u64);
        let (ring, slots) = number("ring").zip(number("slots")).context("ours names no ring or no slots")?;
        ensure!(ring.is_power_of_two() && slots > 0, "{slots} slots in a ring of dimension {ring} are none");
        Ok(Self { log_ring: ring.ilog2(), slots })
    }
}

fn measure(options: &Options, programs: &Programs) -> Result<(Task, Vec<Outcome>)> {
    let run = &options.run;
    let request = Request::new("refresh", 0, run.reps);
    let start = |command| Worker::start(command, run.core);
    let worker = start(ours(options, &programs.ours)).context("our own worker")?;
    let task = Task::of(worker.about())?;
    let mut turns = vec![Turn::new(worker, request.clone())];
    if let Some(before) = &run.before {
        let worker = start(ours(options, before)).context("the older build")?;
        turns.push(Turn::new(worker.named("before"), request.clone()));
    }
    for (&peer, python) in options.with.iter().zip(programs.python.iter().cycle()) {
        let script = programs.script(peer.script());
        let worker = start(theirs(options, python, &script, task)).with_context(|| peer.script())?;
        turns.push(Turn::new(worker, request.clone()));
    }
    Ok((task, take(turns, run.rounds, &options.preset)?))
}

/// Our own worker.
fn ours(options: &Options, arras: &Path) -> Command {
    let mut command = Command::new(arras);
    command.args(["bench", "boot", "--worker", "--preset", &options.preset]);
    if let Some(slots) = options.slots {
        command.arg("--slots").arg(slots.to_string());
    }
    command
}

/// Another library's worker.
fn theirs(options: &Options, python: &Path, script: &Path, task: Task) -> Command {
    let mut command = Command::new(python);
    command.arg("-B").arg(script);
    command.arg("--log-ring").arg(task.log_ring.to_string()).arg("--slots").arg(task.slots.to_string());
    if let Some(digits) = options.digits {
        command.arg("--digits").arg(digits.to_string());
    }
    if options.is_toy() {
        command.arg("--danger-insecure");
    }
    command
}

/// A finished comparison. The first library is ours.
#[derive(Debug, Serialize)]
struct Report<'a> {
    date: String,
    machine: &'a Machine,
    environment: BTreeMap<&'static str, &'static str>,
    preset: &'a str,
    #[serde(flatten)]
    task: Task,
    refreshes: Vec<Refresh>,
}

/// One library's refresh.
#[derive(Debug, Serialize)]
struct Refresh {
    #[serde(flatten)]
    library: Library,
    amortised_us_per_slot_level: Option<f64>,
    /// Its amortised time over ours: above one, ours is faster.
    amortised_ratio: Option<f64>,
}

impl<'a> Report<'a> {
    fn new(machine: &'a Machine, preset: &'a str, task: Task, outcomes: Vec<Outcome>) -> Self {
        let mut ours = None;
        let refresh = |library: Library| {
            let amortised = amortised(&library, task.slots);
            let ours = *ours.get_or_insert(amortised);
            let ratio = amortised.zip(ours).map(|(theirs, ours)| theirs / ours);
            Refresh { library, amortised_us_per_slot_level: amortised, amortised_ratio: ratio }
        };
        let refreshes = libraries(outcomes).into_iter().map(refresh).collect();
        Self { date: record::today(), machine, environment: ENVIRONMENT.into(), preset, task, refreshes }
    }

    /// For people.
    fn table(&self) -> String {
        let (Task { log_ring, slots }, cpu) = (self.task, &self.machine.cpu);
        let mut text =
            format!("{}: N = 2^{log_ring}, {slots} slots; {cpu}; least CPU time, one thread\n", self.preset);
        for Refresh { library, .. } in &self.refreshes {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {}", library.line());
        }
        let _ = writeln!(
            text,
            "\n{:<12}{:>10}{:>8}{:>8}{:>14}{:>12}{:>15}{:>8}",
            "library", "seconds", "/ours", "levels", "scale bits", "worst bits", "us/slot/level", "/ours"
        );
        for Refresh { library, amortised_us_per_slot_level: amortised, amortised_ratio } in &self.refreshes {
            let more = |name: &str| library.answer.get(name).map(plain);
            let worst = library.answer.get("precision_bits").and_then(|bits| bits.get("worst")).map(plain);
            let two = |number: f64| format!("{number:.2}");
            let cells = [
                library.times.as_ref().map(|times| format!("{:.3}", times.cpu_ms_min / 1e3)),
                library.ratio.map(two),
                more("levels_left"),
                more("log2_scale"),
                worst,
                amortised.map(two),
                amortised_ratio.map(two),
            ];
            let [seconds, ratio, levels, scale, worst, amortised, over] =
                cells.map(|cell| cell.unwrap_or_else(|| "-".into()));
            let _ = writeln!(
                text,
                "{:<12}{seconds:>10}{ratio:>8}{levels:>8}{scale:>14}{worst:>12}{amortised:>15}{over:>8}",
                library.about.name
            );
        }
        text
    }
}

/// Microseconds for each slot and level; nothing where no level is left.
fn amortised(library: &Library, slots: u64) -> Option<f64> {
    let levels = library.answer.get("levels_left").and_then(Value::as_f64).filter(|&levels| levels > 0.0)?;
    Some(library.times.as_ref()?.cpu_ms_min * 1e3 / (slots as f64 * levels))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use serde_json::json;

    use super::super::protocol::Answer;
    use super::super::samples::Times;
    use super::*;

    #[derive(clap::Parser)]
    struct Words {
        #[command(flatten)]
        options: Options,
    }

    fn options(words: &str) -> Options {
        Words::parse_from(["boot"].into_iter().chain(words.split_whitespace())).options
    }

    fn about(name: &str, more: Value) -> About {
        About { name: name.into(), more: more.as_object().cloned().unwrap() }
    }

    fn outcome(name: &str, cpu_ms: &[f64], levels_left: u32) -> Outcome {
        let mut outcome = Outcome::of(about(name, json!({"levels": 9})));
        let more = json!({"max_error": 1e-6, "levels_left": levels_left, "log2_scale": 45,
                          "precision_bits": {"mean": 24.5, "worst": 19.9}});
        let times = Times { cpu_ms: cpu_ms.into(), wall_ms: cpu_ms.into() };
        outcome.add(Answer::Done { times, more: more.as_object().cloned().unwrap() }).unwrap();
        outcome
    }

    #[test]
    fn options_of_its_own() {
        let Options { preset, slots, run, with, .. } = options("");
        assert_eq!((preset.as_str(), slots, with.len()), ("boot-n16", None, 1));
        assert_eq!((run.reps, run.rounds), (1, 3));
        let run = options("--rounds 7 --reps 2 --slots 8").run;
        assert_eq!((run.reps, run.rounds), (2, 7));
        assert!(options("--with").with.is_empty());
        assert!(Words::try_parse_from(["boot", "--with", "seal"]).is_err());
        assert!(Words::try_parse_from(["boot", "--rounds", "0"]).is_err());
    }

    #[test]
    fn commands() {
        let spell = |command: Command| {
            command.get_args().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
        };
        let task = Task { log_ring: 16, slots: 8 };
        let theirs = |words| spell(theirs(&options(words), Path::new("python"), Path::new("x.py"), task));
        let ours = |words| spell(ours(&options(words), Path::new("arras")));
        assert_eq!(ours("--preset boot-n15"), "bench boot --worker --preset boot-n15");
        assert_eq!(ours("--slots 8"), "bench boot --worker --preset boot-n16 --slots 8");
        assert_eq!(theirs(""), "-B x.py --log-ring 16 --slots 8");
        assert_eq!(theirs("--digits 4"), "-B x.py --log-ring 16 --slots 8 --digits 4");
        assert_eq!(theirs("--preset toy"), "-B x.py --log-ring 16 --slots 8 --danger-insecure");
    }

    #[test]
    fn the_task_is_what_ours_says() {
        let task = Task::of(&about("arras", json!({"ring": 65536, "slots": 256})));
        assert_eq!(task.unwrap(), Task { log_ring: 16, slots: 256 });
        for wrong in
            [json!({"ring": 65536}), json!({"ring": 1000, "slots": 8}), json!({"ring": 8, "slots": 0})]
        {
            assert!(Task::of(&about("arras", wrong)).is_err());
        }
    }

    #[test]
    fn amortised_over_slots_and_levels() {
        let machine =
            Machine { cpu: "cpu".into(), family: String::new(), model: String::new(), flags: vec![] };
        let mut absent = Outcome::of(about("absent", json!({})));
        absent.add(Answer::Unsupported("too small".into())).unwrap();
        let outcomes = vec![
            outcome("arras", &[30.0, 20.0], 10),
            outcome("other", &[80.0], 5),
            outcome("spent", &[80.0], 0),
            absent,
        ];
        let report = Report::new(&machine, "toy", Task { log_ring: 10, slots: 4 }, outcomes);
        let table = report.table();
        let has = |row: &[&str]| table.lines().any(|line| line.split_whitespace().eq(row.iter().copied()));
        assert!(has(&["arras", "0.020", "1.00", "10", "45", "19.9", "500.00", "1.00"]), "{table}");
        assert!(has(&["other", "0.080", "4.00", "5", "45", "19.9", "4000.00", "8.00"]), "{table}");
        assert!(has(&["spent", "0.080", "4.00", "0", "45", "19.9", "-", "-"]), "{table}");
        assert!(
            has(&["absent", "-", "-", "-", "-", "-", "-", "-"]) && table.contains("too small"),
            "{table}"
        );
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!((&json["slots"], &json["refreshes"][1]["amortised_ratio"]), (&json!(4), &json!(8.0)));
        assert_eq!(json["refreshes"][1]["precision_bits"]["worst"], 19.9);
        assert_eq!(json["refreshes"][3]["unsupported"], "too small");
    }
}

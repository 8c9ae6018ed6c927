//! Minima, medians and ratios.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde_json::Value;

use super::machine::Machine;
use super::preset::Preset;
use super::protocol::{About, Answer, Request};
use super::worker::{ENVIRONMENT, Worker};

/// Every time measured, by operation in the order of asking, then by library.
#[derive(Debug, Default)]
pub struct Samples {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    op: String,
    level: u8,
    times: BTreeMap<String, Times>,
}

#[derive(Debug, Default)]
struct Times {
    cpu_ms: Vec<f64>,
    wall_ms: Vec<f64>,
}

impl Samples {
    /// Keeps an answer.
    pub fn add(&mut self, request: &Request, worker: &str, answer: Answer) {
        let at = self.rows.iter().position(|row| row.op == request.op && row.level == request.level);
        let at = at.unwrap_or_else(|| {
            self.rows.push(Row { op: request.op.clone(), level: request.level, times: BTreeMap::new() });
            self.rows.len() - 1
        });
        if let Answer::Times { cpu_ms, wall_ms } = answer {
            let times = self.rows[at].times.entry(worker.into()).or_default();
            times.cpu_ms.extend(cpu_ms);
            times.wall_ms.extend(wall_ms);
        }
    }
}

/// A finished comparison. The first library is ours.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    date: String,
    machine: &'a Machine,
    preset: Preset,
    environment: BTreeMap<&'static str, &'static str>,
    libraries: Vec<&'a About>,
    results: Vec<Line>,
}

/// One operation at one level.
#[derive(Debug, Serialize)]
struct Line {
    op: String,
    level: u8,
    times: BTreeMap<String, Summary>,
    /// Their minimum over ours: above one, ours is faster.
    ratios: BTreeMap<String, f64>,
}

#[derive(Debug, Serialize)]
struct Summary {
    cpu_ms_min: f64,
    cpu_ms_median: f64,
    wall_ms_min: f64,
    calls: usize,
}

impl Summary {
    fn new(times: &Times) -> Option<Self> {
        Some(Self {
            cpu_ms_min: sorted(&times.cpu_ms).first().copied()?,
            cpu_ms_median: median(&times.cpu_ms)?,
            wall_ms_min: sorted(&times.wall_ms).first().copied()?,
            calls: times.cpu_ms.len(),
        })
    }
}

fn sorted(times: &[f64]) -> Vec<f64> {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    times
}

fn median(times: &[f64]) -> Option<f64> {
    let times = sorted(times);
    let upper = times.get(times.len() / 2)?;
    let lower = times.get((times.len() - 1) / 2)?;
    Some((lower + upper) / 2.0)
}

impl<'a> Report<'a> {
    /// Sums up what the workers did.
    pub fn new(machine: &'a Machine, preset: Preset, workers: &'a [Worker], samples: &Samples) -> Self {
        Self::of(machine, preset, workers.iter().map(Worker::about).collect(), samples)
    }

    fn of(machine: &'a Machine, preset: Preset, libraries: Vec<&'a About>, samples: &Samples) -> Self {
        let ours = libraries.first().map_or("", |about| about.name.as_str());
        let results = samples.rows.iter().map(|row| Line::new(row, ours)).collect();
        Self { date: today(), machine, preset, environment: ENVIRONMENT.into(), libraries, results }
    }

    /// For programs.
    pub fn json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    /// For people.
    pub fn table(&self) -> String {
        let mut text = String::new();
        let Preset { name, log_ring, levels, .. } = self.preset;
        let cpu = &self.machine.cpu;
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{name}: N = 2^{log_ring}, {levels} levels; {cpu}; least CPU milliseconds, one thread"
        );
        for about in &self.libraries {
            let more: Vec<_> =
                about.more.iter().map(|(key, value)| format!("{key} {}", plain(value))).collect();
            let _ = writeln!(text, "  {}: {}", about.name, more.join(", "));
        }
        let _ = write!(text, "\n{:<16}{:>6}", "operation", "level");
        for (index, about) in self.libraries.iter().enumerate() {
            let _ = write!(text, "{:>12}", about.name);
            if index > 0 {
                let _ = write!(text, "{:>8}", "/ours");
            }
        }
        text.push('\n');
        for line in &self.results {
            let _ = write!(text, "{:<16}{:>6}", line.op, line.level);
            for (index, about) in self.libraries.iter().enumerate() {
                let time = line.times.get(&about.name).map(|summary| format!("{:.3}", summary.cpu_ms_min));
                let _ = write!(text, "{:>12}", time.as_deref().unwrap_or("-"));
                if index > 0 {
                    let ratio = line.ratios.get(&about.name).map(|ratio| format!("{ratio:.2}"));
                    let _ = write!(text, "{:>8}", ratio.as_deref().unwrap_or("-"));
                }
            }
            text.push('\n');
        }
        text
    }

    /// Adds this comparison to the day's file of this kind of machine.
    pub fn record(&self, folder: &Path) -> Result<PathBuf> {
        ensure!(!self.date.is_empty(), "no record: the system has no `date`");
        let folder = folder.join(self.machine.slug());
        let path = folder.join(format!("{}.json", self.date));
        let mut day: Vec<Value> = match fs::read_to_string(&path) {
            Ok(text) => {
                serde_json::from_str(&text).with_context(|| format!("{} is no list", path.display()))?
            }
            Err(_) => Vec::new(),
        };
        day.push(serde_json::to_value(self)?);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let text = serde_json::to_string_pretty(&day)? + "\n";
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }
}

impl Line {
    fn new(row: &Row, ours: &str) -> Self {
        let times: BTreeMap<_, _> =
            row.times.iter().filter_map(|(name, times)| Some((name.clone(), Summary::new(times)?))).collect();
        let least = times.get(ours).map(|summary| summary.cpu_ms_min).filter(|&least| least > 0.0);
        let ratios = times
            .iter()
            .filter(|(name, _)| *name != ours)
            .filter_map(|(name, summary)| Some((name.clone(), summary.cpu_ms_min / least?)))
            .collect();
        Self { op: row.op.clone(), level: row.level, times, ratios }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), String::from)
}

/// The date by the system's own command, or nothing.
fn today() -> String {
    let output = Command::new("date").args(["-u", "+%Y-%m-%d"]).output();
    output.map_or_else(|_| String::new(), |output| String::from_utf8_lossy(&output.stdout).trim().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(name: &str) -> About {
        About { name: name.into(), more: [("ring".to_string(), Value::from(8192))].into_iter().collect() }
    }

    fn times(cpu_ms: &[f64]) -> Answer {
        Answer::Times { cpu_ms: cpu_ms.into(), wall_ms: cpu_ms.into() }
    }

    fn samples() -> Samples {
        let mut samples = Samples::default();
        let add = Request { op: "add".into(), level: 3, reps: 2 };
        let hoist = Request { op: "hoist".into(), level: 3, reps: 2 };
        samples.add(&add, "arras", times(&[3.0, 2.0]));
        samples.add(&add, "other", times(&[9.0, 8.0]));
        samples.add(&hoist, "arras", times(&[1.0]));
        samples.add(&hoist, "other", Answer::Unsupported);
        samples.add(&add, "arras", times(&[4.0, 10.0]));
        samples.add(&add, "other", times(&[7.0]));
        samples
    }

    #[test]
    fn minima_of_all_rounds() {
        let machine =
            Machine { cpu: "cpu".into(), family: String::new(), model: String::new(), flags: vec![] };
        let (ours, theirs) = (about("arras"), about("other"));
        let report = Report::of(&machine, Preset::named("toy").unwrap(), vec![&ours, &theirs], &samples());
        let add = &report.results[0];
        assert_eq!(add.ratios["other"], 3.5);
        assert_eq!(add.times["arras"].cpu_ms_median, 3.5);
        assert_eq!((add.times["arras"].calls, add.times["other"].calls), (4, 3));
        assert!(report.results[1].ratios.is_empty());

        let table = report.table();
        assert!(
            table.lines().any(|line| line.split_whitespace().eq(["add", "3", "2.000", "7.000", "3.50"])),
            "{table}"
        );
        assert!(
            table.lines().any(|line| line.split_whitespace().eq(["hoist", "3", "1.000", "-", "-"])),
            "{table}"
        );
        let json: Value = serde_json::from_str(&report.json().unwrap()).unwrap();
        assert_eq!(json["libraries"][1]["ring"], 8192);
        assert_eq!(json["results"][0]["ratios"]["other"], 3.5);
    }

    #[test]
    fn medians() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[2.0]), Some(2.0));
        assert_eq!(median(&[9.0, 1.0, 4.0]), Some(4.0));
        assert_eq!(median(&[9.0, 1.0, 4.0, 2.0]), Some(3.0));
    }
}

//! Minima, medians and ratios.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;
use serde_json::Value;

use super::machine::Machine;
use super::preset::Preset;
use super::protocol::{About, Answer, Request};
use super::record;
use super::samples::{Summary, Times};
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

impl Samples {
    /// Keeps an answer.
    pub fn add(&mut self, request: &Request, worker: &str, answer: Answer) {
        let at = self.rows.iter().position(|row| row.op == request.op && row.level == request.level);
        let at = at.unwrap_or_else(|| {
            self.rows.push(Row { op: request.op.clone(), level: request.level, times: BTreeMap::new() });
            self.rows.len() - 1
        });
        if let Answer::Done { times, .. } = answer {
            self.rows[at].times.entry(worker.into()).or_default().extend(times);
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

impl<'a> Report<'a> {
    /// Sums up what the workers did.
    pub fn new(machine: &'a Machine, preset: Preset, workers: &'a [Worker], samples: &Samples) -> Self {
        Self::of(machine, preset, workers.iter().map(Worker::about).collect(), samples)
    }

    fn of(machine: &'a Machine, preset: Preset, libraries: Vec<&'a About>, samples: &Samples) -> Self {
        let ours = libraries.first().map_or("", |about| about.name.as_str());
        let results = samples.rows.iter().map(|row| Line::new(row, ours)).collect();
        Self { date: record::today(), machine, preset, environment: ENVIRONMENT.into(), libraries, results }
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
        record::append(folder, self.machine, &self.date, self)
    }
}

impl Line {
    fn new(row: &Row, ours: &str) -> Self {
        let times: BTreeMap<_, _> =
            row.times.iter().filter_map(|(name, times)| Some((name.clone(), Summary::new(times)?))).collect();
        let ratios = times
            .iter()
            .filter(|(name, _)| *name != ours)
            .filter_map(|(name, summary)| Some((name.clone(), summary.over(times.get(ours))?)))
            .collect();
        Self { op: row.op.clone(), level: row.level, times, ratios }
    }
}

/// A value as people write it.
pub fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), String::from)
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;

    fn about(name: &str) -> About {
        About { name: name.into(), more: [("ring".to_string(), Value::from(8192))].into_iter().collect() }
    }

    fn times(cpu_ms: &[f64]) -> Answer {
        Answer::Done { times: Times { cpu_ms: cpu_ms.into(), wall_ms: cpu_ms.into() }, more: Map::new() }
    }

    fn samples() -> Samples {
        let mut samples = Samples::default();
        let add = Request::new("add", 3, 2);
        let hoist = Request::new("hoist", 3, 2);
        samples.add(&add, "arras", times(&[3.0, 2.0]));
        samples.add(&add, "other", times(&[9.0, 8.0]));
        samples.add(&hoist, "arras", times(&[1.0]));
        samples.add(&hoist, "other", Answer::Unsupported("it cannot".into()));
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
}

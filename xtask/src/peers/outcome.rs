//! What came of libraries that took turns, and the report of a comparison of compositions.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use serde::Serialize;
use serde_json::{Map, Value};

use super::machine::Machine;
use super::protocol::{About, Answer};
use super::record;
use super::report::plain;
use super::samples::{Summary, Times};
use super::worker::ENVIRONMENT;

/// A result this far from the plain composition is no evaluation of it.
const WRONG: f64 = 1.0 / 1024.0;

/// Polynomials applied one after another.
#[derive(Debug, Serialize)]
pub struct Composition {
    pub degrees: Vec<usize>,
    /// They stand for the sign where epsilon <= |x| <= 1.
    pub epsilon: f64,
    /// What our worker says of them: depth, products, proved errors.
    #[serde(flatten)]
    pub plan: Map<String, Value>,
}

impl Composition {
    fn line(&self) -> String {
        let degrees: Vec<_> = self.degrees.iter().map(ToString::to_string).collect();
        let plan = self.plan.iter().map(|(key, value)| format!("{key} {}", plain(value)));
        [format!("degrees {}", degrees.join(" "))].into_iter().chain(plan).collect::<Vec<_>>().join(", ")
    }
}

/// One library's answers so far.
#[derive(Debug)]
pub struct Outcome {
    about: About,
    /// Where it is another one than the setting's.
    composition: Option<Composition>,
    times: Times,
    /// What the answer with the largest error said.
    worst: Map<String, Value>,
    unsupported: Option<String>,
}

impl Outcome {
    /// No answers yet.
    pub fn of(about: About) -> Self {
        Self { about, composition: None, times: Times::default(), worst: Map::new(), unsupported: None }
    }

    /// It evaluates another composition than the others.
    pub fn composed_of(&mut self, composition: Composition) {
        self.composition = Some(composition);
    }

    /// Keeps an answer, unless it is wrong.
    pub fn add(&mut self, answer: Answer) -> Result<()> {
        match answer {
            Answer::Unsupported(reason) => self.unsupported = Some(reason),
            Answer::Done { times, more } => {
                let error = error(&more);
                ensure!(error < WRONG, "its result is {error:e} from the right one");
                if self.worst.is_empty() || error > self::error(&self.worst) {
                    self.worst = more;
                }
                self.times.extend(times);
            }
        }
        Ok(())
    }
}

/// Without a number nothing shows that the result is right.
fn error(answer: &Map<String, Value>) -> f64 {
    answer.get("max_error").and_then(Value::as_f64).unwrap_or(f64::INFINITY)
}

/// One precision. The first library is ours.
#[derive(Debug, Serialize)]
pub struct Setting {
    alpha: u8,
    #[serde(flatten)]
    composition: Composition,
    libraries: Vec<Library>,
}

/// What came of one library.
#[derive(Debug, Serialize)]
pub struct Library {
    #[serde(flatten)]
    pub about: About,
    #[serde(skip_serializing_if = "Option::is_none")]
    composition: Option<Composition>,
    pub times: Option<Summary>,
    /// Its least CPU time over ours: above one, ours is faster.
    pub ratio: Option<f64>,
    #[serde(flatten)]
    pub answer: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unsupported: Option<String>,
}

impl Library {
    /// What it says of itself.
    pub fn line(&self) -> String {
        let Self { about, composition, unsupported, .. } = self;
        let mut more: Vec<_> =
            about.more.iter().map(|(key, value)| format!("{key} {}", plain(value))).collect();
        more.extend(composition.iter().map(Composition::line));
        more.extend(unsupported.iter().map(|reason| format!("unsupported: {reason}")));
        format!("{}: {}", about.name, more.join(", "))
    }
}

/// Sums up; the first is ours.
pub fn libraries(outcomes: Vec<Outcome>) -> Vec<Library> {
    let ours = outcomes.first().and_then(|outcome| Summary::new(&outcome.times));
    let library = |outcome: Outcome| {
        let times = Summary::new(&outcome.times);
        let ratio = times.as_ref().and_then(|times| times.over(ours.as_ref()));
        let Outcome { about, composition, worst: answer, unsupported, .. } = outcome;
        Library { about, composition, times, ratio, answer, unsupported }
    };
    outcomes.into_iter().map(library).collect()
}

impl Setting {
    pub fn new(alpha: u8, composition: Composition, outcomes: Vec<Outcome>) -> Self {
        Self { alpha, composition, libraries: libraries(outcomes) }
    }

    fn table(&self, text: &mut String) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "\nalpha {}: {}", self.alpha, self.composition.line());
        for library in &self.libraries {
            let _ = writeln!(text, "  {}", library.line());
        }
        let _ = writeln!(
            text,
            "{:<16}{:>12}{:>8}{:>12}{:>12}",
            "library", "CPU ms", "/ours", "error bits", "sign error"
        );
        for Library { about, times, ratio, answer, .. } in &self.libraries {
            let time = times.as_ref().map(|times| format!("{:.1}", times.cpu_ms_min));
            let ratio = ratio.map(|ratio| format!("{ratio:.2}"));
            let bits = answer.get("precision_bits").map(plain);
            let sign = answer.get("sign_error").and_then(Value::as_f64).map(|error| format!("{error:.2e}"));
            let [time, ratio, bits, sign] =
                [time, ratio, bits, sign].map(|cell| cell.unwrap_or_else(|| "-".into()));
            let _ = writeln!(text, "{:<16}{time:>12}{ratio:>8}{bits:>12}{sign:>12}", about.name);
        }
    }
}

/// A finished comparison.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    date: String,
    machine: &'a Machine,
    environment: BTreeMap<&'static str, &'static str>,
    log_ring: u8,
    compositions: Vec<Setting>,
}

impl<'a> Report<'a> {
    pub fn new(machine: &'a Machine, log_ring: u8, compositions: Vec<Setting>) -> Self {
        Self { date: record::today(), machine, environment: ENVIRONMENT.into(), log_ring, compositions }
    }

    /// For programs.
    pub fn json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    /// For people.
    pub fn table(&self) -> String {
        let cpu = &self.machine.cpu;
        let mut text =
            format!("sign compositions: N = 2^{}; {cpu}; least CPU time, one thread\n", self.log_ring);
        for setting in &self.compositions {
            setting.table(&mut text);
        }
        text
    }

    /// Adds this comparison to the day's file of this kind of machine.
    pub fn record(&self, folder: &Path) -> Result<PathBuf> {
        record::append(folder, self.machine, &self.date, self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn outcome(name: &str) -> Outcome {
        Outcome::of(About { name: name.into(), more: Map::new() })
    }

    fn done(cpu_ms: &[f64], max_error: f64) -> Answer {
        let more = json!({"max_error": max_error, "precision_bits": -max_error.log2(), "sign_error": 0.125});
        let times = Times { cpu_ms: cpu_ms.into(), wall_ms: cpu_ms.into() };
        Answer::Done { times, more: more.as_object().cloned().unwrap() }
    }

    #[test]
    fn minima_and_the_largest_error() {
        let [mut ours, mut theirs, mut absent] = ["arras", "other", "absent"].map(outcome);
        for (round, error) in [2.0, 1.0, 3.0].into_iter().zip([0.25, 0.5, 0.125]) {
            ours.add(done(&[round], error / 1024.0)).unwrap();
            theirs.add(done(&[8.0 * round, 9.0], 1e-6)).unwrap();
        }
        absent.add(Answer::Unsupported("too large".into())).unwrap();
        let plan = json!({"depth": 5, "products": 7}).as_object().cloned().unwrap();
        let composition = Composition { degrees: vec![3, 7], epsilon: 0.25, plan };
        let setting = Setting::new(2, composition, vec![ours, theirs, absent]);
        let machine =
            Machine { cpu: "cpu".into(), family: String::new(), model: String::new(), flags: vec![] };
        let report = Report::new(&machine, 13, vec![setting]);

        let table = report.table();
        let has = |row: &[&str]| table.lines().any(|line| line.split_whitespace().eq(row.iter().copied()));
        assert!(has(&["arras", "1.0", "1.00", "11.0", "1.25e-1"]), "{table}");
        assert!(has(&["absent", "-", "-", "-", "-"]) && table.contains("too large"), "{table}");
        let json: Value = serde_json::from_str(&report.json().unwrap()).unwrap();
        assert!(table.contains("alpha 2: degrees 3 7, depth 5, products 7"), "{table}");
        assert_eq!(json["compositions"][0]["products"], 7);
        let libraries = &json["compositions"][0]["libraries"];
        assert_eq!((&libraries[1]["ratio"], &libraries[1]["times"]["calls"]), (&8.0.into(), &6.into()));
        assert_eq!(
            (&libraries[0]["max_error"], &libraries[2]["times"]),
            (&(0.5 / 1024.0).into(), &Value::Null)
        );
    }

    #[test]
    fn wrong_results() {
        let mut outcome = outcome("other");
        assert!(outcome.add(done(&[1.0], 0.5)).is_err());
        assert!(outcome.add(Answer::Done { times: Times::default(), more: Map::new() }).is_err());
    }
}

//! `arras bench sok`: the SoK's workloads and applications by Arras, beside the published figures.
//!
//! Each row runs in a process of its own, so that its peak of memory is its own.

mod ours;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, bail};
use arras_client::store;
use arras_plan::bitwise::{Measured, Step};
use arras_plan::sok::{self, Work};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::args::bench_sok::BenchSok;
use crate::cmd::baseline::{self, Published};
use crate::output::{self, Output};
use crate::stop;

/// A run that was published: what, at how many bits, of which size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Run {
    work: Work,
    bits: u32,
    size: usize,
}

#[derive(Serialize)]
struct Row {
    work: Work,
    bits: u32,
    size: usize,
    size_of: &'static str,
    /// What Arras took, unless it refused.
    ours: Option<ours::Ours>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
    /// Bit-wise TFHE by the recorded time of its steps.
    tfhe_recorded_seconds: f64,
    published: Vec<Published>,
    /// The SoK's Table 4, which is for a hundred values of this workload.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    published_megabytes: Vec<Storage>,
}

/// Megabytes of a hundred values.
#[derive(Serialize)]
struct Storage {
    method: &'static str,
    ciphertext: f64,
    peak: f64,
    communication: f64,
}

/// What is shown, and kept in a file.
#[derive(Default, Serialize, Deserialize)]
struct Report {
    threads: usize,
    rows: Vec<Value>,
}

pub fn run(args: &BenchSok, out: &Output) -> anyhow::Result<ExitCode> {
    stop::watch()?;
    let runs = selected(args)?;
    let threads = rayon::current_num_threads();
    let mut report = match &args.out {
        Some(path) if path.exists() => read(path, threads)?,
        _ => Report { threads, rows: Vec::new() },
    };
    let bar = output::bar(runs.len() as u64, "runs");
    for run in &runs {
        stop::check()?;
        bar.set_message(run.name());
        if report.rows.iter().any(|row| run.is_in(row)) {
            bar.inc(1);
            continue;
        }
        let row = if runs.len() == 1 {
            serde_json::to_value(row(*run, args.seed)?)?
        } else {
            elsewhere(*run, args)?
        };
        report.rows.retain(|old| !run.is_of(old));
        report.rows.push(row);
        if let Some(path) = &args.out {
            store::write_file(path, serde_json::to_string_pretty(&report)?.as_bytes())?;
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    report.rows.retain(|row| runs.iter().any(|run| run.is_of(row)));
    let wrong = report.rows.iter().any(|row| row["ours"]["wrong"].as_u64().is_some_and(|wrong| wrong > 0));
    let shown = out.show(&report, human)?;
    Ok(if wrong { ExitCode::FAILURE } else { shown })
}

/// The published runs that are asked for, in the order of the paper.
fn selected(args: &BenchSok) -> anyhow::Result<BTreeSet<Run>> {
    let only: Vec<Work> = args.only.iter().map(|&work| work.into()).collect();
    let figures = sok::published()?;
    let runs = figures.iter().map(|figure| Run { work: figure.work, bits: figure.bits, size: figure.size });
    let runs: BTreeSet<Run> = runs
        .filter(|run| only.is_empty() || only.contains(&run.work))
        .filter(|run| args.bits.is_empty() || args.bits.contains(&run.bits))
        .filter(|run| args.sizes.is_empty() || args.sizes.contains(&run.size))
        .collect();
    if runs.is_empty() {
        bail!(
            "the SoK published no such run: leave out --bits and --sizes, or give 6, 8, 12 or 16 bits and a size that `arras bench sok --help` lists"
        );
    }
    Ok(runs)
}

/// What an earlier call left.
fn read(path: &Path, threads: usize) -> anyhow::Result<Report> {
    let text = store::read_at_most(path, 64 << 20)?;
    let what = || format!("{} holds no report of `arras bench sok`: name another file", path.display());
    let report: Report = serde_json::from_slice(&text).with_context(what)?;
    if report.threads != threads {
        let (name, have) = (path.display(), report.threads);
        bail!(
            "{name} holds runs with --threads {have}, not {threads}: give --threads {have}, or name another file"
        );
    }
    Ok(report)
}

impl Run {
    fn name(self) -> String {
        format!("{} {} bits, {} {}", self.work.name(), self.bits, self.size_of(), self.size)
    }

    fn size_of(self) -> &'static str {
        match self.work {
            Work::Tree => "depth",
            Work::W1 | Work::W2 | Work::W3 | Work::Paths | Work::Sort | Work::Sql => self.work.unit(),
        }
    }

    /// Whether a row is of this run.
    fn is_of(self, row: &Value) -> bool {
        row["work"] == self.work.name() && row["bits"] == self.bits && row["size"] == self.size
    }

    /// Whether a row has it done; what was refused is tried again.
    fn is_in(self, row: &Value) -> bool {
        self.is_of(row) && row["ours"].is_object()
    }

    fn tfhe(self) -> anyhow::Result<f64> {
        let of = |step| Measured::of(step, self.bits);
        let (way, values) = match self.work {
            Work::W1 => (of(Step::W1)?.each(1), self.size),
            Work::W2 => (of(Step::W2)?.each(1), self.size),
            Work::W3 => (of(Step::W3)?.each(1), self.size),
            Work::Sort => (of(Step::Exchange)?.network(), self.size),
            Work::Tree => (of(Step::HiddenSplit)?.each((1 << self.size) - 1), 1),
            Work::Sql => (of(Step::Row)?.each(1), self.size),
            Work::Paths => (of(Step::Update)?.paths(), self.size),
        };
        Ok(way.seconds_for(values))
    }
}

/// A row, run here.
fn row(run: Run, seed: u64) -> anyhow::Result<Row> {
    let (ours, refused) = match ours::run(run.work, run.bits, run.size, seed) {
        Ok(ours) => (Some(ours), None),
        Err(error) => {
            stop::check()?;
            (None, Some(format!("{error:#}")))
        }
    };
    let Run { work, bits, size } = run;
    let storage = |(method, [ciphertext, peak, communication]): (sok::Method, [f64; 3])| Storage {
        method: method.name(),
        ciphertext,
        peak,
        communication,
    };
    let is_stored = (work, bits) == (Work::W1, 8);
    Ok(Row {
        work,
        bits,
        size,
        size_of: run.size_of(),
        ours,
        refused,
        tfhe_recorded_seconds: run.tfhe()?,
        published: baseline::published(work, bits, size)?,
        published_megabytes: if is_stored { sok::STORAGE.map(storage).into() } else { Vec::new() },
    })
}

/// A row, run in a process of its own.
fn elsewhere(run: Run, args: &BenchSok) -> anyhow::Result<Value> {
    let program = std::env::current_exe().context("this program does not find itself")?;
    let numbers = [run.bits.to_string(), run.size.to_string(), args.seed.to_string()];
    let [bits, size, seed] = numbers;
    let threads = rayon::current_num_threads().to_string();
    let mut command = Command::new(program);
    command.args(["bench", "sok", "--json", "--only", run.work.name(), "--bits", &bits, "--sizes", &size]);
    command.args(["--seed", &seed, "--threads", &threads]).stdin(Stdio::null());
    let done = command.output().with_context(|| format!("{} cannot be started", run.name()))?;
    stop::check()?;
    let said = || String::from_utf8_lossy(&done.stderr).trim().to_owned();
    let report: Report =
        serde_json::from_slice(&done.stdout).with_context(|| format!("{}: {}", run.name(), said()))?;
    report.rows.into_iter().next().with_context(|| format!("{} gave no row", run.name()))
}

fn human(report: &Report) -> String {
    let number = |value: &Value, digits: usize| {
        value.as_f64().map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
    };
    let published = |row: &Value, method: sok::Method, key: &str| {
        let all = row["published"].as_array();
        let run = all.and_then(|all| all.iter().find(|run| run["method"] == method.name()));
        run.map_or(Value::Null, |run| run[key].clone())
    };
    let megabytes =
        |value: &Value| number(&value.as_f64().map_or(Value::Null, |bytes| (bytes / 1e6).into()), 1);
    let line = |row: &Value| {
        let ours = &row["ours"];
        let mut cells = vec![
            row["work"].as_str().unwrap_or_default().to_owned(),
            row["bits"].to_string(),
            row["size"].to_string(),
            number(&ours["seconds"], 2),
            number(&ours["amortised_ms"], 4),
            ours["wrong"].as_u64().map_or_else(|| "-".to_owned(), |wrong| wrong.to_string()),
            megabytes(&ours["ciphertext_bytes"]),
            megabytes(&ours["communication_bytes"]),
            megabytes(&ours["peak_bytes"]),
            number(&row["tfhe_recorded_seconds"], 2),
        ];
        cells.extend(sok::Method::ALL.map(|method| number(&published(row, method, "seconds"), 2)));
        cells.push(number(&published(row, sok::Method::Encoding, "amortised_ms"), 2));
        cells
    };
    let header = [
        "work",
        "bits",
        "size",
        "s",
        "ms each",
        "wrong",
        "sealed MB",
        "sent MB",
        "peak MB",
        "tfhe s",
        "SoK tfhe",
        "scheme",
        "encoding",
        "ms each",
    ];
    let rows: Vec<Vec<String>> = report.rows.iter().map(line).collect();
    let refused = report.rows.iter().filter_map(|row| {
        let why = row["refused"].as_str()?;
        Some(format!("{} {} {}: {why}\n", row["work"].as_str()?, row["bits"], row["size"]))
    });
    format!(
        "{}\n\non {} thread(s); tfhe s by recorded times of its steps, the rest of the right-hand side as published\n{}",
        output::table(&header, &rows),
        report.threads,
        refused.collect::<String>()
    )
}

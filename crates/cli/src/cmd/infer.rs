//! `arras infer`: scores of encrypted samples by logistic regression and small networks.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use arras_apps::Program as _;
use arras_apps::infer::{Infer, Network, NetworkError, Scores};
use arras_client::store;
use serde::Serialize;
use serde_json::Value;

use crate::args::infer::{self as args, Infer as What};
use crate::args::task::Open;
use crate::cmd::samples::{self, Table};
use crate::cmd::task::{self, Took};
use crate::output::{self, Output};

pub fn run(what: &What, out: &Output) -> anyhow::Result<ExitCode> {
    match what {
        What::Predict(args) => predict(args, out),
        What::Seal(args) => {
            let (program, table) = ready(&args.samples)?;
            let sealed = task::seal(&program, &table.rows, &args.files, args.samples.security.security())?;
            out.show(&sealed, task::sealed_lines)
        }
        What::Run(args) => out.show(&task::run::<Infer>(args)?, task::ran_lines),
        What::Open(args) => open(args, out),
    }
}

#[derive(Serialize)]
struct Report {
    classes: Vec<Value>,
    scores: Vec<Vec<f64>>,
    /// How far a score may be from that of the network.
    bound: f64,
    /// Samples with a score that is further off.
    #[serde(skip_serializing_if = "Option::is_none")]
    wrong: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    largest_error: Option<f64>,
    /// The share of samples whose class is that of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy: Option<f64>,
    samples: usize,
    milliseconds_a_sample: f64,
    #[serde(flatten)]
    took: Took,
}

fn ready(args: &args::Samples) -> anyhow::Result<(Infer, Table)> {
    let network = network(&args.model)?;
    let table = Table::read(&args.input, args.labelled)?;
    network.check(&table.rows).map_err(|error| located(error, &table, args.labelled))?;
    Ok((Infer::new(network, table.rows.len(), args.precision)?, table))
}

/// The most bytes of a network.
const MOST_NETWORK: u64 = 64 << 20;

fn network(path: &Path) -> anyhow::Result<Network> {
    let bytes = store::read_at_most(path, MOST_NETWORK)?;
    // The bytes of safetensors begin with a length, and JSON with a brace.
    let text = std::str::from_utf8(&bytes).ok().filter(|text| text.trim_start().starts_with('{'));
    let network = text.map_or_else(|| Network::from_safetensors(&bytes), Network::parse);
    network.with_context(|| path.display().to_string())
}

/// The same error in the words of whoever wrote the file.
fn located(error: NetworkError, table: &Table, labelled: bool) -> anyhow::Error {
    if let NetworkError::Features { row, need, have } = error {
        let (line, hint) = (table.line(row), samples::hint(need, have, labelled));
        return anyhow::anyhow!(
            "line {line}: the number of values is {have}, and must be {need}, one for each feature of the network{hint}"
        );
    }
    if let NetworkError::OutOfRange { row, feature, value, low, high } = error {
        let line = table.line(row);
        return anyhow::anyhow!(
            "line {line}, column {feature}: {value} is not in the range of the network, {low} to {high}: scores would \
             mean nothing"
        );
    }
    error.into()
}

fn predict(args: &args::Predict, out: &Output) -> anyhow::Result<ExitCode> {
    let (program, table) = ready(&args.samples)?;
    let done = task::all_in_one(&program, &table.rows, args.samples.security.security(), None)?;
    let units = done.took.plan.certificate.bounds.iter().copied().fold(0.0, f64::max);
    let bound = (units + 0.5) * program.resolution();
    let checked = args.check.then(|| compare(&done.answer, &program.exact(&table.rows), bound));
    let (classes, scores) = named(&program, done.answer);
    let right =
        classes.iter().zip(&table.labels).filter(|(class, label)| samples::is_label(class, label)).count();
    let samples = classes.len();
    let report = Report {
        accuracy: args.samples.labelled.then(|| right as f64 / samples as f64),
        classes,
        scores,
        bound,
        wrong: checked.map(|(wrong, _)| wrong),
        largest_error: checked.map(|(_, error)| error),
        samples,
        milliseconds_a_sample: done.took.run_seconds * 1e3 / samples as f64,
        took: done.took,
    };
    let shown = out.show(&report, |report| human(report, &table))?;
    Ok(if report.wrong.is_some_and(|wrong| wrong > 0) { ExitCode::FAILURE } else { shown })
}

/// Samples that are wrong, and the largest error of a score.
fn compare(found: &[Scores], exact: &[Scores], bound: f64) -> (usize, f64) {
    let error = |found: &Scores, exact: &Scores| {
        let errors = found.scores.iter().zip(&exact.scores).map(|(a, b)| (a - b).abs());
        errors.fold(0.0, f64::max)
    };
    let errors: Vec<f64> = found.iter().zip(exact).map(|(found, exact)| error(found, exact)).collect();
    (errors.iter().filter(|error| **error > bound).count(), errors.iter().copied().fold(0.0, f64::max))
}

/// Classes by name, and scores.
fn named(program: &Infer, answer: Vec<Scores>) -> (Vec<Value>, Vec<Vec<f64>>) {
    let names = &program.network().file().classes;
    let name = |class: usize| names.get(class).cloned().unwrap_or_else(|| class.into());
    answer.into_iter().map(|sample| (name(sample.class), sample.scores)).unzip()
}

#[derive(Serialize)]
struct Opened {
    classes: Vec<Value>,
    scores: Vec<Vec<f64>>,
}

fn open(args: &Open, out: &Output) -> anyhow::Result<ExitCode> {
    let (program, answer) = task::open::<Infer>(args)?;
    let (classes, scores) = named(&program, answer);
    out.show(&Opened { classes, scores }, |opened| {
        let lines: Vec<u64> = (1..=opened.classes.len() as u64).collect();
        rows("sample", &lines, &opened.classes, &opened.scores)
    })
}

/// A table of answers.
fn rows(name: &str, lines: &[u64], classes: &[Value], scores: &[Vec<f64>]) -> String {
    let numbers = |scores: &Vec<f64>| scores.iter().map(|s| format!("{s:.4}")).collect::<Vec<_>>().join(" ");
    let row = |((line, class), scores): ((&u64, &Value), &Vec<f64>)| {
        vec![line.to_string(), output::excerpt(&samples::text(class), 60), numbers(scores)]
    };
    let rows: Vec<Vec<String>> = lines.iter().zip(classes).zip(scores).map(row).collect();
    output::table(&[name, "class", "scores"], &rows)
}

fn human(report: &Report, table: &Table) -> String {
    let mut text = rows("line", &table.lines, &report.classes, &report.scores);
    text += &format!(
        "\n\n{} samples, scores within {:.2e}, {:.3} ms a sample",
        report.samples, report.bound, report.milliseconds_a_sample,
    );
    if let (Some(wrong), Some(error)) = (report.wrong, report.largest_error) {
        text += &format!(", {wrong} wrong, the largest error {error:.2e}");
    }
    if let Some(accuracy) = report.accuracy {
        text += &format!(", {:.2} % of the classes of the file", 100.0 * accuracy);
    }
    text + &task::took_lines(&report.took)
}

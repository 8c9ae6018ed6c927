//! `arras tree`: classes of encrypted samples by decision trees and forests.

mod beside;
mod train;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use arras_apps::Program as _;
use arras_apps::tree::{Model, ModelError, Packing, Predict, Prediction, Samples};
use arras_client::store;
use arras_plan::bitwise::{Measured, Step};
use arras_plan::{Growth, sok};
use serde::Serialize;
use serde_json::Value;

use crate::args::tree::{self as args, Tree};
use crate::cmd::baseline::{self, Beside};
use crate::cmd::plan::Rival;
use crate::cmd::samples::{self, Table};
use crate::cmd::task::{self, Took};
use crate::output::{self, Output};

pub fn run(what: &Tree, out: &Output) -> anyhow::Result<ExitCode> {
    match what {
        Tree::Predict(args) => predict(args, out),
        Tree::Train(args) => train::run(args, out),
        Tree::Seal(args) => {
            let Ready { program, data, .. } = ready(&args.samples)?;
            let sealed = task::seal(&program, &data, &args.files, args.samples.security.security())?;
            out.show(&sealed, task::sealed_lines)
        }
        Tree::Run(args) => out.show(&task::run::<Predict>(args)?, task::ran_lines),
        Tree::Open(args) => open(args, out),
    }
}

#[derive(Serialize)]
struct Report {
    classes: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    votes: Option<Vec<Vec<u64>>>,
    /// Answers that a walk in the clear contradicts.
    #[serde(skip_serializing_if = "Option::is_none")]
    wrong: Option<usize>,
    /// The share of samples whose class is that of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy: Option<f64>,
    samples: usize,
    splits: usize,
    depth: usize,
    bits: u32,
    packing: Packing,
    ciphertexts: usize,
    thresholds_hidden: bool,
    milliseconds_a_sample: f64,
    #[serde(flatten)]
    took: Took,
    #[serde(flatten)]
    beside: Option<Beside>,
}

/// A program with the data that it takes.
struct Ready {
    model: Model,
    table: Table,
    program: Predict,
    data: Samples,
}

fn ready(args: &args::Samples) -> anyhow::Result<Ready> {
    let model = model(&args.model)?;
    let table = Table::read(&args.input, args.labelled)?;
    if let (Some(names), Some(header)) = (model.names(), &table.names)
        && let Some((name, found)) = names.iter().zip(header).find(|(name, found)| name != found)
    {
        let (name, found) = (output::excerpt(name, 40), output::excerpt(found, 40));
        anyhow::bail!("the model has feature \"{name}\" where the header of the samples has \"{found}\"");
    }
    let rows =
        model.quantise(&table.rows, args.clamp).map_err(|error| located(error, &table, args.labelled))?;
    let packing = Packing::choose(model.forest(), model.bits(), rows.len())?;
    let thresholds = || Some(model.thresholds().to_vec());
    let (public, hidden) = if args.hide_thresholds { (None, thresholds()) } else { (thresholds(), None) };
    let program = Predict::new(model.bits(), model.forest().clone(), public, rows.len(), packing)?;
    Ok(Ready { data: Samples { rows, thresholds: hidden }, model, table, program })
}

/// The same error in the words of whoever wrote the file.
fn located(error: ModelError, table: &Table, labelled: bool) -> anyhow::Error {
    if let ModelError::Features { row, need, have } = error {
        let line = table.line(row);
        let hint = samples::hint(need, have, labelled);
        return anyhow::anyhow!(
            "line {line}: the number of values is {have}, and must be {need}, one for each feature of the model{hint}"
        );
    }
    if let ModelError::Beyond { row, feature, value, bits, least, most } = error {
        let line = table.line(row);
        return anyhow::anyhow!(
            "line {line}, column {feature}: {value} is beyond what the model's {bits}-bit features hold, {least} to {most}: \
             with --clamp it counts as the nearest of these, which changes no answer"
        );
    }
    error.into()
}

/// The most bytes of a model.
const MOST_MODEL: u64 = 64 << 20;

fn model(path: &Path) -> anyhow::Result<Model> {
    let bytes = store::read_at_most(path, MOST_MODEL)?;
    let what = || path.display().to_string();
    let text = std::str::from_utf8(&bytes).with_context(what)?;
    Model::parse(text).with_context(what)
}

fn predict(args: &args::Predict, out: &Output) -> anyhow::Result<ExitCode> {
    let Ready { model, table, program, data } = ready(&args.samples)?;
    let bitwise = baseline::asked(&args.beside)?;
    let rival = bitwise.as_ref().map(|_| beside::task(&model, &program, &data)).transpose()?;
    let done = task::all_in_one(&program, &data, args.samples.security.security(), elsewhere(&program))?;
    let predictions = done.answer;
    let wrong = args.check.then(|| {
        predictions.iter().zip(program.exact(&data)).filter(|(found, exact)| *found != exact).count()
    });
    let classes: Vec<Value> = predictions.iter().map(|p| label(Some(&model), p)).collect();
    let right =
        classes.iter().zip(&table.labels).filter(|(class, label)| samples::is_label(class, label)).count();
    let samples = classes.len();
    let size = (sok::Work::Tree, program.forest().depth());
    let beside = bitwise.zip(rival).map(|(bitwise, task)| bitwise.beside(&task, beside::SAMPLE, size));
    let beside = beside.transpose()?;
    let report = Report {
        accuracy: args.samples.labelled.then(|| right as f64 / samples as f64),
        classes,
        votes: votes(&program, predictions),
        wrong,
        samples,
        splits: program.forest().splits().len(),
        depth: program.forest().depth(),
        bits: program.bits(),
        packing: program.packing(),
        ciphertexts: program.ciphertexts(),
        thresholds_hidden: program.hides_thresholds(),
        milliseconds_a_sample: done.took.run_seconds * 1e3 / samples as f64,
        took: done.took,
        beside,
    };
    let shown = out.show(&report, |report| human(report, &table))?;
    Ok(baseline::code(wrong.is_some_and(|wrong| wrong > 0), report.beside.as_ref(), shown))
}

/// What the same samples take elsewhere, if integers of so many bits were measured there: a step for each split.
fn elsewhere(program: &Predict) -> Option<Rival> {
    let (samples, splits) = (program.rows(), program.forest().splits().len());
    let step = if program.hides_thresholds() { Step::HiddenSplit } else { Step::Split };
    let bitwise = Measured::of(step, program.bits()).ok().filter(|_| splits > 0)?.each(splits);
    Some(Rival::new(sok::Work::Tree, program.bits(), samples, Growth::Batches(samples), bitwise))
}

/// The name of a class, or its number from 0.
fn label(model: Option<&Model>, prediction: &Prediction) -> Value {
    let name = model.and_then(|model| model.classes().get(prediction.class));
    name.cloned().unwrap_or_else(|| prediction.class.into())
}

/// The votes of a forest; a single tree has none.
fn votes(program: &Predict, predictions: Vec<Prediction>) -> Option<Vec<Vec<u64>>> {
    (!program.forest().is_single()).then(|| predictions.into_iter().map(|p| p.votes).collect())
}

#[derive(Serialize)]
struct Opened {
    classes: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    votes: Option<Vec<Vec<u64>>>,
}

fn open(args: &args::Open, out: &Output) -> anyhow::Result<ExitCode> {
    let model = args.model.as_deref().map(model).transpose()?;
    let (program, predictions) = task::open::<Predict>(&args.files)?;
    if let Some(model) = &model
        && model.forest() != program.forest()
    {
        anyhow::bail!("the model is not the one that the samples were sealed for: give that one, or none");
    }
    let classes = predictions.iter().map(|p| label(model.as_ref(), p)).collect();
    let opened = Opened { classes, votes: votes(&program, predictions) };
    out.show(&opened, |opened| {
        let lines: Vec<u64> = (1..=opened.classes.len() as u64).collect();
        rows("sample", &lines, &opened.classes, opened.votes.as_deref())
    })
}

/// A table of answers.
fn rows(name: &str, lines: &[u64], classes: &[Value], votes: Option<&[Vec<u64>]>) -> String {
    let mut header = vec![name, "class"];
    header.extend(votes.map(|_| "votes"));
    let cells = |i: usize, class: &Value| {
        let line = lines.get(i).map(u64::to_string).unwrap_or_default();
        let mut row = vec![line, output::excerpt(&samples::text(class), 60)];
        row.extend(votes.and_then(|votes| votes.get(i)).map(|votes| format!("{votes:?}")));
        row
    };
    let rows: Vec<Vec<String>> = classes.iter().enumerate().map(|(i, class)| cells(i, class)).collect();
    output::table(&header, &rows)
}

fn human(report: &Report, table: &Table) -> String {
    let mut text = rows("line", &table.lines, &report.classes, report.votes.as_deref());
    text += &format!(
        "\n\n{} samples, {} splits of depth {}, {} bits, {} ciphertext(s) by {}, {:.3} ms a sample",
        report.samples,
        report.splits,
        report.depth,
        report.bits,
        report.ciphertexts,
        match report.packing {
            Packing::Paths => "paths",
            Packing::Nodes => "splits",
        },
        report.milliseconds_a_sample,
    );
    if let Some(wrong) = report.wrong {
        text += &format!(", {wrong} wrong");
    }
    if let Some(accuracy) = report.accuracy {
        text += &format!(", {:.2} % of the classes of the file", 100.0 * accuracy);
    }
    text + &task::took_lines(&report.took) + &baseline::lines(report.beside.as_ref())
}

//! `arras tree train`: from labelled samples to a model.

use std::cmp::Ordering;
use std::process::ExitCode;

use arras_apps::tree::Model;
use arras_client::store;
use arras_train::tree::{Options, Table as Examples, grow};
use serde::Serialize;
use serde_json::Value;

use crate::args::tree::Train;
use crate::cmd::samples::Table;
use crate::output::{self, Output};

#[derive(Serialize)]
struct Report {
    out: String,
    bytes: usize,
    samples: usize,
    features: usize,
    classes: Vec<Value>,
    bits: u32,
    trees: usize,
    depth: usize,
    splits: usize,
    /// The share of the samples whose class the model finds.
    accuracy: f64,
}

pub fn run(args: &Train, out: &Output) -> anyhow::Result<ExitCode> {
    let table = Table::read(&args.input, true)?;
    let examples = examples(table);
    let options = Options { bits: args.bits, depth: args.depth, trees: args.trees, seed: args.seed };
    let file = grow(&examples, &options)?;
    let text = serde_json::to_string(&file)? + "\n";
    let model = Model::new(file)?;
    let samples = model.quantise(&examples.rows, false)?;
    let right = samples.iter().zip(&examples.labels).filter(|(sample, label)| {
        let votes = model.forest().votes(model.thresholds(), sample);
        let most = votes.iter().copied().max();
        votes.iter().copied().position(|v| Some(v) == most) == Some(**label)
    });
    let forest = model.forest();
    let report = Report {
        out: args.out.display().to_string(),
        bytes: text.len(),
        samples: samples.len(),
        features: forest.features(),
        classes: model.classes().to_vec(),
        bits: model.bits(),
        trees: forest.trees().len(),
        depth: forest.depth(),
        splits: forest.splits().len(),
        accuracy: right.count() as f64 / samples.len() as f64,
    };
    store::write_file(&args.out, text.as_bytes())?;
    out.show(&report, human)
}

/// The samples with their classes numbered: numbers in their order, then words in theirs.
fn examples(table: Table) -> Examples {
    let class = |text: &String| match text.parse::<i64>() {
        Ok(number) => Value::from(number),
        Err(_) => Value::from(text.clone()),
    };
    let labels: Vec<Value> = table.labels.iter().map(class).collect();
    let order = |a: &Value, b: &Value| match (a.as_i64(), b.as_i64()) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.as_str().cmp(&b.as_str()),
    };
    let mut classes = labels.clone();
    classes.sort_by(order);
    classes.dedup();
    let number = |label: &Value| classes.binary_search_by(|class| order(class, label)).unwrap_or_default();
    let labels = labels.iter().map(number).collect();
    Examples { names: table.names, rows: table.rows, labels, classes }
}

fn human(report: &Report) -> String {
    output::pairs(&[
        ("model", format!("{} ({})", report.out, output::bytes(report.bytes as u64))),
        ("samples", format!("{} of {} features", report.samples, report.features)),
        ("trees", format!("{}, {} splits in all, depth {}", report.trees, report.splits, report.depth)),
        ("right", format!("{:.2} % of these samples", 100.0 * report.accuracy)),
    ])
}

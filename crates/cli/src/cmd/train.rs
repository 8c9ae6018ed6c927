//! `arras train sst2`: from labelled sentences to a model file.

use std::ops::ControlFlow;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context as _;
use arras_client::store;
use arras_nn::Metrics;
use arras_train::data;
use arras_train::sst2::{Options, Phase, Progress, train};
use serde::Serialize;

use crate::args::TrainSst2;
use crate::input;
use crate::output::{self, Output};
use crate::stop;

#[derive(Serialize)]
struct Report {
    out: String,
    bytes: usize,
    examples: usize,
    epochs: usize,
    held_out: Option<Metrics>,
    seconds: f64,
}

pub fn run(args: &TrainSst2, out: &Output) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let path = args.data.join("train.tsv");
    let bytes = input::data(&path)?;
    let examples = data::parse(&bytes).with_context(|| path.display().to_string())?;
    let mut options = Options::default();
    options.epochs = args.epochs.unwrap_or(options.epochs);
    options.seed = args.seed.unwrap_or(options.seed);
    stop::watch()?;
    let (model, held_out) = learn(&examples, &options)?;
    let bytes = model.to_bytes()?;
    store::write_file(&args.out, &bytes)?;
    let report = Report {
        out: args.out.display().to_string(),
        bytes: bytes.len(),
        examples: examples.len(),
        epochs: options.epochs,
        held_out,
        seconds: started.elapsed().as_secs_f64(),
    };
    out.show(&report, human)
}

fn learn(
    examples: &[data::Example],
    options: &Options,
) -> anyhow::Result<(arras_nn::Model, Option<Metrics>)> {
    const STEPS: u64 = 1000;
    let bar = output::bar(STEPS, "training");
    let mut held_out = None;
    let mut report = |at: &Progress| {
        bar.set_position((at.fraction * STEPS as f64) as u64);
        let accuracy = held_out
            .map_or(String::new(), |m: Metrics| format!(", {:.4} right on held-out sentences", m.accuracy));
        match at.phase {
            Phase::Network => bar.set_message(format!(
                "epoch {}/{}, loss {:.3}{accuracy}",
                at.epoch + 1,
                at.epochs,
                at.loss
            )),
            Phase::Temperature => bar.set_message("temperature"),
        }
        held_out = at.held_out.or(held_out);
        if stop::asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let model = train(examples, options, &mut report);
    bar.finish_and_clear();
    Ok((model?, held_out))
}

fn human(report: &Report) -> String {
    let held = report
        .held_out
        .map_or(String::new(), |m| format!("{:.4}, F1 {:.4}, AUROC {:.4}", m.accuracy, m.f1, m.auroc));
    output::pairs(&[
        ("model", format!("{} ({})", report.out, output::bytes(report.bytes as u64))),
        ("examples", report.examples.to_string()),
        ("held out", held),
        ("time", format!("{:.1} s, {} epochs", report.seconds, report.epochs)),
    ])
}

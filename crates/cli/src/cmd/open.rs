//! `arras open`: the encrypted answer to labels and probabilities.

use std::process::ExitCode;

use anyhow::Context as _;
use arras_ckks::wire::{self, Batch};
use arras_client::{Client, Folder, precision_bits, store};
use serde::Serialize;

use crate::args::Open;
use crate::input;
use crate::output::{self, Output};

#[derive(Serialize)]
struct Report {
    results: Vec<Answer>,
    precision_bits: u32,
}

#[derive(Serialize)]
struct Answer {
    label: String,
    class: usize,
    probability: f64,
}

pub fn run(args: &Open, out: &Output) -> anyhow::Result<ExitCode> {
    let loaded = input::model(&args.model)?;
    let folder = Folder::at(&args.keys);
    let params = folder.params()?;
    let secret = folder.secret(&params)?;
    let bytes = store::read(&args.input)?;
    let batch: Batch =
        wire::from_bytes(params.rlwe(), &bytes).with_context(|| args.input.display().to_string())?;
    let client = Client::new(loaded.network(), loaded.digest, &params, &secret)?;
    let predictions = client.open(&batch).with_context(|| args.input.display().to_string())?;
    let answer = |p: &arras_nn::Prediction| Answer {
        label: loaded.network().label(p).to_owned(),
        class: p.label,
        probability: p.probability,
    };
    let report = Report {
        results: predictions.iter().map(answer).collect(),
        precision_bits: precision_bits(loaded.network()),
    };
    out.show(&report, human)
}

fn human(report: &Report) -> String {
    let width = report.results.iter().map(|answer| answer.label.len()).max().unwrap_or(0);
    let line = |answer: &Answer| {
        format!("{}  {:.5}\n", output::label(&answer.label, answer.class, width), answer.probability)
    };
    report.results.iter().map(line).collect()
}

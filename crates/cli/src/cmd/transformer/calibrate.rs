//! The ranges of a model's values over a table of sentences.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, bail};
use arras_client::store;
use arras_nn::transformer::{Ranges, Transformer};
use arras_train::transformer::Texts;
use arras_train::transformer::calibrate::{calibrate, recalibrate};
use serde::Serialize;

use crate::args::transformer as words;
use crate::cmd::transformer::files;
use crate::cmd::transformer::student::HELD_OUT;
use crate::output::{self, Output};
use crate::stop;

#[derive(Serialize)]
struct Report {
    out: String,
    bytes: usize,
    texts: usize,
    temperature: f64,
    ranges: Ranges,
    seconds: f64,
}

pub fn run(args: &words::Calibrate, out: &Output) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let bytes = store::read_at_most(&args.model, arras_nn::BYTES as u64)?;
    if !Transformer::is_file(&bytes) {
        bail!("{} is no transformer: only their files lack ranges", args.model.display());
    }
    let model = Transformer::from_bytes(&bytes).with_context(|| args.model.display().to_string())?;
    let table = files::table(&args.data, "train.tsv")?;
    let mut texts = Texts::read(&table, &model.parts().vocabulary, model.shape().lanes, HELD_OUT, args.seed)?;
    let (count, workers) = (texts.learn.len() + texts.held_out.len(), rayon::current_num_threads());
    stop::watch()?;
    let bar = output::bar(count as u64, "reading");
    let model = if args.temperature {
        recalibrate(model, &texts.learn, &texts.held_out, workers, &mut files::heard(&bar))?
    } else {
        texts.learn.append(&mut texts.held_out);
        calibrate(model, &texts.learn, workers, &mut files::heard(&bar))?
    };
    bar.finish_and_clear();
    let bytes = model.to_bytes()?;
    store::write_file(&args.out, &bytes)?;
    let report = Report {
        out: args.out.display().to_string(),
        bytes: bytes.len(),
        texts: count,
        temperature: model.parts().classifier.temperature,
        ranges: model.ranges()?.clone(),
        seconds: started.elapsed().as_secs_f64(),
    };
    out.show(&report, human)
}

fn human(report: &Report) -> String {
    let logit = report.ranges.logit;
    output::pairs(&[
        ("model", format!("{} ({})", report.out, output::bytes(report.bytes as u64))),
        ("texts", report.texts.to_string()),
        ("temperature", format!("{:.4}", report.temperature)),
        ("logits", format!("{:.3} to {:.3}", logit.low, logit.high)),
        ("time", format!("{:.1} s", report.seconds)),
    ])
}

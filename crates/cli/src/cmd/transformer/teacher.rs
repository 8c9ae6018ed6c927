//! Fine-tuning a pretrained encoder.

use std::ops::ControlFlow;
use std::process::ExitCode;

use arras_client::store;
use arras_nn::Metrics;
use arras_nn::head::logistic;
use arras_nn::transformer::{Pretrained, Vocabulary};
use arras_train::data::Labelled;
use arras_train::transformer::{DType, Lesson, Schedule, Teacher};
use serde::Serialize;

use crate::args::transformer::{self as words, Precision};
use crate::cmd::transformer::files::{self, Subject, Watched};
use crate::output::{self, Output};

#[derive(Serialize)]
struct Report {
    out: String,
    texts: usize,
    epochs: usize,
    loss: f32,
    dev: Metrics,
    seconds: f64,
}

pub fn run(args: &words::Teacher, out: &Output) -> anyhow::Result<ExitCode> {
    let (encoder, learn, dev) = read(args)?;
    let schedule = files::schedule(&args.pace, Schedule::default());
    let teacher = Teacher::new(&encoder, schedule.seed)?.with_precision(precision(args.precision));
    subject(args, &encoder, &schedule)?.claim(&args.out)?;
    let (watched, mut learner) = Watched::start(&args.out, teacher.weights(), "teacher", &args.pace)?;
    let (seconds, loss) =
        watched.learn(&mut learner, teacher.weights(), &learn, &schedule, &|part| teacher.loss(part))?;
    let (model, config) = teacher.to_files(encoder.lanes())?;
    store::write_file(&args.out.join(files::MODEL), &model)?;
    store::write_file(&args.out.join(files::CONFIG), config.as_bytes())?;
    let tokenizer = store::read_at_most(&args.from.join(files::TOKENIZER), MOST_TOKENIZER)?;
    store::write_file(&args.out.join(files::TOKENIZER), &tokenizer)?;
    let report = Report {
        out: args.out.display().to_string(),
        texts: learn.len(),
        epochs: schedule.epochs,
        loss,
        dev: metrics(&teacher, &dev, schedule.workers)?,
        seconds,
    };
    out.show(&report, human)
}

/// The most bytes of a tokenizer.
const MOST_TOKENIZER: u64 = 64 << 20;

/// What is trained on what.
pub fn subject(args: &words::Teacher, encoder: &Pretrained, schedule: &Schedule) -> anyhow::Result<Subject> {
    Subject::new(&args.from, &args.data, 0, lanes(args, encoder), schedule)
}

/// An encoder has no place for what comes after its last position.
fn lanes(args: &words::Teacher, encoder: &Pretrained) -> usize {
    usize::from(args.lanes).min(encoder.lanes())
}

/// The encoder, the texts to learn from, and the texts to be judged by.
pub fn read(args: &words::Teacher) -> anyhow::Result<(Pretrained, Vec<Lesson>, Vec<Lesson>)> {
    let encoder = files::encoder(&args.from)?;
    let lanes = lanes(args, &encoder);
    let read = |name| lessons(&files::table(&args.data, name)?, encoder.vocabulary(), lanes);
    let (learn, dev) = (read(files::TRAIN)?, read("dev.tsv")?);
    Ok((encoder, learn, dev))
}

/// Sentences as rows, cut off behind the lanes.
pub fn lessons(table: &[Labelled], vocabulary: &Vocabulary, lanes: usize) -> anyhow::Result<Vec<Lesson>> {
    let lesson = |row: &Labelled| {
        let no_tokens = |_| arras_train::Error::NoTokens { line: row.line };
        let rows = vocabulary.read(&row.text, lanes).map_err(no_tokens)?.rows;
        Ok(Lesson { rows, target: [0.0; 2], positive: row.positive })
    };
    table.iter().map(lesson).collect()
}

/// What the teacher gets right.
pub fn metrics(teacher: &Teacher, texts: &[Lesson], workers: usize) -> anyhow::Result<Metrics> {
    let logits = teacher.label(texts, workers, &mut |_| ControlFlow::Continue(()))?;
    let soft: Vec<f64> = logits.iter().map(|[zero, one]| logistic(f64::from(one - zero))).collect();
    let labels: Vec<bool> = texts.iter().map(|l| l.positive).collect();
    Ok(Metrics::of(&soft, &labels)?)
}

pub fn precision(precision: Precision) -> DType {
    match precision {
        Precision::F32 => DType::F32,
        Precision::Bf16 => DType::BF16,
        Precision::F16 => DType::F16,
    }
}

fn human(report: &Report) -> String {
    let dev = &report.dev;
    output::pairs(&[
        ("teacher", report.out.clone()),
        ("texts", format!("{}, {} epochs", report.texts, report.epochs)),
        ("dev", format!("accuracy {:.4}, F1 {:.4}, AUROC {:.4}", dev.accuracy, dev.f1, dev.auroc)),
        ("loss", format!("{:.4}", report.loss)),
        ("time", format!("{:.0} s", report.seconds)),
    ])
}

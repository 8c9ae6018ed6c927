//! A transformer of polynomials that learns from a teacher.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use arras_client::store;
use arras_nn::Metrics;
use arras_nn::transformer::{Pretrained, Ranges, Shape, Transformer};
use arras_train::transformer::{
    Care, Learner, Lesson, Schedule, Student, Teacher, Texts, Words, fold, labels, recipe,
};
use serde::Serialize;

use crate::args::transformer as words;
use crate::cmd::transformer::files::{self, Watched};
use crate::output::{self, Output};
use crate::stop;

/// The sizes of the model that Arras ships.
const SHAPE: Shape = Shape { layers: 2, width: 128, heads: 8, hidden: 512, lanes: 64 };

/// Share of the sentences held back, on which the temperature is fitted.
pub const HELD_OUT: f64 = 0.05;

/// Degree of the logistic polynomial.
const DEGREE: usize = 15;

/// Texts that the teacher labels between two writes.
const PORTION: usize = 8192;

const LABELS: &str = "labels.safetensors";

#[derive(Serialize)]
struct Report {
    out: String,
    bytes: usize,
    texts: usize,
    pieces: usize,
    epochs: usize,
    loss: f32,
    /// Texts whose values are still far out of range.
    strays: usize,
    temperature: f64,
    /// The polynomial model on dev, as an exact server would answer.
    dev: Metrics,
    ranges: Ranges,
    figures: BTreeMap<String, f64>,
    seconds: f64,
}

pub fn run(args: &words::Student, out: &Output) -> anyhow::Result<ExitCode> {
    let encoder = files::encoder(&args.teacher)?;
    if encoder.classifier().is_none() {
        return Err(arras_nn::Error::NoClassifier.into());
    }
    let (table, dev) = (files::table(&args.data, "train.tsv")?, files::table(&args.data, "dev.tsv")?);
    let default = Schedule { epochs: 5, batch: 64, rate: 1e-3, ..Schedule::default() };
    let schedule = files::schedule(&args.pace, default);
    let lanes = SHAPE.lanes.min(encoder.lanes());
    let mut texts = Texts::read(&table, encoder.vocabulary(), lanes, HELD_OUT, schedule.seed)?;
    let mut new = texts.augmented(encoder.vocabulary(), lanes, args.augment, schedule.seed);
    labelled(&mut texts.learn, &encoder, &args.work, &schedule)?;
    labelled(&mut new, &encoder, &args.work, &schedule)?;
    // A new text has no label but the teacher's.
    new.iter_mut().for_each(|l| l.positive = l.target[1] > l.target[0]);
    texts.learn.extend(new);
    let words = Words::of(&encoder, &texts.learn, SHAPE.width)?;
    drop(encoder);
    let (learn, held_out) = (words.translate(&texts.learn), words.translate(&texts.held_out));
    let mut student =
        Student::new(SHAPE, words.table.clone(), words.unknown(), Care::default(), schedule.seed)?;
    let (watched, learner) = Watched::start(&args.work, student.weights(), "student", &args.pace)?;
    let (seconds, loss) =
        watched.learn(learner, student.weights(), &learn, &schedule, &|part| student.loss(part))?;
    let strays = bring_back(&mut student, &learn, &schedule)?;
    let labels = ["negative".to_owned(), "positive".to_owned()];
    let model = fold::fold(&student, &words.vocabulary, labels)?;
    let figures = BTreeMap::from([
        ("seed".to_owned(), schedule.seed as f64),
        ("epochs".to_owned(), schedule.epochs as f64),
        ("texts labelled by the teacher".to_owned(), args.augment as f64),
    ]);
    let model = recipe::finish(model, &learn, &held_out, DEGREE, schedule.workers, figures)?;
    let bytes = model.to_bytes()?;
    // What is measured is the file, numbers rounded.
    let model = Transformer::from_bytes(&bytes)?;
    let report = Report {
        out: args.out.display().to_string(),
        bytes: bytes.len(),
        texts: learn.len(),
        pieces: words.vocabulary.pieces().len(),
        epochs: schedule.epochs,
        loss,
        strays,
        temperature: model.parts().classifier.temperature,
        dev: metrics(&model, &dev)?,
        ranges: model.ranges()?.clone(),
        figures: model.parts().about.figures.clone(),
        seconds,
    };
    store::write_file(&args.out, &bytes)?;
    out.show(&report, human)
}

/// Lets the student learn strays again, with a heavier penalty, until none is left or every round is over; returns how many
/// are left.
fn bring_back(student: &mut Student, learn: &[Lesson], schedule: &Schedule) -> anyhow::Result<usize> {
    student.care_for(Care { penalty: HEAVY, ..student.care().clone() });
    let again = Schedule { epochs: 1, rate: schedule.rate / 3.0, clip: 10.0, ..schedule.clone() };
    for round in 0..ROUNDS {
        let strays = student.strays(learn, STRAY)?;
        if strays.is_empty() {
            break;
        }
        let lessons = recipe::remedial(learn, &strays, 4, 7, schedule.seed ^ round);
        let student = &*student;
        let watch = &mut |_: &_, _: &_| {
            if stop::asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let loss = |part: &_| student.loss(part);
        Learner::default().run(student.weights(), &lessons, &again, &loss, watch)?;
    }
    Ok(student.strays(learn, STRAY)?.len())
}

/// How far beyond the free ranges a text strays, how often strays are brought back, and the weight of the penalty then.
const STRAY: f32 = 3.0;
const ROUNDS: u64 = 3;
const HEAVY: f32 = 0.2;

/// Gives every text the teacher's logits, those of the work folder first.
fn labelled(
    texts: &mut [Lesson],
    encoder: &Pretrained,
    work: &Path,
    schedule: &Schedule,
) -> anyhow::Result<()> {
    std::fs::create_dir_all(work).with_context(|| format!("{} cannot be made", work.display()))?;
    let teacher = Teacher::new(encoder, schedule.seed)?;
    let path = work.join(LABELS);
    let mut known = if path.exists() {
        labels::read(&store::read_at_most(&path, 1 << 30)?).with_context(|| path.display().to_string())?
    } else {
        labels::Labels::default()
    };
    stop::watch()?;
    let missing = known.fill(texts);
    let bar = output::bar(texts.len() as u64, "labels");
    for portion in missing.chunks(PORTION) {
        let lessons: Vec<Lesson> = portion.iter().filter_map(|&i| texts.get(i).cloned()).collect();
        let logits = teacher.label(&lessons, schedule.workers, &mut |_| {
            if stop::asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        known.learn(&lessons, &logits);
        store::write_file(&path, &known.to_bytes()?)?;
        bar.inc(portion.len() as u64);
    }
    bar.finish_and_clear();
    known.fill(texts);
    Ok(())
}

fn metrics(model: &Transformer, dev: &[arras_train::data::Labelled]) -> anyhow::Result<Metrics> {
    let soft: Result<Vec<f64>, arras_nn::Error> = dev
        .iter()
        .map(|row| Ok(model.polynomial(&model.embed(&row.text, true)?.values)?.probability))
        .collect();
    let labels: Vec<bool> = dev.iter().map(|row| row.positive).collect();
    Ok(Metrics::of(&soft?, &labels)?)
}

fn human(report: &Report) -> String {
    let dev = &report.dev;
    output::pairs(&[
        ("model", format!("{} ({})", report.out, output::bytes(report.bytes as u64))),
        ("texts", format!("{}, {} epochs", report.texts, report.epochs)),
        ("dev", format!("accuracy {:.4}, F1 {:.4}, AUROC {:.4}", dev.accuracy, dev.f1, dev.auroc)),
        ("temperature", format!("{:.3}", report.temperature)),
        ("time", format!("{:.0} s", report.seconds)),
    ])
}

//! A transformer of polynomials that learns from a teacher.

use std::collections::BTreeMap;
use std::fs;
use std::io::BufReader;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use arras_client::store;
use arras_nn::Metrics;
use arras_nn::transformer::{Pretrained, Ranges, Shape, Transformer, Vocabulary};
use arras_train::transformer::{
    Care, Guide, Help, Learner, Lesson, Memory, Schedule, Standing, Student, Teacher, Texts, Words, convert,
    fold, recipe,
};
use serde::Serialize;

use crate::args::transformer as words;
use crate::args::transformer::Size;
use crate::cmd::transformer::files::{self, Subject, Watched};
use crate::output::{self, Output};
use crate::{memory, stop};

/// The small size.
const SMALL: Shape = Shape { layers: 2, width: 128, heads: 8, hidden: 512, lanes: 64 };

/// Share of the sentences held back, on which the temperature is fitted.
pub const HELD_OUT: f64 = 0.05;

/// Degree of the logistic polynomial.
const DEGREE: usize = 15;

/// Where the work folder keeps how the student compares with its guide, whenever a training starts or ends.
const STANDING: &str = "standing.jsonl";

/// Where it keeps how many strays were left after each round.
const STRAYS: &str = "strays.jsonl";

/// Texts on which a student of the base size is fitted to its teacher before it learns.
const FITTED: usize = 3000;

#[derive(Serialize)]
struct Report {
    out: String,
    bytes: usize,
    texts: usize,
    pieces: usize,
    epochs: usize,
    loss: f32,
    /// Texts whose values are still far out of range, and do not count in the ranges of the file.
    strays: usize,
    temperature: f64,
    /// How far it is from its teacher between layers, on dev; of the base size alone.
    standing: Option<Standing>,
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
    let (table, dev) = (files::table(&args.data, files::TRAIN)?, files::table(&args.data, "dev.tsv")?);
    let schedule = files::schedule(&args.pace, schedule(args.size));
    let lanes = SMALL.lanes.min(encoder.lanes());
    let augment = args.augment.unwrap_or(if args.size == Size::Small { 500_000 } else { 0 });
    // Whether it can go on is known before the teacher is asked for many minutes.
    Subject::new(&args.teacher, &args.data, augment, lanes, &schedule)?.claim(&args.work)?;
    let mut texts = Texts::read(&table, encoder.vocabulary(), lanes, HELD_OUT, schedule.seed)?;
    let new = texts.augmented(encoder.vocabulary(), lanes, augment, schedule.seed);
    let made = new.len();
    let Start { vocabulary, learn, held_out, mut student, teaching } =
        start(args.size, &encoder, &mut texts, new, &schedule, &args.work)?;
    let seen = recipe::lessons(&dev, encoder.vocabulary(), lanes)?;
    drop((encoder, texts));
    let (guide, help) = (teaching.guide(), teaching.help());
    let (watched, mut learner) = Watched::start(&args.work, student.weights(), "student", &args.pace)?;
    standing(&args.work, &student, guide, &seen, learner.taken())?;
    let (seconds, loss) = watched
        .learn(&mut learner, student.weights(), &learn, &schedule, &|part| student.loss(part, help))?;
    let help = guide.map_or(Help::None, Help::Guide);
    let stopped = || files::kept(&args.work);
    let strays = bring_back(&mut student, help, &learn, &schedule, (&args.work, &learner));
    let (learn, mut strays) = within(learn, &strays.with_context(stopped)?);
    let standing = standing(&args.work, &student, guide, &seen, learner.taken())?;
    let held_strays = look_for_strays(&student, &held_out, &schedule).with_context(stopped)?;
    let (held_out, more) = within(held_out, &held_strays);
    strays += more;
    let figures = BTreeMap::from([
        ("seed".to_owned(), schedule.seed as f64),
        ("epochs".to_owned(), schedule.epochs as f64),
        ("texts labelled by the teacher".to_owned(), made as f64),
        ("texts out of range".to_owned(), strays as f64),
    ]);
    let model =
        finished(&student, &vocabulary, [&learn, &held_out], &schedule, figures).with_context(stopped)?;
    let bytes = model.to_bytes()?;
    // What is measured is the file, numbers rounded.
    let model = Transformer::from_bytes(&bytes)?;
    let report = Report {
        out: args.out.display().to_string(),
        bytes: bytes.len(),
        texts: learn.len(),
        pieces: vocabulary.pieces().len(),
        epochs: schedule.epochs,
        loss,
        strays,
        standing,
        temperature: model.parts().classifier.temperature,
        dev: metrics(&model, &dev)?,
        ranges: model.ranges()?.clone(),
        figures: model.parts().about.figures.clone(),
        seconds,
    };
    store::write_file(&args.out, &bytes)?;
    // Gigabytes that nothing needs any more.
    let _ = fs::remove_file(args.work.join(files::SHOWN));
    out.show(&report, human)
}

/// The model of a student, with what it needs beside its weights.
fn finished(
    student: &Student,
    vocabulary: &Vocabulary,
    [learn, held_out]: [&[Lesson]; 2],
    schedule: &Schedule,
    figures: BTreeMap<String, f64>,
) -> anyhow::Result<Transformer> {
    let labels = ["negative".to_owned(), "positive".to_owned()];
    let model = fold::fold(student, vocabulary, labels)?;
    let bar = output::bar((learn.len() + held_out.len()) as u64, "ranges");
    let heard = &mut files::heard(&bar);
    let model = recipe::finish(model, learn, held_out, DEGREE, schedule.workers, figures, heard)?;
    bar.finish_and_clear();
    Ok(model)
}

/// How long and how fast a size learns.
fn schedule(size: Size) -> Schedule {
    let (epochs, rate) = match size {
        Size::Small => (5, 1e-3),
        Size::Base => (8, 3e-5),
    };
    Schedule { epochs, batch: 64, rate, ..Schedule::default() }
}

/// Where a student starts: its pieces, the lessons by their rows, and how it is taught.
struct Start {
    vocabulary: Vocabulary,
    learn: Vec<Lesson>,
    held_out: Vec<Lesson>,
    student: Student,
    teaching: Teaching,
}

/// What a teacher shows: every batch where the student is its copy, and every text once where it is not.
enum Teaching {
    Guide(Guide),
    Memory(Memory),
}

impl Teaching {
    const fn guide(&self) -> Option<&Guide> {
        if let Self::Guide(guide) = self { Some(guide) } else { None }
    }

    const fn help(&self) -> Help<'_> {
        match self {
            Self::Guide(guide) => Help::Guide(guide),
            Self::Memory(memory) => Help::Memory(memory),
        }
    }
}

fn start(
    size: Size,
    encoder: &Pretrained,
    texts: &mut Texts,
    mut new: Vec<Lesson>,
    schedule: &Schedule,
    work: &Path,
) -> anyhow::Result<Start> {
    stop::watch()?;
    if size == Size::Small {
        let old = texts.learn.len();
        texts.learn.append(&mut new);
        let memory = remember(encoder, &mut texts.learn, schedule, work)?;
        texts.learn.iter_mut().skip(old).for_each(labelled);
        let words = Words::of(encoder, &texts.learn, SMALL.width)?;
        let (learn, held_out) = (words.translate(&texts.learn), words.translate(&texts.held_out));
        let unknown = words.unknown();
        let mut student = Student::new(SMALL, words.table, unknown, Care::default(), schedule.seed)?;
        student.compare_with(&memory, schedule.seed)?;
        let teaching = Teaching::Memory(memory);
        return Ok(Start { vocabulary: words.vocabulary, learn, held_out, student, teaching });
    }
    let teacher = Teacher::new(encoder, schedule.seed)?;
    let targets = teacher.label(&new, schedule.workers, &mut |_| files::go_on())?;
    new.iter_mut().zip(targets).for_each(|(lesson, target)| lesson.target = target);
    new.iter_mut().for_each(labelled);
    texts.learn.append(&mut new);
    let fitted = recipe::some(&texts.learn, FITTED, schedule.seed);
    let (student, guide) = convert::convert(encoder, &fitted, SMALL.lanes, Care::guided(), schedule.seed)?;
    let (vocabulary, learn, held_out) =
        (encoder.vocabulary().clone(), texts.learn.clone(), texts.held_out.clone());
    Ok(Start { vocabulary, learn, held_out, student, teaching: Teaching::Guide(guide) })
}

/// A new text has no label but the teacher's.
fn labelled(lesson: &mut Lesson) {
    lesson.positive = lesson.target[1] > lesson.target[0];
}

/// Memory of a training by that of what the teacher shows: 8 GB with 4.6 GB of it.
const WITH_LESSONS: f64 = 1.75;

/// What the teacher shows of all lessons, whose targets are set. It is asked once: the work folder keeps what it showed until the
/// model is made.
fn remember(
    encoder: &Pretrained,
    lessons: &mut [Lesson],
    schedule: &Schedule,
    work: &Path,
) -> anyhow::Result<Memory> {
    let (path, width) = (work.join(files::SHOWN), encoder.width());
    let shown = Memory::bytes(lessons, SMALL.layers, width) as f64;
    memory::check("what the teacher shows and the lessons", (shown * WITH_LESSONS) as u64)?;
    if path.exists() {
        let kept = fs::File::open(&path)
            .and_then(|file| Memory::read(lessons, SMALL.layers, width, &mut BufReader::new(file)));
        return kept.with_context(|| {
            format!("{} cannot be read: remove it to ask the teacher again", path.display())
        });
    }
    let guide = Guide::new(encoder, &recipe::some(lessons, FITTED, schedule.seed))?;
    let bar = output::bar(lessons.len() as u64, "asking the teacher");
    let shown = Memory::new(&guide, lessons, SMALL.layers, schedule.workers, &mut files::heard(&bar))?;
    bar.finish_and_clear();
    files::write_large(&path, |out| shown.write(lessons, out))?;
    Ok(shown)
}

/// Compares a student with its guide, and writes a line about it to the work folder.
fn standing(
    work: &Path,
    student: &Student,
    guide: Option<&Guide>,
    lessons: &[Lesson],
    step: usize,
) -> anyhow::Result<Option<Standing>> {
    let Some(guide) = guide else { return Ok(None) };
    let standing = student.standing(lessons, guide)?;
    files::note(work, STANDING, &serde_json::json!({ "step": step, "standing": standing }))?;
    Ok(Some(standing))
}

/// Lets the student learn strays again, with a heavier penalty, as long as they are more than few and that leaves fewer; returns
/// those that are left. The checkpoint keeps what each round reached.
fn bring_back(
    student: &mut Student,
    help: Help<'_>,
    learn: &[Lesson],
    schedule: &Schedule,
    (work, learner): (&Path, &Learner),
) -> anyhow::Result<Vec<usize>> {
    student.care_for(Care { penalty: HEAVY, forced: 0.0, ..student.care().clone() });
    let again = Schedule { epochs: 1, rate: schedule.rate / 3.0, clip: 10.0, ..schedule.clone() };
    let (mut before, mut round) = (usize::MAX, 0);
    loop {
        let strays = look_for_strays(student, learn, schedule)?;
        files::note(work, STRAYS, &serde_json::json!({ "round": round, "strays": strays.len() }))?;
        if strays.len() as f64 <= FEW * learn.len() as f64 || strays.len() >= before {
            return Ok(strays);
        }
        before = strays.len();
        let lessons = recipe::remedial(learn, &strays, 4, 7, schedule.seed ^ round);
        let student = &*student;
        let watch = &mut |_: &_, _: &_| files::go_on();
        let loss = |part: &_| student.loss(part, help);
        Learner::default().run(student.weights(), &lessons, &again, &loss, watch)?;
        files::keep(work, learner, student.weights())?;
        round += 1;
    }
}

/// Which lessons have values far out of range.
fn look_for_strays(student: &Student, lessons: &[Lesson], schedule: &Schedule) -> anyhow::Result<Vec<usize>> {
    let bar = output::bar(lessons.len() as u64, "looking for strays");
    let strays = student.strays(lessons, STRAY, schedule.workers, &mut files::heard(&bar))?;
    bar.finish_and_clear();
    Ok(strays)
}

/// The lessons without those at these places, and how many those are.
fn within(lessons: Vec<Lesson>, strays: &[usize]) -> (Vec<Lesson>, usize) {
    let kept = lessons.into_iter().enumerate().filter(|(place, _)| strays.binary_search(place).is_err());
    (kept.map(|(_, lesson)| lesson).collect(), strays.len())
}

/// How far beyond the free ranges a text strays, the share of strays that is left as it is, and the weight of the penalty while
/// strays are brought back.
const STRAY: f32 = 3.0;
const FEW: f64 = 1e-3;
const HEAVY: f32 = 0.2;

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

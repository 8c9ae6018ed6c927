//! Tables of several trainings: the time of a step, and choices of learning rate, batch and longest text.

use std::ops::ControlFlow;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::bail;
use arras_nn::Metrics;
use arras_train::Error;
use arras_train::transformer::{DType, Learner, Schedule, Teacher};
use serde::Serialize;

use crate::args::transformer as words;
use crate::cmd::transformer::files::{self, Watched};
use crate::cmd::transformer::teacher::{metrics, precision, read, subject};
use crate::output::{self, Output};

/// One line of the table of steps.
#[derive(Serialize)]
struct Step {
    optimiser: &'static str,
    precision: String,
    batch: usize,
    steps: usize,
    seconds_per_step: f64,
}

/// Steps of each kind, of which the first warms up and is not counted.
const STEPS: usize = 21;

/// Seconds per step without and with AdamW, without and with mixed precision.
pub fn steps(args: &words::Teacher, out: &Output) -> anyhow::Result<ExitCode> {
    let (encoder, learn, _) = read(args)?;
    let steps = args.pace.stop_after.unwrap_or(STEPS).max(2);
    let mixed = if precision(args.precision) == DType::F32 { DType::BF16 } else { precision(args.precision) };
    let mut table = Vec::new();
    for precision in [DType::F32, mixed] {
        for optimise in [false, true] {
            let schedule = Schedule { optimise, ..files::schedule(&args.pace, Schedule::default()) };
            let teacher = Teacher::new(&encoder, schedule.seed)?.with_precision(precision);
            let (mut warm, mut taken) = (None, 0);
            let end = Learner::default().run(
                teacher.weights(),
                &learn,
                &schedule,
                &|part| teacher.loss(part),
                &mut |at, _| {
                    warm.get_or_insert_with(Instant::now);
                    taken = at.step;
                    if at.step < steps { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
                },
            );
            match end {
                Ok(()) | Err(Error::Interrupted) => {}
                Err(error) => return Err(error.into()),
            }
            let seconds = warm.map_or(0.0, |warm| warm.elapsed().as_secs_f64());
            if taken < 2 {
                bail!(
                    "the table of sentences is too short for two steps: give more sentences, or a smaller --batch"
                );
            }
            table.push(Step {
                optimiser: if optimise { "AdamW" } else { "none" },
                precision: precision.as_str().to_owned(),
                batch: schedule.batch,
                steps: taken - 1,
                seconds_per_step: seconds / (taken - 1) as f64,
            });
        }
    }
    out.show(&table, |table| {
        let line = |s: &Step| {
            vec![
                s.optimiser.to_owned(),
                s.precision.clone(),
                s.batch.to_string(),
                format!("{:.4}", s.seconds_per_step),
            ]
        };
        output::table(
            &["optimiser", "products", "batch", "seconds per step"],
            &table.iter().map(line).collect::<Vec<_>>(),
        )
    })
}

/// One line of the table of variations.
#[derive(Serialize)]
struct Variation {
    name: &'static str,
    rate: f32,
    batch: usize,
    lanes: usize,
    epochs: usize,
    dev: Metrics,
    seconds: f64,
}

/// The published choices: name, learning rate, batch, longest text.
const VARIATIONS: [(&str, f32, usize, u16); 4] =
    [("A", 5e-6, 32, 512), ("B", 1e-5, 32, 512), ("C", 5e-6, 64, 512), ("D", 5e-6, 32, 256)];

/// Accuracy, F1 and AUROC of the published choices, each in a folder of its own that goes on where it was stopped.
pub fn variations(args: &words::Teacher, out: &Output) -> anyhow::Result<ExitCode> {
    let mut table = Vec::new();
    for (name, rate, batch, lanes) in VARIATIONS {
        let folder = args.out.join(name);
        let own = words::Teacher {
            from: args.from.clone(),
            data: args.data.clone(),
            out: folder,
            pace: args.pace.clone(),
            precision: args.precision,
            lanes,
            table: None,
        };
        let (encoder, learn, dev) = read(&own)?;
        let schedule = Schedule { rate, batch, ..files::schedule(&own.pace, Schedule::default()) };
        let teacher = Teacher::new(&encoder, schedule.seed)?.with_precision(precision(own.precision));
        subject(&own, &encoder, &schedule)?.claim(&own.out)?;
        let (watched, mut learner) = Watched::start(&own.out, teacher.weights(), name, &own.pace)?;
        let (seconds, _) =
            watched.learn(&mut learner, teacher.weights(), &learn, &schedule, &|part| teacher.loss(part))?;
        table.push(Variation {
            name,
            rate,
            batch,
            lanes: usize::from(lanes),
            epochs: schedule.epochs,
            dev: metrics(&teacher, &dev, schedule.workers)?,
            seconds,
        });
    }
    out.show(&table, |table| {
        let line = |v: &Variation| {
            let figures = [v.dev.accuracy, v.dev.f1, v.dev.auroc].map(|figure| format!("{figure:.4}"));
            let choices = [v.batch, v.lanes, v.epochs].map(|n| n.to_string());
            [vec![v.name.to_owned(), format!("{:e}", v.rate)], choices.to_vec(), figures.to_vec()].concat()
        };
        output::table(
            &["variation", "rate", "batch", "longest", "epochs", "accuracy", "F1", "AUROC"],
            &table.iter().map(line).collect::<Vec<_>>(),
        )
    })
}

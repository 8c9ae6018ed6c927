//! `arras plan`: which method takes the least time for a task, and what it takes, without running it.

mod candidates;
mod chart;
mod coarse;

use std::process::ExitCode;

use arras_plan::sok::Work;
use arras_plan::{Aim, Choice, Need, choose};
use serde::Serialize;

use crate::args;
use crate::output::Output;
use crate::stop;

pub use candidates::{Rival, explained};

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    choice: Choice,
    explanation: String,
}

pub fn run(args: &args::plan::Plan, out: &Output) -> anyhow::Result<ExitCode> {
    stop::watch()?;
    let Some(work) = args.work else { return chart::run(args, out) };
    let need = need(args, work);
    let candidates::Found { candidates, refused } = candidates::of(args, work, &need)?;
    let choice = choose(&need, &candidates, &refused)?;
    let report = Report { explanation: choice.explain(), choice };
    out.show(&report, |report| report.explanation.clone())
}

fn need(args: &args::plan::Plan, work: args::plan::Work) -> Need {
    use args::plan::Work as Word;
    let (work, default) = match work {
        Word::W1 => (Work::W1, 1),
        Word::W2 => (Work::W2, 1),
        Word::W3 => (Work::W3, 1),
        Word::Sort => (Work::Sort, 8),
        Word::Paths => (Work::Paths, 16),
        Word::Tree => (Work::Tree, 1),
        Word::Sql => (Work::Sql, 1),
    };
    Need {
        work,
        bits: args.bits,
        values: args.values.unwrap_or(default) as usize,
        exact: args.approximate.is_none(),
        aim: if args.throughput { Aim::Throughput } else { Aim::Latency },
    }
}

//! `arras sort`: the order of encrypted numbers, all in one go or one party at a time.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use arras_apps::sort::{self, Order};
use arras_apps::{Program as _, Sort};
use arras_plan::bitwise::{Measured, Step};
use arras_plan::{Growth, sok};
use serde::Serialize;

use crate::args::sort::{Mode, Party, Seal, Values};
use crate::args::{self, task::Open};
use crate::cmd::baseline::{self, Beside};
use crate::cmd::plan::Rival;
use crate::cmd::task::{self, Took};
use crate::input;
use crate::output::{self, Output};

#[derive(Serialize)]
struct Report {
    bits: u32,
    values: usize,
    #[serde(flatten)]
    order: Order,
    #[serde(skip_serializing_if = "Option::is_none")]
    wrong: Option<usize>,
    threads: usize,
    #[serde(flatten)]
    took: Took,
    #[serde(flatten)]
    beside: Option<Beside>,
}

#[derive(Serialize)]
struct Opened {
    bits: u32,
    values: usize,
    #[serde(flatten)]
    order: Order,
}

pub fn run(args: &args::sort::Sort, out: &Output) -> anyhow::Result<ExitCode> {
    match &args.party {
        None => all_in_one(&args.values, args, out),
        Some(Party::Seal(args)) => seal(args, out),
        Some(Party::Run(args)) => out.show(&task::run::<Sort>(args)?, task::ran_lines),
        Some(Party::Open(args)) => open(args, out),
    }
}

fn all_in_one(args: &Values, how: &args::sort::Sort, out: &Output) -> anyhow::Result<ExitCode> {
    let (sort, values) = read(args)?;
    let bitwise = baseline::asked(&how.beside)?;
    let rival = bitwise.as_ref().map(|_| arras_switch::baseline::Task::sort(sort.bits(), &values));
    let rival = rival.transpose()?;
    let done = task::all_in_one(&sort, &values, args.security.security(), elsewhere(&sort))?;
    let wrong = how.check.then(|| wrong(&done.answer, &sort.exact(&values)));
    let size = (sok::Work::Sort, values.len());
    let beside = bitwise.zip(rival).map(|(bitwise, task)| bitwise.beside(&task, SAMPLE, size)).transpose()?;
    let report = Report {
        bits: sort.bits(),
        values: values.len(),
        order: done.answer,
        wrong,
        threads: rayon::current_num_threads(),
        took: done.took,
        beside,
    };
    let shown = out.show(&report, human)?;
    Ok(baseline::code(wrong.is_some_and(|wrong| wrong > 0), report.beside.as_ref(), shown))
}

/// What the same array takes elsewhere, where a network sorts it all.
fn elsewhere(sort: &Sort) -> Option<Rival> {
    let bitwise = Measured::of(Step::Exchange, sort.bits()).ok()?.network();
    let (bits, length) = (sort.bits(), sort.length());
    let rival = || Rival::new(sok::Work::Sort, bits, length, Growth::Whole(length), bitwise);
    (sort.mode() == sort::Mode::Sort && length > 1).then(rival)
}

fn seal(args: &Seal, out: &Output) -> anyhow::Result<ExitCode> {
    let (sort, values) = read(&args.values)?;
    let sealed = task::seal(&sort, &values, &args.files, args.values.security.security())?;
    out.show(&sealed, task::sealed_lines)
}

fn open(args: &Open, out: &Output) -> anyhow::Result<ExitCode> {
    let (sort, order) = task::open::<Sort>(args)?;
    let opened = Opened { bits: sort.bits(), values: sort.length(), order };
    out.show(&opened, |opened| format!("{}\n", lines(&opened.order)))
}

/// Elements that the baseline really sorts.
const SAMPLE: usize = 8;

/// The most slots of a ring whose levels are enough for any array.
pub const SLOTS: usize = 1 << 15;

/// The numbers, and the program for so many of them.
fn read(args: &Values) -> anyhow::Result<(Sort, Vec<u64>)> {
    let mode = match (args.mode, args.k) {
        (Mode::Sort, None) => sort::Mode::Sort,
        (Mode::Rank, None) => sort::Mode::Rank,
        (Mode::Median, None) => sort::Mode::Median,
        (Mode::Top, Some(count)) => sort::Mode::Top(count),
        (Mode::Sort | Mode::Rank | Mode::Median, Some(_)) => bail!("--k is for --mode top: leave it out"),
        (Mode::Top, None) => bail!("--mode top needs --k, how many of the largest are asked for"),
    };
    let wanted =
        "there is nothing to sort: give a file with --in, or one whole number per line on standard input";
    let (bytes, what) = input::bytes(args.input.as_deref(), wanted)?;
    let text = std::str::from_utf8(&bytes).with_context(|| format!("{what} is no text"))?;
    let most = (1_u64 << args.bits) - 1;
    let mut values = Vec::new();
    for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
        let fits = text.trim().parse::<u64>().ok().filter(|value| *value <= most);
        let value = fits.with_context(|| {
            format!(
                "{what}, line {line}: \"{}\" is not a whole number from 0 to {most}, as {}-bit integers are",
                output::excerpt(text.trim(), 40),
                args.bits
            )
        })?;
        values.push(value);
    }
    if values.is_empty() {
        bail!("{what} holds no numbers: give at least one line");
    }
    Ok((Sort::new(mode, args.bits, values.len(), SLOTS)?, values))
}

/// How many numbers of an answer are not those of the exact one.
pub fn wrong(have: &Order, want: &Order) -> usize {
    fn differ<T: PartialEq>(have: &[T], want: &[T]) -> usize {
        have.len().abs_diff(want.len()) + have.iter().zip(want).filter(|(have, want)| have != want).count()
    }
    match (have, want) {
        (Order::Sorted(have), Order::Sorted(want)) | (Order::Top(have), Order::Top(want)) => {
            differ(have, want)
        }
        (Order::Ranks(have), Order::Ranks(want)) => differ(have, want),
        (have, want) => usize::from(have != want),
    }
}

fn lines(order: &Order) -> String {
    fn all<T: ToString>(values: &[T]) -> String {
        values.iter().map(T::to_string).collect::<Vec<_>>().join("\n")
    }
    match order {
        Order::Sorted(values) | Order::Top(values) => all(values),
        Order::Ranks(ranks) => all(ranks),
        Order::Median(median) => median.to_string(),
    }
}

fn human(report: &Report) -> String {
    let wrong = report.wrong.map_or(String::new(), |wrong| format!("\n{wrong} wrong"));
    let beside = baseline::lines(report.beside.as_ref());
    format!("{}\n{wrong}{}{beside}", lines(&report.order), task::took_lines(&report.took))
}

//! `arras minimax store`: the table of errors.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use arras_approx::minimax::table::{self, DEGREES, Draft, Entry, TAUS};
use arras_client::store;
use rayon::prelude::*;
use serde::Serialize;

use crate::args::minimax::Store;
use crate::output::{self, Output};
use crate::stop;

/// Rows between two looks at the clock and at Ctrl-C.
const BATCH: usize = 8;
/// How much work an accident may cost.
const SAVED_EVERY: Duration = Duration::from_secs(2);

#[derive(Serialize)]
struct Report {
    out: String,
    values: usize,
    computed: usize,
    seconds: f64,
}

pub fn run(args: &Store, out: &Output) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let mut draft = begin(&args.out)?;
    stop::watch()?;
    // At once, so that a place that cannot be written is known before the work.
    save(&args.out, &draft)?;
    let missing: Vec<usize> = draft.missing().collect();
    let values = (DEGREES * TAUS) as u64;
    let bar = output::bar(values, "best errors");
    bar.set_position(values - (missing.len() * DEGREES) as u64);
    let mut saved = Instant::now();
    for rows in missing.chunks(BATCH) {
        for (&row, entries) in rows.iter().zip(compute(rows)?) {
            draft.fill(row, &entries);
        }
        bar.inc((rows.len() * DEGREES) as u64);
        if stop::asked() || saved.elapsed() >= SAVED_EVERY {
            save(&args.out, &draft)?;
            saved = Instant::now();
        }
        if stop::asked() {
            bar.finish_and_clear();
            let path = args.out.display();
            bail!("interrupted, and {path} has what is done: the same command goes on from there");
        }
    }
    bar.finish_and_clear();
    save(&args.out, &draft)?;
    let report = Report {
        out: args.out.display().to_string(),
        values: DEGREES * TAUS,
        computed: missing.len() * DEGREES,
        seconds: started.elapsed().as_secs_f64(),
    };
    out.show(&report, human)
}

/// The rows that an earlier run has left.
fn begin(path: &Path) -> anyhow::Result<Draft> {
    match std::fs::read_to_string(path) {
        Ok(text) => Draft::parse(&text).with_context(|| format!("{} is not continued", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Draft::default()),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
    }
}

/// The entries of some rows, on all threads.
fn compute(rows: &[usize]) -> anyhow::Result<Vec<[Entry; DEGREES]>> {
    let cell = |i: usize| {
        let (row, degree) = (rows.get(i / DEGREES).copied().unwrap_or_default(), 2 * (i % DEGREES) + 3);
        table::compute(row, degree).with_context(|| format!("tau = {}, degree {degree}", table::tau(row)))
    };
    let entries: anyhow::Result<Vec<Entry>> = (0..rows.len() * DEGREES).into_par_iter().map(cell).collect();
    let entries = entries?;
    let (whole, _) = entries.as_chunks::<DEGREES>();
    Ok(whole.to_vec())
}

fn save(path: &Path, draft: &Draft) -> anyhow::Result<()> {
    Ok(store::write_file(path, draft.format().as_bytes())?)
}

fn human(report: &Report) -> String {
    output::pairs(&[
        ("table", report.out.clone()),
        ("values", format!("{}, {} of them new", report.values, report.computed)),
        ("time", format!("{:.1} s", report.seconds)),
    ])
}

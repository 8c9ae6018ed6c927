//! `arras workload`: mixed operations on integers in every slot, checked against the right answers.

use std::process::ExitCode;
use std::time::Instant;

use arras_apps::{Program as _, Workload, workload};
use arras_client::TaskPlan;
use arras_plan::bitwise::{Measured, Step};
use arras_plan::{Growth, sok};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use serde::Serialize;

use crate::args;
use crate::cmd::baseline::{self, Beside};
use crate::cmd::plan::Rival;
use crate::cmd::task::{self, Plan, Session, Took};
use crate::output::Output;

#[derive(Serialize)]
struct Report {
    workload: workload::Kind,
    bits: u32,
    slots: usize,
    threads: usize,
    /// The fastest run, keys and sealing left out.
    seconds: f64,
    amortised_ms: f64,
    wrong: usize,
    values: usize,
    runs: u32,
    certificate: task::Certificate,
    /// Of all that is sealed for one run.
    ciphertext_bytes: usize,
    /// There and back.
    communication_bytes: usize,
    evaluation_key_bytes: usize,
    peak_bytes: Option<u64>,
    key_seconds: f64,
    plan_seconds: f64,
    plan: Plan,
    /// For people: programs have its parts above.
    #[serde(skip)]
    took: Took,
    #[serde(flatten)]
    beside: Option<Beside>,
}

pub fn run(args: &args::workload::Workload, out: &Output) -> anyhow::Result<ExitCode> {
    let bitwise = baseline::asked(&args.beside)?;
    let started = Instant::now();
    let plan = planned(args)?;
    let program = *plan.prepared().program();
    let same = bitwise.as_ref().map(|_| same(&program, args.seed)).transpose()?;
    let mut session = Session::with(plan, started.elapsed().as_secs_f64(), Some(rival(&program)?))?;
    let mut wrong = 0;
    for run in 0..args.runs {
        let columns = columns(&program, args.seed, run);
        let answer = session.round(&columns)?;
        wrong += answer.iter().zip(program.exact(&columns)).filter(|(have, want)| *have != want).count();
    }
    let took = session.took();
    let size = (known(program.kind()).0, 1);
    let beside = bitwise.zip(same).map(|(bitwise, task)| bitwise.beside(&task, SAMPLE, size)).transpose()?;
    let report = Report {
        workload: program.kind(),
        bits: program.bits(),
        slots: program.slots(),
        threads: rayon::current_num_threads(),
        seconds: took.run_seconds,
        amortised_ms: took.run_seconds * 1e3 / program.slots() as f64,
        wrong,
        values: program.slots() * args.runs as usize,
        runs: args.runs,
        certificate: took.plan.certificate.clone(),
        ciphertext_bytes: took.sealed_bytes,
        communication_bytes: took.sealed_bytes + took.answer_bytes,
        evaluation_key_bytes: took.evaluation_key_bytes,
        peak_bytes: took.peak_bytes,
        key_seconds: took.key_seconds,
        plan_seconds: took.plan_seconds,
        beside,
        plan: took.plan.clone(),
        took: took.clone(),
    };
    let shown = out.show(&report, human)?;
    Ok(baseline::code(wrong > 0, report.beside.as_ref(), shown))
}

/// The plan of the workload, in all slots of the smallest ring that grants it unless somebody says how many.
fn planned(args: &args::workload::Workload) -> anyhow::Result<TaskPlan<Workload>> {
    let kind = match args.kind {
        args::workload::Kind::W1 => workload::Kind::W1,
        args::workload::Kind::W2 => workload::Kind::W2,
        args::workload::Kind::W3 => workload::Kind::W3,
    };
    let new = |slots| Ok(Workload::new(kind, args.bits, slots)?);
    match args.slots {
        Some(slots) => task::plan(&new(slots)?, args.security.security()),
        None => task::plan_in_full(FEWEST, args.security.security(), new),
    }
}

/// The fewest slots of a ring that has the levels for any workload.
pub const FEWEST: usize = 1 << 13;

/// What as many values as there are slots take elsewhere.
fn rival(program: &Workload) -> anyhow::Result<Rival> {
    let (work, step) = known(program.kind());
    let (bits, slots) = (program.bits(), program.slots());
    Ok(Rival::new(work, bits, slots, Growth::Batches(slots), Measured::of(step, bits)?.each(1)))
}

/// Values of the baseline that are really run.
const SAMPLE: usize = 2;

/// The same values as bit-wise TFHE takes them.
fn same(program: &Workload, seed: u64) -> anyhow::Result<arras_switch::baseline::Task> {
    use arras_switch::baseline::{Task, Work};
    let work = match program.kind() {
        workload::Kind::W1 => Work::W1,
        workload::Kind::W2 => Work::W2,
        workload::Kind::W3 => Work::W3,
    };
    let columns = columns(program, seed, 0);
    let value = |slot: usize| [0, 1, 2, 3].map(|i| columns.get(i).map_or(0, |column| column[slot]));
    let values: Vec<[u64; 4]> = (0..program.slots()).map(value).collect();
    Ok(Task::workload(work, program.bits(), &values)?)
}

/// The work in the tables of others, and what it is to bit-wise TFHE.
fn known(kind: workload::Kind) -> (sok::Work, Step) {
    match kind {
        workload::Kind::W1 => (sok::Work::W1, Step::W1),
        workload::Kind::W2 => (sok::Work::W2, Step::W2),
        workload::Kind::W3 => (sok::Work::W3, Step::W3),
    }
}

/// Integers for one run: random ones, ties, neighbours of ties, and the ends of the ranges.
pub fn columns(program: &Workload, seed: u64, run: u32) -> Vec<Vec<u64>> {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    rng.set_stream(run.into());
    let most = program.most();
    let rows: Vec<Vec<u64>> = (0..program.slots())
        .map(|slot| {
            let random =
                |rng: &mut ChaCha20Rng| most.iter().map(|most| rng.next_u64() % (most + 1)).collect();
            let mut row: Vec<u64> = random(&mut rng);
            let kind = slot % 8;
            if kind == 7 {
                row.iter_mut().zip(&most).for_each(|(value, most)| *value = most * (rng.next_u64() % 2));
            }
            // The smaller side of the comparison, on the other side's value or next to it.
            let (left, right) = match program.kind() {
                workload::Kind::W2 => (row[0], 1),
                workload::Kind::W1 | workload::Kind::W3 => (row[0] * row[1], 2),
            };
            match kind {
                4 => row[right] = left,
                5 => row[right] = left.saturating_sub(1),
                6 => row[right] = (left + 1).min(most[right]),
                _ => {}
            }
            row
        })
        .collect();
    (0..most.len()).map(|column| rows.iter().map(|row| row[column]).collect()).collect()
}

fn human(report: &Report) -> String {
    format!(
        "{} of {} values wrong; {:.3} s on {} thread(s), {:.4} ms a value in {} slots\n{}{}",
        report.wrong,
        report.values,
        report.seconds,
        report.threads,
        report.amortised_ms,
        report.slots,
        task::size_lines(&report.took),
        baseline::lines(report.beside.as_ref()),
    )
}

//! `arras compare`: columns sealed, compared and opened, in one go with fresh keys and nothing but bytes between the sides, or
//! one party at a time.

mod parties;
mod table;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::bail;
use arras_circuits::slotwise::{Domain, Function};
use arras_circuits::{Integers, Slotwise};
use arras_ckks::Spec;
use arras_ckks::wire::{self, Batch};
use arras_client::{ColumnClient, ColumnPlan, Least, Wish, modelled, random};
use arras_engine::Engine;
use indicatif::ProgressBar;
use serde::Serialize;

use crate::args::compare::{Compare, Optimise, Party, Wanted};
use crate::cmd::params::tenths;
use crate::costs::Known;
use crate::output::{self, Output};
use crate::{keyring, memory, stop};
use table::Table;

#[derive(Serialize)]
struct Report {
    function: &'static str,
    rows: usize,
    results: Vec<Row>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failures: Option<usize>,
    degrees: Vec<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    real_after: Option<usize>,
    depth: u32,
    epsilon: f64,
    certified_error: f64,
    error: f64,
    n: usize,
    log2_qp: f64,
    security_bits: u32,
    params: String,
    /// What the polynomials and the real step take by the costs, and whether these were measured.
    predicted_seconds: f64,
    measured_costs: bool,
    evaluation_key_bytes: usize,
    sealed_bytes: usize,
    answer_bytes: usize,
    plan_seconds: f64,
    key_seconds: f64,
    seal_seconds: f64,
    run_seconds: f64,
    open_seconds: f64,
}

#[derive(Serialize)]
struct Row {
    line: u64,
    values: Vec<f64>,
    result: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    exact: Option<f64>,
}

/// What went there and back.
struct Round {
    results: Vec<f64>,
    bytes: [usize; 3],
    seconds: [f64; 4],
    precision_bits: u32,
}

pub fn run(args: &Compare, out: &Output) -> anyhow::Result<ExitCode> {
    match &args.party {
        None => whole(&args.wanted, args.check, out),
        Some(Party::Seal(args)) => parties::seal(args, out),
        Some(Party::Run(args)) => parties::run(args, out),
        Some(Party::Open(args)) => parties::open(args, out),
    }
}

/// What somebody wants, before anything is planned.
fn wish(args: &Wanted) -> anyhow::Result<Wish> {
    if args.costs.is_some() && args.optimise == Optimise::Depth {
        bail!("--costs belongs to --optimise time");
    }
    let function = args.function;
    if args.bits.is_none() && !function.is_of_numbers() {
        bail!("{} compares integers: say with --bits how many bits they have", function.name());
    }
    if args.bits.is_some() && function.relation().is_err() {
        let of_integers = Function::ALL.into_iter().filter(|function| function.relation().is_ok());
        let names: Vec<_> = of_integers.map(Function::name).collect();
        bail!(
            "{} is not for integers: with --bits, --function is one of {}",
            function.name(),
            names.join(", ")
        );
    }
    let domain = match args.bits {
        Some(bits) => Domain::Integers { bits: Integers::new(bits)?.bits() },
        None => Domain::Numbers { epsilon: (-args.alpha).exp2() },
    };
    // A gap that is none, before anything is read.
    domain.gap(function)?;
    let (alpha, max_degree, security) =
        (args.bits.map_or(args.alpha, |_| 10.0), args.max_degree, args.security.security());
    Ok(Wish { function, domain, alpha, max_degree, rows: 1, security })
}

/// The table, and a plan for its rows.
struct Prepared {
    table: Table,
    plan: ColumnPlan,
    /// What its polynomials take by the costs, in milliseconds, and whether these were measured.
    predicted: f64,
    measured: bool,
}

impl Prepared {
    fn new(args: &Wanted) -> anyhow::Result<Self> {
        let wish = wish(args)?;
        let known = Known::new(args.costs.as_deref())?;
        let table = table::read(args.file.as_deref(), wish.function)?;
        stop::watch()?;
        let costs = |spec: &Spec| known.chain(spec);
        let least = if args.optimise == Optimise::Time { Least::Time(&costs) } else { Least::Depth };
        let plan = ColumnPlan::with_least(&Wish { rows: table.lines.len(), ..wish }, least)?;
        // Before any key is made: a value that cannot be sealed is no reason to wait for keys.
        plan.slotwise()
            .pack(&table.columns, plan.params().max_slots())
            .map_err(|error| table::located(error, &table))?;
        let measured = costs(plan.params().spec());
        let predicted = match &measured {
            Some(chain) => plan.milliseconds(chain)?,
            None => plan.milliseconds(&modelled(plan.params().spec())?)?,
        };
        Ok(Self { table, plan, predicted, measured: measured.is_some() })
    }
}

fn whole(args: &Wanted, check: bool, out: &Output) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let Prepared { table, plan, predicted, measured } = Prepared::new(args)?;
    let rows = table.lines.len();
    let plan_seconds = started.elapsed().as_secs_f64();
    let round = round(&plan, &table)?;
    let (params, slotwise) = (plan.params(), plan.slotwise());
    let results: Vec<Row> = (0..rows).map(|i| row(slotwise, &table, &round, i, check)).collect();
    let failures = results.iter().filter(|row| is_wrong(slotwise, row, round.precision_bits)).count();
    let report = Report {
        function: slotwise.function().name(),
        rows,
        failures: check.then_some(failures),
        results,
        degrees: plan.composite().degrees(),
        real_after: slotwise.real_after(),
        depth: slotwise.depth(),
        epsilon: plan.composite().epsilon(),
        certified_error: plan.composite().certified_error(),
        error: slotwise.error(),
        n: params.degree(),
        log2_qp: tenths(params.log2_q() + params.log2_p()),
        security_bits: params.spec().security.bits(),
        params: params.id().to_string(),
        predicted_seconds: predicted / 1e3,
        measured_costs: measured,
        evaluation_key_bytes: round.bytes[0],
        sealed_bytes: round.bytes[1],
        answer_bytes: round.bytes[2],
        plan_seconds,
        key_seconds: round.seconds[0],
        seal_seconds: round.seconds[1],
        run_seconds: round.seconds[2],
        open_seconds: round.seconds[3],
    };
    let shown = out.show(&report, human)?;
    Ok(if check && failures > 0 { ExitCode::FAILURE } else { shown })
}

fn round(plan: &ColumnPlan, table: &Table) -> anyhow::Result<Round> {
    let (params, slotwise) = (plan.params(), plan.slotwise());
    let mut rng = random::system()?;
    let mut started = Instant::now();
    let mut lap = || std::mem::replace(&mut started, Instant::now()).elapsed().as_secs_f64();
    let (keys, evaluation) = keyring::bytes(params, plan.request())?;
    let key_seconds = lap();
    let client = ColumnClient::new(slotwise, params, &keys.secret)?;
    let sealed = wire::to_bytes(params.rlwe(), &client.seal(&table.columns, &mut rng)?);
    let seal_seconds = lap();
    let engine =
        Engine::new(params, wire::from_bytes(params.rlwe(), &evaluation)?)?.limited(memory::limits());
    let answer = answer(&engine, slotwise, &sealed)?;
    let run_seconds = lap();
    let results = client.open(&wire::from_bytes(params.rlwe(), &answer)?)?;
    stop::check()?;
    Ok(Round {
        results,
        bytes: [evaluation.len(), sealed.len(), answer.len()],
        seconds: [key_seconds, seal_seconds, run_seconds, lap()],
        precision_bits: client.precision_bits(),
    })
}

/// The side that evaluates: it sees bytes and public keys.
fn answer(engine: &Engine, function: &Slotwise, sealed: &[u8]) -> anyhow::Result<Vec<u8>> {
    let params = engine.params().rlwe();
    let batch: Batch = wire::from_bytes(params, sealed)?;
    let bar: ProgressBar = output::bar(1, "comparing");
    let mut progress = |done: usize, all: usize| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
        !stop::asked()
    };
    let answer = engine.run_columns(function, batch, &mut progress);
    bar.finish_and_clear();
    Ok(wire::to_bytes(params, &answer?))
}

fn row(slotwise: &Slotwise, table: &Table, round: &Round, i: usize, check: bool) -> Row {
    let values: Vec<f64> = table.columns.iter().map(|column| column[i]).collect();
    let exact = check.then(|| slotwise.exact(&values));
    Row { line: table.lines[i], result: round.results[i], values, exact }
}

/// Whether a result is further from the exact one than is proved; numbers that are too close may be told apart or not.
fn is_wrong(slotwise: &Slotwise, row: &Row, precision_bits: u32) -> bool {
    let Some(exact) = row.exact else { return false };
    let most = match (slotwise.domain(), slotwise.function(), row.values.as_slice()) {
        (Domain::Integers { .. }, ..) => 0.0,
        (Domain::Numbers { epsilon }, Function::Compare, [a, b]) if (a - b).abs() < epsilon => 0.5,
        (_, Function::Compare, _) => 0.0,
        _ => slotwise.error() + slotwise.unit(precision_bits) / 2.0,
    };
    (row.result - exact).abs() > most
}

/// A result in few digits.
fn number(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn human(report: &Report) -> String {
    let two = report.results.iter().any(|row| row.values.len() > 1);
    let mut header = if two { vec!["line", "a", "b"] } else { vec!["line", "x"] };
    header.push(report.function);
    if report.failures.is_some() {
        header.push("exact");
    }
    let cells = |row: &Row| {
        let numbers = row.values.iter().chain([&row.result]).chain(&row.exact).map(|value| number(*value));
        std::iter::once(row.line.to_string()).chain(numbers).collect()
    };
    let rows: Vec<Vec<String>> = report.results.iter().map(cells).collect();
    let bytes = |count: usize| output::bytes(count as u64);
    let mut text = output::table(&header, &rows);
    text += &format!(
        "\n\ndegrees {:?}, depth {}, error {:.2e}{}; N = {}, log2 QP = {}, {} bits of security\n",
        report.degrees,
        report.depth,
        report.error,
        report
            .failures
            .map_or(String::new(), |failures| format!(", {failures} of {} rows wrong", report.rows)),
        report.n,
        report.log2_qp,
        report.security_bits,
    );
    text += &format!(
        "plan {:.2} s, keys {:.2} s ({}), seal {:.2} s ({}), run {:.2} s, open {:.2} s ({})\n\
         by {} one thread takes {:.3} s for the polynomials\n",
        report.plan_seconds,
        report.key_seconds,
        bytes(report.evaluation_key_bytes),
        report.seal_seconds,
        bytes(report.sealed_bytes),
        report.run_seconds,
        report.open_seconds,
        bytes(report.answer_bytes),
        if report.measured_costs { "measured costs" } else { "the model of costs" },
        report.predicted_seconds,
    );
    text
}

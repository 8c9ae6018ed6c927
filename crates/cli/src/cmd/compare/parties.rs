//! One party at a time: who seals and opens has the secret key, who runs has evaluation keys and the task.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context as _;
use arras_circuits::Slotwise;
use arras_ckks::wire::{self, Batch};
use arras_client::{ColumnClient, ColumnSealer, Folder, random, store};
use arras_engine::Engine;
use serde::Serialize;

use super::Prepared;
use crate::args::{compare::Seal, task};
use crate::cmd::task::{Ran, ran_lines};
use crate::cmd::{evaluate, params::tenths};
use crate::output::{self, Output};
use crate::{keyring, memory, stop};

#[derive(Serialize)]
struct Sealed {
    function: &'static str,
    rows: usize,
    out: String,
    task: String,
    keys: String,
    bytes: usize,
    degrees: Vec<usize>,
    depth: u32,
    error: f64,
    n: usize,
    log2_qp: f64,
    security_bits: u32,
    params: String,
}

pub fn seal(args: &Seal, out: &Output) -> anyhow::Result<ExitCode> {
    let Prepared { table, plan, .. } = Prepared::new(&args.wanted)?;
    let (params, slotwise, files) = (plan.params(), plan.slotwise(), &args.files);
    let folder = Folder::at(&files.keys);
    keyring::for_task(&folder, params, plan.request())?;
    let mut rng = random::system()?;
    let batch =
        match files.public {
            true => ColumnSealer::public(slotwise, params, &folder.public(params)?)?
                .seal(&table.columns, &mut rng)?,
            false => ColumnClient::new(slotwise, params, &folder.secret(params)?)?
                .seal(&table.columns, &mut rng)?,
        };
    let bytes = wire::to_bytes(params.rlwe(), &batch);
    stop::check()?;
    store::write_file(&files.task, &slotwise.to_bytes())?;
    store::write_file(&files.out, &bytes)?;
    let report = Sealed {
        function: slotwise.function().name(),
        rows: table.lines.len(),
        out: files.out.display().to_string(),
        task: files.task.display().to_string(),
        keys: files.keys.display().to_string(),
        bytes: bytes.len(),
        degrees: plan.composite().degrees(),
        depth: slotwise.depth(),
        error: slotwise.error(),
        n: params.degree(),
        log2_qp: tenths(params.log2_q() + params.log2_p()),
        security_bits: params.spec().security.bits(),
        params: params.id().to_string(),
    };
    out.show(&report, |report| {
        let size = output::bytes(report.bytes as u64);
        output::pairs(&[
            ("sealed", format!("{} ({size}), {} row(s) for {}", report.out, report.rows, report.function)),
            ("task", format!("{}, for whoever runs or opens it", report.task)),
            ("keys", report.keys.clone()),
            (
                "parameters",
                format!(
                    "N = {}, log2 QP = {}, {} bits of security",
                    report.n, report.log2_qp, report.security_bits
                ),
            ),
        ])
    })
}

pub fn run(args: &task::Run, out: &Output) -> anyhow::Result<ExitCode> {
    let (params, keys) = evaluate::public_side(&args.evaluation_keys, args.params.as_deref())?;
    let function = function(&args.task)?;
    let sealed = evaluate::public_bytes(&args.input, "what `arras compare seal` wrote")?;
    stop::watch()?;
    memory::check("the evaluation keys", keys.request().sizes(params.rlwe())?.memory - keys.bytes() as u64)?;
    let engine = Engine::new(&params, keys)?.limited(memory::limits());
    let started = Instant::now();
    let answer =
        super::answer(&engine, &function, &sealed).with_context(|| args.input.display().to_string())?;
    stop::check()?;
    store::write_file(&args.out, &answer)?;
    let report = Ran {
        out: args.out.display().to_string(),
        input_bytes: sealed.len(),
        output_bytes: answer.len(),
        seconds: started.elapsed().as_secs_f64(),
    };
    out.show(&report, ran_lines)
}

#[derive(Serialize)]
struct Opened {
    function: &'static str,
    rows: usize,
    /// One for each row that was sealed, in order.
    results: Vec<f64>,
    /// How far a result may be from the exact one, where it is not exact after rounding.
    error: f64,
}

pub fn open(args: &task::Open, out: &Output) -> anyhow::Result<ExitCode> {
    let folder = Folder::at(&args.keys);
    let params = folder.params()?;
    let secret = folder.secret(&params)?;
    let function = function(&args.task)?;
    let bytes = store::read(&args.input)?;
    let what = || args.input.display().to_string();
    let batch: Batch = wire::from_bytes(params.rlwe(), &bytes).with_context(what)?;
    let results = ColumnClient::new(&function, &params, &secret)?.open(&batch).with_context(what)?;
    let report = Opened {
        function: function.function().name(),
        rows: results.len(),
        results,
        error: function.error(),
    };
    out.show(&report, |report| {
        report.results.iter().map(|value| super::number(*value) + "\n").collect::<String>()
    })
}

/// The most bytes of a function in a file: some polynomials.
const MOST_TASK: u64 = 1 << 20;

fn function(path: &Path) -> anyhow::Result<Slotwise> {
    let bytes = store::read_at_most(path, MOST_TASK)?;
    Slotwise::from_bytes(&bytes).with_context(|| path.display().to_string())
}

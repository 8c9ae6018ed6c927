//! `arras calibrate`: measures what operations cost, and keeps it in a file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, bail};
use arras_approx::Polynomial;
use arras_ckks::{Level, Params, Spec};
use arras_client::store;
use arras_plan::{CostTable, Machine, Operation, Ring};
use serde::Serialize;

use crate::args::{Calibrate, Depths};
use crate::cmd::bench;
use crate::cmd::params::tenths;
use crate::output::{self, Output};
use crate::{costs, stop};

/// What is measured without --depths.
const DEPTHS: Depths = Depths { first: 3, last: 28 };

/// Degrees that --verify compares.
const DEGREES: [usize; 4] = [7, 15, 31, 63];

#[derive(Serialize)]
struct Report {
    out: String,
    cpu: String,
    kernel: String,
    threads: u32,
    n: usize,
    chains: Vec<Row>,
    measured: usize,
    kept: usize,
    seconds: f64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    verified: Vec<Verified>,
    #[serde(skip_serializing_if = "Option::is_none")]
    worst: Option<f64>,
}

/// A chain at its top.
#[derive(Serialize)]
struct Row {
    depth: u32,
    digits: u32,
    special_primes: u32,
    log2_qp: f64,
    multiply_ms: f64,
    rotate_ms: f64,
}

/// A polynomial whose price was compared with its time.
#[derive(Serialize)]
struct Verified {
    depth: u32,
    level: u8,
    degree: usize,
    predicted_ms: f64,
    measured_ms: f64,
    /// Predicted over measured.
    ratio: f64,
}

pub fn run(args: &Calibrate, threads: Option<u16>, out: &Output) -> anyhow::Result<ExitCode> {
    let (threads, started) = (u32::from(threads.unwrap_or(1)), Instant::now());
    let (here, ring) = (costs::machine(threads)?, costs::ring(args.ring, args.chain.scales()));
    let specs = specs(args, ring)?;
    let path = target(args, &here, ring)?;
    let mut table = start(args, &path, here, ring)?;
    let missing = missing(args, &table, &specs)?;
    let (measured, kept) = (missing.len(), specs.len() - missing.len());
    measure(args, &path, &mut table, &missing)?;
    let depths: Vec<u32> = specs.keys().copied().collect();
    let mut verified = Vec::new();
    if args.verify {
        let table = costs::costs(Some(&path), ring, &depths, threads)?;
        for (&depth, spec) in &specs {
            verified.extend(verify(&table, depth, spec, args.reps)?);
        }
    }
    let chains = depths.iter().map(|&depth| row(&table, depth)).collect::<Result<_, _>>()?;
    let worst = verified.iter().map(|v| v.ratio).max_by(|a, b| a.ln().abs().total_cmp(&b.ln().abs()));
    let machine = table.machine().clone();
    let report = Report {
        out: path.display().to_string(),
        cpu: machine.cpu,
        kernel: machine.kernel,
        threads,
        n: 1 << ring.log_degree,
        chains,
        measured,
        kept,
        seconds: tenths(started.elapsed().as_secs_f64()),
        verified,
        worst,
    };
    out.show(&report, human)
}

/// The chains asked for; by default all that fit.
fn specs(args: &Calibrate, ring: Ring) -> anyhow::Result<BTreeMap<u32, Spec>> {
    let all =
        |list: &[Depths]| -> Vec<u32> { list.iter().flat_map(|range| range.first..=range.last).collect() };
    if args.depths.is_empty() {
        let specs: BTreeMap<u32, Spec> =
            all(&[DEPTHS]).into_iter().filter_map(|depth| Some((depth, costs::spec(ring, depth)?))).collect();
        if specs.is_empty() {
            bail!("{}", costs::too_deep(ring, DEPTHS.first));
        }
        return Ok(specs);
    }
    let spec = |depth| Ok((depth, costs::spec(ring, depth).with_context(|| costs::too_deep(ring, depth))?));
    all(&args.depths).into_iter().map(spec).collect()
}

/// The file to write, in a folder that exists.
fn target(args: &Calibrate, here: &Machine, ring: Ring) -> anyhow::Result<PathBuf> {
    if let Some(path) = &args.out {
        return Ok(path.clone());
    }
    let path = costs::stored(here, ring)?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
    }
    Ok(path)
}

/// The table to go on with: that of the file, if there is one.
fn start(args: &Calibrate, path: &Path, here: Machine, ring: Ring) -> anyhow::Result<CostTable> {
    if !path.exists() {
        return Ok(CostTable::new(here, ring));
    }
    match costs::read(path, &here, ring) {
        Ok(table) => Ok(table),
        Err(_) if args.force => Ok(CostTable::new(here, ring)),
        Err(error) => Err(error.context("the file is there and cannot be added to: --force replaces it")),
    }
}

/// The chains that the table lacks, or has in another shape; with --force, all.
fn missing(
    args: &Calibrate,
    table: &CostTable,
    specs: &BTreeMap<u32, Spec>,
) -> anyhow::Result<BTreeMap<u32, Spec>> {
    let mut missing = BTreeMap::new();
    for (&depth, spec) in specs {
        let kept = match table.chain(depth) {
            Ok(chain) if !args.force => costs::check_shape(chain, spec).is_ok(),
            Ok(_) | Err(_) => false,
        };
        if !kept {
            missing.insert(depth, spec.clone());
        }
    }
    Ok(missing)
}

/// Measures chain after chain, and writes the file after each.
fn measure(
    args: &Calibrate,
    path: &Path,
    table: &mut CostTable,
    missing: &BTreeMap<u32, Spec>,
) -> anyhow::Result<()> {
    if !missing.is_empty() {
        // A file that cannot be written is an error before the work.
        store::write_file(path, table.format().as_bytes())?;
    }
    stop::watch()?;
    let bar = output::bar(missing.keys().map(|&depth| u64::from(depth)).sum(), "measuring");
    for (&depth, spec) in missing {
        bar.set_message(format!("levels, now of depth {depth},"));
        let threads = table.machine().threads;
        let Some(chain) = costs::measure(&Params::new(spec)?, threads, args.reps, || bar.inc(1))? else {
            bar.finish_and_clear();
            bail!(
                "interrupted at depth {depth}: the chains before it are in {}, and the same command goes on from there",
                path.display()
            );
        };
        table.insert(chain);
        store::write_file(path, table.format().as_bytes())?;
    }
    bar.finish_and_clear();
    Ok(())
}

/// Times of polynomials at the top of a chain, in its middle and as low as they go, beside their prices.
fn verify(table: &CostTable, depth: u32, spec: &Spec, reps: u32) -> anyhow::Result<Vec<Verified>> {
    let prices = table.chain(depth)?.odd_prices(DEGREES[DEGREES.len() - 1])?;
    costs::on_threads(table.machine().threads, || {
        let params = Params::new(spec)?;
        let (top, mut probe) = (params.highest().0, bench::ops::probe(&params)?);
        let mut rows = Vec::new();
        for degree in DEGREES {
            let p = polynomial(degree)?;
            let least = u8::try_from(p.depth()).unwrap_or(u8::MAX);
            let mut levels = vec![least, least.midpoint(top), top];
            levels.retain(|level| (least..=top).contains(level));
            levels.dedup();
            for level in levels {
                if stop::asked() {
                    bail!("interrupted at the verification of depth {depth}: the costs are all there");
                }
                let measured_ms = fastest(|| Ok(probe.poly(&p, Level(level))?), reps)?;
                let predicted_ms = prices.at(degree, level.into());
                let ratio = predicted_ms / measured_ms;
                rows.push(Verified { depth, level, degree, predicted_ms, measured_ms, ratio });
                probe.clear();
            }
        }
        Ok(rows)
    })
}

/// All odd terms, and none that cancel.
fn polynomial(degree: usize) -> anyhow::Result<Polynomial> {
    let term = |k: usize| if k % 2 == 1 { 1.0 / k as f64 } else { 0.0 };
    Ok(Polynomial::unit((0..=degree).map(term).collect())?)
}

/// Milliseconds of the fastest of some calls after one that is not counted.
fn fastest(mut call: impl FnMut() -> anyhow::Result<()>, reps: u32) -> anyhow::Result<f64> {
    call()?;
    let mut least = f64::INFINITY;
    for _ in 0..reps {
        let (done, times) = bench::time(&mut call);
        done?;
        least = least.min(costs::milliseconds(&times));
    }
    Ok(least)
}

fn row(table: &CostTable, depth: u32) -> Result<Row, arras_plan::Error> {
    let chain = table.chain(depth)?;
    let cost = |operation| chain.cost(operation, depth);
    Ok(Row {
        depth,
        digits: chain.digits(),
        special_primes: chain.special_primes(),
        log2_qp: chain.log2_qp(),
        multiply_ms: cost(Operation::Product)? + cost(Operation::RelineariseRescale)?,
        rotate_ms: cost(Operation::Rotate)?,
    })
}

fn human(report: &Report) -> String {
    let number = |x: f64| if x < 10.0 { format!("{x:.3}") } else { format!("{x:.1}") };
    let line = |row: &Row| {
        vec![
            row.depth.to_string(),
            row.digits.to_string(),
            row.special_primes.to_string(),
            format!("{:.1}", row.log2_qp),
            number(row.multiply_ms),
            number(row.rotate_ms),
        ]
    };
    let header = ["depth", "digits", "special primes", "log2 QP", "multiply", "rotate"];
    let table = output::table(&header, &report.chains.iter().map(line).collect::<Vec<_>>());
    let mut text = format!(
        "{}: N = 2^{}, {} thread(s), {} kernel; milliseconds at the top level\n\n{table}\n\n\
         {} chains measured and {} kept in {:.1} s: {}",
        report.cpu,
        report.n.trailing_zeros(),
        report.threads,
        report.kernel,
        report.measured,
        report.kept,
        report.seconds,
        report.out,
    );
    if let Some(worst) = report.worst {
        let line = |v: &Verified| {
            vec![
                v.depth.to_string(),
                v.level.to_string(),
                v.degree.to_string(),
                number(v.predicted_ms),
                number(v.measured_ms),
                format!("{:.3}", v.ratio),
            ]
        };
        let header = ["depth", "level", "degree", "predicted", "measured", "ratio"];
        let table = output::table(&header, &report.verified.iter().map(line).collect::<Vec<_>>());
        text +=
            &format!("\n\nodd polynomials, predicted and measured; the worst ratio is {worst:.3}\n\n{table}");
    }
    text
}

//! `arras bench ops`: times the engine's operations, or answers requests for times.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use arras_ckks::{Ciphertext, KeySet, Level, Params, SecretKey, Security, Shape, presets};
use arras_client::random;
use arras_engine::probe::{Op, Probe, required_keys};
use arras_rlwe::ring::pool::Usage;
use serde::Serialize;
use serde_json::Value;

use crate::args::BenchOps;
use crate::cmd::bench::{Times, milliseconds, time, worker};
use crate::cmd::params::tenths;
use crate::output::{self, Output};

pub fn run(args: &BenchOps, out: &Output) -> anyhow::Result<ExitCode> {
    let params = parameters(&args.preset)?;
    let levels = levels(args, &params)?;
    let mut probe = probe(&params)?;
    if args.worker {
        return work(&mut probe);
    }
    let report = measure(args, &levels, &mut probe)?;
    out.show(&report, human)
}

/// The parameters of a preset, or of the small insecure ring on which scripts are tried.
fn parameters(name: &str) -> anyhow::Result<Params> {
    if name == "toy" {
        let shape =
            Shape { log_degree: 13, base_bits: 60, scale_bits: 50, depth: 3, security: Security::Bits128 };
        let spec = shape.danger_toy(2).context("the toy ring has too few primes")?;
        return Ok(Params::danger_insecure(&spec)?);
    }
    let preset = presets::find(name).with_context(|| {
        let names: Vec<&str> = presets::PRESETS.iter().map(|preset| preset.name).collect();
        format!("there is no parameter set {name}: use one of {}, toy", names.join(", "))
    })?;
    Ok(Params::new(&preset.spec().context("the parameter set cannot be built")?)?)
}

/// The levels asked for, highest first; all that there are by default.
fn levels(args: &BenchOps, params: &Params) -> anyhow::Result<Vec<Level>> {
    let highest = params.highest();
    if let Some(level) = args.levels.iter().find(|&&level| Level(level) > highest) {
        bail!("level {level} does not exist in {}: its highest is {highest}", args.preset);
    }
    let mut levels: Vec<Level> = args.levels.iter().copied().map(Level).collect();
    if levels.is_empty() {
        levels = (1..=highest.0).map(Level).collect();
    }
    levels.sort_unstable();
    levels.dedup();
    levels.reverse();
    Ok(levels)
}

/// A probe under fresh keys, which decrypts because it was made here.
pub fn probe(params: &Params) -> anyhow::Result<Probe<'static>> {
    let mut rng = random::system()?;
    let secret = SecretKey::new(params.rlwe(), &mut rng);
    let keys = KeySet::generate(params.rlwe(), &secret, &required_keys(params), &mut rng, |_| true)?;
    let public = secret.public_key(params.rlwe(), &mut rng)?;
    let probe = Probe::new(params, keys.context("no keys were made")?, public, rng)?;
    let params = params.clone();
    let open = move |ciphertext: &Ciphertext| drop(std::hint::black_box(params.decrypt(ciphertext, &secret)));
    Ok(probe.opening(open))
}

fn timed(probe: &mut Probe<'_>, op: Op, level: Level) -> anyhow::Result<Times> {
    let (done, times) = time(|| probe.run(op, level));
    done?;
    Ok(times)
}

/// The line protocol of `bench/peers`.
fn work(probe: &mut Probe<'_>) -> anyhow::Result<ExitCode> {
    let about = worker::about(probe.params(), &Value::Null);
    let mut warm = std::collections::HashSet::new();
    worker::serve(&about, |request| {
        let level = Level(request.level);
        let Some(op) = Op::find(&request.op).filter(|&op| probe.supports(op)) else {
            return Ok(worker::unsupported());
        };
        if warm.insert((op, level)) {
            probe.run(op, level)?;
        }
        let times = (0..request.reps).map(|_| timed(probe, op, level));
        Ok(worker::done(&times.collect::<anyhow::Result<Vec<_>>>()?, &Value::Null))
    })
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    preset: String,
    n: usize,
    log2_qp: f64,
    dnum: usize,
    threads: usize,
    kernel: &'static str,
    page_kind: &'static str,
    repetitions: u32,
    levels: Vec<AtLevel>,
    ntt_us: f64,
    encode_ms: f64,
    encrypt_ms: f64,
    decrypt_ms: f64,
    peak_pool_bytes: usize,
}

#[derive(Serialize)]
struct AtLevel {
    level: u8,
    limbs: usize,
    multiply_ms: f64,
    rotate_ms: f64,
    hoisted_rotate_ms: f64,
    multiply_plain_ms: f64,
    add_ms: f64,
    ntt_us: f64,
    encode_ms: f64,
    encrypt_ms: f64,
    decrypt_ms: f64,
    cpu_multiply_ms: f64,
}

fn measure(args: &BenchOps, levels: &[Level], probe: &mut Probe<'_>) -> anyhow::Result<Report> {
    let params = probe.params().clone();
    let bar = output::bar(levels.len() as u64, "measuring");
    let mut rows = Vec::new();
    for &level in levels {
        rows.push(at_level(probe, level, args.reps)?);
        probe.clear();
        bar.inc(1);
    }
    bar.finish_and_clear();
    let top = |read: fn(&AtLevel) -> f64| rows.first().map_or(0.0, read);
    Ok(Report {
        preset: args.preset.clone(),
        n: params.degree(),
        log2_qp: tenths(params.log2_q() + params.log2_p()),
        dnum: params.digits(),
        threads: rayon::current_num_threads(),
        kernel: params.ring().kernels().name,
        page_kind: page_kind(params.ring().pool().usage()),
        repetitions: args.reps,
        ntt_us: rows.iter().map(|row| row.ntt_us).fold(f64::INFINITY, f64::min),
        encode_ms: top(|row| row.encode_ms),
        encrypt_ms: top(|row| row.encrypt_ms),
        decrypt_ms: top(|row| row.decrypt_ms),
        peak_pool_bytes: params.ring().pool().usage().peak,
        levels: rows,
    })
}

/// The fastest of some calls after one that is not counted; milliseconds of wall and CPU time.
fn fastest(probe: &mut Probe<'_>, op: Op, level: Level, reps: u32) -> anyhow::Result<(f64, f64)> {
    if level < op.least_level() || !probe.supports(op) {
        return Ok((0.0, 0.0));
    }
    probe.run(op, level)?;
    let (mut wall, mut cpu) = (Duration::MAX, Duration::MAX);
    for _ in 0..reps {
        let times = timed(probe, op, level)?;
        (wall, cpu) = (wall.min(times.wall), cpu.min(times.cpu));
    }
    Ok((milliseconds(wall), milliseconds(cpu)))
}

fn at_level(probe: &mut Probe<'_>, level: Level, reps: u32) -> anyhow::Result<AtLevel> {
    let limbs = probe.params().basis(level).main;
    let mut wall = |op| fastest(probe, op, level, reps).map(|times| times.0);
    let (multiply_plain_ms, add_ms, rotate_ms) =
        (wall(Op::MultiplyPlain)?, wall(Op::Add)?, wall(Op::Rotate)?);
    let (hoisted_rotate_ms, ntt_ms) = (wall(Op::RotateHoisted)?, wall(Op::Ntt)?);
    let (encode_ms, encrypt_ms, decrypt_ms) = (wall(Op::Encode)?, wall(Op::Encrypt)?, wall(Op::Decrypt)?);
    let (multiply_ms, cpu_multiply_ms) = fastest(probe, Op::Multiply, level, reps)?;
    // One limb's share of a whole polynomial.
    let ntt_us = (ntt_ms * 1e4 / limbs as f64).round() / 10.0;
    Ok(AtLevel {
        level: level.0,
        limbs,
        multiply_ms,
        rotate_ms,
        hoisted_rotate_ms,
        multiply_plain_ms,
        add_ms,
        ntt_us,
        encode_ms,
        encrypt_ms,
        decrypt_ms,
        cpu_multiply_ms,
    })
}

/// What kind of pages the pool's mappings got from the system.
pub fn page_kind(usage: Usage) -> &'static str {
    if usage.peak == 0 {
        return "heap";
    }
    match huge_kilobytes() {
        Some(0) => "4 KiB",
        Some(_) => "2 MiB",
        None => "unknown",
    }
}

/// Kilobytes of this process on huge pages, where the system tells it.
fn huge_kilobytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("AnonHugePages:"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn human(report: &Report) -> String {
    let number = |x: f64| if x < 10.0 { format!("{x:.3}") } else { format!("{x:.1}") };
    let line = |row: &AtLevel| {
        let times = [
            row.multiply_ms,
            row.rotate_ms,
            row.hoisted_rotate_ms,
            row.multiply_plain_ms,
            row.add_ms,
            row.encode_ms,
            row.encrypt_ms,
            row.decrypt_ms,
        ];
        let start = [row.level.to_string(), row.limbs.to_string()];
        start.into_iter().chain(times.map(number)).chain([format!("{:.1}", row.ntt_us)]).collect()
    };
    let header = [
        "level",
        "limbs",
        "multiply",
        "rotate",
        "hoisted",
        "by plain",
        "add",
        "encode",
        "encrypt",
        "decrypt",
        "NTT µs/limb",
    ];
    let table = output::table(&header, &report.levels.iter().map(line).collect::<Vec<_>>());
    format!(
        "{}: N = 2^{}, log2 QP = {}, {} digits, {} thread(s), {} kernel, {} pages; milliseconds, the least of {}\n\n{table}",
        report.preset,
        report.n.trailing_zeros(),
        report.log2_qp,
        report.dnum,
        report.threads,
        report.kernel,
        report.page_kind,
        report.repetitions,
    )
}

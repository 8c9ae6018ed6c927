//! `arras bench boot`: one refresh, phase by phase.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use arras_ckks::boot::{BootSpec, Phase, presets};
use arras_ckks::{Bootstrapper, Ciphertext, Complex, Evaluator, KeyRequest, KeySet, Params, SecretKey};
use arras_client::random;
use serde::Serialize;
use serde_json::json;

use crate::args::BenchBoot;
use crate::cmd::bench::{time, worker};
use crate::cmd::params::tenths;
use crate::memory;
use crate::output::{self, Output};

/// A refresh so small that scripts can be tried on it; insecure.
const TOY: (&str, u32) = ("toy", 10);

#[derive(Serialize)]
struct Report {
    preset: String,
    slots: usize,
    iterations: u32,
    threads: usize,
    seconds: Seconds,
    levels_left: u32,
    log2_scale: f64,
    precision_bits: Precision,
    failure_log2: f64,
    log2_qp: f64,
    log2_ephemeral: f64,
    key_bytes: usize,
    peak_bytes: u64,
    amortised_us_per_slot_level: f64,
}

/// The fastest repetition, CPU time on one thread and wall time on more.
#[derive(Clone, Copy, Serialize)]
struct Seconds {
    keys: f64,
    prepare: f64,
    to_coefficients: f64,
    raise: f64,
    to_slots: f64,
    reduce: f64,
    total: f64,
}

#[derive(Serialize)]
struct Precision {
    mean: f64,
    worst: f64,
}

struct Errors {
    mean: f64,
    worst: f64,
}

impl Errors {
    fn bits(&self) -> Precision {
        Precision { mean: tenths(-self.mean.log2()), worst: tenths(-self.worst.log2()) }
    }
}

pub fn run(args: &BenchBoot, out: &Output) -> anyhow::Result<ExitCode> {
    let ready = Ready::new(args)?;
    if args.worker {
        return work(&ready);
    }
    out.show(&measure(args, &ready)?, human)
}

/// An error if these keys and refreshes find no room, before anything is made.
pub fn check_memory(
    spec: &BootSpec,
    params: &Params,
    slots: usize,
    request: &KeyRequest,
) -> anyhow::Result<()> {
    let keys = request.sizes(params.rlwe())?.memory;
    memory::check("the evaluation keys and a refresh", keys + spec.memory(params, slots)?)
}

/// The most memory that the process had; where the system does not say, the most that polynomials had.
pub fn peak_bytes(params: &Params) -> u64 {
    memory::peak().unwrap_or(params.ring().pool().usage().peak as u64)
}

/// What is refreshed with which parameters, and in how many rounds. Whether the toy serves decides if it is offered.
pub fn parameters(name: &str, toy: bool) -> anyhow::Result<(BootSpec, Params, u32)> {
    if name == TOY.0 {
        let whole = presets::find("boot-n16").context("no refresh has a name")?.spec;
        let spec = BootSpec { log_degree: TOY.1, depth: 6, ..whole };
        let chain = spec.danger_toy(4).context("the toy ring has too few primes")?;
        return Ok((spec, Params::danger_insecure(&chain)?, 1));
    }
    let preset = presets::find(name).with_context(|| {
        let offered = presets::PRESETS.iter().map(|preset| preset.name).chain(toy.then_some(TOY.0));
        format!("there is no refresh {name}: use one of {}", offered.collect::<Vec<_>>().join(", "))
    })?;
    let chain = preset.spec.build().with_context(|| format!("{name} has no secure chain"))?;
    Ok((preset.spec, Params::new(&chain)?, preset.rounds))
}

/// A refresh ready to be made, under fresh keys, of random values in the unit box.
struct Ready {
    spec: BootSpec,
    slots: usize,
    rounds: u32,
    eval: Evaluator,
    boot: Bootstrapper,
    secret: SecretKey,
    values: Vec<Complex>,
    sealed: Ciphertext,
    key_bytes: usize,
    /// Of the keys, and of the matrices.
    walls: [Duration; 2],
}

impl Ready {
    fn new(args: &BenchBoot) -> anyhow::Result<Self> {
        let (spec, params, rounds) = parameters(&args.preset, true)?;
        let slots = args.slots.unwrap_or(params.max_slots());
        let request = spec.request(&params, slots)?;
        check_memory(&spec, &params, slots, &request)?;
        let mut rng = random::system()?;
        let secret = SecretKey::new(params.rlwe(), &mut rng);
        let bar = output::bar(request.iter().len() as u64, "keys");
        let advance = |done| {
            bar.set_position(done as u64);
            true
        };
        let (keys, keys_times) =
            time(|| KeySet::generate(params.rlwe(), &secret, &request, &mut rng, advance));
        bar.finish_and_clear();
        let keys = keys?.context("the generation of keys was stopped")?;
        let key_bytes = keys.bytes();
        let eval = Evaluator::new(&params, keys)?;
        let (boot, boot_times) = time(|| Bootstrapper::new(&params, &spec, slots));
        let boot = boot?;
        let values = unit_box(slots, &mut rng);
        let plain = params.encode_complex(&values, slots, boot.input_level())?;
        let sealed = params.encrypt(&plain, &secret, &mut rng)?.expand(&params);
        let rounds = args.iterations.unwrap_or(rounds);
        let walls = [keys_times.wall, boot_times.wall];
        Ok(Self { spec, slots, rounds, eval, boot, secret, values, sealed, key_bytes, walls })
    }

    fn refresh(&self, watch: &mut dyn FnMut(Phase) -> bool) -> anyhow::Result<Ciphertext> {
        Ok(self.eval.bootstrap_rounds(&self.sealed, &self.boot, self.rounds, watch)?)
    }

    /// Levels between an input and its refresh.
    fn levels_left(&self, fresh: &Ciphertext) -> u32 {
        u32::from(fresh.level().0 - self.boot.input_level().0)
    }

    /// The mean and the largest error over real and imaginary parts of all slots.
    fn errors(&self, fresh: &Ciphertext) -> anyhow::Result<Errors> {
        let opened = self.eval.params().decrypt(fresh, &self.secret)?;
        let pairs = opened.secret_values().iter().zip(&self.values);
        let errors = pairs.flat_map(|(&a, &b)| [(a - b).re.abs(), (a - b).im.abs()]);
        let (sum, worst) = errors.fold((0.0, 0f64), |(sum, worst), error| (sum + error, worst.max(error)));
        Ok(Errors { mean: sum / (2 * self.values.len()) as f64, worst })
    }
}

fn measure(args: &BenchBoot, ready: &Ready) -> anyhow::Result<Report> {
    let mut best: Option<(Seconds, Ciphertext)> = None;
    for _ in 0..args.reps {
        let (seconds, fresh) = once(ready)?;
        if best.as_ref().is_none_or(|(best, _)| seconds.total < best.total) {
            best = Some((seconds, fresh));
        }
    }
    let (seconds, fresh) = best.context("nothing was measured")?;
    let (params, levels_left) = (ready.eval.params(), ready.levels_left(&fresh));
    Ok(Report {
        preset: args.preset.clone(),
        slots: ready.slots,
        iterations: ready.rounds,
        threads: rayon::current_num_threads(),
        seconds,
        levels_left,
        log2_scale: tenths(params.scale(fresh.level()).log2()),
        precision_bits: ready.errors(&fresh)?.bits(),
        failure_log2: tenths(ready.spec.failure_log2(ready.slots)),
        log2_qp: tenths(params.log2_q() + params.log2_p()),
        log2_ephemeral: tenths(params.log2_ephemeral()),
        key_bytes: ready.key_bytes,
        peak_bytes: peak_bytes(params),
        amortised_us_per_slot_level: seconds.total * 1e6 / (ready.slots as f64 * f64::from(levels_left)),
    })
}

/// The side of `cargo xtask peers boot` that is ours.
fn work(ready: &Ready) -> anyhow::Result<ExitCode> {
    let about = json!({
        "slots": ready.slots,
        "iterations": ready.rounds,
        "failure_log2": tenths(ready.spec.failure_log2(ready.slots)),
        "key_bytes": ready.key_bytes,
    });
    let mut warm = false;
    worker::serve(&worker::about(ready.eval.params(), &about), |request| {
        if request.op != "refresh" {
            return Ok(worker::unsupported());
        }
        ensure!(request.reps > 0, "no calls are asked for");
        let (mut times, mut last) = (Vec::new(), None);
        for _ in 0..request.reps + u32::from(!warm) {
            let (fresh, taken) = time(|| ready.refresh(&mut |_| true));
            last = Some(fresh?);
            times.push(taken);
        }
        // The first refresh touches memory for the first time.
        times.drain(..usize::from(!std::mem::replace(&mut warm, true)));
        let fresh = last.context("nothing was measured")?;
        let errors = ready.errors(&fresh)?;
        let result = json!({
            "levels_left": ready.levels_left(&fresh),
            "log2_scale": tenths(ready.eval.params().scale(fresh.level()).log2()),
            "max_error": errors.worst,
            "precision_bits": errors.bits(),
        });
        Ok(worker::done(&times, &result))
    })
}

/// One refresh. On one thread CPU time, which other processes do not lengthen.
fn once(ready: &Ready) -> anyhow::Result<(Seconds, Ciphertext)> {
    let mut starts: Vec<(Phase, Instant)> = Vec::new();
    let mut note = |phase| {
        starts.push((phase, Instant::now()));
        true
    };
    let (fresh, times) = time(|| ready.refresh(&mut note));
    let end = Instant::now();
    let total = if rayon::current_num_threads() == 1 { times.cpu } else { times.wall };
    // Phases are told apart by the clock on the wall, and shrunk to the same total.
    let shrink = total.as_secs_f64() / times.wall.as_secs_f64();
    let phase = |wanted: Phase| {
        let ends = starts.iter().skip(1).map(|(_, start)| *start).chain([end]);
        let spans = starts.iter().zip(ends).filter(|((phase, _), _)| *phase == wanted);
        rounded(spans.map(|((_, start), end)| end - *start).sum::<Duration>().mul_f64(shrink))
    };
    let seconds = Seconds {
        keys: rounded(ready.walls[0]),
        prepare: rounded(ready.walls[1]),
        to_coefficients: phase(Phase::ToCoefficients),
        raise: phase(Phase::Raise),
        to_slots: phase(Phase::ToSlots),
        reduce: phase(Phase::Reduce),
        total: rounded(total),
    };
    Ok((seconds, fresh?))
}

fn unit_box(slots: usize, rng: &mut impl rand_core::CryptoRng) -> Vec<Complex> {
    let mut part = || (rng.next_u64() >> 11) as f64 / 2f64.powi(52) - 1.0;
    (0..slots).map(|_| Complex::new(part(), part())).collect()
}

fn rounded(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e3).round() / 1e3
}

fn human(report: &Report) -> String {
    let Seconds { keys, prepare, to_coefficients, raise, to_slots, reduce, total } = report.seconds;
    format!(
        "{} with {} slots on {} threads: {total:.3} s\n\
         slots to coefficients {to_coefficients:.3} s, raise {raise:.3} s, coefficients to slots {to_slots:.3} s, reduction {reduce:.3} s\n\
         before that: keys {keys:.1} s, {:.2} GB; matrices {prepare:.1} s; {:.2} GB at peak\n\
         {} levels left at a scale of {} bits; {} bits right at worst, {} in the mean; a failure in 2^{:.0}\n\
         log2 QP {}, of the ephemeral secret {}; {:.2} us for each slot and level",
        report.preset,
        report.slots,
        report.threads,
        report.key_bytes as f64 / 1e9,
        report.peak_bytes as f64 / 1e9,
        report.levels_left,
        report.log2_scale,
        report.precision_bits.worst,
        report.precision_bits.mean,
        -report.failure_log2,
        report.log2_qp,
        report.log2_ephemeral,
        report.amortised_us_per_slot_level,
    )
}

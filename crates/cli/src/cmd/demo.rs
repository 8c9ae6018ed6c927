//! `arras demo deep`: hundreds of multiplications in a row on encrypted values, refreshed on a schedule.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use arras_circuits::{Clear, Error as Misuse, Logistic, Schedule, Trace, Tracer};
use arras_ckks::boot::BootSpec;
use arras_ckks::{Bootstrapper, Evaluator, KeyRequest, KeySet, Level, Params, Purpose, SecretKey};
use arras_client::{Folder, random};
use arras_engine::backend::{Ckks, Hidden, Refreshing};
use arras_plan::{Budget, schedule};
use serde::Serialize;

use crate::args::demo::Deep;
use crate::cmd::bench::boot::{check_memory, parameters, peak_bytes};
use crate::cmd::params::tenths;
use crate::output::{self, Output};
use crate::stop;

#[derive(Serialize)]
struct Report {
    preset: String,
    depth: u32,
    slots: usize,
    threads: usize,
    /// Levels of the inputs, and what a refresh gives.
    levels: u32,
    levels_per_refresh: u32,
    refreshes: u64,
    /// The steps before which a refresh is done.
    refreshed_before: Vec<usize>,
    seconds: Seconds,
    error: Errors,
    guards: Guards,
    /// The most by which errors of single steps grow, over all slots, to first order.
    sensitivity: f64,
    counts_agree: bool,
    key_bytes: usize,
    peak_bytes: u64,
    log2_qp: f64,
    secure: bool,
}

#[derive(Serialize)]
struct Seconds {
    keys: f64,
    prepare: f64,
    /// The program alone, refreshes included.
    run: f64,
}

/// Against the clear reading, over all slots.
#[derive(Serialize)]
struct Errors {
    /// After the last step.
    last: f64,
    /// After the worst step.
    worst: f64,
    worst_step: u32,
    log2_worst: f64,
}

/// What refreshes changed in any part of any slot, as the owner of the key finds it.
#[derive(Serialize)]
struct Guards {
    checked: usize,
    log2_worst: f64,
    /// Beyond this a result is refused.
    log2_tolerance: f64,
}

pub fn deep(args: &Deep, out: &Output) -> anyhow::Result<ExitCode> {
    stop::watch()?;
    let (spec, params, rounds) = parameters(&args.preset, true)?;
    let slots = args.slots.unwrap_or(params.max_slots());
    let program = Logistic { steps: args.depth };
    let request = spec.request(&params, slots)?;
    let (found, trace) = planned(&program, &spec, &params, slots)?;
    output::note(&format!(
        "{} steps on {slots} values: {} refreshes, one level for each step",
        args.depth,
        found.refreshes()
    ));
    let values = values(slots, args.stray)?;
    let machine = machine(args, &spec, &params, slots, &request, &trace)?;
    let run = machine.run(&program, rounds, found.clone(), &values, &params)?;
    let steps = found.refresh.iter().zip(1..).filter(|(refresh, _)| **refresh).map(|(_, step)| step);
    let sensitivity = values.rates.iter().map(|&rate| program.sensitivity(rate));
    let report = Report {
        preset: args.preset.clone(),
        depth: args.depth,
        slots,
        threads: rayon::current_num_threads(),
        levels: u32::from(params.highest().0),
        levels_per_refresh: found.output - found.input,
        refreshes: run.ops.refreshes(),
        refreshed_before: steps.collect(),
        seconds: Seconds {
            keys: rounded(machine.keys),
            prepare: rounded(machine.prepare),
            run: rounded(run.time),
        },
        error: run.errors,
        guards: run.guards,
        sensitivity: sensitivity.collect::<Result<Vec<_>, _>>()?.into_iter().fold(0.0, f64::max),
        counts_agree: run.ops.counts() == trace.counts,
        key_bytes: machine.ops.evaluator().keys().bytes(),
        peak_bytes: peak_bytes(&params),
        log2_qp: tenths(params.log2_q() + params.log2_p()),
        secure: params.is_secure(),
    };
    out.show(&report, human)
}

/// The cheapest schedule of a program, and the trace that it leads to.
fn planned(
    program: &Logistic,
    spec: &BootSpec,
    params: &Params,
    slots: usize,
) -> anyhow::Result<(Schedule, Trace)> {
    let trace = |tracer: &Tracer| -> Result<Trace, Misuse> {
        let last = program.run::<_, Misuse>(tracer, &tracer.input(), |_, _| Ok(()))?;
        Ok(tracer.trace(&[last]))
    };
    let input = spec.to_coefficients;
    let start = u32::from(params.highest().0);
    let budget = Budget { start, input, output: input + spec.levels_left(slots) };
    // Every point costs the same: all vectors have the same slots.
    let found = schedule(&trace(&Tracer::unlimited(slots)?)?.points, budget, &|_| 1.0)?;
    let trace = trace(&Tracer::scheduled(slots, start, &found)?)?;
    Ok((found, trace))
}

/// Hidden rates, and what is sealed for them.
struct Values {
    rates: Vec<f64>,
    hidden: Vec<f64>,
}

fn values(slots: usize, stray: Option<f64>) -> anyhow::Result<Values> {
    use rand_core::Rng as _;
    let mut rng = random::system()?;
    let [least, most] = Logistic::RATES;
    let mut unit = || (rng.next_u64() >> 11) as f64 / 2f64.powi(53);
    let rates: Vec<f64> = (0..slots).map(|_| least + (most - least) * unit()).collect();
    let mut hidden: Vec<f64> = rates.iter().map(|&rate| Logistic::hide(rate)).collect::<Result<_, _>>()?;
    if let (Some(rate), Some(first)) = (stray, hidden.first_mut()) {
        if !(0.0..=4.0).contains(&rate) {
            bail!("a stray rate of {rate} is no rate of the logistic map: use 0 to 4");
        }
        // As a client would that does not look at what it hides.
        *first = rate / 2.0 - rate * rate / 4.0;
    }
    Ok(Values { rates, hidden })
}

/// Both parties at once: a demonstration compares what is hidden with what it should be.
struct Machine {
    secret: SecretKey,
    ops: Ckks,
    boot: Arc<Bootstrapper>,
    keys: Duration,
    prepare: Duration,
}

/// Keys for exactly the trace and its refreshes, or those of a folder, and the matrices.
fn machine(
    args: &Deep,
    spec: &BootSpec,
    params: &Params,
    slots: usize,
    refresh: &KeyRequest,
    trace: &Trace,
) -> anyhow::Result<Machine> {
    let relinearise = trace.relinearise.unwrap_or(0).try_into().context("the trace is too deep")?;
    let request = KeyRequest::new().with(Purpose::Relinearise, Level(relinearise)).union(refresh);
    check_memory(spec, params, slots, &request)?;
    let start = Instant::now();
    let (secret, keys) = match &args.keys {
        Some(path) => opened(path, args, params, slots, &request)?,
        None => made(params, &request)?,
    };
    let keys_took = start.elapsed();
    let start = Instant::now();
    let boot = Arc::new(Bootstrapper::new(params, spec, slots)?);
    let prepare = start.elapsed();
    stop::check()?;
    let eval = Arc::new(Evaluator::new(params, keys)?);
    let ops = Ckks::danger_insecure_new(eval, slots, Arc::default())?;
    Ok(Machine { secret, ops, boot, keys: keys_took, prepare })
}

/// New keys; Ctrl-C stops between two.
fn made(params: &Params, request: &KeyRequest) -> anyhow::Result<(SecretKey, KeySet)> {
    let mut rng = random::system()?;
    let secret = SecretKey::new(params.rlwe(), &mut rng);
    let bar = output::bar(request.iter().len() as u64, "keys");
    let advance = |done| {
        bar.set_position(done as u64);
        !stop::asked()
    };
    let keys = KeySet::generate(params.rlwe(), &secret, request, &mut rng, advance)?;
    bar.finish_and_clear();
    stop::check()?;
    Ok((secret, keys.context("the generation of keys was stopped")?))
}

/// The keys of a folder, each of which is read when it is needed.
fn opened(
    path: &Path,
    args: &Deep,
    params: &Params,
    slots: usize,
    request: &KeyRequest,
) -> anyhow::Result<(SecretKey, KeySet)> {
    let folder = Folder::at(path);
    let (secret, keys) = (folder.secret(params)?, folder.evaluation(params)?);
    let there = request.iter().try_for_each(|(purpose, level)| keys.check(purpose, level));
    there.with_context(|| {
        let (path, preset) = (path.display(), &args.preset);
        format!(
            "{path} has no keys for this: make them with `arras keygen --bootstrap {preset} --slots {slots}`"
        )
    })?;
    Ok((secret, keys))
}

/// What a run gives.
struct Run {
    ops: Refreshing<'static>,
    errors: Errors,
    guards: Guards,
    time: Duration,
}

impl Machine {
    fn run(
        &self,
        program: &Logistic,
        rounds: u32,
        found: Schedule,
        values: &Values,
        params: &Params,
    ) -> anyhow::Result<Run> {
        let slots = values.hidden.len();
        let ops = self.ops.refreshing(self.boot.clone(), rounds, found, || !stop::asked())?;
        let plain = params.encode_at(&values.hidden, slots, params.highest())?;
        let c = ops.input(params.encrypt(&plain, &self.secret, &mut random::system()?)?.expand(params))?;
        // The clear reading goes alongside, a step at a time.
        let (clear, mut want) = (Clear::new(slots)?, values.hidden.clone());
        let bar = output::bar(program.steps.into(), "steps");
        let mut errors = Errors { last: 0.0, worst: 0.0, worst_step: 0, log2_worst: 0.0 };
        let (mut start, mut time) = (Instant::now(), Duration::ZERO);
        let (mut checked, mut changed) = (0, 0f64);
        program.run(&ops, &c, |step, z: &Hidden| -> anyhow::Result<()> {
            time += start.elapsed();
            stop::check()?;
            for guard in ops.guards().iter().skip(checked) {
                let opened = params.decrypt(guard, &self.secret)?;
                changed = changed.max(self.boot.spec().check_guard(&opened, rounds)?);
                checked += 1;
            }
            want = Logistic::step(&clear, &want, &values.hidden)?;
            errors.last = self.error(params, z, &want)?;
            if errors.last >= errors.worst {
                (errors.worst, errors.worst_step) = (errors.last, step);
            }
            bar.set_position(step.into());
            bar.set_message(format!("{} refreshes, error 2^{:.1}", ops.refreshes(), errors.last.log2()));
            start = Instant::now();
            Ok(())
        })?;
        bar.finish_and_clear();
        // No more of them than of the guards: they are noise, under keys that may be kept.
        errors.log2_worst = tenths(errors.worst.log2());
        (errors.last, errors.worst) = (tenths(errors.last.log2()).exp2(), errors.log2_worst.exp2());
        let guards = Guards {
            checked,
            log2_worst: tenths(changed.log2()),
            log2_tolerance: self.boot.spec().tolerance(rounds).log2(),
        };
        Ok(Run { ops, errors, guards, time })
    }

    /// How far any slot is from what it should be.
    fn error(&self, params: &Params, z: &Hidden, want: &[f64]) -> anyhow::Result<f64> {
        let have = params.decrypt(z.ciphertext(), &self.secret)?.secret_reals();
        Ok(have.iter().zip(want).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max))
    }
}

fn rounded(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e3).round() / 1e3
}

fn human(report: &Report) -> String {
    let Seconds { keys, prepare, run } = report.seconds;
    let warning = if report.secure { "" } else { "\nThis ring is a toy: nothing is protected by it." };
    format!(
        "{} multiplications in a row on {} encrypted values: {run:.1} s on {} threads\n\
         {} refreshes give {} levels each; {} levels at the start\n\
         error against the clear reading: 2^{:.1} after the last step, 2^{:.1} at worst, after step {}\n\
         what refreshes changed: 2^{:.1} at most in {} of them, and less than 2^{} is allowed\n\
         before that: keys {keys:.1} s, {:.2} GB; matrices {prepare:.1} s; {:.2} GB at peak\n\
         {}; log2 QP {}{warning}",
        report.depth,
        report.slots,
        report.threads,
        report.refreshes,
        report.levels_per_refresh,
        report.levels,
        report.error.last.log2(),
        report.error.worst.log2(),
        report.error.worst_step,
        report.guards.log2_worst,
        report.guards.checked,
        report.guards.log2_tolerance,
        report.key_bytes as f64 / 1e9,
        report.peak_bytes as f64 / 1e9,
        if report.counts_agree {
            "the trace foretold every operation"
        } else {
            "the trace foretold other operations than ran"
        },
        report.log2_qp,
    )
}

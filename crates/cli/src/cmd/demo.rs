//! `arras demo deep`: hundreds of multiplications in a row on encrypted values, refreshed on a schedule.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use arras_circuits::{Clear, Error as Misuse, Logistic, Schedule, Trace, Tracer};
use arras_ckks::boot::BootSpec;
use arras_ckks::{Bootstrapper, Evaluator, KeyRequest, KeySet, Level, Params, Purpose, SecretKey};
use arras_client::random;
use arras_engine::backend::{Ckks, Hidden, Refreshing};
use arras_plan::{Budget, schedule};
use serde::Serialize;

use crate::args::demo::Deep;
use crate::cmd::bench::boot::parameters;
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
    /// The most by which errors of single steps grow, over all slots, to first order.
    sensitivity: f64,
    counts_agree: bool,
    key_bytes: usize,
    peak_bytes: usize,
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

pub fn deep(args: &Deep, out: &Output) -> anyhow::Result<ExitCode> {
    stop::watch()?;
    let (spec, params, rounds) = parameters(&args.preset)?;
    let slots = args.slots.unwrap_or(params.max_slots());
    let program = Logistic { steps: args.depth };
    let request = spec.request(&params, slots)?;
    let (found, trace) = planned(&program, &spec, &params, slots)?;
    output::note(&format!(
        "{} steps on {slots} values: {} refreshes, one level for each step",
        args.depth,
        found.refreshes()
    ));
    let machine = machine(&spec, &params, slots, &request, &trace)?;
    let values = values(slots)?;
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
        sensitivity: sensitivity.collect::<Result<Vec<_>, _>>()?.into_iter().fold(0.0, f64::max),
        counts_agree: run.ops.counts() == trace.counts,
        key_bytes: machine.ops.evaluator().keys().bytes(),
        peak_bytes: params.ring().pool().usage().peak,
        log2_qp: ((params.log2_q() + params.log2_p()) * 10.0).round() / 10.0,
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

fn values(slots: usize) -> anyhow::Result<Values> {
    use rand_core::Rng as _;
    let mut rng = random::system()?;
    let [least, most] = Logistic::RATES;
    let mut unit = || (rng.next_u64() >> 11) as f64 / 2f64.powi(53);
    let rates: Vec<f64> = (0..slots).map(|_| least + (most - least) * unit()).collect();
    let hidden = rates.iter().map(|&rate| Logistic::hide(rate)).collect::<Result<_, _>>()?;
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

/// Keys for exactly the trace and its refreshes, and the matrices of these.
fn machine(
    spec: &BootSpec,
    params: &Params,
    slots: usize,
    refresh: &KeyRequest,
    trace: &Trace,
) -> anyhow::Result<Machine> {
    let start = Instant::now();
    let boot = Arc::new(Bootstrapper::new(params, spec, slots)?);
    let prepare = start.elapsed();
    let relinearise = trace.relinearise.unwrap_or(0).try_into().context("the trace is too deep")?;
    let request = KeyRequest::new().with(Purpose::Relinearise, Level(relinearise)).union(refresh);
    let start = Instant::now();
    let mut rng = random::system()?;
    let secret = SecretKey::new(params.rlwe(), &mut rng);
    let bar = output::bar(request.iter().len() as u64, "keys");
    let advance = |done| {
        bar.set_position(done as u64);
        !stop::asked()
    };
    let keys = KeySet::generate(params.rlwe(), &secret, &request, &mut rng, advance)?;
    bar.finish_and_clear();
    stop::check()?;
    let keys = keys.context("the generation of keys was stopped")?;
    let eval = Arc::new(Evaluator::new(params, keys)?);
    let ops = Ckks::new(eval, slots, Arc::default())?;
    Ok(Machine { secret, ops, boot, keys: start.elapsed(), prepare })
}

/// What a run gives.
struct Run {
    ops: Refreshing,
    errors: Errors,
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
        let ops = self.ops.refreshing(self.boot.clone(), rounds, found)?;
        let plain = params.encode_at(&values.hidden, slots, params.highest())?;
        let c = ops.input(params.encrypt(&plain, &self.secret, &mut random::system()?)?.expand(params))?;
        // The clear reading goes alongside, a step at a time.
        let (clear, mut want) = (Clear::new(slots)?, values.hidden.clone());
        let bar = output::bar(program.steps.into(), "steps");
        let mut errors = Errors { last: 0.0, worst: 0.0, worst_step: 0, log2_worst: 0.0 };
        let (mut start, mut time) = (Instant::now(), Duration::ZERO);
        program.run(&ops, &c, |step, z: &Hidden| -> anyhow::Result<()> {
            time += start.elapsed();
            stop::check()?;
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
        errors.log2_worst = (errors.worst.log2() * 10.0).round() / 10.0;
        Ok(Run { ops, errors, time })
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

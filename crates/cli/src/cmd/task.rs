//! Programs on encrypted integers, all in one go or one party at a time; what they compute is not known here.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, anyhow};
use arras_apps::{Prepared, Program};
use arras_ckks::wire::{self, Batch};
use arras_ckks::{Params, SecretKey, Security};
use arras_client::{FAILURE_LOG2, Folder, TaskClient, TaskPlan, TaskSealer, random, store};
use arras_engine::{Engine, Journal};
use arras_plan::Choice;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::args::task::{Open, Run, Seal};
use crate::cmd::params::tenths;
use crate::cmd::plan::{Rival, explained};
use crate::cmd::rounds::Rounds;
use crate::cmd::{bench, evaluate};
use crate::{costs, keyring, memory, output, stop};

/// A program that both sides can read.
pub trait Task: Program + Serialize + DeserializeOwned + Clone {}
impl<P: Program + Serialize + DeserializeOwned + Clone> Task for P {}

/// An answer, and what it took.
pub struct Done<A> {
    pub answer: A,
    pub took: Took,
}

/// What a run took, and under which plan.
#[derive(Clone, Serialize)]
pub struct Took {
    pub plan: Plan,
    pub plan_seconds: f64,
    pub key_seconds: f64,
    pub seal_seconds: f64,
    pub run_seconds: f64,
    pub open_seconds: f64,
    pub evaluation_key_bytes: usize,
    pub sealed_bytes: usize,
    pub answer_bytes: usize,
    pub peak_bytes: Option<u64>,
}

/// Parameters and polynomials under which every answer rounds to the right integer.
#[derive(Clone, Serialize)]
pub struct Plan {
    pub method: &'static str,
    pub n: usize,
    pub slots: usize,
    pub depth: u32,
    pub log2_qp: f64,
    pub security_bits: u32,
    pub params: String,
    pub keys: usize,
    pub products: u64,
    pub rotations: u64,
    pub refreshes: u64,
    pub certificate: Certificate,
    /// Which method takes the least time for as many values, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choice: Option<Explained>,
}

/// A choice, and the same in words.
#[derive(Clone, Serialize)]
pub struct Explained {
    #[serde(flatten)]
    pub choice: Choice,
    pub explanation: String,
}

impl From<Choice> for Explained {
    fn from(choice: Choice) -> Self {
        Self { explanation: choice.explain(), choice }
    }
}

/// Why answers are exact: no result is further from its integer than this, in units; one half would be too far.
#[derive(Clone, Serialize)]
pub struct Certificate {
    pub bounds: Vec<f64>,
    /// Of the noise of all slots and operations together, in log2.
    pub failure_log2: f64,
    pub signs: Vec<Sign>,
}

#[derive(Clone, Serialize)]
pub struct Sign {
    pub degrees: Vec<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub real_after: Option<usize>,
    pub epsilon: f64,
    pub certified_error: f64,
    pub noisy_error: f64,
}

/// A plan for a program, with a word on why it takes a while.
pub fn plan<P: Program + Clone>(program: &P, security: Security) -> anyhow::Result<TaskPlan<P>> {
    stop::watch()?;
    Ok(TaskPlan::for_program(program, security)?)
}

/// A plan for a program of as many slots as the smallest ring that grants it has.
pub fn plan_in_full<P: Program + Clone>(
    fewest: usize,
    security: Security,
    program: impl Fn(usize) -> anyhow::Result<P>,
) -> anyhow::Result<TaskPlan<P>> {
    let mut slots = fewest;
    loop {
        let plan = plan(&program(slots)?, security)?;
        let all = plan.params().max_slots();
        if all <= slots {
            return Ok(plan);
        }
        slots = all;
    }
}

/// What there is to say of a plan.
pub fn described<P: Task>(plan: &TaskPlan<P>) -> Plan {
    use arras_circuits::Op;
    let (params, trace, prepared) = (plan.params(), plan.trace(), plan.prepared());
    let signs = prepared.signs().iter().zip(plan.certificates()).map(|(sign, composite)| Sign {
        degrees: composite.degrees(),
        real_after: sign.real_after(),
        epsilon: composite.epsilon(),
        certified_error: composite.certified_error(),
        noisy_error: composite.noisy_error(),
    });
    Plan {
        method: "ckks",
        n: params.degree(),
        slots: prepared.program().slots(),
        depth: trace.depth,
        log2_qp: tenths(params.log2_q() + params.log2_p()),
        security_bits: params.spec().security.bits(),
        params: params.id().to_string(),
        keys: plan.request().iter().len(),
        products: trace.count(Op::Product),
        rotations: trace.count(Op::Rotate) + trace.count(Op::HoistedRotate),
        refreshes: trace.count(Op::Refresh),
        certificate: Certificate {
            bounds: prepared.bounds().to_vec(),
            failure_log2: FAILURE_LOG2,
            signs: signs.collect(),
        },
        choice: None,
    }
}

/// Both parties with fresh keys, and nothing but bytes between them.
pub struct Session<P> {
    plan: TaskPlan<P>,
    secret: SecretKey,
    engine: Engine,
    took: Took,
}

impl<P: Task> Session<P> {
    /// Makes keys for a plan that took so many seconds, and compares it with a rival if it has one, which counts as planning.
    pub fn with(plan: TaskPlan<P>, plan_seconds: f64, rival: Option<Rival>) -> anyhow::Result<Self> {
        let started = Instant::now();
        let choice = rival.map(|rival| explained(&plan, &rival)).transpose()?.map(Explained::from);
        let plan_seconds = plan_seconds + started.elapsed().as_secs_f64();
        let started = Instant::now();
        let params = plan.params();
        let (keys, evaluation) = keyring::bytes(params, plan.request())?;
        let key_seconds = started.elapsed().as_secs_f64();
        let engine =
            Engine::new(params, wire::from_bytes(params.rlwe(), &evaluation)?)?.limited(memory::limits());
        let took = Took {
            plan: Plan { choice, ..described(&plan) },
            plan_seconds,
            key_seconds,
            seal_seconds: 0.0,
            run_seconds: f64::INFINITY,
            open_seconds: 0.0,
            evaluation_key_bytes: evaluation.len(),
            sealed_bytes: 0,
            answer_bytes: 0,
            peak_bytes: None,
        };
        Ok(Self { plan, secret: keys.secret, engine, took })
    }

    /// Seals, runs and opens; of several rounds the fastest run counts.
    pub fn round(&mut self, data: &P::Data) -> anyhow::Result<P::Answer> {
        let mut started = Instant::now();
        let mut lap = || std::mem::replace(&mut started, Instant::now()).elapsed().as_secs_f64();
        let (params, prepared) = (self.plan.params(), self.plan.prepared());
        let client = TaskClient::new(prepared, params, &self.secret)?;
        let sealed = wire::to_bytes(params.rlwe(), &client.seal(data, &mut random::system()?)?);
        self.took.seal_seconds = lap();
        let (answer, times) = bench::time(|| answer(params, &self.engine, prepared, &sealed, None));
        let answer = answer?;
        self.took.run_seconds = self.took.run_seconds.min(costs::milliseconds(&times) / 1e3);
        lap();
        let opened = client.open(&wire::from_bytes(params.rlwe(), &answer)?)?;
        stop::check()?;
        self.took.open_seconds = lap();
        (self.took.sealed_bytes, self.took.answer_bytes) = (sealed.len(), answer.len());
        self.took.peak_bytes = memory::peak();
        Ok(opened)
    }

    /// What it took.
    pub fn took(&self) -> &Took {
        &self.took
    }
}

/// Seals, runs and opens with fresh keys.
pub fn all_in_one<P: Task>(
    program: &P,
    data: &P::Data,
    security: Security,
    rival: Option<Rival>,
) -> anyhow::Result<Done<P::Answer>> {
    // Before any plan or key is made: data that cannot be sealed are no reason to wait.
    program.pack(data)?;
    let started = Instant::now();
    let plan = plan(program, security)?;
    let mut session = Session::with(plan, started.elapsed().as_secs_f64(), rival)?;
    let answer = session.round(data)?;
    Ok(Done { answer, took: session.took })
}

/// What tells a run from others: its program and its data.
fn run_hash<P: Task>(task: &Prepared<P>, sealed: &[u8]) -> [u8; 32] {
    let program = blake3::hash(&task.to_bytes());
    *blake3::Hasher::new().update(program.as_bytes()).update(sealed).finalize().as_bytes()
}

/// The side that evaluates: it sees bytes and public keys.
fn answer<P: Task>(
    params: &Params,
    engine: &Engine,
    task: &Prepared<P>,
    sealed: &[u8],
    journal: Option<Journal<'_>>,
) -> anyhow::Result<Vec<u8>> {
    let batch: Batch = wire::from_bytes(params.rlwe(), sealed)?;
    let bar = output::bar(1, "running");
    let mut progress = |done: usize, all: usize| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
        !stop::asked()
    };
    let answer = engine.run_task_kept(task, batch, journal, &mut progress);
    bar.finish_and_clear();
    Ok(wire::to_bytes(params.rlwe(), &answer?))
}

/// What sealing wrote.
#[derive(Serialize)]
pub struct Sealed {
    pub out: String,
    pub task: String,
    pub keys: String,
    pub bytes: usize,
    pub plan: Plan,
}

/// Seals data for a program: keys in a folder, made if it is not there, and two files for whoever runs it.
pub fn seal<P: Task>(program: &P, data: &P::Data, args: &Seal, security: Security) -> anyhow::Result<Sealed> {
    program.pack(data)?;
    seal_with(&plan(program, security)?, data, args)
}

/// The same by a plan that is there already.
pub fn seal_with<P: Task>(plan: &TaskPlan<P>, data: &P::Data, args: &Seal) -> anyhow::Result<Sealed> {
    plan.prepared().program().pack(data)?;
    let folder = Folder::at(&args.keys);
    keyring::for_task(&folder, plan.params(), plan.request())?;
    let (params, prepared) = (plan.params(), plan.prepared());
    let mut rng = random::system()?;
    let batch = match args.public {
        true => TaskSealer::public(prepared, params, &folder.public(params)?)?.seal(data, &mut rng)?,
        false => TaskClient::new(prepared, params, &folder.secret(params)?)?.seal(data, &mut rng)?,
    };
    let bytes = wire::to_bytes(params.rlwe(), &batch);
    stop::check()?;
    store::write_file(&args.task, &prepared.to_bytes())?;
    store::write_file(&args.out, &bytes)?;
    Ok(Sealed {
        out: args.out.display().to_string(),
        task: args.task.display().to_string(),
        keys: args.keys.display().to_string(),
        bytes: bytes.len(),
        plan: described(plan),
    })
}

/// What running wrote.
#[derive(Serialize)]
pub struct Ran {
    pub out: String,
    pub input_bytes: usize,
    pub output_bytes: usize,
    pub seconds: f64,
}

/// Runs a sealed program with evaluation keys alone.
pub fn run<P: Task>(args: &Run) -> anyhow::Result<Ran> {
    run_kept::<P>(args, None)
}

/// The same, where a folder may keep the rounds of the program until the answer is written.
pub fn run_kept<P: Task>(args: &Run, journal: Option<&Path>) -> anyhow::Result<Ran> {
    let (params, keys) = evaluate::public_side(&args.evaluation_keys, args.params.as_deref())?;
    let task: Prepared<P> = prepared(&args.task)?;
    let sealed = evaluate::public_bytes(&args.input, "what sealing wrote")?;
    stop::watch()?;
    memory::check("the evaluation keys", keys.request().sizes(params.rlwe())?.memory - keys.bytes() as u64)?;
    let engine = Engine::new(&params, keys)?.limited(memory::limits());
    let started = Instant::now();
    let (mut journal, rounds) = match journal {
        Some(folder) => Some(Rounds::open(folder, &params)?).unzip(),
        None => (None, None),
    };
    let mut keep = |round: &Batch| match &mut journal {
        Some(journal) => journal.keep(&params, round).map_err(Into::into),
        None => Ok(()),
    };
    let kept = rounds.map(|rounds| Journal { run: run_hash(&task, &sealed), rounds, keep: &mut keep });
    let answer = answer(&params, &engine, &task, &sealed, kept);
    let answer = answer.map_err(|error| match &journal {
        Some(journal) if stop::asked() => anyhow!(
            "{error}: the journal keeps what is done (rounds: {}), and the same command goes on from there",
            journal.kept()
        ),
        _ => error.context(args.input.display().to_string()),
    })?;
    store::write_file(&args.out, &answer)?;
    if let Some(journal) = journal {
        journal.remove()?;
    }
    Ok(Ran {
        out: args.out.display().to_string(),
        input_bytes: sealed.len(),
        output_bytes: answer.len(),
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// The program that was sealed, and its answer.
pub fn open<P: Task>(args: &Open) -> anyhow::Result<(P, P::Answer)> {
    let folder = Folder::at(&args.keys);
    let params = folder.params()?;
    let secret = folder.secret(&params)?;
    let task: Prepared<P> = prepared(&args.task)?;
    let bytes = store::read(&args.input)?;
    let what = || args.input.display().to_string();
    let batch: Batch = wire::from_bytes(params.rlwe(), &bytes).with_context(what)?;
    let answer = TaskClient::new(&task, &params, &secret)?.open(&batch).with_context(what)?;
    Ok((task.program().clone(), answer))
}

/// The most bytes of a program in a file.
const MOST_TASK: u64 = 64 << 20;

fn prepared<P: Task>(path: &Path) -> anyhow::Result<Prepared<P>> {
    let bytes = store::read_at_most(path, MOST_TASK)?;
    Prepared::from_bytes(&bytes).with_context(|| path.display().to_string())
}

/// Lines on what sealing wrote.
pub fn sealed_lines(sealed: &Sealed) -> String {
    output::pairs(&[
        ("sealed", format!("{} ({})", sealed.out, output::bytes(sealed.bytes as u64))),
        ("program", format!("{}, for whoever runs or opens it", sealed.task)),
        ("keys", sealed.keys.clone()),
        ("plan", plan_line(&sealed.plan)),
    ])
}

/// Lines on what running wrote.
pub fn ran_lines(ran: &Ran) -> String {
    output::pairs(&[
        ("answer", format!("{} ({})", ran.out, output::bytes(ran.output_bytes as u64))),
        ("time", format!("{:.2} s", ran.seconds)),
    ])
}

/// A plan on one line.
pub fn plan_line(plan: &Plan) -> String {
    let bound = plan.certificate.bounds.iter().copied().fold(0.0, f64::max);
    format!(
        "N = {}, depth {}, log2 QP = {}, {} bits of security; {} products, {} rotations, {} refreshes; \
         no result is off by more than {bound:.3} of 1/2",
        plan.n, plan.depth, plan.log2_qp, plan.security_bits, plan.products, plan.rotations, plan.refreshes,
    )
}

/// Bytes, the plan, and why it is this one, on lines.
pub fn size_lines(took: &Took) -> String {
    let bytes = |count: usize| output::bytes(count as u64);
    format!(
        "sealed {}, answer {}, keys {}\n{}\n{}",
        bytes(took.sealed_bytes),
        bytes(took.answer_bytes),
        bytes(took.evaluation_key_bytes),
        plan_line(&took.plan),
        took.plan.choice.as_ref().map_or("", |choice| choice.explanation.as_str()),
    )
}

/// What a run took, on lines.
pub fn took_lines(took: &Took) -> String {
    let bytes = |count: usize| output::bytes(count as u64);
    format!(
        "\n{}\n{}plan {:.2} s, keys {:.2} s ({}), seal {:.2} s ({}), run {:.2} s, open {:.2} s ({})\n",
        plan_line(&took.plan),
        took.plan.choice.as_ref().map_or("", |choice| choice.explanation.as_str()),
        took.plan_seconds,
        took.key_seconds,
        bytes(took.evaluation_key_bytes),
        took.seal_seconds,
        bytes(took.sealed_bytes),
        took.run_seconds,
        took.open_seconds,
        bytes(took.answer_bytes),
    )
}

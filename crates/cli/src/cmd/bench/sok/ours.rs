//! One published run, done by Arras on encrypted data and checked.

use std::time::Instant;

use arras_apps::graph::Graph;
use arras_apps::sort::{Mode, Order};
use arras_apps::tree::{Packing, Predict, Prediction, Samples};
use arras_apps::workload::Kind;
use arras_apps::{Paths, Sort, Table, Workload};
use arras_ckks::Security;
use arras_client::TaskPlan;
use arras_plan::sok::Work;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use serde::Serialize;

use crate::cmd::task::{self, Session, Task};
use crate::cmd::{examples, sort, sql, workload};

/// What a run took.
#[derive(Serialize)]
pub struct Ours {
    pub seconds: f64,
    pub amortised_ms: f64,
    /// Values, elements, nodes, samples or rows of the run.
    pub values: usize,
    pub wrong: usize,
    pub ciphertext_bytes: usize,
    pub communication_bytes: usize,
    pub peak_bytes: Option<u64>,
    pub evaluation_key_bytes: usize,
    pub plan_seconds: f64,
    pub key_seconds: f64,
    pub plan: task::Plan,
}

const SECURITY: Security = Security::Bits128;

/// Runs it.
pub fn run(work: Work, bits: u32, size: usize, seed: u64) -> anyhow::Result<Ours> {
    let started = Instant::now();
    let since = || started.elapsed().as_secs_f64();
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let mut random = |bits: u32| rng.next_u64() >> (64 - bits);
    match work {
        Work::W1 | Work::W2 | Work::W3 => {
            let kind = match work {
                Work::W1 => Kind::W1,
                Work::W2 => Kind::W2,
                Work::W3 | Work::Paths | Work::Tree | Work::Sort | Work::Sql => Kind::W3,
            };
            let new = |slots| Ok(Workload::new(kind, bits, slots)?);
            let plan = task::plan_in_full(workload::FEWEST, SECURITY, new)?;
            let program = *plan.prepared().program();
            let columns = workload::columns(&program, seed, 0);
            measured(
                plan,
                since(),
                &columns,
                arras_apps::Program::slots(&program),
                |have: &Vec<u64>, want: &Vec<u64>| differing(have, want),
            )
        }
        Work::Sort => {
            let program = Sort::new(Mode::Sort, bits, size, sort::SLOTS)?;
            let values: Vec<u64> = (0..size).map(|_| random(bits)).collect();
            let plan = task::plan(&program, SECURITY)?;
            measured(plan, since(), &values, size, |have: &Order, want: &Order| sort::wrong(have, want))
        }
        Work::Tree => {
            let forest = examples::complete_tree(u32::try_from(size)?)?;
            let splits = forest.splits().len();
            let thresholds = (0..splits).map(|_| random(bits) as i64).collect();
            let rows = vec![(0..splits).map(|_| random(bits) as u32).collect()];
            let packing = Packing::choose(&forest, bits, 1)?;
            let program = Predict::new(bits, forest, None, 1, packing)?;
            let plan = task::plan(&program, SECURITY)?;
            let data = Samples { rows, thresholds: Some(thresholds) };
            measured(plan, since(), &data, 1, |have: &Vec<Prediction>, want: &Vec<Prediction>| {
                differing(have, want)
            })
        }
        Work::Sql => {
            let (query, schema) = examples::query(bits)?;
            let columns: Vec<Vec<u64>> = (0..4).map(|_| (0..size).map(|_| random(bits)).collect()).collect();
            let new = |slots| Ok(Table::new(&query, &schema, size, slots)?);
            let plan = task::plan_in_full(sql::FEWEST, SECURITY, new)?;
            measured(plan, since(), &columns, size, |have: &arras_apps::table::Answer, want| {
                differing(&have.rows, &want.rows)
            })
        }
        Work::Paths => {
            let weights = |_| (0..size).map(|_| (random(1) == 0).then(|| random(bits.div_ceil(2)))).collect();
            let rows: Vec<Vec<Option<u64>>> = (0..size).map(weights).collect();
            let graph = Graph::new(&rows)?;
            let plan = task::plan(&Paths::new(size, bits, true)?, SECURITY)?;
            measured(plan, since(), &graph, size, |have, want| usize::from(have != want))
        }
    }
}

/// Seals, runs, opens and compares.
fn measured<P: Task>(
    plan: TaskPlan<P>,
    plan_seconds: f64,
    data: &P::Data,
    values: usize,
    wrong: impl Fn(&P::Answer, &P::Answer) -> usize,
) -> anyhow::Result<Ours> {
    let want = plan.prepared().program().exact(data);
    let mut session = Session::with(plan, plan_seconds, None)?;
    let have = session.round(data)?;
    let took = session.took();
    Ok(Ours {
        seconds: took.run_seconds,
        amortised_ms: 1e3 * took.run_seconds / values.max(1) as f64,
        values,
        wrong: wrong(&have, &want),
        ciphertext_bytes: took.sealed_bytes,
        communication_bytes: took.sealed_bytes + took.answer_bytes,
        peak_bytes: took.peak_bytes,
        evaluation_key_bytes: took.evaluation_key_bytes,
        plan_seconds: took.plan_seconds,
        key_seconds: took.key_seconds,
        plan: took.plan.clone(),
    })
}

/// How many answers are not the right ones.
fn differing<T: PartialEq>(have: &[T], want: &[T]) -> usize {
    have.len().abs_diff(want.len()) + have.iter().zip(want).filter(|(have, want)| have != want).count()
}

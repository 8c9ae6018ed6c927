//! Queries planned, sealed, run and opened: every answer right, and the trace what the engine counts.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use arras_apps::table::Schema;
use arras_apps::{Program as _, Table};
use arras_circuits::Op;
use arras_ckks::Security;
use arras_ckks::wire::{from_bytes, to_bytes};
use arras_client::{Keys, Source, TaskClient, TaskPlan};
use arras_engine::Engine;
use arras_testkit::{rng, words};

fn holds(sql: &str, rows: usize, slots: usize) {
    let schema = Schema::from_json(br#"{"t": {"id": 6, "a": 3, "b": 2, "kind": 1}}"#).unwrap();
    let mut random = rng(7);
    let columns: Vec<Vec<u64>> = [64, 8, 4, 2].map(|bound| words(rows, bound, &mut random)).to_vec();
    let program = Table::new(sql, &schema, rows, slots).unwrap();
    let plan = TaskPlan::for_program(&program, Security::Bits128).unwrap();
    assert!(plan.prepared().bounds().iter().all(|bound| *bound < 0.5));
    let (params, prepared) = (plan.params(), plan.prepared());
    let keys = Keys::generate(params, plan.request(), Source::Random, &mut rng(1), |_| true).unwrap();
    let engine = Engine::new(params, keys.evaluation).unwrap();
    let client = TaskClient::new(prepared, params, &keys.secret).unwrap();
    let sealed = to_bytes(params.rlwe(), &client.seal(&columns, &mut rng(2)).unwrap());
    let sealed = from_bytes(params.rlwe(), &sealed).unwrap();
    let answer = engine.run_task(prepared, sealed, &mut |_, _| true).unwrap();
    let mut counts = plan.trace().counts.clone();
    // Outputs that are ready early come down to the others.
    for _ in plan.trace().outputs.iter().filter(|level| **level > 0) {
        *counts.entry((Op::ScalarProduct, 1)).or_insert(0) += 1;
        *counts.entry((Op::Rescale, 1)).or_insert(0) += 1;
    }
    assert_eq!(engine.counts(), counts);
    let answer = client.open(&answer).unwrap();
    assert!(!answer.rows.is_empty());
    assert_eq!(answer, program.exact(&columns), "{sql}");
}

#[test]
fn rows_by_lanes() {
    holds("SELECT id, a - b FROM t WHERE a * b BETWEEN 3 AND 9 AND (a + b > 4 OR NOT kind = 1)", 50, 256);
}

#[test]
fn rows_in_several_blocks() {
    holds("SELECT id FROM t WHERE a >= b", 50, 32);
}

#[test]
fn aggregates_of_groups() {
    holds("SELECT kind, COUNT(*), SUM(a * b), AVG(id) FROM t WHERE a <> 3 GROUP BY kind", 50, 128);
}

#[test]
fn extremes() {
    holds("SELECT MIN(a + b), MAX(b) FROM t WHERE a < 6", 30, 128);
}

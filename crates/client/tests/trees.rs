//! Trees planned, sealed, run and opened: every class right, and the trace what the engine counts.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use arras_apps::Program as _;
use arras_apps::tree::forest::Node;
use arras_apps::tree::{Forest, Packing, Predict, Samples};
use arras_ckks::Security;
use arras_ckks::wire::{from_bytes, to_bytes};
use arras_client::{Error, Keys, Source, TaskClient, TaskPlan};
use arras_engine::Engine;
use arras_testkit::rng;
use rand_core::Rng as _;

const BITS: u32 = 3;

/// Two trees of depths 3 and 1 for three classes, whose leaves share five votes.
fn forest() -> Forest {
    let leaf = |a, b, c| vec![Node::Leaf(vec![a, b, c])];
    let split = |feature, left: Vec<Node>, right| [vec![Node::Split(feature)], left, right].concat();
    let deep = split(2, leaf(0, 5, 0), split(0, leaf(3, 1, 1), leaf(0, 0, 5)));
    let first = split(0, split(1, leaf(5, 0, 0), leaf(2, 3, 0)), deep);
    Forest::new(3, 3, vec![first, split(1, leaf(1, 4, 0), leaf(0, 2, 3))]).unwrap()
}

/// One tree of one vote.
fn single() -> Forest {
    let leaf = |class: usize| Node::Leaf((0..4).map(|c| u32::from(c == class)).collect());
    let nodes = [Node::Split(0), leaf(2), Node::Split(1), leaf(0), Node::Split(2), leaf(3), leaf(1)];
    Forest::new(3, 4, vec![nodes.to_vec()]).unwrap()
}

/// A program and samples for it, with every kind of tie where there are so few integers.
fn case(forest: Forest, packing: Packing, hide: bool) -> (Predict, Samples) {
    let mut rng = rng(41);
    let mut below = |most: u32| rng.next_u32() % most;
    let rows: Vec<Vec<u32>> = (0..40).map(|_| (0..3).map(|_| below(1 << BITS)).collect()).collect();
    let thresholds: Vec<i64> = forest.splits().iter().map(|_| i64::from(below(1 << BITS))).collect();
    let (public, hidden) = if hide { (None, Some(thresholds)) } else { (Some(thresholds), None) };
    let program = Predict::new(BITS, forest, public, rows.len(), packing).unwrap();
    (program, Samples { rows, thresholds: hidden })
}

fn holds(forest: Forest, packing: Packing, hide: bool) {
    let (program, data) = case(forest, packing, hide);
    let plan = TaskPlan::for_program(&program, Security::Bits128).unwrap();
    let (params, prepared) = (plan.params(), plan.prepared());
    let keys = Keys::generate(params, plan.request(), Source::Random, &mut rng(1), |_| true).unwrap();
    let engine = Engine::new(params, keys.evaluation).unwrap();
    let client = TaskClient::new(prepared, params, &keys.secret).unwrap();
    let sealed = to_bytes(params.rlwe(), &client.seal(&data, &mut rng(2)).unwrap());
    let sealed = from_bytes(params.rlwe(), &sealed).unwrap();
    let answer = engine.run_task(prepared, sealed, &mut |_, _| true).unwrap();
    assert_eq!(engine.counts(), plan.trace().counts);
    assert_eq!(client.open(&answer).unwrap(), program.exact(&data));
}

#[test]
fn a_tree_by_paths() {
    holds(single(), Packing::Paths, false);
}

#[test]
fn a_tree_by_splits_with_hidden_thresholds() {
    holds(single(), Packing::Nodes, true);
}

#[test]
fn a_forest_by_splits() {
    holds(forest(), Packing::Nodes, false);
}

#[test]
fn samples_of_another_program_are_refused() {
    let (program, data) = case(single(), Packing::Paths, false);
    let plan = TaskPlan::for_program(&program, Security::Bits128).unwrap();
    let keys = Keys::generate(plan.params(), plan.request(), Source::Random, &mut rng(1), |_| true).unwrap();
    let client = TaskClient::new(plan.prepared(), plan.params(), &keys.secret).unwrap();
    let short = Samples { rows: data.rows[1..].to_vec(), thresholds: None };
    assert!(matches!(
        client.seal(&short, &mut rng(2)),
        Err(Error::App(arras_apps::Error::Size { have: 39, .. }))
    ));
    let mut sealed = client.seal(&data, &mut rng(2)).unwrap();
    sealed.label[0] ^= 1;
    let engine = Engine::new(plan.params(), keys.evaluation).unwrap();
    assert!(engine.run_task(plan.prepared(), sealed, &mut |_, _| true).is_err());
}

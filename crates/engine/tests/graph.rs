//! Shortest paths on ciphertexts, refreshed by schedule: the answer of the clear, from operations that the trace foretold.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod common;

use std::sync::Arc;

use arras_approx::Composite;
use arras_approx::degrees::{Goal, Products, fewest_products, least_depth};
use arras_apps::graph::{Graph, Paths};
use arras_apps::prepared::Refresh;
use arras_apps::program::Need;
use arras_apps::{Prepared, Program};
use arras_circuits::Sign;
use arras_ckks::Params;
use arras_ckks::boot::{BootSpec, Bootstrapper, presets};
use arras_plan::{Budget, schedule};
use arras_testkit::{rng, words};
use common::{Toy, keys_of};

fn sign(paths: Paths) -> Sign {
    let [Need::Step { gap, error }] = paths.needs()[..] else { unreachable!("paths take one step") };
    let goal = Goal::new(1.0 - error.log2(), gap, 63).unwrap().with_input_margin(gap / 8.0).unwrap();
    let degrees = fewest_products(&goal, least_depth(&goal).unwrap(), Products::planned()).unwrap().degrees;
    let built = Composite::build(gap, gap / 8.0, &degrees, &mut |_, _| 2f64.powi(-26)).unwrap();
    Sign::new(built.polynomials()).unwrap()
}

/// About half of all edges, of few different weights.
fn graph(nodes: usize, most: u64, seed: u64) -> Graph {
    let draws = words(2 * nodes * nodes, most + 1, &mut rng(seed));
    let weight = |at: usize| draws[at].is_multiple_of(2).then_some(draws[nodes * nodes + at]);
    let rows: Vec<Vec<Option<u64>>> =
        (0..nodes).map(|i| (0..nodes).map(|j| weight(i * nodes + j)).collect()).collect();
    Graph::new(&rows).unwrap()
}

/// The program refreshed in so many slots by the cheapest schedule, and how long it took.
fn holds(toy: &Toy, spec: &BootSpec, slots: usize, paths: Paths, graphs: &[Graph]) -> std::time::Duration {
    let signs = vec![sign(paths)];
    let boot = Arc::new(Bootstrapper::new(&toy.params, spec, slots).unwrap());
    let (start, input) = (u32::from(toy.params.highest().0), u32::from(boot.input_level().0));
    let budget = Budget { start, input, output: input + spec.levels_left(slots) };
    let free = Prepared::new(paths, signs.clone(), vec![0.25], None).unwrap();
    let found = schedule(&free.trace().unwrap().points, budget, &|_| 1.0).unwrap();
    let refresh = Refresh { preset: String::new(), start, schedule: found.clone() };
    let prepared = Prepared::new(paths, signs, vec![0.25], Some(refresh)).unwrap();
    let trace = prepared.trace().unwrap();
    let keys = keys_of(&trace).union(boot.request());
    let backend = toy.backend(&keys, paths.slots());
    let mut took = std::time::Duration::MAX;
    for graph in graphs {
        let ops = backend.refreshing(boot.clone(), 1, found.clone(), || true).unwrap();
        let packed = paths.pack(graph).unwrap();
        let input = ops.input(toy.seal(&packed[0], paths.slots(), toy.params.highest())).unwrap();
        let before = ops.counts();
        let clock = std::time::Instant::now();
        let out = paths.run(&ops, prepared.signs(), &[input]).unwrap();
        took = took.min(clock.elapsed());
        assert_eq!(ops.refreshes(), found.refreshes() as u64);
        if before.is_empty() {
            assert_eq!(ops.counts(), trace.counts);
        }
        let opened = toy.open(&backend.output(&out[0]).unwrap());
        let routes = paths.unpack(&prepared.round(&[opened]).unwrap()).unwrap();
        assert_eq!(routes, paths.exact(graph));
    }
    took
}

#[test]
fn hidden_paths_are_those_of_the_clear() {
    let base = presets::find("boot-n16").unwrap().spec;
    let spec = BootSpec { log_degree: 9, depth: 15, ..base };
    let toy = Toy::over(Params::danger_insecure(&spec.danger_toy(6).unwrap()).unwrap());
    for (nodes, predecessors) in [(4, true), (7, false)] {
        let paths = Paths::new(nodes, 4, predecessors).unwrap();
        let graphs: Vec<Graph> = (0..3).map(|seed| graph(nodes, 5, 70 + seed)).collect();
        holds(&toy, &spec, paths.slots(), paths, &graphs);
        // As what the matrix is as well: itself over and over.
        holds(&toy, &spec, toy.params.max_slots(), paths, &graphs[..1]);
    }
    let graphs: Vec<Graph> = (0..3).map(|seed| graph(8, 5, 90 + seed).unweighted()).collect();
    let paths = Paths::reach(8).unwrap();
    holds(&toy, &spec, paths.slots(), paths, &graphs);
}

#[test]
#[ignore = "slow: full-size parameters, and 4 GB of keys"]
fn sixteen_nodes_on_full_size_parameters() {
    let spec = presets::find("boot-n16-deep").unwrap().spec;
    let toy = Toy::over(Params::new(&spec.build().unwrap()).unwrap());
    let graphs: Vec<Graph> = (0..2).map(|seed| graph(16, 100, 70 + seed)).collect();
    let paths = Paths::new(16, 8, true).unwrap();
    let took = holds(&toy, &spec, paths.slots(), paths, &graphs);
    println!("16 nodes: {took:?}");
}

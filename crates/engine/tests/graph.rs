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
use arras_circuits::{Schedule, Sign};
use arras_ckks::boot::{BootSpec, Bootstrapper, presets};
use arras_ckks::wire::{self, Batch, Items};
use arras_ckks::{Ciphertext, Params};
use arras_engine::backend::Ckks;
use arras_engine::{Error, Journal};
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

/// A program, its schedule of the fewest refreshes, and what runs it.
struct Setting {
    boot: Arc<Bootstrapper>,
    found: Schedule,
    prepared: Prepared<Paths>,
    backend: Ckks,
}

/// The program refreshed in so many slots.
fn setting(toy: &Toy, spec: &BootSpec, slots: usize, paths: Paths) -> Setting {
    let signs = vec![sign(paths)];
    let boot = Arc::new(Bootstrapper::new(&toy.params, spec, slots).unwrap());
    let (start, input) = (u32::from(toy.params.highest().0), u32::from(boot.input_level().0));
    let budget = Budget { start, input, output: input + spec.levels_left(slots) };
    let free = Prepared::new(paths, signs.clone(), vec![0.25], None).unwrap();
    let found = schedule(&free.trace().unwrap().points, budget, &|_| 1.0).unwrap();
    let refresh = Refresh { preset: String::new(), start, schedule: found.clone() };
    let prepared = Prepared::new(paths, signs, vec![0.25], Some(refresh)).unwrap();
    let keys = keys_of(&prepared.trace().unwrap()).union(boot.request());
    let backend = toy.backend(&keys, paths.slots());
    Setting { boot, found, prepared, backend }
}

/// Whether the answers are those of the clear, and how long one took at least.
fn holds(toy: &Toy, spec: &BootSpec, slots: usize, paths: Paths, graphs: &[Graph]) -> std::time::Duration {
    let Setting { boot, found, prepared, backend } = setting(toy, spec, slots, paths);
    let trace = prepared.trace().unwrap();
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
    let (toy, spec) = toy();
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

/// A toy ring with 15 levels after a refresh.
fn toy() -> (Toy, BootSpec) {
    let base = presets::find("boot-n16").unwrap().spec;
    let spec = BootSpec { log_degree: 9, depth: 15, ..base };
    (Toy::over(Params::danger_insecure(&spec.danger_toy(6).unwrap()).unwrap()), spec)
}

/// One sealed graph, run again and again.
struct Again<'a> {
    toy: &'a Toy,
    setting: Setting,
    sealed: Vec<u8>,
}

impl Again<'_> {
    fn bytes(&self, items: Vec<Ciphertext>) -> Vec<u8> {
        wire::to_bytes(self.toy.params.rlwe(), &Batch { label: Vec::new(), items: Items::Whole(items) })
    }

    fn read(&self, bytes: &[u8]) -> Batch {
        wire::from_bytes(self.toy.params.rlwe(), bytes).unwrap()
    }

    /// The bytes of the answer and of all guards, how many refreshes were done for them, and the rounds that were kept: at most so many.
    #[expect(clippy::type_complexity, reason = "of one test")]
    fn run(&self, before: &[Vec<u8>], most: usize) -> (Result<(Vec<u8>, u64), Error>, Vec<Vec<u8>>) {
        let Setting { boot, found, prepared, backend } = &self.setting;
        let mut kept = before.to_vec();
        let rounds = before.iter().map(|bytes| self.read(bytes)).collect();
        let mut keep = |round: &Batch| {
            if kept.len() == most {
                return Err("full".into());
            }
            kept.push(wire::to_bytes(self.toy.params.rlwe(), round));
            Ok(())
        };
        let journal = Journal { run: [5; 32], rounds, keep: &mut keep };
        let run = || {
            let ops = backend.refreshing(boot.clone(), 1, found.clone(), || true)?.journaled(journal)?;
            let Items::Whole(mut items) = self.read(&self.sealed).items else { unreachable!() };
            let input = ops.input(items.remove(0))?;
            let out = prepared.program().run(&ops, prepared.signs(), &[input])?;
            let copy = |x: &Ciphertext| backend.evaluator().lower(x, x.level()).unwrap();
            let guards = ops.guards();
            let all = out.iter().map(|x| x.ciphertext()).chain(guards.iter().map(|guard| &**guard));
            Ok((self.bytes(all.map(copy).collect()), ops.refreshes()))
        };
        (run(), kept)
    }
}

#[test]
fn a_run_that_was_stopped_goes_on_to_the_same_answer() {
    let (toy, spec) = toy();
    let (toy, paths) = (&toy, Paths::new(4, 4, true).unwrap());
    let setting = setting(toy, &spec, paths.slots(), paths);
    let packed = paths.pack(&graph(4, 5, 70)).unwrap();
    let mut again = Again { toy, setting, sealed: Vec::new() };
    again.sealed = again.bytes(vec![toy.seal(&packed[0], paths.slots(), toy.params.highest())]);
    let (whole, rounds) = again.run(&[], 4);
    let (whole, all) = whole.unwrap();
    assert_eq!((rounds.len(), all), (4, again.setting.found.refreshes() as u64));
    for stop in 0..4 {
        let (stopped, kept) = again.run(&[], stop);
        assert!(matches!(stopped, Err(Error::Keep(_))) && kept == rounds[..stop]);
        let (answer, kept) = again.run(&kept, 4);
        let (answer, refreshes) = answer.unwrap();
        assert!(answer == whole && kept == rounds);
        assert_eq!(
            refreshes,
            all - (again.setting.found.refresh[..stop].iter().filter(|r| **r).count() as u64)
        );
    }
    // Nothing is left to do.
    assert!(again.run(&rounds, 4).0.is_ok_and(|(answer, refreshes)| answer == whole && refreshes == 0));

    let refused = |rounds: &[Vec<u8>]| {
        assert!(matches!(again.run(rounds, 4).0, Err(Error::Journal)));
    };
    refused(&rounds[1..]);
    refused(&[rounds[0].clone(), rounds[2].clone()]);
    let changed = |change: &dyn Fn(&mut Batch)| {
        let mut round = again.read(&rounds[1]);
        change(&mut round);
        refused(&[rounds[0].clone(), wire::to_bytes(toy.params.rlwe(), &round)]);
    };
    changed(&|round| round.label[9] ^= 1);
    changed(&|round| round.label.truncate(8));
    changed(&|round| *round.label.last_mut().unwrap() = 255);
    changed(&|round| round.items = Items::Whole(Vec::new()));
    changed(&|round| {
        let Items::Whole(items) = &mut round.items else { unreachable!() };
        items.truncate(1);
    });
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

//! Tasks and their clear answers, against other ways to find them; what cannot be measured is refused by name.
//!
//! None of it needs the feature `tfhe`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use arras_switch::Error;
use arras_switch::baseline::{Branch, NONE, Node, Query, Select, Task, Tree, Unit, Work};
use proptest::prelude::*;

/// Distances by Bellman and Ford: edges relaxed until nothing changes, from each start.
fn bellman_ford(weights: &[u64], nodes: usize, none: u64) -> Vec<u64> {
    let from = |start: usize| {
        let mut reach = vec![none; nodes];
        reach[start] = 0;
        for _ in 0..nodes {
            for (edge, &weight) in weights.iter().enumerate() {
                let (a, b) = (edge / nodes, edge % nodes);
                if weight < none && reach[a] + weight < reach[b] {
                    reach[b] = reach[a] + weight;
                }
            }
        }
        reach
    };
    (0..nodes).flat_map(from).collect()
}

proptest! {
    #[test]
    fn distances_are_shortest_and_predecessors_lead_back(
        nodes in 3_usize..7,
        picks in prop::collection::vec(prop_oneof![0_u64..64, Just(63)], 49),
    ) {
        let weights = &picks[..nodes * nodes];
        let answer = Task::paths(6, nodes, weights).unwrap().answer();
        let (distance, before) = answer.split_at(nodes * nodes);
        prop_assert_eq!(distance, bellman_ford(weights, nodes, 63));
        for (pair, (&far, &label)) in distance.iter().zip(before).enumerate() {
            let (from, to) = (pair / nodes, pair % nodes);
            prop_assert_eq!(label == NONE, from == to || far == 63);
            if label != NONE {
                let last = label as usize - 1;
                prop_assert_eq!(far, distance[from * nodes + last] + weights[last * nodes + to]);
            }
        }
    }

    #[test]
    fn a_complete_tree_goes_the_way_of_its_comparisons(
        thresholds in prop::collection::vec(0_u64..16, 7),
        sample in prop::collection::vec(0_u64..16, 7),
    ) {
        let tree = Tree::complete(&thresholds, &[0, 1, 2, 3, 4, 5, 6, 7], true).unwrap();
        let right = |node: usize| usize::from(sample[node] > thresholds[node]);
        let (first, second) = (right(0), right(1 + right(0)));
        let third = right(3 + 2 * first + second);
        prop_assert_eq!(tree.classify(&sample), (4 * first + 2 * second + third) as u64);
    }
}

#[test]
fn workloads_and_queries_are_what_the_paper_says() {
    let answer = |work, value| Task::workload(work, 8, &[value]).unwrap().answer();
    // Ties, a step above, and the extremes.
    assert_eq!(answer(Work::W1, [12, 20, 240, 0]), [0]);
    assert_eq!(answer(Work::W1, [12, 20, 239, 0]), [1]);
    assert_eq!(answer(Work::W1, [255, 255, 65024, 0]), [1]);
    assert_eq!(answer(Work::W2, [7, 7, 9, 0]), [0]);
    assert_eq!(answer(Work::W2, [8, 7, 9, 0]), [9]);
    assert_eq!(answer(Work::W3, [3, 5, 14, 200]), [200]);
    assert_eq!(answer(Work::W3, [3, 5, 15, 200]), [0]);

    let query = Query { product: (50, 60), sum: (7, 8), select: Select::Rows };
    let rows = [[11, 5, 10, 2], [12, 6, 10, 2], [13, 5, 12, 4], [14, 7, 7, 1]];
    assert_eq!(Task::rows(6, query, &rows).unwrap().answer(), [11, 12, 0, 0]);
    let query = Query { select: Select::Sum, ..query };
    assert_eq!(Task::rows(6, query, &rows).unwrap().answer(), [23]);
    assert_eq!(Task::sort(6, &[5, 1, 5, 63, 0]).unwrap().answer(), [0, 1, 5, 5, 63]);
}

#[test]
fn what_cannot_be_measured_is_named() {
    let refused = |task: Result<Task, Error>| task.unwrap_err();
    let row = [[1, 2, 3, 4]];
    assert_eq!(refused(Task::workload(Work::W1, 7, &row)), Error::Width { bits: 7, most: 24 });
    assert_eq!(refused(Task::workload(Work::W1, 0, &row)), Error::Width { bits: 0, most: 24 });
    assert_eq!(refused(Task::workload(Work::W1, 64, &row)), Error::Width { bits: 64, most: 24 });
    let too_large = |value, bits, most| Error::DoesNotFit { value, bits, most };
    assert_eq!(refused(Task::workload(Work::W2, 8, &[[1, 256, 0, 0]])), too_large(256, 8, 255));
    assert_eq!(refused(Task::workload(Work::W1, 8, &[[1, 1, 65536, 0]])), too_large(65536, 16, 65535));
    assert_eq!(refused(Task::sort(6, &[1, 64])), too_large(64, 6, 63));
    assert_eq!(refused(Task::sort(6, &[1])), Error::TooFew { unit: "elements", have: 1, need: 2 });
    assert_eq!(refused(Task::paths(8, 3, &[0; 8])), Error::Shape { nodes: 3, have: 8, need: 9 });
    assert_eq!(refused(Task::paths(8, 2, &[0; 4])), Error::TooFew { unit: "nodes", have: 2, need: 3 });
    let wide = Query { product: (0, 1 << 12), sum: (0, 1), select: Select::Sum };
    assert_eq!(refused(Task::rows(6, wide, &row)), too_large(4096, 12, 4095));

    let node = |low| Node { feature: 2, threshold: 9, low, high: Branch::Leaf(1) };
    let branch = |child, nodes| Err(Error::Branch { node: 0, child, nodes });
    assert_eq!(Tree::new(vec![node(Branch::Node(0))], false), branch(0, 1));
    assert_eq!(Tree::new(vec![node(Branch::Node(1))], false), branch(1, 1));
    let tree = Tree::new(vec![node(Branch::Leaf(0))], false).unwrap();
    assert_eq!(refused(Task::tree(8, tree, &[vec![1, 2]])), Error::Feature { feature: 2, have: 2 });
    assert!(Tree::complete(&[1, 2], &[0; 3], false).is_err() && Tree::complete(&[1], &[0], false).is_err());
}

#[test]
fn sizes_are_in_the_task_s_own_unit() {
    let tree = Tree::complete(&[3], &[0, 1], false).unwrap();
    let task = Task::tree(4, tree, &[vec![1], vec![9]]).unwrap();
    assert_eq!((task.size(), task.unit(), task.unit().name()), (2, Unit::Samples, "samples"));
    assert_eq!(task.answer(), [0, 1]);
    assert_eq!(Task::paths(4, 3, &[1; 9]).unwrap().size(), 3);
}

#[cfg(not(feature = "tfhe"))]
#[test]
fn without_the_feature_it_says_how_to_have_it() {
    let error = arras_switch::baseline::Baseline::new(1).unwrap_err();
    assert_eq!(error.to_string(), "built without the feature tfhe: rebuild with --features tfhe");
}

#[cfg(feature = "tfhe")]
mod on_ciphertexts {
    use std::time::{Duration, Instant};

    use arras_switch::baseline::{Baseline, Measured, Watch};
    use arras_testkit::rng;

    use super::*;

    fn measure(baseline: &Baseline, task: &Task, at_most: usize) -> Measured {
        let (start, mut steps) = (Instant::now(), Vec::new());
        let watch = Watch {
            clock: &mut || start.elapsed(),
            step: &mut |done, of| {
                steps.push((done, of));
                true
            },
        };
        let measured = baseline.measure(task, at_most, watch).unwrap();
        assert_eq!(measured.wrong, 0, "{task:?}: {measured:?}");
        assert!(measured.checked > 0 && measured.bootstraps > 0 && measured.seconds > 0.0);
        assert!(measured.communication_bytes > measured.ciphertext_bytes);
        assert!(steps.iter().enumerate().all(|(i, &(done, of))| done == i + 1 && of == steps.len()));
        measured
    }

    #[test]
    fn every_task_gives_its_clear_answer() {
        let baseline = &Baseline::new(1).unwrap();
        assert!(baseline.key_bytes() > 1 << 20);
        let mut rng = rng(5);
        let mut below = |most: u64| rng.next_u64() % most;
        for work in [Work::W1, Work::W2, Work::W3] {
            // 4 * 4 = 16 is a tie, and 15 is not; the rest is random.
            let value = [below(16), below(16), below(16), below(16)];
            for value in [[4, 4, 16 % c_range(work), 9], [4, 4, 15, 9], [15, 15, 15, 15], value] {
                measure(baseline, &Task::workload(work, 4, &[value]).unwrap(), 1);
            }
        }
        let values: Vec<u64> = (0..5).map(|_| below(8)).collect();
        let sorted = measure(baseline, &Task::sort(4, &values).unwrap(), 4);
        assert_eq!((sorted.values, sorted.scaled_from, sorted.checked), (5, Some(4), 4));

        let weights: Vec<u64> = (0..16).map(|i| if i % 3 == 0 { 15 } else { below(8) }).collect();
        let paths = measure(baseline, &Task::paths(4, 4, &weights).unwrap(), 3);
        assert_eq!((paths.values, paths.scaled_from, paths.checked), (4, Some(3), 18));
        // 4 * 3 * 2 updates from 3 * 2 * 1.
        assert!((paths.seconds / paths.seconds_measured - 4.0).abs() < 1e-9);

        for encrypted in [false, true] {
            let tree = Tree::complete(&[7, 3, 11], &[0, 5, 2, 1], encrypted).unwrap();
            let samples: Vec<Vec<u64>> = (0..2).map(|i| vec![7 + i, below(16), 11]).collect();
            measure(baseline, &Task::tree(4, tree, &samples).unwrap(), 2);
        }
        for select in [Select::Rows, Select::Sum] {
            let query = Query { product: (6, 20), sum: (3, 9), select };
            let rows = [[9, 2, 3, 1], [15, 4, 5, 5], [14, 4, 5, 6]];
            measure(baseline, &Task::rows(4, query, &rows).unwrap(), 3);
        }
        let mut never = || Duration::ZERO;
        let stop = Watch { clock: &mut never, step: &mut |done, _| done < 2 };
        let task = Task::sort(4, &values).unwrap();
        assert_eq!(baseline.measure(&task, 5, stop).unwrap_err(), Error::Stopped);
    }

    fn c_range(work: Work) -> u64 {
        if work == Work::W2 { 16 } else { 256 }
    }
}

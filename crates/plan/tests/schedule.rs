//! Schedules: the cheapest one of all subsets, followed by a second trace, on chains and on small random graphs.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use arras_circuits::{LevelGraph, Logistic, Node, Op, Points, Schedule, Traced, Tracer};
use arras_plan::{Budget, Error, schedule};
use proptest::prelude::*;

const BUDGET: Budget = Budget { start: 12, input: 2, output: 12 };

/// A program with points: steps that lose levels, marks, and sums with earlier values.
#[derive(Debug, Clone, Copy)]
enum Step {
    Lose(usize, u32),
    Mark(usize),
    Multiply(usize, usize),
}

/// Each step makes one value more from earlier ones, which it names modulo their number.
fn run<B: Points>(ops: &B, input: B::Ct, steps: &[Step]) -> Result<B::Ct, B::Error> {
    let mut values = vec![input];
    for step in steps {
        let at = |i: usize| &values[i % values.len()];
        let made = match *step {
            Step::Lose(i, by) => ops.lower(at(i), by)?,
            Step::Mark(i) => ops.point(at(i))?,
            Step::Multiply(i, j) => ops.mul(at(i), at(j))?,
        };
        values.push(made);
    }
    Ok(values.swap_remove(values.len() - 1))
}

fn graph(steps: &[Step]) -> LevelGraph {
    let tracer = Tracer::unlimited(2).unwrap();
    let out = run(&tracer, tracer.input(), steps).unwrap();
    tracer.trace(&[out]).points
}

/// Whether the program runs: the second trace.
fn runs(steps: &[Step], budget: Budget, refresh: Vec<bool>) -> bool {
    let chosen = Schedule { input: budget.input, output: budget.output, refresh };
    let tracer = Tracer::scheduled(2, budget.start, &chosen).unwrap();
    run(&tracer, tracer.input(), steps).is_ok()
}

/// The least cost over all subsets under which the second trace succeeds.
fn brute_force(steps: &[Step], budget: Budget, costs: &[u32]) -> Option<u32> {
    let subsets = (0..1u32 << costs.len()).map(|bits| (0..costs.len()).map(move |i| bits >> i & 1 == 1));
    let able = subsets.filter(|subset| runs(steps, budget, subset.clone().collect()));
    able.map(|subset| subset.zip(costs).filter(|(yes, _)| *yes).map(|(_, cost)| cost).sum()).min()
}

fn step() -> impl Strategy<Value = Step> {
    // Mostly the last values, so that programs grow deep.
    let recent = || 0usize..64;
    prop_oneof![
        (recent(), 1u32..5).prop_map(|(i, by)| Step::Lose(i, by)),
        recent().prop_map(Step::Mark),
        (recent(), recent()).prop_map(|(i, j)| Step::Multiply(i, j)),
    ]
}

/// At most so many marks: there are 2^10 subsets.
fn few_marks(steps: Vec<Step>) -> Vec<Step> {
    let mut marks = 0;
    let kept = steps.into_iter().filter(|step| {
        marks += usize::from(matches!(step, Step::Mark(_)));
        marks <= 10 || !matches!(step, Step::Mark(_))
    });
    kept.collect()
}

/// Each step from the value before, or the one before that: deep programs, which need refreshes.
fn deep(steps: Vec<Step>) -> Vec<Step> {
    let near = |i: usize, n: usize| (n - 1).saturating_sub(i % 3);
    let place = |(n, step)| match step {
        Step::Lose(i, by) => Step::Lose(near(i, n), by),
        Step::Mark(i) => Step::Mark(near(i, n)),
        Step::Multiply(i, j) => Step::Multiply(near(i, n), near(j, n)),
    };
    steps.into_iter().zip(1..).map(|(step, n)| place((n, step))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_subset_is_cheaper(
        steps in prop::collection::vec(step(), 1..40).prop_map(few_marks),
        as_chain in any::<bool>(),
        costs in prop::collection::vec(1u32..5, 10),
        start in 4u32..8,
        output in 4u32..8,
        input in 0u32..3,
    ) {
        let steps = if as_chain { deep(steps) } else { steps };
        let (graph, budget) = (graph(&steps), Budget { start, input, output });
        let costs = &costs[..graph.nodes.len() - 1];
        match schedule(&graph, budget, &|point| f64::from(costs[point])) {
            Ok(found) => {
                prop_assert!(runs(&steps, budget, found.refresh.clone()));
                let cost: u32 = found.refresh.iter().zip(costs).filter(|(yes, _)| **yes).map(|(_, c)| c).sum();
                prop_assert_eq!(Some(cost), brute_force(&steps, budget, costs));
            }
            Err(error) => {
                prop_assert!(matches!(error, Error::Stretch { .. } | Error::TooFar { .. }), "{}", error);
                prop_assert_eq!(None, brute_force(&steps, budget, costs));
            }
        }
    }

    #[test]
    fn a_schedule_changes_no_graph(steps in prop::collection::vec(step(), 1..40).prop_map(deep)) {
        let first = graph(&steps);
        if let Ok(found) = schedule(&first, BUDGET, &|_| 1.0) {
            let tracer = Tracer::scheduled(2, BUDGET.start, &found).unwrap();
            let out = run(&tracer, tracer.input(), &steps).unwrap();
            let second = tracer.trace(&[out]);
            prop_assert_eq!(second.count(Op::Refresh), found.refreshes() as u64);
            prop_assert_eq!(second.points, first);
        }
    }
}

#[test]
fn a_long_chain_refreshes_as_rarely_as_possible() {
    let program = Logistic { steps: 200 };
    let follow = |tracer: &Tracer| {
        let out = program.run::<_, arras_circuits::Error>(tracer, &tracer.input(), |_, _| Ok(())).unwrap();
        tracer.trace(&[out])
    };
    let first = follow(&Tracer::unlimited(2).unwrap());
    assert_eq!((first.depth, first.points.nodes.len()), (200, 201));
    let found = schedule(&first.points, BUDGET, &|_| 2.0).unwrap();
    // 10 levels from each refresh to the next, and 12 after the last: 10 * 19 + 12 >= 200.
    assert_eq!(found.refreshes(), 19);
    let second = follow(&Tracer::scheduled(2, BUDGET.start, &found).unwrap());
    assert_eq!(second.count(Op::Refresh), 19);
    assert_eq!(second.count(Op::Product), 200);
    assert!(second.depth <= BUDGET.start);
}

/// Two values go the same way side by side but for one place, where they are one.
#[test]
fn narrow_places_and_cheap_points_are_preferred() {
    let mut steps = vec![Step::Lose(0, 3), Step::Lose(0, 3)];
    // Both marked: two refreshes. Then their product, marked as well: one.
    steps.extend([Step::Mark(1), Step::Mark(2), Step::Multiply(3, 4), Step::Mark(5), Step::Lose(6, 9)]);
    let graph = graph(&steps);
    let equal = schedule(&graph, BUDGET, &|_| 1.0).unwrap();
    assert_eq!(equal.refresh, [false, false, true]);
    // Were it dearer than both together, both would refresh.
    let dear = schedule(&graph, Budget { output: 13, ..BUDGET }, &|point| [1.0, 1.0, 5.0][point]).unwrap();
    assert_eq!(dear.refresh, [true, true, false]);
}

#[test]
fn nothing_is_refreshed_without_need() {
    let none = schedule(&graph(&[Step::Mark(0), Step::Lose(1, 12)]), BUDGET, &|_| 1.0).unwrap();
    assert_eq!(none.refreshes(), 0);
    let empty: Vec<bool> = schedule(&graph(&[]), BUDGET, &|_| 1.0).unwrap().refresh;
    assert!(empty.is_empty());
}

#[test]
fn what_is_too_long_is_said_with_numbers() {
    let error = schedule(&graph(&[Step::Mark(0), Step::Lose(1, 13)]), BUDGET, &|_| 1.0).unwrap_err();
    assert_eq!(error, Error::Stretch { from: 1, need: 13, have: 12 });
    let far = [Step::Mark(0), Step::Lose(1, 11), Step::Mark(2), Step::Lose(3, 2)];
    let error = schedule(&graph(&far), BUDGET, &|_| 1.0).unwrap_err();
    assert_eq!(error, Error::TooFar { from: 1, to: 2, need: 13, input: 2, have: 12 });
    assert!(error.to_string().contains("from point 1 (0 is the input) to point 2 levels run out (13 needed"));
    for value in [-1.0, f64::NAN, f64::INFINITY] {
        let error = schedule(&graph(&[Step::Mark(0)]), BUDGET, &|_| value).unwrap_err();
        assert!(matches!(error, Error::RefreshCost { point: 1, .. }), "{error}");
    }
}

#[test]
fn the_graph_is_that_of_the_program() {
    // x loses 2 and is marked; the mark loses 3; their product, marked, meets x again.
    let steps = [Step::Lose(0, 2), Step::Mark(1), Step::Lose(2, 3), Step::Multiply(3, 1), Step::Mark(4)];
    let node = |from: &[(usize, u32)], reach| Node { from: from.to_vec(), reach };
    let want = [node(&[], 3), node(&[(0, 2)], 4), node(&[(0, 3), (1, 4)], 0)];
    assert_eq!(graph(&steps).nodes, want);
}

#[test]
fn programs_with_more_points_than_the_schedule_are_refused() {
    let one = Schedule { input: 2, output: 12, refresh: vec![false] };
    let tracer = Tracer::scheduled(2, 12, &one).unwrap();
    let x: Traced = tracer.point(&tracer.input()).unwrap();
    assert_eq!(tracer.point(&x).unwrap_err(), arras_circuits::Error::Unscheduled { points: 1 });
}

//! Shortest paths in the clear and in the trace, beside Bellman and Ford's algorithm and a walk back along each path.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use arras_approx::Composite;
use arras_approx::degrees::{Goal, Products, fewest_products, least_depth};
use arras_apps::graph::{Graph, GraphError, Routes};
use arras_apps::program::Need;
use arras_apps::{Error, Paths, Prepared, Program};
use arras_circuits::{Clear, Error as CircuitError, Op, Points, Rotate, Sign};
use proptest::prelude::{Just, Strategy, prop_assert, prop_assert_eq, prop_oneof, proptest};

fn sign(paths: Paths) -> Sign {
    let [Need::Step { gap, error }] = paths.needs()[..] else { unreachable!("paths take one step") };
    let goal = Goal::new(1.0 - error.log2(), gap, 63).unwrap().with_input_margin(gap / 4.0).unwrap();
    let degrees = fewest_products(&goal, least_depth(&goal).unwrap(), Products::planned()).unwrap().degrees;
    let built = Composite::build(gap, gap / 4.0, &degrees, &mut |_, _| 0.0).unwrap();
    assert!(built.noisy_error() <= error * 1.001);
    Sign::new(built.polynomials()).unwrap()
}

fn prepared(paths: Paths) -> Prepared<Paths> {
    Prepared::new(paths, vec![sign(paths)], vec![0.1], None).unwrap()
}

/// What a run in the clear gives, rounded as one on ciphertexts is.
fn run(prepared: &Prepared<Paths>, graph: &Graph) -> Result<Routes, Error> {
    let paths = prepared.program();
    let clear = Clear::new(paths.slots()).unwrap();
    let inputs = paths.pack(graph)?;
    assert!(inputs[0].len() == paths.slots() && inputs[0].iter().all(|x| x.abs() <= paths.inputs()[0].size));
    let outputs = paths.run(&clear, prepared.signs(), &inputs)?;
    let kept = |op| clear.ranges().into_iter().filter(move |seen| seen.op == op);
    // Distances of one bit are off by as much as a hundredth of the largest x.
    assert!(kept("poly").all(|seen| seen.lo >= -1.05 && seen.hi <= 1.05));
    assert!(kept("point").all(|seen| seen.lo >= -1.0 && seen.hi <= 1.0));
    paths.unpack(&prepared.round(&outputs)?)
}

/// The distances from every node, by relaxing every edge until nothing changes.
fn bellman_ford(graph: &Graph, infinity: u64) -> Vec<Vec<u64>> {
    let n = graph.nodes();
    let from = |source: usize| {
        let mut distances = vec![infinity; n];
        distances[source] = 0;
        for _ in 0..n {
            for (i, j) in (0..n * n).map(|at| (at / n, at % n)) {
                if let Some(weight) = graph.weight(i, j) {
                    distances[j] = distances[j].min(distances[i] + weight);
                }
            }
        }
        distances
    };
    (0..n).map(from).collect()
}

/// Follows predecessors from every node back to every source, adding weights.
fn walk_back(graph: &Graph, routes: &Routes, infinity: u64) -> bool {
    let n = graph.nodes();
    (0..n * n).all(|at| {
        let (source, target) = (at / n, at % n);
        let (mut node, mut length) = (target, 0);
        for _ in 0..n {
            match routes.predecessors[source][node] {
                None => break,
                Some(before) => {
                    let Some(weight) = graph.weight(before, node) else { return false };
                    (node, length) = (before, length + weight);
                }
            }
        }
        let distance = routes.distances[source][target];
        if distance == infinity {
            routes.predecessors[source][target].is_none()
        } else {
            node == source && length == distance
        }
    })
}

/// Few different weights, so that lengths are tied; zeros; edges that are missing; rings and lines, whose paths are long.
fn graphs(bits: u32) -> impl Strategy<Value = Graph> {
    let most = (1_u64 << bits) - 2;
    (2..=9_usize).prop_flat_map(move |n| {
        let weight = prop_oneof![
            2 => Just(None),
            2 => (0..=most.min(2)).prop_map(Some),
            1 => (0..=most).prop_map(Some),
        ];
        let any = proptest::collection::vec(proptest::collection::vec(weight, n), n);
        let order = Just((0..n).collect::<Vec<usize>>()).prop_shuffle();
        let line = (order, 0..=most.min(3), proptest::bool::ANY).prop_map(move |(order, weight, closed)| {
            let mut rows = vec![vec![None; n]; n];
            let last = if closed { n } else { n - 1 };
            (0..last).for_each(|at| rows[order[at]][order[(at + 1) % n]] = Some(weight));
            rows
        });
        prop_oneof![3 => any.boxed(), 1 => line.boxed()].prop_map(|rows| Graph::new(&rows).unwrap())
    })
}

proptest! {
    #[test]
    fn routes_are_those_of_the_clear(graph in graphs(4), predecessors in proptest::bool::ANY) {
        let paths = Paths::new(graph.nodes(), 4, predecessors).unwrap();
        let exact = paths.exact(&graph);
        prop_assert_eq!(&exact.distances, &bellman_ford(&graph, 15));
        prop_assert!(!predecessors || walk_back(&graph, &exact, 15));
        prop_assert_eq!(run(&prepared(paths), &graph).unwrap(), exact);
    }

    #[test]
    fn reachable_nodes_are_found(graph in graphs(3)) {
        let graph = graph.unweighted();
        let paths = Paths::reach(graph.nodes()).unwrap();
        let exact = paths.exact(&graph);
        prop_assert_eq!(&exact.distances, &bellman_ford(&graph, 1));
        prop_assert!(exact.predecessors.is_empty());
        prop_assert_eq!(run(&prepared(paths), &graph).unwrap(), exact);
    }

    /// What `Paths::run` states of errors: with the decisions of the clear, an error l added to every value in each of n
    /// rounds comes to at most (n - r + 1) l from round r, and the error of the input to n - 1 times itself.
    #[test]
    fn errors_grow_with_the_pieces_of_a_path(graph in graphs(4), added in proptest::collection::vec(0..1000_u64, 10)) {
        let n = graph.nodes();
        let first = added[n];
        let weight = |i: usize, j: usize| if i == j { 0 } else { graph.weight(i, j).unwrap_or(15) };
        let mut values: Vec<Vec<(u64, u64)>> =
            (0..n).map(|i| (0..n).map(|j| (weight(i, j), first)).collect()).collect();
        let mut stated = (n as u64 - 1) * first;
        for k in 0..n {
            stated += (n as u64 - 1).min((n - k) as u64) * added[k];
            let before = values.clone();
            for (i, j) in (0..n * n).map(|at| (at / n, at % n)) {
                let (ways, errors) = (before[i][k].0 + before[k][j].0, before[i][k].1 + before[k][j].1);
                let value = &mut values[i][j];
                if ways < value.0 {
                    *value = (ways, errors);
                }
                value.1 += added[k];
                prop_assert!(value.1 <= stated, "{} of {stated} after pivot {k}", value.1);
            }
        }
    }

    #[test]
    fn files_of_any_text_are_read_or_refused(text in "[0-9,inf\\-. \r\n]{0,60}") {
        if let Ok(graph) = Graph::from_csv(&text) {
            prop_assert!(graph.nodes() >= 1);
        }
    }
}

#[test]
fn a_line_in_the_worst_order_is_exact() {
    // Each pivot joins two pieces: the error of the last path is that of all edges.
    for bits in [4, 8] {
        let n = 16;
        let mut rows = vec![vec![None; n]; n];
        (0..n - 1).for_each(|i| rows[i][i + 1] = Some(1));
        let graph = Graph::new(&rows).unwrap();
        let paths = Paths::new(n, bits, true).unwrap();
        let routes = run(&prepared(paths), &graph).unwrap();
        let infinity = paths.infinity();
        assert_eq!(routes.distances[0][n - 1], infinity.min(15));
        assert_eq!(routes.distances[n - 1][0], infinity);
        assert!(walk_back(&graph, &routes, infinity));
    }
}

#[test]
fn one_round_is_two_levels_a_sign_and_a_product() {
    for (nodes, predecessors, rotations) in [(16, true, 14), (16, false, 8), (5, true, 11), (128, true, 23)] {
        let prepared = prepared(Paths::new(nodes, 8, predecessors).unwrap());
        let trace = prepared.trace().unwrap();
        let sign = prepared.signs()[0].depth();
        assert_eq!(u64::from(trace.depth), nodes as u64 * u64::from(sign + 2));
        assert_eq!(trace.points.nodes.len(), nodes + 1);
        assert_eq!(trace.count(Op::Rotate), nodes as u64 * rotations);
        let products: u32 = prepared.signs()[0].stages().iter().map(|p| p.plan().products).sum();
        assert_eq!(trace.count(Op::Product), nodes as u64 * u64::from(products + 1));
    }
}

/// Programs state nothing of values that the clear reading cannot hold them to.
#[test]
fn a_statement_changes_no_value() {
    fn stated<B: Rotate + Points>(ops: &B, x: &B::Ct) -> Result<B::Ct, B::Error> {
        ops.settled(x, 3.0)
    }
    let clear = Clear::new(4).unwrap();
    let x = clear.input(&[0.5, -1.0, 0.0, 0.25]).unwrap();
    assert_eq!(stated(&clear, &x).unwrap(), x);
    assert_eq!(clear.fold(&x, &[0.0, 1.0, 0.0, 0.0], &[1, 2]).unwrap(), [-1.0; 4]);
}

#[test]
fn files_say_what_is_wrong_with_them() {
    let read = |text: &str| Graph::from_csv(text).unwrap_err();
    assert_eq!(read(""), GraphError::Empty);
    assert_eq!(read("0,1\n2,0,4\n"), GraphError::Ragged { row: 2, have: 3, need: 2 });
    assert!(matches!(read("0,-1\n2,0\n"), GraphError::Negative { row: 1, column: 2, .. }));
    assert!(matches!(read("0,1\nnan,0\n"), GraphError::Weight { row: 2, column: 1, .. }));
    assert!(matches!(read("0,1.5\n2,0\n"), GraphError::Weight { row: 1, column: 2, .. }));
    assert!(matches!(read("0,99999999999999999999\n2,0\n"), GraphError::Weight { .. }));
    let graph = Graph::from_csv("\u{feff}0, 7\r\ninf,\r\n").unwrap();
    assert_eq!((graph.weight(0, 1), graph.weight(1, 0), graph.weight(0, 0)), (Some(7), None, None));
}

#[test]
fn what_does_not_fit_is_refused() {
    assert_eq!(Paths::new(1, 8, true), Err(Error::Nodes { nodes: 1, least: 2, most: 128 }));
    assert_eq!(Paths::new(129, 8, true), Err(Error::Nodes { nodes: 129, least: 2, most: 128 }));
    assert_eq!(Paths::new(4, 0, true), Err(Error::Bits { bits: 0, least: 1, most: 12 }));
    let paths = Paths::new(2, 8, true).unwrap();
    let graph = |text: &str| Graph::from_csv(text).unwrap();
    let refused = Error::Weight { row: 1, column: 2, value: 255, most: 254, bits: 8 };
    assert_eq!(paths.pack(&graph("0,255\n1,0\n")), Err(refused));
    assert!(paths.pack(&graph("0,254\n,0\n")).is_ok());
    assert_eq!(paths.pack(&graph("0\n")), Err(Error::Nodes { nodes: 1, least: 2, most: 2 }));
    assert_eq!(paths.unpack(&[vec![0; 7]]), Err(Error::Answer));
    assert_eq!(paths.unpack(&[]), Err(Error::Columns { need: 1, have: 0 }));
    let of_another = Prepared::new(paths, vec![sign(paths)], vec![0.1], None).unwrap();
    let missing = paths.run(&Clear::new(paths.slots()).unwrap(), of_another.signs(), &[]);
    assert!(matches!(missing, Err(CircuitError::WrongLength { .. })));
}

#[test]
fn bytes_come_back() {
    let prepared = prepared(Paths::new(5, 4, true).unwrap());
    assert_eq!(Prepared::from_bytes(&prepared.to_bytes()).unwrap(), prepared);
    let hostile =
        String::from_utf8(prepared.to_bytes()).unwrap().replace("\"nodes\":5", "\"nodes\":5000000000");
    assert_eq!(Prepared::<Paths>::from_bytes(hostile.as_bytes()), Err(Error::Prepared));
}

/// Distances by road between 128 towns, scaled to 8 bits: the real case, where the data are there.
#[test]
fn towns_are_routed() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/graphs/knuth_miles_128.csv");
    let Ok(text) = std::fs::read_to_string(file) else {
        eprintln!("skipped: no shared data beside the checkout");
        return;
    };
    let graph = Graph::from_csv(&text).unwrap().scaled(254);
    assert_eq!((graph.nodes(), graph.most()), (128, 254));
    let paths = Paths::new(128, 8, true).unwrap();
    let exact = paths.exact(&graph);
    assert_eq!(exact.distances, bellman_ford(&graph, 255));
    assert!(walk_back(&graph, &exact, 255));
    assert_eq!(run(&prepared(paths), &graph).unwrap(), exact);
}

//! Trees: as scikit-learn predicts, whatever the packing, and by signs that are only just good enough.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::collections::BTreeMap;
use std::sync::Mutex;

use arras_approx::Composite;
use arras_apps::program::Need;
use arras_apps::tree::forest::{DEPTH, Node};
use arras_apps::tree::{Forest, Model, ModelError, Packing, Predict, Prediction, Samples};
use arras_apps::{Error, Prepared, Program};
use arras_circuits::{Clear, Op, Sign, Tracer};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A sign of as few stages as a need asks for, found once for each gap.
fn sign(need: Need) -> Sign {
    static FOUND: Mutex<BTreeMap<(u64, usize), Composite>> = Mutex::new(BTreeMap::new());
    let Need::Step { gap, error } = need else { panic!("trees take steps") };
    let mut found = FOUND.lock().unwrap();
    for stages in 1.. {
        let build = || Composite::build(gap, 0.0, &vec![7; stages], &mut |_, _| 0.0).unwrap();
        let composite = found.entry((gap.to_bits(), stages)).or_insert_with(build);
        if composite.certified_error() <= error {
            return Sign::new(composite.polynomials()).unwrap();
        }
    }
    unreachable!("some number of stages does")
}

/// A program with its signs; the bound is the one that it asks for.
fn prepared(program: Predict) -> Prepared<Predict> {
    let signs = program.needs().into_iter().map(sign).collect();
    let bounds = vec![0.25; program.outputs().len()];
    Prepared::new(program, signs, bounds, None).unwrap()
}

/// What comes out in the clear, by the rounding of whoever opens.
fn predict(prepared: &Prepared<Predict>, data: &Samples) -> Vec<Prediction> {
    let program = prepared.program();
    let packed = program.pack(data).unwrap();
    for (input, vector) in program.inputs().iter().zip(&packed) {
        assert_eq!(vector.len(), program.slots());
        assert!(vector.iter().all(|x| x.abs() <= input.size));
    }
    let ops = Clear::new(program.slots()).unwrap();
    let outputs = program.run(&ops, prepared.signs(), &packed).unwrap();
    program.unpack(&prepared.round(&outputs).unwrap()).unwrap()
}

/// Every packing, with thresholds in the open and hidden.
fn everyhow(bits: u32, forest: &Forest, thresholds: &[i64], rows: &[Vec<u32>]) -> Vec<Vec<Prediction>> {
    let mut all = Vec::new();
    for packing in [Packing::Paths, Packing::Nodes] {
        for hide in [false, true] {
            let given = || Some(thresholds.to_vec());
            let (public, hidden) = if hide { (None, given()) } else { (given(), None) };
            let program = Predict::new(bits, forest.clone(), public, rows.len(), packing).unwrap();
            let data = Samples { rows: rows.to_vec(), thresholds: hidden };
            let predictions = predict(&prepared(program.clone()), &data);
            assert_eq!(predictions, program.exact(&data), "{packing:?}, hidden: {hide}");
            all.push(predictions);
        }
    }
    all
}

#[test]
fn predictions_are_those_of_scikit_learn() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("vectors/trees.json")).unwrap();
    assert_eq!(cases.len(), 5);
    for case in cases {
        let model = Model::parse(&case["model"].to_string()).unwrap();
        let rows: Vec<Vec<f64>> = serde_json::from_value(case["rows"].clone()).unwrap();
        let samples = model.quantise(&rows, false).unwrap();
        for predictions in everyhow(model.bits(), model.forest(), model.thresholds(), &samples) {
            let classes: Vec<&Value> = predictions.iter().map(|p| &model.classes()[p.class]).collect();
            let expected: Vec<&Value> = case["classes"].as_array().unwrap().iter().collect();
            assert_eq!(classes, expected, "{}", case["name"]);
        }
    }
}

/// The class that a sample reaches in one tree in preorder, found by walking it, and what is left of the list.
fn walk<'a>(nodes: &'a [Node], thresholds: &'a [i64], sample: &[u32]) -> (Vec<u32>, &'a [Node], &'a [i64]) {
    match &nodes[0] {
        Node::Leaf(votes) => (votes.clone(), &nodes[1..], thresholds),
        Node::Split(feature) => {
            let (left, nodes, rest) = walk(&nodes[1..], &thresholds[1..], sample);
            let (right, nodes, rest) = walk(nodes, rest, sample);
            (if i64::from(sample[*feature]) <= thresholds[0] { left } else { right }, nodes, rest)
        }
    }
}

/// A tree in preorder, of some depth at most.
fn tree(features: usize, classes: usize, most: u32) -> impl Strategy<Value = Vec<Node>> {
    let leaf = prop::collection::vec(0..=most, classes).prop_map(|votes| vec![Node::Leaf(votes)]);
    leaf.prop_recursive(5, 40, 2, move |inner| {
        (0..features, inner.clone(), inner)
            .prop_map(|(feature, left, right)| [vec![Node::Split(feature)], left, right].concat())
    })
}

fn forest() -> impl Strategy<Value = Forest> {
    (1_usize..4, 1_usize..4, 1_u32..4).prop_flat_map(|(features, classes, most)| {
        prop::collection::vec(tree(features, classes, most), 1..4)
            .prop_filter_map("a split", move |trees| Forest::new(features, classes, trees).ok())
    })
}

fn case() -> impl Strategy<Value = (u32, Forest, Vec<i64>, Vec<Vec<u32>>)> {
    (1_u32..5, forest()).prop_flat_map(|(bits, forest)| {
        let (splits, features) = (forest.splits().len(), forest.features());
        // Ties are where a feature is a threshold or one more, and few bits have many.
        let thresholds = prop::collection::vec(-1..(1_i64 << bits), splits);
        let row = prop::collection::vec(0..(1_u32 << bits), features);
        (Just(bits), Just(forest), thresholds, prop::collection::vec(row, 1..9))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn votes_are_those_of_a_walk_down_each_tree((bits, forest, thresholds, rows) in case()) {
        for predictions in everyhow(bits, &forest, &thresholds, &rows) {
            for (prediction, sample) in predictions.iter().zip(&rows) {
                let mut votes = vec![0; forest.classes()];
                let mut rest = thresholds.as_slice();
                for nodes in forest.trees() {
                    let (leaf, none, left) = walk(nodes, rest, sample);
                    prop_assert!(none.is_empty());
                    rest = left;
                    votes.iter_mut().zip(leaf).for_each(|(sum, v)| *sum += u64::from(v));
                }
                prop_assert_eq!(&prediction.votes, &votes);
                prop_assert_eq!(votes[prediction.class], *votes.iter().max().unwrap());
            }
        }
    }

    #[test]
    fn a_forest_comes_back_from_its_text((bits, forest, thresholds, rows) in case()) {
        let program = Predict::new(bits, forest, Some(thresholds), rows.len(), Packing::Nodes).unwrap();
        let text = serde_json::to_string(&program).unwrap();
        prop_assert_eq!(serde_json::from_str::<Predict>(&text).unwrap(), program);
    }
}

/// A complete tree in which every level looks at a feature of its own.
fn complete(depth: usize) -> Forest {
    fn grow(at: usize, depth: usize, leaf: &mut u32) -> Vec<Node> {
        if at == depth {
            *leaf += 1;
            return vec![Node::Leaf(vec![1 - *leaf % 2, *leaf % 2])];
        }
        [vec![Node::Split(at)], grow(at + 1, depth, leaf), grow(at + 1, depth, leaf)].concat()
    }
    Forest::new(depth, 2, vec![grow(0, depth, &mut 0)]).unwrap()
}

#[test]
fn packings_follow_the_number_of_samples() {
    let forest = complete(6);
    assert_eq!(Packing::Paths.places(&forest), 8 * 64);
    assert_eq!(Packing::Nodes.places(&forest), 64);
    for (rows, packing) in
        [(1, Packing::Paths), (64, Packing::Paths), (200, Packing::Nodes), (20_000, Packing::Nodes)]
    {
        assert_eq!(Packing::choose(&forest, 8, rows).unwrap(), packing, "{rows}");
    }
}

#[test]
fn several_ciphertexts_hold_what_one_does_not() {
    let forest = complete(9);
    let thresholds = vec![1; forest.splits().len()];
    let rows: Vec<Vec<u32>> = (0..70_u32).map(|i| (0..9).map(|f| (i * 7 + f * 5) % 4).collect()).collect();
    let program = Predict::new(2, forest, Some(thresholds), rows.len(), Packing::Nodes).unwrap();
    assert_eq!(program.ciphertexts(), 2);
    assert_eq!(program.outputs().iter().map(|o| o.slots.len()).collect::<Vec<_>>(), [64, 6]);
    let data = Samples { rows, thresholds: None };
    assert_eq!(predict(&prepared(program.clone()), &data), program.exact(&data));
}

#[test]
fn levels_and_rotations_are_those_that_are_stated() {
    for (packing, extra, hoisted, rotations) in [(Packing::Paths, 0, 0, 3 + 6), (Packing::Nodes, 1, 7, 7 + 6)]
    {
        let forest = complete(6);
        let thresholds = vec![3; forest.splits().len()];
        let prepared = prepared(Predict::new(3, forest, Some(thresholds), 2, packing).unwrap());
        let trace = prepared.trace().unwrap();
        assert_eq!(trace.depth, prepared.signs()[0].depth() + extra + 3 + 1, "{packing:?}");
        assert_eq!(trace.count(Op::HoistedRotate), hoisted, "{packing:?}");
        assert_eq!(trace.count(Op::Rotate), rotations, "{packing:?}");
    }
    let bare = Tracer::unlimited(2).unwrap();
    let one = Forest::new(1, 2, vec![vec![Node::Split(0), Node::Leaf(vec![1, 0]), Node::Leaf(vec![0, 1])]]);
    let program = Predict::new(1, one.unwrap(), Some(vec![0]), 1, Packing::Paths).unwrap();
    let inputs = [bare.input(), bare.input()];
    assert!(program.run(&bare, &[sign(program.needs()[0])], &inputs).is_err(), "an input too many");
}

/// A file with one split; `change` makes something wrong of it.
fn file(change: impl FnOnce(&mut Value)) -> Result<Model, ModelError> {
    let mut file = json!({
        "format": "arras-tree", "bits": 4, "offset": [0, 1], "scale": [1, 0.5], "classes": ["a", 2],
        "trees": [{
            "feature": [1, -2, -2], "threshold": [2.5, -2, -2], "left": [1, -1, -1], "right": [2, -1, -1],
            "value": [[0.5, 0.5], [1, 0], [0, 1]],
        }],
    });
    change(&mut file);
    Model::parse(&file.to_string())
}

#[test]
fn files_that_hold_no_model_are_refused_in_a_sentence() {
    assert!(file(|_| ()).is_ok());
    let tree = "/trees/0";
    let says = |pointer: &str, value: Value, words: &str| {
        let error = file(|file| *file.pointer_mut(pointer).unwrap() = value).unwrap_err().to_string();
        assert!(error.contains(words), "{pointer}: {error}");
    };
    says("/format", json!("other"), "arras-tree");
    says("/bits", json!(17), "1 to 16");
    says("/scale", json!([1]), "the number of entries of scale is 1, and must be 2");
    says("/scale/0", json!(0), "the scale positive");
    says("/classes/0", json!([1]), "class 1 is neither");
    says("/classes", json!([]), "0 classes");
    says("/trees", json!([]), "no tree of the model has a split");
    says("/trees/0/threshold/0", json!(null), "missing values");
    says("/trees/0/threshold/0", json!(15.5), "bits of the model");
    says("/trees/0/threshold/0", json!(-0.5), "bits of the model");
    says("/trees/0/feature/0", json!(2), "tree 1, node 0: its feature");
    says("/trees/0/left/0", json!(0), "come after it");
    says("/trees/0/left/0", json!(2), "several nodes");
    says("/trees/0/left/0", json!(7), "no such node");
    says("/trees/0/left", json!([1, -1]), "the number of entries of left is 2, and must be 3");
    says("/trees/0/value/1", json!([1]), "one share for each class");
    says("/trees/0/value/1", json!([0, 0]), "positive sum");
    for (name, value) in [("votes", json!(0)), ("votes", json!(2000))] {
        let error = file(|file| file[name] = value).unwrap_err().to_string();
        assert!(error.contains("use 1 to 1024"), "{error}");
    }
    assert!(matches!(file(|file| file["more"] = json!(1)), Err(ModelError::Json(_))));
    assert!(matches!(Model::parse("{\"bits\": NaN}"), Err(ModelError::Missing)));
    assert!(matches!(Model::parse(""), Err(ModelError::Json(_))));
    let unreached = file(|file| {
        for (list, entry) in
            [("feature", json!(-2)), ("threshold", json!(-2)), ("left", json!(-1)), ("right", json!(-1))]
        {
            file.pointer_mut(&format!("{tree}/{list}")).unwrap().as_array_mut().unwrap().push(entry);
        }
        file["trees"][0]["value"].as_array_mut().unwrap().push(json!([1, 0]));
    });
    assert!(unreached.unwrap_err().to_string().contains("reached from the root"));
}

#[test]
fn a_tree_that_is_too_deep_is_refused() {
    let chain = |depth: usize| {
        let splits = (0..depth).flat_map(|_| [Node::Split(0), Node::Leaf(vec![1])]);
        Forest::new(1, 1, vec![splits.chain([Node::Leaf(vec![1])]).collect()])
    };
    assert_eq!(chain(DEPTH).unwrap().depth(), DEPTH);
    assert!(chain(DEPTH + 1).is_err());
    assert!(matches!(Forest::new(1, 1, vec![vec![Node::Split(0)]]), Err(Error::Tree { tree: 1 })));
    let two = vec![Node::Leaf(vec![1]), Node::Leaf(vec![1])];
    assert!(matches!(Forest::new(1, 1, vec![two]), Err(Error::Tree { tree: 1 })));
}

#[test]
fn paths_that_are_all_different_are_refused() {
    let stump = vec![Node::Split(0), Node::Leaf(vec![1]), Node::Leaf(vec![1])];
    let forest = Forest::new(1, 1, vec![stump; 8192]).unwrap();
    let refused = Predict::new(8, forest, None, 2, Packing::Nodes).unwrap_err();
    assert_eq!(refused, Error::Diagonals { have: 8193, most: 4096 });
}

#[test]
fn samples_are_rounded_refused_or_clamped() {
    let model = file(|_| ()).unwrap();
    // Halves go to the even integer, as numpy's do.
    let rows = [vec![0.5, 1.0], vec![1.5, 2.25], vec![15.0, 8.5]];
    assert_eq!(model.quantise(&rows, false).unwrap(), [[0, 0], [2, 2], [15, 15]]);
    let refused = |row: Vec<f64>, words: &str| {
        let error = model.quantise(&[vec![0.0, 1.0], row], false).unwrap_err().to_string();
        assert!(error.starts_with("row 2") && error.contains(words), "{error}");
    };
    refused(vec![0.0, 9.0], "feature 2: 9 is beyond what 4-bit features hold, which is 1 to 8.5");
    refused(vec![-1.0, 1.0], "feature 1: -1 is beyond");
    refused(vec![0.0, f64::NAN], "feature 2: the value is missing");
    refused(vec![0.0], "the number of values is 1, and must be 2, one for each feature");
    assert_eq!(model.quantise(&[vec![-3.0, 1e300]], true).unwrap(), [[0, 15]]);
    assert!(model.quantise(&[vec![f64::INFINITY, 1.0]], true).is_err());
}

#[test]
fn data_that_do_not_fit_the_program_are_refused() {
    let model = file(|_| ()).unwrap();
    let program =
        |thresholds: Option<Vec<i64>>| Predict::new(4, model.forest().clone(), thresholds, 2, Packing::Paths);
    assert!(matches!(program(Some(vec![16])), Err(Error::Threshold { split: 1, most: 15 })));
    assert!(matches!(program(Some(vec![1, 2])), Err(Error::Columns { need: 1, have: 2 })));
    let open = program(Some(vec![2])).unwrap();
    let data = |rows: &[[u32; 2]], thresholds| Samples {
        rows: rows.iter().map(|r| r.to_vec()).collect(),
        thresholds,
    };
    assert!(open.pack(&data(&[[1, 2], [3, 4]], None)).is_ok());
    assert!(matches!(open.pack(&data(&[[1, 2]], None)), Err(Error::Size { have: 1, .. })));
    assert!(matches!(
        open.pack(&data(&[[1, 2], [3, 16]], None)),
        Err(Error::Value { row: 2, column: 2, value: 16, most: 15 })
    ));
    assert!(open.pack(&data(&[[1, 2], [3, 4]], Some(vec![2]))).is_err());
    let hidden = program(None).unwrap();
    assert!(!serde_json::to_string(&hidden).unwrap().contains("thresholds"));
    assert!(hidden.pack(&data(&[[1, 2], [3, 4]], None)).is_err());
    assert!(hidden.pack(&data(&[[1, 2], [3, 4]], Some(vec![16]))).is_err());
    assert_eq!(hidden.pack(&data(&[[1, 2], [3, 4]], Some(vec![2]))).unwrap().len(), 2);
    assert!(Predict::new(4, model.forest().clone(), None, 0, Packing::Paths).is_err());
}

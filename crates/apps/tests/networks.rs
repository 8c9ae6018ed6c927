//! Networks: as scikit-learn scores, and refused where their ranges say nothing.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::collections::HashMap;

use arras_approx::Composite;
use arras_apps::infer::{Infer, Network, NetworkError};
use arras_apps::program::Need;
use arras_apps::{Error, Prepared, Program};
use arras_circuits::{Clear, Op, Sign};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::{Value, json};

/// A sign of as few stages as a need asks for.
fn sign(need: Need) -> Sign {
    let Need::Ramp { error } = need else { panic!("networks take ramps") };
    let build =
        |stages: usize| Composite::build(4.0 * error, 0.0, &vec![7; stages], &mut |_, _| 0.0).unwrap();
    let composite = (2..).map(build).find(|composite| composite.weighted_error() <= error).unwrap();
    Sign::new(composite.polynomials()).unwrap()
}

fn cases() -> Vec<Value> {
    serde_json::from_str(include_str!("vectors/networks.json")).unwrap()
}

fn prepared(network: Network, rows: usize, bits: u32) -> Prepared<Infer> {
    let program = Infer::new(network, rows, bits).unwrap();
    let signs = program.needs().into_iter().map(sign).collect();
    Prepared::new(program, signs, vec![10.0], None).unwrap()
}

#[test]
fn scores_are_those_of_scikit_learn() {
    for case in cases() {
        let network = Network::parse(&case["network"].to_string()).unwrap();
        let rows: Vec<Vec<f64>> = serde_json::from_value(case["rows"].clone()).unwrap();
        let expected: Vec<Vec<f64>> = serde_json::from_value(case["scores"].clone()).unwrap();
        network.check(&rows).unwrap();
        let prepared = prepared(network.clone(), rows.len(), 14);
        let program = prepared.program();
        let ops = Clear::new(program.slots()).unwrap();
        let outputs = program.run(&ops, prepared.signs(), &program.pack(&rows).unwrap()).unwrap();
        let opened = program.unpack(&prepared.round(&outputs).unwrap()).unwrap();
        // 2^-14 of the most that a neuron can be, for each of a few neurons.
        let bound = 1e-3 * network.most().last().unwrap().iter().copied().fold(0.0, f64::max);
        let label = |class: usize| &network.file().classes[class];
        for (i, (opened, exact)) in opened.iter().zip(program.exact(&rows)).enumerate() {
            assert_eq!(label(exact.class), &case["classes"][i], "{}", case["name"]);
            for (score, (exact, expected)) in opened.scores.iter().zip(exact.scores.iter().zip(&expected[i]))
            {
                assert!((exact - expected).abs() < 1e-9, "{}: {exact} {expected}", case["name"]);
                assert!((score - exact).abs() < bound, "{}: {score} {exact} {bound}", case["name"]);
            }
        }
    }
}

#[test]
fn values_stay_in_the_ranges_that_follow_from_the_features() {
    for case in cases() {
        let network = Network::parse(&case["network"].to_string()).unwrap();
        let ends = |corner: usize| {
            let end =
                |(i, (low, high)): (usize, &(f64, f64))| if corner >> i & 1 == 0 { *low } else { *high };
            network.file().ranges.iter().enumerate().map(end).collect::<Vec<f64>>()
        };
        let corners: Vec<Vec<f64>> = (0..32).map(ends).collect();
        let prepared = prepared(network, 32, 10);
        let ops = Clear::new(prepared.program().slots()).unwrap();
        let packed = prepared.program().pack(&corners).unwrap();
        prepared.program().run(&ops, prepared.signs(), &packed).unwrap();
        // The statements of the program are held to what comes, and each polynomial to its domain.
        assert!(ops.ranges().iter().all(|seen| seen.lo >= -1.02 && seen.hi <= 1.02), "{}", case["name"]);
    }
}

#[test]
fn a_layer_takes_a_level_and_a_relu_one_more_than_its_sign() {
    let network = Network::parse(&cases()[3]["network"].to_string()).unwrap();
    let prepared = prepared(network, 4, 8);
    let trace = prepared.trace().unwrap();
    let signs: u32 = prepared.signs().iter().map(Sign::depth).sum();
    assert_eq!(trace.depth, signs + 2 + 3);
    // Of diagonals without an entry none is multiplied.
    assert_eq!(trace.count(Op::PlainProduct), 8 + 8 + 4);
    let text = serde_json::to_string(prepared.program()).unwrap();
    assert_eq!(&serde_json::from_str::<Infer>(&text).unwrap(), prepared.program());
}

fn file(change: impl FnOnce(&mut Value)) -> Result<Network, NetworkError> {
    let mut file = json!({
        "format": "arras-network", "ranges": [[0, 1], [-2, 2]], "classes": ["no", "yes"],
        "layers": [{"weights": [[1, 2], [3, 4]], "bias": [0.5, 0]}, {"weights": [[1, -1]], "bias": [0]}],
    });
    change(&mut file);
    Network::parse(&file.to_string())
}

#[test]
fn files_that_hold_no_network_are_refused_in_a_sentence() {
    let most = file(|_| ()).unwrap().most().concat();
    assert!(
        most.iter().zip([5.5, 11.0, 11.0]).all(|(most, exact)| (0.0..1e-9).contains(&(most - exact))),
        "{most:?}"
    );
    let says = |pointer: &str, value: Value, words: &str| {
        let error = file(|file| *file.pointer_mut(pointer).unwrap() = value).unwrap_err().to_string();
        assert!(error.contains(words), "{pointer}: {error}");
    };
    says("/format", json!("other"), "arras-network");
    says("/ranges", json!([]), "feature 1 has no range");
    says("/ranges/1", json!([2, -2]), "feature 2 has no range");
    says("/ranges", json!([[0, 1]]), "layer 1 does not fit: each neuron");
    says("/layers", json!([]), "0 layers");
    says("/layers/0/bias", json!([1]), "layer 1 does not fit: each neuron needs a bias");
    says("/layers/1/weights/0", json!([1]), "layer 2 does not fit: each neuron");
    says("/layers/1/weights/0/0", json!(1e308), "layer 2 does not fit: its weights");
    says("/classes", json!([1, 2, 3]), "the number of classes is 3, and that of scores 1");
    assert!(matches!(file(|file| file["more"] = json!(1)), Err(NetworkError::Json(_))));
    assert!(matches!(Network::parse("NaN"), Err(NetworkError::Json(_))));
}

#[test]
fn samples_out_of_their_ranges_are_refused() {
    let network = file(|_| ()).unwrap();
    let check = |row: &[f64]| network.check(&[vec![0.0, 0.0], row.to_vec()]);
    assert!(check(&[1.0, -2.0]).is_ok());
    assert!(matches!(check(&[1.0]), Err(NetworkError::Features { row: 2, need: 2, have: 1 })));
    assert!(matches!(check(&[1.0, 2.1]), Err(NetworkError::OutOfRange { row: 2, feature: 2, .. })));
    assert!(check(&[f64::NAN, 0.0]).is_err());
    let program = Infer::new(network.clone(), 1, 8).unwrap();
    assert!(matches!(program.pack(&vec![vec![1.5, 0.0]]), Err(Error::OutOfRange { row: 1, column: 1, .. })));
    assert!(matches!(program.pack(&vec![vec![1.0]]), Err(Error::Columns { .. })));
    assert!(matches!(program.pack(&vec![]), Err(Error::Size { .. })));
    assert!(Infer::new(network.clone(), 1 << 15, 8).is_err());
    assert!(Infer::new(network, 1, 3).is_err());
}

#[test]
fn safetensors_hold_the_same_network() {
    let bytes = |values: &[f32]| values.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
    let tensors = [
        ("0.weight", vec![2, 2], bytes(&[1.0, 2.0, 3.0, 4.0])),
        ("0.bias", vec![2], bytes(&[0.5, 0.0])),
        ("2.weight", vec![1, 2], bytes(&[1.0, -1.0])),
        ("2.bias", vec![1], bytes(&[0.0])),
        ("ranges", vec![2, 2], bytes(&[0.0, 1.0, -2.0, 2.0])),
    ];
    let write = |tensors: &[(&str, Vec<usize>, Vec<u8>)], format: &str| {
        let views = tensors
            .iter()
            .map(|(name, shape, data)| (*name, TensorView::new(Dtype::F32, shape.clone(), data).unwrap()));
        let metadata = [("format", format), ("classes", "[\"no\", \"yes\"]")];
        let metadata: HashMap<String, String> = metadata.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        safetensors::serialize(views.collect::<Vec<_>>(), Some(metadata)).unwrap()
    };
    let read = |tensors: &[_], format| Network::from_safetensors(&write(tensors, format));
    assert_eq!(read(&tensors, "arras-network").unwrap(), file(|_| ()).unwrap());
    assert!(matches!(read(&tensors, "other"), Err(NetworkError::Format)));
    assert!(matches!(read(&tensors[..4], "arras-network"), Err(NetworkError::Range { feature: 1 })));
    let strange = [("0.scale", vec![1], bytes(&[1.0]))];
    assert!(matches!(read(&strange, "arras-network"), Err(NetworkError::Tensor { .. })));
    assert!(matches!(Network::from_safetensors(b"{}"), Err(NetworkError::Safetensors(_))));
}

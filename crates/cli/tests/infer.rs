//! Networks from the command line: all in one go, one party at a time, and every reason to refuse.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod arras;

use arras::{Folder, Outcome, arras};
use serde_json::{Value, json};

fn predict(folder: &Folder, network: &str, samples: &str, more: &[&str]) -> Outcome {
    let (model, file) = (folder.write("network.json", network), folder.write("samples.csv", samples));
    arras(&[&["infer", "predict", "--model", &model, "--in", &file, "--json"][..], more].concat())
}

/// relu(x) - relu(y) on [-2, 2]^2: which of them is the larger, where one is positive.
fn network() -> Value {
    json!({
        "format": "arras-network", "ranges": [[-2, 2], [-2, 2]], "classes": ["second", "first"],
        "layers": [{"weights": [[1, 0], [0, 1]], "bias": [0, 0]}, {"weights": [[1, -1]], "bias": [0]}],
    })
}

#[test]
fn a_network_scores_encrypted_samples() {
    let folder = Folder::new();
    let samples = "a,b,which\n2,1,first\n-1,1.5,second\n0.5,-2,first\n0.25,2,second\n";
    let report = predict(&folder, &network().to_string(), samples, &["--labelled", "--check"]).json();
    assert_eq!((&report["wrong"], &report["accuracy"]), (&json!(0), &json!(1.0)));
    let bound = report["bound"].as_f64().unwrap();
    assert!(bound < 0.05, "{bound}");
    for (score, exact) in report["scores"].as_array().unwrap().iter().zip([1.0, -1.5, 0.5, -1.75]) {
        assert!((score[0].as_f64().unwrap() - exact).abs() <= bound);
    }
}

#[test]
fn each_party_does_its_part() {
    let folder = Folder::new();
    let mut file = network();
    // Logistic regression: one layer, and a score for each class.
    file["layers"] = json!([{"weights": [[1, 0], [0, 1]], "bias": [0, 0.5]}]);
    let (model, samples) =
        (folder.write("network.json", &file.to_string()), folder.write("samples.csv", "1,2\n2,-1\n"));
    folder.seal("infer", &["--model", &model, "--in", &samples]);
    folder.run_without_secret("infer").fine();
    let opened = folder.open("infer", "answer").json();
    assert_eq!(opened["classes"], json!(["first", "second"]));
    assert!((opened["scores"][0][1].as_f64().unwrap() - 2.5).abs() < 1e-3);
}

#[test]
fn what_does_not_fit_is_refused() {
    let folder = Folder::new();
    let good = network().to_string();
    let samples = |samples: &str, words: &str| predict(&folder, &good, samples, &[]).refused(words);
    samples("", "holds no samples");
    samples("1\n", "line 1: the number of values is 1, and must be 2, one for each feature");
    samples("1,1,0\n", "say --labelled");
    samples("1,1\n\n1,2.5\n", "line 3, column 2: 2.5 is not in the range of the network, -2 to 2");
    samples("1,nan\n", "line 1, column 2: the value is missing or not finite");
    let with = |name: &str, value: Value, words: &str| {
        let mut file = network();
        file[name] = value;
        predict(&folder, &file.to_string(), "1,1\n", &[]).refused(words);
    };
    with("ranges", json!([]), "feature 1 has no range");
    with("classes", json!([1]), "the number of classes is 1, and that of scores 1");
    with("more", json!(1), "unknown field");
    predict(&folder, "", "1,1\n", &[]).refused("this is no network");
    predict(&folder, "{\"format\"", "1,1\n", &[]).refused("this is no network");
}

//! Trees from the command line: all in one go, one party at a time, and every reason to refuse.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod arras;

use std::path::Path;

use arras::{Folder, Outcome, arras};
use serde_json::{Value, json};

/// Three features of 5 bits; the class is decided by two of them.
const LABELLED: &str = "width,height,depth,kind\n1,2,30,small\n2,2,4,small\n3,9,1,small\n20,3,0,flat\n25,5,31,flat\n\
                        31,1,7,flat\n22,20,8,large\n27,31,9,large\n30,16,2,large\n21,18,21,large\n";

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("labelled.csv", LABELLED);
    folder
}

fn train(folder: &Folder, more: &[&str]) -> Value {
    let (file, out) = (folder.text("labelled.csv"), folder.text("tree.json"));
    let args = ["tree", "train", "--in", &file, "--bits", "5", "--depth", "3", "--out", &out, "--json"];
    arras(&[&args[..], more].concat()).json()
}

fn predict(folder: &Folder, samples: &str, more: &[&str]) -> Outcome {
    let (model, file) = (folder.text("tree.json"), folder.write("samples.csv", samples));
    arras(&[&["tree", "predict", "--model", &model, "--in", &file, "--json"][..], more].concat())
}

#[test]
fn a_trained_tree_classifies_encrypted_samples() {
    let folder = folder();
    let trained = train(&folder, &[]);
    assert_eq!(trained["accuracy"], 1.0);
    assert_eq!(trained["classes"], json!(["flat", "large", "small"]));
    let report = predict(&folder, LABELLED, &["--labelled", "--check", "--hide-thresholds"]).json();
    assert_eq!((&report["wrong"], &report["accuracy"]), (&json!(0), &json!(1.0)));
    assert_eq!(report["classes"].as_array().unwrap().len(), 10);
    assert_eq!(report["classes"][3], "flat");
    assert_eq!(report["thresholds_hidden"], true);
    // Ten samples take one run here, and a step for each split of each sample there.
    assert_eq!(report["plan"]["choice"]["lost"].as_array().unwrap().len(), 1);
    assert!(report["plan"]["certificate"]["bounds"][0].as_f64().unwrap() < 0.5);
}

#[test]
fn each_party_does_its_part() {
    let folder = folder();
    train(&folder, &["--trees", "3"]);
    let samples = folder.write("samples.csv", "2,2,4\n27,31,9\n");
    let model = folder.text("tree.json");
    folder.seal("tree", &["--model", &model, "--in", &samples]);
    folder.run_without_secret("tree").fine();
    let [keys, task, answer] = ["keys", "task", "answer"].map(|name| folder.text(name));
    let named =
        ["tree", "open", "--keys", &keys, "--task", &task, "--in", &answer, "--json", "--model", &model];
    let opened = arras(&named).json();
    assert_eq!(opened["classes"], json!(["small", "large"]));
    assert_eq!(opened["votes"].as_array().unwrap().len(), 2);
    assert_eq!(folder.open("tree", "answer").json()["classes"], json!([2, 1]));
    train(&folder, &["--trees", "3", "--seed", "7"]);
    arras(&named).refused("not the one that the samples were sealed for");
    arras::damage(Path::new(&task), |bytes| bytes.truncate(bytes.len() / 2));
    folder.run("tree").refused("hold no program");
}

#[test]
fn samples_that_do_not_fit_are_refused() {
    let folder = folder();
    train(&folder, &[]);
    let refused = |samples: &str, words: &str| predict(&folder, samples, &[]).refused(words);
    refused("", "holds no samples");
    refused("width,height,depth\n", "holds no samples");
    refused("1,2,3\n4,5\n", "line 2: the number of values is 2, and must be 3, as in the lines before it");
    refused("1,2\n", "line 1: the number of values is 2, and must be 3, one for each feature");
    refused("1,2,3,small\n", "line 1, column 4: \"small\" is not a number");
    refused("1,2,3,4\n", "say --labelled");
    refused("1,2,3\n\n1,,3\n", "line 3, column 2: the value is missing");
    refused("1,NaN,3\n", "line 1, column 2: the value is missing or not finite");
    refused("1,2,x\n", "line 1, column 3: \"x\" is not a number");
    refused(
        "1,2,3\n1,99,3\n",
        "line 2, column 2: 99 is beyond what the model's 5-bit features hold, 1 to 32",
    );
    refused(
        "height,width,depth\n1,2,3\n",
        "feature \"width\" where the header of the samples has \"height\"",
    );
    predict(&folder, "1,99,3\n", &["--clamp", "--check"]).fine();
}

#[test]
fn models_that_are_none_are_refused() {
    let folder = folder();
    train(&folder, &[]);
    let good: Value = serde_json::from_slice(&std::fs::read(folder.path("tree.json")).unwrap()).unwrap();
    let refused = |text: &str, words: &str| {
        folder.write("tree.json", text);
        predict(&folder, "1,2,3\n", &[]).refused(words);
    };
    refused("", "no model of trees");
    refused("{\"format\": \"arras-tree\", \"bits\": Infinity}", "missing values");
    let with = |name: &str, value: Value| {
        let mut model = good.clone();
        model[name] = value;
        model.to_string()
    };
    refused(&with("bits", json!(40)), "1 to 16");
    refused(&with("trees", json!([])), "no tree of the model has a split");
    refused(&with("more", json!(1)), "unknown field");
    folder.write("labelled.csv", "1,2,a\n3,4,a\n");
    let train = |file: &str| arras(&["tree", "train", "--in", file, "--out", &folder.text("new.json")]);
    train(&folder.text("labelled.csv")).refused("and that of classes 1");
    train("/nonexistent").refused("/nonexistent cannot be read");
    assert!(!folder.path("new.json").exists());
}

#[test]
fn breast_cancer_is_classified_in_bulk() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/uci/breast_cancer.csv");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: {} is not there", path.display());
        return;
    };
    let folder = folder();
    // The first line counts samples and features.
    let labelled = text.split_once('\n').unwrap().1;
    folder.write("labelled.csv", labelled);
    let (file, out) = (folder.text("labelled.csv"), folder.text("tree.json"));
    let trained = arras(&["tree", "train", "--in", &file, "--depth", "6", "--out", &out, "--json"]).json();
    let report = predict(&folder, labelled, &["--labelled", "--check"]).json();
    assert_eq!(report["samples"], 569);
    assert_eq!(report["packing"], "nodes");
    assert_eq!((&report["wrong"], &report["accuracy"]), (&json!(0), &trained["accuracy"]));
}

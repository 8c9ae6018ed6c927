//! Transformers from the command line: one process, three parties, and bad input.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod arras;
#[path = "../../nn/tests/toy/mod.rs"]
#[allow(dead_code, reason = "of the small models, only the numbers are used here")]
mod toy;

use arras::{Outcome, arras};
use arras_nn::transformer::Shape;
use tempfile::TempDir;
use toy::transformer::{TEXTS, transformer};

/// A folder with a model file, and with keys once they were made.
struct Work {
    folder: TempDir,
}

impl Work {
    fn new(shape: Shape) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("model"), transformer(shape, 7).to_bytes().unwrap()).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Runs a command with files of this folder.
    fn run(&self, args: &[&str], files: &[(&str, &str)]) -> Outcome {
        let paths: Vec<(&str, String)> = files.iter().map(|(flag, name)| (*flag, self.path(name))).collect();
        let files = paths.iter().flat_map(|(flag, path)| [*flag, path.as_str()]);
        arras(&args.iter().copied().chain(files).collect::<Vec<_>>())
    }
}

/// Rounding, noise, and the polynomial in place of the logistic function.
const ERROR: f64 = 1e-2;

#[test]
fn a_transformer_answers_like_the_plain_one() {
    let work = Work::new(Shape { layers: 1, width: 4, heads: 2, hidden: 4, lanes: 8 });
    let (model, keys) = (("--model", "model"), ("--keys", "keys"));
    let classified = work.run(&["classify", TEXTS[0], TEXTS[1], "--json"], &[model, keys]).json();
    assert_eq!(classified["security_bits"], 128);
    for answer in classified["results"].as_array().unwrap() {
        assert!(answer["difference"].as_f64().unwrap().abs() < ERROR, "{answer}");
    }
    // Three parties, with the keys that are there.
    work.run(&["seal", TEXTS[0]], &[model, keys, ("--out", "sealed")]).fine();
    let evaluation = ("--evaluation-keys", "keys/evaluation.key");
    work.run(&["run"], &[model, evaluation, ("--in", "sealed"), ("--out", "answer")]).fine();
    let opened = work.run(&["open", "--json"], &[model, keys, ("--in", "answer")]).json();
    assert_eq!(opened["precision_bits"], 8);
    let there = opened["results"][0]["probability"].as_f64().unwrap();
    assert!((there - classified["results"][0]["plain_probability"].as_f64().unwrap()).abs() < ERROR);
    // What is wrong is said before anything runs.
    let long = "good film . ".repeat(9);
    work.run(&["classify", &long], &[model, keys]).refused("29 pieces");
    work.run(&["seal", "--mode", "throughput", TEXTS[0]], &[model, keys, ("--out", "other")])
        .refused("latency");
    work.run(&["run"], &[evaluation, ("--in", "sealed"), ("--out", "other")]).refused("another model");
    let cut = work.run(&["classify", &long, "--truncate", "--json"], &[model, keys]);
    assert!(cut.err.contains("are left out"), "{}", cut.err);
    assert!(cut.json()["results"][0]["difference"].as_f64().unwrap().abs() < ERROR);
}

/// The goals of the size that is to be shipped, but for time.
#[test]
#[ignore = "full size: minutes"]
fn two_layers_of_width_128_on_labelled_sentences() {
    let work = Work::new(Shape { layers: 2, width: 128, heads: 4, hidden: 128, lanes: 64 });
    let lines: Vec<String> = TEXTS.iter().map(|text| format!("{text}\t1")).collect();
    std::fs::write(work.path("dev.tsv"), format!("sentence\tlabel\n{}\n", lines.join("\n"))).unwrap();
    let files = [("--model", "model"), ("--data", ".")];
    let report = work.run(&["eval", "sst2", "--encrypted", "--limit", "3", "--json"], &files).json();
    println!("{report:#}");
    let number = |name: &str| report[name].as_f64().unwrap();
    assert_eq!((number("failures"), number("agreement"), number("refreshes")), (0.0, 1.0, 0.0));
    assert!(number("evaluation_key_bytes") <= 1.5e9 && number("peak_bytes") <= 6e9);
    assert!(number("max_abs_error") < ERROR && number("log2_qp") <= 868.0);
}

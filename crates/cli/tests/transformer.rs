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
    let work = Work::new(TINY);
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
    assert!(cut.err.contains("left out: "), "{}", cut.err);
    assert!(cut.json()["results"][0]["difference"].as_f64().unwrap().abs() < ERROR);
}

const TINY: Shape = Shape { layers: 1, width: 4, heads: 2, hidden: 4, lanes: 8 };

/// A table of so many sentences.
fn table(work: &Work, count: usize) {
    let rows: String = (0..count)
        .map(|at| {
            format!("{}\t{}\n", ["good", "dull", "a charming film .", "not good"][at % 4], (at + 1) % 2)
        })
        .collect();
    std::fs::write(work.path("dev.tsv"), format!("sentence\tlabel\n{rows}")).unwrap();
}

#[test]
fn an_evaluation_goes_on_where_it_was_stopped() {
    let work = Work::new(TINY);
    table(&work, 5);
    let files = [("--model", "model"), ("--data", "."), ("--journal", "journal")];
    let eval = |more: &[&str]| work.run(&[&["eval", "sst2", "--encrypted", "--json"], more].concat(), &files);
    assert_eq!(eval(&["--limit", "2"]).json()["sentences"], 2);
    // The second sentence is lost with the end of its line, and what was before it stays.
    let two = std::fs::read_to_string(work.path("journal")).unwrap();
    assert_eq!(two.lines().count(), 3);
    std::fs::write(work.path("journal"), &two[..two.len() - 9]).unwrap();
    let all = eval(&["--threads", "1"]).json();
    let five = std::fs::read_to_string(work.path("journal")).unwrap();
    assert_eq!((five.lines().count(), five.lines().nth(1)), (6, two.lines().nth(1)));
    assert_eq!((&all["sentences"], &all["failures"], &all["agreement"]), (&5.into(), &0.into(), &1.0.into()));
    // Nothing is left to run: no keys are made, and the report is the same.
    let again = eval(&["--limit", "1"]).json();
    assert_eq!((&again["key_seconds"], &again["sentences"]), (&0.0.into(), &5.into()));
    for figure in ["plain", "encrypted", "predictions", "run_seconds", "peak_bytes", "ciphertext_bytes"] {
        assert_eq!(again[figure], all[figure], "{figure}");
    }
    for figure in ["ece", "ece_before_temperature", "entropy_bits", "auroc", "f1"] {
        assert!(all["plain"][figure].is_f64() && all["encrypted"][figure].is_f64(), "{figure}");
    }
    table(&work, 6);
    eval(&[]).refused("for another table of sentences");
    std::fs::write(work.path("model"), transformer(TINY, 8).to_bytes().unwrap()).unwrap();
    eval(&[]).refused("for another model");
    assert_eq!(std::fs::read_to_string(work.path("journal")).unwrap(), five);
}

#[cfg(unix)]
#[test]
fn a_signal_leaves_a_whole_journal() {
    let work = Work::new(TINY);
    table(&work, 400);
    let [model, data, journal] = ["model", ".", "journal"].map(|name| work.path(name));
    let words = ["eval", "sst2", "--encrypted", "--model", &model, "--data", &data, "--journal", &journal];
    let mut child = arras::command(&words).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let lines = || std::fs::read_to_string(&journal).unwrap_or_default().lines().count();
    while lines() < 3 && child.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && said.contains("goes on from there"), "{said}");
    let text = std::fs::read_to_string(&journal).unwrap();
    assert!(text.ends_with('\n') && (4..402).contains(&(lines() + 1)), "{}", lines());
}

#[test]
fn a_page_tells_of_a_run() {
    let work = Work::new(TINY);
    table(&work, 4);
    std::fs::rename(work.path("model"), work.path("m<i>")).unwrap();
    let files = [("--model", "m<i>"), ("--data", ".")];
    let eval = work.run(&["eval", "sst2", "--encrypted", "--layers", "--json"], &files).fine().out;
    let report: serde_json::Value = serde_json::from_str(&eval).unwrap();
    let layers = report["layers"].as_array().unwrap();
    let stages: Vec<&str> = layers.iter().map(|layer| layer["stage"].as_str().unwrap()).collect();
    assert_eq!(stages, ["input", "layer 1, classifier", "logistic polynomial"]);
    for layer in layers {
        let number = |name: &str| layer[name].as_f64().unwrap();
        assert!(number("max_abs_error") > 0.0 && number("max_abs_error") < 1e-2, "{layer}");
        assert!(number("rms_error") <= number("max_abs_error") && number("seconds") > 0.0, "{layer}");
    }
    std::fs::write(work.path("eval"), eval).unwrap();
    let log: String = (1..50)
        .map(|step| format!("{{\"step\":{step},\"loss\":{},\"rate\":0.001}}\n", 1.0 / f64::from(step)))
        .collect();
    std::fs::write(work.path("log"), log).unwrap();
    let files = [("--eval", "eval"), ("--training", "log"), ("--out", "page.html")];
    work.run(&["report", "--title", "<script> & co", "--json"], &files).fine();
    let page = std::fs::read_to_string(work.path("page.html")).unwrap();
    for words in
        ["Reliability", "Entropy", "Layers", "Training", "log2 qp", "&lt;script&gt; &amp; co", "m&lt;i&gt;"]
    {
        assert!(page.contains(words), "{words}");
    }
    assert_eq!(page.matches("<svg").count(), 5);
    assert!(!page.contains("<script") && !page.contains("<i>") && !page.contains("NaN"));
    // What is not such a file is named, and nothing is written.
    work.run(&["report"], &[("--eval", "log"), ("--out", "other")]).refused("is not what");
    work.run(&["report"], &[("--training", "eval"), ("--out", "other")]).refused("is not a log");
    assert!(!std::path::Path::new(&work.path("other")).exists());
}

/// Names stand for the models in the command itself, and the transformer is the default.
#[test]
fn models_go_by_name() {
    let work = Work::new(TINY);
    let rows = "a gripping , beautifully shot film\t1\na tedious mess\t0\n";
    std::fs::write(work.path("dev.tsv"), format!("sentence\tlabel\n{rows}")).unwrap();
    for model in ["sst2-small", "sst2-words"] {
        let report = work.run(&["eval", "sst2", "--model", model, "--json"], &[("--data", ".")]).json();
        assert_eq!((&report["model"], &report["plain"]["accuracy"]), (&model.into(), &1.0.into()));
    }
    for command in ["classify", "keygen", "seal", "run", "open"] {
        let help = arras(&[command, "--help"]).fine().out;
        assert!(help.contains("[default: sst2-small]"), "{help}");
    }
    work.run(&["eval", "sst2", "--model", "sst2", "--json"], &[("--data", ".")])
        .refused("there is no model sst2: give sst2-small or sst2-words, or a model file");
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

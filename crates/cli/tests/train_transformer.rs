//! Training transformers: a tiny teacher and its student, end to end; interruptions; bad input.
#![cfg(feature = "transformer")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod arras;

use std::fs;
use std::path::{Path, PathBuf};

use arras::{Outcome, arras};
use arras_nn::transformer::Transformer;
use tempfile::TempDir;

/// A random encoder of two layers that knows a handful of words.
fn encoder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../nn/tests/vectors/pretrained-bert")
}

/// Sentences that a handful of words can say.
fn data(folder: &Path) {
    let mut table = String::from("sentence\tlabel\n");
    for (at, noun) in ["film", "charm", "dull film", "charming film", "not film"].into_iter().enumerate() {
        for (word, label) in [("good", 1), ("very good", 1), ("bad", 0), ("very bad", 0)] {
            for end in [".", ", a film", "very very"] {
                table += &format!("a {noun} {word} {end} {}\t{label}\n", "film ".repeat(at));
            }
        }
    }
    fs::write(folder.join("train.tsv"), &table).unwrap();
    fs::write(folder.join("dev.tsv"), table).unwrap();
}

struct Work(TempDir);

impl Work {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        data(folder.path());
        Self(folder)
    }

    fn at(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn teacher(&self, from: &Path, out: &str, more: &[&str]) -> Outcome {
        let (from, data, out) = (from.display().to_string(), self.at(""), self.at(out));
        let words = ["train", "transformer", "teacher", "--from", &from, "--data", &data, "--out", &out];
        arras(&[&words[..], &["--workers", "2", "--json"], more].concat())
    }
}

#[test]
fn a_student_learns_from_a_teacher_that_was_interrupted() {
    let work = Work::new();
    let options = ["--epochs", "6", "--batch", "8", "--rate", "0.01"];
    let stopped = [&options[..], &["--stop-after", "5"]].concat();
    work.teacher(&encoder(), "teacher", &stopped).refused("the same command goes on from it");
    // A checkpoint goes on with the texts, batches and encoder that it is of.
    let other = ["--epochs", "6", "--batch", "4", "--seed", "2"];
    work.teacher(&encoder(), "teacher", &other).refused("differs in batch, seed");
    // A line that was cut off is dropped.
    let cut = fs::read_to_string(work.at("teacher/log.jsonl")).unwrap() + "{\"step\":6,\"lo";
    fs::write(work.at("teacher/log.jsonl"), cut).unwrap();
    let report = work.teacher(&encoder(), "teacher", &options).json();
    assert!(report["dev"]["accuracy"].as_f64().unwrap() > 0.9, "{report}");
    let log = fs::read_to_string(work.at("teacher/log.jsonl")).unwrap();
    let steps: Vec<u64> = log
        .lines()
        .map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap()["step"].as_u64().unwrap())
        .collect();
    assert_eq!(steps, (1..=steps.len() as u64).collect::<Vec<_>>());
    // What has learnt already says what it came to.
    assert!(report["loss"].as_f64().unwrap() > 0.0, "{report}");
    assert_eq!(work.teacher(&encoder(), "teacher", &options).json()["loss"], report["loss"]);
    assert!(fs::read_to_string(work.at("teacher/training.svg")).unwrap().starts_with("<svg"));

    let (teacher, data, out) = (work.at("teacher"), work.at(""), work.at("model.safetensors"));
    let (labels, words) =
        (work.at("work"), ["train", "transformer", "student", "--teacher", &teacher, "--data", &data]);
    let rest =
        ["--work", &labels, "--out", &out, "--augment", "100", "--epochs", "3", "--batch", "16", "--json"];
    let student = |more: &[&str]| arras(&[&words[..], &rest, more].concat());
    student(&["--stop-after", "3"]).refused("the same command goes on from it");
    // What the teacher showed is kept until the model is made, and goes on to hold for the same texts alone.
    let (shown, cut) = (fs::read(work.at("work/shown.bin")).unwrap(), work.at("work/shown.bin"));
    student(&["--seed", "2"]).refused("differs in seed");
    fs::write(&cut, &shown[..shown.len() - 1]).unwrap();
    student(&[]).refused("remove it to ask the teacher again");
    fs::write(&cut, [&shown[..], b"more"].concat()).unwrap();
    student(&[]).refused("it is of more texts");
    fs::write(&cut, &shown).unwrap();
    let report = student(&[]).json();
    assert!(!Path::new(&cut).exists());
    assert!(report["dev"]["accuracy"].as_f64().unwrap() > 0.9, "{report}");
    let model = Transformer::from_bytes(&fs::read(&out).unwrap()).unwrap();
    assert!(model.ranges().unwrap().embedded.high > 0.0);
    assert!(model.parts().about.figures.contains_key("held-out accuracy"));
    ranges_are_measured_again(&work, model);
    a_copy_learns(&work);
}

/// A student of the base size starts as a copy of its teacher, and says how near it is.
fn a_copy_learns(work: &Work) {
    let (teacher, data, out) = (work.at("teacher"), work.at(""), work.at("base.safetensors"));
    let (labels, words) = (work.at("base"), ["train", "transformer", "student", "--size", "base"]);
    let folders = ["--teacher", &teacher, "--data", &data, "--work", &labels, "--out", &out];
    let rest = ["--epochs", "4", "--batch", "8", "--rate", "0.003", "--workers", "1", "--json"];
    let stopped = [&words[..], &folders, &rest, &["--stop-after", "3"]].concat();
    arras(&stopped).refused("the same command goes on from it");
    let report = arras(&[&words[..], &folders, &rest].concat()).json();
    assert!(report["dev"]["accuracy"].as_f64().unwrap() > 0.9, "{report}");
    let lines = fs::read_to_string(work.at("base/standing.jsonl")).unwrap();
    let steps: Vec<u64> = lines
        .lines()
        .map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap()["step"].as_u64().unwrap())
        .collect();
    assert_eq!(steps.len(), 3);
    assert_eq!(steps[..2], [0, 3]);
    let model = Transformer::from_bytes(&fs::read(&out).unwrap()).unwrap();
    assert_eq!((model.shape().layers, model.shape().width), (2, 8));
    assert_eq!(report["standing"]["states"].as_array().unwrap().len(), 4);
}

/// A file without ranges is refused until it has them.
fn ranges_are_measured_again(work: &Work, model: Transformer) {
    let (before, data, blind, out) = (model.clone(), work.at(""), work.at("blind"), work.at("calibrated"));
    let mut parts = model.into_parts();
    parts.about.ranges = None;
    fs::write(&blind, Transformer::new(parts).unwrap().to_bytes().unwrap()).unwrap();
    let eval = |model: &str| arras(&["eval", "sst2", "--data", &data, "--model", model, "--json"]);
    eval(&blind).refused("measure them with `arras train transformer calibrate`");
    let calibrate = |model: &str, more: &[&str]| {
        let words = ["train", "transformer", "calibrate", "--data", &data, "--out", &out, "--model", model];
        arras(&[&words[..], &["--json"], more].concat())
    };
    let kept = calibrate(&blind, &[]).json();
    let after = Transformer::from_bytes(&fs::read(&out).unwrap()).unwrap();
    // The sentences of the table are among those that the student learnt from.
    let (all, seen) = (before.ranges().unwrap(), after.ranges().unwrap());
    assert!(seen.logit.high > seen.logit.low && kept["texts"] == 60);
    assert!(seen.logit.low >= all.logit.low - 1e-3 && seen.logit.high <= all.logit.high + 1e-3);
    assert_eq!(after.parts().classifier.temperature, before.parts().classifier.temperature);
    assert!(eval(&out).json()["plain"]["accuracy"].as_f64().unwrap() > 0.9);
    let learnt = calibrate(&blind, &["--temperature"]).json();
    assert!((0.1..10.0).contains(&learnt["temperature"].as_f64().unwrap()), "{learnt}");
    let words = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/sst2-words.safetensors");
    calibrate(&words.display().to_string(), &[]).refused("is no transformer");
}

#[test]
fn the_time_of_a_step_has_four_lines() {
    let work = Work::new();
    let table = work.teacher(&encoder(), "steps", &["--table", "steps", "--stop-after", "3"]).json();
    let lines = table.as_array().unwrap();
    assert_eq!(lines.len(), 4);
    assert!(lines.iter().all(|line| line["seconds_per_step"].as_f64().unwrap() > 0.0));
    assert_eq!(lines.iter().filter(|line| line["optimiser"] == "AdamW").count(), 2);
    // 24 sentences of a length are four steps, of which the first is not counted, or one.
    fs::write(work.at("train.tsv"), format!("sentence\tlabel\n{}", "a good film\t1\n".repeat(24))).unwrap();
    let table = |batch: &str| work.teacher(&encoder(), "steps", &["--table", "steps", "--batch", batch]);
    assert!(table("6").json().as_array().unwrap().iter().all(|line| line["steps"] == 3));
    table("24").refused("a smaller --batch");
}

#[test]
fn what_cannot_be_read_is_named() {
    let work = Work::new();
    let copy = |left_out: &str| {
        let folder = work.0.path().join(format!("without-{left_out}"));
        fs::create_dir(&folder).unwrap();
        for name in ["config.json", "tokenizer.json", "model.safetensors"] {
            if name != left_out {
                fs::copy(encoder().join(name), folder.join(name)).unwrap();
            }
        }
        folder
    };
    for name in ["config.json", "tokenizer.json", "model.safetensors"] {
        work.teacher(&copy(name), "out", &[]).refused(name);
    }
    let other = copy("nothing");
    fs::write(other.join("config.json"), r#"{"model_type": "gpt2"}"#).unwrap();
    work.teacher(&other, "out", &[]).refused("config.json");
    work.teacher(&encoder(), "out", &["--rate", "7"]).refused("rate");
    // A checkpoint of another network.
    fs::create_dir(work.at("taken")).unwrap();
    fs::copy(encoder().join("model.safetensors"), work.at("taken/checkpoint.safetensors")).unwrap();
    work.teacher(&encoder(), "taken", &[]).refused("belongs to another network");
    let (teacher, data) = (encoder().display().to_string(), work.at(""));
    let words = ["train", "transformer", "student", "--teacher", &teacher, "--data", &data];
    arras(&[&words[..], &["--work", &work.at("w"), "--out", &work.at("m")]].concat())
        .refused("no classifier");
}

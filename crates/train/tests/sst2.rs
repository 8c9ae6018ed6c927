//! From a table to a model, end to end.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

use std::ops::ControlFlow;
use std::path::PathBuf;

use arras_nn::transformer::{Transformer, reach};
use arras_nn::{Metrics, Model};
use arras_train::data::{self, Example};
use arras_train::sst2::{Options, Phase, train};
use arras_train::{Error, rng::Rng};

/// Sentences whose label is the sign of their one telling word, turned around by "not".
fn table(sentences: usize) -> Vec<Example> {
    let mut rng = Rng::new(11, 4);
    let nouns = ["film", "plot", "cast", "score", "scene", "story", "idea", "joke", "song", "style"];
    let words =
        [("good", true), ("fine", true), ("lovely", true), ("bad", false), ("dull", false), ("awful", false)];
    let mut text = String::from("sentence\tlabel\n");
    for _ in 0..sentences {
        let mut noun = || nouns[rng.below(nouns.len())];
        let start = format!("the {} and the {} of this {}", noun(), noun(), noun());
        let (word, positive) = words[rng.below(words.len())];
        let not = rng.unit() < 0.3;
        let label = u8::from(positive != not);
        text += &format!("{start} {} {word}\t{label}\n", if not { "is not" } else { "is" });
    }
    data::parse(text.as_bytes()).unwrap()
}

fn options() -> Options {
    Options {
        members: 2,
        features: 7,
        hidden: 4,
        parts: 256,
        epochs: 40,
        held_out: 0.2,
        drop_words: 0.1,
        drop_runs: 0.1,
        ..Options::default()
    }
}

fn accuracy(model: &Model, examples: &[Example]) -> Metrics {
    let one = |e: &Example| model.polynomial(&model.encoder().features(&e.tokens)).unwrap().probability;
    let labels: Vec<bool> = examples.iter().map(|e| e.positive).collect();
    Metrics::of(&examples.iter().map(one).collect::<Vec<_>>(), &labels).unwrap()
}

#[test]
fn a_small_table_is_learned_order_and_all() {
    let examples = table(400);
    let mut last = (0.0, 0);
    let model = train(&examples, &options(), &mut |at| {
        assert!(at.fraction >= last.0 && at.fraction <= 1.0 && at.step <= at.steps);
        last = (at.fraction, last.1 + usize::from(at.phase == Phase::Temperature));
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(last, (1.0, 1));
    let metrics = accuracy(&model, &table(100));
    assert!(metrics.accuracy > 0.95, "{metrics:?}");
    let again = train(&examples, &options(), &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(model.to_bytes().unwrap(), again.to_bytes().unwrap());
    let read = Model::from_bytes(&model.to_bytes().unwrap()).unwrap();
    let logit = read.about().ranges.logit;
    assert!(logit.low >= -10.001 && logit.high <= 10.001);
    let (low, high) = read.head().parts().polynomial.domain();
    assert!(low < logit.low && high > logit.high);
}

#[test]
fn training_stops_when_asked_and_refuses_nonsense() {
    let examples = table(100);
    let mut calls = 0;
    let stopped = train(&examples, &options(), &mut |_| {
        calls += 1;
        if calls == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(matches!(stopped, Err(Error::Interrupted)) && calls == 3);
    let go = |options: &Options, examples: &[Example]| {
        train(examples, options, &mut |_| ControlFlow::Continue(()))
    };
    let bad = [
        Options { epochs: 0, ..options() },
        Options { features: usize::MAX, ..options() },
        Options { drop_words: 1.0, ..options() },
        Options { rate: f32::NAN, ..options() },
    ];
    for bad in bad {
        assert!(matches!(go(&bad, &examples), Err(Error::Option { .. })));
    }
    assert!(matches!(go(&options(), &[]), Err(Error::TooLittle { .. })));
    let one_sided: Vec<Example> = examples.iter().filter(|e| e.positive).cloned().collect();
    assert!(matches!(go(&options(), &one_sided), Err(Error::TooLittle { .. })));
}

fn beside(path: &str) -> Option<Vec<u8>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
    let bytes = std::fs::read(&path).ok();
    if bytes.is_none() {
        println!("skipped: {} is not here", path.display());
    }
    bytes
}

#[test]
fn the_shipped_model_classifies_sentences_it_has_never_seen() {
    let Some(dev) = beside("../../../shared/data/sst2/dev.tsv") else { return };
    let Some(bytes) = beside("../../models/sst2-words.safetensors") else { return };
    assert!(bytes.len() < 8 << 20);
    let model = Model::from_bytes(&bytes).unwrap();
    let dev = data::parse(&dev).unwrap();
    let metrics = accuracy(&model, &dev);
    println!("{metrics:?}");
    assert!(metrics.accuracy >= 0.82 && metrics.auroc >= 0.9);
    let (_, reach) = model.head().parts().polynomial.domain();
    for example in &dev {
        let values = model.head().values(&model.encoder().features(&example.tokens)).unwrap();
        assert!(values.logit.abs() < reach && values.hidden.iter().all(|z| z.abs() < 8.0));
    }
}

#[test]
fn the_shipped_transformer_classifies_sentences_it_has_never_seen() {
    let Some(dev) = beside("../../../shared/data/sst2/dev.tsv") else { return };
    let Some(bytes) = beside("../../models/sst2-small.safetensors") else { return };
    let model = Transformer::from_bytes(&bytes).unwrap();
    let dev = data::rows(&dev).unwrap();
    let most = reach(model.ranges().unwrap().logit);
    let read = |row: &data::Labelled| {
        let features = model.embed(&row.text, true).unwrap().values;
        // Beyond it the owner of the key refuses an answer.
        assert!(model.values(&features).unwrap().logit.abs() < most, "{}", row.text);
        model.polynomial(&features).unwrap().probability
    };
    let answers: Vec<f64> = dev.iter().map(read).collect();
    let labels: Vec<bool> = dev.iter().map(|row| row.positive).collect();
    let metrics = Metrics::of(&answers, &labels).unwrap();
    assert!(metrics.accuracy >= 0.87 && metrics.auroc >= 0.94, "{metrics:?}");
}

#[test]
fn held_out_sentences_of_the_real_table_share_no_sentence_with_the_rest() {
    let Some(bytes) = beside("../../../shared/data/sst2/train.tsv") else { return };
    let examples = data::parse(&bytes).unwrap();
    assert_eq!((examples.len(), examples.iter().filter(|e| e.positive).count()), (67_349, 37_569));
    let split = data::split(&examples, 0.05, 1);
    assert!(split.held_out.len() > 300 && split.learn.len() > 60_000);
}

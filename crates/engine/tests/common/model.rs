//! A small valid model with pseudorandom numbers.

use std::collections::BTreeMap;

use arras_approx::{Fit, Target};
use arras_nn::head::{Linear, Parts, Quadratic};
use arras_nn::{About, Encoder, Head, Lexicon, Model, Pooling, Ranges, Span, Table};
use arras_testkit::{rng, units};

/// Numbers of at most this size that a model file can hold.
fn list(count: usize, size: f64, seed: u64) -> Vec<f64> {
    units(count, &mut rng(seed)).iter().map(|x| f64::from((x * size) as f32)).collect()
}

fn head(features: usize, neurons: usize) -> Head {
    let polynomial =
        Fit::new(-8.0, 8.0, 15).unwrap().tails(2.0, 0.1).unwrap().target(Target::Sigmoid).unwrap();
    Head::new(Parts {
        hidden: Linear::new(features, list(features * neurons, 0.3, 1), list(neurons, 0.2, 2)).unwrap(),
        activation: Quadratic::new(list(neurons, 1.5, 3), list(neurons, 0.5, 4)).unwrap(),
        output: Linear::new(neurons, list(2 * neurons, 0.4, 5), list(2, 0.5, 6)).unwrap(),
        temperature: 1.25,
        polynomial,
    })
    .unwrap()
}

/// A model that reads this many features.
pub fn model(features: usize, neurons: usize) -> Model {
    let lexicon = Lexicon::new(["a", "good", "film"].map(str::to_owned).to_vec(), 10).unwrap();
    let rows: Vec<f32> = list(13 * features, 0.5, 7).iter().map(|&v| v as f32).collect();
    let table = Table::quantise(features, &rows).unwrap();
    let encoder = Encoder::new(lexicon, table, Pooling { power: 0.5, limit: 2.0 }).unwrap();
    let span = Span { low: -1.0, high: 2.0 };
    let about = About {
        labels: ["bad".to_owned(), "good".to_owned()],
        ranges: Ranges { feature: span, hidden: span, activation: span, logit: span },
        figures: BTreeMap::new(),
        sentinel: 8,
    };
    Model::new(encoder, head(features, neurons), about).unwrap()
}

/// Features of this many sentences.
pub fn sentences(count: usize, features: usize) -> Vec<Vec<f64>> {
    (0..count).map(|i| list(features, 0.4, 100 + i as u64)).collect()
}

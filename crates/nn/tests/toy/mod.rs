//! A small valid model with numbers from a seed.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[allow(dead_code, reason = "only some tests use transformers")]
pub mod transformer;

use std::collections::BTreeMap;

use arras_approx::{Fit, Target};
use arras_nn::head::{Linear, Parts, Quadratic};
use arras_nn::{About, Encoder, Head, Lexicon, Model, Pooling, Ranges, Span, Table};

/// Numbers in [-1, 1).
pub struct Numbers(pub u64);

impl Numbers {
    pub fn draw(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    pub fn list(&mut self, count: usize, width: f64) -> Vec<f64> {
        (0..count).map(|_| f64::from((width * self.draw()) as f32)).collect()
    }
}

pub fn head(features: usize, hidden: usize, seed: u64) -> Head {
    let mut n = Numbers(seed);
    Head::new(Parts {
        hidden: Linear::new(features, n.list(features * hidden, 0.3), n.list(hidden, 0.2)).unwrap(),
        activation: Quadratic::new(n.list(hidden, 1.5), n.list(hidden, 0.5)).unwrap(),
        output: Linear::new(hidden, n.list(2 * hidden, 0.4), n.list(2, 0.5)).unwrap(),
        temperature: 1.3,
        polynomial: Fit::new(-8.0, 8.0, 15)
            .unwrap()
            .tails(2.0, 0.1)
            .unwrap()
            .target(Target::Sigmoid)
            .unwrap(),
    })
    .unwrap()
}

#[allow(dead_code, reason = "not every test reads texts")]
pub fn model(features: usize, hidden: usize, seed: u64) -> Model {
    let words = ["a", "film", "good", "not", "not good", "très"].map(str::to_owned).to_vec();
    let lexicon = Lexicon::new(words, 10).unwrap();
    let rows: Vec<f32> = Numbers(seed ^ 9).list(16 * features, 0.5).iter().map(|&v| v as f32).collect();
    let table = Table::quantise(features, &rows).unwrap();
    let encoder = Encoder::new(lexicon, table, Pooling { power: 0.5, limit: 2.0 }).unwrap();
    let span = Span { low: -1.0, high: 2.0 };
    let about = About {
        labels: ["bad".to_owned(), "good".to_owned()],
        ranges: Ranges { feature: span, hidden: span, activation: span, logit: span },
        figures: BTreeMap::from([("accuracy".to_owned(), 0.875)]),
        sentinel: seed,
    };
    Model::new(encoder, head(features, hidden, seed), about).unwrap()
}

//! A small valid transformer with numbers from a seed: never trained, only for tests.

use std::collections::BTreeMap;

use arras_approx::{Fit, Target};
use arras_nn::Table;
use arras_nn::head::Linear;
use arras_nn::transformer::{
    About, Classifier, Embedding, Layer, Parts, Ranges, Shape, Transformer, Vocabulary,
};

use super::Numbers;

/// The pieces that [`transformer`] knows.
pub const PIECES: &str = "[PAD] [UNK] [CLS] [SEP] a film good bad not very ##ly dull charm ##ing , . !";

/// Texts of those pieces, of 3 lanes and more.
pub const TEXTS: [&str; 4] =
    ["good", "a charming film .", "not a good film, not very charming!", "dull, dully dull"];

/// A transformer whose values all stay within some units, with ranges measured on [`TEXTS`].
pub fn transformer(shape: Shape, seed: u64) -> Transformer {
    let mut n = Numbers(seed);
    let pieces: Vec<String> = PIECES.split(' ').map(str::to_owned).collect();
    let rows: Vec<f32> = n.list(pieces.len() * shape.width, 0.5).iter().map(|&v| v as f32).collect();
    let d = shape.width;
    let polynomial =
        Fit::new(-8.0, 8.0, 15).and_then(|f| f.tails(2.0, 0.1)).and_then(|f| f.target(Target::Sigmoid));
    let about = About {
        labels: ["bad".to_owned(), "good".to_owned()],
        ranges: None,
        figures: BTreeMap::from([("accuracy".to_owned(), 0.5)]),
        sentinel: seed,
    };
    let embedding = Embedding {
        table: Table::quantise(d, &rows).unwrap(),
        positions: n.list(shape.lanes * d, 0.2),
        gain: n.list(d, 0.3).iter().map(|g| 0.6 + g).collect(),
        bias: n.list(d, 0.1),
        epsilon: 1e-12,
    };
    let layers = (0..shape.layers).map(|_| layer(&shape, &mut n)).collect();
    let output = linear(d, 2, &mut n);
    let classifier = Classifier { output, temperature: 1.3, polynomial: polynomial.unwrap() };
    let vocabulary = Vocabulary::new(pieces).unwrap();
    let parts = Parts { shape, vocabulary, embedding, layers, classifier, about };
    let blind = Transformer::new(parts).unwrap();
    let mut ranges = Ranges::empty(shape.layers);
    for text in TEXTS {
        let embedded = blind.embed(text, true).unwrap();
        ranges.widen(&embedded.values, &blind.values(&embedded.values).unwrap());
    }
    let mut parts = blind.into_parts();
    parts.about.ranges = Some(ranges);
    Transformer::new(parts).unwrap()
}

fn linear(columns: usize, rows: usize, n: &mut Numbers) -> Linear {
    scaled(columns, rows, 1.0, n)
}

fn scaled(columns: usize, rows: usize, factor: f64, n: &mut Numbers) -> Linear {
    let width = factor * (1.5 / columns as f64).sqrt();
    Linear::new(columns, n.list(columns * rows, width), n.list(rows, 0.2)).unwrap()
}

fn layer(shape: &Shape, n: &mut Numbers) -> Layer {
    let (d, m) = (shape.width, shape.hidden);
    // Squares of many layers on end leave every range otherwise.
    let calm = 2.0 / shape.layers.max(2) as f64;
    Layer {
        query: linear(d, d, n),
        key: linear(d, d, n),
        value: linear(d, d, n),
        shift: n.list(shape.heads, 0.5),
        mix: scaled(d, d, calm, n),
        around_attention: n.list(d, 0.2).iter().map(|g| 0.8 + g).collect(),
        up: linear(d, m, n),
        down: scaled(m, d, calm, n),
        around_hidden: n.list(d, 0.2).iter().map(|g| 0.8 + g).collect(),
    }
}

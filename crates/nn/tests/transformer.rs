//! The clear reading of a transformer, and its file.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[allow(dead_code, reason = "of the small models, only the numbers are used here")]
mod toy;

use std::collections::HashMap;

use arras_nn::transformer::{Shape, Transformer};
use arras_nn::{Error, Model};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use toy::transformer::{TEXTS, transformer};

const SHAPE: Shape = Shape { layers: 2, width: 8, heads: 2, hidden: 12, lanes: 12 };

fn close(x: &[f64], y: &[f64]) {
    assert_eq!(x.len(), y.len());
    for (x, y) in x.iter().zip(y) {
        assert!((x - y).abs() <= 1e-12 * (1.0 + x.abs()), "{x} {y}");
    }
}

#[test]
fn attention_by_hand() {
    let model = transformer(Shape { layers: 1, ..SHAPE }, 3);
    let x = model.embed(TEXTS[1], false).unwrap();
    let layer = &model.parts().layers[0];
    let (d, n, heads) = (SHAPE.width, x.tokens, SHAPE.heads);
    let rows: Vec<&[f64]> = x.values.chunks(d).collect();
    let values = model.values(&x.values).unwrap();
    let mut mixed = vec![0.0; d];
    for head in 0..heads {
        for row in &rows {
            let (q, k, v) = (layer.query.apply(rows[0]), layer.key.apply(row), layer.value.apply(row));
            let own = || (head..d).step_by(heads);
            let score = own().map(|f| q[f] * k[f]).sum::<f64>() + layer.shift[head];
            for f in own() {
                mixed[f] += score * score * v[f] / n as f64;
            }
        }
    }
    close(&values.layers[0].mixed, &mixed);
    let added = layer.mix.apply(&mixed);
    let middle: Vec<f64> = (0..d).map(|f| layer.around_attention[f] * rows[0][f] + added[f]).collect();
    close(&values.layers[0].middle, &middle);
    let squares: Vec<f64> = layer.up.apply(&middle).iter().map(|z| z * z).collect();
    let added = layer.down.apply(&squares);
    let output: Vec<f64> = (0..d).map(|f| layer.around_hidden[f] * middle[f] + added[f]).collect();
    close(&values.layers[0].output, &output);
}

#[test]
fn the_last_layer_for_the_first_lane_is_the_first_row_of_the_whole_layer() {
    let model = transformer(SHAPE, 5);
    let x = model.embed(TEXTS[2], false).unwrap();
    let values = model.values(&x.values).unwrap();
    let below = &values.layers[0].output;
    assert_eq!(below.len(), x.tokens * SHAPE.width);
    let whole = model.parts().layers[1].apply(below, x.tokens, SHAPE.heads);
    close(&values.layers[1].output, &whole.output[..SHAPE.width]);
}

#[test]
fn a_long_text_is_refused_or_cut() {
    let model = transformer(SHAPE, 1);
    let long = "a film , ".repeat(5);
    assert!(matches!(model.embed(&long, false), Err(Error::TooLong { have: 17, most: 12 })));
    let cut = model.embed(&long, true).unwrap();
    assert_eq!((cut.tokens, cut.dropped, cut.values.len()), (12, 5, 96));
    assert!(model.values(&[]).is_err());
    assert!(model.values(&cut.values[..13]).is_err());
}

#[test]
fn a_file_gives_the_same_transformer_back() {
    let model = transformer(SHAPE, 7);
    let bytes = model.to_bytes().unwrap();
    let again = Transformer::from_bytes(&bytes).unwrap();
    assert_eq!(again.to_bytes().unwrap(), bytes);
    assert_eq!(again.parts().about, model.parts().about);
    for text in TEXTS {
        let [one, two] = [&model, &again].map(|m| {
            let x = m.embed(text, false).unwrap().values;
            (m.plain(&x).unwrap().probability, m.polynomial(&x).unwrap().probability)
        });
        assert!((one.0 - two.0).abs() < 1e-5 && (one.1 - two.1).abs() < 1e-5);
    }
    assert!(Transformer::is_file(&bytes));
    assert!(matches!(Model::from_bytes(&bytes), Err(Error::NoCard)));
}

#[test]
fn a_model_without_ranges_says_what_to_do() {
    let mut parts = transformer(SHAPE, 2).into_parts();
    parts.about.ranges = None;
    let model = Transformer::from_bytes(&Transformer::new(parts).unwrap().to_bytes().unwrap()).unwrap();
    assert!(matches!(model.ranges(), Err(Error::NoRanges)));
}

/// The file with one tensor changed.
fn with(name: &str, shape: &[usize], bytes: &[u8]) -> Result<Transformer, Error> {
    let whole = transformer(SHAPE, 4).to_bytes().unwrap();
    let file = SafeTensors::deserialize(&whole).unwrap();
    let metadata = SafeTensors::read_metadata(&whole).unwrap().1.metadata().clone().unwrap();
    let views = file.tensors().into_iter().map(|(n, view)| {
        if n == name { (n, TensorView::new(view.dtype(), shape.to_vec(), bytes).unwrap()) } else { (n, view) }
    });
    Transformer::from_bytes(&safetensors::serialize(views, Some(metadata)).unwrap())
}

#[test]
fn damaged_tensors_are_named() {
    let nan = f32::NAN.to_le_bytes().repeat(8);
    assert!(matches!(with("layer.0.query.bias", &[8], &nan), Err(Error::Value { what: "a bias", .. })));
    let one = 1f32.to_le_bytes();
    assert!(matches!(
        with("layer.1.shift", &[3], &one.repeat(3)),
        Err(Error::Shape { what: "the list of shifts", have: 3, need: 2 })
    ));
    assert!(matches!(with("layer.1.shift", &[2], &one.repeat(2)), Err(Error::Checksum)));
    assert!(
        matches!(with("layer.1.up.weight", &[96], &one.repeat(96)), Err(Error::Tensor { name }) if name == "layer.1.up.weight")
    );
    assert!(with("vocabulary", &[5], b"a\na\nb").is_err());
}

#[test]
fn truncations_and_other_files_are_refused() {
    let whole = transformer(SHAPE, 4).to_bytes().unwrap();
    for length in (0..whole.len()).step_by(97).chain([whole.len() - 1]) {
        assert!(Transformer::from_bytes(&whole[..length]).is_err(), "{length}");
    }
    let data = [0u8; 4];
    let bytes = |metadata| {
        let view = TensorView::new(Dtype::F32, vec![1], &data).unwrap();
        safetensors::serialize([("x", view)], metadata).unwrap()
    };
    assert!(matches!(Transformer::from_bytes(&bytes(None)), Err(Error::NoCard)));
    let other = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    assert!(matches!(Transformer::from_bytes(&bytes(Some(other))), Err(Error::Kind { .. })));
}

#[test]
fn the_shipped_transformer_reads_sentences_within_its_ranges() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sst2-small.safetensors");
    let bytes = std::fs::read(path).unwrap();
    assert!(bytes.len() <= 8_000_000);
    let model = Transformer::from_bytes(&bytes).unwrap();
    let reach = model.parts().classifier.polynomial.domain().1;
    for (text, label) in [
        ("a gripping, beautifully shot film", "positive"),
        ("one of the best and most moving films of the year.", "positive"),
        ("a tedious mess", "negative"),
        ("it isn't funny, and it isn't clever; a dull waste of time.", "negative"),
    ] {
        let features = model.embed(text, false).unwrap().values;
        let prediction = model.polynomial(&features).unwrap();
        assert_eq!(model.label(&prediction), label, "{text}: {}", prediction.probability);
        assert!((prediction.probability - model.plain(&features).unwrap().probability).abs() < 0.01);
        assert!(model.values(&features).unwrap().logit.abs() < reach);
    }
}

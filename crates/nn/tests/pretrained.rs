//! Encoders as Hugging Face's libraries write them, against a reference in another language (`vectors/pretrained.py`).
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use arras_nn::Error;
use arras_nn::transformer::Pretrained;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};

#[derive(Clone)]
struct Files {
    config: Value,
    tokenizer: Value,
    weights: Vec<u8>,
}

fn file(kind: &str, name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/pretrained-");
    std::fs::read(format!("{folder}{kind}/{name}")).unwrap()
}

fn files(kind: &str) -> Files {
    let json = |name| serde_json::from_slice(&file(kind, name)).unwrap();
    Files {
        config: json("config.json"),
        tokenizer: json("tokenizer.json"),
        weights: file(kind, "model.safetensors"),
    }
}

impl Files {
    fn read(&self) -> Result<Pretrained, Error> {
        let [config, tokenizer] = [&self.config, &self.tokenizer].map(|json| json.to_string().into_bytes());
        Pretrained::read(&config, &tokenizer, &self.weights)
    }

    fn with_config(kind: &str, key: &str, value: Value) -> Result<Pretrained, Error> {
        let mut files = files(kind);
        files.config[key] = value;
        files.read()
    }

    /// The weights with one tensor changed, left out where the name becomes empty, or renamed.
    fn with_tensor(
        kind: &str,
        name: &str,
        new: &str,
        values: Option<(Vec<usize>, Vec<f32>)>,
    ) -> Result<Pretrained, Error> {
        let files = files(kind);
        let all = SafeTensors::deserialize(&files.weights).unwrap();
        let bytes: Option<Vec<u8>> =
            values.as_ref().map(|(_, v)| v.iter().flat_map(|v| v.to_le_bytes()).collect());
        let views =
            all.tensors().into_iter().filter(|(n, _)| n != name || !new.is_empty()).map(|(n, view)| {
                if n != name {
                    return (n, view);
                }
                let view = match (&values, &bytes) {
                    (Some((shape, _)), Some(bytes)) => {
                        TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()
                    }
                    _ => view,
                };
                (new.to_owned(), view)
            });
        let weights = safetensors::serialize(views, None).unwrap();
        Files { weights, ..files.clone() }.read()
    }
}

#[test]
fn every_layer_agrees_with_the_reference() {
    for kind in ["bert", "distilbert"] {
        let encoder = files(kind).read().unwrap();
        let expected: Value = serde_json::from_slice(&file(kind, "expected.json")).unwrap();
        for case in expected.as_array().unwrap() {
            let rows = encoder.vocabulary().read(case["text"].as_str().unwrap(), 12).unwrap().rows;
            assert_eq!(json!(rows), case["rows"]);
            let layers = encoder.apply(&rows).unwrap();
            assert_eq!(layers.len(), case["layers"].as_array().unwrap().len());
            for (have, need) in layers.iter().zip(case["layers"].as_array().unwrap()) {
                let need: Vec<f64> = need
                    .as_array()
                    .unwrap()
                    .iter()
                    .flat_map(|row| row.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()))
                    .collect();
                assert_eq!(have.len(), need.len());
                for (x, y) in have.iter().zip(&need) {
                    assert!((x - y).abs() < 1e-6, "{kind} {x} {y}");
                }
            }
        }
    }
}

#[test]
fn other_architectures_are_named() {
    let unsupported = |result: Result<Pretrained, Error>, part: &str| match result {
        Err(Error::Unsupported { layer }) => assert!(layer.contains(part), "{layer}"),
        other => panic!("{part}: {:?}", other.err()),
    };
    unsupported(Files::with_config("bert", "model_type", json!("roberta")), "roberta");
    unsupported(Files::with_config("distilbert", "activation", json!("relu")), "relu");
    unsupported(Files::with_config("bert", "position_embedding_type", json!("relative_key")), "relative_key");
    let name = "bert.encoder.layer.1.attention.self.query.weight";
    unsupported(Files::with_tensor("bert", name, "", None), "encoder.layer.1.attention.self.query.weight");
    unsupported(
        Files::with_tensor("bert", name, "bert.encoder.layer.1.attention.self.distance.weight", None),
        "query.weight",
    );
    // One layer fewer than the file holds: what is left over is named, not left out.
    unsupported(Files::with_config("bert", "num_hidden_layers", json!(1)), "bert.encoder.layer.1");
    let mut other = files("bert");
    other.tokenizer["model"]["type"] = json!("BPE");
    unsupported(other.read(), "BPE");
    other.tokenizer["model"]["type"] = json!("WordPiece");
    other.tokenizer["normalizer"]["lowercase"] = json!(false);
    unsupported(other.read(), "capital");
    for (part, key, value) in [
        ("normalizer", "strip_accents", json!(false)),
        ("normalizer", "handle_chinese_chars", json!(false)),
        ("model", "continuing_subword_prefix", json!("@@")),
        ("model", "max_input_chars_per_word", json!(200)),
    ] {
        let mut other = files("bert");
        other.tokenizer[part][key] = Value::Null;
        assert!(other.read().is_ok());
        other.tokenizer[part][key] = value;
        unsupported(other.read(), key);
    }
}

#[test]
fn files_that_do_not_belong_together_are_refused() {
    assert!(matches!(Files::with_config("bert", "hidden_size", json!(10)), Err(Error::Misshapen { .. })));
    assert!(matches!(Files::with_config("bert", "num_attention_heads", json!(3)), Err(Error::Shape { .. })));
    assert!(matches!(
        Files::with_config("bert", "vocab_size", json!(18)),
        Err(Error::OtherVocabulary { have: 17, need: 18 })
    ));
    assert!(matches!(
        Files::with_config("bert", "hidden_size", json!("8")),
        Err(Error::Foreign { file: "config.json", .. })
    ));
    let mut other = files("bert");
    other.tokenizer["model"]["vocab"]["film"] = json!(5);
    assert!(matches!(other.read(), Err(Error::Vocabulary { .. })));
    other.tokenizer["model"]["vocab"]["film"] = json!(17);
    assert!(matches!(other.read(), Err(Error::OtherVocabulary { .. })));
}

#[test]
fn weights_that_are_no_numbers_are_named() {
    let name = "distilbert.transformer.layer.0.ffn.lin2.bias";
    let mut values = vec![0.0; 8];
    values[3] = f32::NAN;
    let read = Files::with_tensor("distilbert", name, name, Some((vec![8], values)));
    assert!(matches!(read, Err(Error::NotANumber { name: n, at: 3 }) if n == name));
    let read = Files::with_tensor("distilbert", name, name, Some((vec![9], vec![0.0; 9])));
    assert!(matches!(read, Err(Error::Misshapen { have, need, .. }) if have == [9] && need == [8]));
}

#[test]
fn truncated_files_and_rows_beyond_the_table_are_refused() {
    let whole = files("bert");
    for length in (0..whole.weights.len()).step_by(1001) {
        let weights = whole.weights[..length].to_vec();
        assert!(Files { weights, ..whole.clone() }.read().is_err());
    }
    let encoder = whole.read().unwrap();
    assert!(encoder.apply(&[2, 17, 3]).is_err());
    assert!(encoder.apply(&[]).is_err());
    assert!(encoder.apply(&[2; 13]).is_err());
    assert!(matches!(encoder.logits("a film", 12), Err(Error::NoClassifier)));
}

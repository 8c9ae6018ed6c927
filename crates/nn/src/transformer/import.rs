//! Reading encoders as Hugging Face's libraries write them: `config.json`, `tokenizer.json` and `model.safetensors`.

use std::collections::HashSet;

use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use serde::Deserialize;
use serde_json::Value;

use crate::Error;
use crate::encoder::{FEATURES, in_range};
use crate::file::scalars;
use crate::head::{Linear, SIDE};
use crate::lexicon::within;

use super::config::{LANES, LAYERS};
use super::pretrained::{Block, Norm, Pretrained};
use super::tokens::{PIECES, Vocabulary, WORD};

/// The largest file of weights that is read, in bytes.
pub const WEIGHTS: usize = 2 << 30;

/// What `config.json` says, by BERT's names and DistilBERT's.
#[derive(Deserialize)]
struct Config {
    model_type: String,
    #[serde(alias = "dim")]
    hidden_size: usize,
    #[serde(alias = "n_layers")]
    num_hidden_layers: usize,
    #[serde(alias = "n_heads")]
    num_attention_heads: usize,
    #[serde(alias = "hidden_dim")]
    intermediate_size: usize,
    #[serde(alias = "activation")]
    hidden_act: String,
    max_position_embeddings: usize,
    vocab_size: usize,
    layer_norm_eps: Option<f64>,
    position_embedding_type: Option<String>,
}

/// Where the tensors of a layer stand.
struct Names {
    layer: &'static str,
    query: &'static str,
    key: &'static str,
    value: &'static str,
    mix: &'static str,
    norm: &'static str,
    up: &'static str,
    down: &'static str,
    last_norm: &'static str,
}

const BERT: Names = Names {
    layer: "encoder.layer",
    query: "attention.self.query",
    key: "attention.self.key",
    value: "attention.self.value",
    mix: "attention.output.dense",
    norm: "attention.output.LayerNorm",
    up: "intermediate.dense",
    down: "output.dense",
    last_norm: "output.LayerNorm",
};

const DISTILBERT: Names = Names {
    layer: "transformer.layer",
    query: "attention.q_lin",
    key: "attention.k_lin",
    value: "attention.v_lin",
    mix: "attention.out_lin",
    norm: "sa_layer_norm",
    up: "ffn.lin1",
    down: "ffn.lin2",
    last_norm: "output_layer_norm",
};

/// What stands beside an encoder and is not read.
const BESIDE: [&str; 6] =
    ["pooler.", "cls.", "pre_classifier.", "vocab_", "embeddings.position_ids", "qa_outputs."];

impl Pretrained {
    /// Reads an encoder of BERT's or DistilBERT's shape from the bytes of its three files.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, the architecture is another one (the error names the layer), shapes disagree, a weight is
    /// not a number, or the tokenizer belongs to another vocabulary.
    pub fn read(config: &[u8], tokenizer: &[u8], weights: &[u8]) -> Result<Self, Error> {
        let config: Config = serde_json::from_slice(config)
            .map_err(|source| Error::Foreign { file: "config.json", source })?;
        let names = config.check()?;
        let vocabulary = vocabulary(tokenizer, config.vocab_size)?;
        within("bytes of model.safetensors", weights.len(), 8, WEIGHTS)?;
        let file = SafeTensors::deserialize(weights).map_err(|source| Error::Container { source })?;
        let mut source = Source::new(&file);
        let d = config.hidden_size;
        let words = source.floats("embeddings.word_embeddings.weight", &[config.vocab_size, d])?;
        let mut positions =
            source.floats("embeddings.position_embeddings.weight", &[config.max_position_embeddings, d])?;
        if let Some(types) = source.types(d)? {
            for row in positions.chunks_exact_mut(d) {
                row.iter_mut().zip(&types).for_each(|(p, t)| *p += t);
            }
        }
        positions.truncate(LANES * d);
        let epsilon = config.layer_norm_eps.unwrap_or(1e-12);
        in_range("the epsilon of the normalisation", 0, epsilon, 1e-15, 1.0)?;
        let norm = source.norm("embeddings.LayerNorm", d, epsilon)?;
        let (m, layers) = (config.intermediate_size, config.num_hidden_layers);
        let blocks: Result<_, Error> =
            (0..layers).map(|at| source.block(names, at, (d, m), epsilon)).collect();
        let blocks = blocks?;
        let classifier = source.has("classifier.weight").then(|| source.linear("classifier", d, 2));
        let classifier = classifier.transpose()?;
        source.all_read()?;
        let heads = config.num_attention_heads;
        Ok(Self { width: d, heads, vocabulary, words, positions, norm, blocks, classifier })
    }
}

impl Config {
    fn check(&self) -> Result<&'static Names, Error> {
        let names = match self.model_type.as_str() {
            "bert" => &BERT,
            "distilbert" => &DISTILBERT,
            other => return Err(unsupported("model_type", other)),
        };
        if self.hidden_act != "gelu" {
            return Err(unsupported("hidden_act", &self.hidden_act));
        }
        if let Some(kind) = self.position_embedding_type.as_deref().filter(|&kind| kind != "absolute") {
            return Err(unsupported("position_embedding_type", kind));
        }
        within("layers", self.num_hidden_layers, 1, LAYERS)?;
        within("features of a token", self.hidden_size, 1, FEATURES)?;
        within("hidden neurons", self.intermediate_size, 1, SIDE)?;
        within("heads", self.num_attention_heads, 1, self.hidden_size)?;
        within("positions", self.max_position_embeddings, 3, 1 << 16)?;
        within("pieces of the vocabulary", self.vocab_size, 4, PIECES)?;
        let rest = self.hidden_size % self.num_attention_heads;
        if rest == 0 {
            return Ok(names);
        }
        let need = self.hidden_size - rest;
        Err(Error::Shape { what: "the features of all heads together", have: self.hidden_size, need })
    }
}

fn unsupported(what: &str, have: &str) -> Error {
    Error::Unsupported { layer: format!("{what} = {}", have.chars().take(64).collect::<String>()) }
}

/// Refuses a tokenizer that reads text in another way than [`Vocabulary::read`]; what it leaves out is as BERT's uncased models
/// have it.
fn check_reading(normalizer: Option<&Value>, model: Option<&Value>) -> Result<(), Error> {
    let is = |object: Option<&Value>, key: &str, want: Value| {
        let have = object.and_then(|object| object.get(key)).filter(|have| !have.is_null());
        have.is_none_or(|have| *have == want)
    };
    if normalizer.and_then(|n| n.get("lowercase")).and_then(Value::as_bool) != Some(true) {
        return Err(unsupported("tokenizer", "one that keeps capital letters"));
    }
    let flags = ["clean_text", "strip_accents", "handle_chinese_chars"];
    if let Some(flag) = flags.into_iter().find(|flag| !is(normalizer, flag, Value::Bool(true))) {
        return Err(unsupported("tokenizer", &format!("one without {flag}")));
    }
    let values = [
        ("unk_token", Value::from("[UNK]")),
        ("continuing_subword_prefix", Value::from("##")),
        ("max_input_chars_per_word", Value::from(WORD)),
    ];
    match values.into_iter().find(|(key, want)| !is(model, key, want.clone())) {
        Some((key, want)) => Err(unsupported("tokenizer", &format!("one whose {key} is not {want}"))),
        None => Ok(()),
    }
}

/// The WordPiece vocabulary of a `tokenizer.json`, in the order of its numbers.
fn vocabulary(tokenizer: &[u8], need: usize) -> Result<Vocabulary, Error> {
    let json: Value = serde_json::from_slice(tokenizer)
        .map_err(|source| Error::Foreign { file: "tokenizer.json", source })?;
    let model = json.get("model");
    let map = model.and_then(|m| m.get("vocab")).and_then(Value::as_object);
    let kind = model.and_then(|m| m.get("type")).and_then(Value::as_str).unwrap_or("WordPiece");
    let map = map.filter(|_| kind == "WordPiece").ok_or_else(|| unsupported("tokenizer", kind))?;
    check_reading(json.get("normalizer"), model)?;
    let other = || Error::OtherVocabulary { have: map.len(), need };
    if map.len() != need {
        return Err(other());
    }
    let mut pieces = vec![String::new(); need];
    for (piece, row) in map {
        let at = row.as_u64().and_then(|row| usize::try_from(row).ok());
        let place = at.and_then(|at| pieces.get_mut(at)).ok_or_else(other)?;
        place.clone_from(piece);
    }
    Vocabulary::new(pieces)
}

/// The tensors of a file, and which of them were read.
struct Source<'a> {
    file: &'a SafeTensors<'a>,
    prefix: &'static str,
    read: HashSet<String>,
}

impl<'a> Source<'a> {
    fn new(file: &'a SafeTensors<'a>) -> Self {
        let starts = |prefix: &&str| file.names().iter().any(|name| name.starts_with(*prefix));
        let prefix = ["bert.", "distilbert."].into_iter().find(starts).unwrap_or("");
        Self { file, prefix, read: HashSet::new() }
    }

    /// The full name under which the file has a tensor.
    fn name(&self, name: &str) -> Option<String> {
        [format!("{}{name}", self.prefix), name.to_owned()].into_iter().find(|n| self.file.tensor(n).is_ok())
    }

    fn has(&self, name: &str) -> bool {
        self.name(name).is_some()
    }

    /// The numbers of a tensor of this shape.
    fn floats(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, Error> {
        let full = self
            .name(name)
            .ok_or_else(|| Error::Unsupported { layer: format!("{name}, which is missing") })?;
        let view = self.file.tensor(&full).map_err(|source| Error::Container { source })?;
        if view.shape() != shape {
            return Err(Error::Misshapen { name: full, have: view.shape().to_vec(), need: shape.to_vec() });
        }
        if view.dtype() != Dtype::F32 {
            return Err(Error::Unsupported { layer: format!("{full}, which is not of the type F32") });
        }
        let values: Vec<f32> = scalars(view.data()).collect();
        if let Some(at) = values.iter().position(|v| !v.is_finite()) {
            return Err(Error::NotANumber { name: full, at });
        }
        self.read.insert(full);
        Ok(values)
    }

    fn wide(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f64>, Error> {
        Ok(self.floats(name, shape)?.into_iter().map(f64::from).collect())
    }

    /// The type of a single text, where the model has types.
    fn types(&mut self, width: usize) -> Result<Option<Vec<f32>>, Error> {
        let name = "embeddings.token_type_embeddings.weight";
        let Some(full) = self.name(name) else { return Ok(None) };
        let view = self.file.tensor(&full).map_err(|source| Error::Container { source })?;
        let rows = view.shape().first().copied().unwrap_or(0);
        let mut types = self.floats(name, &[rows.max(1), width])?;
        types.truncate(width);
        Ok(Some(types))
    }

    fn linear(&mut self, name: &str, columns: usize, rows: usize) -> Result<Linear, Error> {
        let weights = self.wide(&format!("{name}.weight"), &[rows, columns])?;
        Linear::new(columns, weights, self.wide(&format!("{name}.bias"), &[rows])?)
    }

    fn norm(&mut self, name: &str, width: usize, epsilon: f64) -> Result<Norm, Error> {
        // The oldest files have the names of the paper.
        let old = self.has(&format!("{name}.gamma"));
        let (gain, bias) = if old { ("gamma", "beta") } else { ("weight", "bias") };
        Ok(Norm {
            gain: self.wide(&format!("{name}.{gain}"), &[width])?,
            bias: self.wide(&format!("{name}.{bias}"), &[width])?,
            epsilon,
        })
    }

    fn block(
        &mut self,
        names: &Names,
        at: usize,
        (d, m): (usize, usize),
        epsilon: f64,
    ) -> Result<Block, Error> {
        let full = |name: &str| format!("{}.{at}.{name}", names.layer);
        Ok(Block {
            query: self.linear(&full(names.query), d, d)?,
            key: self.linear(&full(names.key), d, d)?,
            value: self.linear(&full(names.value), d, d)?,
            mix: self.linear(&full(names.mix), d, d)?,
            norm: self.norm(&full(names.norm), d, epsilon)?,
            up: self.linear(&full(names.up), d, m)?,
            down: self.linear(&full(names.down), m, d)?,
            last_norm: self.norm(&full(names.last_norm), d, epsilon)?,
        })
    }

    /// Refuses a file with a tensor that nobody read: it is a part of the model that would be missing.
    fn all_read(&self) -> Result<(), Error> {
        let known = |name: &str| {
            let short = name.strip_prefix(self.prefix).unwrap_or(name);
            self.read.contains(name) || BESIDE.iter().any(|beside| short.starts_with(beside))
        };
        let mut unread: Vec<&str> = self.file.names().into_iter().filter(|name| !known(name)).collect();
        unread.sort_unstable();
        unread.first().map_or(Ok(()), |&layer| Err(Error::Unsupported { layer: layer.to_owned() }))
    }
}

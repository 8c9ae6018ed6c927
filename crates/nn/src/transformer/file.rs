//! Files of transformers: safetensors, with the description as JSON under the key `config`.
//!
//! | tensor | type | shape |
//! |---|---|---|
//! | `vocabulary` | U8 | bytes of the pieces, one per line, UTF-8 |
//! | `embedding.codes`, `embedding.scales` | I8, F32 | pieces x width, pieces |
//! | `embedding.positions` | F32 | lanes x width |
//! | `embedding.gain`, `embedding.bias` | F32 | width |
//! | `layer.N.{query,key,value,mix}.{weight,bias}` | F32 | width x width, width |
//! | `layer.N.up.{weight,bias}`, `layer.N.down.{weight,bias}` | F32 | hidden x width, hidden; width x hidden, width |
//! | `layer.N.shift`, `layer.N.around_attention`, `layer.N.around_hidden` | F32 | heads, width, width |
//! | `output.weight`, `output.bias` | F32 | 2 x width, 2 |
//!
//! A file is hostile until read: every size is checked against the file's own length before anything is allocated, and every
//! number before a [`Transformer`] exists.

use std::collections::{BTreeMap, HashMap};

use arras_approx::Polynomial;
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensorError, SafeTensors};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Error;
use crate::encoder::Table;
use crate::file::{BYTES, scalars, tensor};
use crate::head::Linear;
use crate::lexicon::within;

use super::config::{Ranges, Shape};
use super::model::{About, Classifier, Embedding, Layer, Parts, Transformer};
use super::tokens::{PIECES, Vocabulary};

/// The format that this version writes and reads.
pub const FORMAT: &str = "arras-transformer-1";

/// The metadata keys of the format, the description and the checksum.
const FORMAT_KEY: &str = "format";
const CONFIG_KEY: &str = "config";
const CHECKSUM_KEY: &str = "checksum";

/// The description inside the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Card {
    shape: Shape,
    /// Degree of the activation, of which this version reads squares.
    degree: u32,
    epsilon: f64,
    temperature: f64,
    polynomial: Polynomial,
    labels: [String; 2],
    ranges: Option<Ranges>,
    figures: BTreeMap<String, f64>,
    sentinel: u64,
}

/// One tensor about to be written.
struct Tensor {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Transformer {
    /// The transformer as the bytes of a file; the same transformer gives the same bytes. Numbers of the server's half and
    /// of the normalisation are rounded to single precision.
    ///
    /// # Errors
    ///
    /// When the container refuses, which a valid transformer gives it no reason to.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let Parts { shape, vocabulary, embedding, layers, classifier, about } = self.parts();
        let card = Card {
            shape: *shape,
            degree: 2,
            epsilon: embedding.epsilon,
            temperature: classifier.temperature,
            polynomial: classifier.polynomial.clone(),
            labels: about.labels.clone(),
            ranges: about.ranges.clone(),
            figures: about.figures.clone(),
            sentinel: about.sentinel,
        };
        let config = serde_json::to_string(&card).map_err(|source| Error::Card { source })?;
        let mut tensors = embedded(vocabulary, embedding);
        for (at, layer) in layers.iter().enumerate() {
            layer_tensors(at, layer, &mut tensors);
        }
        linear_tensors("output", &classifier.output, &mut tensors);
        tensors.sort_by(|a, b| a.name.cmp(&b.name));
        let named = tensors.iter().map(|t| (t.name.as_str(), t.bytes.as_slice()));
        let metadata = HashMap::from([
            (FORMAT_KEY.to_owned(), FORMAT.to_owned()),
            (CHECKSUM_KEY.to_owned(), checksum(&config, named)),
            (CONFIG_KEY.to_owned(), config),
        ]);
        let views: Result<Vec<_>, SafeTensorError> = tensors
            .iter()
            .map(|t| Ok((t.name.as_str(), TensorView::new(t.dtype, t.shape.clone(), &t.bytes)?)))
            .collect();
        let write = |views| safetensors::serialize(views, Some(metadata));
        sorted(&views.and_then(write).map_err(|source| Error::Container { source })?)
    }

    /// Whether these are the bytes of a transformer's file, as far as their first part says: what to read them as.
    #[must_use]
    pub fn is_file(bytes: &[u8]) -> bool {
        SafeTensors::read_metadata(bytes).is_ok_and(|(_, metadata)| {
            metadata.metadata().as_ref().is_some_and(|m| m.contains_key(FORMAT_KEY))
        })
    }

    /// Reads a transformer from the bytes of a file.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the bytes: see [`Error`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        within("bytes of the model file", bytes.len(), 8, BYTES)?;
        let file = SafeTensors::deserialize(bytes).map_err(|source| Error::Container { source })?;
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|source| Error::Container { source })?;
        let metadata = header.metadata().as_ref().ok_or(Error::NoCard)?;
        let format = metadata.get(FORMAT_KEY).ok_or(Error::NoCard)?;
        if format != FORMAT {
            return Err(Error::Kind { have: format.chars().take(64).collect(), need: FORMAT });
        }
        let config = metadata.get(CONFIG_KEY).ok_or(Error::NoCard)?;
        let card: Card = serde_json::from_str(config).map_err(|source| Error::Card { source })?;
        card.shape.check()?;
        within("degree of the activation", card.degree as usize, 2, 2)?;
        let model = Self::new(parts(&file, card)?)?;
        // Last, so that what is wrong is named if it shows.
        let mut tensors = file.tensors();
        tensors.sort_by(|a, b| a.0.cmp(&b.0));
        let have = checksum(config, tensors.iter().map(|(name, view)| (name.as_str(), view.data())));
        if metadata.get(CHECKSUM_KEY) != Some(&have) {
            return Err(Error::Checksum);
        }
        Ok(model)
    }
}

/// The same file with its header in alphabetical order: the container writes its metadata in the order of a hash table.
fn sorted(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let card = |source| Error::Card { source };
    let (length, rest) = bytes.split_first_chunk::<8>().ok_or(Error::NoCard)?;
    let (header, data) = rest.split_at_checked(u64::from_le_bytes(*length) as usize).ok_or(Error::NoCard)?;
    let mut entries: BTreeMap<String, Value> = serde_json::from_slice(header).map_err(card)?;
    if let Some(metadata) = entries.get_mut("__metadata__") {
        let keys: BTreeMap<String, String> = serde_json::from_value(metadata.take()).map_err(card)?;
        *metadata = keys.into_iter().map(|(key, value)| (key, Value::String(value))).collect();
    }
    let mut header = serde_json::to_vec(&entries).map_err(card)?;
    header.resize(header.len().next_multiple_of(8), b' ');
    Ok([&(header.len() as u64).to_le_bytes(), header.as_slice(), data].concat())
}

/// The checksum of the description and of named tensors in alphabetical order; it finds accidents.
fn checksum<'a>(config: &str, tensors: impl Iterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("arras 2026 transformer file");
    hasher.update(config.as_bytes());
    for (name, bytes) in tensors {
        hasher.update(name.as_bytes()).update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    }
    hasher.finalize().to_hex().to_string()
}

fn float(name: String, shape: Vec<usize>, values: impl Iterator<Item = f64>) -> Tensor {
    Tensor { name, dtype: Dtype::F32, shape, bytes: values.flat_map(|v| (v as f32).to_le_bytes()).collect() }
}

fn embedded(vocabulary: &Vocabulary, embedding: &Embedding) -> Vec<Tensor> {
    let bytes = vocabulary.pieces().join("\n").into_bytes();
    let (table, width) = (&embedding.table, embedding.table.width());
    let codes = table.codes().iter().map(|c| c.cast_unsigned()).collect();
    let (rows, lanes) = (table.rows(), embedding.positions.len() / width);
    let scales = table.scales().iter().map(|&s| f64::from(s));
    vec![
        Tensor { name: "vocabulary".to_owned(), dtype: Dtype::U8, shape: vec![bytes.len()], bytes },
        Tensor {
            name: "embedding.codes".to_owned(),
            dtype: Dtype::I8,
            shape: vec![rows, width],
            bytes: codes,
        },
        float("embedding.scales".to_owned(), vec![rows], scales),
        float("embedding.positions".to_owned(), vec![lanes, width], embedding.positions.iter().copied()),
        float("embedding.gain".to_owned(), vec![width], embedding.gain.iter().copied()),
        float("embedding.bias".to_owned(), vec![width], embedding.bias.iter().copied()),
    ]
}

fn linear_tensors(name: &str, layer: &Linear, tensors: &mut Vec<Tensor>) {
    let (rows, columns) = (layer.rows(), layer.columns());
    let weights = layer.iter().flat_map(|(w, _)| w.iter().copied());
    tensors.push(float(format!("{name}.weight"), vec![rows, columns], weights));
    tensors.push(float(format!("{name}.bias"), vec![rows], layer.iter().map(|(_, b)| b)));
}

fn layer_tensors(at: usize, layer: &Layer, tensors: &mut Vec<Tensor>) {
    let linear = [
        ("query", &layer.query),
        ("key", &layer.key),
        ("value", &layer.value),
        ("mix", &layer.mix),
        ("up", &layer.up),
        ("down", &layer.down),
    ];
    for (name, linear) in linear {
        linear_tensors(&format!("layer.{at}.{name}"), linear, tensors);
    }
    let vectors = [
        ("shift", &layer.shift),
        ("around_attention", &layer.around_attention),
        ("around_hidden", &layer.around_hidden),
    ];
    for (name, values) in vectors {
        tensors.push(float(format!("layer.{at}.{name}"), vec![values.len()], values.iter().copied()));
    }
}

fn parts(file: &SafeTensors<'_>, card: Card) -> Result<Parts, Error> {
    let bytes = tensor::<1>(file, "vocabulary", Dtype::U8)?.1;
    let pieces = crate::text::decode(bytes)?.split('\n').take(PIECES + 1).map(str::to_owned).collect();
    let ([_, width], codes) = tensor(file, "embedding.codes", Dtype::I8)?;
    let scales = scalars(tensor::<1>(file, "embedding.scales", Dtype::F32)?.1).collect();
    let embedding = Embedding {
        table: Table::new(width, codes.iter().map(|c| c.cast_signed()).collect(), scales)?,
        positions: scalars(tensor::<2>(file, "embedding.positions", Dtype::F32)?.1).map(f64::from).collect(),
        gain: vector(file, "embedding.gain")?,
        bias: vector(file, "embedding.bias")?,
        epsilon: card.epsilon,
    };
    let layers: Result<_, Error> = (0..card.shape.layers).map(|at| layer(file, at)).collect();
    let (temperature, polynomial) = (card.temperature, card.polynomial);
    Ok(Parts {
        shape: card.shape,
        vocabulary: Vocabulary::new(pieces)?,
        embedding,
        layers: layers?,
        classifier: Classifier { output: linear(file, "output")?, temperature, polynomial },
        about: About {
            labels: card.labels,
            ranges: card.ranges,
            figures: card.figures,
            sentinel: card.sentinel,
        },
    })
}

fn layer(file: &SafeTensors<'_>, at: usize) -> Result<Layer, Error> {
    let linear = |name| linear(file, &format!("layer.{at}.{name}"));
    let vector = |name| vector(file, &format!("layer.{at}.{name}"));
    Ok(Layer {
        query: linear("query")?,
        key: linear("key")?,
        value: linear("value")?,
        shift: vector("shift")?,
        mix: linear("mix")?,
        around_attention: vector("around_attention")?,
        up: linear("up")?,
        down: linear("down")?,
        around_hidden: vector("around_hidden")?,
    })
}

fn linear(file: &SafeTensors<'_>, name: &str) -> Result<Linear, Error> {
    let ([_, columns], bytes) = tensor(file, &format!("{name}.weight"), Dtype::F32)?;
    Linear::new(columns, scalars(bytes).map(f64::from).collect(), vector(file, &format!("{name}.bias"))?)
}

fn vector(file: &SafeTensors<'_>, name: &str) -> Result<Vec<f64>, Error> {
    Ok(scalars(tensor::<1>(file, name, Dtype::F32)?.1).map(f64::from).collect())
}

//! Model files: safetensors, with the description as JSON under the key `arras`.
//!
//! | tensor | type | shape |
//! |---|---|---|
//! | `vocabulary` | U8 | bytes of the entries, one per line, UTF-8 |
//! | `table.codes`, `table.scales` | I8, F32 | rows x features, rows |
//! | `hidden.weight`, `hidden.bias` | F32 | neurons x features, neurons |
//! | `activation.slope`, `activation.offset` | F32 | neurons |
//! | `output.weight`, `output.bias` | F32 | 2 x neurons, 2 |
//!
//! A file is hostile until read: every size is checked against the file's own length before anything is allocated, and every
//! number before a [`Model`] exists.

use std::collections::{BTreeMap, HashMap};

use arras_approx::Polynomial;
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensorError, SafeTensors};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::encoder::{Encoder, Pooling, Table};
use crate::head::{Head, Linear, Parts, Quadratic};
use crate::lexicon::{Lexicon, within};
use crate::model::{About, Model, Ranges};

/// The format that this version writes and reads.
pub const FORMAT: u32 = 1;

/// The largest file that is read, in bytes.
pub const BYTES: usize = 256 << 20;

/// The metadata key of the description.
const KEY: &str = "arras";

/// The description inside the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Card {
    format: u32,
    labels: [String; 2],
    parts: usize,
    pooling: Pooling,
    temperature: f64,
    polynomial: Polynomial,
    ranges: Ranges,
    figures: BTreeMap<String, f64>,
    sentinel: u64,
    /// BLAKE3 of the card without this field and of all tensors, in hexadecimal: finds accidents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    checksum: Option<String>,
}

/// Only the format, read first so that another format is named as such.
#[derive(Deserialize)]
struct Version {
    format: u32,
}

impl Model {
    /// The model as the bytes of a file; the same model gives the same bytes.
    ///
    /// # Errors
    ///
    /// When the container refuses, which a valid model gives it no reason to.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let (encoder, head, about) = (self.encoder(), self.head().parts(), self.about());
        let mut card = Card {
            format: FORMAT,
            labels: about.labels.clone(),
            parts: encoder.lexicon().parts(),
            pooling: encoder.pooling(),
            temperature: head.temperature,
            polynomial: head.polynomial.clone(),
            ranges: about.ranges,
            figures: about.figures.clone(),
            sentinel: about.sentinel,
            checksum: None,
        };
        let tensors = tensors(encoder, head);
        card.checksum = Some(checksum(&card, tensors.iter().map(|t| (t.name, t.bytes.as_slice())))?);
        let json = serde_json::to_string(&card).map_err(|source| Error::Card { source })?;
        let views: Result<Vec<_>, SafeTensorError> = tensors
            .iter()
            .map(|t| Ok((t.name, TensorView::new(t.dtype, t.shape.clone(), &t.bytes)?)))
            .collect();
        let write = |views| safetensors::serialize(views, Some(HashMap::from([(KEY.to_owned(), json)])));
        views.and_then(write).map_err(|source| Error::Container { source })
    }

    /// Reads a model from the bytes of a file.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the bytes: see [`Error`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        within("bytes of the model file", bytes.len(), 8, BYTES)?;
        let file = SafeTensors::deserialize(bytes).map_err(|source| Error::Container { source })?;
        let (_, metadata) =
            SafeTensors::read_metadata(bytes).map_err(|source| Error::Container { source })?;
        let json = metadata.metadata().as_ref().and_then(|m| m.get(KEY)).ok_or(Error::NoCard)?;
        let version: Version = serde_json::from_str(json).map_err(|source| Error::Card { source })?;
        if version.format != FORMAT {
            return Err(Error::Format { have: version.format, need: FORMAT });
        }
        let mut card: Card = serde_json::from_str(json).map_err(|source| Error::Card { source })?;
        let (encoder, parts) = (encoder(&file, &card)?, parts(&file, &card)?);
        let head = Head::new(parts)?;
        // Last, so that what is wrong is named if it shows.
        check(&mut card, &file)?;
        let Card { labels, ranges, figures, sentinel, .. } = card;
        Self::new(encoder, head, About { labels, ranges, figures, sentinel })
    }
}

/// The checksum of a card that has none yet, and of named tensors in the order in which they are written.
fn checksum<'a>(card: &Card, tensors: impl Iterator<Item = (&'a str, &'a [u8])>) -> Result<String, Error> {
    let mut hasher = blake3::Hasher::new_derive_key("arras 2026 model file");
    hasher.update(&serde_json::to_vec(card).map_err(|source| Error::Card { source })?);
    for (name, bytes) in tensors {
        hasher.update(name.as_bytes()).update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// Compares the checksum, which leaves the card, with what was read.
fn check(card: &mut Card, file: &SafeTensors<'_>) -> Result<(), Error> {
    let stated = card.checksum.take().ok_or(Error::Checksum)?;
    let views = TENSORS.iter().map(|&name| file.tensor(name).map(|view| (name, view.data())));
    let views: Vec<_> = views.collect::<Result<_, _>>().map_err(|source| Error::Container { source })?;
    if checksum(card, views.into_iter())? == stated { Ok(()) } else { Err(Error::Checksum) }
}

/// The tensors in the order in which they are hashed.
const TENSORS: [&str; 9] = [
    "vocabulary",
    "table.codes",
    "table.scales",
    "hidden.weight",
    "hidden.bias",
    "activation.slope",
    "activation.offset",
    "output.weight",
    "output.bias",
];

/// One tensor about to be written.
struct Tensor {
    name: &'static str,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

fn tensors(encoder: &Encoder, head: &Parts) -> Vec<Tensor> {
    let float = |name, shape: Vec<usize>, values: &mut dyn Iterator<Item = f64>| {
        let bytes = values.flat_map(|v| (v as f32).to_le_bytes()).collect();
        Tensor { name, dtype: Dtype::F32, shape, bytes }
    };
    let table = encoder.table();
    let words = encoder.lexicon().words().join("\n").into_bytes();
    let codes = table.codes().iter().map(|c| c.cast_unsigned()).collect();
    let (h, d) = (head.hidden.rows(), head.hidden.columns());
    let weight = |layer: &Linear| layer.iter().flat_map(|(w, _)| w.to_vec()).collect::<Vec<_>>();
    let bias = |layer: &Linear| layer.iter().map(|(_, b)| b).collect::<Vec<_>>();
    vec![
        Tensor { name: "vocabulary", dtype: Dtype::U8, shape: vec![words.len()], bytes: words },
        Tensor { name: "table.codes", dtype: Dtype::I8, shape: vec![table.rows(), d], bytes: codes },
        float("table.scales", vec![table.rows()], &mut table.scales().iter().map(|&s| f64::from(s))),
        float("hidden.weight", vec![h, d], &mut weight(&head.hidden).into_iter()),
        float("hidden.bias", vec![h], &mut bias(&head.hidden).into_iter()),
        float("activation.slope", vec![h], &mut head.activation.slope().iter().copied()),
        float("activation.offset", vec![h], &mut head.activation.offset().iter().copied()),
        float("output.weight", vec![2, h], &mut weight(&head.output).into_iter()),
        float("output.bias", vec![2], &mut bias(&head.output).into_iter()),
    ]
}

fn encoder(file: &SafeTensors<'_>, card: &Card) -> Result<Encoder, Error> {
    let ([_], bytes) = tensor(file, "vocabulary", Dtype::U8)?;
    let text = crate::text::decode(bytes)?;
    let words: Vec<String> = text.split('\n').take(crate::lexicon::WORDS + 1).map(str::to_owned).collect();
    let ([_, width], codes) = tensor(file, "table.codes", Dtype::I8)?;
    let scales = scalars(tensor::<1>(file, "table.scales", Dtype::F32)?.1).collect();
    let table = Table::new(width, codes.iter().map(|c| c.cast_signed()).collect(), scales)?;
    Encoder::new(Lexicon::new(words, card.parts)?, table, card.pooling)
}

fn parts(file: &SafeTensors<'_>, card: &Card) -> Result<Parts, Error> {
    let vector = |name| Ok::<_, Error>(wide(tensor::<1>(file, name, Dtype::F32)?.1));
    let linear = |weight, bias| {
        let ([_, columns], bytes) = tensor(file, weight, Dtype::F32)?;
        Linear::new(columns, wide(bytes), vector(bias)?)
    };
    Ok(Parts {
        hidden: linear("hidden.weight", "hidden.bias")?,
        activation: Quadratic::new(vector("activation.slope")?, vector("activation.offset")?)?,
        output: linear("output.weight", "output.bias")?,
        temperature: card.temperature,
        polynomial: card.polynomial.clone(),
    })
}

/// The shape and bytes of a tensor of this type with N dimensions.
pub(crate) fn tensor<'a, const N: usize>(
    file: &SafeTensors<'a>,
    name: &str,
    dtype: Dtype,
) -> Result<([usize; N], &'a [u8]), Error> {
    let bad = || Error::Tensor { name: name.to_owned() };
    let view = file.tensor(name).map_err(|_| bad())?;
    match <[usize; N]>::try_from(view.shape()) {
        Ok(shape) if view.dtype() == dtype => Ok((shape, view.data())),
        Ok(_) | Err(_) => Err(bad()),
    }
}

pub(crate) fn scalars(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b))
}

fn wide(bytes: &[u8]) -> Vec<f64> {
    scalars(bytes).map(f64::from).collect()
}

//! A pretrained encoder with a classifier on its first token, fine-tuned to a task (Devlin et al. 2019, section 4.1).

use std::collections::HashMap;

use arras_nn::head::Linear;
use arras_nn::transformer::Pretrained;
use arras_nn::transformer::pretrained::{Block, Norm};
use candle_core::{D, DType, Device, Result, Tensor, Var};

use super::batches::{Lesson, Report, look_at_all};
use super::learn::{Part, Weights};
use super::ops;
use crate::Error;
use crate::rng::Rng;

/// The network, with its embedding table frozen: a table of thirty thousand rows learns little from as many sentences.
#[derive(Debug)]
pub struct Teacher {
    words: Tensor,
    weights: Weights,
    layers: usize,
    heads: usize,
    epsilon: f32,
    precision: DType,
}

impl Teacher {
    /// The network of a pretrained encoder; a classifier that is missing starts from small random numbers.
    ///
    /// # Errors
    ///
    /// When the tensors cannot be made.
    pub fn new(encoder: &Pretrained, seed: u64) -> std::result::Result<Self, Error> {
        let d = encoder.width();
        let mut weights = Weights::new();
        let rows = encoder.positions().len() / d;
        weights.insert(POSITIONS.to_owned(), var(encoder.positions().to_vec(), &[rows, d])?);
        insert_norm("embeddings.LayerNorm", encoder.norm(), &mut weights)?;
        for (at, block) in encoder.blocks().iter().enumerate() {
            insert_block(at, block, &mut weights)?;
        }
        match encoder.classifier() {
            Some(classifier) => insert_linear("classifier", classifier, &mut weights)?,
            None => {
                let mut rng = Rng::new(seed, 23);
                let small = (0..2 * d).map(|_| rng.symmetric(0.035)).collect();
                weights.insert("classifier.weight".to_owned(), var(small, &[2, d])?);
                weights.insert("classifier.bias".to_owned(), var(vec![0.0; 2], &[2])?);
            }
        }
        let count = encoder.words().len() / d;
        Ok(Self {
            words: Tensor::from_slice(encoder.words(), (count, d), &Device::Cpu)?,
            weights,
            layers: encoder.blocks().len(),
            heads: encoder.heads(),
            epsilon: encoder.norm().epsilon as f32,
            precision: DType::F32,
        })
    }

    /// Computes matrix products in this precision; normalisations, the softmax and the weights stay in single precision.
    #[must_use]
    pub fn with_precision(self, precision: DType) -> Self {
        Self { precision, ..self }
    }

    /// What learns.
    #[must_use]
    pub const fn weights(&self) -> &Weights {
        &self.weights
    }

    /// The two logits of each text: a row per text.
    ///
    /// # Errors
    ///
    /// When the texts are of different lengths, or longer than the encoder's positions.
    pub fn logits(&self, part: &Part<'_>) -> Result<Tensor> {
        let states = self.states(part)?;
        let top = states.last().ok_or_else(|| candle_core::Error::msg("no layer"))?;
        self.classify(top, part.lessons.len())
    }

    /// The two logits of texts whose tokens have these features behind the last layer.
    pub(super) fn classify(&self, top: &Tensor, texts: usize) -> Result<Tensor> {
        self.linear("classifier", &first(top, texts)?)
    }

    /// The features of all tokens behind the embedding, and behind the attention and the hidden values of every layer.
    pub(super) fn states(&self, part: &Part<'_>) -> Result<Vec<Tensor>> {
        let (rows, n) = part.rows()?;
        let places: Vec<u32> = (0..part.lessons.len()).flat_map(|_| 0..n as u32).collect();
        let positions = self.weight(POSITIONS)?.index_select(&Tensor::new(places, &Device::Cpu)?, 0)?;
        let mut x = self.norm("embeddings.LayerNorm", &(self.words.index_select(&rows, 0)? + positions)?)?;
        let mut states = vec![x.clone()];
        for at in 0..self.layers {
            let name = |rest: &str| format!("encoder.layer.{at}.{rest}");
            let mixed = self.attend(&x, n, &name)?;
            x = self.norm(&name("attention.output.LayerNorm"), &(x + mixed)?)?;
            states.push(x.clone());
            let hidden = ops::gelu(&self.linear(&name("intermediate.dense"), &x)?)?;
            let added = self.linear(&name("output.dense"), &hidden)?;
            x = self.norm(&name("output.LayerNorm"), &(x + added)?)?;
            states.push(x.clone());
        }
        Ok(states)
    }

    fn attend(&self, x: &Tensor, n: usize, name: &dyn Fn(&str) -> String) -> Result<Tensor> {
        let (rows, d) = x.dims2()?;
        let each = d / self.heads;
        let split = |which: &str| {
            let y = self.linear(&name(&format!("attention.self.{which}")), x)?;
            y.reshape((rows / n, n, self.heads, each))?.transpose(1, 2)?.contiguous()
        };
        let (query, key, value) = (split("query")?, split("key")?, split("value")?);
        let scores = (query.matmul(&key.transpose(2, 3)?)? * (each as f64).powf(-0.5))?;
        let mixed = ops::softmax(&scores)?.matmul(&value)?;
        let mixed = mixed.transpose(1, 2)?.contiguous()?.reshape((rows, d))?;
        self.linear(&name("attention.output.dense"), &mixed)
    }

    fn weight(&self, name: &str) -> Result<&Tensor> {
        self.weights
            .get(name)
            .map(Var::as_tensor)
            .ok_or_else(|| candle_core::Error::msg(format!("no weight {name}")))
    }

    fn linear(&self, name: &str, x: &Tensor) -> Result<Tensor> {
        let weight = self.weight(&format!("{name}.weight"))?.to_dtype(self.precision)?;
        let product = x.to_dtype(self.precision)?.matmul(&weight.t()?)?.to_dtype(DType::F32)?;
        ops::add_row(&product, self.weight(&format!("{name}.bias"))?)
    }

    fn norm(&self, name: &str, x: &Tensor) -> Result<Tensor> {
        let (gain, bias) = (self.weight(&format!("{name}.weight"))?, self.weight(&format!("{name}.bias"))?);
        ops::norm(x, gain, bias, self.epsilon)
    }

    /// The mean cross-entropy of the labels.
    ///
    /// # Errors
    ///
    /// As [`Teacher::logits`].
    pub fn loss(&self, part: &Part<'_>) -> Result<Tensor> {
        cross_entropy(&self.logits(part)?, part)?.mean_all()
    }

    /// The logits of every lesson, in order. `report` hears how many are done and stops by breaking.
    ///
    /// # Errors
    ///
    /// As [`Teacher::logits`], and when `report` breaks.
    pub fn label(
        &self,
        lessons: &[Lesson],
        workers: usize,
        report: Report<'_>,
    ) -> std::result::Result<Vec<[f32; 2]>, Error> {
        let mut out = vec![[0.0; 2]; lessons.len()];
        let look = |part: &Part<'_>| Ok(self.logits(part)?.detach().to_vec2::<f32>()?);
        let mut take = |batch: &[usize], logits: Vec<Vec<f32>>| {
            for (&place, logits) in batch.iter().zip(logits) {
                if let (Some(out), &[zero, one]) = (out.get_mut(place), logits.as_slice()) {
                    *out = [zero, one];
                }
            }
        };
        look_at_all(lessons, workers, &look, &mut take, report)?;
        Ok(out)
    }

    /// The tensors and the description of the encoder as it stands, by the names of BERT: `model.safetensors` and
    /// `config.json`.
    ///
    /// # Errors
    ///
    /// When the container refuses.
    pub fn to_files(&self, positions: usize) -> std::result::Result<(Vec<u8>, String), Error> {
        let mut all: HashMap<String, Tensor> = HashMap::new();
        all.insert("embeddings.word_embeddings.weight".to_owned(), self.words.clone());
        all.extend(self.weights.iter().map(|(name, var)| (name.clone(), var.as_tensor().clone())));
        let width = self.words.dim(1)?;
        let hidden = self.weight("encoder.layer.0.intermediate.dense.bias")?.dim(0)?;
        let config = serde_json::json!({
            "architectures": ["BertModel"],
            "model_type": "bert",
            "hidden_size": width,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "intermediate_size": hidden,
            "hidden_act": "gelu",
            "max_position_embeddings": positions,
            "vocab_size": self.words.dim(0)?,
            "layer_norm_eps": self.epsilon,
        });
        Ok((safetensors::serialize(all, None)?, config.to_string()))
    }
}

/// The first row of every text.
pub(super) fn first(x: &Tensor, texts: usize) -> Result<Tensor> {
    let (rows, d) = x.dims2()?;
    x.reshape((texts, rows / texts, d))?.narrow(1, 0, 1)?.squeeze(1)?.contiguous()
}

const POSITIONS: &str = "embeddings.position_embeddings.weight";

/// The cross-entropy of each text's label.
pub(super) fn cross_entropy(logits: &Tensor, part: &Part<'_>) -> Result<Tensor> {
    let signs: Vec<f32> = part.lessons.iter().map(|l| if l.positive { -1.0 } else { 1.0 }).collect();
    let margin = (logits.narrow(1, 1, 1)? - logits.narrow(1, 0, 1)?)?.squeeze(D::Minus1)?;
    softplus(&(margin * Tensor::new(signs, &Device::Cpu)?)?)
}

/// ln(1 + e^x), as max(x, 0) + ln(1 + e^-|x|).
pub(super) fn softplus(x: &Tensor) -> Result<Tensor> {
    x.relu()? + ((x.abs()?.neg()?.exp()? + 1.0)?).log()?
}

pub(super) fn var(values: Vec<f32>, shape: &[usize]) -> Result<Var> {
    Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu)?)
}

pub(super) fn narrow(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&v| v as f32).collect()
}

pub(super) fn insert_linear(name: &str, linear: &Linear, weights: &mut Weights) -> Result<()> {
    let (matrix, bias): (Vec<&[f64]>, Vec<f64>) = linear.iter().unzip();
    let shape = [linear.rows(), linear.columns()];
    weights.insert(format!("{name}.weight"), var(narrow(&matrix.concat()), &shape)?);
    weights.insert(format!("{name}.bias"), var(narrow(&bias), &[linear.rows()])?);
    Ok(())
}

fn insert_norm(name: &str, norm: &Norm, weights: &mut Weights) -> Result<()> {
    weights.insert(format!("{name}.weight"), var(narrow(&norm.gain), &[norm.gain.len()])?);
    weights.insert(format!("{name}.bias"), var(narrow(&norm.bias), &[norm.bias.len()])?);
    Ok(())
}

fn insert_block(at: usize, block: &Block, weights: &mut Weights) -> Result<()> {
    let name = |rest: &str| format!("encoder.layer.{at}.{rest}");
    let linear = [
        ("attention.self.query", &block.query),
        ("attention.self.key", &block.key),
        ("attention.self.value", &block.value),
        ("attention.output.dense", &block.mix),
        ("intermediate.dense", &block.up),
        ("output.dense", &block.down),
    ];
    for (rest, layer) in linear {
        insert_linear(&name(rest), layer, weights)?;
    }
    insert_norm(&name("attention.output.LayerNorm"), &block.norm, weights)?;
    insert_norm(&name("output.LayerNorm"), &block.last_norm, weights)
}

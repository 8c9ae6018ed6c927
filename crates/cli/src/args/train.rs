//! The words of `arras train`, `arras eval` and `arras report`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[cfg(feature = "transformer")]
use super::transformer;
use super::{Mode, ModelFile};

#[derive(Debug, Subcommand)]
pub enum Train {
    /// Sentiment of film reviews (SST-2)
    #[command(after_help = "Example:\n  arras train sst2 --data sst2 --out model.safetensors")]
    Sst2(TrainSst2),
    /// Transformers: fine-tune a pretrained one, and teach one that runs encrypted
    #[cfg(feature = "transformer")]
    #[command(
        after_help = "Example:\n  arras train transformer student --teacher teacher --data sst2 --work work --out sst2-small.safetensors"
    )]
    Transformer {
        #[command(subcommand)]
        what: transformer::Transformer,
    },
    /// Transformers: fine-tune a pretrained one, and teach one that runs encrypted (needs the feature transformer)
    #[cfg(not(feature = "transformer"))]
    #[command(
        after_help = "Example:\n  arras train transformer student --teacher teacher --data sst2 --work work --out sst2-small.safetensors\n\nThis build leaves the trainer of transformers out. Build it with: cargo build --release --features transformer"
    )]
    Transformer {
        #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub struct TrainSst2 {
    /// The folder of train.tsv
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Where to write the model
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Passes over the data
    #[arg(long, value_name = "COUNT")]
    pub epochs: Option<usize>,
    /// Seed of everything random
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
}

#[derive(Debug, Subcommand)]
pub enum Eval {
    /// Sentiment of film reviews (SST-2)
    #[command(
        after_help = "Examples:\n  arras eval sst2 --data sst2\n  arras eval sst2 --data sst2 --encrypted --journal journal.jsonl --layers --json\n\nProbabilities of plain are by the exact logistic function, those of encrypted by its polynomial. The expected calibration error (ece) has 15 equal bins of confidence; without the temperature (T = 1) the plain one is that of the logits, the encrypted one that of the log-odds of the answers times T. Entropies are in bits."
    )]
    Sst2(EvalSst2),
}

#[derive(Debug, Args)]
pub struct EvalSst2 {
    /// The folder of dev.tsv
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    #[command(flatten)]
    pub model: ModelFile,
    /// Run on encrypted sentences as well
    #[arg(long)]
    pub encrypted: bool,
    /// How to pack the sentences; throughput by default, but for transformers, which have latency alone
    #[arg(long, value_name = "MODE")]
    pub mode: Option<Mode>,
    /// Only so many sentences, or as many as the journal has if they are more
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
    /// A file of a line for each sentence, written as it is answered: the same command goes on where it was stopped
    #[arg(long, value_name = "FILE", requires = "encrypted")]
    pub journal: Option<PathBuf>,
    /// Measure the error and the time of each layer of a transformer, on the first sentence or so many of them
    #[arg(long, value_name = "COUNT", requires = "encrypted", num_args = 0..=1, default_missing_value = "1", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub layers: Option<u32>,
}

#[derive(Debug, Args)]
pub struct Report {
    /// What `arras eval sst2 --json` printed
    #[arg(long, value_name = "FILE", required_unless_present = "training")]
    pub eval: Option<PathBuf>,
    /// A log.jsonl of `arras train transformer`; may be given more than once
    #[arg(long, value_name = "FILE")]
    pub training: Vec<PathBuf>,
    /// The title of the page
    #[arg(long, value_name = "TEXT", default_value = "Arras: a model on ciphertexts")]
    pub title: String,
    /// Where to write the page
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

//! The words of `arras train` and `arras eval`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[cfg(feature = "transformer")]
use super::transformer;
use super::{Mode, ModelFile};

#[derive(Debug, Subcommand)]
pub enum Train {
    /// Sentiment of film reviews (SST-2)
    #[command(after_help = "Example:\n  arras train sst2 --data ../shared/data/sst2 --out model.safetensors")]
    Sst2(TrainSst2),
    /// Transformers: fine-tune a pretrained one, and teach one that runs encrypted
    #[cfg(feature = "transformer")]
    Transformer {
        #[command(subcommand)]
        what: transformer::Transformer,
    },
    /// Transformers: fine-tune a pretrained one, and teach one that runs encrypted (needs the feature transformer)
    #[cfg(not(feature = "transformer"))]
    #[command(
        after_help = "This build leaves the trainer of transformers out. Build it with: cargo build --release --features transformer"
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
        after_help = "Examples:\n  arras eval sst2 --data ../shared/data/sst2\n  arras eval sst2 --data ../shared/data/sst2 --encrypted --json"
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
    /// Only so many sentences
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
}

//! The words of `arras train transformer`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub enum Transformer {
    /// Fine-tune a pretrained encoder on labelled sentences
    #[command(
        after_help = "Examples:\n  arras train transformer teacher --from all-MiniLM-L6-v2 --data sst2 --out teacher\n  arras train transformer teacher --from all-MiniLM-L6-v2 --data sst2 --out work --table steps --json\n\nThe encoder is a folder with model.safetensors, config.json and tokenizer.json, of BERT's or DistilBERT's shape; a build with the feature `hub` fetches one by its name, such as sentence-transformers/all-MiniLM-L6-v2, into HF_HOME, from HF_ENDPOINT. The folder of --out gets the same three files, log.jsonl, and a checkpoint: the same command goes on where it was stopped. On a machine of few cores RAYON_NUM_THREADS=1 leaves the threads to --workers."
    )]
    Teacher(Teacher),
    /// Let a transformer of polynomials learn from a teacher, and write it as a model file
    #[command(
        after_help = "Example:\n  arras train transformer student --teacher teacher --data sst2 --work work --out sst2-small.safetensors\n  arras train transformer student --size base --teacher teacher --data sst2 --work base --out sst2-base.safetensors\n\nThe small size starts from the principal components of the teacher's words, the base size as a copy of the teacher with polynomials for what is none. The folder of --work keeps log.jsonl, a checkpoint and, until the small model is made, what the teacher showed (4.6 GB for the 564,000 texts of the default on SST-2, of 8 GB of memory in all): the same command goes on where it was stopped."
    )]
    Student(Student),
    /// Measure the ranges of a model's values, without which it does not run encrypted
    #[command(
        after_help = "Example:\n  arras train transformer calibrate --model raw.safetensors --data sst2 --out model.safetensors\n\nThe logistic polynomial is fitted to the range of the logits. The temperature stays as it is unless --temperature asks for a new one, learnt on sentences held back."
    )]
    Calibrate(Calibrate),
}

#[derive(Debug, Args)]
pub struct Calibrate {
    /// The model file
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,
    /// The folder of train.tsv
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Where to write the model with its ranges
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Learn the temperature anew
    #[arg(long)]
    pub temperature: bool,
    /// Seed of what is held back
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
}

#[derive(Clone, Debug, Args)]
pub struct Teacher {
    /// The folder of the pretrained encoder, or with the feature `hub` its name on the Hugging Face hub
    #[arg(long, value_name = "DIR")]
    pub from: PathBuf,
    /// The folder of train.tsv and dev.tsv
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// The folder to write to
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    #[command(flatten)]
    pub pace: Pace,
    /// Precision of matrix products; weights and normalisations keep single precision
    #[arg(long, value_name = "TYPE", default_value = "f32")]
    pub precision: Precision,
    /// Longest text in pieces of words, or as many as the encoder has positions for if they are fewer
    #[arg(long, value_name = "COUNT", default_value_t = 64, value_parser = clap::value_parser!(u16).range(3..=512))]
    pub lanes: u16,
    /// A table of several trainings instead of one
    #[arg(long, value_name = "NAME")]
    pub table: Option<Table>,
}

#[derive(Clone, Debug, Args)]
pub struct Student {
    /// The folder of the fine-tuned teacher, or with the feature `hub` its name on the Hugging Face hub
    #[arg(long, value_name = "DIR")]
    pub teacher: PathBuf,
    /// The folder of train.tsv and dev.tsv
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// The folder of log and checkpoint
    #[arg(long, value_name = "DIR")]
    pub work: PathBuf,
    /// Where to write the model
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    #[command(flatten)]
    pub pace: Pace,
    /// How large the model is
    #[arg(long, value_name = "NAME", default_value = "small")]
    pub size: Size,
    /// New texts that are made of those in the table and labelled by the teacher; 500000 for the small size, none for the base size
    #[arg(long, value_name = "COUNT")]
    pub augment: Option<usize>,
}

/// Sizes of a student.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Size {
    /// Two layers of 128 features
    Small,
    /// As many layers and features as the teacher
    Base,
}

/// How long and how fast to learn.
#[derive(Clone, Debug, Args)]
pub struct Pace {
    /// Passes over the texts
    #[arg(long, value_name = "COUNT")]
    pub epochs: Option<usize>,
    /// Texts per step
    #[arg(long, value_name = "COUNT")]
    pub batch: Option<usize>,
    /// Largest learning rate
    #[arg(long, value_name = "RATE")]
    pub rate: Option<f32>,
    /// Threads, of which each finds the gradient of a part of the batch
    #[arg(long, value_name = "COUNT")]
    pub workers: Option<usize>,
    /// Seed of everything random
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Stop after so many steps, as if interrupted
    #[arg(long, value_name = "COUNT")]
    pub stop_after: Option<usize>,
}

/// Precision of matrix products.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Precision {
    /// Single precision
    F32,
    /// Sixteen bits with the exponents of single precision
    Bf16,
    /// Half precision
    F16,
}

/// Tables of several trainings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Table {
    /// Seconds per step without and with AdamW, without and with mixed precision
    Steps,
    /// Accuracy, F1 and AUROC of four choices of learning rate, batch and longest text
    Variations,
}

//! The words of the command line.

mod bench;
pub mod bench_compare;
pub mod bench_sok;
pub mod bench_tfhe;
mod calibrate;
pub mod compare;
pub mod demo;
pub mod graph;
pub mod infer;
pub mod minimax;
pub mod plan;
pub mod sort;
pub mod sql;
pub mod task;
mod train;
#[cfg(feature = "transformer")]
pub mod transformer;
pub mod tree;
pub mod workload;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use bench::{Bench, BenchBoot, BenchComposite, BenchOps};
pub use calibrate::{Calibrate, Chain, Depths};
pub use train::{Eval, EvalSst2, Report, Train, TrainSst2};

use crate::shipped;

/// Classifies text on encrypted data.
#[derive(Debug, Parser)]
#[command(
    name = "arras",
    version,
    about = "AI on data that the machine cannot see",
    propagate_version = true
)]
#[command(after_help = "Example:\n  arras classify \"a gripping, beautifully shot film\"")]
pub struct Arras {
    /// Print one JSON object instead of text
    #[arg(long, global = true)]
    pub json: bool,
    /// Threads to use; by default every core, but one for calibrate, bench compare, bench tfhe, bench sok and --worker
    #[arg(long, global = true, value_name = "T", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Classify sentences: seal, run and open in one go
    #[command(
        after_help = "Examples:\n  arras classify \"a gripping, beautifully shot film\"\n  arras classify --model sst2-words --file reviews.txt --json"
    )]
    Classify(Classify),
    /// Compare encrypted numbers or integers: seal, run and open in one go, or one party at a time
    #[command(
        after_help = "Examples:\n  printf '0.7,0.2\\n0.1,0.9\\n' | arras compare --check\n  arras compare pairs.csv --bits 8 --function max --json\n  arras compare seal pairs.csv --bits 8 --function max --keys keys --task task --out sealed"
    )]
    Compare(Box<compare::Compare>),
    /// A comparison of products, a product of a comparison, or both, on encrypted integers in every slot
    #[command(
        after_help = "Examples:\n  arras workload w2 --bits 8\n  arras workload w1 --bits 12 --slots 4096 --json\n\nValues are random ones, ties, neighbours of ties, and the ends of the ranges; every answer is checked."
    )]
    Workload(workload::Workload),
    /// Find the method that takes the least time for a task, and say what it takes and why the others lost
    #[command(
        after_help = "Examples:\n  arras plan w1 --bits 8 --values 1\n  arras plan sort --values 64 --json\n  arras plan --chart\n\nNothing is run: our plans are traced and priced by the costs of their operations, bit-wise TFHE by recorded figures."
    )]
    Plan(plan::Plan),
    /// Sort encrypted whole numbers, or find ranks, the largest or the median: seal, run and open in one go
    #[command(
        after_help = "Examples:\n  printf '3\\n200\\n3\\n0\\n' | arras sort --check\n  arras sort --in numbers.txt --bits 12 --mode top --k 3 --json\n\nOne party at a time: arras sort seal, arras sort run, arras sort open."
    )]
    Sort(sort::Sort),
    /// Classes of encrypted samples by decision trees and forests
    #[command(
        after_help = "Examples:\n  arras tree train --in labelled.csv --bits 8 --depth 6 --out tree.json\n  arras tree predict --model tree.json --in samples.csv --check"
    )]
    Tree {
        #[command(subcommand)]
        what: tree::Tree,
    },
    /// Scores of encrypted samples by logistic regression or a small network
    #[command(after_help = "Example:\n  arras infer predict --model network.json --in samples.csv --check")]
    Infer {
        #[command(subcommand)]
        what: infer::Infer,
    },
    /// Shortest paths between all pairs of nodes of an encrypted graph, and which nodes lead to which
    #[command(
        after_help = "Examples:\n  arras graph paths --in weights.csv --check\n  arras graph reach --in weights.csv --json"
    )]
    Graph {
        #[command(subcommand)]
        what: graph::Graph,
    },

    /// A SQL query on an encrypted table: seal, run and open in one go, or one party at a time
    #[command(
        after_help = "Examples:\n  arras sql \"SELECT dept, COUNT(*), AVG(salary) FROM emp WHERE bonus > 9 GROUP BY dept\" --table emp=emp.csv --schema schema.json\n  arras sql \"SELECT id FROM emp WHERE salary + bonus BETWEEN 300 AND 400\" --table emp=emp.csv --schema schema.json --check --json\n\nwith schema.json {\"emp\": {\"id\": 8, \"dept\": 2, \"salary\": 8, \"bonus\": 8}}: the bits of every column. The query and the number of rows are public."
    )]
    Sql(Box<sql::Sql>),
    /// Make keys
    #[command(
        after_help = "Examples:\n  arras keygen --out keys\n  arras keygen --out other-keys --passphrase\n  arras keygen --out boot-keys --bootstrap boot-n16\n\nsecret.key stays with you; evaluation.key and params go to whoever runs the model."
    )]
    Keygen(Keygen),
    /// Encrypt sentences (needs the secret key, or with --public the public key)
    #[command(after_help = "Example:\n  arras seal --keys keys \"a gripping film\" --out sealed")]
    Seal(Seal),
    /// Run a model on sealed sentences (needs evaluation keys only)
    #[command(
        after_help = "Example:\n  arras run --evaluation-keys keys/evaluation.key --in sealed --out answer\n\nThe file params must lie beside the evaluation keys, or be given with --params."
    )]
    Run(Run),
    /// Decrypt the answer (needs the secret key)
    #[command(after_help = "Example:\n  arras open --keys keys --in answer")]
    Open(Open),
    /// List parameter sets, or make one for a wish
    #[command(
        after_help = "Examples:\n  arras params\n  arras params --security 128 --precision 20 --slots 64 --depth 7"
    )]
    Params(Params),
    /// Train a model
    #[command(after_help = "Example:\n  arras train sst2 --data sst2 --out model.safetensors")]
    Train {
        #[command(subcommand)]
        task: Train,
    },
    /// Measure a model on labelled sentences
    #[command(after_help = "Example:\n  arras eval sst2 --data sst2 --encrypted")]
    Eval {
        #[command(subcommand)]
        task: Eval,
    },
    /// Write one HTML page about an evaluation and about trainings: tables, curves, calibration, layers
    #[command(
        after_help = "Example:\n  arras eval sst2 --data sst2 --encrypted --layers --json > eval.json\n  arras report --eval eval.json --training work/log.jsonl --out report.html\n\nThe page needs nothing beside it."
    )]
    Report(Report),
    /// The best polynomials for sign and comparison
    #[command(after_help = "Example:\n  arras minimax me --tau 0.5 --degree 7")]
    Minimax {
        #[command(subcommand)]
        what: minimax::Minimax,
    },
    /// Measure what operations cost on this machine, for commands that choose the fastest method
    #[command(
        after_help = "Examples:\n  arras calibrate\n  arras calibrate --depths 11,16-28 --out costs.json --verify\n\nOne thread is measured unless --threads says otherwise. Chains that the file already holds are kept: an interrupted run goes on."
    )]
    Calibrate(Calibrate),
    /// Show what encrypted computation can do, checked against the same in the clear
    #[command(after_help = "Example:\n  arras demo deep --preset toy --depth 40")]
    Demo {
        #[command(subcommand)]
        what: demo::Demo,
    },
    /// Measure the engine
    #[command(after_help = "Example:\n  arras bench ops --preset n14-l7")]
    Bench {
        #[command(subcommand)]
        what: Bench,
    },
}

/// Where texts come from.
#[derive(Debug, Args)]
pub struct Texts {
    /// Sentences; without any, and without --file, standard input is read, one per line
    #[arg(value_name = "TEXT", conflicts_with = "file")]
    pub texts: Vec<String>,
    /// A file of sentences, one per line; - is standard input
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Cut off sentences that are longer than a transformer reads, which are refused otherwise
    #[arg(long)]
    pub truncate: bool,
}

/// Which model.
#[derive(Debug, Args)]
pub struct ModelFile {
    /// The name of a model that comes with Arras, sst2-small or sst2-words, or a model file
    #[arg(long, value_name = "MODEL", default_value = shipped::DEFAULT)]
    pub model: PathBuf,
}

#[derive(Debug, Args)]
pub struct Classify {
    #[command(flatten)]
    pub texts: Texts,
    /// A folder of keys, made when missing; a folder of the user by default
    #[arg(long, value_name = "DIR")]
    pub keys: Option<PathBuf>,
    #[command(flatten)]
    pub model: ModelFile,
    /// Security in bits: keys are made with it, and keys with less are refused
    #[arg(long, value_name = "BITS", default_value = "128")]
    pub security: Bits,
}

#[derive(Debug, Args)]
pub struct Keygen {
    /// The folder to make
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Derive the secret key from a passphrase, asked for on the terminal or read from standard input
    #[arg(long)]
    pub passphrase: bool,
    /// Derive it from the first line of a file
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase")]
    pub passphrase_file: Option<PathBuf>,
    /// The passphrase.json of earlier keys: the same passphrase gives the same secret key again
    #[arg(long, value_name = "FILE")]
    pub salt: Option<PathBuf>,
    #[command(flatten)]
    pub model: ModelFile,
    /// Security in bits
    #[arg(long, value_name = "BITS", default_value = "128")]
    pub security: Bits,
    /// Make keys for one mode only; for all that the model has by default
    #[arg(long, value_name = "MODE")]
    pub mode: Option<Mode>,
    /// Make keys for the refreshes of a preset instead of a model: boot-n15, boot-n16, boot-n16-deep, boot-n16-wide or
    /// boot-n16-precise
    #[arg(long, value_name = "PRESET", conflicts_with_all = ["model", "mode", "security"])]
    pub bootstrap: Option<String>,
    /// Slots of the vectors to refresh; all by default
    #[arg(long, value_name = "SLOTS", requires = "bootstrap")]
    pub slots: Option<usize>,
    /// Replace the keys in the folder
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Args)]
pub struct Seal {
    /// The folder of keys
    #[arg(long, value_name = "DIR")]
    pub keys: PathBuf,
    #[command(flatten)]
    pub model: ModelFile,
    #[command(flatten)]
    pub texts: Texts,
    /// One sentence per ciphertext, or one feature of all sentences (models of words alone, such as sst2-words)
    #[arg(long, value_name = "MODE", default_value = "latency")]
    pub mode: Mode,
    /// Encrypt with public.key, for its owner: twice the bytes, and no secret
    #[arg(long)]
    pub public: bool,
    /// Where to write the sealed sentences
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

#[derive(Debug, Args)]
pub struct Run {
    /// The file of evaluation keys
    #[arg(long, value_name = "FILE")]
    pub evaluation_keys: PathBuf,
    /// The file of parameters; by default the file params beside the evaluation keys
    #[arg(long, value_name = "FILE")]
    pub params: Option<PathBuf>,
    #[command(flatten)]
    pub model: ModelFile,
    /// The sealed sentences
    #[arg(long = "in", value_name = "FILE")]
    pub input: PathBuf,
    /// Where to write the encrypted answer
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

#[derive(Debug, Args)]
pub struct Open {
    /// The folder of keys
    #[arg(long, value_name = "DIR")]
    pub keys: PathBuf,
    #[command(flatten)]
    pub model: ModelFile,
    /// The encrypted answer
    #[arg(long = "in", value_name = "FILE")]
    pub input: PathBuf,
}

#[derive(Debug, Args)]
pub struct Params {
    /// Security in bits: with it, and --depth, parameters are made for a wish
    #[arg(long, value_name = "BITS", requires = "depth")]
    pub security: Option<Bits>,
    /// Correct bits after the binary point
    #[arg(
        long,
        value_name = "BITS",
        requires = "depth",
        default_value_if("depth", clap::builder::ArgPredicate::IsPresent, "20")
    )]
    pub precision: Option<u32>,
    /// Length of the vectors
    #[arg(
        long,
        value_name = "COUNT",
        requires = "depth",
        default_value_if("depth", clap::builder::ArgPredicate::IsPresent, "1")
    )]
    pub slots: Option<usize>,
    /// Multiplications in a row
    #[arg(long, value_name = "LEVELS")]
    pub depth: Option<u32>,
}

/// Security in bits.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Bits {
    #[value(name = "128")]
    B128,
    #[value(name = "192")]
    B192,
    #[value(name = "256")]
    B256,
}

impl Bits {
    pub fn security(self) -> arras_ckks::Security {
        match self {
            Self::B128 => arras_ckks::Security::Bits128,
            Self::B192 => arras_ckks::Security::Bits192,
            Self::B256 => arras_ckks::Security::Bits256,
        }
    }
}

/// How sentences sit in ciphertexts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// One sentence per ciphertext: the fastest for a few
    Latency,
    /// One feature of all sentences per ciphertext: the fastest for many
    Throughput,
}

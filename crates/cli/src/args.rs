//! The words of the command line.

pub mod bench_compare;
pub mod bench_sok;
pub mod bench_tfhe;
pub mod compare;
pub mod demo;
pub mod graph;
pub mod infer;
pub mod minimax;
pub mod plan;
pub mod sort;
pub mod sql;
pub mod task;
#[cfg(feature = "transformer")]
pub mod transformer;
pub mod tree;
pub mod workload;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

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
    /// Threads to use; every core by default
    #[arg(long, global = true, value_name = "T", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Classify sentences: seal, run and open in one go
    #[command(
        after_help = "Examples:\n  arras classify \"a gripping, beautifully shot film\"\n  arras classify --file reviews.txt --json"
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
    #[command(after_help = "Example:\n  arras train sst2 --data ../shared/data/sst2 --out model.safetensors")]
    Train {
        #[command(subcommand)]
        task: Train,
    },
    /// Measure a model on labelled sentences
    #[command(after_help = "Example:\n  arras eval sst2 --data ../shared/data/sst2 --encrypted")]
    Eval {
        #[command(subcommand)]
        task: Eval,
    },
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
    /// A model file; the one that comes with Arras by default
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
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
    /// Make keys for one mode only; for both by default
    #[arg(long, value_name = "MODE")]
    pub mode: Option<Mode>,
    /// Make keys for the refreshes of a preset instead of a model: boot-n15, boot-n16 or boot-n16-precise
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
    /// One sentence per ciphertext, or one feature of all sentences
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

#[derive(Debug, Args)]
pub struct Calibrate {
    /// Where to write the costs; a file of the user by default, where other commands find it
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Depths of the chains, as numbers and ranges; 3-28 by default, as far as the ring reaches
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub depths: Vec<Depths>,
    /// log2 of the ring degree
    #[arg(long, value_name = "LOG", default_value_t = 16, value_parser = clap::value_parser!(u32).range(12..=17))]
    pub ring: u32,
    /// The modulus chain: each kind has a file of its own
    #[arg(long, value_name = "KIND", default_value = "wide")]
    pub chain: Chain,
    /// Repetitions, of which the fastest counts
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub reps: u32,
    /// Measure again what the file already holds, or replace a file that is no use
    #[arg(long)]
    pub force: bool,
    /// Compare predicted times of polynomials with measured ones
    #[arg(long)]
    pub verify: bool,
}

/// A depth, or all from one to another.
#[derive(Clone, Copy, Debug)]
pub struct Depths {
    pub first: u32,
    pub last: u32,
}

impl std::str::FromStr for Depths {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.trim().parse().ok().filter(|depth| (1..=200).contains(depth));
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => Ok(Self { first, last }),
            _ => Err("give depths from 1 to 200, as 11 or 16-28".to_owned()),
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum Bench {
    /// The operations of CKKS at every level
    #[command(
        after_help = "Examples:\n  arras bench ops --preset n14-l7\n  arras bench ops --preset n16-l28 --levels 28,15,2 --threads 1 --json"
    )]
    Ops(BenchOps),
    /// Comparison, max and ReLU on full ciphertexts, checked against the exact answers
    #[command(
        after_help = "Examples:\n  arras bench compare --alpha 8\n  arras bench compare --alpha 20 --depth 28 --function max --method previous --json\n  arras bench compare --all --runs 32 --out compare.json\n\nWithout --threads one core is used. The exit code is 0 when no result misses its precision or the certified error."
    )]
    Compare(Box<bench_compare::BenchCompare>),
    /// One bootstrap (refresh), phase by phase: time, precision, keys, failure probability
    #[command(
        after_help = "Examples:\n  arras bench boot --preset toy\n  arras bench boot --preset boot-n16 --slots 1024 --threads 1 --json"
    )]
    Boot(BenchBoot),
    /// Workloads and applications on bit-wise TFHE, checked, beside the SoK's figures (needs the feature tfhe)
    #[command(
        after_help = "Examples:\n  arras bench tfhe --work w1 --bits 8\n  arras bench tfhe --work paths --size 128 --sample 4 --json\n\nWithout --threads one core is used. The crate tfhe has no patent licence for commercial use, so it is left out unless asked for: cargo build --release --features tfhe. The exit code is 0 when no answer is wrong."
    )]
    Tfhe(bench_tfhe::BenchTfhe),
    /// The SoK's workloads and applications by Arras, run and checked, beside the published figures
    #[command(
        after_help = "Examples:\n  arras bench sok --only w1,w2,w3 --bits 8\n  arras bench sok --only sort --sizes 8,64 --json\n  arras bench sok --out sok.json\n\nSizes are 1 value of a workload, 16 to 128 nodes (paths), depth 2 to 8 (tree), 8 to 64 elements (sort), and 64 to 512 rows (sql). Without --threads one core is used. A run of --out that was interrupted goes on where it was. The exit code is 0 when no answer is wrong."
    )]
    Sok(bench_sok::BenchSok),
    /// Answer requests for polynomials applied one after another, one JSON object per line (see bench/peers)
    #[command(hide = true)]
    Composite(BenchComposite),
}

impl Bench {
    /// Whether it uses one core unless told otherwise, as what is compared with others does.
    pub fn is_on_one_core(&self) -> bool {
        match self {
            Self::Ops(ops) => ops.worker,
            Self::Compare(_) | Self::Composite(_) | Self::Tfhe(_) | Self::Sok(_) => true,
            Self::Boot(boot) => boot.worker,
        }
    }
}

#[derive(Debug, Args)]
pub struct BenchOps {
    /// A parameter set of `arras params`, or toy (small and insecure)
    #[arg(long, value_name = "NAME", default_value = "n14-l7")]
    pub preset: String,
    /// The levels to time, separated by commas; all by default
    #[arg(long, value_name = "LEVELS", value_delimiter = ',')]
    pub levels: Vec<u8>,
    /// Repetitions, of which the fastest counts
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub reps: u32,
    /// Answer requests on standard input, one JSON object per line (see bench/peers)
    #[arg(long)]
    pub worker: bool,
}

#[derive(Debug, Args)]
pub struct BenchBoot {
    /// boot-n15, boot-n16, boot-n16-precise, or toy (small and insecure)
    #[arg(long, value_name = "NAME", default_value = "boot-n16")]
    pub preset: String,
    /// Slots of the vectors, a power of two; all by default
    #[arg(long, value_name = "SLOTS")]
    pub slots: Option<usize>,
    /// Rounds, of which each makes the result more precise; those of the preset by default
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=4))]
    pub iterations: Option<u32>,
    /// Repetitions, of which the fastest counts
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub reps: u32,
    /// Answer requests on standard input, one JSON object per line (see bench/peers)
    #[arg(long)]
    pub worker: bool,
}

#[derive(Debug, Args)]
pub struct BenchComposite {
    /// log2 of the ring dimension
    #[arg(long, value_name = "LOG2", default_value_t = 16)]
    pub log_ring: u32,
    /// Multiplications one after another
    #[arg(long, value_name = "LEVELS")]
    pub levels: u32,
    /// Bits of the modulus left at level 0
    #[arg(long, value_name = "BITS", default_value_t = 60)]
    pub base_bits: u32,
    /// Bits of the scale and of each level
    #[arg(long, value_name = "BITS", default_value_t = 50)]
    pub scale_bits: u32,
    /// Skip the security check, for rings too small to be secure
    #[arg(long)]
    pub danger_insecure: bool,
}

/// A modulus chain for columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Chain {
    /// A base of 50 bits and scales of 47: a limb less at every level
    Narrow,
    /// A base of 60 bits and scales of 50, as published
    Wide,
}

impl Chain {
    pub fn scales(self) -> arras_client::Scales {
        match self {
            Self::Narrow => arras_client::Scales::NARROW,
            Self::Wide => arras_client::Scales::WIDE,
        }
    }
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

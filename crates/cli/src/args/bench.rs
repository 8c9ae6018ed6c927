//! The words of `arras bench`.

use clap::{Args, Subcommand};

use super::{bench_compare, bench_sok, bench_tfhe};

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
    /// boot-n15, boot-n16, boot-n16-deep, boot-n16-wide, boot-n16-precise, or toy (small and insecure)
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

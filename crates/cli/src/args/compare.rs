//! The words of `arras compare`.

use std::path::PathBuf;

use arras_circuits::slotwise::Function;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand, ValueEnum};

use super::{Bits, task};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Compare {
    #[command(subcommand)]
    pub party: Option<Party>,
    #[command(flatten)]
    pub wanted: Wanted,
    /// Compare every result with the exact one, and fail if one is wrong
    #[arg(long)]
    pub check: bool,
}

/// One party at a time.
#[derive(Debug, Subcommand)]
pub enum Party {
    /// Encrypt columns (needs the secret key, or with --public the public key)
    #[command(
        after_help = "Example:\n  arras compare seal pairs.csv --bits 8 --function max --keys keys --task task --out sealed\n\nWhoever runs it gets evaluation.key and params of the folder, the task and what was sealed."
    )]
    Seal(Box<Seal>),
    /// Compare sealed columns (needs evaluation keys only)
    #[command(
        after_help = "Example:\n  arras compare run --evaluation-keys keys/evaluation.key --task task --in sealed --out answer"
    )]
    Run(task::Run),
    /// Decrypt the answer (needs the secret key)
    #[command(after_help = "Example:\n  arras compare open --keys keys --task task --in answer")]
    Open(task::Open),
}

#[derive(Debug, Args)]
pub struct Seal {
    #[command(flatten)]
    pub wanted: Wanted,
    #[command(flatten)]
    pub files: task::Seal,
}

/// What is computed of which columns, and how well.
#[derive(Debug, Args)]
pub struct Wanted {
    /// A CSV file with a pair a,b in each line (one number for relu and abs); - is standard input, as is no file
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// What is computed of each line
    #[arg(long, value_name = "NAME", default_value = "compare", value_parser = function(false))]
    pub function: Function,
    /// The lines hold integers of so many bits, and the results are exact
    #[arg(long, value_name = "B", conflicts_with = "alpha")]
    pub bits: Option<u32>,
    /// Numbers in [0, 1] ([-1, 1] for relu and abs) that differ by 2^-A are told apart; max, min, relu, abs err by 2^-A at most
    #[arg(long, value_name = "A", default_value_t = 8.0, allow_negative_numbers = true)]
    pub alpha: f64,
    /// The largest degree of a polynomial: odd, 3 to 63
    #[arg(long, value_name = "D", default_value_t = 63)]
    pub max_degree: usize,
    /// What is made least
    #[arg(long, value_name = "WHAT", default_value = "time")]
    pub optimise: Optimise,
    /// With --optimise time, the costs of this machine: by default those that `arras calibrate` keeps, if it has been run
    #[arg(long, value_name = "FILE")]
    pub costs: Option<PathBuf>,
    /// Security in bits
    #[arg(long, value_name = "BITS", default_value = "128")]
    pub security: Bits,
}

/// Reads the name of any function, or of those that numbers have.
pub fn function(of_numbers: bool) -> impl TypedValueParser<Value = Function> {
    let functions = Function::ALL.into_iter().filter(move |function| !of_numbers || function.is_of_numbers());
    let values = functions.map(|function| PossibleValue::new(function.name()).help(about(function)));
    PossibleValuesParser::new(values).try_map(|name| Function::find(&name).ok_or("it is no function"))
}

fn about(function: Function) -> &'static str {
    match function {
        Function::Compare => "1, 0.5 or 0: a is larger, too close to tell, b is larger",
        Function::Max => "The larger one",
        Function::Min => "The smaller one",
        Function::Relu => "The positive part of one number",
        Function::Abs => "The absolute value of one number",
        Function::Greater => "1 where a > b, of integers",
        Function::GreaterEqual => "1 where a >= b, of integers",
        Function::Equal => "1 where a = b, of integers",
    }
}

/// What is made least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Optimise {
    /// Time: by the costs of `arras calibrate` where it has measured this machine, else by a model of them
    Time,
    /// Levels, then products of two ciphertexts
    Depth,
}

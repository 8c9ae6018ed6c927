//! The words of `arras compare`.

use std::path::PathBuf;

use arras_circuits::slotwise;
use clap::{Args, ValueEnum};

use super::Bits;

#[derive(Debug, Args)]
pub struct Compare {
    /// A CSV file with a pair a,b in each line (one number for relu and abs); - is standard input, as is no file
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// What is computed of each line
    #[arg(long, value_name = "NAME", default_value = "compare")]
    pub function: Function,
    /// The lines hold integers of so many bits, and the results are exact
    #[arg(long, value_name = "B", conflicts_with = "alpha")]
    pub bits: Option<u32>,
    /// Numbers in [0, 1] ([-1, 1] for relu and abs) that differ by 2^-A are told apart; max, min, relu, abs err by 2^-A at most
    #[arg(long, value_name = "A", default_value_t = 8.0, allow_negative_numbers = true)]
    pub alpha: f64,
    /// The largest degree of a polynomial: odd, 3 to 63
    #[arg(long, value_name = "D", default_value_t = 31)]
    pub max_degree: usize,
    /// Compare every result with the exact one, and fail if one is wrong
    #[arg(long)]
    pub check: bool,
    /// Security in bits
    #[arg(long, value_name = "BITS", default_value = "128")]
    pub security: Bits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Function {
    /// 1, 0.5 or 0: a is larger, too close to tell, b is larger
    Compare,
    /// The larger one
    Max,
    /// The smaller one
    Min,
    /// The positive part of one number
    Relu,
    /// The absolute value of one number
    Abs,
    /// 1 where a > b, of integers
    Greater,
    /// 1 where a >= b, of integers
    GreaterEqual,
    /// 1 where a = b, of integers
    Equal,
}

impl Function {
    pub fn function(self) -> slotwise::Function {
        match self {
            Self::Compare => slotwise::Function::Compare,
            Self::Max => slotwise::Function::Max,
            Self::Min => slotwise::Function::Min,
            Self::Relu => slotwise::Function::Relu,
            Self::Abs => slotwise::Function::Abs,
            Self::Greater => slotwise::Function::Greater,
            Self::GreaterEqual => slotwise::Function::GreaterEqual,
            Self::Equal => slotwise::Function::Equal,
        }
    }
}

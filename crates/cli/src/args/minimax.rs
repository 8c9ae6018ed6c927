//! The words of `arras minimax`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum Minimax {
    /// The best odd polynomial of one degree, and its error
    #[command(
        after_help = "Examples:\n  arras minimax me --tau 0.5 --degree 7\n  arras minimax me --tau 2^-21 --degree 63\n  arras minimax me --tau 1-2^-20 --degree 31 --json\n\nThe interval is [1 - tau, 1 + tau] and its mirror image, and the error is the largest |p(x) - sign(x)| there."
    )]
    Me(Me),
    /// Make the table of errors from which degrees are chosen
    #[command(
        after_help = "Example:\n  arras minimax store --out me.csv\n\nCtrl-C keeps what is done, and the same command goes on from there."
    )]
    Store(Store),
}

#[derive(Debug, Args)]
pub struct Me {
    /// Half the width of the interval: a number between 0 and 1, or 2^-K, or 1-2^-K
    #[arg(long, value_name = "TAU", allow_hyphen_values = true)]
    pub tau: String,
    /// The degree, odd, from 3 to 63
    #[arg(long, value_name = "DEGREE", allow_negative_numbers = true)]
    pub degree: i64,
}

#[derive(Debug, Args)]
pub struct Store {
    /// Where to write the table; a table that is not finished is continued
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

//! The words of `arras minimax`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;

use super::Chain;

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
    /// The degrees of the best composition for comparison, or for max and ReLU
    #[command(
        after_help = "Examples:\n  arras minimax degrees --alpha 9 --max-degree 63\n  arras minimax degrees --alpha 20 --epsilon-log2 -17 --depth 28 --json\n  arras minimax degrees --alpha 13 --for max --zeta 16\n  arras minimax degrees --alpha 20 --depth 28 --optimise time --chain narrow\n\nSign has error 2^(1 - alpha) for epsilon <= |x| <= 1, and comparison half of it."
    )]
    Degrees(Degrees),
    /// The polynomials of a composition, with margins for noise and a proof of its error
    #[command(
        after_help = "Examples:\n  arras minimax polynomials --alpha 8\n  arras minimax polynomials --alpha 13 --for max --zeta 16 --out max.json\n  arras minimax polynomials --alpha 20 --degrees 15,15,31,59,63 --margin-log2 -32 --json\n\nStage i maps x to the sum of c_k T_(2k+1)(x / scaling). What is written is a certificate: everything in it can be proved again from the coefficients."
    )]
    Polynomials(Polynomials),
    /// Published tables of costs and degrees beside ours
    #[command(
        after_help = "Example:\n  arras minimax tables\n\nThe exit code is 0 when every row agrees or the difference is explained."
    )]
    Tables,
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

#[derive(Debug, Args)]
pub struct Degrees {
    /// Bits of precision of the output: above 1, not necessarily whole
    #[arg(long, value_name = "BITS", allow_negative_numbers = true)]
    pub alpha: f64,
    /// Inputs differ by at least 2^-E; -E means the same; alpha by default
    #[arg(long, value_name = "E", allow_negative_numbers = true)]
    pub epsilon_log2: Option<f64>,
    /// The largest degree of a polynomial, odd, from 3 to 63
    #[arg(long, value_name = "DEGREE", default_value_t = 63, allow_negative_numbers = true)]
    pub max_degree: usize,
    /// What the sign is for
    #[arg(long = "for", value_name = "FUNCTION", default_value = "compare")]
    pub function: Function,
    /// For max, epsilon is zeta 2^-alpha
    #[arg(long, value_name = "FACTOR", allow_negative_numbers = true)]
    pub zeta: Option<f64>,
    /// The levels that may be used, for max with that of the final product; the fewest by default
    #[arg(long, value_name = "LEVELS", allow_negative_numbers = true)]
    pub depth: Option<u32>,
    /// What is made least
    #[arg(long, value_name = "WHAT", default_value = "mults")]
    pub optimise: Optimise,
    /// How products are counted
    #[arg(long, value_name = "TABLE", default_value = "published")]
    pub counts: Counts,
    /// With --optimise time, the costs of this machine: by default those that `arras calibrate` keeps
    #[arg(long, value_name = "FILE")]
    pub costs: Option<PathBuf>,
    /// The modulus chain whose costs and noise count; wide by default
    #[arg(long, value_name = "KIND")]
    pub chain: Option<Chain>,
}

impl Degrees {
    pub fn scales(&self) -> arras_client::Scales {
        self.chain.unwrap_or(Chain::Wide).scales()
    }
}

/// What is made least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Optimise {
    /// Products of two ciphertexts
    Mults,
    /// Time on this machine
    Time,
}

#[derive(Debug, Args)]
pub struct Polynomials {
    #[command(flatten)]
    pub search: Degrees,
    /// The degrees in order of application, instead of the best ones
    #[arg(long, value_name = "DEGREES", value_delimiter = ',', conflicts_with_all = ["depth", "costs"])]
    pub degrees: Option<Vec<usize>>,
    /// The input and every stage stray by at most 2^M; by default by what noise does on the chain at 128 bits of
    /// security
    #[arg(long, value_name = "M", allow_negative_numbers = true)]
    pub margin_log2: Option<f64>,
    /// Where to write the certificate
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// What the sign is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Function {
    /// Comparison
    Compare,
    /// Max, min and ReLU
    #[value(alias = "relu")]
    Max,
}

/// How products are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Counts {
    /// As in the literature
    Published,
    /// As Arras evaluates: one fewer at degrees 17, 21 and 33
    Planned,
}

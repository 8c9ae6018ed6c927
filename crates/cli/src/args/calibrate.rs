//! The words of `arras calibrate`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

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

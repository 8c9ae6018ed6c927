//! The words of `arras sql`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Bits, task};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Sql {
    #[command(subcommand)]
    pub party: Option<Party>,
    #[command(flatten)]
    pub asked: Option<Asked>,
    /// Compare the answer with that of the query in the clear, and fail if it is another
    #[arg(long)]
    pub check: bool,
    /// Run so many times, of which the fastest counts
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub runs: u32,
    #[command(flatten)]
    pub beside: task::Beside,
}

/// One party at a time.
#[derive(Debug, Subcommand)]
pub enum Party {
    /// Encrypt a table for a query (needs the secret key, or with --public the public key)
    #[command(
        after_help = "Example:\n  arras sql seal \"SELECT id FROM emp WHERE salary > 200\" --table emp=emp.csv --schema schema.json --keys keys --task task --out sealed\n\nWhoever runs it gets evaluation.key and params of the folder, the task and what was sealed."
    )]
    Seal(Box<Seal>),
    /// Answer the query on the sealed table (needs evaluation keys only)
    #[command(
        after_help = "Example:\n  arras sql run --evaluation-keys keys/evaluation.key --task task --in sealed --out answer"
    )]
    Run(task::Run),
    /// Decrypt the answer (needs the secret key)
    #[command(after_help = "Example:\n  arras sql open --keys keys --task task --in answer")]
    Open(task::Open),
}

#[derive(Debug, Args)]
pub struct Seal {
    #[command(flatten)]
    pub asked: Asked,
    #[command(flatten)]
    pub files: task::Seal,
}

/// Which query on which table.
#[derive(Debug, Args)]
pub struct Asked {
    /// SELECT expressions, COUNT, SUM, AVG, MIN or MAX FROM a table, with WHERE and GROUP BY
    #[arg(value_name = "QUERY")]
    pub query: String,
    /// A table's file, CSV with the names of columns in its first line or Parquet; other tables than that of the query are not read
    #[arg(long, value_name = "NAME=FILE", required = true, value_parser = named)]
    pub table: Vec<(String, PathBuf)>,
    /// The JSON file of the bits of columns: {"table": {"column": bits}}
    #[arg(long, value_name = "FILE")]
    pub schema: PathBuf,
    /// Security in bits
    #[arg(long, value_name = "BITS", default_value = "128")]
    pub security: Bits,
}

fn named(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, file)) if !name.is_empty() && !file.is_empty() => Ok((name.to_owned(), file.into())),
        _ => Err("write the name of the table and its file as name=FILE".to_owned()),
    }
}

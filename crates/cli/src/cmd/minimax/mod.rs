//! `arras minimax`: the polynomials behind comparisons.

pub mod degrees;
mod me;
mod polynomials;
mod store;
mod tables;

use std::process::ExitCode;

use crate::args::minimax::Minimax;
use crate::output::Output;

pub fn run(what: &Minimax, threads: Option<u16>, out: &Output) -> anyhow::Result<ExitCode> {
    match what {
        Minimax::Me(args) => me::run(args, out),
        Minimax::Store(args) => store::run(args, out),
        Minimax::Degrees(args) => degrees::run(args, threads, out),
        Minimax::Polynomials(args) => polynomials::run(args, threads, out),
        Minimax::Tables => tables::run(out),
    }
}

//! Checks and chores of the repository: `cargo xtask <command>`.

mod architecture;
mod peers;
mod slow;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Checks and chores of the repository.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check imports against ARCHITECTURE.md, and the source files against the house rules.
    Architecture,
    /// Time our work beside other libraries', interleaved in one run.
    Peers(Box<peers::Options>),
    /// Run the tests that are too slow for the default suite.
    Slow(slow::Options),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Architecture => architecture::check(),
        Command::Peers(options) => peers::run(&options),
        Command::Slow(options) => slow::test(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

//! The arras command: translates arguments, shows results, decides nothing.

mod args;
mod cmd;
mod costs;
mod input;
mod keyring;
mod memory;
mod output;
mod plot;
mod shipped;
mod stop;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let arras = args::Arras::parse();
    match run(&arras) {
        Ok(code) => code,
        Err(error) => output::fail(&error),
    }
}

fn run(arras: &args::Arras) -> anyhow::Result<ExitCode> {
    // 0 is every core.
    let single = matches!(&arras.command, args::Command::Bench { what } if what.is_on_one_core());
    let threads = arras.threads.map_or(usize::from(single), usize::from);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    let out = output::Output::new(arras.json);
    match &arras.command {
        args::Command::Classify(args) => cmd::classify::run(args, &out),
        args::Command::Compare(args) => cmd::compare::run(args, &out),
        args::Command::Sql(args) => cmd::sql::run(args, &out),
        args::Command::Plan(args) => cmd::plan::run(args, &out),
        args::Command::Workload(args) => cmd::workload::run(args, &out),
        args::Command::Sort(args) => cmd::sort::run(args, &out),
        args::Command::Graph { what } => cmd::graph::run(what, &out),
        args::Command::Tree { what } => cmd::tree::run(what, &out),
        args::Command::Infer { what } => cmd::infer::run(what, &out),
        args::Command::Keygen(args) => cmd::keygen::run(args, &out),
        args::Command::Seal(args) => cmd::seal::run(args, &out),
        args::Command::Run(args) => cmd::evaluate::run(args, &out),
        args::Command::Open(args) => cmd::open::run(args, &out),
        args::Command::Params(args) => cmd::params::run(args, &out),
        args::Command::Train { task: args::Train::Sst2(args) } => cmd::train::run(args, &out),
        #[cfg(feature = "transformer")]
        args::Command::Train { task: args::Train::Transformer { what } } => cmd::transformer::run(what, &out),
        #[cfg(not(feature = "transformer"))]
        args::Command::Train { task: args::Train::Transformer { words } } => anyhow::bail!(
            "this build cannot train transformers{}: build one that can, with `cargo build --release --features transformer`",
            words.first().map_or_else(String::new, |word| format!(" (`{}`)", output::excerpt(word, 20))),
        ),
        args::Command::Eval { task: args::Eval::Sst2(args) } => cmd::eval::run(args, &out),
        args::Command::Report(args) => cmd::report::run(args, &out),
        args::Command::Bench { what: args::Bench::Ops(args) } => cmd::bench::ops::run(args, &out),
        args::Command::Bench { what: args::Bench::Compare(args) } => cmd::bench::compare::run(args, &out),
        args::Command::Bench { what: args::Bench::Boot(args) } => cmd::bench::boot::run(args, &out),
        args::Command::Bench { what: args::Bench::Tfhe(args) } => cmd::bench::tfhe::run(args, &out),
        args::Command::Bench { what: args::Bench::Sok(args) } => cmd::bench::sok::run(args, &out),
        args::Command::Bench { what: args::Bench::Composite(args) } => cmd::bench::composite::run(args),
        args::Command::Demo { what: args::demo::Demo::Deep(args) } => cmd::demo::deep(args, &out),
        args::Command::Calibrate(args) => cmd::calibrate::run(args, arras.threads, &out),
        args::Command::Minimax { what } => cmd::minimax::run(what, arras.threads, &out),
    }
}

//! `arras report`: one page of tables and charts about trainings and an evaluation.

mod evaluation;
mod page;
pub mod training;

use std::process::ExitCode;

use arras_client::store;
use serde::Serialize;

use crate::args::Report as Args;
use crate::output::{self, Output};
use evaluation::Evaluation;

#[derive(Serialize)]
struct Report {
    out: String,
    bytes: usize,
}

pub fn run(args: &Args, out: &Output) -> anyhow::Result<ExitCode> {
    let mut body = String::new();
    if let Some(path) = &args.eval {
        body += &Evaluation::read(path)?.html();
    }
    for path in &args.training {
        let lines = training::read(path)?;
        body += &page::heading(&format!("Training: {}", path.display()));
        body += &page::paragraph(&training::summary(&lines));
        body += &page::chart(&training::chart(&lines));
    }
    let html = page::page(&args.title, &body);
    store::write_file(&args.out, html.as_bytes())?;
    let report = Report { out: args.out.display().to_string(), bytes: html.len() };
    out.show(&report, |report| {
        output::pairs(&[("report", format!("{} ({})", report.out, output::bytes(report.bytes as u64)))])
    })
}

//! `arras bench compare --all`: every published row, kept in a file from which the same command goes on.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use arras_client::store;
use arras_plan::Machine;
use serde::{Deserialize, Serialize};

use super::report::{Report, table};
use super::setting::Setting;
use super::{measure, published, verdict};
use crate::args::bench_compare::{BenchCompare, Method};
use crate::output::{self, Output};
use crate::{costs, stop};

/// What is kept.
#[derive(Serialize, Deserialize)]
struct Record {
    machine: Machine,
    version: String,
    runs: u32,
    seed: u64,
    rows: Vec<Report>,
}

pub fn run(args: &BenchCompare, out: &Output) -> anyhow::Result<ExitCode> {
    let path = args.out.as_deref().context("say with --out where to keep the rows")?;
    let mut record = begin(args, path)?;
    let settings = published::FUNCTIONS.into_iter().flat_map(|function| {
        published::rows(function).iter().map(move |row| Setting::of_row(function, row, args.toy))
    });
    let missing: Vec<Setting> = settings.filter(|setting| !record.has(setting)).collect();
    for (i, setting) in missing.iter().enumerate() {
        let (name, Setting { alpha, depth, .. }) = (setting.function.name(), setting);
        output::note(&format!("{} of {}: {name} to {alpha} bits, {depth} levels", i + 1, missing.len()));
        let methods = [Method::Previous, Method::Proposed, Method::Published];
        let rows = measure(args, setting, &methods);
        if stop::asked() {
            bail!(
                "interrupted, and {} has the rows that are done: the same command goes on from there",
                path.display()
            );
        }
        record.rows.extend(rows.with_context(|| format!("{name} to {alpha} bits, {depth} levels"))?);
        store::write_file(path, serde_json::to_string_pretty(&record)?.as_bytes())?;
    }
    out.show(&record, |record| table(&record.rows))?;
    Ok(verdict(&record.rows))
}

impl Record {
    /// Whether a setting is done: its rows are written together.
    fn has(&self, setting: &Setting) -> bool {
        let function = setting.function.name();
        self.rows.iter().any(|row| {
            (row.alpha, row.depth, row.function.as_str()) == (setting.alpha, setting.depth, function)
        })
    }
}

/// The rows that an earlier run has left.
fn begin(args: &BenchCompare, path: &Path) -> anyhow::Result<Record> {
    let machine = costs::machine(u32::try_from(rayon::current_num_threads())?)?;
    let version = env!("CARGO_PKG_VERSION").to_owned();
    if !path.exists() {
        let record = Record { machine, version, runs: args.runs, seed: args.seed, rows: Vec::new() };
        // Better now than after a row.
        store::write_file(path, serde_json::to_string_pretty(&record)?.as_bytes())?;
        return Ok(record);
    }
    let text = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let record: Record = serde_json::from_slice(&text)
        .with_context(|| format!("{} holds no rows of this command", path.display()))?;
    let same = (&record.machine, &record.version, record.runs, record.seed)
        == (&machine, &version, args.runs, args.seed);
    ensure!(
        same,
        "{} was begun on another machine, or with other runs, seed, threads or version: give another --out",
        path.display()
    );
    Ok(record)
}

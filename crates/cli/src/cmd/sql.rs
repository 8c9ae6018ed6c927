//! `arras sql`: a query on an encrypted table, in one go with fresh keys or one party at a time.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, bail};
use arras_apps::table::{self, Answer, Cell, Schema};
use arras_apps::{Program as _, Table};
use arras_ckks::Security;
use arras_client::{TaskPlan, store};
use serde::Serialize;

use crate::args::sql::{Asked, Party, Seal, Sql};
use crate::args::task::{Open, Run};
use crate::cmd::task::{self, Session, Took};
use crate::output::{self, Output};

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    answer: Answer,
    table_rows: usize,
    /// Whether the answer is that in the clear; absent unless it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    exact: Option<bool>,
    threads: usize,
    #[serde(flatten)]
    took: Took,
}

pub fn run(args: &Sql, out: &Output) -> anyhow::Result<ExitCode> {
    match (&args.party, &args.asked) {
        (None, Some(asked)) => whole(asked, args, out),
        (Some(Party::Seal(args)), _) => seal(args, out),
        (Some(Party::Run(args)), _) => run_sealed(args, out),
        (Some(Party::Open(args)), _) => open(args, out),
        (None, None) => {
            bail!("there is no query: give one with --table and --schema, as in arras sql --help")
        }
    }
}

fn whole(asked: &Asked, args: &Sql, out: &Output) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let (plan, columns) = read(asked)?;
    let program = plan.prepared().program();
    let (wanted, table_rows) = (program.exact(&columns), program.rows());
    let mut session = Session::with(plan, started.elapsed().as_secs_f64())?;
    let (mut exact, mut last) = (true, None);
    for _ in 0..args.runs {
        let answer = session.round(&columns)?;
        exact &= answer == wanted;
        last = Some(answer);
    }
    let report = Report {
        answer: last.context("no run")?,
        table_rows,
        exact: args.check.then_some(exact),
        threads: rayon::current_num_threads(),
        took: session.took().clone(),
    };
    let shown = out.show(&report, human)?;
    Ok(if report.exact == Some(false) { ExitCode::FAILURE } else { shown })
}

fn seal(args: &Seal, out: &Output) -> anyhow::Result<ExitCode> {
    let (plan, columns) = read(&args.asked)?;
    let sealed = task::seal_with(&plan, &columns, &args.files)?;
    out.show(&sealed, task::sealed_lines)
}

fn run_sealed(args: &Run, out: &Output) -> anyhow::Result<ExitCode> {
    out.show(&task::run::<Table>(args)?, task::ran_lines)
}

fn open(args: &Open, out: &Output) -> anyhow::Result<ExitCode> {
    let (_, answer) = task::open::<Table>(args)?;
    out.show(&answer, lines)
}

/// The plan of a query, and the columns of its table.
fn read(asked: &Asked) -> anyhow::Result<(TaskPlan<Table>, Vec<Vec<u64>>)> {
    let named = || asked.schema.display().to_string();
    let schema = Schema::from_json(&store::read_at_most(&asked.schema, MOST_SCHEMA)?).with_context(named)?;
    let wanted = Table::table_of(&asked.query, &schema)?;
    let same = |name: &str| name.eq_ignore_ascii_case(wanted.name());
    let files: Vec<&Path> =
        asked.table.iter().filter(|(name, _)| same(name)).map(|(_, file)| file.as_path()).collect();
    let [file] = files.as_slice() else {
        bail!("the query needs one file for table {}: give --table {}=FILE", wanted.name(), wanted.name());
    };
    let text = store::read_at_most(file, MOST_TABLE)?;
    let columns = table::from_csv(&text, &wanted).with_context(|| file.display().to_string())?;
    let rows = columns.first().map_or(0, Vec::len);
    Ok((planned(&asked.query, &schema, rows, asked.security.security())?, columns))
}

/// The most bytes of a schema.
const MOST_SCHEMA: u64 = 1 << 20;
/// The most bytes of a table.
const MOST_TABLE: u64 = 1 << 30;

/// The query in all slots of the smallest ring that grants it: what is left beside rows decides more at once.
fn planned(query: &str, schema: &Schema, rows: usize, security: Security) -> anyhow::Result<TaskPlan<Table>> {
    task::plan_in_full(FEWEST, security, |slots| Ok(Table::new(query, schema, rows, slots)?))
}

/// The fewest slots of a ring that has the levels for most queries.
pub const FEWEST: usize = 1 << 14;

fn human(report: &Report) -> String {
    let took = &report.took;
    let check = match report.exact {
        None => "",
        Some(true) => "the same as in the clear; ",
        Some(false) => "not the same as in the clear; ",
    };
    format!(
        "{}{check}{} of {} rows, {:.3} s on {} thread(s), keys {:.1} s\nsealed {}, answer {}, keys {}\n{}\n",
        lines(&report.answer),
        report.answer.rows.len(),
        report.table_rows,
        took.run_seconds,
        report.threads,
        took.key_seconds,
        output::bytes(took.sealed_bytes as u64),
        output::bytes(took.answer_bytes as u64),
        output::bytes(took.evaluation_key_bytes as u64),
        task::plan_line(&took.plan),
    )
}

fn lines(answer: &Answer) -> String {
    // Names come from a query that others may have written.
    let names: Vec<String> = answer.columns.iter().map(|name| name.escape_debug().to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let cell = |cell: &Cell| match cell {
        Cell::Null => "NULL".to_owned(),
        Cell::Integer(value) => value.to_string(),
        Cell::Number(value) => value.to_string(),
    };
    let rows: Vec<Vec<String>> = answer.rows.iter().map(|row| row.iter().map(cell).collect()).collect();
    output::table(&names, &rows) + "\n"
}

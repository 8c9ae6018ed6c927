//! `arras sql`: a query on an encrypted table, in one go with fresh keys or one party at a time.

use std::panic;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, bail};
use arras_apps::table::{self, Answer, Cell, Ranges, Schema};
use arras_apps::{Program as _, Table};
use arras_ckks::Security;
use arras_client::{TaskPlan, store};
use arras_plan::bitwise::{Measured, Step};
use arras_plan::{Growth, sok};
use serde::Serialize;

use crate::args::sql::{Asked, Party, Seal, Sql};
use crate::args::task::{Open, Run};
use crate::cmd::baseline::{self, Beside};
use crate::cmd::plan::Rival;
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
    #[serde(flatten)]
    beside: Option<Beside>,
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
    let bitwise = baseline::asked(&args.beside)?;
    let started = Instant::now();
    let (plan, columns) = read(asked)?;
    let program = plan.prepared().program();
    let (wanted, table_rows) = (program.exact(&columns), program.rows());
    let same = bitwise.as_ref().map(|_| same(program, &columns)).transpose()?;
    let rival = elsewhere(program);
    let mut session = Session::with(plan, started.elapsed().as_secs_f64(), rival)?;
    let (mut exact, mut last) = (true, None);
    for _ in 0..args.runs {
        let answer = session.round(&columns)?;
        exact &= answer == wanted;
        last = Some(answer);
    }
    let size = (sok::Work::Sql, table_rows);
    let beside = bitwise.zip(same).map(|(bitwise, task)| bitwise.beside(&task, SAMPLE, size)).transpose()?;
    let report = Report {
        answer: last.context("no run")?,
        table_rows,
        exact: args.check.then_some(exact),
        threads: rayon::current_num_threads(),
        took: session.took().clone(),
        beside,
    };
    let shown = out.show(&report, human)?;
    Ok(baseline::code(report.exact == Some(false), report.beside.as_ref(), shown))
}

/// Rows that the baseline really takes.
const SAMPLE: usize = 1;

/// Bits of the widest of the columns that a query names, as the bit-wise baseline counts them: by twos.
fn width(program: &Table, ranges: &Ranges) -> u32 {
    let columns = program.table().columns();
    let named = ranges.columns.iter().chain([&ranges.value]).filter_map(|&column| columns.get(column));
    named.map(|(_, bits)| bits.next_multiple_of(2)).max().unwrap_or(2)
}

/// The same query on the same rows as the bit-wise baseline takes it.
fn same(program: &Table, columns: &[Vec<u64>]) -> anyhow::Result<arras_switch::baseline::Task> {
    use arras_switch::baseline::{Query, Select, Task};
    let ranges = program.ranges().context(
        "the baseline takes SELECT value WHERE a * b BETWEEN … AND a + c BETWEEN … alone: leave out --baseline",
    )?;
    let [a, b, c] = ranges.columns;
    let row = |row: usize| [ranges.value, a, b, c].map(|column| columns[column][row]);
    let rows: Vec<[u64; 4]> = (0..program.rows()).map(row).collect();
    let query = Query { product: ranges.product, sum: ranges.sum, select: Select::Rows };
    Ok(Task::rows(width(program, &ranges), query, &rows)?)
}

/// What the same rows take elsewhere, where such a query was measured.
fn elsewhere(program: &Table) -> Option<Rival> {
    let (bits, rows) = (width(program, &program.ranges()?), program.rows());
    let bitwise = Measured::of(Step::Row, bits).ok()?.each(1);
    Some(Rival::new(sok::Work::Sql, bits, rows, Growth::Batches(rows), bitwise))
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
    let columns = match table::is_parquet(&text) {
        true => quietly(|| table::from_parquet(text, &wanted)),
        false => table::from_csv(&text, &wanted),
    };
    let columns = columns.with_context(|| file.display().to_string())?;
    let rows = columns.first().map_or(0, Vec::len);
    Ok((planned(&asked.query, &schema, rows, asked.security.security())?, columns))
}

/// Reads without a word of panics: the reader of Parquet has them on some damaged files, and they come back as errors.
fn quietly<T>(read: impl FnOnce() -> T) -> T {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let found = read();
    panic::set_hook(hook);
    found
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
    let beside = baseline::lines(report.beside.as_ref());
    format!(
        "{}{check}{} of {} rows, {:.3} s on {} thread(s), keys {:.1} s\n{}{beside}",
        lines(&report.answer),
        report.answer.rows.len(),
        report.table_rows,
        took.run_seconds,
        report.threads,
        took.key_seconds,
        task::size_lines(took),
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

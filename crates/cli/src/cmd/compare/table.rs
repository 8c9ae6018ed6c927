//! Columns of numbers in a file, and how to name a place in it.

use std::path::Path;

use anyhow::{Context as _, bail};
use arras_circuits::slotwise::{DataError, Function};

use crate::{input, output};

/// What was read.
pub struct Table {
    pub columns: Vec<Vec<f64>>,
    pub lines: Vec<u64>,
}

/// The columns of the file or standard input; a first line of words is a header.
pub fn read(file: Option<&Path>, function: Function) -> anyhow::Result<Table> {
    let wanted = "there is nothing to compare: give a CSV file, or a pair a,b per line on standard input";
    let (bytes, what) = input::bytes(file, wanted)?;
    let text = std::str::from_utf8(&bytes).with_context(|| what.clone())?;
    let need = function.columns();
    let mut table = Table { columns: vec![Vec::new(); need], lines: Vec::new() };
    for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
        let record = input::fields(text).with_context(|| format!("{what}, line {line}"))?;
        let header = |text: &str| !text.is_empty() && text.parse::<f64>().is_err();
        if line == 1 && record.iter().all(header) {
            continue;
        }
        let have = record.len();
        if have != need {
            bail!(
                "{what}, line {line}: the number of values is {have}, and {} takes {need}",
                function.name()
            );
        }
        for (text, column) in record.iter().zip(&mut table.columns) {
            let value: f64 = text.parse().map_err(|_| {
                anyhow::anyhow!("{what}, line {line}: \"{}\" is not a number", output::excerpt(text, 40))
            })?;
            column.push(value);
        }
        table.lines.push(line);
    }
    if table.lines.is_empty() {
        bail!("{what} holds no numbers: give at least one line");
    }
    Ok(table)
}

/// The same error in the words of whoever wrote the file.
pub fn located(error: DataError, table: &Table) -> anyhow::Error {
    let line = |row: usize| row.checked_sub(1).and_then(|i| table.lines.get(i)).copied().unwrap_or_default();
    if let DataError::Number { row, value, lo, hi, .. } = error {
        return anyhow::anyhow!("line {}: {value} is not a number from {lo} to {hi}", line(row));
    }
    if let DataError::Integer { row, value, most, bits, .. } = error {
        let line = line(row);
        return anyhow::anyhow!(
            "line {line}: {value} is not an integer from 0 to {most}, as {bits}-bit integers are"
        );
    }
    error.into()
}

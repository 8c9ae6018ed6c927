//! Samples in CSV, and their classes.

use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::{input, output};

/// What was read.
pub struct Table {
    /// Of the features, if the first line has words.
    pub names: Option<Vec<String>>,
    pub rows: Vec<Vec<f64>>,
    /// The last column, where it holds classes; else empty.
    pub labels: Vec<String>,
    /// The line of each row.
    pub lines: Vec<u64>,
}

impl Table {
    pub fn read(path: &Path, labelled: bool) -> anyhow::Result<Self> {
        let (bytes, what) = input::bytes(Some(path), "there are no samples: give a CSV file")?;
        let text = std::str::from_utf8(&bytes).with_context(|| what.clone())?;
        let mut table = Self { names: None, rows: Vec::new(), labels: Vec::new(), lines: Vec::new() };
        for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
            let record = input::fields(text).with_context(|| format!("{what}, line {line}"))?;
            let mut fields: Vec<&str> = record.iter().collect();
            let label = if labelled { fields.pop() } else { None };
            let word = |text: &&str| !text.is_empty() && text.parse::<f64>().is_err();
            if table.rows.is_empty() && table.names.is_none() && !fields.is_empty() && fields.iter().all(word)
            {
                table.names = Some(fields.into_iter().map(str::to_owned).collect());
                continue;
            }
            table.push(&fields, label, line).with_context(|| what.clone())?;
        }
        if table.rows.is_empty() {
            bail!("{what} holds no samples: give at least one line of numbers");
        }
        Ok(table)
    }

    fn push(&mut self, fields: &[&str], label: Option<&str>, line: u64) -> anyhow::Result<()> {
        let need = self.rows.first().map_or(fields.len(), Vec::len);
        if fields.len() != need {
            bail!(
                "line {line}: the number of values is {}, and must be {need}, as in the lines before it",
                fields.len()
            );
        }
        let mut row = Vec::with_capacity(need);
        for (column, text) in (1..).zip(fields) {
            match text.parse::<f64>() {
                Ok(value) if value.is_finite() => row.push(value),
                Err(_) if !matches!(*text, "" | "?" | "NA") => {
                    bail!("line {line}, column {column}: \"{}\" is not a number", output::excerpt(text, 40))
                }
                _ => bail!(
                    "line {line}, column {column}: the value is missing or not finite: fill it in as for training"
                ),
            }
        }
        if let Some(label) = label {
            if label.is_empty() {
                bail!("line {line} has no class in its last column");
            }
            self.labels.push(label.to_owned());
        }
        self.rows.push(row);
        self.lines.push(line);
        Ok(())
    }

    /// The line of a row, counted from 1.
    pub fn line(&self, row: usize) -> u64 {
        self.lines.get(row.wrapping_sub(1)).copied().unwrap_or_default()
    }
}

/// What to say of a sample with one number too many.
pub fn hint(need: usize, have: usize, labelled: bool) -> &'static str {
    if have == need + 1 && !labelled { "; is the last column the class? then say --labelled" } else { "" }
}

/// A class as text stands for it.
pub fn text(class: &Value) -> String {
    class.as_str().map_or_else(|| class.to_string(), str::to_owned)
}

/// Whether a class of the model is that of a line.
pub fn is_label(class: &Value, label: &str) -> bool {
    let number = class.as_f64().zip(label.parse::<f64>().ok());
    number.map_or_else(|| text(class) == label, |(class, label)| (class - label).abs() == 0.0)
}

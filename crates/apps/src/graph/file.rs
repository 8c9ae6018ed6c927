//! Graphs in files: a square of weights as comma-separated values.

use super::Graph;

/// What is wrong with a file of weights. Rows and columns are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// No rows.
    #[error("the file holds no weights: give one row for each node, separated by commas")]
    Empty,
    /// A row of another length.
    #[error("row {row}: the number of weights is {have}, and must be {need}, the number of rows")]
    Ragged {
        /// Row.
        row: usize,
        /// Weights in it.
        have: usize,
        /// Rows.
        need: usize,
    },
    /// A weight below zero.
    #[error(
        "row {row}, column {column}: the weight {text:?} is negative, and shortest paths are found for weights from 0 on: add to all weights, or leave the edge out"
    )]
    Negative {
        /// Row.
        row: usize,
        /// Column.
        column: usize,
        /// As it stands in the file, shortened.
        text: String,
    },
    /// What is no weight.
    #[error(
        "row {row}, column {column}: {text:?} is no weight: give an integer from 0 on, and nothing or inf where there is no edge"
    )]
    Weight {
        /// Row.
        row: usize,
        /// Column.
        column: usize,
        /// As it stands in the file, shortened.
        text: String,
    },
}

impl Graph {
    /// A graph from comma-separated weights, a row for each node; an empty field or `inf` says that there is no edge.
    ///
    /// # Errors
    /// No rows, rows that are not as long as there are rows, or a field that is no weight.
    pub fn from_csv(text: &str) -> Result<Self, GraphError> {
        let lines: Vec<&str> =
            text.strip_prefix('\u{feff}').unwrap_or(text).trim_end_matches(['\r', '\n']).lines().collect();
        let rows = lines.iter().enumerate().map(|(row, line)| {
            line.split(',')
                .enumerate()
                .map(|(column, field)| weight(field.trim(), row + 1, column + 1))
                .collect()
        });
        Self::new(&rows.collect::<Result<Vec<_>, _>>()?)
    }
}

fn weight(field: &str, row: usize, column: usize) -> Result<Option<u64>, GraphError> {
    if field.is_empty() || ["inf", "+inf", "infinity"].iter().any(|word| field.eq_ignore_ascii_case(word)) {
        return Ok(None);
    }
    let text = || field.chars().take(20).collect();
    match field.parse::<u64>() {
        Ok(weight) => Ok(Some(weight)),
        Err(_)
            if field
                .strip_prefix('-')
                .is_some_and(|rest| rest.parse::<f64>().is_ok_and(|size| size > 0.0)) =>
        {
            Err(GraphError::Negative { row, column, text: text() })
        }
        Err(_) => Err(GraphError::Weight { row, column, text: text() }),
    }
}

//! From integers that were opened, or from rows in the clear, to the table that a query asks for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::poly::Poly;
use super::sql::{Query, Value};
use crate::error::Error;

/// A table: names and rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows, in the order of the table or of the groups.
    pub rows: Vec<Vec<Cell>>,
}

/// What stands in a place of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cell {
    /// An aggregate other than COUNT over no rows.
    Null,
    /// An integer.
    Integer(i64),
    /// A mean.
    Number(f64),
}

/// An integer that is public, or comes out as the result of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Integer {
    Public(i128),
    Target(usize),
}

/// How an item of a query is put together.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Read {
    /// A value that is known.
    Known(i128),
    /// The number of rows.
    Count,
    /// A weighted sum, or nothing if there is no row.
    Sum(Vec<(i128, Integer)>),
    /// The same by the number of rows.
    Mean(Vec<(i128, Integer)>),
    /// a + b n for how many values are reached, or nothing if none is.
    Extreme { from: i128, step: i128, target: usize },
}

/// How the answer is put together.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reads {
    /// The mask, and a value with a constant for each item.
    Rows { mask: Option<usize>, items: Vec<(Option<usize>, i128)> },
    /// The groups, each with the number of its rows.
    Groups(Vec<(Integer, Vec<Read>)>),
}

fn integer(value: i128) -> Result<Cell, Error> {
    i64::try_from(value).map(Cell::Integer).map_err(|_| Error::Answer)
}

impl Reads {
    /// The rows of an answer; `targets` has the slots of each target.
    pub fn rows(&self, query: &Query, rows: usize, targets: &[Vec<i64>]) -> Result<Vec<Vec<Cell>>, Error> {
        let target = |target: usize, row: usize| -> Result<i128, Error> {
            targets.get(target).and_then(|slots| slots.get(row)).map(|v| (*v).into()).ok_or(Error::Answer)
        };
        match self {
            Reads::Rows { mask, items } => {
                let mut answer = Vec::new();
                for row in 0..rows {
                    if mask.map_or(Ok(1), |mask| target(mask, row))? == 1 {
                        let cell = |(value, constant): &(Option<usize>, i128)| {
                            integer(value.map_or(Ok(0), |value| target(value, row))? + constant)
                        };
                        answer.push(items.iter().map(cell).collect::<Result<_, _>>()?);
                    }
                }
                Ok(answer)
            }
            Reads::Groups(groups) => {
                let of = |integer: &Integer| match integer {
                    Integer::Public(value) => Ok(*value),
                    Integer::Target(at) => target(*at, 0),
                };
                let mut answer = Vec::new();
                for (count, reads) in groups {
                    let count = of(count)?;
                    if count > 0 || query.keys.is_empty() {
                        let cell = |read: &Read| read.cell(count, &of);
                        answer.push(reads.iter().map(cell).collect::<Result<_, _>>()?);
                    }
                }
                Ok(answer)
            }
        }
    }
}

impl Read {
    fn cell(&self, count: i128, of: &dyn Fn(&Integer) -> Result<i128, Error>) -> Result<Cell, Error> {
        let sum = |parts: &[(i128, Integer)]| -> Result<i128, Error> {
            let part = |(weight, value): &(i128, Integer)| Ok(weight * of(value)?);
            parts.iter().map(part).sum()
        };
        match self {
            Read::Known(value) => integer(*value),
            Read::Count => integer(count),
            Read::Sum(_) | Read::Mean(_) if count == 0 => Ok(Cell::Null),
            Read::Sum(parts) => integer(sum(parts)?),
            Read::Mean(parts) => Ok(Cell::Number(sum(parts)? as f64 / count as f64)),
            Read::Extreme { from, step, target } => match of(&Integer::Target(*target))? {
                0 => Ok(Cell::Null),
                reached => integer(from + step * reached),
            },
        }
    }
}

/// The rows of an answer, from rows in the clear.
pub(super) fn exact(query: &Query, columns: &[Vec<u64>], rows: usize) -> Vec<Vec<Cell>> {
    let at = |row: usize| {
        move |column: usize| columns.get(column).and_then(|c: &Vec<u64>| c.get(row)).copied().unwrap_or(0)
    };
    let selected = (0..rows).filter(|row| query.filter.holds(&at(*row)));
    // Bounds of expressions are below 2^53, and of sums of them below 2^63.
    let integer = |value: i128| Cell::Integer(i64::try_from(value).unwrap_or(i64::MAX));
    if query.is_rows() {
        let cell = |row: usize, value: &Value| match value {
            Value::Plain(p) => integer(p.value(&at(row))),
            Value::Key(_) | Value::Count | Value::Sum(_) | Value::Avg(_) | Value::Min(_) | Value::Max(_) => {
                Cell::Null
            }
        };
        return selected.map(|row| query.items.iter().map(|item| cell(row, &item.value)).collect()).collect();
    }
    let mut groups: BTreeMap<Vec<u64>, Vec<usize>> = BTreeMap::new();
    if query.keys.is_empty() {
        groups.insert(Vec::new(), Vec::new());
    }
    for row in selected {
        let key = query.keys.iter().map(|key| at(row)(*key)).collect();
        groups.entry(key).or_default().push(row);
    }
    let aggregate = |key: &[u64], rows: &[usize], value: &Value| {
        let values = |p: &Poly| -> Vec<i128> { rows.iter().map(|row| p.value(&at(*row))).collect() };
        let or_null = |value: Option<i128>| value.map_or(Cell::Null, integer);
        let sum = |p: &Poly| values(p).into_iter().reduce(|a, b| a + b);
        match value {
            Value::Key(place) => integer(key.get(*place).copied().unwrap_or(0).into()),
            Value::Count => integer(rows.len() as i128),
            Value::Sum(p) => or_null(sum(p)),
            Value::Avg(p) => sum(p).map_or(Cell::Null, |sum| Cell::Number(sum as f64 / rows.len() as f64)),
            Value::Min(p) => or_null(values(p).into_iter().min()),
            Value::Max(p) => or_null(values(p).into_iter().max()),
            Value::Plain(_) => Cell::Null,
        }
    };
    let group = |(key, rows): (&Vec<u64>, &Vec<usize>)| {
        query.items.iter().map(|item| aggregate(key, rows, &item.value)).collect()
    };
    groups.iter().map(group).collect()
}

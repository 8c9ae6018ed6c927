//! SQL over encrypted columns: rows that meet a condition, or aggregates of them.
//!
//! Columns hold integers of declared bits, and so every expression in +, - and * has a known range. A condition is a
//! polynomial in a set of integers: one step for each end of an interval, whose argument is shifted by half a unit and divided
//! by the range, so that a tie is never at zero. A bit of a row multiplies what is selected.
//!
//! | asked for | computed | levels, beyond the steps |
//! |---|---|---|
//! | rows | the mask, and the mask times each expression | 1 to 2 |
//! | COUNT | the sum of the mask | 2 |
//! | SUM, AVG | sums of parts of products of columns, so small that errors of all rows stay below half a unit; AVG divides when it is opened | 2 to 3 |
//! | MAX, MIN | for each value, whether any selected row reaches it: a count and a second sign | 2 and those of the sign |
//! | GROUP BY | each of these for each value of the columns, with one more condition | 0 to 1 |
//!
//! The query and the number of rows are public; the number of rows that are selected is not. A client that opens rows sees the
//! mask and zeros for other rows.

mod answer;
mod build;
mod footer;
mod parquet;
mod plan;
mod poly;
mod predicate;
mod ranges;
mod read;
mod run;
mod schema;
mod sql;

pub use answer::{Answer, Cell};
pub use parquet::{from_parquet, is_parquet};
pub use ranges::Ranges;
pub use read::from_csv;
pub use schema::{BITS, Schema, TableSchema};

use arras_circuits::{Points, Rotate, Sign};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::program::{Input, Need, Output, Program};
use answer::{Integer, Read, Reads};
use build::Builder;
use plan::{Entry, Fold, Layout, Plan, Target};
use poly::{Poly, largest};
use predicate::Predicate;
use run::Run;
use sql::{Query, Value};

/// The most rows.
const ROWS: usize = 1 << 20;
/// The most slots of any ring.
const SLOTS: usize = 1 << 16;
/// The most groups.
const GROUPS: i128 = 256;

/// A query on a table of a public number of rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Record", into = "Record")]
pub struct Table {
    record: Record,
    query: Query,
    plan: Plan,
    reads: Reads,
}

/// The serialised form, which anyone may write: all else follows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    sql: String,
    schema: Schema,
    rows: usize,
    slots: usize,
}

impl TryFrom<Record> for Table {
    type Error = Error;

    fn try_from(Record { sql, schema, rows, slots }: Record) -> Result<Self, Error> {
        Self::new(&sql, &schema, rows, slots)
    }
}

impl From<Table> for Record {
    fn from(table: Table) -> Self {
        table.record
    }
}

impl Table {
    /// A query on a table with so many rows, in ciphertexts of so many slots.
    ///
    /// # Errors
    /// SQL that cannot be read or is not supported, names that the schema does not have, ranges that are too wide, no rows or
    /// too many.
    pub fn new(sql: &str, schema: &Schema, rows: usize, slots: usize) -> Result<Self, Error> {
        if !slots.is_power_of_two() || !(2..=SLOTS).contains(&slots) {
            return Err(Error::Slots { have: slots, least: 2, most: SLOTS });
        }
        if !(1..=ROWS).contains(&rows) {
            return Err(Error::Size { have: rows, least: 1, most: ROWS });
        }
        let query = Query::parse(sql, schema)?;
        let (plan, reads) = planned(&query, rows, slots)?;
        let record = Record { sql: sql.to_owned(), schema: query.table.alone(), rows, slots };
        Ok(Self { record, query, plan, reads })
    }

    /// The table of the schema that it asks.
    #[must_use]
    pub fn table(&self) -> &TableSchema {
        &self.query.table
    }

    /// The table that a query asks, for whoever has to read it first.
    ///
    /// # Errors
    /// As [`Table::new`].
    pub fn table_of(sql: &str, schema: &Schema) -> Result<TableSchema, Error> {
        Query::parse(sql, schema).map(|query| query.table)
    }

    /// Rows of the table.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.record.rows
    }

    fn names(&self) -> Vec<String> {
        self.query.items.iter().map(|item| item.name.clone()).collect()
    }

    /// The slots of a source in a block.
    fn slots_of(&self, lanes: &[Entry], block: usize, columns: &[Vec<u64>]) -> Vec<f64> {
        let layout = self.plan.layout;
        let value = |slot: usize| {
            let lane = if layout.repeated { 0 } else { slot / layout.lane };
            match lanes.get(lane).copied().unwrap_or(Entry::Zero) {
                Entry::Zero => 0.0,
                Entry::One => 1.0,
                Entry::Column { column, shift, bits, factor } => {
                    let row = block * layout.slots + slot % layout.lane;
                    let value = columns.get(column).and_then(|column| column.get(row)).copied().unwrap_or(0);
                    ((value >> shift) & ((1 << bits) - 1)) as f64 * factor
                }
            }
        };
        (0..layout.slots).map(value).collect()
    }
}

/// What is computed for a query, and how the answer is read from it.
fn planned(query: &Query, rows: usize, slots: usize) -> Result<(Plan, Reads), Error> {
    let most = query.table.most();
    let groups = groups(query, &most)?;
    let repeated = query.items.iter().any(|item| matches!(item.value, Value::Min(_) | Value::Max(_)));
    let mut builder = Builder::new(Layout::new(rows, slots, repeated), most);
    builder.conditions(groups.iter().map(|(_, condition)| condition))?;
    let reads = if query.is_rows() && query.filter != Predicate::Always(false) {
        let mask = builder.factors(&query.filter);
        let value = |item: &sql::Item| match &item.value {
            Value::Plain(p) => {
                let (rest, constant) = p.split();
                (
                    Some(rest).filter(|rest| !rest.is_constant()).map(|rest| builder.rows(&rest, mask)),
                    constant,
                )
            }
            Value::Key(_) | Value::Count | Value::Sum(_) | Value::Avg(_) | Value::Min(_) | Value::Max(_) => {
                (None, 0)
            }
        };
        let items = query.items.iter().map(value).collect();
        Reads::Rows { mask: builder.mask(mask), items }
    } else {
        let mut reads = Vec::with_capacity(groups.len());
        for (keys, condition) in groups.iter().filter(|_| !query.is_rows()) {
            reads.push(group(&mut builder, query, keys, condition)?);
            builder.check()?;
        }
        Reads::Groups(reads)
    };
    Ok((builder.finish()?, reads))
}

/// The values of the columns of GROUP BY that the condition allows, each with the condition on its rows.
fn groups(query: &Query, most: &[u64]) -> Result<Vec<(Vec<i128>, Predicate)>, Error> {
    let mut groups = vec![(Vec::new(), query.filter.clone())];
    for key in &query.keys {
        let top = largest(most, *key);
        let have = (top + 1).saturating_mul(groups.len() as i128);
        if have > GROUPS * GROUPS {
            return Err(too_many_groups(have));
        }
        let with = |(keys, condition): &(Vec<i128>, Predicate), value: i128| {
            let is = Predicate::between(&Poly::column(*key), (value, value), most, 0);
            ([keys.as_slice(), &[value]].concat(), Predicate::all(vec![condition.clone(), is]))
        };
        let (mut kept, mut have) = (Vec::new(), 0);
        for (group, value) in groups.iter().flat_map(|group| (0..=top).map(move |value| (group, value))) {
            let group = with(group, value);
            if group.1 != Predicate::Always(false) {
                have += 1;
                // Each has a copy of the condition.
                kept.extend(Some(group).filter(|_| have <= GROUPS));
            }
        }
        if have > GROUPS {
            return Err(too_many_groups(have));
        }
        groups = kept;
    }
    Ok(groups)
}

fn too_many_groups(have: i128) -> Error {
    let what = "groups; a condition on the columns of GROUP BY leaves out values";
    Error::TooMany { what, have: usize::try_from(have).unwrap_or(usize::MAX), most: GROUPS as usize }
}

/// What a group gives: the number of its rows, and its items.
fn group(
    builder: &mut Builder,
    query: &Query,
    keys: &[i128],
    condition: &Predicate,
) -> Result<(Integer, Vec<Read>), Error> {
    if *condition == Predicate::Always(false) {
        let read = |item: &sql::Item| match item.value {
            Value::Count => Read::Count,
            // Nothing over no rows.
            Value::Plain(_)
            | Value::Key(_)
            | Value::Sum(_)
            | Value::Avg(_)
            | Value::Min(_)
            | Value::Max(_) => Read::Sum(Vec::new()),
        };
        return Ok((Integer::Public(0), query.items.iter().map(read).collect()));
    }
    let rows = builder.layout().rows;
    let mask = builder.factors(condition);
    let is_counted = |item: &sql::Item| !matches!(item.value, Value::Min(_) | Value::Max(_));
    // Extremes alone say of themselves whether there is a row.
    let counts = !query.keys.is_empty() || query.items.iter().any(is_counted);
    let public = Integer::Public(rows as i128);
    let count = if counts { builder.count(mask).map_or(public, Integer::Target) } else { public };
    let mut reads = Vec::with_capacity(query.items.len());
    for item in &query.items {
        reads.push(match &item.value {
            Value::Key(place) => Read::Known(keys.get(*place).copied().unwrap_or(0)),
            Value::Count => Read::Count,
            Value::Sum(p) => Read::Sum(parts(builder, p, mask, count, &item.name)?),
            Value::Avg(p) => Read::Mean(parts(builder, p, mask, count, &item.name)?),
            Value::Max(p) => extreme(builder, p, 1, mask, &item.name)?,
            Value::Min(p) => extreme(builder, p, -1, mask, &item.name)?,
            Value::Plain(_) => Read::Count,
        });
    }
    Ok((count, reads))
}

type Mask = (Option<usize>, Option<usize>);

/// The weighted integers whose sum is the sum of an expression.
fn parts(
    builder: &mut Builder,
    p: &Poly,
    mask: Mask,
    count: Integer,
    name: &str,
) -> Result<Vec<(i128, Integer)>, Error> {
    let rows = builder.layout().rows as i128;
    let (least, most) = builder.range(p);
    if most.max(-least).saturating_mul(rows) > FAR_SUM {
        let (least, most) = (least.saturating_mul(rows), most.saturating_mul(rows));
        return Err(Error::Overflow { what: name.to_owned(), least, most, limit: FAR_SUM });
    }
    let mut parts = Vec::new();
    for (columns, c) in p.terms() {
        if columns.is_empty() {
            parts.push((c, count));
        } else {
            let totals = builder.total(columns, mask)?;
            parts.extend(totals.into_iter().map(|(weight, target)| (c * weight, Integer::Target(target))));
        }
    }
    Ok(parts)
}

/// The most that a sum may be.
const FAR_SUM: i128 = 1 << 62;

/// The largest of sign * p, times sign.
fn extreme(builder: &mut Builder, p: &Poly, sign: i128, mask: Mask, name: &str) -> Result<Read, Error> {
    let (rest, constant) = p.split();
    if rest.is_constant() {
        return Err(Error::Unsupported { part: format!("{name}, which is the same in every row,") });
    }
    let rest = if sign < 0 { rest.negated() } else { rest };
    let (lo, _) = builder.range(&rest);
    let target = builder.largest(&rest, mask, name)?;
    Ok(Read::Extreme { from: constant + sign * (lo - 1), step: sign, target })
}

impl Program for Table {
    /// Every column of the table, in the order of the schema.
    type Data = Vec<Vec<u64>>;
    type Answer = Answer;

    fn slots(&self) -> usize {
        self.plan.layout.slots
    }

    fn inputs(&self) -> Vec<Input> {
        let size = |source: &plan::Source| Input { size: source.size() };
        let blocks = self.plan.layout.blocks;
        self.plan.sources.iter().flat_map(|source| std::iter::repeat_n(size(source), blocks)).collect()
    }

    fn held(&self) -> usize {
        run::held(&self.plan)
    }

    fn needs(&self) -> Vec<Need> {
        let error = self.plan.sign_error();
        self.plan.gaps.iter().map(|&gap| Need::Step { gap, error }).collect()
    }

    fn outputs(&self) -> Vec<Output> {
        let layout = self.plan.layout;
        let output = |target: &Target| {
            let fits = |value: i128| i64::try_from(value).unwrap_or(i64::MAX);
            let (least, most) = (fits(target.least), fits(target.most));
            match target.fold {
                Fold::Rows => (0..layout.blocks)
                    .map(|block| Output {
                        unit: target.unit,
                        least,
                        most,
                        slots: (0..layout.filled(block)).collect(),
                    })
                    .collect(),
                Fold::Total { .. } | Fold::Lanes { .. } => {
                    vec![Output { unit: target.most_units().recip(), least, most, slots: vec![0] }]
                }
            }
        };
        self.plan.targets.iter().flat_map(output).collect()
    }

    fn pack(&self, columns: &Vec<Vec<u64>>) -> Result<Vec<Vec<f64>>, Error> {
        let most = self.query.table.most();
        if columns.len() != most.len() {
            return Err(Error::Columns { need: most.len(), have: columns.len() });
        }
        for (column, (values, most)) in columns.iter().zip(most).enumerate() {
            if values.len() != self.record.rows {
                let rows = self.record.rows;
                return Err(Error::Size { have: values.len(), least: rows, most: rows });
            }
            if let Some((row, &value)) = values.iter().enumerate().find(|(_, value)| **value > most) {
                return Err(Error::Value { row: row + 1, column: column + 1, value, most });
            }
        }
        let blocks = 0..self.plan.layout.blocks;
        let vectors = self
            .plan
            .sources
            .iter()
            .flat_map(|source| blocks.clone().map(|block| self.slots_of(&source.lanes, block, columns)));
        Ok(vectors.collect())
    }

    fn run<B: Rotate + Points>(
        &self,
        ops: &B,
        signs: &[Sign],
        inputs: &[B::Ct],
    ) -> Result<Vec<B::Ct>, B::Error>
    where
        B::Error: From<arras_circuits::Error>,
    {
        Run { plan: &self.plan, ops, signs, inputs }.outputs()
    }

    fn unpack(&self, outputs: &[Vec<i64>]) -> Result<Answer, Error> {
        let mut left = outputs.iter();
        let mut targets = Vec::with_capacity(self.plan.targets.len());
        for target in &self.plan.targets {
            let vectors = if target.fold == Fold::Rows { self.plan.layout.blocks } else { 1 };
            let slots: Vec<i64> = left.by_ref().take(vectors).flatten().copied().collect();
            targets.push(slots);
        }
        let rows = self.reads.rows(&self.query, self.record.rows, &targets)?;
        Ok(Answer { columns: self.names(), rows })
    }

    fn exact(&self, columns: &Vec<Vec<u64>>) -> Answer {
        Answer { columns: self.names(), rows: answer::exact(&self.query, columns, self.record.rows) }
    }
}

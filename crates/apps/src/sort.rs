//! Sorting by ranks: every value is compared with every other at once, and each goes where its rank says.
//!
//! # Layout
//!
//! n values are padded to m, a power of two, by the largest integer. A vector has m columns; where m^2 slots are too many, B
//! vectors share the rows, and row r of vector b stands for place i = r B + b. The values are sealed B + 1 times: along the
//! rows (slot (r, j) holds `x_j`) and, for each b, along the columns (slot (r, j) holds `x_i`). Nothing is moved before the
//! comparisons.
//!
//! # Steps
//!
//! 1. `x_i` comes before `x_j` where `x_j - x_i` is positive, to which half a unit is added if i < j and from which it is
//!    taken otherwise: equal values stay in their order, and the padding comes last. One sign for all pairs of a vector.
//! 2. The sum down each column is the rank of `x_j`, in every row, after log2 of the rows rotations.
//! 3. A second sign finds where the rank reaches the place `t_i` of each row. The step between one row and the next,
//!    [rank >= `t_i`] - [rank >= `t_{i+1}`], is 1 where the rank is from `t_i` to `t_{i+1} - 1`: a one-hot matrix by one rotation
//!    and no level, as the next row is in the next vector, and the last vector's in the first one rotated by a row.
//! 4. Times `x_j` and summed along the rows. For the largest values or the median, rows that nobody asked for become 0.
//!
//! A polynomial through all ranks would have slopes that multiply their error, and 1 - s^2 needs a level for the square and a
//! bound of s at zero. With `t_i` = i the result is the sorted array; the largest k values begin at n - k, and of an even number of
//! values one window of two ranks holds the sum of the two in the middle.
//!
//! Reference: Çetin, Doröz, Sunar and Savaş (2015), Depth optimized efficient homomorphic sorting (direct sort).

use arras_circuits::{Compare, Error as CircuitError, Integers, Points, Rotate, Sign};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::program::{Input, Need, Output, Program};

/// The most values.
pub const MOST: usize = 512;
/// The most slots of any ring.
const SLOTS: usize = 1 << 16;

/// What is asked of an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// All values, ascending.
    Sort,
    /// The place of each value in the sorted array, from 0; equal values keep their order.
    Rank,
    /// So many of the largest values, descending.
    Top(usize),
    /// The middle value, or the mean of the two in the middle.
    Median,
}

/// What comes out.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Of [`Mode::Sort`].
    Sorted(Vec<u64>),
    /// Of [`Mode::Rank`].
    Ranks(Vec<usize>),
    /// Of [`Mode::Top`].
    Top(Vec<u64>),
    /// Of [`Mode::Median`].
    Median(f64),
}

/// The order of an array of integers, ties included.
///
/// Cost: the levels of two signs and one more (of one sign for ranks); 2 B signs and B products for B vectors of slots;
/// log2 of the rows rotations, and log2 m for each vector of results. Error: m / 2 times that of the first sign in a rank, a
/// twelfth; m 2^bits / 2 times that of the second in a value, a quarter of a unit; and noise.
///
/// ```
/// use arras_apps::sort::{Mode, Order};
/// use arras_apps::{Program, Sort};
///
/// let sort = Sort::new(Mode::Sort, 8, 5, 1 << 15)?;
/// assert_eq!(sort.exact(&vec![3, 200, 3, 0, 9]), Order::Sorted(vec![0, 3, 3, 9, 200]));
/// # Ok::<(), arras_apps::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Record", into = "Record")]
pub struct Sort {
    mode: Mode,
    integers: Integers,
    length: usize,
    /// Rows of a vector, and vectors of all comparisons.
    rows: usize,
    blocks: usize,
}

/// The serialised form, which anyone may write.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    mode: Mode,
    bits: u32,
    length: usize,
    slots: usize,
}

impl TryFrom<Record> for Sort {
    type Error = Error;

    fn try_from(Record { mode, bits, length, slots }: Record) -> Result<Self, Error> {
        Self::new(mode, bits, length, slots)
    }
}

impl From<Sort> for Record {
    fn from(sort: Sort) -> Self {
        Self { mode: sort.mode, bits: sort.integers.bits(), length: sort.length, slots: sort.slots() }
    }
}

/// Neighbouring windows of ranks, the i-th at row i / vectors of vector i mod vectors.
struct Places {
    /// The least rank of the first one.
    first: usize,
    windows: usize,
    /// Ranks in each.
    width: usize,
    vectors: usize,
}

impl Sort {
    /// The order of so many integers of so many bits, in vectors of at most so many slots.
    ///
    /// # Errors
    /// Too many bits or values, a top of none or of more than there are, or slots that are no power of two or do not hold two
    /// rows.
    pub fn new(mode: Mode, bits: u32, length: usize, slots: usize) -> Result<Self, Error> {
        let integers = Integers::new(bits)?;
        if !(1..=MOST).contains(&length) {
            return Err(Error::Size { have: length, least: 1, most: MOST });
        }
        if let Mode::Top(count) = mode
            && !(1..=length).contains(&count)
        {
            return Err(Error::Top { count, length });
        }
        let columns = length.next_power_of_two().max(2);
        if !slots.is_power_of_two() || slots < 2 * columns {
            return Err(Error::Slots { have: slots, least: 2 * columns, most: SLOTS });
        }
        let rows = columns.min(slots / columns);
        Ok(Self { mode, integers, length, rows, blocks: columns / rows })
    }

    /// What is asked.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Bits of the values.
    #[must_use]
    pub fn bits(&self) -> u32 {
        self.integers.bits()
    }

    /// How many values.
    #[must_use]
    pub fn length(&self) -> usize {
        self.length
    }

    /// m, the values with their padding.
    fn columns(&self) -> usize {
        self.rows * self.blocks
    }

    /// What is taken from every value, so that sums of selected ones err half as much: half of the range.
    fn centre(&self) -> i64 {
        1 << (self.integers.bits() - 1)
    }

    /// Where a value is hidden.
    fn hide(&self, value: i64) -> f64 {
        (value - self.centre()) as f64 * self.integers.unit()
    }

    /// The windows of ranks that the mode selects, in increasing order; none for ranks themselves.
    fn places(&self) -> Option<Places> {
        let (first, windows, width) = match self.mode {
            Mode::Rank => return None,
            Mode::Sort => (0, self.length, 1),
            Mode::Top(count) => (self.length - count, count, 1),
            Mode::Median => ((self.length - 1) / 2, 1, 2 - self.length % 2),
        };
        // A window ends where the row after it begins, so one row more is needed, unless that is the end of all ranks.
        let vectors = (windows + 1).div_ceil(self.rows).next_power_of_two().min(self.blocks);
        Some(Places { first, windows, width, vectors })
    }

    /// The slots of vector b out of so many: a function of the place of the row and of the column.
    fn slots_of(&self, b: usize, vectors: usize, value: impl Fn(usize, usize) -> f64) -> Vec<f64> {
        let columns = self.columns();
        (0..self.slots()).map(|slot| value(slot / columns * vectors + b, slot % columns)).collect()
    }

    /// The rank of `x_j` in every slot of column j, divided by m.
    fn ranks<B: Rotate + Points>(&self, ops: &B, sign: &Sign, inputs: &[B::Ct]) -> Result<B::Ct, B::Error>
    where
        B::Error: From<CircuitError>,
    {
        let wrong = CircuitError::WrongLength { need: self.blocks + 1, have: inputs.len() };
        let (row, columns) = inputs.split_first().ok_or(wrong)?;
        let before = sign.mapped(0.5 / self.columns() as f64, 0.5 / self.columns() as f64)?;
        let half = self.integers.unit() / 2.0;
        let mut sum: Option<B::Ct> = None;
        for (b, column) in columns.iter().enumerate() {
            let tie = self.slots_of(b, self.blocks, |i, j| if i < j { half } else { -half });
            let difference = ops.known(&ops.add_plain(&ops.sub(row, column)?, &tie)?, 1.0)?;
            let pairs = ops.compose(&difference, &before)?;
            sum = Some(match sum {
                None => pairs,
                Some(sum) => ops.add(&sum, &pairs)?,
            });
        }
        total(ops, sum.ok_or(wrong)?, self.columns(), self.slots())
    }

    /// For each vector of places, 1 where the rank of the column falls into the window of the row, else 0.
    fn windows<B: Rotate>(
        &self,
        ops: &B,
        sign: &Sign,
        ranks: &B::Ct,
        at: &Places,
    ) -> Result<Vec<B::Ct>, B::Error>
    where
        B::Error: From<CircuitError>,
    {
        let compare = Compare::new(sign)?;
        let columns = self.columns();
        let reaches = |b: usize| {
            let start = |i: usize, _| {
                let start = (at.first + i * at.width).min(columns);
                (0.5 - start as f64) / columns as f64
            };
            let shifted = ops.add_plain(ranks, &self.slots_of(b, at.vectors, start))?;
            compare.of_difference(ops, &ops.known(&shifted, 1.0)?)
        };
        let reached = (0..at.vectors).map(reaches).collect::<Result<Vec<_>, B::Error>>()?;
        let (Some(first), next) = (reached.first(), reached.iter().skip(1)) else { return Ok(reached) };
        // The last row is followed by the first one. If it is a window, all ranks reach the first row, and none the end that
        // should follow: the difference is 1.
        let wrapped = ops.rotate(first, columns as i64)?;
        let last = at.vectors * self.rows - 1;
        let end = self.slots_of(at.vectors - 1, at.vectors, |i, _| if i == last { -1.0 } else { 0.0 });
        let wrapped = ops.add_plain(&wrapped, &end)?;
        reached.iter().zip(next.chain([&wrapped])).map(|(a, b)| ops.sub(a, b)).collect()
    }

    /// The values that one-hot rows select, less the centre, in the first slot of each row.
    fn select<B: Rotate>(
        &self,
        ops: &B,
        hot: &[B::Ct],
        row: &B::Ct,
        at: &Places,
    ) -> Result<Vec<B::Ct>, B::Error> {
        // A slot sums the end of one row and the beginning of the next, with an error below half a unit.
        let size = 2.0 * at.width as f64 * self.hide(0).abs() + self.integers.unit() / 2.0;
        let selected = |(b, hot): (usize, &B::Ct)| {
            let product = match self.mode {
                // Each row has one value, the padding too.
                Mode::Sort => ops.mul(hot, row)?,
                // The rows that nobody asked for would hold all others.
                Mode::Rank | Mode::Top(_) | Mode::Median => {
                    let asked = self.slots_of(b, at.vectors, |i, _| if i < at.windows { 1.0 } else { 0.0 });
                    ops.mul(hot, &ops.mul_plain(row, &asked)?)?
                }
            };
            ops.known(&total(ops, product, 1, self.columns())?, size)
        };
        hot.iter().enumerate().map(selected).collect()
    }
}

/// The sum of the slots that lie `step` apart within `span`, in the first of them; in all if the span is the whole vector.
fn total<B: Rotate>(ops: &B, mut sum: B::Ct, mut step: usize, span: usize) -> Result<B::Ct, B::Error> {
    while step < span {
        sum = ops.add(&sum, &ops.rotate(&sum, step as i64)?)?;
        step *= 2;
    }
    Ok(sum)
}

impl Program for Sort {
    type Data = Vec<u64>;
    type Answer = Order;

    fn slots(&self) -> usize {
        self.rows * self.columns()
    }

    fn inputs(&self) -> Vec<Input> {
        vec![Input { size: self.hide(0).abs() }; self.blocks + 1]
    }

    fn needs(&self) -> Vec<Need> {
        let m = self.columns() as f64;
        // A rank off by a twelfth leaves five sixths of the gap of the second sign.
        let pairs = Need::Step { gap: self.integers.unit() / 2.0, error: 1.0 / (6.0 * m) };
        let width = self.places().map(|at| at.width as f64);
        let places = width.map(|_| Need::Step { gap: 0.5 / m, error: 0.25 / (m * self.centre() as f64) });
        std::iter::once(pairs).chain(places).collect()
    }

    fn outputs(&self) -> Vec<Output> {
        let Some(at) = self.places() else {
            let (unit, most) = (1.0 / self.columns() as f64, self.length as i64 - 1);
            return vec![Output { unit, least: 0, most, slots: (0..self.length).collect() }];
        };
        let (width, unit) = (at.width as i64, self.integers.unit());
        let most = width * (i64::from(self.integers.most()) - self.centre());
        let slots = |b: usize| (b..at.windows).step_by(at.vectors).map(|i| i / at.vectors * self.columns());
        let output = |b| Output { unit, least: -width * self.centre(), most, slots: slots(b).collect() };
        (0..at.vectors).map(output).collect()
    }

    fn pack(&self, values: &Vec<u64>) -> Result<Vec<Vec<f64>>, Error> {
        if values.len() != self.length {
            return Err(Error::Size { have: values.len(), least: self.length, most: self.length });
        }
        let most = u64::from(self.integers.most());
        if let Some((row, &value)) = values.iter().enumerate().find(|(_, value)| **value > most) {
            return Err(Error::Value { row: row + 1, column: 1, value, most });
        }
        let at = |i: usize| self.hide(values.get(i).copied().unwrap_or(most) as i64);
        let along_columns = |b| self.slots_of(b, self.blocks, |i, _| at(i));
        Ok(std::iter::once(self.slots_of(0, 1, |_, j| at(j)))
            .chain((0..self.blocks).map(along_columns))
            .collect())
    }

    fn run<B: Rotate + Points>(
        &self,
        ops: &B,
        signs: &[Sign],
        inputs: &[B::Ct],
    ) -> Result<Vec<B::Ct>, B::Error>
    where
        B::Error: From<CircuitError>,
    {
        let wrong = |need, have| CircuitError::WrongLength { need, have };
        let (Some(row), true) = (inputs.first(), inputs.len() == self.blocks + 1) else {
            return Err(wrong(self.blocks + 1, inputs.len()).into());
        };
        match (signs, self.places()) {
            ([pairs], None) => Ok(vec![self.ranks(ops, pairs, inputs)?]),
            ([pairs, places], Some(at)) => {
                let ranks = ops.point(&self.ranks(ops, pairs, inputs)?)?;
                let windows = self.windows(ops, places, &ranks, &at)?;
                self.select(ops, &windows, row, &at)
            }
            _ => Err(wrong(self.needs().len(), signs.len()).into()),
        }
    }

    fn unpack(&self, outputs: &[Vec<i64>]) -> Result<Order, Error> {
        let Some(at) = self.places() else {
            let [ranks] = outputs else { return Err(Error::Columns { need: 1, have: outputs.len() }) };
            return self.permutation(ranks);
        };
        if outputs.len() != at.vectors {
            return Err(Error::Columns { need: at.vectors, have: outputs.len() });
        }
        let value = |i: usize| {
            let selected = outputs.get(i % at.vectors).and_then(|vector| vector.get(i / at.vectors));
            let sum = selected.map(|value| value + at.width as i64 * self.centre());
            sum.and_then(|sum| u64::try_from(sum).ok()).ok_or(Error::Answer)
        };
        let mut values = (0..at.windows).map(value).collect::<Result<Vec<u64>, Error>>()?;
        match self.mode {
            _ if !values.is_sorted() => Err(Error::Answer),
            Mode::Median => {
                values.first().map(|sum| Order::Median(*sum as f64 / at.width as f64)).ok_or(Error::Answer)
            }
            Mode::Top(_) => {
                values.reverse();
                Ok(Order::Top(values))
            }
            Mode::Sort | Mode::Rank => Ok(Order::Sorted(values)),
        }
    }

    fn exact(&self, values: &Vec<u64>) -> Order {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by_key(|&i| values.get(i));
        let sorted: Vec<u64> = order.iter().filter_map(|&i| values.get(i)).copied().collect();
        match self.mode {
            Mode::Sort => Order::Sorted(sorted),
            Mode::Rank => {
                let mut places: Vec<(usize, usize)> = order.into_iter().zip(0..).collect();
                places.sort_unstable();
                Order::Ranks(places.into_iter().map(|(_, place)| place).collect())
            }
            Mode::Top(count) => Order::Top(sorted.into_iter().rev().take(count).collect()),
            Mode::Median => {
                let middle: Vec<u64> = sorted
                    .iter()
                    .skip((sorted.len().max(1) - 1) / 2)
                    .take(2 - sorted.len() % 2)
                    .copied()
                    .collect();
                Order::Median(middle.iter().sum::<u64>() as f64 / middle.len().max(1) as f64)
            }
        }
    }
}

impl Sort {
    /// Ranks that are those of some array: each place once.
    fn permutation(&self, ranks: &[i64]) -> Result<Order, Error> {
        let ranks = ranks.iter().map(|rank| usize::try_from(*rank).map_err(|_| Error::Answer));
        let ranks = ranks.collect::<Result<Vec<usize>, Error>>()?;
        let mut sorted = ranks.clone();
        sorted.sort_unstable();
        if sorted.into_iter().eq(0..self.length) { Ok(Order::Ranks(ranks)) } else { Err(Error::Answer) }
    }
}

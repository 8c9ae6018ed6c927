//! Columns to slots, and slots to answers: every value checked on the way in, every row on the way out.

use super::{Domain, Function, GUARD_LEVELS, Slotwise};
use crate::integers::Integers;

/// How far a guard may exceed 1: it then lies no further out than 2^-24, within what scales resolve.
const OVERSHOOT: f64 = 4e-6;

/// Columns that cannot be sealed. Rows are counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// Another number of columns.
    #[error("the number of columns is {have}, and {function} takes {need}")]
    Columns {
        /// The function.
        function: &'static str,
        /// Columns needed.
        need: usize,
        /// Columns given.
        have: usize,
    },
    /// Columns of different length.
    #[error("the columns differ in length, {left} and {right}: give a pair in every row")]
    Lengths {
        /// Values in the first.
        left: usize,
        /// Values in the second.
        right: usize,
    },
    /// No row.
    #[error("there are no rows: give at least one")]
    Empty,
    /// More rows than slots.
    #[error("{have} rows do not fit into a ciphertext of {most}: send them in parts")]
    Rows {
        /// Rows given.
        have: usize,
        /// The most that fit.
        most: usize,
    },
    /// A value that is no number or outside the range.
    #[error("row {row}, column {column}: {value} is not a number from {lo} to {hi}")]
    Number {
        /// Row, from one.
        row: usize,
        /// Column, from one.
        column: usize,
        /// The value.
        value: f64,
        /// The least allowed.
        lo: f64,
        /// The most allowed.
        hi: f64,
    },
    /// A value that is no integer of so many bits.
    #[error(
        "row {row}, column {column}: {value} is not an integer from 0 to {most}, as {bits}-bit integers are"
    )]
    Integer {
        /// Row, from one.
        row: usize,
        /// Column, from one.
        column: usize,
        /// The value.
        value: f64,
        /// The most allowed.
        most: u32,
        /// The bits asked for.
        bits: u32,
    },
}

/// An answer that must not be used. It leaves the values out: a decryption of whatever a stranger sent must not reach whoever
/// reads the message. Rows are counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// The sentinel has moved.
    #[error(
        "the sentinel has moved: the answer is damaged, was opened with another key, or ran out of precision; run the sealed \
         columns again"
    )]
    Moved,
    /// A row whose input was outside the domain.
    #[error(
        "row {row} was outside the domain of the function: leave it out, and seal and run the rest again"
    )]
    Outside {
        /// Row, from one.
        row: usize,
    },
    /// A row whose result is none that the function can have.
    #[error(
        "the result of row {row} is none that the function has: the answer is damaged, or its input was outside the domain"
    )]
    Result {
        /// Row, from one.
        row: usize,
    },
    /// Too few slots to hold the answer.
    #[error("the answer has {have} slots, and at least {need} are needed: it belongs to other columns")]
    Slots {
        /// Slots of the answer.
        have: usize,
        /// Slots needed.
        need: usize,
    },
}

impl Slotwise {
    /// The slots of every column, with the sentinel in the last. Slots without a row hold zeros.
    ///
    /// # Errors
    /// Columns of another number or of different length, no row or more than `slots` - 1, and any value that is not what the
    /// domain holds.
    pub fn pack(&self, columns: &[Vec<f64>], slots: usize) -> Result<Vec<Vec<f64>>, DataError> {
        let (need, have) = (self.function().columns(), columns.len());
        if have != need {
            return Err(DataError::Columns { function: self.function().name(), need, have });
        }
        let rows = columns.first().map_or(0, Vec::len);
        if let Some(other) = columns.iter().find(|column| column.len() != rows) {
            return Err(DataError::Lengths { left: rows, right: other.len() });
        }
        let most = slots.saturating_sub(1);
        match rows {
            0 => return Err(DataError::Empty),
            have if have > most => return Err(DataError::Rows { have, most }),
            _ => {}
        }
        for row in 0..rows {
            for (i, column) in columns.iter().enumerate() {
                self.check(row + 1, i + 1, column[row])?;
            }
        }
        let packed = columns.iter().zip(self.sentinel()).map(|(column, sentinel)| {
            let mut packed = column.clone();
            packed.resize(most, 0.0);
            packed.push(sentinel);
            packed.iter().map(|value| self.hide(*value)).collect()
        });
        Ok(packed.collect())
    }

    /// The answers of so many rows from the slots of a result and of its guard: integers and comparisons exactly, other numbers
    /// rounded to so many bits after the binary point.
    ///
    /// A comparison of numbers is 1/2 where they are equal or too close to tell.
    ///
    /// # Errors
    /// When the sentinel has moved, a row was outside the domain, or a result is none that the function has.
    pub fn unpack(
        &self,
        result: &[f64],
        guard: &[f64],
        rows: usize,
        precision_bits: u32,
    ) -> Result<Vec<f64>, AnswerError> {
        let (have, need) = (result.len().min(guard.len()), rows.saturating_add(1));
        if have < need || result.len() != guard.len() {
            return Err(AnswerError::Slots { have, need });
        }
        let last = have - 1;
        let expected = self.decisive(&self.sentinel().map(|value| self.hide(value)));
        let guarded = (guard[last] - chebyshev(expected)).abs() <= self.proof().guard + OVERSHOOT;
        // What is no number is not near either.
        let near = (result[last] - self.expected()).abs() <= self.error();
        if !(guarded && near) {
            return Err(AnswerError::Moved);
        }
        let most = 1.0 + self.proof().guard + OVERSHOOT;
        let row = |i: usize| {
            // What is no number is not within the bound either.
            let inside = guard[i].abs() <= most;
            if !inside {
                return Err(AnswerError::Outside { row: i + 1 });
            }
            self.settle(result[i], precision_bits).ok_or(AnswerError::Result { row: i + 1 })
        };
        (0..rows).map(row).collect()
    }

    /// The exact answer of a row: the oracle of whoever compares.
    ///
    /// For comparisons of numbers, 1/2 only where they are equal.
    #[must_use]
    pub fn exact(&self, row: &[f64]) -> f64 {
        let (a, b) = (row.first().copied().unwrap_or(0.0), row.get(1).copied().unwrap_or(0.0));
        let bit = |holds: bool| f64::from(u8::from(holds));
        match self.function() {
            Function::Compare => bit(a > b).midpoint(bit(a >= b)),
            Function::Max => a.max(b),
            Function::Min => a.min(b),
            Function::Relu => a.max(0.0),
            Function::Abs => a.abs(),
            Function::Greater => bit(a > b),
            Function::GreaterEqual => bit(a >= b),
            Function::Equal => bit(a == b),
        }
    }

    /// One unit of what is shown of an answer: what the rounding hides noise behind.
    #[must_use]
    pub fn unit(&self, precision_bits: u32) -> f64 {
        match (self.function(), self.domain()) {
            (Function::Max | Function::Min, Domain::Integers { .. }) => {
                self.integers().map_or(1.0, Integers::unit)
            }
            (_, Domain::Integers { .. }) => 1.0,
            (Function::Compare, Domain::Numbers { .. }) => 0.5,
            (_, Domain::Numbers { .. }) => 2f64.powi(-(precision_bits as i32)),
        }
    }

    fn check(&self, row: usize, column: usize, value: f64) -> Result<(), DataError> {
        match self.domain() {
            Domain::Numbers { .. } => {
                let lo = if self.function().columns() == 1 { -1.0 } else { 0.0 };
                let within = (lo..=1.0).contains(&value);
                if within { Ok(()) } else { Err(DataError::Number { row, column, value, lo, hi: 1.0 }) }
            }
            Domain::Integers { bits } => {
                let most = ((1u64 << bits) - 1) as u32;
                let fits = (0.0..=f64::from(most)).contains(&value) && value.fract() == 0.0;
                if fits { Ok(()) } else { Err(DataError::Integer { row, column, value, most, bits }) }
            }
        }
    }

    /// The integers, if it is of integers; their size was checked when it was made.
    fn integers(&self) -> Option<Integers> {
        match self.domain() {
            Domain::Integers { bits } => Integers::new(bits).ok(),
            Domain::Numbers { .. } => None,
        }
    }

    fn hide(&self, value: f64) -> f64 {
        self.integers().map_or(value, |integers| value * integers.unit())
    }

    /// The number whose sign decides, of a hidden row.
    fn decisive(&self, row: &[f64]) -> f64 {
        let relation = self.function().relation().ok();
        let shift =
            relation.zip(self.integers()).map_or(0.0, |(relation, integers)| relation.shift(integers));
        let (a, b) = (row.first().copied().unwrap_or(0.0), row.get(1).copied().unwrap_or(0.0));
        if self.function().columns() == 1 { a } else { a - b + shift }
    }

    /// The row of the sentinel: as near to a tie as the domain allows, where the answer is at risk first.
    fn sentinel(&self) -> [f64; 2] {
        match (self.domain(), self.function()) {
            (Domain::Numbers { epsilon }, Function::Compare) => [epsilon, 0.0],
            (Domain::Numbers { .. }, Function::Relu | Function::Abs) => [-0.5, 0.0],
            (Domain::Numbers { .. }, _) => [0.75, 0.25],
            (Domain::Integers { .. }, Function::GreaterEqual) => [0.0, 1.0],
            (Domain::Integers { .. }, _) => [1.0, 0.0],
        }
    }

    /// The result of the sentinel, as it comes out.
    fn expected(&self) -> f64 {
        let exact = self.exact(&self.sentinel());
        let hidden = matches!(self.function(), Function::Max | Function::Min);
        if hidden { self.hide(exact) } else { exact }
    }

    /// The answer in a result, unless it is none: no number, or too far from all that the function has.
    fn settle(&self, value: f64, precision_bits: u32) -> Option<f64> {
        let off = self.error();
        if let Some(integers) = self.integers() {
            let extremum = matches!(self.function(), Function::Max | Function::Min);
            let (unit, most) =
                if extremum { (integers.unit(), f64::from(integers.most())) } else { (1.0, 1.0) };
            let integer = (value / unit).round() + 0.0;
            let near = (value - integer * unit).abs() <= off && (0.0..=most).contains(&integer);
            return near.then_some(integer);
        }
        if !(-off..=1.0 + off).contains(&value) {
            return None;
        }
        if self.function() == Function::Compare {
            let side = if value <= off { 0.0 } else { 1.0 };
            return Some(if (value - side).abs() <= off { side } else { 0.5 });
        }
        let unit = 2f64.powi(precision_bits.min(52) as i32);
        Some((value.clamp(0.0, 1.0) * unit).round() / unit)
    }
}

/// T_8 of the number.
fn chebyshev(x: f64) -> f64 {
    (0..GUARD_LEVELS).fold(x, |t, _| 2.0 * t * t - 1.0)
}

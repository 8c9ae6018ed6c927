//! Where logical values sit in slots.

use crate::error::{Error, check_repeats, check_slots};

/// Value i sits in every slot congruent to i modulo `period`; the slots from `values` to `period` hold zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Layout {
    values: usize,
    period: usize,
}

impl Layout {
    /// This many values with this period, which is a power of two and not smaller.
    ///
    /// # Errors
    /// When the period is not a power of two or too small.
    pub fn new(values: usize, period: usize) -> Result<Self, Error> {
        check_slots(period)?;
        if values > period {
            return Err(Error::WrongLength { need: period, have: values });
        }
        Ok(Layout { values, period })
    }

    /// How many values there are.
    #[must_use]
    pub fn values(&self) -> usize {
        self.values
    }

    /// After how many slots they repeat.
    #[must_use]
    pub fn period(&self) -> usize {
        self.period
    }

    /// The slots that hold these values.
    ///
    /// # Errors
    /// When the number of values is another, or the period does not divide the slots.
    pub fn pack(&self, values: &[f64], slots: usize) -> Result<Vec<f64>, Error> {
        check_repeats(self.period, slots)?;
        if values.len() != self.values {
            return Err(Error::WrongLength { need: self.values, have: values.len() });
        }
        Ok((0..slots).map(|i| values.get(i % self.period).copied().unwrap_or(0.0)).collect())
    }

    /// The values from the first period of the slots.
    #[must_use]
    pub fn read<'a>(&self, slots: &'a [f64]) -> &'a [f64] {
        &slots[..self.values.min(slots.len())]
    }
}

//! What operations should take where nobody has measured them.
//!
//! All that takes time works on rows: vectors of N residues. At a level with l rows, k special primes in use and d digits:
//!
//! | operation | microseconds at N = 2^16 |
//! |---|---|
//! | product, sum, scalar product, plain product | 84, 65, 50 and 59 for each of l |
//! | rescale | 206 for each of l: a transform each way for both halves |
//! | key switch (relinearisation, with its rescale or without) | 105 (d + 2) (l + k), the transforms and the key, and 6 l (l + 3k), the raising of digits and the division by the special primes |
//! | rotation | 118 (d + 2) (l + k) and 5.4 l (l + 3k) |
//! | hoisted decomposition, and a rotation of it | 106 d (l + k), and 97 (d + 2) (l + k) |
//!
//! The numbers are fitted to `calibration/amd-epyc-family-26-model-2.json`, 26 chains of 3 to 28 levels: key switches and rescales are
//! off by 9 % (a standard deviation), and by 40 % at worst (`tests/model.rs`). Other rings take N log N in proportion. Who compares plans needs ratios
//! alone; who wants times measures them.

use std::collections::BTreeMap;

use crate::cost::{Chain, Operation};
use crate::error::Error;

/// Rows of a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rows {
    /// Primes of the level.
    pub main: usize,
    /// Key-switching digits.
    pub digits: usize,
    /// Special primes in use.
    pub special: usize,
}

impl Rows {
    /// Microseconds of an operation at N = 2^16.
    fn microseconds(&self, operation: Operation) -> f64 {
        let [main, digits, special] = [self.main, self.digits, self.special].map(|count| count as f64);
        let raised = digits * (main + special);
        let switched = raised + 2.0 * (main + special);
        let converted = main * (main + 3.0 * special);
        match operation {
            Operation::Product => 84.0 * main,
            Operation::Add => 65.0 * main,
            Operation::ScalarProduct => 50.0 * main,
            Operation::PlainProduct => 59.0 * main,
            Operation::Rescale => 206.0 * main,
            Operation::RelineariseRescale | Operation::Relinearise => 105.0 * switched + 6.0 * converted,
            Operation::Rotate => 118.0 * switched + 5.4 * converted,
            Operation::Hoist => 106.0 * raised,
            Operation::HoistedRotate => 97.0 * switched,
        }
    }
}

impl Chain {
    /// The chain with these rows at its levels, level 1 first, in a ring of this log2 N: see the head of this file.
    ///
    /// # Errors
    /// Never for rows of a chain that exists.
    pub fn modelled(log_degree: u32, log2_qp: f64, levels: &[Rows]) -> Result<Self, Error> {
        let size = f64::from(log_degree) / 16.0 * (f64::from(log_degree) - 16.0).exp2();
        let costs = |operation: Operation| -> Vec<f64> {
            levels.iter().map(|rows| size * rows.microseconds(operation) / 1e3).collect()
        };
        let costs: BTreeMap<_, _> = Operation::ALL.map(|operation| (operation, costs(operation))).into();
        let (digits, special) = levels.last().map_or((0, 0), |top| (top.digits, top.special));
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self::new(count(levels.len()), count(digits), count(special), log2_qp, costs)
    }
}

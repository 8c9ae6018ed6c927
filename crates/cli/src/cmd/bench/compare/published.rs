//! What Lee, Lee, Kim and No (2022), Optimization of homomorphic comparison algorithm on RNS-CKKS scheme, measured: tables 7
//! and 8, with one thread of an Intel Core i7-10700 and SEAL, at N = 2^16.

use arras_circuits::slotwise::Function;

use crate::args::bench_compare::Method;

/// One row: the fewest products of degrees up to 31, and the least time of degrees up to 63.
pub struct Row {
    pub alpha: u8,
    pub depth: u32,
    previous: Sides,
    proposed: Sides,
}

/// Degrees, and seconds of the comparison, or of max and of ReLU.
type Sides = (&'static [usize], &'static [f64]);

const fn row(alpha: u8, depth: u32, previous: Sides, proposed: Sides) -> Row {
    Row { alpha, depth, previous, proposed }
}

const COMPARE: [Row; 11] = [
    row(8, 11, (&[7, 15, 15], &[4.21]), (&[3, 15, 31], &[4.08])),
    row(12, 16, (&[15, 15, 15, 15], &[9.92]), (&[7, 15, 15, 31], &[9.61])),
    row(12, 17, (&[7, 7, 7, 13, 13], &[9.91]), (&[3, 3, 13, 15, 31], &[9.40])),
    row(12, 18, (&[3, 5, 7, 7, 7, 13], &[9.67]), (&[5, 5, 5, 15, 29], &[9.12])),
    row(16, 21, (&[15, 15, 15, 15, 27], &[18.45]), (&[7, 13, 15, 15, 59], &[17.49])),
    row(16, 22, (&[7, 7, 7, 13, 13, 27], &[18.23]), (&[5, 3, 7, 15, 15, 59], &[16.79])),
    row(16, 23, (&[5, 7, 7, 7, 7, 13, 13], &[18.08]), (&[5, 3, 5, 7, 7, 15, 31], &[16.73])),
    row(20, 25, (&[29, 31, 31, 31, 31], &[32.04]), (&[15, 15, 31, 59, 63], &[30.73])),
    row(20, 26, (&[13, 15, 15, 15, 27, 27], &[29.59]), (&[5, 15, 15, 15, 29, 61], &[28.27])),
    row(20, 27, (&[7, 7, 7, 7, 7, 15, 27], &[29.19]), (&[5, 5, 7, 15, 15, 15, 59], &[27.18])),
    row(20, 28, (&[5, 7, 7, 7, 7, 7, 7, 15], &[29.13]), (&[5, 5, 5, 7, 7, 15, 15, 31], &[26.77])),
];

const RAMP: [Row; 7] = [
    row(8, 9, (&[3, 7, 7], &[2.26, 2.27]), (&[5, 23], &[2.14, 2.17])),
    row(12, 14, (&[5, 7, 7, 15], &[5.71, 5.74]), (&[3, 5, 7, 29], &[5.53, 5.55])),
    row(16, 18, (&[7, 7, 7, 15, 15], &[11.46, 11.37]), (&[3, 3, 15, 15, 31], &[10.88, 10.95])),
    row(16, 19, (&[3, 7, 7, 7, 13], &[11.76, 11.79]), (&[5, 5, 7, 13, 29], &[10.65, 10.71])),
    row(20, 22, (&[15, 15, 15, 15, 27], &[21.72, 20.38]), (&[7, 13, 15, 15, 59], &[19.26, 19.40])),
    row(20, 23, (&[7, 7, 7, 13, 13, 27], &[19.79, 19.81]), (&[5, 7, 7, 13, 15, 31], &[18.59, 18.57])),
    row(20, 24, (&[5, 7, 7, 7, 7, 23], &[19.77, 19.81]), (&[3, 5, 5, 7, 7, 15, 31], &[18.38, 18.37])),
];

/// Functions with a table of their own, in the order of the tables.
pub const FUNCTIONS: [Function; 3] = [Function::Compare, Function::Max, Function::Relu];

/// The rows of a function; those of max also stand for what costs the same.
pub fn rows(function: Function) -> &'static [Row] {
    if function == Function::Compare { &COMPARE } else { &RAMP }
}

/// The least depth of a precision.
pub fn depth(function: Function, alpha: u8) -> Option<u32> {
    rows(function).iter().find(|row| row.alpha == alpha).map(|row| row.depth)
}

/// The row of a precision and a depth.
pub fn find(function: Function, alpha: u8, depth: u32) -> Option<&'static Row> {
    rows(function).iter().find(|row| row.alpha == alpha && row.depth == depth)
}

/// From how many times the error on the sign inside max is right (table 4, and table 8 for 20 bits).
pub fn zeta(alpha: u8) -> Option<f64> {
    const ZETA: [f64; 15] =
        [5.0, 5.0, 10.0, 11.0, 12.0, 13.0, 13.0, 15.0, 15.0, 16.0, 17.0, 17.0, 19.0, 19.0, 19.0];
    if alpha == 20 { Some(21.0) } else { ZETA.get(usize::from(alpha).checked_sub(4)?).copied() }
}

impl Row {
    pub fn degrees(&self, method: Method) -> &'static [usize] {
        if method == Method::Previous { self.previous.0 } else { self.proposed.0 }
    }

    /// Seconds; min and abs were not measured.
    pub fn seconds(&self, function: Function, method: Method) -> Option<f64> {
        let place = FUNCTIONS.iter().position(|measured| *measured == function)?.saturating_sub(1);
        let (_, seconds) = if method == Method::Previous { self.previous } else { self.proposed };
        seconds.get(place).copied()
    }
}

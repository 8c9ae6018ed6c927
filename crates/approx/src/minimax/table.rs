//! The table of errors from which degrees are chosen.

use std::fmt::Write as _;
use std::sync::LazyLock;

use crate::error::Error;
use crate::minimax::{Minimax, sign_around_one, sign_with_gap};

/// The degrees of the table: 3, 5, ..., 63.
pub const DEGREES: usize = 31;
/// The intervals of the table: 201 with tau <= 1/2 and 201 with tau >= 1/2.
pub const TAUS: usize = 402;

/// Steps in a factor of two.
const STEPS: usize = 10;
/// Factors of two in one half of the table.
const OCTAVES: usize = 20;
const HALF: usize = OCTAVES * STEPS + 1;

/// 2^(k/10), rounded to nearest: the same on every machine.
const ROOTS: [f64; STEPS] = [
    1.0,
    1.071_773_462_536_293_1,
    1.148_698_354_997_035,
    1.231_144_413_344_916_3,
    1.319_507_910_772_894_2,
    std::f64::consts::SQRT_2,
    1.515_716_566_510_398,
    1.624_504_792_712_471,
    1.741_101_126_592_248_2,
    1.866_065_983_073_614_8,
];

/// What stands above the rows of a file.
const HEADER: &str = "\
# ME(R_tau; d): the error of the best odd polynomial of degree d for the sign on [1 - tau, 1 + tau] and its mirror image
# each number is log2(ME / (1 - ME)): log2(ME) where ME is small, and -log2(1 - ME) where it is near one
# made by: arras minimax store --out me.csv
";

/// The error of a best polynomial, with all digits at either end of (0, 1).
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Entry {
    odds: f64,
}

impl Entry {
    /// The entry of this log2(e / (1 - e)).
    #[must_use]
    pub fn from_log2_odds(odds: f64) -> Self {
        Entry { odds }
    }

    /// log2(e / (1 - e)): increasing in e, about log2 e for a small one and -log2(1 - e) for one near one.
    #[must_use]
    pub fn log2_odds(self) -> f64 {
        self.odds
    }

    /// log2 e.
    #[must_use]
    pub fn log2_error(self) -> f64 {
        self.odds.min(0.0) - (-self.odds.abs()).exp2().ln_1p() * std::f64::consts::LOG2_E
    }

    /// log2(1 - e).
    #[must_use]
    pub fn log2_complement(self) -> f64 {
        Entry { odds: -self.odds }.log2_error()
    }

    /// e; zero below the range of f64.
    #[must_use]
    pub fn error(self) -> f64 {
        self.log2_error().exp2()
    }
}

impl From<&Minimax> for Entry {
    fn from(best: &Minimax) -> Self {
        Entry { odds: best.log2_odds() }
    }
}

/// tau of row j: 2^(-21 + j/10) for j <= 200, and 1 - 2^-(1 + (j - 201)/10) above.
#[must_use]
pub fn tau(row: usize) -> f64 {
    if row < HALF { power(row) } else { 1.0 - gap(row) }
}

/// 1 - tau of row j, with the digits that tau has not for tau near one.
#[must_use]
pub fn gap(row: usize) -> f64 {
    if row < HALF { 1.0 - power(row) } else { power((TAUS - 1).saturating_sub(row)) }
}

/// 2^(-21 + k/10).
fn power(k: usize) -> f64 {
    let octave = (k / STEPS) as i32 - OCTAVES as i32 - 1;
    ROOTS[k % STEPS] * 2.0_f64.powi(octave)
}

/// The error for row j and this degree, computed.
///
/// Cost: of [`sign_around_one`]; 12,462 of them take seconds.
///
/// # Errors
/// As [`sign_around_one`].
pub fn compute(row: usize, degree: usize) -> Result<Entry, Error> {
    let best = if row < HALF { sign_around_one(tau(row), degree) } else { sign_with_gap(gap(row), degree) };
    Ok(Entry::from(&best?))
}

/// The errors for all rows and degrees, as a file has them.
///
/// Reference: Lee, Lee, Kim and No (2022), Optimization of homomorphic comparison algorithm on RNS-CKKS scheme,
/// algorithm 6 (StoreME), with n = 10 and alpha = 20.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    rows: Vec<[f64; DEGREES]>,
}

impl Table {
    /// The table that comes with this crate.
    #[must_use]
    pub fn shipped() -> &'static Table {
        static SHIPPED: LazyLock<Table> = LazyLock::new(|| {
            // A test holds the file to be whole; without rows nothing would be found, and nothing wrong.
            let draft = Draft::parse(include_str!("../../data/me.csv")).ok();
            draft.and_then(|draft| draft.finish()).unwrap_or(Table { rows: Vec::new() })
        });
        &SHIPPED
    }

    /// The error for row j and this degree, if the table has it.
    #[must_use]
    pub fn get(&self, row: usize, degree: usize) -> Option<Entry> {
        let column = degree.checked_sub(3).filter(|d| d.is_multiple_of(2))? / 2;
        self.rows.get(row)?.get(column).map(|&odds| Entry { odds })
    }
}

/// A table of which some rows are known.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    rows: Vec<Option<[f64; DEGREES]>>,
}

impl Default for Draft {
    fn default() -> Self {
        Draft { rows: vec![None; TAUS] }
    }
}

impl Draft {
    /// The rows of a file.
    ///
    /// # Errors
    /// When it is of another kind, or a line is broken.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let header = format!("{HEADER}{}\n", columns());
        let Some(body) = text.strip_prefix(header.as_str()) else {
            let same = text.lines().zip(header.lines()).take_while(|(a, b)| a == b).count();
            return Err(Error::OtherTable { line: same + 1 });
        };
        let mut draft = Draft::default();
        let above = header.lines().count();
        for (i, line) in body.split_inclusive('\n').enumerate() {
            let broken = |what| Error::BrokenTable { line: above + i + 1, what };
            let line = line.strip_suffix('\n').ok_or(broken("it has no end"))?;
            let (label, numbers) = line.split_once(',').ok_or(broken("it has no comma"))?;
            let row =
                (0..TAUS).find(|&row| name(row) == label).ok_or(broken("its tau is not of the grid"))?;
            let numbers: Result<Vec<f64>, _> = numbers.split(',').map(str::parse).collect();
            let numbers = numbers.map_err(|_| broken("a number cannot be read"))?;
            if numbers.iter().any(|x| !x.is_finite()) {
                return Err(broken("a number is not finite"));
            }
            let numbers = numbers.try_into().map_err(|_| broken("it has not one number for each degree"))?;
            let slot = draft.rows.get_mut(row).ok_or(broken("its tau is not of the grid"))?;
            if slot.replace(numbers).is_some() {
                return Err(broken("its tau is there twice"));
            }
        }
        Ok(draft)
    }

    /// The rows that are missing.
    pub fn missing(&self) -> impl Iterator<Item = usize> + '_ {
        self.rows.iter().enumerate().filter(|(_, row)| row.is_none()).map(|(j, _)| j)
    }

    /// Fills row j with the errors for the degrees 3, 5, ..., 63; without effect for a row that the table has not.
    pub fn fill(&mut self, row: usize, entries: &[Entry; DEGREES]) {
        if let Some(slot) = self.rows.get_mut(row) {
            *slot = Some(entries.map(Entry::log2_odds));
        }
    }

    /// The table, if no row is missing.
    #[must_use]
    pub fn finish(self) -> Option<Table> {
        let rows: Option<Vec<_>> = self.rows.into_iter().collect();
        rows.map(|rows| Table { rows })
    }

    /// The file of the rows that are known.
    #[must_use]
    pub fn format(&self) -> String {
        let mut text = format!("{HEADER}{}\n", columns());
        for (j, row) in self.rows.iter().enumerate() {
            if let Some(numbers) = row {
                text.push_str(&name(j));
                for x in numbers {
                    // Writing to a text cannot fail.
                    let _ = write!(text, ",{x}");
                }
                text.push('\n');
            }
        }
        text
    }
}

/// The line of the degrees.
fn columns() -> String {
    let degrees: Vec<String> = (0..DEGREES).map(|i| (2 * i + 3).to_string()).collect();
    format!("tau,{}", degrees.join(","))
}

/// How a file names tau: 2^-20.9, 1-2^-1.0.
fn name(row: usize) -> String {
    let whole = (OCTAVES + 1) * STEPS;
    if row < HALF {
        let tenths = whole - row;
        format!("2^-{}.{}", tenths / STEPS, tenths % STEPS)
    } else {
        let tenths = STEPS + row - HALF;
        format!("1-2^-{}.{}", tenths / STEPS, tenths % STEPS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_is_whole_and_is_what_we_write() {
        let text = include_str!("../../data/me.csv");
        let draft = Draft::parse(text).unwrap();
        assert_eq!(draft.missing().count(), 0);
        assert_eq!(draft.format(), text);
        assert!(text.len() < 500_000);
    }

    #[test]
    fn rows_have_the_names_of_their_tau() {
        let names = [0, 1, 200, 201, 401].map(name);
        assert_eq!(names, ["2^-21.0", "2^-20.9", "2^-1.0", "1-2^-1.0", "1-2^-21.0"]);
        for row in 0..TAUS {
            let (of, text) = match name(row).strip_prefix("1-") {
                Some(rest) => (gap(row), rest.to_owned()),
                None => (tau(row), name(row)),
            };
            let exponent: f64 = text.strip_prefix("2^").unwrap().parse().unwrap();
            assert!((of / exponent.exp2() - 1.0).abs() < 4e-15, "{row}");
        }
    }
}

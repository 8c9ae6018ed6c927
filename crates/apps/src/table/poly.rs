//! Polynomials with integer coefficients in the columns of a table: what an expression is after it is multiplied out.

use std::collections::BTreeMap;

use crate::error::Error;

/// The most terms of an expression.
const TERMS: usize = 64;
/// The largest degree.
const DEGREE: usize = 8;
/// The most that a value may be in size, as f64 holds every integer up to it.
pub(super) const SIZE: i128 = 1 << 53;

/// A sum of products of columns, each with a coefficient that is not zero; the columns of a product are sorted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Poly {
    terms: BTreeMap<Vec<usize>, i128>,
}

impl Poly {
    pub fn constant(c: i128) -> Self {
        Self { terms: std::iter::once((Vec::new(), c)).filter(|(_, c)| *c != 0).collect() }
    }

    pub fn column(column: usize) -> Self {
        Self { terms: std::iter::once((vec![column], 1)).collect() }
    }

    /// The products with their coefficients.
    pub fn terms(&self) -> impl Iterator<Item = (&[usize], i128)> {
        self.terms.iter().map(|(columns, c)| (columns.as_slice(), *c))
    }

    /// This and a multiple of another.
    pub fn plus(&self, other: &Poly, factor: i128) -> Result<Poly, Error> {
        let mut sum = self.clone();
        for (columns, c) in &other.terms {
            sum.add(columns.clone(), c.saturating_mul(factor));
        }
        sum.checked()
    }

    pub fn times(&self, other: &Poly) -> Result<Poly, Error> {
        let mut product = Poly::default();
        for (a, c) in &self.terms {
            for (b, d) in &other.terms {
                let mut columns = [a.as_slice(), b.as_slice()].concat();
                columns.sort_unstable();
                product.add(columns, c.saturating_mul(*d));
            }
        }
        product.checked()
    }

    pub fn negated(&self) -> Poly {
        Poly { terms: self.terms.iter().map(|(columns, c)| (columns.clone(), -c)).collect() }
    }

    /// All but the constant, and the constant.
    pub fn split(&self) -> (Poly, i128) {
        let mut rest = self.clone();
        let constant = rest.terms.remove(&Vec::new()).unwrap_or(0);
        (rest, constant)
    }

    /// Whether no column occurs.
    pub fn is_constant(&self) -> bool {
        self.terms.keys().all(Vec::is_empty)
    }

    /// A polynomial without constant, divided by the greatest common divisor of its coefficients with the sign of the first.
    pub fn reduced(&self) -> (Poly, i128) {
        let divisor = self.terms.values().fold(0, |a, b| gcd(a, b.abs())).max(1);
        let sign = self.terms.values().next().map_or(1, |c| c.signum());
        let terms = self.terms.iter().map(|(columns, c)| (columns.clone(), c / (divisor * sign))).collect();
        (Poly { terms }, divisor * sign)
    }

    /// Bounds of the values, for columns from 0 to `most`: each product by itself.
    pub fn range(&self, most: &[u64]) -> (i128, i128) {
        let (mut lo, mut hi) = (0i128, 0i128);
        for (columns, c) in &self.terms {
            let reach = columns.iter().fold(*c, |reach, column| reach.saturating_mul(largest(most, *column)));
            lo = lo.saturating_add(if columns.is_empty() { reach } else { reach.min(0) });
            hi = hi.saturating_add(if columns.is_empty() { reach } else { reach.max(0) });
        }
        (lo, hi)
    }

    /// The value in a row.
    pub fn value(&self, row: &dyn Fn(usize) -> u64) -> i128 {
        let product = |(columns, c): (&Vec<usize>, &i128)| {
            columns.iter().fold(*c, |product, column| product * i128::from(row(*column)))
        };
        self.terms.iter().map(product).sum()
    }

    fn add(&mut self, columns: Vec<usize>, c: i128) {
        let sum = self.terms.get(&columns).copied().unwrap_or(0).saturating_add(c);
        if sum == 0 {
            self.terms.remove(&columns)
        } else {
            self.terms.insert(columns, sum)
        };
    }

    fn checked(self) -> Result<Poly, Error> {
        if self.terms.len() > TERMS {
            return Err(Error::TooMany {
                what: "products in one expression",
                have: self.terms.len(),
                most: TERMS,
            });
        }
        let degree = self.terms.keys().map(Vec::len).max().unwrap_or(0);
        if degree > DEGREE {
            return Err(Error::TooMany { what: "factors in one product", have: degree, most: DEGREE });
        }
        match self.terms.values().find(|c| c.abs() > SIZE) {
            Some(&c) => {
                let what = "a number of the query".to_owned();
                Err(Error::Overflow { what, least: c.min(0), most: c.max(0), limit: SIZE })
            }
            None => Ok(self),
        }
    }
}

/// The largest value of a column.
pub(super) fn largest(most: &[u64], column: usize) -> i128 {
    most.get(column).copied().unwrap_or(0).into()
}

fn gcd(a: i128, b: i128) -> i128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

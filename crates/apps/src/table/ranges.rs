//! Queries for a product and a sum, each between bounds: what others have measured.

use super::Table;
use super::poly::Poly;
use super::predicate::{Predicate, Set};
use super::sql::Value;

/// `SELECT value FROM … WHERE a * b BETWEEN … AND a + c BETWEEN …`, by the places of its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ranges {
    /// The column that is selected.
    pub value: usize,
    /// a, b and c.
    pub columns: [usize; 3],
    /// The least and the most of the product.
    pub product: (u64, u64),
    /// The least and the most of the sum.
    pub sum: (u64, u64),
}

impl Table {
    /// The query as one for a product and a sum of different columns, if it is one.
    #[must_use]
    pub fn ranges(&self) -> Option<Ranges> {
        let [item] = self.query.items.as_slice() else { return None };
        let Value::Plain(selected) = &item.value else { return None };
        let Predicate::And(parts) = &self.query.filter else { return None };
        let [value] = columns(selected)?.try_into().ok()?;
        let [Predicate::In(p, first), Predicate::In(q, second)] = parts.as_slice() else { return None };
        let of = |p: &Poly, q: &Poly| Some((product(p)?, <[usize; 2]>::try_from(columns(q)?).ok()?));
        let straight = of(p, q).map(|shape| (shape, first, second));
        let ((factors, terms), first, second) =
            straight.or_else(|| of(q, p).map(|shape| (shape, second, first)))?;
        let both = terms.into_iter().find(|term| factors.contains(term))?;
        let other = |pair: [usize; 2]| pair.into_iter().find(|column| *column != both);
        Some(Ranges {
            value,
            columns: [both, other(factors)?, other(terms)?],
            product: bounds(first)?,
            sum: bounds(second)?,
        })
    }
}

/// The columns of a plain sum of columns.
fn columns(p: &Poly) -> Option<Vec<usize>> {
    let column = |(columns, factor): (&[usize], i128)| match columns {
        [column] if factor == 1 => Some(*column),
        _ => None,
    };
    p.terms().map(column).collect()
}

/// The columns of a plain product of two.
fn product(p: &Poly) -> Option<[usize; 2]> {
    match p.terms().collect::<Vec<_>>().as_slice() {
        [(columns, 1)] => (*columns).try_into().ok(),
        _ => None,
    }
}

/// The ends of a set of one interval.
fn bounds(set: &Set) -> Option<(u64, u64)> {
    let [(least, most)] = set.spans.as_slice() else { return None };
    Some((u64::try_from(*least).ok()?, u64::try_from(*most).ok()?))
}

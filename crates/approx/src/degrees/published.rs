//! What Lee, Lee, Kim and No (2022), Optimization of homomorphic comparison algorithm on RNS-CKKS scheme, published in
//! tables 1, 3 and 4, beside what this crate finds.

use std::fmt;

use super::{Choice, Goal, Products, fewest_products, least_depth, log2_error};
use crate::Error;
use crate::polynomial::levels;

/// Table 1: the depths of odd polynomials of degree 3, 5, ..., 63.
pub const DEPTHS: [u32; 31] = [
    2, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5, 5, 5, // 3 to 31
    6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, // 33 to 63
];

/// Table 1: their products.
pub const PRODUCTS: [u32; 31] = [
    2, 3, 5, 5, 6, 7, 8, 8, 8, 9, 9, 10, 10, 11, 12, // 3 to 31
    11, 11, 11, 11, 12, 12, 13, 13, 14, 14, 14, 14, 15, 15, 16, 17, // 33 to 63
];

/// A row of table 3 or 4: alpha, zeta (in table 4), and for a largest degree of 31 and of 63 the degrees and the depth.
type Published = (u8, Option<u8>, [(&'static [usize], u32); 2]);

/// Table 3: comparison with epsilon = 2^-alpha.
const TABLE_3: [Published; 11] = [
    (4, None, [(&[27], 5), (&[27], 5)]),
    (5, None, [(&[7, 13], 7), (&[7, 13], 7)]),
    (6, None, [(&[15, 15], 8), (&[15, 15], 8)]),
    (7, None, [(&[7, 7, 13], 10), (&[7, 7, 13], 10)]),
    (8, None, [(&[7, 15, 15], 11), (&[7, 15, 15], 11)]),
    (9, None, [(&[7, 7, 7, 13], 13), (&[55, 55], 12)]),
    (10, None, [(&[7, 7, 13, 15], 14), (&[7, 7, 13, 15], 14)]),
    (11, None, [(&[7, 15, 15, 15], 15), (&[7, 15, 15, 15], 15)]),
    (12, None, [(&[15, 15, 15, 15], 16), (&[15, 15, 15, 15], 16)]),
    (13, None, [(&[15, 15, 15, 31], 17), (&[15, 15, 15, 31], 17)]),
    (14, None, [(&[7, 7, 15, 15, 27], 19), (&[55, 59, 59], 18)]),
];

/// Table 4: max and ReLU with epsilon = zeta 2^-alpha, the depth with the final product.
const TABLE_4: [Published; 15] = [
    (4, Some(5), [(&[5], 4), (&[5], 4)]),
    (5, Some(5), [(&[13], 5), (&[13], 5)]),
    (6, Some(10), [(&[3, 7], 6), (&[3, 7], 6)]),
    (7, Some(11), [(&[7, 7], 7), (&[7, 7], 7)]),
    (8, Some(12), [(&[7, 15], 8), (&[7, 15], 8)]),
    (9, Some(13), [(&[15, 15], 9), (&[15, 15], 9)]),
    (10, Some(13), [(&[7, 7, 13], 11), (&[7, 7, 13], 11)]),
    (11, Some(15), [(&[7, 7, 27], 12), (&[7, 7, 27], 12)]),
    (12, Some(15), [(&[7, 15, 27], 13), (&[7, 15, 27], 13)]),
    (13, Some(16), [(&[15, 15, 27], 14), (&[15, 15, 27], 14)]),
    (14, Some(17), [(&[15, 27, 29], 15), (&[15, 27, 29], 15)]),
    (15, Some(17), [(&[29, 29, 29], 16), (&[15, 27, 59], 16)]),
    (16, Some(19), [(&[7, 7, 7, 15, 15], 18), (&[27, 29, 59], 17)]),
    (17, Some(19), [(&[7, 7, 15, 15, 15], 19), (&[29, 59, 59], 18)]),
    (18, Some(19), [(&[7, 15, 15, 15, 15], 20), (&[59, 59, 61], 19)]),
];

/// How a row of ours stands to the published one.
#[derive(Debug, Clone, PartialEq)]
pub enum Agreement {
    /// The very same.
    Same,
    /// Other degrees of the same depth and products.
    Equal,
    /// Another answer, and the numbers that say why it is right.
    Explained(String),
    /// Another answer, without a reason.
    Different(String),
}

impl Agreement {
    /// Whether the rows agree, or the difference is explained.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        !matches!(self, Self::Different(_))
    }
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same => f.write_str("same"),
            Self::Equal => f.write_str("equal depth and multiplications"),
            Self::Explained(why) | Self::Different(why) => f.write_str(why),
        }
    }
}

/// A row of table 1 beside ours.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The degree of the odd polynomial.
    pub degree: usize,
    /// Depth and products as published.
    pub published: (u32, u32),
    /// Depth and products of our plan.
    pub ours: (u32, u32),
    /// How they compare.
    pub agreement: Agreement,
}

/// Table 1 beside our own plans; costs a plan for each degree, once.
#[must_use]
pub fn table_1() -> Vec<Evaluation> {
    let rows = (3..).step_by(2).zip(DEPTHS.into_iter().zip(PRODUCTS));
    rows.map(|(degree, published)| {
        let ours = (levels(degree), Products::planned().of(degree).unwrap_or(u32::MAX));
        let agreement = match (ours.0.cmp(&published.0), ours.1.cmp(&published.1)) {
            _ if ours == published => Agreement::Same,
            (std::cmp::Ordering::Equal, std::cmp::Ordering::Less) => Agreement::Explained(format!(
                "our plan takes {} products instead of {} at the same depth",
                ours.1, published.1
            )),
            _ => Agreement::Different("our plan takes more than the published one".to_owned()),
        };
        Evaluation { degree, published, ours, agreement }
    })
    .collect()
}

/// A composition in table 3 or 4.
#[derive(Debug, Clone, PartialEq)]
pub struct Composition {
    /// The degrees in order of application.
    pub degrees: Vec<usize>,
    /// The levels, in table 4 with the final product.
    pub depth: u32,
    /// The products by table 1, without the final one.
    pub mults: u32,
    /// log2 of the exact error of sign.
    pub log2_error: f64,
}

/// A row of table 3 or 4, for one largest degree, beside ours.
#[derive(Debug, Clone, PartialEq)]
pub struct Optimum {
    /// The precision of the output.
    pub alpha: u8,
    /// The factor of max and ReLU, in table 4.
    pub zeta: Option<u8>,
    /// The largest degree allowed.
    pub max_degree: usize,
    /// What was published.
    pub published: Composition,
    /// What the search finds.
    pub ours: Composition,
    /// How they compare.
    pub agreement: Agreement,
}

/// Table 3 beside our own search, which counts products as table 1 does.
///
/// Costs a search and the exact errors of two compositions for each row and largest degree.
///
/// # Errors
/// What the search refuses.
pub fn table_3() -> Result<Vec<Optimum>, Error> {
    rows(&TABLE_3)
}

/// Table 4 beside our own search; as [`table_3`].
///
/// # Errors
/// What the search refuses.
pub fn table_4() -> Result<Vec<Optimum>, Error> {
    rows(&TABLE_4)
}

fn rows(table: &[Published]) -> Result<Vec<Optimum>, Error> {
    let each = |&(alpha, zeta, sets): &Published| {
        [31, 63].into_iter().zip(sets).map(move |(max_degree, set)| (alpha, zeta, max_degree, set))
    };
    table.iter().flat_map(each).map(row).collect()
}

fn row(
    (alpha, zeta, max_degree, (degrees, depth)): (u8, Option<u8>, usize, (&[usize], u32)),
) -> Result<Optimum, Error> {
    let precision = f64::from(alpha);
    let goal = match zeta {
        None => Goal::new(precision, (-precision).exp2(), max_degree)?,
        Some(zeta) => Goal::for_max(precision, f64::from(zeta), max_degree)?,
    };
    let products = Products::published();
    let Choice { degrees: found, depth: least, mults, log2_error: error, .. } =
        fewest_products(&goal, least_depth(&goal)?, &products)?;
    let ours = Composition { degrees: found, depth: least, mults, log2_error: error };
    let published = Composition {
        degrees: degrees.to_vec(),
        depth,
        mults: products.sum(degrees),
        log2_error: log2_error(goal.epsilon(), degrees, 0.0)?.unwrap_or(0.0),
    };
    let agreement = agreement(&published, &ours, 1.0 - precision);
    Ok(Optimum { alpha, zeta, max_degree, published, ours, agreement })
}

/// Ours is known to meet the target.
fn agreement(published: &Composition, ours: &Composition, target: f64) -> Agreement {
    let cost = |c: &Composition| (c.depth, c.mults);
    if published.degrees == ours.degrees && published.depth == ours.depth {
        Agreement::Same
    } else if published.log2_error > target {
        Agreement::Explained(format!(
            "the published degrees leave an error of 2^{:.4}, above 2^{target}",
            published.log2_error
        ))
    } else if cost(published) == cost(ours) {
        Agreement::Equal
    } else if cost(ours) < cost(published) {
        Agreement::Explained(format!(
            "ours takes depth {} and {} products instead of {} and {}, with an error of 2^{:.4}, within 2^{target}",
            ours.depth, ours.mults, published.depth, published.mults, ours.log2_error
        ))
    } else {
        Agreement::Different(format!(
            "the published degrees take depth {} and {} products and meet the target, ours take {} and {}",
            published.depth, published.mults, ours.depth, ours.mults
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::{Agreement, Composition, agreement};

    fn composition(degrees: &[usize], depth: u32, mults: u32, log2_error: f64) -> Composition {
        Composition { degrees: degrees.to_vec(), depth, mults, log2_error }
    }

    #[test]
    fn every_difference_is_told_from_the_others() {
        let ours = composition(&[7, 13], 7, 12, -4.5);
        let told = |degrees: &[usize], depth, mults, error| {
            agreement(&composition(degrees, depth, mults, error), &ours, -4.0)
        };
        assert_eq!(told(&[7, 13], 7, 12, -4.5), Agreement::Same);
        assert_eq!(told(&[13, 7], 7, 12, -4.2), Agreement::Equal);
        assert!(
            matches!(told(&[5, 13], 7, 10, -3.9), Agreement::Explained(why) if why.contains("2^-3.9000, above 2^-4"))
        );
        assert!(
            matches!(told(&[7, 15], 7, 13, -4.6), Agreement::Explained(why) if why.contains("12 products"))
        );
        assert!(!told(&[5, 13], 7, 10, -4.1).is_settled());
        assert!(!told(&[63], 6, 17, -4.1).is_settled());
    }
}

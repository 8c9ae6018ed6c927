//! Change of basis: from residues modulo some primes to residues modulo others, and exact division by primes.
//!
//! The conversion is the approximate one of Bajard et al. (2016), with centred digits. With A the product of the source
//! primes, the result is x + u A, where x is the representative in (-A/2, A/2] and |u| <= (number of source primes) / 2;
//! for a single source prime it is exact.

use std::ops::Range;

use crate::modulus::{Constant, Modulus};

/// A row to be made by a conversion.
#[derive(Debug)]
pub struct Target<'a> {
    /// The row.
    pub row: &'a mut [u64],
    /// One weight for each digit.
    pub weights: &'a [u64],
    /// What is added.
    pub offset: u64,
    /// The prime of the row.
    pub modulus: &'a Modulus,
}

impl Target<'_> {
    /// Some of its columns.
    pub fn columns(&mut self, columns: Range<usize>) -> Target<'_> {
        Target {
            row: &mut self.row[columns],
            weights: self.weights,
            offset: self.offset,
            modulus: self.modulus,
        }
    }
}

/// A precomputed change of basis.
#[derive(Debug)]
pub struct Conversion {
    /// (A / a_i)^-1 mod a_i: turns a residue into a digit.
    digits: Vec<u64>,
    /// floor(a_i / 2): added to a digit modulo a_i, so that it is centred once the offset is taken away again.
    halves: Vec<u64>,
    /// For each target prime: A / a_i modulo it.
    weights: Vec<Vec<u64>>,
    /// For each target prime: -sum_i halves_i A / a_i.
    offsets: Vec<u64>,
    /// For each target prime: 1 / A, where A is invertible modulo it.
    inverses: Vec<Constant>,
}

impl Conversion {
    /// From the primes `source` to the primes `target`, the digits multiplied beforehand by `factor(prime)`.
    pub fn new(source: &[&Modulus], target: &[&Modulus], factor: impl Fn(&Modulus) -> u64) -> Self {
        let others = |i: usize, m: &Modulus| {
            let terms = source.iter().enumerate().filter(|&(k, _)| k != i);
            terms.fold(1, |product, (_, a)| m.mul(product, m.reduce(a.value())))
        };
        let digits =
            source.iter().enumerate().map(|(i, a)| a.mul(a.inverse(others(i, a)), factor(a))).collect();
        let halves: Vec<u64> = source.iter().map(|a| a.value() / 2).collect();
        let weights: Vec<Vec<u64>> =
            target.iter().map(|m| (0..source.len()).map(|i| others(i, m)).collect()).collect();
        let offsets = target.iter().zip(&weights).map(|(m, row)| {
            let sum = row.iter().zip(&halves).fold(0, |sum, (&w, &h)| m.add(sum, m.mul(w, m.reduce(h))));
            m.neg(sum)
        });
        let offsets = offsets.collect();
        let inverses = target.iter().map(|m| m.constant(m.inverse(others(usize::MAX, m)))).collect();
        Self { digits, halves, weights, offsets, inverses }
    }

    /// The constant by which residues of source prime i are multiplied to become digits.
    pub fn digit(&self, i: usize) -> u64 {
        self.digits[i]
    }

    /// What is added to digit i, modulo its prime, before the conversion.
    pub fn half(&self, i: usize) -> u64 {
        self.halves[i]
    }

    /// Weights and offset of target prime j.
    pub fn target(&self, j: usize) -> (&[u64], u64) {
        (&self.weights[j], self.offsets[j])
    }

    /// 1 / A modulo target prime j.
    pub fn inverse(&self, j: usize) -> Constant {
        self.inverses[j]
    }
}

/// A precomputed division by special primes P' and by the last primes R of a chain, in one pass.
///
/// The remainder of x modulo P' R is r_P + P' r_R: r_P is the approximate centred remainder modulo P', r_R the centred
/// remainder of (x - r_P) / P' modulo R. An error in r_P is a multiple of P' and so shrinks by R: for a single prime R the
/// quotient is rounded exactly but for a part in R.
#[derive(Debug)]
pub(crate) struct Division {
    /// From P' to the primes kept, then to those of R.
    pub special: Conversion,
    /// From R to the primes kept.
    pub main: Conversion,
    /// For each prime kept: the weights of the digits of P', then of R.
    weights: Vec<Vec<u64>>,
    offsets: Vec<u64>,
    inverses: Vec<Constant>,
}

impl Division {
    /// The primes kept and dropped of the chain, and the special primes, all dropped.
    pub fn new(kept: &[&Modulus], dropped: &[&Modulus], special_dropped: &[&Modulus]) -> Self {
        let targets: Vec<&Modulus> = [kept, dropped].concat();
        let special = Conversion::new(special_dropped, &targets, |_| 1);
        let main = Conversion::new(dropped, kept, |_| 1);
        let product =
            |m: &Modulus| special_dropped.iter().fold(1, |product, p| m.mul(product, m.reduce(p.value())));
        let weights = kept.iter().enumerate().map(|(i, m)| {
            let scaled = main.weights[i].iter().map(|&w| m.mul(w, product(m)));
            special.weights[i].iter().copied().chain(scaled).collect()
        });
        let weights = weights.collect();
        let offset =
            |(i, m): (usize, &&Modulus)| m.add(special.offsets[i], m.mul(main.offsets[i], product(m)));
        let offsets = kept.iter().enumerate().map(offset).collect();
        let inverse =
            |(i, m): (usize, &&Modulus)| m.constant(m.mul(special.inverses[i].value, main.inverses[i].value));
        let inverses = kept.iter().enumerate().map(inverse).collect();
        Self { special, main, weights, offsets, inverses }
    }

    /// Primes of the chain that stay.
    pub fn kept(&self) -> usize {
        self.inverses.len()
    }

    pub fn target(&self, j: usize) -> (&[u64], u64) {
        (&self.weights[j], self.offsets[j])
    }

    pub fn inverse(&self, j: usize) -> Constant {
        self.inverses[j]
    }
}

//! Exact division by primes: ModDown, rescale, and both in one pass.

use std::ops::Range;

use crate::convert::{Division, Target};
use crate::modulus::Modulus;
use crate::par;
use crate::poly::{Basis, Coeff, Eval, Poly};
use crate::ring::{Ring, group, source_row};

/// Columns that are made at a time by `Ring::divide_made`: those of both rows stay in the first caches.
pub const MADE: usize = 2048;

/// A row of each of two polynomials.
type RowPair<'a> = [&'a mut [u64]; 2];

/// A row of digits in the making: of which polynomial, which of the dropped primes, and the row itself.
type DigitRow<'a> = (usize, usize, &'a mut [u64]);

impl Ring {
    /// round(a / D) for each a, with D the product of the primes that are not in `to`, in the evaluation domain.
    ///
    /// All are in one basis, and `to` is among its rows, without special primes. Error per coefficient: at most 1/2 when one
    /// prime of the chain is dropped, with or without special primes; (d + 1) / 2 when d primes of one kind are dropped.
    /// Cost for each: one inverse transform for each prime dropped, one transform for each prime kept.
    pub fn divide<const K: usize>(&self, a: [&Poly<Eval>; K], to: Basis) -> [Poly<Eval>; K] {
        self.divide_then(a, to, |_, _, _| ())
    }

    /// `divide`, and what follows done to each row of each quotient while it is near: `then(k, i, row)` for row i of quotient k.
    pub fn divide_then<const K: usize>(
        &self,
        a: [&Poly<Eval>; K],
        to: Basis,
        then: impl Fn(usize, usize, &mut [u64]) + Send + Sync,
    ) -> [Poly<Eval>; K] {
        let Some(from) = a.first().map(|a| a.basis()) else { return a.map(|_| self.blank(to)) };
        debug_assert!(to.special == 0, "a quotient has no special primes");
        debug_assert!(a.iter().all(|a| a.basis() == from), "quotients of one call share a basis");
        let division = self.division(from, to);
        let digits = self.dropped_digits(a, from, to, &division);
        let digits: Vec<Vec<&[u64]>> = digits.iter().map(|digits| digits.rows().collect()).collect();
        let mut results = a.map(|_| self.blank(to));
        let mut rows: Vec<Vec<_>> =
            results.iter_mut().map(|result| result.rows_mut().enumerate().collect()).collect();
        let size = group(K * to.rows());
        let tasks = rows
            .iter_mut()
            .enumerate()
            .flat_map(|(k, rows)| rows.chunks_mut(size).map(move |rows| (k, rows)));
        par::each(tasks.collect(), |(k, rows)| {
            let targets = rows.iter_mut().map(|(i, row)| {
                let (weights, offset) = division.target(*i);
                Target { row, weights, offset, modulus: self.modulus(to, *i) }
            });
            self.convert(&digits[k], &mut targets.collect::<Vec<_>>());
            for (i, row) in rows {
                let (modulus, table) = (self.modulus(to, *i), self.table(to, *i));
                (self.kernels().ntt)(row, table);
                (self.kernels().sub_mul)(
                    row,
                    a[k].row(source_row(from, to, *i)),
                    division.inverse(*i),
                    modulus,
                );
                then(k, *i, row);
            }
        });
        results
    }

    /// The rows of each `a` outside `to` as centred digits in the coefficient domain: special primes first, then those of the
    /// chain, from which the remainder modulo the special primes has been taken away.
    fn dropped_digits<const K: usize>(
        &self,
        a: [&Poly<Eval>; K],
        from: Basis,
        to: Basis,
        division: &Division,
    ) -> [Poly<Coeff>; K] {
        let (special, main) = (from.special, from.main - to.main);
        let mut digits = a.map(|_| self.blank(Basis::main(special + main)));
        let (mut firsts, mut lasts): (Vec<DigitRow>, Vec<DigitRow>) = digits
            .iter_mut()
            .enumerate()
            .flat_map(|(k, digits)| digits.rows_mut().enumerate().map(move |(i, row)| (k, i, row)))
            .partition(|(_, i, _)| *i < special);
        par::each(firsts.iter_mut().collect(), |(k, i, row)| {
            let special = from.main + *i;
            self.to_digits(row, Some(a[*k].row(special)), self.table(from, special), &division.special, *i);
        });
        let firsts: Vec<Vec<&[u64]>> = (0..K)
            .map(|k| firsts.iter().filter(|(of, ..)| *of == k).map(|(.., row)| &**row).collect())
            .collect();
        par::each(lasts.iter_mut().collect(), |(k, i, row)| {
            let j = *i - special;
            let values = a[*k].row(to.main + j);
            if special == 0 {
                self.to_digits(row, Some(values), self.table(from, to.main + j), &division.main, j);
            } else {
                let table = self.table(from, to.main + j);
                let mut remainder: Poly<Coeff> = self.blank(Basis::main(1));
                let coefficients = remainder.row_mut(0);
                (self.kernels().digits)(coefficients, Some(values), table, table.inverse_degree(), 0);
                self.main_digit(row, coefficients, table.modulus(), j, &firsts[*k], division);
            }
        });
        digits
    }

    /// A row of coefficients modulo dropped prime j of the chain to a row of centred digits of (x - r) / P', r the remainder
    /// modulo P' that the special digits stand for.
    fn main_digit(
        &self,
        row: &mut [u64],
        coefficients: &[u64],
        modulus: &Modulus,
        j: usize,
        special: &[&[u64]],
        division: &Division,
    ) {
        let (weights, offset) = division.special.target(division.kept() + j);
        (self.kernels().combine)(row, special, weights, offset, modulus);
        let inverse = division.special.inverse(division.kept() + j).value;
        let scale = modulus.mul(inverse, division.main.digit(j));
        (self.kernels().sub_mul)(row, coefficients, modulus.constant(scale), modulus);
        (self.kernels().add_constant)(row, division.main.half(j), modulus);
    }

    /// `divide` of a pair that is never written: `near(rows)` prepares a few rows, and `make(&prepared, i, columns, words)`
    /// makes some columns of row i of both.
    ///
    /// Cost: as `divide`; each row is made once, and used where it was made.
    pub fn divide_made<S>(
        &self,
        from: Basis,
        to: Basis,
        near: impl Fn(Range<usize>) -> S + Send + Sync,
        make: impl Fn(&S, usize, Range<usize>, [&mut [u64]; 2]) + Send + Sync,
    ) -> [Poly<Eval>; 2] {
        let division = self.division(from, to);
        let digits = self.made_digits(from, to, &division, &near, &make);
        let digits = [0, 1].map(|k: usize| digits.iter().flat_map(|part| part[k].rows()).collect::<Vec<_>>());
        let mut results = [self.blank(to), self.blank(to)];
        par::each(pairs(&mut results, 0), |(targets, mut pairs)| {
            let prepared = near(targets.clone());
            for (k, digits) in digits.iter().enumerate() {
                let rows = targets.clone().zip(pairs.iter_mut().map(|pair| &mut *pair[k]));
                let rows = rows.map(|(i, row)| {
                    let (weights, offset) = division.target(i);
                    Target { row, weights, offset, modulus: self.modulus(to, i) }
                });
                self.convert(digits, &mut rows.collect::<Vec<_>>());
                for (i, pair) in targets.clone().zip(pairs.iter_mut()) {
                    (self.kernels().ntt)(pair[k], self.table(to, i));
                }
            }
            let mut words = [[0; MADE]; 2];
            for (i, [first, second]) in targets.zip(pairs) {
                let (modulus, inverse) = (self.modulus(to, i), division.inverse(i));
                let parts = first.chunks_mut(MADE).zip(second.chunks_mut(MADE));
                for (at, (first, second)) in (0..).step_by(MADE).zip(parts) {
                    let [made0, made1] = words.each_mut().map(|words| &mut words[..first.len()]);
                    make(&prepared, i, at..at + first.len(), [&mut *made0, &mut *made1]);
                    (self.kernels().sub_mul)(first, made0, inverse, modulus);
                    (self.kernels().sub_mul)(second, made1, inverse, modulus);
                }
            }
        });
        results
    }

    /// The rows to be dropped of such a pair, as `dropped_digits` has them: the special ones of both, then those of the chain.
    fn made_digits<S>(
        &self,
        from: Basis,
        to: Basis,
        division: &Division,
        near: &(impl Fn(Range<usize>) -> S + Send + Sync),
        make: &(impl Fn(&S, usize, Range<usize>, [&mut [u64]; 2]) + Send + Sync),
    ) -> [[Poly<Coeff>; 2]; 2] {
        let [special, main] = [from.special, from.main - to.main].map(Basis::main);
        let mut firsts = [self.blank(special), self.blank(special)];
        let whole = |prepared: &S, i: usize, [first, second]: [&mut [u64]; 2]| {
            let parts = first.chunks_mut(MADE).zip(second.chunks_mut(MADE));
            for (at, (first, second)) in (0..).step_by(MADE).zip(parts) {
                make(prepared, i, at..at + first.len(), [first, second]);
            }
        };
        par::each(pairs(&mut firsts, from.main), |(targets, pairs)| {
            let prepared = near(targets.clone());
            for (i, [first, second]) in targets.zip(pairs) {
                whole(&prepared, i, [&mut *first, &mut *second]);
                for row in [first, second] {
                    self.to_digits(row, None, self.table(from, i), &division.special, i - from.main);
                }
            }
        });
        let special = [0, 1].map(|k: usize| firsts[k].rows().collect::<Vec<_>>());
        let mut lasts = [self.blank(main), self.blank(main)];
        par::each(pairs(&mut lasts, to.main), |(targets, pairs)| {
            let prepared = near(targets.clone());
            let mut scratch: Poly<Coeff> = self.blank(Basis::main(2));
            for (i, rows) in targets.zip(pairs) {
                let mut scratch = scratch.rows_mut();
                let (Some(first), Some(second)) = (scratch.next(), scratch.next()) else { continue };
                let table = self.table(from, i);
                whole(&prepared, i, [&mut *first, &mut *second]);
                for ((row, coefficients), special) in rows.into_iter().zip([first, second]).zip(&special) {
                    (self.kernels().intt)(coefficients, table, table.inverse_degree());
                    self.main_digit(row, coefficients, table.modulus(), i - to.main, special, division);
                }
            }
        });
        drop(special);
        [firsts, lasts]
    }
}

/// Both rows of a pair of polynomials, a few at a time: the numbers of the rows, the first of which is given, and the rows.
fn pairs<D>(polys: &mut [Poly<D>; 2], first: usize) -> Vec<(Range<usize>, Vec<RowPair<'_>>)> {
    let [left, right] = polys;
    let count = left.basis().rows();
    let size = group(count);
    let mut rows = left.rows_mut().zip(right.rows_mut()).map(|(left, right)| [left, right]);
    let groups = (0..count).step_by(size).map(|at| at..(at + size).min(count));
    groups
        .map(|group| (first + group.start..first + group.end, rows.by_ref().take(group.len()).collect()))
        .collect()
}

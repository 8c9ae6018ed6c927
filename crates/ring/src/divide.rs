//! Exact division by primes: ModDown, rescale, and both in one pass.

use crate::convert::Division;
use crate::par;
use crate::poly::{Basis, Coeff, Eval, Poly};
use crate::ring::{Ring, Target, group, source_row};

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
            row.copy_from_slice(a[*k].row(from.main + *i));
            self.to_digits(row, self.table(from, from.main + *i), &division.special, *i);
        });
        let firsts: Vec<Vec<&[u64]>> = (0..K)
            .map(|k| firsts.iter().filter(|(of, ..)| *of == k).map(|(.., row)| &**row).collect())
            .collect();
        par::each(lasts.iter_mut().collect(), |(k, i, row)| {
            let j = *i - special;
            row.copy_from_slice(a[*k].row(to.main + j));
            if special == 0 {
                self.to_digits(row, self.table(from, to.main + j), &division.main, j);
            } else {
                self.main_digit(row, from, to.main + j, j, &firsts[*k], division);
            }
        });
        digits
    }

    /// A row of values of dropped prime j of the chain becomes a row of centred digits of (x - r) / P', r the remainder modulo
    /// P' that the special digits stand for.
    fn main_digit(
        &self,
        row: &mut [u64],
        from: Basis,
        i: usize,
        j: usize,
        special: &[&[u64]],
        division: &Division,
    ) {
        let table = self.table(from, i);
        let modulus = table.modulus();
        let (weights, offset) = division.special.target(i);
        let mut remainder: Poly<Coeff> = self.blank(Basis::main(1));
        (self.kernels().intt)(row, table, table.inverse_degree());
        (self.kernels().combine)(remainder.row_mut(0), special, weights, offset, modulus);
        let scale = modulus.mul(division.special.inverse(i).value, division.main.digit(j));
        (self.kernels().sub_mul)(remainder.row_mut(0), row, modulus.constant(scale), modulus);
        row.copy_from_slice(remainder.row(0));
        (self.kernels().add_constant)(row, division.main.half(j), modulus);
    }
}

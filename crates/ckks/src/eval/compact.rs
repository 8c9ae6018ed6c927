//! Encoded diagonals that repeat, and their sums with baby steps.
//!
//! A vector of period F is a polynomial in X^(N/2F), whose values are runs of N/2F equal words: only one word of each run is
//! kept.

use arras_ring::{Basis, Block, Eval, Modulus, Poly, Row, par};
use arras_rlwe::{Hoisted, Level, Purpose, Raised};

use super::rotate::galois;
use super::{Evaluator, Op};
use crate::encode::Complex;
use crate::error::Error;
use crate::params::Params;

/// Words of a row that are worked on at once: they and what they meet stay in the second-level cache.
const NEAR: usize = 2048;

/// A row, or a part of one, of both halves of a pair of polynomials.
type Pair<'a> = (&'a mut [u64], &'a mut [u64]);

/// Index of a baby step, and the diagonal that meets it.
pub(crate) type Term = (usize, Runs);

/// The values of a diagonal modulo each prime, one word for each run of equal ones.
#[derive(Debug)]
pub(crate) struct Runs {
    words: Block,
    count: usize,
}

impl Runs {
    /// A vector, which is one period of a longer one, encoded at a scale.
    pub fn new(params: &Params, values: &[Complex], scale: f64, basis: Basis) -> Self {
        let poly = params.encode_runs(values, scale, basis);
        let (rows, count) = (basis.rows(), 2 * values.len());
        let mut words = params.ring().pool().lend(rows * count);
        for (kept, row) in words.chunks_exact_mut(count).zip(poly.rows()) {
            let one_of_each = row.iter().step_by(row.len() / count);
            kept.iter_mut().zip(one_of_each).for_each(|(kept, &value)| *kept = value);
        }
        Self { words, count }
    }

    /// Bytes of what is kept.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.words)
    }

    /// The words of row i from a column on.
    fn expand<'a>(&'a self, i: usize, n: usize, start: usize, near: &'a mut [u64]) -> &'a [u64] {
        let row = &self.words[i * self.count..(i + 1) * self.count];
        let run = n / self.count;
        if run == 1 {
            return &row[start..start + near.len()];
        }
        let first = start / run;
        if run >= near.len() {
            near.fill(row[first]);
        } else {
            near.chunks_exact_mut(run).zip(&row[first..]).for_each(|(chunk, &value)| chunk.fill(value));
        }
        near
    }
}

impl Evaluator {
    /// P' times the rotations of a pair at a level, modulo Q P': one decomposition for all.
    pub(crate) fn raised_rotations(
        &self,
        a: &[Poly<Eval>; 2],
        level: Level,
        by: &[usize],
    ) -> Result<Vec<Raised>, Error> {
        let (params, rlwe) = (self.params(), self.params().rlwe());
        let purpose = |by: usize| Purpose::Rotate(by as u32);
        let turning = || by.iter().copied().filter(|&by| by != 0);
        turning().try_for_each(|by| self.keys().check(purpose(by), level))?;
        let hoisted = turning().next().map(|_| Hoisted::new(rlwe, &a[1], level));
        let rotation = |&by: &usize| match &hoisted {
            Some(hoisted) if by != 0 => {
                let key = self.keys().key(purpose(by), level)?;
                self.count(Op::HoistedRotate, level, 1);
                Ok(hoisted.rotated(rlwe, key, &a[0], galois(purpose(by), params.degree())))
            }
            _ => {
                let mut raised = Raised::zero(rlwe, level);
                raised.add_scaled(rlwe, [Some(&a[0]), Some(&a[1])]);
                Ok(raised)
            }
        };
        by.iter().map(rotation).collect()
    }

    /// For each giant step, the sum of diagonals times baby steps: every baby step is read once.
    pub(crate) fn inner_sums(&self, babies: &[&Raised], giants: &[Vec<Term>], level: Level) -> Vec<Raised> {
        let (ring, n) = (self.params().ring(), self.params().degree());
        let basis = Raised::basis(self.params().rlwe(), level);
        let blank = || Raised { parts: [ring.blank(basis), ring.blank(basis)], level };
        let most = giants.iter().map(Vec::len).max().unwrap_or(0);
        let mut sums: Vec<Raised> = giants.iter().map(|_| blank()).collect();
        let mut rows: Vec<_> = sums
            .iter_mut()
            .map(|sum| {
                let [first, second] = &mut sum.parts;
                first.rows_mut().zip(second.rows_mut())
            })
            .collect();
        let tasks: Vec<(usize, Vec<_>)> =
            (0..basis.rows()).map(|i| (i, rows.iter_mut().filter_map(Iterator::next).collect())).collect();
        par::each(tasks, |(i, mut outs): (usize, Vec<Pair<'_>>)| {
            let modulus = ring.modulus(basis, i);
            let mut near = vec![0; most * NEAR];
            for start in (0..n).step_by(NEAR) {
                let columns = start..(start + NEAR).min(n);
                for ((out0, out1), terms) in outs.iter_mut().zip(giants) {
                    let outs = (&mut out0[columns.clone()], &mut out1[columns.clone()]);
                    self.inner_row(outs, &mut near, terms, babies, (i, start), modulus);
                }
            }
        });
        drop(rows);
        sums
    }

    /// Some columns of a row of one inner sum.
    fn inner_row(
        &self,
        (out0, out1): Pair<'_>,
        near: &mut [u64],
        terms: &[Term],
        babies: &[&Raised],
        (i, start): (usize, usize),
        modulus: &Modulus,
    ) {
        let n = self.params().degree();
        let width = out0.len();
        let places = near.chunks_exact_mut(width);
        let xs: Vec<&[u64]> =
            terms.iter().zip(places).map(|((_, runs), place)| runs.expand(i, n, start, place)).collect();
        let half = |k: usize| {
            let rows =
                terms.iter().map(|(b, _)| Row::Whole(&babies[*b].parts[k].row(i)[start..start + width]));
            rows.collect::<Vec<_>>()
        };
        (self.params().ring().kernels().dot)(out0, out1, &xs, &half(0), &half(1), modulus);
    }
}

//! A sparse matrix prepared for one level, and applied.
//!
//! Baby steps share one decomposition and stay modulo Q P' (Bossuat, Mouchet, Troncoso-Pastoriza and Hubaux 2021). Giant steps
//! follow Horner's rule, so that one key serves all of them. A diagonal of period F is a polynomial in X^(N/2F), whose values
//! are runs of N/2F equal words: only one word of each run is kept.

use arras_ring::{Block, Eval, Modulus, Poly, par};
use arras_rlwe::{Hoisted, KeyRequest, Level, Purpose, Raised};

use super::dft::Banded;
use crate::cipher::Raw;
use crate::encode::Complex;
use crate::error::Error;
use crate::eval::rotate::galois;
use crate::eval::{Evaluator, Op};
use crate::params::Params;

/// Words of a row that are worked on at once: they and what they meet stay in the second-level cache.
const NEAR: usize = 2048;

/// The rotations of a matrix whose diagonals lie at multiples of a stride: baby steps first, then giant steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Steps {
    slots: usize,
    pub babies: Vec<usize>,
    pub giant: usize,
    pub giants: usize,
}

impl Steps {
    /// For `log_size` merged stages in n slots, the shortest of length 2 stride; whether the longest has length n.
    ///
    /// With 2^k diagonals there are 2^((k + excess) / 2) baby steps: cheaper each, but each with a key of its own.
    pub fn new(slots: usize, stride: usize, log_size: u32, excess: u32) -> Self {
        let cyclic = stride << log_size == slots;
        let log_count = if cyclic { log_size } else { log_size + 1 };
        let babies = 1usize << ((log_count + excess) / 2).min(log_count);
        // Diagonals on both sides of the main one: the first baby step goes to the far right, the others back to the left.
        let start = if cyclic { 0 } else { slots - (stride << log_size) };
        let babies: Vec<usize> = (0..babies).map(|b| (start + b * stride) % slots).collect();
        let giants = (1 << log_count) / babies.len();
        Self { slots, giant: babies.len() * stride % slots, babies, giants }
    }

    /// The keys, at a level.
    pub fn request(&self, level: Level) -> KeyRequest {
        let giant = (self.giants > 1).then_some(self.giant);
        let rotations = self.babies.iter().copied().chain(giant).filter(|&by| by != 0);
        rotations.fold(KeyRequest::new(), |all, by| all.with(Purpose::Rotate(by as u32), level))
    }
}

/// A row, or a part of one, of both halves of a pair of polynomials.
type Pair<'a> = (&'a mut [u64], &'a mut [u64]);

/// A matrix prepared for one level.
#[derive(Debug)]
pub(crate) struct Map {
    level: Level,
    steps: Steps,
    /// For each giant step, baby steps and diagonals.
    terms: Vec<Vec<(usize, Runs)>>,
    /// By which the scale of a ciphertext changes.
    gain: f64,
}

/// The values of a diagonal modulo each prime, one word for each run of equal ones.
#[derive(Debug)]
struct Runs {
    words: Block,
    count: usize,
}

impl Runs {
    fn new(params: &Params, poly: &Poly<Eval>, period: usize) -> Self {
        let (rows, n) = (poly.basis().rows(), params.degree());
        let count = 2 * period;
        let mut words = params.ring().pool().lend(rows * count);
        for (kept, row) in words.chunks_exact_mut(count).zip(poly.rows()) {
            kept.iter_mut().zip(row.iter().step_by(n / count)).for_each(|(kept, &value)| *kept = value);
        }
        Self { words, count }
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

impl Map {
    /// Encodes a matrix for a level; the scale of what it meets is then multiplied by `gain`.
    ///
    /// Memory: 2F words for each diagonal of period F and each prime of the level and its special primes.
    pub fn new(params: &Params, matrix: &Banded, steps: Steps, level: Level, gain: f64) -> Self {
        let basis = Raised::basis(params.rlwe(), level);
        let (n, scale) = (steps.slots, gain * params.step(level));
        let encode = |g: usize, b: usize| -> Option<(usize, Runs)> {
            let back = g * steps.giant;
            let diagonal = matrix.diagonals.get(&((steps.babies[b] + back) % n))?;
            let at = |j: usize| diagonal[(j + n * steps.giants - back % n) % matrix.period];
            let values: Vec<Complex> = (0..matrix.period).map(at).collect();
            let poly = params.encode_scaled(&values, matrix.period, scale, basis);
            Some((b, Runs::new(params, &poly, matrix.period)))
        };
        let places: Vec<usize> = (0..steps.giants).collect();
        let giant = |g: usize| (0..steps.babies.len()).filter_map(|b| encode(g, b)).collect();
        let terms = par::map(places, giant);
        Self { level, steps, terms, gain }
    }

    /// By which the scale of a ciphertext changes.
    pub fn gain(&self) -> f64 {
        self.gain
    }

    /// Products by encoded vectors that it takes.
    fn products(&self) -> u64 {
        self.terms.iter().map(|terms| terms.len() as u64).sum()
    }
}

impl Evaluator {
    /// A matrix applied. Cost: one level.
    pub(crate) fn apply(&self, a: &Raw, map: &Map) -> Result<Raw, Error> {
        let wide = self.apply_wide(a, map)?;
        self.settle(&wide, a.scale * map.gain)
    }

    /// The division after a matrix: by P' and by the modulus of the level.
    pub(crate) fn settle(&self, wide: &Raised, scale: f64) -> Result<Raw, Error> {
        let below =
            wide.level.down(1).ok_or(Error::OutOfLevels { op: "a matrix", need: 1, have: wide.level })?;
        self.count(Op::Rescale, wide.level, 1);
        Ok(Raw { parts: wide.divide(self.params().rlwe(), below), level: below, scale })
    }

    /// A matrix applied, modulo Q P' and before the division.
    pub(crate) fn apply_wide(&self, a: &Raw, map: &Map) -> Result<Raised, Error> {
        if a.level != map.level {
            return Err(Error::ProductLevels { left: a.level, right: map.level });
        }
        let babies = self.raised_rotations(a, &map.steps.babies)?;
        let mut inner = self.inner_sums(&babies, map);
        drop(babies);
        self.count(Op::PlainProduct, map.level, map.products());
        let mut total = inner.pop().unwrap_or_else(|| Raised::zero(self.params().rlwe(), map.level));
        while let Some(next) = inner.pop() {
            total = self.turn(&total, Purpose::Rotate(map.steps.giant as u32))?;
            total.add_assign(self.params().rlwe(), &next);
        }
        Ok(total)
    }

    /// P' times the rotations of a, modulo Q P'.
    fn raised_rotations(&self, a: &Raw, by: &[usize]) -> Result<Vec<Raised>, Error> {
        let (params, rlwe) = (self.params(), self.params().rlwe());
        let hoisted = by.iter().any(|&by| by != 0).then(|| Hoisted::new(rlwe, &a.parts[1], a.level));
        let rotation = |&by: &usize| match &hoisted {
            Some(hoisted) if by != 0 => {
                let purpose = Purpose::Rotate(by as u32);
                let key = self.keys().key(purpose, a.level)?;
                self.count(Op::HoistedRotate, a.level, 1);
                Ok(hoisted.rotated(rlwe, key, &a.parts[0], galois(purpose, params.degree())))
            }
            _ => {
                let mut raised = Raised::zero(rlwe, a.level);
                raised.add_scaled(rlwe, [Some(&a.parts[0]), Some(&a.parts[1])]);
                Ok(raised)
            }
        };
        by.iter().map(rotation).collect()
    }

    /// For each giant step, the sum of diagonals times baby steps: every baby step is read once.
    fn inner_sums(&self, babies: &[Raised], map: &Map) -> Vec<Raised> {
        let (ring, n) = (self.params().ring(), self.params().degree());
        let basis = Raised::basis(self.params().rlwe(), map.level);
        let blank = || Raised { parts: [ring.blank(basis), ring.blank(basis)], level: map.level };
        let most = map.terms.iter().map(Vec::len).max().unwrap_or(0);
        let mut sums: Vec<Raised> = map.terms.iter().map(|_| blank()).collect();
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
                for ((out0, out1), terms) in outs.iter_mut().zip(&map.terms) {
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
        terms: &[(usize, Runs)],
        babies: &[Raised],
        (i, start): (usize, usize),
        modulus: &Modulus,
    ) {
        let n = self.params().degree();
        let width = out0.len();
        let places = near.chunks_exact_mut(width);
        let xs: Vec<&[u64]> =
            terms.iter().zip(places).map(|((_, runs), place)| runs.expand(i, n, start, place)).collect();
        let half = |k: usize| {
            let rows = terms.iter().map(|(b, _)| &babies[*b].parts[k].row(i)[start..start + width]);
            rows.collect::<Vec<_>>()
        };
        (self.params().ring().kernels().dot)(out0, out1, &xs, &half(0), &half(1), modulus);
    }
}

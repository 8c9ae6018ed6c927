//! A sparse matrix prepared for one level, and applied.
//!
//! Baby steps share one decomposition and stay modulo Q P' (Bossuat, Mouchet, Troncoso-Pastoriza and Hubaux 2021). Giant steps
//! follow Horner's rule, so that one key serves all of them.

use arras_ring::par;
use arras_rlwe::{KeyRequest, Level, Purpose, Raised};

use super::dft::Banded;
use crate::cipher::Raw;
use crate::encode::Complex;
use crate::error::Error;
use crate::eval::compact::{Runs, Term};
use crate::eval::{Evaluator, Op};
use crate::params::Params;

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

    /// Diagonals of the matrix: a power of two if it is cyclic, and else one less.
    pub fn diagonals(&self) -> u64 {
        let cyclic = self.babies.first() == Some(&0);
        (self.babies.len() * self.giants) as u64 - u64::from(!cyclic)
    }

    /// The keys, at a level.
    pub fn request(&self, level: Level) -> KeyRequest {
        let giant = (self.giants > 1).then_some(self.giant);
        let rotations = self.babies.iter().copied().chain(giant).filter(|&by| by != 0);
        rotations.fold(KeyRequest::new(), |all, by| all.with(Purpose::Rotate(by as u32), level))
    }
}

/// A matrix prepared for one level.
#[derive(Debug)]
pub(crate) struct Map {
    level: Level,
    steps: Steps,
    /// For each giant step, baby steps and diagonals.
    terms: Vec<Vec<Term>>,
    /// By which the scale of a ciphertext changes.
    gain: f64,
}

impl Map {
    /// Encodes a matrix for a level; the scale of what it meets is then multiplied by `gain`.
    ///
    /// Memory: 2F words for each diagonal of period F and each prime of the level and its special primes.
    pub fn new(params: &Params, matrix: &Banded, steps: Steps, level: Level, gain: f64) -> Self {
        let basis = Raised::basis(params.rlwe(), level);
        let (n, scale) = (steps.slots, gain * params.step(level));
        let encode = |g: usize, b: usize| -> Option<Term> {
            let back = g * steps.giant;
            let diagonal = matrix.diagonals.get(&((steps.babies[b] + back) % n))?;
            let at = |j: usize| diagonal[(j + n * steps.giants - back % n) % matrix.period];
            let values: Vec<Complex> = (0..matrix.period).map(at).collect();
            Some((b, Runs::new(params, &values, scale, basis)))
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
        let babies = self.raised_rotations(&a.parts, a.level, &map.steps.babies)?;
        let mut inner = self.inner_sums(&babies.iter().collect::<Vec<_>>(), &map.terms, map.level);
        drop(babies);
        self.count(Op::PlainProduct, map.level, map.products());
        let mut total = inner.pop().unwrap_or_else(|| Raised::zero(self.params().rlwe(), map.level));
        while let Some(next) = inner.pop() {
            total = self.turn(&total, Purpose::Rotate(map.steps.giant as u32))?;
            total.add_assign(self.params().rlwe(), &next);
        }
        Ok(total)
    }
}

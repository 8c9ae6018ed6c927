//! Linear maps on slots by double-hoisted baby steps and giant steps (Bossuat, Mouchet, Troncoso-Pastoriza and Hubaux 2021).
//!
//! Giant steps follow Horner's rule: each turns the sum of those above it by the difference to the next, so that maps whose giant
//! steps are evenly spaced need one key for all of them.

use arras_ring::par;
use arras_rlwe::{Level, ParamsId, Purpose, Raised, switch};

use super::compact::{Runs, Term};
use super::rotate::galois;
use super::{Evaluator, Op};
use crate::cipher::Ciphertext;
use crate::encode::Complex;
use crate::error::Error;
use crate::params::Params;

/// A linear map prepared for one level: sum over g of rotate(sum over b of diagonal_(g,b) * rotate(x, b), g).
#[derive(Debug)]
pub struct Diagonals {
    id: ParamsId,
    level: Level,
    slots: usize,
    babies: Vec<usize>,
    /// The rotations of the giant steps, increasing.
    giants: Vec<usize>,
    /// For each giant step, what is summed before it.
    terms: Vec<Vec<Term>>,
}

/// A giant step before it is encoded.
#[derive(Clone, Debug, PartialEq)]
pub struct Giant<'a> {
    /// The rotation after the inner sum.
    pub rotation: usize,
    /// Index into the baby steps, and the diagonal, already rotated back by `rotation`: one period of it.
    pub terms: Vec<(usize, &'a [f64])>,
}

impl Diagonals {
    /// Encodes the diagonals for a level; giant steps come by increasing rotation, below `slots`.
    ///
    /// Memory: 2F words for each diagonal of period F and each prime of the level and its special primes.
    ///
    /// # Errors
    /// No level left, an index outside the baby steps, giant steps out of order, or as encoding.
    pub fn new(
        params: &Params,
        babies: &[usize],
        giants: &[Giant<'_>],
        slots: usize,
        level: Level,
    ) -> Result<Self, Error> {
        params.check_level(level)?;
        params.check_slots(slots)?;
        let basis = Raised::basis(params.rlwe(), level);
        let term = |&(baby, diagonal): &(usize, &[f64])| -> Result<Term, Error> {
            if baby >= babies.len() {
                let most = babies.len().saturating_sub(1) as u64;
                return Err(Error::Range { what: "a baby step index", value: baby as u64, least: 0, most });
            }
            let values: Vec<Complex> = diagonal.iter().map(|&x| x.into()).collect();
            let period = values.len();
            if period > slots {
                return Err(Error::TooManyValues { values: period, slots });
            }
            params.check_slots(period)?;
            params.check_values(&values, level)?;
            Ok((baby, Runs::new(params, &values, params.scale(level), basis)))
        };
        let mut least = 0;
        for giant in giants {
            let (value, most) = (giant.rotation as u64, slots as u64 - 1);
            if !(least..=most).contains(&value) {
                return Err(Error::Range { what: "a giant step", value, least, most });
            }
            least = value + 1;
        }
        let encode = |giant: &Giant<'_>| giant.terms.iter().map(term).collect::<Result<Vec<_>, Error>>();
        let terms = par::map(giants.iter().collect(), encode).into_iter().collect::<Result<_, _>>()?;
        let babies = babies.iter().map(|&by| by % slots).collect();
        let giants = giants.iter().map(|giant| giant.rotation).collect();
        Ok(Self { id: params.id(), level, slots, babies, giants, terms })
    }

    /// The level at which it applies.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Bytes of its encoded diagonals.
    pub fn bytes(&self) -> usize {
        self.terms.iter().flatten().map(|(_, runs)| runs.bytes()).sum()
    }
}

impl Evaluator {
    /// The map applied to a. Cost: one level; one decomposition for all baby steps, one key switch for each giant step, one
    /// division in all.
    ///
    /// # Errors
    /// No level left, a map for another level, other slots or other parameters, or no key for one of its steps.
    pub fn linear(&self, a: &Ciphertext, map: &Diagonals) -> Result<Ciphertext, Error> {
        let mut made = self.linear_all(a, &[map])?;
        made.pop().ok_or(Error::Range { what: "a number of maps", value: 0, least: 1, most: 1 })
    }

    /// Several maps applied to a. Cost: as each alone, but for the decomposition and the baby steps, which they share.
    ///
    /// # Errors
    /// As `linear`.
    pub fn linear_all(&self, a: &Ciphertext, maps: &[&Diagonals]) -> Result<Vec<Ciphertext>, Error> {
        self.check(a)?;
        let below = self.need("a linear map", 1, a.level())?;
        for map in maps {
            self.params.check_id("linear map", map.id)?;
            if a.slots != map.slots {
                return Err(Error::SlotMismatch { left: a.slots, right: map.slots });
            }
            if a.level() != map.level {
                return Err(Error::ProductLevels { left: a.level(), right: map.level });
            }
        }
        let mut all: Vec<usize> = maps.iter().flat_map(|map| map.babies.iter().copied()).collect();
        all.sort_unstable();
        all.dedup();
        let babies = self.raised_rotations(&a.inner.parts, a.level(), &all)?;
        let finish = |map: &&Diagonals| {
            let own: Vec<&Raised> =
                map.babies.iter().filter_map(|by| babies.get(all.binary_search(by).ok()?)).collect();
            let total = self.sum_of_giants(&own, map)?;
            self.count(Op::Rescale, a.level(), 1);
            Ok(self.wrap(total.divide(self.params.rlwe(), below), below, a.slots))
        };
        maps.iter().map(finish).collect()
    }

    /// The map of baby steps, modulo Q P'.
    fn sum_of_giants(&self, babies: &[&Raised], map: &Diagonals) -> Result<Raised, Error> {
        let products: usize = map.terms.iter().map(Vec::len).sum();
        self.count(Op::PlainProduct, map.level, products as u64);
        let mut total: Option<(usize, Raised)> = None;
        for (&rotation, inner) in map.giants.iter().zip(self.inner_sums(babies, &map.terms, map.level)).rev()
        {
            let sum = match total {
                Some((above, sum)) => {
                    let mut sum = self.turn(&sum, Purpose::Rotate((above - rotation) as u32))?;
                    sum.add_assign(self.params.rlwe(), &inner);
                    sum
                }
                None => inner,
            };
            total = Some((rotation, sum));
        }
        match total {
            Some((0, sum)) => Ok(sum),
            Some((last, sum)) => self.turn(&sum, Purpose::Rotate(last as u32)),
            None => Ok(Raised::zero(self.params.rlwe(), map.level)),
        }
    }

    /// a * b, and then for each rotation in turn the sum of that and of its rotation: an inner product. Cost: one level, one
    /// relinearisation, one key switch for each rotation, one division in all.
    ///
    /// # Errors
    /// No level left, operands that do not fit, or no key.
    ///
    /// Error: one rounding, however many terms: what the key switches add is divided by the modulus of the level.
    pub fn mul_fold(&self, a: &Ciphertext, b: &Ciphertext, rotations: &[i64]) -> Result<Ciphertext, Error> {
        if rotations.is_empty() {
            return self.mul(a, b);
        }
        let (rlwe, tensor) = (self.params.rlwe(), self.mul_lazy(a, b)?);
        let [d0, d1, d2] = &tensor.parts;
        let key = self.keys.key(Purpose::Relinearise, tensor.level)?;
        let mut raised = switch(rlwe, d2, tensor.level, key);
        self.count(Op::Relinearise, tensor.level, 1);
        raised.add_scaled(rlwe, [Some(d0), Some(d1)]);
        self.folded(raised, rotations, tensor.slots)
    }

    /// a * v, the complex vector v repeated to fill the slots, and then as `mul_fold`. Cost: as that, without the relinearisation.
    ///
    /// # Errors
    /// As `mul_fold`, or as encoding.
    ///
    /// Error: as `mul_fold`.
    pub fn fold(&self, a: &Ciphertext, v: &[Complex], rotations: &[i64]) -> Result<Ciphertext, Error> {
        if rotations.is_empty() {
            return self.mul_repeated(a, v);
        }
        let product = self.mul_plain_lazy(a, &self.repeated(a, v)?)?;
        let mut raised = Raised::zero(self.params.rlwe(), product.level);
        raised.add_scaled(self.params.rlwe(), [Some(&product.parts[0]), Some(&product.parts[1])]);
        self.folded(raised, rotations, product.slots)
    }

    /// Sums with rotations before the division.
    fn folded(&self, mut sum: Raised, rotations: &[i64], slots: usize) -> Result<Ciphertext, Error> {
        let below = self.need("a rescale", 1, sum.level)?;
        for by in rotations.iter().map(|by| by.rem_euclid(slots as i64) as u32) {
            let turned = (by != 0).then(|| self.turn(&sum, Purpose::Rotate(by))).transpose()?;
            match turned {
                Some(turned) => sum.add_assign(self.params.rlwe(), &turned),
                None => {
                    let parts = [0, 1].map(|k| self.params.ring().add(&sum.parts[k], &sum.parts[k]));
                    sum = Raised { parts, ..sum };
                }
            }
        }
        self.count(Op::Rescale, sum.level, 1);
        Ok(self.wrap(sum.divide(self.params.rlwe(), below), below, slots))
    }

    /// Rotates or conjugates without leaving Q P': only the second half is divided, to be decomposed again.
    pub(crate) fn turn(&self, inner: &Raised, purpose: Purpose) -> Result<Raised, Error> {
        let (rlwe, level) = (self.params.rlwe(), inner.level);
        let key = self.keys.key(purpose, level)?;
        let second = inner.divide_part(rlwe, 1, level);
        let mut raised = switch(rlwe, &second, level, key);
        self.params.ring().add_assign(&mut raised.parts[0], &inner.parts[0]);
        self.count(Op::Rotate, level, 1);
        Ok(raised.automorphism(rlwe, galois(purpose, self.params.degree())))
    }
}

//! Linear maps on slots by double-hoisted baby steps and giant steps (Bossuat, Mouchet, Troncoso-Pastoriza and Hubaux 2021).

use arras_ring::{Eval, Poly};
use arras_rlwe::{Hoisted, Level, ParamsId, Purpose, Raised, switch};

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
    babies: Vec<u32>,
    giants: Vec<(u32, Vec<Term>)>,
}

/// Index into the baby steps, and the encoded diagonal.
type Term = (usize, Poly<Eval>);

/// A giant step before it is encoded.
#[derive(Clone, Debug, PartialEq)]
pub struct Giant<'a> {
    /// The rotation after the inner sum.
    pub rotation: usize,
    /// Index into the baby steps, and the diagonal, already rotated back by `rotation`.
    pub terms: Vec<(usize, &'a [f64])>,
}

impl Diagonals {
    /// Encodes the diagonals for a level.
    ///
    /// Memory: one polynomial modulo Q P' for each diagonal.
    ///
    /// # Errors
    /// No level left, an index outside the baby steps, or as encoding.
    pub fn new(
        params: &Params,
        babies: &[usize],
        giants: &[Giant<'_>],
        slots: usize,
        level: Level,
    ) -> Result<Self, Error> {
        params.check_level(level)?;
        params.check_slots(slots)?;
        let basis = arras_rlwe::Raised::basis(params.rlwe(), level);
        let term = |&(baby, diagonal): &(usize, &[f64])| -> Result<Term, Error> {
            if baby >= babies.len() {
                let most = babies.len().saturating_sub(1) as u64;
                return Err(Error::Range { what: "a baby step index", value: baby as u64, least: 0, most });
            }
            let values: Vec<Complex> = diagonal.iter().map(|&x| x.into()).collect();
            Ok((baby, params.encode_in(&values, slots, level, basis)?))
        };
        let giants = giants.iter().map(|giant| {
            let terms = giant.terms.iter().map(term).collect::<Result<_, Error>>()?;
            Ok(((giant.rotation % slots) as u32, terms))
        });
        let giants = giants.collect::<Result<_, Error>>()?;
        let babies = babies.iter().map(|&by| (by % slots) as u32).collect();
        Ok(Self { id: params.id(), level, slots, babies, giants })
    }

    /// The level at which it applies.
    pub fn level(&self) -> Level {
        self.level
    }
}

impl Evaluator {
    /// The map applied to a. Cost: one level; one decomposition for all baby steps, one key switch for each giant step, one
    /// division in all.
    ///
    /// # Errors
    /// No level left, a map for another level, other slots or other parameters, or no key for one of its steps.
    pub fn linear(&self, a: &Ciphertext, map: &Diagonals) -> Result<Ciphertext, Error> {
        self.check(a)?;
        self.params.check_id("linear map", map.id)?;
        let below = self.need("a linear map", 1, a.level())?;
        if a.slots != map.slots {
            return Err(Error::SlotMismatch { left: a.slots, right: map.slots });
        }
        if a.level() != map.level {
            return Err(Error::ProductLevels { left: a.level(), right: map.level });
        }
        let babies = self.baby_steps(a, map)?;
        let mut total: Option<Raised> = None;
        for (rotation, terms) in &map.giants {
            let inner = self.inner_sum_of_diagonals(&babies, terms, map.level);
            let outer = if *rotation == 0 { inner } else { self.turn(&inner, Purpose::Rotate(*rotation))? };
            match &mut total {
                Some(total) => total.add_assign(self.params.rlwe(), &outer),
                None => total = Some(outer),
            }
        }
        let total = total.unwrap_or_else(|| Raised::zero(self.params.rlwe(), a.level()));
        self.count(Op::Rescale, a.level(), 1);
        Ok(self.wrap(total.divide(self.params.rlwe(), below), below, a.slots))
    }

    /// P' times the rotations of a, modulo Q P'.
    fn baby_steps(&self, a: &Ciphertext, map: &Diagonals) -> Result<Vec<Raised>, Error> {
        let (rlwe, level, parts) = (self.params.rlwe(), a.level(), &a.inner.parts);
        let nonzero = || map.babies.iter().filter(|&&by| by != 0);
        nonzero().try_for_each(|&by| self.keys.check(Purpose::Rotate(by), level))?;
        let hoisted = nonzero().next().map(|_| Hoisted::new(rlwe, &parts[1], level));
        map.babies
            .iter()
            .map(|&by| match (&hoisted, by) {
                (Some(hoisted), 1..) => {
                    let purpose = Purpose::Rotate(by);
                    let mut raised = hoisted.product(rlwe, self.keys.key(purpose, level)?);
                    raised.add_scaled(rlwe, [Some(&parts[0]), None]);
                    self.count(Op::HoistedRotate, level, 1);
                    Ok(raised.automorphism(rlwe, galois(purpose, self.params.degree())))
                }
                _ => {
                    let mut raised = Raised::zero(rlwe, level);
                    raised.add_scaled(rlwe, [Some(&parts[0]), Some(&parts[1])]);
                    Ok(raised)
                }
            })
            .collect()
    }

    fn inner_sum_of_diagonals(&self, babies: &[Raised], terms: &[Term], level: Level) -> Raised {
        let ring = self.params.ring();
        let mut sum = Raised::zero(self.params.rlwe(), level);
        for (baby, diagonal) in terms {
            for (acc, part) in sum.parts.iter_mut().zip(&babies[*baby].parts) {
                ring.mul_add_assign(acc, part, diagonal);
            }
        }
        self.count(Op::PlainProduct, level, terms.len() as u64);
        sum
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

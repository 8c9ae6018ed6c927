//! Programs on CKKS ciphertexts.

use std::collections::BTreeMap;
use std::sync::Arc;

use arras_approx::Polynomial;
use arras_circuits::{Arith, Error as Misuse, Matrix, Op, Pairs, Points, Rotate};
use arras_ckks::{Ciphertext, Complex, Evaluator, Level};

use super::cache::Cache;
use crate::error::Error;

/// How often each operation ran, by the level of its operands: what [`arras_circuits::Trace::counts`] foretells.
pub type Counts = BTreeMap<(Op, u32), u64>;

/// The operations of programs on vectors of a fixed number of slots. Cheap to clone, shared freely between threads.
#[derive(Debug, Clone)]
pub struct Ckks {
    eval: Arc<Evaluator>,
    cache: Arc<Cache>,
    slots: usize,
}

/// A hidden vector that fits its backend; cheap to clone.
#[derive(Debug, Clone)]
pub struct Hidden(pub(super) Arc<Ciphertext>);

impl Hidden {
    /// Multiplications left.
    #[must_use]
    pub fn level(&self) -> Level {
        self.0.level()
    }

    /// The ciphertext.
    #[must_use]
    pub fn ciphertext(&self) -> &Ciphertext {
        &self.0
    }
}

impl Ckks {
    /// Operations on vectors of this many slots, with encoded maps kept in `cache`.
    ///
    /// # Errors
    /// [`Error::Insecure`] for parameters made without the security check, or a number of slots that is not a power of two, or
    /// above half the ring degree.
    pub fn new(eval: Arc<Evaluator>, slots: usize, cache: Arc<Cache>) -> Result<Self, Error> {
        if !eval.params().is_secure() {
            return Err(Error::Insecure);
        }
        Self::danger_insecure_new(eval, slots, cache)
    }

    /// The same without regard to security: for tests, toys, and parameters that were checked before.
    ///
    /// # Errors
    /// When the number of slots is not a power of two, or above half the ring degree.
    pub fn danger_insecure_new(eval: Arc<Evaluator>, slots: usize, cache: Arc<Cache>) -> Result<Self, Error> {
        let most = eval.params().max_slots();
        if !slots.is_power_of_two() || slots > most {
            return Err(Error::Slots { need: slots, have: most });
        }
        Ok(Self { eval, cache, slots })
    }

    /// A ciphertext as an operand.
    ///
    /// # Errors
    /// When it has other parameters or another number of slots.
    pub fn input(&self, ciphertext: Ciphertext) -> Result<Hidden, Error> {
        self.eval.params().check_id("ciphertext", ciphertext.id())?;
        if ciphertext.slots() != self.slots {
            return Err(Error::Slots { need: self.slots, have: ciphertext.slots() });
        }
        Ok(Hidden(Arc::new(ciphertext)))
    }

    /// A result as a ciphertext at the lowest level, where it has the fewest bytes.
    ///
    /// Cost: nothing at level 0; else one product by a number and one rescale, at level 1.
    ///
    /// # Errors
    /// An operand of another backend.
    pub fn output(&self, a: &Hidden) -> Result<Ciphertext, Error> {
        Ok(self.eval.lower(&a.0, Level(0))?)
    }

    /// What ran on the evaluator below since the start or the last reset.
    #[must_use]
    pub fn counts(&self) -> Counts {
        counts(&self.eval)
    }

    /// The evaluator below.
    #[must_use]
    pub fn evaluator(&self) -> &Evaluator {
        &self.eval
    }

    fn check_repeats(&self, length: usize) -> Result<(), Error> {
        if length > 0 && self.slots.is_multiple_of(length) {
            return Ok(());
        }
        Err(Misuse::DoesNotRepeat { length, slots: self.slots }.into())
    }
}

/// The counters of an evaluator in the words of programs.
pub(crate) fn counts(eval: &Evaluator) -> Counts {
    eval.counts()
        .into_iter()
        .map(|((op, level), times)| ((translate(op), u32::from(level.0)), times))
        .collect()
}

fn translate(op: arras_ckks::Op) -> Op {
    match op {
        arras_ckks::Op::Product => Op::Product,
        arras_ckks::Op::Relinearise => Op::Relinearise,
        arras_ckks::Op::Rescale => Op::Rescale,
        arras_ckks::Op::Rotate => Op::Rotate,
        arras_ckks::Op::HoistedRotate => Op::HoistedRotate,
        arras_ckks::Op::PlainProduct => Op::PlainProduct,
        arras_ckks::Op::ScalarProduct => Op::ScalarProduct,
    }
}

fn complex(values: &[f64]) -> Vec<Complex> {
    values.iter().map(|&value| value.into()).collect()
}

fn hidden(made: Result<Ciphertext, arras_ckks::Error>) -> Result<Hidden, Error> {
    Ok(Hidden(Arc::new(made?)))
}

impl Arith for Ckks {
    type Ct = Hidden;
    type Error = Error;

    fn add(&self, a: &Hidden, b: &Hidden) -> Result<Hidden, Error> {
        hidden(self.eval.add(&a.0, &b.0))
    }
    fn sub(&self, a: &Hidden, b: &Hidden) -> Result<Hidden, Error> {
        hidden(self.eval.sub(&a.0, &b.0))
    }
    fn mul(&self, a: &Hidden, b: &Hidden) -> Result<Hidden, Error> {
        hidden(self.eval.mul(&a.0, &b.0))
    }
    fn add_plain(&self, a: &Hidden, v: &[f64]) -> Result<Hidden, Error> {
        self.check_repeats(v.len())?;
        match *v {
            // The same number everywhere needs no encoding.
            [c] => self.add_scalar(a, c),
            _ => hidden(self.eval.add_repeated(&a.0, &complex(v))),
        }
    }
    fn mul_plain(&self, a: &Hidden, v: &[f64]) -> Result<Hidden, Error> {
        self.check_repeats(v.len())?;
        hidden(self.eval.mul_repeated(&a.0, &complex(v)))
    }
    fn add_scalar(&self, a: &Hidden, c: f64) -> Result<Hidden, Error> {
        hidden(self.eval.add_scalar(&a.0, c))
    }
    fn mul_scalar(&self, a: &Hidden, c: f64) -> Result<Hidden, Error> {
        hidden(self.eval.mul_scalar(&a.0, c))
    }
    fn combine(&self, terms: &[Hidden], weights: &[f64], bias: f64) -> Result<Hidden, Error> {
        if terms.len() != weights.len() || terms.is_empty() {
            return Err(Misuse::WrongLength { need: terms.len().max(1), have: weights.len() }.into());
        }
        let terms: Vec<&Ciphertext> = terms.iter().map(Hidden::ciphertext).collect();
        hidden(self.eval.combine(&terms, weights, bias))
    }
    fn lower(&self, a: &Hidden, by: u32) -> Result<Hidden, Error> {
        let level = a.level();
        let lower =
            level.down(by).ok_or(arras_ckks::Error::OutOfLevels { op: "lowering", need: by, have: level })?;
        hidden(self.eval.lower(&a.0, lower))
    }
    fn twice_real(&self, a: &Hidden) -> Result<Hidden, Error> {
        hidden(self.eval.add(&a.0, &self.eval.conjugate(&a.0)?))
    }
    fn poly(&self, a: &Hidden, p: &Polynomial) -> Result<Hidden, Error> {
        hidden(self.eval.poly(&a.0, p))
    }
}

impl Rotate for Ckks {
    fn slots(&self) -> usize {
        self.slots
    }
    fn rotate(&self, a: &Hidden, by: i64) -> Result<Hidden, Error> {
        hidden(self.eval.rotate(&a.0, by))
    }
    fn linear(&self, a: &Hidden, m: &Matrix) -> Result<Hidden, Error> {
        self.check_repeats(m.slots())?;
        let map = self.cache.map(self.eval.params(), m, self.slots, a.level())?;
        hidden(self.eval.linear(&a.0, &map))
    }
    fn fold(&self, a: &Hidden, v: &[f64], rotations: &[i64]) -> Result<Hidden, Error> {
        self.check_repeats(v.len())?;
        hidden(self.eval.fold(&a.0, &complex(v), rotations))
    }
    fn mul_fold(&self, a: &Hidden, b: &Hidden, rotations: &[i64]) -> Result<Hidden, Error> {
        hidden(self.eval.mul_fold(&a.0, &b.0, rotations))
    }
    fn linear_all(&self, a: &Hidden, ms: &[&Matrix]) -> Result<Vec<Hidden>, Error> {
        ms.iter().try_for_each(|m| self.check_repeats(m.slots()))?;
        let map = |m: &&Matrix| self.cache.map(self.eval.params(), m, self.slots, a.level());
        let maps: Vec<_> = ms.iter().map(map).collect::<Result<_, Error>>()?;
        let maps: Vec<_> = maps.iter().map(AsRef::as_ref).collect();
        Ok(self.eval.linear_all(&a.0, &maps)?.into_iter().map(|made| Hidden(Arc::new(made))).collect())
    }
}

impl Pairs for Ckks {
    type Pair = Hidden;

    fn point_pair(&self, p: &Hidden) -> Result<Hidden, Error> {
        self.point(p)
    }
    fn pair(&self, a: &Hidden, b: &Hidden) -> Result<Hidden, Error> {
        hidden(self.eval.pair(&a.0, &b.0))
    }
    fn twice_parts(&self, p: &Hidden) -> Result<[Hidden; 2], Error> {
        Ok(self.eval.twice_parts(&p.0)?.map(|part| Hidden(Arc::new(part))))
    }
    fn add_pairs(&self, p: &Hidden, q: &Hidden) -> Result<Hidden, Error> {
        self.add(p, q)
    }
    fn shift_pair(&self, p: &Hidden, v: &[f64]) -> Result<Hidden, Error> {
        self.check_repeats(v.len())?;
        let both: Vec<_> = v.iter().map(|&v| Complex::new(v, v)).collect();
        hidden(self.eval.add_repeated(&p.0, &both))
    }
    fn rotate_pair(&self, p: &Hidden, by: i64) -> Result<Hidden, Error> {
        self.rotate(p, by)
    }
    fn mul_fold_pair(&self, p: &Hidden, a: &Hidden, rotations: &[i64]) -> Result<Hidden, Error> {
        self.mul_fold(p, a, rotations)
    }
    fn square_dot(&self, terms: &[(Hidden, Hidden, Hidden)]) -> Result<Hidden, Error> {
        let terms: Vec<_> =
            terms.iter().map(|(p, u, v)| [p.ciphertext(), u.ciphertext(), v.ciphertext()]).collect();
        hidden(self.eval.square_dot(&terms))
    }
}

impl Points for Ckks {
    /// The vector itself: without a schedule nothing is refreshed. See [`Ckks::refreshing`].
    fn point(&self, a: &Hidden) -> Result<Hidden, Error> {
        Ok(a.clone())
    }
}

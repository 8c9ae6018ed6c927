//! The traced reading: no data, only levels; gives counts, depth and keys.
//!
//! # What is counted
//!
//! The *level* of an operation is that of its operands when it is done, after they were aligned; a rescale at level l
//! leads to l - 1. A backend that counts like this has equal counts:
//!
//! | method | counted |
//! |---|---|
//! | `add`, `sub` | nothing, after alignment |
//! | `mul` | `Product`, `Relinearise`, `Rescale` at the common level |
//! | `add_plain`, `add_scalar` | nothing |
//! | `mul_plain` | `PlainProduct`, `Rescale` |
//! | `mul_scalar` | `ScalarProduct`, `Rescale`, whatever the scalar |
//! | `combine` | a `ScalarProduct` for each weight that is not zero, one `Rescale`: see below |
//! | `lower` | `ScalarProduct`, `Rescale` at the level above the new one, unless it is lowered by 0 |
//! | `twice_real` | `Rotate`: a conjugation is an automorphism like any other |
//! | `poly` | the affine map, unless the domain is [-1, 1], and the plan: see below |
//! | `rotate` | `Rotate`, unless the rotation is 0 modulo the slots |
//! | `linear`, `linear_all` | `HoistedRotate`, `PlainProduct`, `Rotate`, a `Rescale` for each map: see below |
//! | `pair`, `add_pairs`, `shift_pair` | nothing, after alignment |
//! | `twice_parts` | `Rotate`, as `twice_real` |
//! | `fold`, `mul_fold` | as `mul_plain` and `mul`, and each `Rotate` at the level of the product, before its rescale |
//! | `rotate_pair`, `mul_fold_pair` | as `rotate`, `mul_fold` |
//! | `square_dot` | see below |
//! | `point` | `Refresh` where the schedule has one, at the level of its operand |
//!
//! *Combine* works at the lowest level of all its terms, and aligns nothing: a weight carries the correction of its term's
//! scale. *Poly* costs a `ScalarProduct` and a `Rescale` for the affine map and then, from the level reached, entry i of
//! [`arras_approx::Plan::tally`] at i levels lower, with no alignment inside. *Linear* works at the level of its operand:
//! a `HoistedRotate` for each baby other than 0, a `PlainProduct` for each diagonal, a `Rotate` for each giant other
//! than 0, and one `Rescale`, of the sum over the giants. *Linear all* does the babies of all its maps once.
//!
//! *Square dot* costs for each term, at its level, a `Rotate` (the conjugate), two `Product`s, a `Relinearise` and a `Rescale`,
//! and one level lower a `Product`; then one `Relinearise` and one `Rescale` there. Terms are at one level.
//!
//! What a refresh does inside is not counted: it happens at levels of its own.
//!
//! *Alignment*: when the operands of `add`, `sub` or `mul` are at levels h > l, the higher one loses limbs down to l + 1
//! for nothing and then costs a `ScalarProduct` and a `Rescale` at level l + 1.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use arras_approx::Polynomial;

use crate::clear::reduce;
use crate::error::{Error, check_repeats, check_slots, check_terms};
use crate::levels::{LevelGraph, Recorder, Schedule};
use crate::matrix::Matrix;
use crate::ops::{Arith, Pairs, Points, Rotate};

/// An operation that takes time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// The product of two ciphertexts, without relinearisation.
    Product,
    /// From degree two back to degree one: a key switch.
    Relinearise,
    /// The division by the last modulus.
    Rescale,
    /// A rotation, or a conjugation, on its own: a key switch.
    Rotate,
    /// A rotation that shares the decomposition of its operand with others.
    HoistedRotate,
    /// The product with a public vector.
    PlainProduct,
    /// The product with a public number.
    ScalarProduct,
    /// A refresh: levels come back.
    Refresh,
}

/// What a program does, and the keys that it needs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trace {
    /// How often each operation is done at each level.
    pub counts: BTreeMap<(Op, u32), u64>,
    /// The rotations in 1..slots, each with the highest level at which it is used.
    pub rotations: BTreeMap<usize, u32>,
    /// The highest level at which a relinearisation is done, if any is.
    pub relinearise: Option<u32>,
    /// The highest level at which a conjugate is taken, if any is.
    pub conjugate: Option<u32>,
    /// Levels consumed on the longest path; with refreshes, by how much the lowest level is below that of the inputs.
    pub depth: u32,
    /// The levels of the results.
    pub outputs: Vec<u32>,
    /// The points where a refresh is allowed, and the levels between them.
    pub points: LevelGraph,
}

impl Trace {
    /// How often an operation is done at all levels together.
    #[must_use]
    pub fn count(&self, op: Op) -> u64 {
        self.counts.iter().filter(|((o, _), _)| *o == op).map(|(_, n)| n).sum()
    }

    /// How often an operation is done at one level.
    #[must_use]
    pub fn at(&self, op: Op, level: u32) -> u64 {
        self.counts.get(&(op, level)).copied().unwrap_or(0)
    }
}

/// A hidden vector without its contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Traced {
    level: u32,
    /// What it depends on, by the number that the recorder gave.
    ways: usize,
}

impl Traced {
    /// Multiplications left.
    #[must_use]
    pub fn level(&self) -> u32 {
        self.level
    }
}

/// The operations that only count.
#[derive(Debug)]
pub struct Tracer {
    slots: usize,
    top: u32,
    unlimited: bool,
    schedule: Option<Schedule>,
    state: Mutex<State>,
}

/// The trace so far, and the lowest level reached.
#[derive(Debug)]
struct State {
    trace: Trace,
    lowest: u32,
    recorder: Recorder,
}

/// Levels of a tracer without limit: more than any program consumes.
const UNLIMITED: u32 = 1 << 24;

impl Tracer {
    /// A tracer whose inputs have this many levels and slots; it fails like a backend when they are used up.
    ///
    /// # Errors
    /// When the number of slots is not a power of two.
    pub fn new(slots: usize, levels: u32) -> Result<Self, Error> {
        Self::start(slots, levels, false, None)
    }

    /// A tracer that finds the depth: its trace is that of inputs with exactly the levels that are needed.
    ///
    /// # Errors
    /// When the number of slots is not a power of two.
    pub fn unlimited(slots: usize) -> Result<Self, Error> {
        Self::start(slots, UNLIMITED, true, None)
    }

    /// A tracer whose inputs have this many levels, and whose points follow a schedule: what it traces runs.
    ///
    /// # Errors
    /// When the number of slots is not a power of two.
    pub fn scheduled(slots: usize, levels: u32, schedule: &Schedule) -> Result<Self, Error> {
        Self::start(slots, levels, false, Some(schedule.clone()))
    }

    fn start(slots: usize, top: u32, unlimited: bool, schedule: Option<Schedule>) -> Result<Self, Error> {
        check_slots(slots)?;
        let state = State { trace: Trace::default(), lowest: top, recorder: Recorder::new(top) };
        Ok(Tracer { slots, top, unlimited, schedule, state: Mutex::new(state) })
    }

    /// A fresh input.
    #[must_use]
    pub fn input(&self) -> Traced {
        Traced { level: self.top, ways: 0 }
    }

    /// All that was counted so far, with the levels of these results.
    ///
    /// Without limit, levels are counted from the lowest one reached, which becomes 0.
    #[must_use]
    pub fn trace(&self, outputs: &[Traced]) -> Trace {
        let state = self.state();
        let base = if self.unlimited { state.lowest } else { 0 };
        let t = &state.trace;
        Trace {
            counts: t.counts.iter().map(|(&(op, level), &n)| ((op, level - base), n)).collect(),
            rotations: t.rotations.iter().map(|(&r, &level)| (r, level - base)).collect(),
            relinearise: t.relinearise.map(|level| level - base),
            conjugate: t.conjugate.map(|level| level - base),
            depth: self.top - state.lowest,
            outputs: outputs.iter().map(|o| o.level.saturating_sub(base)).collect(),
            points: state.recorder.graph().clone(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts n operations at a level.
    fn count(&self, op: Op, level: u32, n: u64) {
        if n > 0 {
            let mut state = self.state();
            *state.trace.counts.entry((op, level)).or_insert(0) += n;
            if op == Op::Relinearise {
                state.trace.relinearise = state.trace.relinearise.max(Some(level));
            }
        }
    }

    /// Counts a rescale at a level that is at least one, and returns what comes out.
    fn rescale(&self, a: Traced) -> Traced {
        self.count(Op::Rescale, a.level, 1);
        let mut state = self.state();
        let out = Traced { level: a.level - 1, ..a };
        state.lowest = state.lowest.min(out.level);
        state.recorder.made(out.ways, out.level);
        out
    }

    /// Something at the lower level of two values that depends on both; nothing is counted.
    fn join(&self, a: Traced, b: Traced) -> Traced {
        let ways = self.state().recorder.join((a.ways, a.level), (b.ways, b.level));
        Traced { level: a.level.min(b.level), ways }
    }

    fn rotation(&self, op: Op, by: usize, level: u32) {
        if by != 0 {
            self.count(op, level, 1);
            let mut state = self.state();
            let highest = state.trace.rotations.entry(by).or_insert(level);
            *highest = level.max(*highest);
        }
    }

    fn turns(&self, rotations: &[i64], level: u32) {
        rotations.iter().for_each(|&by| self.rotation(Op::Rotate, reduce(by, self.slots), level));
    }

    /// Two operands at their common level, with what it costs to bring them there.
    fn align(&self, a: &Traced, b: &Traced) -> Traced {
        let both = self.join(*a, *b);
        if a.level != b.level {
            self.count(Op::ScalarProduct, both.level + 1, 1);
            self.count(Op::Rescale, both.level + 1, 1);
        }
        both
    }
}

/// Refuses an operation when levels are missing.
fn need(op: &'static str, need: u32, have: u32) -> Result<(), Error> {
    if have >= need { Ok(()) } else { Err(Error::OutOfLevels { op, need, have }) }
}

impl Arith for Tracer {
    type Ct = Traced;
    type Error = Error;

    fn add(&self, a: &Traced, b: &Traced) -> Result<Traced, Error> {
        Ok(self.align(a, b))
    }
    fn sub(&self, a: &Traced, b: &Traced) -> Result<Traced, Error> {
        self.add(a, b)
    }
    fn mul(&self, a: &Traced, b: &Traced) -> Result<Traced, Error> {
        need("mul", 1, a.level.min(b.level))?;
        let both = self.align(a, b);
        self.count(Op::Product, both.level, 1);
        self.count(Op::Relinearise, both.level, 1);
        Ok(self.rescale(both))
    }
    fn add_plain(&self, a: &Traced, v: &[f64]) -> Result<Traced, Error> {
        check_repeats(v.len(), self.slots)?;
        Ok(*a)
    }
    fn mul_plain(&self, a: &Traced, v: &[f64]) -> Result<Traced, Error> {
        check_repeats(v.len(), self.slots)?;
        need("mul_plain", 1, a.level)?;
        self.count(Op::PlainProduct, a.level, 1);
        Ok(self.rescale(*a))
    }
    fn add_scalar(&self, a: &Traced, _: f64) -> Result<Traced, Error> {
        Ok(*a)
    }
    fn mul_scalar(&self, a: &Traced, _: f64) -> Result<Traced, Error> {
        need("mul_scalar", 1, a.level)?;
        self.count(Op::ScalarProduct, a.level, 1);
        Ok(self.rescale(*a))
    }
    fn combine(&self, terms: &[Traced], weights: &[f64], _: f64) -> Result<Traced, Error> {
        check_terms(terms.len(), weights.len())?;
        let all = terms.iter().copied().reduce(|a, b| self.join(a, b));
        let all = all.ok_or(Error::WrongLength { need: 1, have: 0 })?;
        need("combine", 1, all.level)?;
        self.count(Op::ScalarProduct, all.level, weights.iter().filter(|w| **w != 0.0).count() as u64);
        Ok(self.rescale(all))
    }
    fn lower(&self, a: &Traced, by: u32) -> Result<Traced, Error> {
        need("lower", by, a.level)?;
        if by == 0 {
            return Ok(*a);
        }
        self.count(Op::ScalarProduct, a.level - by + 1, 1);
        Ok(self.rescale(Traced { level: a.level - by + 1, ..*a }))
    }
    fn twice_real(&self, a: &Traced) -> Result<Traced, Error> {
        self.count(Op::Rotate, a.level, 1);
        let mut state = self.state();
        state.trace.conjugate = state.trace.conjugate.max(Some(a.level));
        Ok(*a)
    }
    fn poly(&self, a: &Traced, p: &Polynomial) -> Result<Traced, Error> {
        need("poly", p.depth(), a.level)?;
        let mut at = *a;
        if !p.is_unit() {
            self.count(Op::ScalarProduct, at.level, 1);
            at = self.rescale(at);
        }
        for tally in p.plan().tally() {
            self.count(Op::Product, at.level, tally.products.into());
            self.count(Op::Relinearise, at.level, tally.relinearisations.into());
            self.count(Op::ScalarProduct, at.level, tally.scalar_products.into());
            self.count(Op::Rescale, at.level, u64::from(tally.rescales) - 1);
            at = self.rescale(at);
        }
        Ok(at)
    }
}

impl Rotate for Tracer {
    fn slots(&self) -> usize {
        self.slots
    }
    fn rotate(&self, a: &Traced, by: i64) -> Result<Traced, Error> {
        self.rotation(Op::Rotate, reduce(by, self.slots), a.level);
        Ok(*a)
    }
    fn linear(&self, a: &Traced, m: &Matrix) -> Result<Traced, Error> {
        Ok(self.linear_all(a, &[m])?.pop().unwrap_or(*a))
    }
    fn fold(&self, a: &Traced, v: &[f64], rotations: &[i64]) -> Result<Traced, Error> {
        check_repeats(v.len(), self.slots)?;
        need("fold", 1, a.level)?;
        self.count(Op::PlainProduct, a.level, 1);
        self.turns(rotations, a.level);
        Ok(self.rescale(*a))
    }
    fn mul_fold(&self, a: &Traced, b: &Traced, rotations: &[i64]) -> Result<Traced, Error> {
        need("mul_fold", 1, a.level.min(b.level))?;
        let both = self.align(a, b);
        self.count(Op::Product, both.level, 1);
        self.count(Op::Relinearise, both.level, 1);
        self.turns(rotations, both.level);
        Ok(self.rescale(both))
    }
    fn linear_all(&self, a: &Traced, ms: &[&Matrix]) -> Result<Vec<Traced>, Error> {
        ms.iter().try_for_each(|m| check_repeats(m.slots(), self.slots))?;
        need("linear", 1, a.level)?;
        let babies: BTreeSet<usize> = ms.iter().flat_map(|m| m.steps().babies.iter().copied()).collect();
        babies.into_iter().for_each(|baby| self.rotation(Op::HoistedRotate, baby, a.level));
        let one = |m: &&Matrix| {
            let products: usize = m.steps().giants.iter().map(|giant| giant.terms.len()).sum();
            self.count(Op::PlainProduct, a.level, products as u64);
            m.steps().turns().for_each(|by| self.rotation(Op::Rotate, by, a.level));
            self.rescale(*a)
        };
        Ok(ms.iter().map(one).collect())
    }
}

impl Pairs for Tracer {
    type Pair = Traced;

    fn point_pair(&self, p: &Traced) -> Result<Traced, Error> {
        self.point(p)
    }
    fn pair(&self, a: &Traced, b: &Traced) -> Result<Traced, Error> {
        Ok(self.align(a, b))
    }
    fn twice_parts(&self, p: &Traced) -> Result<[Traced; 2], Error> {
        Ok([self.twice_real(p)?; 2])
    }
    fn add_pairs(&self, p: &Traced, q: &Traced) -> Result<Traced, Error> {
        self.add(p, q)
    }
    fn shift_pair(&self, p: &Traced, v: &[f64]) -> Result<Traced, Error> {
        self.add_plain(p, v)
    }
    fn rotate_pair(&self, p: &Traced, by: i64) -> Result<Traced, Error> {
        self.rotate(p, by)
    }
    fn mul_fold_pair(&self, p: &Traced, a: &Traced, rotations: &[i64]) -> Result<Traced, Error> {
        self.mul_fold(p, a, rotations)
    }
    fn square_dot(&self, terms: &[(Traced, Traced, Traced)]) -> Result<Traced, Error> {
        let mut total: Option<Traced> = None;
        for (p, u, v) in terms {
            need("square_dot", 2, p.level.min(u.level).min(v.level))?;
            let first = self.align(&self.twice_real(p)?, u);
            let both = self.join(first, self.align(p, v));
            self.count(Op::Product, both.level, 2);
            self.count(Op::Relinearise, both.level, 1);
            let outer = self.align(p, &self.rescale(both));
            self.count(Op::Product, outer.level, 1);
            total = Some(total.map_or(outer, |total| self.join(total, outer)));
        }
        let total = total.ok_or(Error::WrongLength { need: 1, have: 0 })?;
        self.count(Op::Relinearise, total.level, 1);
        Ok(self.rescale(total))
    }
}

impl Points for Tracer {
    fn point(&self, a: &Traced) -> Result<Traced, Error> {
        let point = self.state().recorder.points();
        let level = match &self.schedule {
            None => a.level,
            Some(schedule) => match schedule.refresh.get(point) {
                None => return Err(Error::Unscheduled { points: schedule.refresh.len() }),
                Some(false) => a.level,
                Some(true) => {
                    need("refresh", schedule.input, a.level)?;
                    self.count(Op::Refresh, a.level, 1);
                    schedule.output
                }
            },
        };
        Ok(Traced { level, ways: self.state().recorder.pass(a.ways, a.level, level) })
    }
}

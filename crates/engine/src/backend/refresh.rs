//! Programs deeper than their chain: the points of a schedule are refreshed.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arras_approx::Polynomial;
use arras_circuits::{Arith, Error as Misuse, Matrix, Op, Pairs, Points, Rotate, Schedule};
use arras_ckks::{Bootstrapper, Ciphertext, Evaluator};

use super::ckks::{Ckks, Counts, Hidden};
use crate::error::Error;
use crate::journal::{Journal, Reached, Rounds};

/// One run of a program under a schedule: the operations of a backend, and refreshes where the schedule has them.
///
/// Points are told apart by their order, so that a run passes them one after another, as the trace did.
#[derive(Debug)]
pub struct Refreshing<'a> {
    ops: Ckks,
    /// Runs refreshes, and counts what they do inside apart from the program.
    inside: Evaluator,
    boot: Arc<Bootstrapper>,
    rounds: u32,
    schedule: Schedule,
    passed: AtomicUsize,
    done: Mutex<Done>,
    go_on: GoOn<'a>,
    from: Option<(usize, Hidden)>,
    keep: Option<Keep<'a>>,
}

/// The refreshes that were done.
#[derive(Debug, Default)]
struct Done {
    counts: Counts,
    guards: Vec<Arc<Ciphertext>>,
}

/// Asked before every step of a refresh.
struct GoOn<'a>(Box<dyn Fn() -> bool + 'a>);

/// Told after every round.
struct Keep<'a>(Box<Told<'a>>);

type Told<'a> = dyn Fn(&Reached) -> Result<(), Error> + 'a;

impl std::fmt::Debug for Keep<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keep")
    }
}

impl std::fmt::Debug for GoOn<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GoOn")
    }
}

impl Ckks {
    /// This backend for one run under a schedule; each refresh takes so many rounds (`Evaluator::bootstrap_rounds`).
    ///
    /// `go_on` is asked before every step of a refresh, and stops the run by `false`.
    ///
    /// # Errors
    /// A bootstrapper of fewer slots, or a schedule for other levels than its.
    pub fn refreshing<'a>(
        &self,
        boot: Arc<Bootstrapper>,
        rounds: u32,
        schedule: Schedule,
        go_on: impl Fn() -> bool + 'a,
    ) -> Result<Refreshing<'a>, Error> {
        if boot.slots() < self.slots() {
            return Err(Error::Slots { need: self.slots(), have: boot.slots() });
        }
        let need = u32::from(boot.input_level().0);
        let gives = need + boot.spec().levels_left(boot.slots());
        let Schedule { input, output, .. } = schedule;
        if (input, output) != (need, gives) {
            return Err(Error::Schedule { input, output, need, gives });
        }
        let inside = self.evaluator().twin();
        let (passed, done, go_on) = (AtomicUsize::new(0), Mutex::default(), GoOn(Box::new(go_on)));
        let (from, keep) = (None, None);
        Ok(Refreshing { ops: self.clone(), inside, boot, rounds, schedule, passed, done, go_on, from, keep })
    }
}

impl<'a> Refreshing<'a> {
    /// The same with a journal: the program begins after the rounds that are in it, and keeps those that follow
    /// ([`Points::reached`]).
    ///
    /// # Errors
    /// [`Error::Journal`] for rounds of another run, or such as no run under this schedule reaches.
    pub fn journaled(mut self, mut journal: Journal<'a>) -> Result<Self, Error> {
        let reached = journal.reached(&self.ops)?;
        let rounds = Rounds::after(reached.as_ref(), journal.run);
        if let Some(Reached { rounds, points, value, guards }) = reached {
            let passed = self.schedule.refresh.get(..points).ok_or(Error::Journal)?;
            let refreshes = passed.iter().filter(|refresh| **refresh).count();
            let fit = guards.iter().all(|guard| guard.slots() == self.boot.slots());
            if !fit || refreshes != guards.len() {
                return Err(Error::Journal);
            }
            self.from = Some((rounds, value));
            self.passed = AtomicUsize::new(points);
            self.done().guards = guards;
        }
        let (ops, keep) = (self.ops.clone(), RefCell::new(journal.keep));
        self.keep = Some(Keep(Box::new(move |reached| {
            keep.borrow_mut()(&rounds.next(reached, &ops)?).map_err(Error::Keep)
        })));
        Ok(self)
    }
}

impl Refreshing<'_> {
    /// A ciphertext as an operand.
    ///
    /// # Errors
    /// When it has other parameters or another number of slots.
    pub fn input(&self, ciphertext: Ciphertext) -> Result<Hidden, Error> {
        self.ops.input(ciphertext)
    }

    /// What ran on the backend, and the refreshes of this run: what [`arras_circuits::Trace::counts`] foretells.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = self.ops.counts();
        counts.extend(self.done().counts.iter());
        counts
    }

    /// Points passed so far, those of the journal among them.
    #[must_use]
    pub fn passed(&self) -> usize {
        self.passed.load(Ordering::Relaxed)
    }

    /// Refreshes done so far.
    #[must_use]
    pub fn refreshes(&self) -> u64 {
        self.done().counts.values().sum()
    }

    /// What each refresh so far changed, in order and in the slots of the bootstrapper: a result must not be used before whoever has
    /// the key has opened one for each refresh of the schedule, and `BootSpec::check_guard` has accepted them all.
    #[must_use]
    pub fn guards(&self) -> Vec<Arc<Ciphertext>> {
        self.done().guards.clone()
    }

    fn done(&self) -> MutexGuard<'_, Done> {
        // A panic elsewhere leaves it at worst one refresh behind.
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Points for Refreshing<'_> {
    fn point(&self, a: &Hidden) -> Result<Hidden, Error> {
        let point = self.passed.fetch_add(1, Ordering::Relaxed);
        let points = self.schedule.refresh.len();
        if !*self.schedule.refresh.get(point).ok_or(Misuse::Unscheduled { points })? {
            return Ok(a.clone());
        }
        let before = a.ciphertext();
        let fresh =
            self.inside.bootstrap_rounds(before, &self.boot, self.rounds, &mut |_| (self.go_on.0)())?;
        let guard = Arc::new(self.inside.guard(before, &fresh, &self.boot)?);
        let mut done = self.done();
        *done.counts.entry((Op::Refresh, u32::from(a.level().0))).or_insert(0) += 1;
        done.guards.push(guard);
        drop(done);
        self.ops.input(fresh)
    }

    fn begin(&self, a: &Hidden) -> Result<(usize, Hidden), Error> {
        Ok(self.from.clone().unwrap_or_else(|| (0, a.clone())))
    }

    fn reached(&self, a: &Hidden, rounds: usize) -> Result<(), Error> {
        let Some(Keep(keep)) = &self.keep else { return Ok(()) };
        keep(&Reached { rounds, points: self.passed(), value: a.clone(), guards: self.guards() })
    }
}

impl Arith for Refreshing<'_> {
    type Ct = Hidden;
    type Error = Error;

    fn add(&self, a: &Hidden, b: &Hidden) -> Result<Hidden, Error> {
        self.ops.add(a, b)
    }
    fn sub(&self, a: &Hidden, b: &Hidden) -> Result<Hidden, Error> {
        self.ops.sub(a, b)
    }
    fn mul(&self, a: &Hidden, b: &Hidden) -> Result<Hidden, Error> {
        self.ops.mul(a, b)
    }
    fn add_plain(&self, a: &Hidden, v: &[f64]) -> Result<Hidden, Error> {
        self.ops.add_plain(a, v)
    }
    fn mul_plain(&self, a: &Hidden, v: &[f64]) -> Result<Hidden, Error> {
        self.ops.mul_plain(a, v)
    }
    fn add_scalar(&self, a: &Hidden, c: f64) -> Result<Hidden, Error> {
        self.ops.add_scalar(a, c)
    }
    fn mul_scalar(&self, a: &Hidden, c: f64) -> Result<Hidden, Error> {
        self.ops.mul_scalar(a, c)
    }
    fn combine(&self, terms: &[Hidden], weights: &[f64], bias: f64) -> Result<Hidden, Error> {
        self.ops.combine(terms, weights, bias)
    }
    fn lower(&self, a: &Hidden, by: u32) -> Result<Hidden, Error> {
        self.ops.lower(a, by)
    }
    fn twice_real(&self, a: &Hidden) -> Result<Hidden, Error> {
        self.ops.twice_real(a)
    }
    fn poly(&self, a: &Hidden, p: &Polynomial) -> Result<Hidden, Error> {
        self.ops.poly(a, p)
    }
}

impl Rotate for Refreshing<'_> {
    fn slots(&self) -> usize {
        self.ops.slots()
    }
    fn rotate(&self, a: &Hidden, by: i64) -> Result<Hidden, Error> {
        self.ops.rotate(a, by)
    }
    fn linear(&self, a: &Hidden, m: &Matrix) -> Result<Hidden, Error> {
        self.ops.linear(a, m)
    }
    fn fold(&self, a: &Hidden, v: &[f64], rotations: &[i64]) -> Result<Hidden, Error> {
        self.ops.fold(a, v, rotations)
    }
    fn mul_fold(&self, a: &Hidden, b: &Hidden, rotations: &[i64]) -> Result<Hidden, Error> {
        self.ops.mul_fold(a, b, rotations)
    }
    fn linear_all(&self, a: &Hidden, ms: &[&Matrix]) -> Result<Vec<Hidden>, Error> {
        self.ops.linear_all(a, ms)
    }
}

impl Pairs for Refreshing<'_> {
    type Pair = Hidden;

    fn point_pair(&self, p: &Hidden) -> Result<Hidden, Error> {
        self.point(p)
    }
    fn pair(&self, a: &Hidden, b: &Hidden) -> Result<Hidden, Error> {
        self.ops.pair(a, b)
    }
    fn twice_parts(&self, p: &Hidden) -> Result<[Hidden; 2], Error> {
        self.ops.twice_parts(p)
    }
    fn add_pairs(&self, p: &Hidden, q: &Hidden) -> Result<Hidden, Error> {
        self.ops.add_pairs(p, q)
    }
    fn shift_pair(&self, p: &Hidden, v: &[f64]) -> Result<Hidden, Error> {
        self.ops.shift_pair(p, v)
    }
    fn rotate_pair(&self, p: &Hidden, by: i64) -> Result<Hidden, Error> {
        self.ops.rotate_pair(p, by)
    }
    fn mul_fold_pair(&self, p: &Hidden, a: &Hidden, rotations: &[i64]) -> Result<Hidden, Error> {
        self.ops.mul_fold_pair(p, a, rotations)
    }
    fn square_dot(&self, terms: &[(Hidden, Hidden, Hidden)]) -> Result<Hidden, Error> {
        self.ops.square_dot(terms)
    }
}

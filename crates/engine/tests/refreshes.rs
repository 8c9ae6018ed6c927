//! The contract of programs deeper than their chain: a first trace finds the levels between points, a schedule chooses
//! among them, a second trace foretells counts, levels and keys, and the encrypted result is the clear one.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arras_circuits::{Clear, Error as Misuse, Logistic, Op, Points, Rotate, Schedule, Trace, Tracer};
use arras_ckks::boot::{BootSpec, Bootstrapper, presets};
use arras_ckks::{Ciphertext, Level, Params};
use arras_engine::Error;
use arras_engine::backend::{Hidden, Refreshing};
use arras_plan::{Budget, schedule};
use arras_testkit::{distance, rng, units};
use common::{Toy, keys_of};

/// A program with points.
trait Deep {
    fn run<B: Points + Rotate>(&self, ops: &B, x: &B::Ct) -> Result<Vec<B::Ct>, B::Error>;
}

impl Deep for Logistic {
    fn run<B: Points + Rotate>(&self, ops: &B, c: &B::Ct) -> Result<Vec<B::Ct>, B::Error> {
        Ok(vec![Logistic::run::<B, B::Error>(self, ops, c, |_, _| Ok(()))?])
    }
}

/// Two ways of different depth that meet at a rotation, over and over: a graph that is no chain.
struct Braid;

impl Deep for Braid {
    fn run<B: Points + Rotate>(&self, ops: &B, x: &B::Ct) -> Result<Vec<B::Ct>, B::Error> {
        let (mut a, mut b) = (x.clone(), ops.mul_scalar(x, 0.5)?);
        for _ in 0..5 {
            (a, b) = (ops.point(&ops.mul(&a, &b)?)?, ops.point(&ops.mul(&b, &b)?)?);
            let turned = ops.rotate(&ops.combine(&[a.clone(), b.clone()], &[0.5, -0.5], 0.25)?, 3)?;
            (a, b) = (ops.point(&turned)?, ops.add(&a, &b)?);
        }
        Ok(vec![a, b])
    }
}

/// A small ring with the refresh of a preset on 6 levels.
fn toy() -> (Toy, BootSpec) {
    let spec = BootSpec { log_degree: 9, depth: 6, ..presets::find("boot-n16").unwrap().spec };
    (Toy::over(Params::danger_insecure(&spec.danger_toy(4).unwrap()).unwrap()), spec)
}

struct Setting {
    toy: Toy,
    boot: Arc<Bootstrapper>,
    budget: Budget,
}

fn setting(slots: usize) -> Setting {
    let (toy, spec) = toy();
    let boot = Bootstrapper::new(&toy.params, &spec, slots).unwrap();
    let input = u32::from(boot.input_level().0);
    let start = u32::from(toy.params.highest().0);
    let budget = Budget { start, input, output: input + spec.levels_left(slots) };
    Setting { toy, boot: Arc::new(boot), budget }
}

impl Setting {
    fn trace(&self, program: &impl Deep, tracer: &Tracer) -> Trace {
        tracer.trace(&program.run(tracer, &tracer.input()).unwrap())
    }

    fn plan(&self, program: &impl Deep) -> (Schedule, Trace) {
        let slots = self.boot.slots();
        let first = self.trace(program, &Tracer::unlimited(slots).unwrap());
        let found = schedule(&first.points, self.budget, &|_| 1.0).unwrap();
        let second = self.trace(program, &Tracer::scheduled(slots, self.budget.start, &found).unwrap());
        (found, second)
    }

    fn backend(&self, trace: &Trace, schedule: Schedule) -> Result<Refreshing<'_>, Error> {
        let keys = keys_of(trace).union(self.boot.request());
        self.toy.backend(&keys, self.boot.slots()).refreshing(self.boot.clone(), 1, schedule, || true)
    }

    fn seal(&self, ops: &Refreshing, x: &[f64]) -> Hidden {
        ops.input(self.toy.seal(x, self.boot.slots(), self.toy.params.highest())).unwrap()
    }

    /// The largest change of each refresh, as the owner of the key finds it.
    fn checked(&self, ops: &Refreshing) -> Result<Vec<f64>, arras_ckks::Error> {
        let open = |guard: &Ciphertext| self.toy.params.decrypt(guard, &self.toy.secret).unwrap();
        ops.guards().iter().map(|guard| self.boot.spec().check_guard(&open(guard), 1)).collect()
    }

    fn holds(&self, program: &impl Deep, x: &[f64], bound: f64) -> Trace {
        let (found, second) = self.plan(program);
        let ops = self.backend(&second, found.clone()).unwrap();
        let out = program.run(&ops, &self.seal(&ops, x)).unwrap();
        assert_eq!(ops.counts(), second.counts);
        assert_eq!((ops.refreshes(), found.refreshes() as u64), (second.count(Op::Refresh), ops.refreshes()));
        let levels: Vec<u32> = out.iter().map(|y| u32::from(y.level().0)).collect();
        assert_eq!(levels, second.outputs);
        assert_eq!(self.checked(&ops).unwrap().len(), found.refreshes());
        let clear = Clear::new(self.boot.slots()).unwrap();
        let want = program.run(&clear, &clear.input(x).unwrap()).unwrap();
        assert!(clear.ranges().iter().all(|seen| seen.op != "point" || (seen.lo >= -1.0 && seen.hi <= 1.0)));
        for (y, want) in out.iter().zip(want) {
            let error = distance(&self.toy.open(y.ciphertext()), &want);
            assert!(error < bound, "{error:e} is not below {bound:e}");
        }
        second
    }
}

fn rates(slots: usize) -> Vec<f64> {
    let [least, most] = Logistic::RATES;
    units(slots, &mut rng(80)).iter().map(|u| least + (most - least) * (u + 1.0) / 2.0).collect()
}

#[test]
fn a_chain_of_squares_is_right_far_beyond_its_levels() {
    for slots in [256, 32] {
        let setting = setting(slots);
        let program = Logistic { steps: 21 };
        let rates = rates(slots);
        let hidden: Vec<f64> = rates.iter().map(|&r| Logistic::hide(r).unwrap()).collect();
        // Each refresh errs by 2^-24 at most, and what a step makes by less than that.
        let worst = rates.iter().map(|&r| program.sensitivity(r).unwrap()).fold(0.0, f64::max);
        let trace = setting.holds(&program, &hidden, worst * 2f64.powi(-24));
        // So many levels before the first refresh, after the last one, and between two.
        let Budget { start, input, output } = setting.budget;
        let (ends, each) = (start - input + output, output - input);
        assert_eq!(trace.count(Op::Refresh), u64::from((21 - ends).div_ceil(each) + 1));
    }
}

#[test]
fn ways_that_part_and_meet_are_right() {
    let trace = setting(256).holds(&Braid, &units(256, &mut rng(81)), 1e-5);
    assert!(trace.count(Op::Refresh) >= 2 && trace.count(Op::Rotate) == 5);
}

#[test]
fn a_value_that_leaves_the_box_is_refused() {
    for slots in [256, 32] {
        let setting = setting(slots);
        let program = Logistic { steps: 9 };
        let (found, second) = setting.plan(&program);
        let mut hidden: Vec<f64> = rates(slots).iter().map(|&rate| Logistic::hide(rate).unwrap()).collect();
        // z = -2, 2, 2, ...
        hidden[7] = -2.0;
        let ops = setting.backend(&second, found).unwrap();
        Deep::run(&program, &ops, &setting.seal(&ops, &hidden)).unwrap();
        let error = setting.checked(&ops).unwrap_err();
        assert_eq!(error, arras_ckks::Error::LeftBox { first: 8, slots: 1 });
    }
}

#[test]
fn a_run_stops_inside_a_refresh() {
    let setting = setting(256);
    let program = Logistic { steps: 9 };
    let (found, second) = setting.plan(&program);
    let (asked, keys) = (Arc::new(AtomicUsize::new(0)), keys_of(&second).union(setting.boot.request()));
    let count = asked.clone();
    let ops = setting.toy.backend(&keys, 256);
    let ops = ops
        .refreshing(setting.boot.clone(), 1, found, move || count.fetch_add(1, Ordering::Relaxed) < 3)
        .unwrap();
    let out = Deep::run(&program, &ops, &setting.seal(&ops, &[0.1; 256]));
    assert!(matches!(out, Err(Error::Stopped)));
    assert_eq!((asked.load(Ordering::Relaxed), ops.refreshes()), (4, 0));
}

#[test]
fn keys_of_refreshes_are_needed() {
    let setting = setting(256);
    let program = Logistic { steps: 9 };
    let (found, second) = setting.plan(&program);
    let ops = setting.toy.backend(&keys_of(&second), 256);
    let ops = ops.refreshing(setting.boot.clone(), 1, found, || true).unwrap();
    let out = Deep::run(&program, &ops, &setting.seal(&ops, &[0.1; 256]));
    assert!(matches!(out, Err(Error::MissingKey { .. } | Error::KeyLevel { .. })));
}

#[test]
fn schedules_that_do_not_fit_are_refused() {
    let setting = setting(256);
    let (found, second) = setting.plan(&Logistic { steps: 3 });
    let shifted = Schedule { output: found.output + 1, ..found.clone() };
    assert!(matches!(setting.backend(&second, shifted), Err(Error::Schedule { output: 7, gives: 6, .. })));
    let few = setting.plan(&Logistic { steps: 3 }).0;
    let boot = Arc::new(Bootstrapper::new(&setting.toy.params, setting.boot.spec(), 32).unwrap());
    let wide = setting.toy.backend(&keys_of(&second), 256);
    assert!(matches!(wide.refreshing(boot, 1, few, || true), Err(Error::Slots { need: 256, have: 32 })));
    let ops = setting.backend(&second, found).unwrap();
    let out = Deep::run(&Logistic { steps: 4 }, &ops, &setting.seal(&ops, &[0.1; 256]));
    assert!(matches!(out, Err(Error::Program(Misuse::Unscheduled { points: 3 }))));
    assert_eq!(setting.toy.params.highest(), Level(6));
}

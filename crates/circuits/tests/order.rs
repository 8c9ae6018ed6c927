//! Sign, comparison, max, ReLU and integers in the clear and in the trace, by a composition whose error is known.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use arras_approx::Polynomial;
use arras_circuits::integers::{BITS, Bounds, tie};
use arras_circuits::{
    Abs, Arith, Clear, Compare, Error, Exact, Integers, Max, Min, Op, Relation, Relu, Sign, Trace, Tracer,
};
use proptest::prelude::{any, prop_assert, proptest};

/// (35 x - 35 x^3 + 21 x^5 - 5 x^7) / 16, which grows from -1 to 1 on [-1, 1] (Cheon, Kim and Kim 2020).
fn stage() -> Polynomial {
    let c = [0.0, 19.140_625, 0.0, -3.828_125, 0.0, 0.765_625, 0.0, -0.078_125];
    Polynomial::unit(c.iter().map(|c| c / 16.0).collect()).unwrap()
}

fn sign(stages: usize) -> Sign {
    Sign::new(vec![stage(); stages]).unwrap()
}

/// |s(x) - sgn x| for |x| >= gap: the largest at the gap, since the composition grows.
fn error(sign: &Sign, gap: f64) -> f64 {
    1.0 - sign.stages().iter().fold(gap, |x, p| p.eval(x))
}

/// max of |x| |s(x) - sgn x| / 2: on [u, v] it is at most v (1 - s(u)) / 2.
fn weighted(sign: &Sign) -> f64 {
    let grid = |i: u32| f64::from(i) / 4096.0;
    (0..4096).map(|i| grid(i + 1) * error(sign, grid(i)) / 2.0).fold(0.0, f64::max)
}

/// Pairs from [0, 1] that fill some slots: close ones, equal ones, far ones.
fn pairs() -> (Vec<f64>, Vec<f64>) {
    let a = (0..1024).map(|i| f64::from(i % 32) / 31.0);
    let b = (0..1024).map(|i| f64::from(i / 32) / 31.0);
    (a.collect(), b.collect())
}

#[test]
fn a_step_at_the_difference() {
    let (sign, (a, b), clear) = (sign(7), pairs(), Clear::new(1024).unwrap());
    let compare = Compare::new(&sign).unwrap();
    let got = compare.apply(&clear, &a, &b).unwrap();
    let bound = error(&sign, 1.0 / 31.0) / 2.0 + 1e-12;
    assert!(bound < 1e-3);
    for ((a, b), got) in a.iter().zip(&b).zip(got) {
        let want = if a == b { 0.5 } else { f64::from(u8::from(a > b)) };
        assert!((got - want).abs() < bound, "{a} and {b}: {got}");
    }
    let x: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a - b).collect();
    for (x, s) in x.iter().zip(sign.apply(&clear, &x).unwrap()) {
        let want = if *x == 0.0 { 0.0 } else { x.signum() };
        assert!((s - want).abs() < 2.0 * bound);
    }
    assert!(clear.ranges().iter().all(|seen| seen.lo >= -1.0 - 1e-12 && seen.hi <= 1.0 + 1e-12));
}

#[test]
fn a_real_step_changes_no_number_and_costs_one_key_switch() {
    let (plain, x) = (sign(4), [-1.0, -0.3, 0.0, 0.01, 0.7, 1.0, 0.5, -0.5]);
    let clear = Clear::new(8).unwrap();
    let want = plain.apply(&clear, &x.to_vec()).unwrap();
    for stage in 0..3 {
        let real = plain.clone().with_real_after(stage).unwrap();
        assert_eq!((real.stages(), real.depth()), (plain.stages(), plain.depth()));
        assert_eq!(real.apply(&clear, &x.to_vec()).unwrap(), want);
        let tracer = Tracer::unlimited(8).unwrap();
        let out = Compare::new(&real).unwrap().of_difference(&tracer, &tracer.input()).unwrap();
        let trace = tracer.trace(&[out]);
        let level = 3 * (3 - stage as u32);
        assert_eq!((trace.conjugate, trace.count(Op::Rotate)), (Some(level), trace.at(Op::Rotate, level)));
        assert_eq!((trace.count(Op::Rotate), trace.depth), (1, 12));
        assert!(trace.rotations.is_empty());
    }
    for stage in [3, usize::MAX] {
        let refused = plain.clone().with_real_after(stage).unwrap_err();
        assert_eq!(refused, Error::RealAfter { stage, stages: 4 });
    }
}

#[test]
fn ramps_err_by_the_weighted_error() {
    let (sign, (a, b), clear) = (sign(4), pairs(), Clear::new(1024).unwrap());
    let bound = weighted(&sign) + 1e-12;
    let x: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a - b).collect();
    let near = |got: Vec<f64>, want: &dyn Fn(usize) -> f64, bound: f64| {
        let worst = got.iter().enumerate().map(|(i, y)| (y - want(i)).abs()).fold(0.0, f64::max);
        assert!(worst <= bound && worst > bound / 1e6, "{worst:e} against {bound:e}");
    };
    near(Max::new(&sign).unwrap().apply(&clear, &a, &b).unwrap(), &|i| a[i].max(b[i]), bound);
    near(Min::new(&sign).unwrap().apply(&clear, &a, &b).unwrap(), &|i| a[i].min(b[i]), bound);
    near(Relu::new(&sign).unwrap().apply(&clear, &x).unwrap(), &|i| x[i].max(0.0), bound);
    near(Abs::new(&sign).apply(&clear, &x).unwrap(), &|i| x[i].abs(), 2.0 * bound);
}

fn trace(f: impl Fn(&Tracer) -> arras_circuits::Traced) -> Trace {
    let tracer = Tracer::unlimited(2).unwrap();
    let result = f(&tracer);
    tracer.trace(&[result])
}

#[test]
fn costs_are_those_of_the_sign_and_one_product() {
    let sign = sign(3);
    let products: u64 = sign.stages().iter().map(|p| u64::from(p.plan().products)).sum();
    let max = Max::new(&sign).unwrap();
    let traces = [
        (trace(|t| sign.apply(t, &t.input()).unwrap()), 0),
        (trace(|t| Compare::new(&sign).unwrap().apply(t, &t.input(), &t.input()).unwrap()), 0),
        (trace(|t| max.apply(t, &t.input(), &t.input()).unwrap()), 1),
        (trace(|t| Min::new(&sign).unwrap().apply(t, &t.input(), &t.input()).unwrap()), 1),
        (trace(|t| Relu::new(&sign).unwrap().apply(t, &t.input()).unwrap()), 1),
        (trace(|t| Abs::new(&sign).apply(t, &t.input()).unwrap()), 1),
    ];
    for (trace, more) in traces {
        assert_eq!(trace.depth, sign.depth() + more);
        assert_eq!(trace.count(Op::Product), products + u64::from(more));
        assert_eq!(trace.outputs, [0]);
    }
    // What is added and what is multiplied comes down at the bottom.
    let lowered = trace(|t| max.apply(t, &t.input(), &t.input()).unwrap());
    assert_eq!(lowered.at(Op::Rescale, 1), 2);
}

const RELATIONS: [Relation; 5] =
    [Relation::Greater, Relation::GreaterEqual, Relation::Equal, Relation::Max, Relation::Min];

/// With noise of a hundredth of a unit.
fn exact(integers: Integers, relation: Relation, sign: &Sign) -> Result<Exact, Error> {
    let error = relation.error(error(sign, relation.gap(integers)), weighted(sign), 0.0);
    Exact::new(integers, relation, sign, Bounds { error, noise: relation.unit(integers) / 100.0 })
}

fn answer(relation: Relation, a: u32, b: u32) -> u32 {
    match relation {
        Relation::Greater => u32::from(a > b),
        Relation::GreaterEqual => u32::from(a >= b),
        Relation::Equal => u32::from(a == b),
        Relation::Max => a.max(b),
        Relation::Min => a.min(b),
    }
}

#[test]
fn every_pair_of_five_bits_is_exact() {
    let (integers, sign, clear) = (Integers::new(5).unwrap(), sign(6), Clear::new(1024).unwrap());
    let a: Vec<f64> = (0..1024).map(|i| integers.hide(i % 32)).collect();
    let b: Vec<f64> = (0..1024).map(|i| integers.hide(i / 32)).collect();
    for relation in RELATIONS {
        let circuit = exact(integers, relation, &sign).unwrap();
        assert_eq!(circuit.depth(), sign.depth() + relation.extra_depth());
        let counted = trace(|t| circuit.apply(t, &t.input(), &t.input()).unwrap());
        assert_eq!(counted.depth, circuit.depth());
        let got = circuit.apply(&clear, &a, &b).unwrap();
        let unit = relation.unit(integers);
        for (i, got) in (0..1024).zip(got) {
            let want = f64::from(answer(relation, i % 32, i / 32));
            assert!((got - want * unit).abs() <= circuit.bounds().error + 1e-12);
            assert_eq!((got / unit).round(), want, "{relation:?} of {} and {}", i % 32, i / 32);
        }
    }
}

#[test]
fn what_would_not_be_exact_is_refused() {
    let integers = Integers::new(8).unwrap();
    for relation in RELATIONS {
        let refused = exact(integers, relation, &sign(2)).unwrap_err();
        assert!(matches!(refused, Error::NotExact { error, .. } if error > 0.49), "{refused}");
        assert!(refused.to_string().contains("below 1/2"), "{refused}");
        let noisy = Bounds { error: 0.0, noise: 0.6 };
        let refused = Exact::new(integers, relation, &sign(9), noisy).unwrap_err();
        assert!(matches!(refused, Error::NotExact { need, .. } if need < 0.5), "{refused}");
        let nonsense = Bounds { error: f64::NAN, noise: 0.0 };
        assert!(Exact::new(integers, relation, &sign(9), nonsense).is_err());
        assert!(exact(integers, relation, &sign(9)).is_ok());
    }
}

#[test]
fn signs_are_odd_and_integers_small() {
    assert_eq!(Sign::new(Vec::new()).unwrap_err(), Error::NoStages);
    let even = Polynomial::unit(vec![0.0, 1.0, 0.5]).unwrap();
    let wide = Polynomial::new(-2.0, 2.0, vec![0.0, 1.0]).unwrap();
    for bad in [even, wide] {
        assert_eq!(Sign::new(vec![stage(), bad]).unwrap_err(), Error::BadStage { stage: 1 });
    }
    for bits in [0, BITS + 1] {
        assert_eq!(Integers::new(bits).unwrap_err(), Error::Bits { bits, most: BITS });
    }
    for bits in 1..=BITS {
        let integers = Integers::new(bits).unwrap();
        let most = integers.most();
        assert_eq!(integers.read(integers.hide(most)).0, f64::from(most));
        // Both shifts keep every difference within [-1, 1].
        assert!(integers.hide(most) + integers.unit() / 2.0 <= 1.0 + 1e-15);
    }
}

/// p(x + iy), by the recurrence of the T_k.
fn complex(p: &Polynomial, (x, y): (f64, f64)) -> (f64, f64) {
    let (mut sum, mut last, mut now) = ((0.0, 0.0), (1.0, 0.0), (x, y));
    for (k, c) in p.coefficients().iter().enumerate() {
        let t = if k == 0 { last } else { now };
        sum = (sum.0 + c * t.0, sum.1 + c * t.1);
        if k > 0 {
            let next = (2.0 * (x * now.0 - y * now.1) - last.0, 2.0 * (x * now.1 + y * now.0) - last.1);
            (last, now) = (now, next);
        }
    }
    sum
}

proptest! {
    /// However a stage strays within its margin, in both parts, a tie stays within its bound.
    #[test]
    fn ties_stay_near_zero(seed in any::<u64>(), log_noise in -40i32..-18) {
        let (stages, noise) = (vec![stage(); 6], 2f64.powi(log_noise));
        let margins = vec![noise; 6];
        let bound = tie(&stages, noise, &margins);
        let side = |i: usize| if seed >> i & 1 == 1 { noise } else { -noise };
        let strayed = stages.iter().enumerate().fold((side(62), side(63)), |z, (i, p)| {
            let (re, im) = complex(p, z);
            (re + side(i), im + side(i + 6))
        });
        prop_assert!(strayed.0.hypot(strayed.1) <= bound + 1e-15);
        let worst = stages.iter().fold((0.0, noise), |z, p| {
            let (re, im) = complex(p, z);
            (re, im.abs() + noise)
        });
        prop_assert!(worst.1 > bound / 2.0 || bound > 0.5);
    }
}

#[test]
fn a_distance_that_reaches_one_has_no_bound() {
    assert_eq!(tie(&[stage()], 1.0, &[0.0]), f64::INFINITY);
    assert_eq!(tie(&vec![stage(); 30], 1e-3, &[0.0; 30]), f64::INFINITY);
}

/// `lower` moves no value and costs one rescale at the level above.
#[test]
fn lowering_costs_one_rescale() {
    let clear = Clear::new(2).unwrap();
    assert_eq!(clear.lower(&vec![0.5, 0.25], 3).unwrap(), [0.5, 0.25]);
    let tracer = Tracer::new(2, 5).unwrap();
    let low = tracer.lower(&tracer.input(), 3).unwrap();
    assert_eq!(low.level(), 2);
    assert_eq!(tracer.lower(&low, 0).unwrap().level(), 2);
    assert!(tracer.lower(&low, 3).is_err());
    let trace = tracer.trace(&[low]);
    assert_eq!(
        trace.counts.into_iter().collect::<Vec<_>>(),
        [((Op::Rescale, 3), 1), ((Op::ScalarProduct, 3), 1)]
    );
}

//! The soft-argmax against the formula, in the clear, and its depth in the trace.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use arras_approx::Target;
use arras_circuits::softargmax::{ManyClasses, TwoClasses};
use arras_circuits::{Clear, Failure, Op, Tracer};

const SLOTS: usize = 4096;

/// Logits in [-range, range]: corners of the cube in the first half of the slots, random ones in the second.
fn logits(classes: usize, range: f64) -> Vec<Vec<f64>> {
    // A linear congruential generator (Knuth's constants): any spread of points will do.
    let mut state = 1u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        range * (2.0 * (state >> 11) as f64 / (1u64 << 53) as f64 - 1.0)
    };
    let corner = |i: usize, slot: usize| if slot >> i & 1 == 1 { range } else { -range };
    (0..classes)
        .map(|i| (0..SLOTS).map(|slot| if slot < SLOTS / 2 { corner(i, slot) } else { random() }).collect())
        .collect()
}

fn softmax(x: &[f64]) -> Vec<f64> {
    let e: Vec<f64> = x.iter().map(|v| v.exp()).collect();
    let sum: f64 = e.iter().sum();
    e.iter().map(|v| v / sum).collect()
}

#[test]
fn many_classes_keep_the_stated_error_and_depth() {
    // Classes, range, tolerance, depth.
    for (classes, range, tolerance, depth) in [
        (2, 4.0, 1e-3, 12),
        (3, 4.0, 1e-3, 13),
        (5, 4.0, 1e-3, 13),
        (10, 4.0, 1e-3, 14),
        (5, 2.0, 1e-3, 9),
        (5, 8.0, 1e-3, 17),
        (5, 4.0, 1e-6, 15),
    ] {
        let soft = ManyClasses::new(classes, range, tolerance).unwrap();
        assert_eq!(soft.depth(), depth, "{classes} classes, range {range}");
        assert!(soft.index_error() <= tolerance);
        let clear = Clear::new(SLOTS).unwrap();
        let x = logits(classes, range);
        let scaled: Vec<Vec<f64>> = x.iter().map(|v| v.iter().map(|a| a * soft.scale()).collect()).collect();
        let out = soft.apply(&clear, &scaled).unwrap();
        for slot in 0..SLOTS {
            let want = softmax(&x.iter().map(|v| v[slot]).collect::<Vec<_>>());
            let index: f64 = want.iter().enumerate().map(|(i, p)| i as f64 * p).sum();
            assert!((out.index[slot] - index).abs() <= soft.index_error() + 1e-12);
            for (have, p) in out.probabilities.iter().zip(&want) {
                assert!((have[slot] - p).abs() <= soft.relative_error() * p + 1e-12);
            }
        }
        // No polynomial ever leaves its domain.
        for seen in clear.ranges().iter().filter(|s| s.op == "poly") {
            assert!(seen.lo >= -1.0 && seen.hi <= 1.0, "{seen:?}");
        }
    }
}

#[test]
fn the_trace_has_the_documented_depth() {
    for classes in [2, 3, 5, 10] {
        let soft = ManyClasses::new(classes, 4.0, 1e-3).unwrap();
        let both = Tracer::unlimited(1).unwrap();
        let out = soft.apply(&both, &vec![both.input(); classes]).unwrap();
        let both = both.trace(&[out.index]);
        let one = Tracer::unlimited(1).unwrap();
        let index = soft.index(&one, &vec![one.input(); classes]).unwrap();
        let one = one.trace(&[index]);
        assert_eq!((both.depth, one.depth), (soft.depth(), soft.depth()));
        assert_eq!(one.outputs, [0]);
        assert_eq!(both.count(Op::Product), one.count(Op::Product) + classes as u64);
        assert!(both.rotations.is_empty());
        let short = Tracer::new(1, soft.depth() - 1).unwrap();
        let refused = soft.index(&short, &vec![short.input(); classes]);
        assert!(matches!(refused, Err(Failure::Operation(_))));
        assert!(matches!(soft.index(&short, &[short.input()]), Err(Failure::Inputs { have: 1, .. })));
    }
}

#[test]
fn two_classes_are_a_sigmoid() {
    for (degree, error, depth) in [(15, 3e-3, 4), (27, 5e-5, 5)] {
        let two = TwoClasses::new(8.0, 0.0, degree).unwrap();
        assert!(two.certificate().error() < error, "{}", two.certificate().error());
        assert_eq!(two.depth(), depth);
        let clear = Clear::new(SLOTS).unwrap();
        let x = &logits(1, 8.0)[0];
        let y = two.apply(&clear, &x.iter().map(|d| d * two.scale()).collect()).unwrap();
        for (d, p) in x.iter().zip(&y) {
            assert!((Target::Sigmoid.eval(*d) - p).abs() <= two.certificate().error() + 1e-12);
        }
    }
    // With a tail the error inside grows a little, and outside the answer is still near 0 or 1.
    let two = TwoClasses::new(8.0, 2.0, 27).unwrap();
    let clear = Clear::new(1).unwrap();
    for d in [9.0, 10.0, -9.5] {
        let p = two.apply(&clear, &vec![d * two.scale()]).unwrap()[0];
        assert!((p - Target::Sigmoid.eval(d)).abs() < 0.02, "{d}: {p}");
    }
}

#[test]
fn what_cannot_be_reached_is_refused() {
    assert!(ManyClasses::new(1, 4.0, 1e-3).is_err());
    assert!(ManyClasses::new(5, 4.0, 0.0).is_err());
    assert!(ManyClasses::new(5, f64::NAN, 1e-3).is_err());
    assert!(ManyClasses::new(5, 200.0, 1e-3).is_err());
    assert!(TwoClasses::new(-1.0, 0.0, 15).is_err());
}

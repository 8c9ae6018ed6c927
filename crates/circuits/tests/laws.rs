//! Laws of the clear and the traced reading, and of the linear maps.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;

use arras_approx::Polynomial;
use arras_circuits::activation::Quadratic;
use arras_circuits::{Arith, Clear, Dense, Error, Layout, Matrix, Op, Rotate, Trace, Traced, Tracer};
use proptest::prelude::*;

fn naive(rows: usize, columns: usize, m: &[f64], x: &[f64]) -> Vec<f64> {
    (0..rows).map(|i| (0..columns).map(|j| m[i * columns + j] * x[j]).sum()).collect()
}

fn close(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| (x - y).abs() < 1e-12)
}

fn entries(n: usize) -> Vec<f64> {
    (0..n).map(|i| ((i * i + 3 * i) as f64).sin()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_way_to_apply_a_matrix_is_the_matrix(
        rows in 1..20usize, columns in 1..20usize, log in 5..7u32, times in 0..2u32, seed in 0..1000usize, sparse in 1..4usize,
    ) {
        let period = 1 << log;
        let m: Vec<f64> = entries(rows * columns + seed)[seed..]
            .iter().enumerate().map(|(i, x)| if i % sparse == 0 { *x } else { 0.0 }).collect();
        let x = entries(columns);
        let want = naive(rows, columns, &m, &x);
        let clear = Clear::new(period << times).unwrap();
        for dense in [
            Dense::new(rows, columns, &m, period).unwrap(),
            Dense::plain(rows, columns, &m, period).unwrap(),
            Dense::extended(rows, columns, &m, period).unwrap(),
        ] {
            let input = dense.input().pack(&x, period << times).unwrap();
            let y = dense.apply(&clear, &input).unwrap();
            prop_assert!(close(&y, &dense.output().pack(&want, period << times).unwrap()));
        }
    }

    #[test]
    fn the_steps_are_the_diagonals(log in 0..7u32, picks in prop::collection::vec(0..64usize, 1..12)) {
        let slots = 1usize << log;
        let diagonals: BTreeMap<usize, Vec<f64>> =
            picks.iter().map(|k| (k % slots, entries(slots + k + 1)[k + 1..].to_vec())).collect();
        let m = Matrix::diagonals(slots, diagonals.clone()).unwrap();
        let x = entries(slots);
        let want: Vec<f64> =
            (0..slots).map(|i| diagonals.iter().map(|(k, d)| d[i] * x[(i + k) % slots]).sum()).collect();
        prop_assert!(close(&Clear::new(slots).unwrap().linear(&x, &m).unwrap(), &want));
        let terms: usize = m.steps().giants.iter().map(|g| g.terms.len()).sum();
        prop_assert!(terms <= diagonals.len());
    }

    #[test]
    fn rotation_is_a_group_action(a in -100..100i64, b in -100..100i64) {
        let clear = Clear::new(16).unwrap();
        let x = entries(16);
        let twice = clear.rotate(&clear.rotate(&x, a).unwrap(), b).unwrap();
        prop_assert_eq!(twice, clear.rotate(&x, a + b).unwrap());
        prop_assert_eq!(clear.rotate(&x, 1).unwrap()[3], x[4]);
    }
}

#[test]
fn the_split_needs_about_two_square_roots_of_rotations() {
    let square = Matrix::dense(128, 128, &vec![1.0; 128 * 128], 128).unwrap();
    assert_eq!((square.steps().babies.len(), square.steps().giants.len()), (16, 8));
    // Few rows: 2 diagonals and 6 folds against 128 diagonals.
    let few = Dense::new(2, 128, &vec![1.0; 256], 128).unwrap();
    assert_eq!(few.folds(), [2, 4, 8, 16, 32, 64]);
    assert_eq!(few.matrix().steps().rotations().into_iter().collect::<Vec<_>>(), [1]);
    assert_eq!(few.output(), Layout::new(2, 2).unwrap());
    assert!(Dense::new(128, 128, &vec![1.0; 128 * 128], 128).unwrap().folds().is_empty());
    // The identity needs no rotation, the zero map one product.
    let identity: Vec<f64> = (0..64).map(|i| if i % 9 == 0 { 1.0 } else { 0.0 }).collect();
    assert!(Matrix::dense(8, 8, &identity, 8).unwrap().steps().rotations().is_empty());
    assert_eq!(Matrix::dense(8, 8, &[0.0; 64], 8).unwrap().steps().giants[0].terms.len(), 1);
}

#[test]
fn an_id_is_stable_and_follows_the_contents() {
    let of = |e: &[f64]| Matrix::dense(2, 2, e, 4).unwrap().id();
    // FNV-1a over 4; 0, [1, 4, 0, 0]; 1, [2, 0, 0, 0]; 3, [0, 3, 0, 0], computed by a script of four lines.
    assert_eq!(of(&[1.0, 2.0, 3.0, 4.0]), 0xbad6_9f94_7e56_67af_55e9_0a81_8972_b736);
    assert_ne!(of(&[1.0, 2.0, 3.0, 4.0]), of(&[1.0, 2.0, 3.0, 5.0]));
    assert_ne!(of(&[1.0, 0.0, 0.0, 1.0]), Matrix::dense(2, 2, &[1.0, 0.0, 0.0, 1.0], 8).unwrap().id());
}

#[test]
fn matrices_and_vectors_that_do_not_fit_are_refused() {
    assert!(matches!(Matrix::dense(2, 2, &[0.0; 4], 6), Err(Error::BadSlots { slots: 6 })));
    assert!(matches!(Matrix::dense(2, 9, &[0.0; 18], 8), Err(Error::WrongLength { need: 8, have: 9 })));
    assert!(matches!(Matrix::dense(2, 2, &[0.0; 3], 8), Err(Error::WrongLength { need: 4, have: 3 })));
    assert!(matches!(Matrix::dense(1, 1, &[f64::NAN], 8), Err(Error::NotFinite { index: 0, .. })));
    let clear = Clear::new(8).unwrap();
    let tracer = Tracer::new(8, 1).unwrap();
    let big = Matrix::dense(1, 1, &[1.0], 16).unwrap();
    assert!(clear.linear(&vec![0.0; 8], &big).is_err() && tracer.linear(&tracer.input(), &big).is_err());
    assert!(clear.add_plain(&vec![0.0; 8], &[1.0; 3]).is_err());
    assert!(tracer.add_plain(&tracer.input(), &[1.0; 3]).is_err());
    assert!(tracer.combine(&[], &[], 0.0).is_err());
}

/// A program that uses every operation.
fn everything<R: Rotate>(ops: &R, x: &R::Ct, m: &Matrix, p: &Polynomial) -> Result<R::Ct, R::Error> {
    let y = ops.linear(x, m)?;
    let z = ops.poly(&y, p)?;
    let w = ops.mul(&y, &ops.rotate(&z, -3)?)?;
    let v = ops.mul_plain(&ops.add_plain(&w, &[0.5])?, &[1.0, -1.0])?;
    let u = ops.combine(&[v.clone(), z, y], &[0.5, 0.0, 2.0], 1.0)?;
    ops.sub(&ops.add(&u, &ops.mul_scalar(&ops.add_scalar(&v, 1.0)?, 3.0)?)?, x)
}

fn program() -> (Matrix, Polynomial) {
    let m = Matrix::dense(16, 16, &entries(256), 16).unwrap();
    (m, Polynomial::new(-2.0, 2.0, vec![0.1, 0.2, 0.0, 0.3]).unwrap())
}

#[test]
fn the_trace_is_as_by_hand() {
    let (m, p) = program();
    let tracer = Tracer::unlimited(16).unwrap();
    let out = everything(&tracer, &tracer.input(), &m, &p).unwrap();
    let t = tracer.trace(&[out]);
    // linear 1, affine map 1, degree three 2, mul 1, mul_plain 1, combine 1.
    assert_eq!((t.depth, t.outputs.clone()), (7, vec![0]));
    let counts = |op: Op| (0..=7).rev().map(|level| t.at(op, level)).collect::<Vec<_>>();
    assert_eq!(counts(Op::PlainProduct), [16, 0, 0, 0, 0, 1, 0, 0]);
    // Four babies and four giants, each less the one that does not turn; the rotation before the product is at level 3.
    assert_eq!(counts(Op::HoistedRotate), [3, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(counts(Op::Rotate), [3, 0, 0, 0, 1, 0, 0, 0]);
    // T_2 at level 5; (2 c_3 T_1) T_2 + (c_1 - c_3) T_1 at 4, its quotient 2 c_3 T_1 at 5; then the mul at 3.
    assert_eq!(counts(Op::Product), [0, 0, 1, 1, 1, 0, 0, 0]);
    assert_eq!(counts(Op::Relinearise), [0, 0, 1, 1, 1, 0, 0, 0]);
    // 6: the affine map; 5, 4: the leaves; 4: y is aligned to 3; 1: two weights, mul_scalar, and x aligned to 0.
    assert_eq!(counts(Op::ScalarProduct), [0, 1, 1, 2, 0, 0, 4, 0]);
    assert_eq!(counts(Op::Rescale), [1, 1, 2, 2, 1, 1, 3, 0]);
    assert_eq!(t.relinearise, Some(5));
    assert_eq!(t.rotations.get(&13), Some(&3));
    assert_eq!(t.rotations.keys().copied().collect::<Vec<_>>(), [1, 2, 3, 4, 13]);
}

#[test]
fn the_depth_found_without_limit_is_what_is_needed() {
    let (m, p) = program();
    let run = |tracer: &Tracer| -> Result<Trace, Error> {
        Ok(tracer.trace(&[everything(tracer, &tracer.input(), &m, &p)?]))
    };
    let free = run(&Tracer::unlimited(16).unwrap()).unwrap();
    assert_eq!(run(&Tracer::new(16, free.depth).unwrap()).unwrap(), free);
    let short = run(&Tracer::new(16, free.depth - 1).unwrap());
    assert!(matches!(short, Err(Error::OutOfLevels { need: 1, have: 0, .. })));
}

#[test]
fn a_polynomial_traces_as_its_plan() {
    for degree in 0..=63 {
        let p = Polynomial::unit(entries(degree + 2)[1..].to_vec()).unwrap();
        let tracer = Tracer::unlimited(4).unwrap();
        let out: Traced = tracer.poly(&tracer.input(), &p).unwrap();
        let t = tracer.trace(&[out]);
        assert_eq!((t.depth, t.outputs), (p.depth(), vec![0]));
        let products: u64 = t.counts.iter().filter(|((op, _), _)| *op == Op::Product).map(|(_, n)| n).sum();
        assert_eq!(products, u64::from(p.plan().products));
    }
}

#[test]
fn clear_remembers_ranges_over_runs() {
    let clear = Clear::new(2).unwrap();
    let q = Quadratic::uniform(1.0, -1.0);
    let y = q.apply(&clear, &clear.input(&[2.0, -3.0]).unwrap()).unwrap();
    assert_eq!(y, [5.0, 5.0]);
    clear.restart();
    q.apply(&clear, &clear.input(&[7.0]).unwrap()).unwrap();
    let seen = clear.ranges();
    assert_eq!((seen.len(), seen[0].op, seen[0].lo, seen[0].hi), (1, "mul", -3.0, 8.0));
}

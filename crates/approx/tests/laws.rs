//! Laws of polynomials, fits and certificates.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use arras_approx::{Error, Fit, Measure, Parity, Polynomial, Symmetry, Target, certify, fit, interpolate};
use proptest::prelude::*;

#[test]
fn a_record_is_checked_when_it_is_read() {
    let p = Polynomial::new(-8.0, 8.0, vec![0.5, 0.25, 0.0]).unwrap();
    let text = serde_json::to_string(&p).unwrap();
    assert_eq!(serde_json::from_str::<Polynomial>(&text).unwrap(), p);
    for bad in [
        r#"{"lo":1,"hi":1,"coefficients":[1]}"#,
        r#"{"lo":-1,"hi":1,"coefficients":[]}"#,
        r#"{"lo":2,"hi":1,"coefficients":[1]}"#,
    ] {
        assert!(serde_json::from_str::<Polynomial>(bad).is_err(), "{bad}");
    }
    assert_eq!(Polynomial::unit(vec![1.0; 257]), Err(Error::DegreeTooHigh { degree: 256, max: 255 }));
    assert!(Polynomial::unit(vec![f64::NAN]).is_err());
}

#[test]
fn degree_parity_and_depth_follow_the_coefficients() {
    let of = |c: &[f64]| Polynomial::unit(c.to_vec()).unwrap();
    assert_eq!(of(&[1.0, 0.0, 0.0]).degree(), 0);
    assert_eq!(of(&[0.0, 1.0, 0.0, 2.0]).parity(), Parity::Odd);
    assert_eq!(of(&[1.0, 0.0, 2.0]).parity(), Parity::Even);
    assert_eq!(of(&[1.0, 1.0]).parity(), Parity::General);
    assert_eq!([1, 2, 3, 4, 7, 8].map(|d| of(&vec![1.0; d + 1]).depth()), [1, 2, 2, 3, 3, 4]);
    assert_eq!(Polynomial::new(0.0, 1.0, vec![1.0; 8]).unwrap().depth(), 4);
}

#[test]
fn the_sigmoid_errs_as_published() {
    // Chebyshev interpolation on [-8, 8]: 1.3e-3 at degree 15 and 1.3e-5 at degree 27, to the digits given.
    for (degree, error) in [(15, 1.3e-3), (27, 1.3e-5)] {
        let p = interpolate(|x| Target::Sigmoid.eval(x), -8.0, 8.0, degree).unwrap();
        let proof = certify(&p, Target::Sigmoid, (-8.0, 8.0), Measure::Absolute).unwrap();
        assert!((proof.error() / error - 1.0).abs() < 0.5, "degree {degree}: {}", proof.error());
    }
}

#[test]
fn a_symmetric_fit_has_exact_zeros() {
    let p = Fit::new(-8.0, 8.0, 27).unwrap().target(Target::Sigmoid).unwrap();
    assert!(p.coefficients().iter().skip(2).step_by(2).all(|&c| c == 0.0));
    assert_eq!(p.on_unit().0.plan().products, 10);
    let even = Fit::new(-1.0, 1.0, 8).unwrap().symmetry(Symmetry::Even).run(f64::cos).unwrap();
    assert_eq!(even.parity(), Parity::Even);
}

#[test]
fn clamped_tails_do_not_explode() {
    let bare = Fit::new(-8.0, 8.0, 31).unwrap().target(Target::Exp).unwrap();
    let held = Fit::new(-8.0, 8.0, 31).unwrap().tails(2.0, 0.1).unwrap().target(Target::Sigmoid).unwrap();
    let sigma = Fit::new(-8.0, 8.0, 31).unwrap().target(Target::Sigmoid).unwrap();
    assert!(bare.eval(8.0) > 1.0);
    assert!((sigma.eval(9.5) - 1.0).abs() > 1.0, "{}", sigma.eval(9.5));
    assert!((held.eval(9.5) - 1.0).abs() < 0.02, "{}", held.eval(9.5));
    assert!(fit::grid_error(&held, |x| Target::Sigmoid.eval(x), -8.0, 8.0, 2000) < 2e-3);
}

#[test]
fn interpolating_the_reciprocal_is_best_in_relative_error() {
    for (lo, hi, degree) in [(1.0, 5.0, 7), (0.2, 1.0, 15), (0.5, 20.0, 15)] {
        let p = interpolate(|x| 1.0 / x, lo, hi, degree).unwrap();
        let proof = certify(&p, Target::Reciprocal, (lo, hi), Measure::Relative).unwrap();
        let exact = fit::reciprocal_error(lo, hi, degree);
        assert!(proof.attained() <= exact * (1.0 + 1e-6) + 1e-12 && exact <= proof.error() + 1e-12);
        assert!(proof.error() <= 1.05 * exact + 1e-11, "{} {exact}", proof.error());
    }
}

#[test]
fn a_certificate_is_refused_where_it_means_nothing() {
    let p = Polynomial::new(-1.0, 2.0, vec![1.0]).unwrap();
    assert!(certify(&p, Target::Reciprocal, (-1.0, 1.0), Measure::Absolute).is_err());
    assert!(certify(&p, Target::Exp, (-1.0, 3.0), Measure::Absolute).is_err());
    assert!(Fit::new(-1.0, 1.0, 3).unwrap().target(Target::Reciprocal).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_certificate_covers_the_grid_and_little_more(
        which in 0..5usize,
        half in 0.5..8.0f64,
        degree in 3..24usize,
        tail in 0.0..1.0f64,
    ) {
        let target = [Target::Sigmoid, Target::Exp, Target::Tanh, Target::Gelu, Target::Reciprocal][which];
        let (lo, hi) = if target == Target::Reciprocal { (0.5, 0.5 + half) } else { (-half, half) };
        let p = Fit::new(lo, hi, degree).unwrap().tails(tail, 0.1).unwrap().target(target).unwrap();
        let proof = certify(&p, target, (lo, hi), Measure::Absolute).unwrap();
        let grid = fit::grid_error(&p, |x| target.eval(x), lo, hi, 20_000);
        let size: f64 = p.coefficients().iter().map(|c| c.abs()).sum::<f64>().max(1.0);
        prop_assert!(proof.error() >= grid - 1e-13 * size);
        prop_assert!(proof.error() <= 1.05 * grid + 1e-11 * size, "{} {grid}", proof.error());
        prop_assert!(proof.attained() <= proof.error());
    }

    #[test]
    fn a_fit_reproduces_a_polynomial(c in prop::collection::vec(-1.0..1.0f64, 1..40), lo in -3.0..0.0f64) {
        let p = Polynomial::new(lo, 1.0, c).unwrap();
        let fitted = Fit::new(lo, 1.0, p.degree() + 2).unwrap().run(|x| p.eval(x)).unwrap();
        let through = interpolate(|x| p.eval(x), lo, 1.0, p.degree()).unwrap();
        for x in [lo, 0.3 * lo + 0.1, 0.9] {
            prop_assert!((fitted.eval(x) - p.eval(x)).abs() < 1e-11);
            prop_assert!((through.eval(x) - p.eval(x)).abs() < 1e-11);
        }
    }

    #[test]
    fn folding_the_map_changes_nothing(
        c in prop::collection::vec(-1.0..1.0f64, 1..30), lo in -9.0..0.0f64, w in 0.1..9.0f64, u in 0.0..1.0f64,
    ) {
        let p = Polynomial::new(lo, lo + w, c).unwrap();
        let (unit, map) = p.on_unit();
        let x = lo + u * w;
        prop_assert!(unit.is_unit());
        prop_assert!((unit.eval(map.apply(x)) - p.eval(x)).abs() < 1e-9);
    }
}

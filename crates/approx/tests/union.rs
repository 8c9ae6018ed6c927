//! Best approximations of any target on unions of intervals.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use arras_approx::minimax::{Best, Union, best, sign};
use arras_approx::{Error, Parity};
use proptest::prelude::*;

fn on(parts: &[(f64, f64)]) -> Union {
    Union::new(parts).unwrap()
}

/// The errors at the reference are equal and alternate, and nothing on a grid is larger.
fn holds(found: &Best, target: &dyn Fn(f64) -> f64, count: usize, tolerance: f64) {
    let error = |x: f64| target(x) - found.polynomial().eval(x);
    let at: Vec<f64> = found.reference().iter().map(|&x| error(x)).collect();
    assert_eq!(at.len(), count);
    // Below the tolerance a sign is rounding.
    assert!(found.least() < tolerance || at.windows(2).all(|pair| pair[0] * pair[1] < 0.0), "{at:?}");
    assert!(at.iter().all(|e| (e.abs() - found.least()).abs() <= tolerance), "{at:?}, {}", found.least());
    assert!(found.least() <= found.error() && found.error() - found.least() <= tolerance);
    for &(lo, hi) in found.domain().parts() {
        let grid = (0..=3000).map(|i| lo + (hi - lo) * f64::from(i) / 3000.0);
        let largest = grid.map(|x| error(x.min(hi)).abs()).fold(0.0, f64::max);
        assert!(largest <= found.error() + tolerance, "{largest:e} on [{lo}, {hi}], {:e}", found.error());
    }
}

#[test]
fn monomials_have_the_error_of_chebyshev() {
    for n in 1..=20_usize {
        let target = |x: f64| x.powi(n as i32);
        let found = best(&target, &on(&[(-1.0, 1.0)]), n - 1, Parity::General).unwrap();
        let exact = 2.0_f64.powi(1 - n as i32);
        assert!((found.error() - exact).abs() < 1e-12 * exact + 1e-14, "{n}: {}", found.error());
        holds(&found, &target, n + 1, 1e-13);
    }
}

#[test]
fn the_absolute_value_has_its_known_parabola() {
    let even = best(&f64::abs, &on(&[(0.0, 1.0)]), 2, Parity::Even).unwrap();
    let general = best(&f64::abs, &on(&[(-1.0, 1.0)]), 2, Parity::General).unwrap();
    for found in [even, general] {
        // x^2 + 1/8 = T_2 / 2 + 5/8.
        let expected = [0.625, 0.0, 0.5];
        let close = found.polynomial().coefficients().iter().zip(expected).all(|(c, e)| (c - e).abs() < 1e-9);
        assert!(close, "{:?}", found.polynomial());
        assert!((found.error() - 0.125).abs() < 1e-10);
    }
}

#[test]
fn the_sign_on_two_intervals_is_the_odd_one() {
    for (lo, degree) in [(0.5, 3), (0.1, 7), (0.01, 15), (0.25, 21), (2.0_f64.powi(-10), 31)] {
        let exact = sign(lo, 1.0, degree).unwrap();
        let both = best(&f64::signum, &on(&[(lo, 1.0), (-1.0, -lo)]), degree, Parity::General).unwrap();
        let odd = best(&|_| 1.0, &on(&[(lo, 1.0)]), degree, Parity::Odd).unwrap();
        let coefficients = exact.polynomial(1.0).unwrap();
        for found in [&both, &odd] {
            assert!((found.error() - exact.error()).abs() < 1e-9 * exact.error(), "{lo}, {degree}");
            let pairs = found.polynomial().coefficients().iter().zip(coefficients.coefficients());
            pairs.for_each(|(a, b)| assert!((a - b).abs() < 1e-6, "{lo}, {degree}: {a} {b}"));
        }
        holds(&odd, &|_| 1.0, degree.div_ceil(2) + 1, 1e-9);
        holds(&both, &f64::signum, degree + 2, 1e-9);
        assert_eq!(odd.polynomial().parity(), Parity::Odd);
        for (a, b) in odd.reference().iter().zip(exact.reference()) {
            assert!((a - b).abs() < 1e-5, "{lo}, {degree}: {a} {b}");
        }
    }
}

#[test]
fn the_remainder_on_three_intervals_alternates() {
    // What bootstrapping approximates: the distance to the nearest integer, near integers.
    let target = |x: f64| x - x.round();
    let parts: Vec<(f64, f64)> = (-1..=1).map(|k| (f64::from(k) - 0.05, f64::from(k) + 0.05)).collect();
    for degree in [4, 9, 14, 19, 24] {
        holds(&best(&target, &on(&parts), degree, Parity::General).unwrap(), &target, degree + 2, 1e-11);
    }
    let odd = best(&target, &on(&[(0.0, 0.05), (0.95, 1.05)]), 19, Parity::Odd).unwrap();
    let general = best(&target, &on(&parts), 19, Parity::General).unwrap();
    assert!((odd.error() / general.error() - 1.0).abs() < 1e-6, "{} {}", odd.error(), general.error());
}

#[test]
fn a_target_in_reach_is_hit() {
    let cubic = |x: f64| 4.0 * x * x * x - 3.0 * x + 0.5;
    let found = best(&cubic, &on(&[(-1.0, -0.2), (0.3, 1.0)]), 7, Parity::General).unwrap();
    assert!(found.error() < 1e-13, "{}", found.error());
}

#[test]
fn bad_domains_and_targets_are_refused() {
    assert_eq!(Union::new(&[]).unwrap_err(), Error::NoInterval);
    assert_eq!(Union::new(&[(2.0, 3.0), (0.0, 2.0)]).unwrap_err(), Error::Overlap { end: 2.0, begin: 2.0 });
    assert!(matches!(Union::new(&[(1.0, 1.0)]), Err(Error::BadDomain { .. })));
    assert!(matches!(Union::new(&[(f64::NAN, 1.0)]), Err(Error::BadDomain { .. })));
    let unit = on(&[(-1.0, 1.0)]);
    let refused =
        |target: &dyn Fn(f64) -> f64, degree, parity| best(target, &unit, degree, parity).unwrap_err();
    assert_eq!(refused(&f64::abs, 4, Parity::Even), Error::NotPositive { lo: -1.0 });
    assert!(matches!(refused(&f64::sqrt, 4, Parity::General), Error::BadValue { .. }));
    assert!(matches!(refused(&f64::abs, 256, Parity::General), Error::DegreeTooHigh { .. }));
    assert_eq!(best(&f64::abs, &on(&[(0.5, 1.0)]), 0, Parity::Odd).unwrap_err(), Error::NoCoefficients);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_union_has_a_best_polynomial(
        gaps in prop::collection::vec((0.02..1.0_f64, 0.02..1.0_f64), 1..5),
        steps in prop::collection::vec(-1.0..1.0_f64, 5),
        degree in 0..24_usize,
    ) {
        let mut end = -1.0;
        let parts: Vec<(f64, f64)> = gaps.iter().map(|(gap, width)| {
            let lo = end + gap;
            end = lo + width;
            (lo, end)
        }).collect();
        let of = parts.clone();
        let target = move |x: f64| {
            let part = of.iter().position(|&(lo, hi)| x >= lo && x <= hi).unwrap();
            steps[part] + (2.0 * x).cos()
        };
        let found = best(&target, &on(&parts), degree, Parity::General).unwrap();
        holds(&found, &target, degree + 2, 1e-9 * found.error() + 1e-12);
    }
}

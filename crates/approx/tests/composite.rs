//! Laws of proved ranges and of compositions.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use arras_approx::{Composite, Error, Polynomial, interpolate, minimax, range};
use proptest::prelude::*;

/// 2^x.
fn two(x: i32) -> f64 {
    f64::from(x).exp2()
}

/// No margin anywhere.
fn exactly(_: usize, _: &Polynomial) -> f64 {
    0.0
}

/// Odd polynomials on [-1.7, 1.7] of many shapes.
fn ramp(terms: usize) -> Polynomial {
    let p = interpolate(|x| (5.0 * x).clamp(-1.0, 1.0), -1.0, 1.0, 2 * terms - 1).unwrap();
    Polynomial::new(-1.7, 1.7, p.coefficients().to_vec()).unwrap()
}

#[test]
fn a_range_covers_the_grid_and_little_more() {
    for terms in [1usize, 2, 4, 8, 16, 32] {
        let p = ramp(terms);
        // The last one reaches beyond the domain, where polynomials grow.
        for (lo, hi) in [(0.01, 1.0), (0.3, 1.0), (0.5, 0.7), (-0.4, 1.0009)] {
            let found = range(&p, 1.7 * lo, 1.7 * hi).unwrap();
            let at = |i: i32| p.eval(1.7 * (lo + (hi - lo) * f64::from(i) / 1e5));
            let (least, most) =
                (0..=100_000).map(at).fold((f64::MAX, f64::MIN), |(a, b), y| (a.min(y), b.max(y)));
            let room = 1e-5 * (most - least) + 1e-13;
            assert!(
                found.lo() <= least + 1e-14 && most - 1e-14 <= found.hi(),
                "{terms} terms on [{lo}, {hi}]"
            );
            assert!(least - room <= found.lo() && found.hi() <= most + room, "{terms} terms: {found:?}");
        }
    }
}

#[test]
fn a_range_resolves_errors_of_2_to_the_minus_40() {
    for degree in [15, 31, 47, 63] {
        // The first half-width, coming down from one, with so small an error.
        let smaller = (1..).map(|i| 0.95f64.powi(i));
        let best = |tau: f64| minimax::sign(1.0 - tau, 1.0 + tau, degree).unwrap();
        let tau = smaller.into_iter().find(|&tau| best(tau).error() < two(-40)).unwrap();
        let best = best(tau);
        let p = best.polynomial(1.0 + tau).unwrap();
        let found = range(&p, 1.0 - tau, 1.0 + tau).unwrap();
        let error = (1.0 - found.lo()).max(found.hi() - 1.0);
        assert!(best.log2_error() > -46.0, "{degree}: 2^{}", best.log2_error());
        // Rounding the coefficients to f64 moves the polynomial itself by up to 2^-53.
        assert!((error / best.error() - 1.0).abs() < 0.01, "{degree}: {error} {}", best.error());
    }
}

/// Compositions of the paper's tables: the gap in bits, and degrees that bring the error below 2^(1 - gap).
const COMPARE: [(i32, &[usize]); 5] = [
    (4, &[27]),
    (8, &[3, 15, 31]),
    (9, &[55, 55]),
    (20, &[5, 5, 5, 7, 7, 15, 15, 31]),
    (20, &[15, 15, 31, 59, 63]),
];

#[test]
fn published_degrees_compare_as_published() {
    for (alpha, degrees) in COMPARE {
        let c = Composite::build(two(-alpha), two(-40), degrees, &mut |_, _| two(-40)).unwrap();
        assert!(c.certified_error() <= c.noisy_error() && c.noisy_error() <= two(1 - alpha), "{degrees:?}");
        assert_eq!(c.degrees(), degrees);
    }
}

#[test]
fn published_degrees_maximise_as_published() {
    let c = Composite::build(16.0 * two(-13), 0.0, &[15, 15, 27], &mut exactly).unwrap();
    assert!(c.weighted_error() <= two(-13), "2^{}", c.weighted_error().log2());
    let worse = Composite::build(16.0 * two(-13), 0.0, &[15, 15, 23], &mut exactly).unwrap();
    assert!(worse.weighted_error() > two(-13), "2^{}", worse.weighted_error().log2());
}

#[test]
fn the_composition_for_30_bits_is_as_published() {
    // Two libraries print 0.637146295 for a scheme that errs by 2^-35: the coefficient as evaluated.
    let degrees = [15, 15, 15, 17, 31, 31, 31, 31];
    let c = Composite::build(two(-30), two(-35), &degrees, &mut |_, _| two(-35)).unwrap();
    let first = c.polynomials()[0].coefficients()[1];
    assert!((first - 0.637_146_295).abs() < 5e-6, "{first}");
    // Without a margin the eight degrees together leave 2^-21.95.
    let c = Composite::build(two(-30), 0.0, &degrees, &mut exactly).unwrap();
    assert!((c.certified_error().log2() + 21.95).abs() < 0.005, "2^{}", c.certified_error().log2());
}

/// Evaluates with every value moved by `stray` (in [-1, 1]) times its margin.
fn disturbed(c: &Composite, margin: f64, x: f64, mut stray: impl FnMut() -> f64) -> f64 {
    let start = x + stray() * c.input_margin();
    c.polynomials().iter().fold(start, |x, p| p.eval(x) + stray() * margin)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn no_input_errs_more_than_is_certified(
        alpha in 2i32..12,
        pick in prop::collection::vec(1usize..16, 1..4),
        bits in 16i32..45,
        seed in prop::collection::vec(-1.0f64..1.0, 64),
    ) {
        let (epsilon, margin) = (two(-alpha), two(-bits));
        let degrees: Vec<usize> = pick.iter().map(|k| 2 * k + 1).collect();
        let c = Composite::build(epsilon, margin, &degrees, &mut |_, _| margin);
        prop_assume!(!matches!(c, Err(Error::StageTooWide { .. })));
        let c = c.unwrap();
        let (mut exact, mut noisy, mut weighted) = (0.0f64, 0.0f64, 0.0f64);
        for i in 0..4096 {
            // Log-uniform from half the gap to 1, the gap and 1 themselves, and random points.
            let part = f64::from(i) / 2048.0;
            let x = if i < 2048 { epsilon.powf(part) } else { epsilon * (part - 1.0) };
            let inside = i <= 2048;
            let x = if i == 2048 { epsilon } else { x };
            let mut k = i as usize;
            let mut random = || { k += 1; seed[(k * 7) % 64] };
            let strays = [disturbed(&c, margin, x, || 1.0), disturbed(&c, margin, x, || -1.0),
                disturbed(&c, margin, x, &mut random)];
            for y in strays {
                weighted = weighted.max(x * (y - 1.0).abs() / 2.0);
                prop_assert!(y.abs() <= c.magnitude() + 1e-13);
                if inside {
                    noisy = noisy.max((y - 1.0).abs());
                }
            }
            if inside {
                exact = exact.max((c.eval(x) - 1.0).abs());
                prop_assert!((c.eval(-x) + 1.0).abs() <= c.certified_error() + 1e-13);
            }
        }
        prop_assert!(exact <= c.certified_error() + 1e-13, "{exact} {}", c.certified_error());
        prop_assert!(noisy <= c.noisy_error() + 1e-13, "{noisy} {}", c.noisy_error());
        prop_assert!(weighted <= c.weighted_error() + 1e-13, "{weighted} {}", c.weighted_error());
        prop_assert!(c.certified_error() <= 1.05 * exact + 1e-13, "{exact} {}", c.certified_error());
        prop_assert!(c.noisy_error() <= 1.05 * noisy + 1e-13, "{noisy} {}", c.noisy_error());
        prop_assert!(c.weighted_error() <= 1.05 * weighted + 1e-13, "{weighted} {}", c.weighted_error());
    }
}

#[test]
fn what_cannot_work_is_refused() {
    let build = |epsilon: f64, margin: f64, degrees: &[usize]| {
        Composite::build(epsilon, margin, degrees, &mut |_, _| margin)
    };
    assert!(matches!(build(0.0, 0.0, &[7]), Err(Error::BadGap { .. })));
    assert!(matches!(build(1.0, 0.0, &[7]), Err(Error::BadGap { .. })));
    assert!(matches!(build(0.25, 0.25, &[7]), Err(Error::InputMargin { .. })));
    assert!(matches!(build(0.25, 0.0, &[]), Err(Error::NoStages)));
    assert!(matches!(build(0.25, 0.0, &[8]), Err(Error::EvenDegree { .. })));
    let coarse = Composite::build(two(-20), 0.0, &[7, 7], &mut |_, _| two(-17));
    assert!(matches!(coarse, Err(Error::StageTooWide { stage: 0, .. })), "{coarse:?}");
    let nan = Composite::build(0.25, 0.0, &[7], &mut |_, _| f64::NAN);
    assert!(matches!(nan, Err(Error::BadMargin { .. })));
}

//! The best odd polynomials for the sign: alternation, closed forms, the table.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use arras_approx::Error;
use arras_approx::minimax::table::{self, DEGREES, Draft, Entry, TAUS, Table};
use arras_approx::minimax::{Minimax, sign, sign_around_one, sign_with_gap};
use num_bigint::BigInt;
use proptest::prelude::*;

/// Bits after the point of the arithmetic in which printed coefficients are judged.
const BITS: u32 = 2000;

/// x 2^BITS, exactly.
fn exact(x: f64) -> BigInt {
    let (mut mantissa, mut bits) = (x, 0_u32);
    while mantissa.fract() != 0.0 {
        mantissa *= 2.0;
        bits += 1;
    }
    (BigInt::from(mantissa as i64) << BITS) >> bits
}

fn parse(decimal: &str) -> BigInt {
    let (whole, fraction) = decimal.split_once('.').unwrap();
    let digits: BigInt = format!("{whole}{fraction}").parse().unwrap();
    (digits << BITS) / BigInt::from(10).pow(fraction.len() as u32)
}

/// 1 - sum c_k T_(2k+1)(x / scaling), from the printed coefficients, by the recurrence of T itself.
fn error_at(coefficients: &[String], scaling: f64, x: f64) -> BigInt {
    let y = (exact(x) << BITS) / exact(scaling);
    let (mut before, mut now) = (y.clone(), y.clone());
    let step: BigInt = (((&y * &y) >> BITS) * 4) - (BigInt::from(2) << BITS);
    let mut sum = BigInt::from(1) << BITS;
    for c in coefficients {
        sum -= (parse(c) * &now) >> BITS;
        (before, now) = (now.clone(), ((&step * &now) >> BITS) - &before);
    }
    sum
}

/// v / 2^BITS over the error of the polynomial.
fn in_errors(v: &BigInt, best: &Minimax) -> f64 {
    let error = best.error_decimal(30);
    let (digits, exponent) = error.split_once('e').unwrap();
    let power = BigInt::from(10).pow(exponent.trim_start_matches('-').parse().unwrap());
    let scaled: BigInt = v * power * BigInt::from(1_u64 << 60) / parse(digits);
    i64::try_from(scaled).unwrap() as f64 / (1_u64 << 60) as f64
}

fn alternates(best: &Minimax, scaling: f64) {
    let coefficients = best.coefficients(scaling).unwrap();
    let reference = best.reference();
    assert_eq!(coefficients.len(), best.degree().div_ceil(2));
    assert_eq!(reference.len(), best.degree().div_ceil(2) + 1, "d + 3 points with the mirror image");
    assert!(reference.windows(2).all(|pair| pair[0] < pair[1]));
    for (j, &x) in reference.iter().enumerate() {
        let sign = if j % 2 == 0 { 1.0 } else { -1.0 };
        let ratio = sign * in_errors(&error_at(&coefficients, scaling, x), best);
        assert!((ratio - 1.0).abs() < 1e-9, "degree {}, {scaling}, {j}: {ratio}", best.degree());
    }
    let (lo, hi) = best.domain();
    for i in 0..=100 {
        let x = lo + (hi - lo) * f64::from(i) / 100.0;
        let ratio = in_errors(&error_at(&coefficients, scaling, x), best);
        assert!(ratio.abs() < 1.0 + 1e-12, "degree {} at {x}: {ratio}", best.degree());
    }
}

#[test]
fn printed_coefficients_alternate_in_every_basis() {
    for (tau, degree) in [(0.5, 1), (0.5, 3), (0.75, 31), (2.0_f64.powi(-21), 63), (2.0_f64.powi(-7), 27)] {
        let best = sign_around_one(tau, degree).unwrap();
        for scaling in [1.0, 1.0 + tau, 2.5] {
            alternates(&best, scaling);
        }
    }
    alternates(&sign_with_gap(2.0_f64.powi(-21), 63).unwrap(), 1.0);
    alternates(&sign(2.0_f64.powi(-30), 1.0, 15).unwrap(), 1.0);
}

#[test]
fn degree_one_has_error_tau() {
    for tau in [0.125, 0.5, 2.0_f64.powi(-21), 1.0 - 2.0_f64.powi(-21)] {
        let best = sign_around_one(tau, 1).unwrap();
        assert_eq!(best.error(), tau);
        assert_eq!(best.polynomial(1.0).unwrap().coefficients(), [0.0, 1.0]);
    }
}

/// b x (x^2 - 3 m^2) is equal at the ends for 3 m^2 = lo^2 + lo hi + hi^2, and extremal at m.
#[test]
fn degree_three_has_a_closed_form() {
    for (lo, hi) in [(0.5, 1.0), (1e-3, 7.0), (2.0_f64.powi(-30), 1.0), (0.9, 1.1)] {
        let m = ((lo * lo + lo * hi + hi * hi) / 3.0_f64).sqrt();
        let (ends, top) = (lo * hi * (lo + hi), 2.0 * m * m * m);
        let best = sign(lo, hi, 3).unwrap();
        let complement = 2.0 * ends / (top + ends);
        assert!((best.log2_complement().exp2() / complement - 1.0).abs() < 1e-14, "[{lo}, {hi}]");
        assert!((best.error() - (top - ends) / (top + ends)).abs() < 1e-15, "[{lo}, {hi}]");
    }
}

/// For tau to 0 the error of the best q for 1/sqrt(u) tends to that of Taylor's remainder over T_n:
/// 2 binomial(2n, n) (tau / 4)^n, and the next term is smaller by n tau^2.
#[test]
fn small_errors_tend_to_their_limit() {
    let mut binomial = 0.0;
    for n in 1..=32_u32 {
        binomial += (2.0 * f64::from(2 * n - 1) / f64::from(n)).log2();
        let limit = 1.0 + binomial - f64::from(n) * 23.0;
        let got = sign_around_one(2.0_f64.powi(-21), 2 * n as usize - 1).unwrap().log2_error();
        assert!((got - limit).abs() < 1e-11, "{n}: {got} {limit}");
    }
}

/// The composition for alpha = 30 that two libraries publish.
#[test]
fn a_known_composition_is_found_again() {
    let first = sign(2.0_f64.powi(-30), 1.0, 15).unwrap();
    let scaled = first.polynomial(1.0).unwrap().scaled(1.0 / (1.0 + first.error())).unwrap();
    assert!((scaled.coefficients()[1] - 0.637_146_295_8).abs() < 1e-10);
    let mut last = first;
    for degree in [15, 15, 17, 31, 31, 31, 31] {
        last = sign_with_gap(last.log2_complement().exp2(), degree).unwrap();
    }
    assert!((last.log2_error() + 21.95).abs() < 0.005, "{}", last.log2_error());
}

#[test]
fn errors_grow_with_tau_and_fall_with_the_degree() {
    let table = Table::shipped();
    let odds = |row, degree| table.get(row, degree).unwrap().log2_odds();
    for degree in (3..=63).step_by(2) {
        for row in 1..TAUS {
            // Both halves of the table have tau = 1/2.
            if row == TAUS / 2 {
                assert_eq!(odds(row, degree), odds(row - 1, degree));
            } else {
                assert!(odds(row, degree) > odds(row - 1, degree), "row {row}, degree {degree}");
            }
        }
    }
    for row in 0..TAUS {
        assert!((5..=63).step_by(2).all(|d| odds(row, d) < odds(row, d - 2)), "row {row}");
    }
    assert_eq!(
        (table.get(0, 65), table.get(0, 4), table.get(0, 1), table.get(TAUS, 3)),
        (None, None, None, None)
    );
}

#[test]
fn entries_keep_their_digits_at_both_ends() {
    for (row, degree) in [(0, 63), (100, 31), (200, 3), (201, 15), (300, 31), (401, 3)] {
        let best = if row <= 200 {
            sign_around_one(table::tau(row), degree)
        } else {
            sign_with_gap(table::gap(row), degree)
        };
        let (best, entry) = (best.unwrap(), Table::shipped().get(row, degree).unwrap());
        // A number whose logarithm is rounded in its last digit.
        let tolerance = 1e-15 + best.log2_odds().abs() * f64::EPSILON;
        let close = |a: f64, b: f64| (a - b).abs() <= tolerance * b.abs();
        assert!(close(entry.log2_error(), best.log2_error()), "{row}, {degree}");
        assert!(close(entry.log2_complement(), best.log2_complement()), "{row}, {degree}");
        assert!(close(entry.error(), best.error()), "{row}, {degree}");
        assert_eq!(Entry::from(&best).log2_odds(), best.log2_odds());
    }
}

#[test]
fn a_continued_table_equals_a_whole_one() {
    let whole = include_str!("../data/me.csv");
    // The rows of an interrupted run: all but every 67th.
    let part: String =
        whole.split_inclusive('\n').enumerate().filter(|(i, _)| i % 67 != 10).map(|(_, l)| l).collect();
    let mut draft = Draft::parse(&part).unwrap();
    let missing: Vec<usize> = draft.missing().collect();
    assert_eq!(missing.len(), 6);
    assert!(draft.clone().finish().is_none());
    for row in missing {
        let entries: Vec<Entry> = (0..DEGREES).map(|i| table::compute(row, 2 * i + 3).unwrap()).collect();
        draft.fill(row, &entries.try_into().unwrap());
    }
    assert_eq!(draft.format(), whole);
    assert_eq!(&draft.finish().unwrap(), Table::shipped());
}

#[test]
#[ignore = "every cell of the table: half a minute"]
fn the_whole_table_is_made_again() {
    let mut draft = Draft::default();
    for row in 0..TAUS {
        let entries: Vec<Entry> = (0..DEGREES).map(|i| table::compute(row, 2 * i + 3).unwrap()).collect();
        draft.fill(row, &entries.try_into().unwrap());
    }
    assert_eq!(draft.format(), include_str!("../data/me.csv"));
}

#[test]
fn broken_tables_are_refused() {
    let whole = include_str!("../data/me.csv");
    let row = whole.lines().nth(4).unwrap();
    let head: String = whole.split_inclusive('\n').take(4).collect();
    let refused = |text: String| Draft::parse(&text).unwrap_err();
    assert_eq!(refused(String::new()), Error::OtherTable { line: 1 });
    assert_eq!(refused(whole.replacen(",63\n", ",65\n", 1)), Error::OtherTable { line: 4 });
    assert_eq!(Draft::parse(&head).unwrap().missing().count(), TAUS);
    for (line, words) in [
        (format!("{row}\n{row}"), "no end"),
        (format!("{row}\n{row}\n"), "twice"),
        (format!("{row}\n{}\n", &row[..200]), "twice"),
        (format!("{}\n", &row[..40]), "one number for each"),
        (format!("{row},1\n"), "one number for each"),
        (row.replacen("-42", "x", 1) + "\n", "cannot be read"),
        (row.replacen("-42", "-1e400", 1) + "\n", "cannot be read"),
        (row.replacen("2^-21.0", "2^-21.5", 1) + "\n", "not of the grid"),
        ("\n".to_owned(), "no comma"),
    ] {
        let error = refused(format!("{head}{line}")).to_string();
        let found = error.contains(words) || (words == "twice" && error.contains("one number for each"));
        assert!(found, "{words}: {error}");
    }
}

#[test]
fn wide_and_narrow_intervals_have_an_answer_or_a_reason() {
    let wide = sign(f64::MIN_POSITIVE, 1.0, 31).unwrap();
    assert!((-1025.0..-1010.0).contains(&wide.log2_complement()), "{}", wide.log2_complement());
    let narrow = sign(1.0, 1.0 + f64::EPSILON, 63).unwrap();
    assert!((-1700.0..-1690.0).contains(&narrow.log2_error()), "{}", narrow.log2_error());
    assert!(sign(5e-324, f64::MAX, 7).unwrap().log2_complement() < -2000.0);
    assert!(matches!(sign_around_one(1e-300, 255), Err(Error::TooPrecise { .. })));
    assert!(matches!(sign(-1.0, 1.0, 3), Err(Error::BadGap { .. })));
    assert!(matches!(sign(0.0, 1.0, 3), Err(Error::BadGap { .. })));
    assert!(matches!(sign(1.0, 1.0, 3), Err(Error::BadGap { .. })));
    assert!(matches!(sign(0.5, f64::INFINITY, 3), Err(Error::BadGap { .. })));
    assert!(matches!(sign(f64::NAN, 1.0, 3), Err(Error::BadGap { .. })));
    assert_eq!(sign(0.5, 1.0, 4).unwrap_err(), Error::EvenDegree { degree: 4 });
    assert_eq!(sign(0.5, 1.0, 257).unwrap_err(), Error::DegreeTooHigh { degree: 257, max: 255 });
    for tau in [0.0, 1.0, -0.5, f64::NAN] {
        assert!(matches!(sign_around_one(tau, 3), Err(Error::BadTau { .. })));
        assert!(matches!(sign_with_gap(tau, 3), Err(Error::BadTau { .. })));
    }
    let best = sign(0.5, 1.0, 255).unwrap();
    for scaling in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(best.coefficients(scaling), Err(Error::BadScaling { .. })));
    }
    for scaling in [5e-324, f64::MAX] {
        assert!(matches!(best.coefficients(scaling), Err(Error::TooPrecise { .. })));
        assert!(matches!(best.polynomial(scaling), Err(Error::TooPrecise { .. })));
    }
    assert_eq!(best.error_decimal(100_000).len(), 100_005, "d.d...e-dd");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn cells_of_the_table_are_computed_again(row in 0..TAUS, column in 0..DEGREES) {
        let degree = 2 * column + 3;
        let (shipped, again) = (Table::shipped().get(row, degree).unwrap(), table::compute(row, degree).unwrap());
        prop_assert!((shipped.log2_odds() - again.log2_odds()).abs() <= 1e-14 * again.log2_odds().abs());
    }

    #[test]
    fn the_error_depends_on_the_ratio_of_the_ends(
        lo in 1e-6..0.999_f64, scale in -300..300_i32, degree in (0..24_usize).prop_map(|k| 2 * k + 1),
    ) {
        let (plain, power) = (sign(lo, 1.0, degree).unwrap(), 2.0_f64.powi(scale));
        let scaled = sign(lo * power, power, degree).unwrap();
        prop_assert_eq!(plain.log2_odds(), scaled.log2_odds());
        let (p, q) = (plain.polynomial(1.0).unwrap(), scaled.polynomial(power).unwrap());
        prop_assert_eq!(p.coefficients(), q.coefficients());
        let points: Vec<f64> = plain.reference().iter().map(|x| x * power).collect();
        prop_assert_eq!(points, scaled.reference());
    }

    #[test]
    fn both_spellings_of_tau_agree(k in 1..50_i32, degree in (0..16_usize).prop_map(|k| 2 * k + 1)) {
        let gap = 2.0_f64.powi(-k);
        let (tau, gap) = (sign_around_one(1.0 - gap, degree).unwrap(), sign_with_gap(gap, degree).unwrap());
        prop_assert!((tau.log2_complement() - gap.log2_complement()).abs() < 1e-13 * gap.log2_complement().abs());
        prop_assert!(tau.iterations() <= 12);
    }
}

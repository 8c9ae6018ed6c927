//! Degrees: the inverse of the minimax error, and the compositions that the search finds.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use arras_approx::Error;
use arras_approx::degrees::published::{Agreement, table_1, table_3, table_4};
use arras_approx::degrees::{Choice, Goal, Products, fewest_products, least_depth, least_time, log2_error};
use arras_approx::minimax::table::{TAUS, Table, gap, tau};
use arras_approx::minimax::{
    Inverse, Minimax, Odds, inverse, inverse_binary, sign_around_one, sign_with_gap,
};
use proptest::prelude::*;

/// The best approximation on [1 - t, 1 + t].
fn best(t: Odds, degree: usize) -> Minimax {
    if t.log2() < 0.0 { sign_around_one(t.value(), degree) } else { sign_with_gap(t.complement(), degree) }
        .unwrap()
}

fn compare(alpha: f64, max_degree: usize) -> Goal {
    Goal::new(alpha, (-alpha).exp2(), max_degree).unwrap()
}

fn fewest(goal: &Goal, depth: u32) -> Choice {
    fewest_products(goal, depth, &Products::published()).unwrap()
}

#[test]
fn the_inverse_of_the_table_is_the_table() {
    let table = Table::shipped();
    let curves = Inverse::new(table);
    for degree in (3..=63).step_by(2) {
        for row in 0..TAUS {
            let error = Odds::from_log2(table.get(row, degree).unwrap().log2_odds());
            let back = curves.at(error, degree).unwrap().log2();
            let odds = tau(row).log2() - gap(row).log2();
            assert!((back - odds).abs() < 1e-9, "degree {degree}, row {row}: {back} for {odds}");
        }
    }
    assert_eq!(curves.at(Odds::from_log2(0.0), 4), None);
    assert_eq!(curves.at(Odds::from_log2(0.0), 65), None);
    assert_eq!(inverse(table, 0.0, 3), None);
    assert_eq!(inverse(table, 1.0, 3), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Between the rows of the table, and beyond its ends at 21.
    #[test]
    fn the_inverse_undoes_the_error(half in 1_usize..=31, odds in -50.0..50.0_f64) {
        let degree = 2 * half + 1;
        let error = Odds::from_log2(best(Odds::from_log2(odds), degree).log2_odds());
        let back = Inverse::new(Table::shipped()).at(error, degree).unwrap().log2();
        prop_assert!((back - odds).abs() < 4e-5, "{back} for {odds}");
        if odds.abs() < 21.0 {
            prop_assert!((back - odds).abs() < 1e-6, "{back} for {odds}");
        }
    }

    #[test]
    fn odds_keep_both_ends(log2 in -50.0..50.0_f64) {
        let odds = Odds::from_log2(log2);
        prop_assert!((Odds::of(odds.value().min(odds.complement())).unwrap().log2() + log2.abs()).abs() < 1e-9);
        prop_assert!((Odds::of_complement(odds.complement()).unwrap().log2() - log2).abs() < 4.0 / odds.value().min(odds.complement()) * 1e-16);
        prop_assert_eq!(odds.moved(0.0), Some(odds));
        prop_assert_eq!(odds.moved(odds.complement() * 1.01), None);
        prop_assert_eq!(odds.moved(-odds.value() * 1.01), None);
    }
}

#[test]
fn the_binary_search_agrees_with_the_table() {
    for (error, degree) in [(1e-3, 3), (0.1, 7), (0.5, 15), (0.97, 27), (0.9999, 31), (0.2, 63)] {
        let fast = inverse(Table::shipped(), error, degree).unwrap();
        let slow = inverse_binary(error, degree, 32).unwrap();
        let differ = Odds::of(fast).unwrap().log2() - Odds::of(slow).unwrap().log2();
        assert!(differ.abs() < 1e-6, "{fast} and {slow} for an error of {error} at degree {degree}");
    }
    assert_eq!(inverse_binary(1.5, 3, 8), Err(Error::BadError { error: 1.5 }));
    assert_eq!(inverse_binary(0.5, 4, 8), Err(Error::EvenDegree { degree: 4 }));
}

#[test]
fn the_published_optima_come_out() {
    assert!(table_3().unwrap().iter().chain(&table_4().unwrap()).all(|row| row.agreement == Agreement::Same));
    for row in table_1() {
        if [17, 21, 33].contains(&row.degree) {
            assert!(matches!(row.agreement, Agreement::Explained(_)), "{row:?}");
            assert_eq!((row.ours.0, row.ours.1 + 1), row.published);
        } else {
            assert_eq!(row.agreement, Agreement::Same, "{row:?}");
        }
    }
}

/// The sets of Lee, Lee, Kim and No (2022), tables 7 and 8, for the fewest products at no less than the least depth.
///
/// Four sets lack a 7 in the text of the tables: as they stand they use three levels fewer than their depth and miss their
/// error by far, and with the 7 they are the optima.
#[test]
fn deeper_optima_come_out_too() {
    let whole: [(f64, Option<f64>, u32, &[usize]); 14] = [
        (8.0, None, 11, &[7, 15, 15]),
        (12.0, None, 16, &[15, 15, 15, 15]),
        (12.0, None, 17, &[7, 7, 7, 13, 13]),
        (12.0, None, 18, &[3, 5, 7, 7, 7, 13]),
        (16.0, None, 21, &[15, 15, 15, 15, 27]),
        (16.0, None, 22, &[7, 7, 7, 13, 13, 27]),
        (16.0, None, 23, &[5, 7, 7, 7, 7, 13, 13]),
        (20.0, None, 25, &[29, 31, 31, 31, 31]),
        (20.0, None, 26, &[13, 15, 15, 15, 27, 27]),
        (8.0, Some(12.0), 9, &[3, 7, 7]),
        (12.0, Some(15.0), 14, &[5, 7, 7, 15]),
        (16.0, Some(19.0), 18, &[7, 7, 7, 15, 15]),
        (20.0, Some(21.0), 22, &[15, 15, 15, 15, 27]),
        (20.0, Some(21.0), 23, &[7, 7, 7, 13, 13, 27]),
    ];
    let short: [(f64, Option<f64>, u32, &[usize]); 4] = [
        (20.0, None, 27, &[7, 7, 7, 7, 7, 15, 27]),
        (20.0, None, 28, &[5, 7, 7, 7, 7, 7, 7, 15]),
        (16.0, Some(19.0), 19, &[3, 7, 7, 7, 13]),
        (20.0, Some(21.0), 24, &[5, 7, 7, 7, 7, 23]),
    ];
    let optimum = |alpha: f64, zeta: Option<f64>, depth| {
        let goal = zeta.map_or_else(|| compare(alpha, 31), |z| Goal::for_max(alpha, z, 31).unwrap());
        (goal, fewest(&goal, depth))
    };
    for (alpha, zeta, depth, degrees) in whole {
        let (_, found) = optimum(alpha, zeta, depth);
        assert_eq!((found.depth, found.degrees.as_slice()), (depth, degrees));
    }
    for (alpha, zeta, depth, printed) in short {
        let (goal, found) = optimum(alpha, zeta, depth);
        let mut whole = [printed, &[7]].concat();
        whole.sort_unstable();
        assert_eq!((found.depth, &found.degrees), (depth, &whole));
        assert!(log2_error(goal.epsilon(), printed, 0.0).unwrap().unwrap() > 5.0 - alpha);
    }
}

/// Sign with error 2^-t from a gap of 2^-a, as depth and products.
#[test]
fn gaps_beyond_the_table_are_reached() {
    let known = [(9, 12, 13, 26), (13, 16, 18, 36), (17, 16, 22, 46), (25, 16, 30, 71), (33, 16, 39, 87)];
    for (a, t, depth, mults) in known {
        let goal = Goal::new(f64::from(t) + 1.0, 2.0_f64.powi(-a), 31).unwrap();
        let found = fewest(&goal, least_depth(&goal).unwrap());
        assert_eq!((found.depth, found.mults), (depth, mults), "{found:?}");
        assert!(found.log2_error <= f64::from(-t));
    }
}

#[test]
fn a_composition_has_the_error_that_is_reported() {
    let goal = compare(9.0, 63);
    let found = fewest(&goal, 12);
    assert_eq!(found.degrees, [55, 55]);
    let first = arras_approx::minimax::sign(goal.epsilon(), 1.0, 55).unwrap();
    let last = sign_around_one(first.error(), 55).unwrap();
    assert!((found.log2_error - last.log2_error()).abs() < 1e-9);
    assert_eq!(log2_error(goal.epsilon(), &[55, 55], 0.0).unwrap(), Some(found.log2_error));
}

/// Every ordered list of degrees within so many levels, with its exact error: the oracle of the search.
fn every(
    goal: &Goal,
    depth: u32,
    cost: &dyn Fn(usize, u32) -> f64,
) -> impl Iterator<Item = (f64, Vec<usize>)> {
    fn extend(
        goal: &Goal,
        left: u32,
        domain: Option<Odds>,
        degrees: &mut Vec<usize>,
        out: &mut Vec<Vec<usize>>,
    ) {
        for degree in (3..=goal.max_degree()).step_by(2) {
            let levels = degree.ilog2() + 1;
            if levels > left {
                continue;
            }
            let next = domain.map_or_else(
                || arras_approx::minimax::sign(goal.epsilon(), 1.0, degree).unwrap(),
                |domain| best(domain, degree),
            );
            let Some(error) = Odds::from_log2(next.log2_odds()).moved(goal.margin()) else { continue };
            degrees.push(degree);
            if error.value().log2() <= 1.0 - goal.alpha() {
                out.push(degrees.clone());
            }
            extend(goal, left - levels, Some(error), degrees, out);
            degrees.pop();
        }
    }
    let mut all = Vec::new();
    extend(goal, depth, None, &mut Vec::new(), &mut all);
    let price = |degrees: &Vec<usize>| {
        let (mut level, mut sum) = (0, 0.0);
        for &degree in degrees.iter().rev() {
            level += degree.ilog2() + 1;
            sum += cost(degree, level);
        }
        sum
    };
    all.into_iter().map(|degrees| (price(&degrees), degrees)).collect::<Vec<_>>().into_iter()
}

#[test]
fn no_composition_is_better_than_the_fewest_products() {
    for (alpha, epsilon, max_degree, margin) in
        [(4.0, 0.1, 15, 0.0), (5.5, 0.03, 15, 1e-3), (3.0, 0.02, 7, 0.0), (9.0, 0.3, 31, 1e-4)]
    {
        let goal = Goal::new(alpha, epsilon, max_degree).unwrap().with_margin(margin).unwrap();
        let products = Products::published();
        let cost = |degree, _| f64::from(products.of(degree).unwrap());
        let least = least_depth(&goal).unwrap();
        assert_eq!(every(&goal, least - 1, &cost).count(), 0);
        for depth in least..=least + 2 {
            let fewest_of_all =
                every(&goal, depth, &cost).map(|(cost, _)| cost).fold(f64::INFINITY, f64::min);
            assert!((f64::from(fewest(&goal, depth).mults) - fewest_of_all).abs() < 1e-9);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn no_composition_is_better_than_the_least_time(costs in prop::collection::vec(1.0..100.0_f64, 7 * 12)) {
        let goal = compare(4.5, 15);
        let cost = |degree: usize, level: u32| costs[(degree - 3) / 2 * 12 + level as usize - 1];
        let depth = least_depth(&goal).unwrap() + 2;
        let found = least_time(&goal, depth, &cost).unwrap();
        let (least, degrees) = every(&goal, depth, &cost).min_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
        prop_assert!((found.cost - least).abs() < 1e-9, "{found:?} and {degrees:?} at {least}");
        prop_assert_eq!(found.depth, found.degrees.iter().map(|d| d.ilog2() + 1).sum::<u32>());
    }
}

#[test]
fn time_prefers_high_degrees_at_low_levels() {
    let steep =
        |degree: usize, level: u32| f64::from(Products::planned().of(degree).unwrap() * level * level);
    let found = least_time(&compare(20.0, 63), 28, &steep).unwrap();
    assert!(found.degrees.is_sorted(), "{found:?}");
    // The last level is that of the final product, and the stages above it pay for one level more.
    let goal = Goal::for_max(13.0, 16.0, 31).unwrap();
    let found = least_time(&goal, 14, &steep).unwrap();
    let mut level = found.depth;
    let paid = found.degrees.iter().map(|&degree| {
        let at = level;
        level -= degree.ilog2() + 1;
        steep(degree, at)
    });
    assert!((found.cost - paid.sum::<f64>()).abs() < 1e-9);
    assert_eq!(level, 1);
}

#[test]
fn margins_are_paid_for() {
    let goal = compare(8.0, 31);
    let tight = goal.with_margin(2.0_f64.powi(-9)).unwrap();
    let (plain, found) = (fewest(&goal, 14), fewest(&tight, 14));
    assert!(found.mults > plain.mults, "{found:?} and {plain:?}");
    assert_eq!(log2_error(tight.epsilon(), &found.degrees, tight.margin()).unwrap(), Some(found.log2_error));
    assert!(found.log2_error <= -7.0);
    assert!(log2_error(tight.epsilon(), &plain.degrees, tight.margin()).unwrap().is_none_or(|e| e > -7.0));
}

#[test]
fn what_is_out_of_reach_is_refused() {
    let goal = compare(9.0, 63);
    let refused = fewest_products(&goal, 11, Products::planned()).unwrap_err();
    assert_eq!(refused, Error::DepthTooSmall { depth: 11, least: Some(12) });
    assert!(refused.to_string().ends_with("within depth 11; depth 12 would do"));
    let max = Goal::for_max(13.0, 16.0, 31).unwrap();
    assert_eq!(
        fewest_products(&max, 0, Products::planned()).unwrap_err(),
        Error::DepthTooSmall { depth: 0, least: Some(14) }
    );
    assert!(matches!(fewest_products(&goal, 129, Products::planned()), Err(Error::DepthTooLarge { .. })));
    assert!(matches!(least_time(&goal, 12, &|_, _| f64::NAN), Err(Error::BadCost { .. })));
    assert!(matches!(least_time(&goal, 12, &|_, _| 0.0), Err(Error::BadCost { .. })));
    for alpha in [f64::NAN, f64::INFINITY, 1.0, -3.0, 50.5] {
        assert!(matches!(Goal::new(alpha, 0.5, 31), Err(Error::BadAlpha { .. })), "{alpha}");
    }
    for epsilon in [f64::NAN, 0.0, -0.1, 1.0, 2.0, 1e-16] {
        assert!(matches!(Goal::new(8.0, epsilon, 31), Err(Error::BadEpsilon { .. })), "{epsilon}");
    }
    for degree in [0, 1, 2, 32, 65, usize::MAX] {
        assert!(matches!(Goal::new(8.0, 0.5, degree), Err(Error::BadMaxDegree { .. })), "{degree}");
    }
    for zeta in [f64::NAN, f64::INFINITY, 0.0, -1.0] {
        assert!(matches!(Goal::for_max(8.0, zeta, 31), Err(Error::BadZeta { .. })), "{zeta}");
    }
    assert!(matches!(Goal::for_max(8.0, 256.0, 31), Err(Error::BadEpsilon { .. })));
    for margin in [f64::NAN, -1e-9, 2.0_f64.powi(-8)] {
        assert!(matches!(goal.with_margin(margin), Err(Error::MarginTooLarge { .. })));
    }
}

/// The hardest goals that are allowed are reached, with polynomials of degree 3 alone.
#[test]
fn every_goal_is_reached() {
    let goal = Goal::new(50.0, 2.0_f64.powi(-50), 3).unwrap();
    let depth = least_depth(&goal).unwrap();
    let found = fewest(&goal, depth);
    assert!(found.degrees.iter().all(|&d| d == 3) && found.log2_error <= -49.0, "{found:?}");
    assert_eq!(fewest(&Goal::new(1.01, 0.9, 3).unwrap(), 2).degrees, [3]);
}

//! Prices: sums made by hand, and what a price has to do with counts.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

use arras_approx::Polynomial;
use arras_circuits::{Arith, Op, Trace, Tracer};
use arras_plan::{Chain, Error, Operation, Rows};

/// Costs of all operations by name, each times the level.
fn chain(depth: u32, costs: &[(Operation, f64)]) -> Chain {
    let row = |operation| {
        let cost = costs.iter().find(|(name, _)| *name == operation).map_or(0.0, |(_, cost)| *cost);
        (1..=depth).map(|level| cost * f64::from(level)).collect()
    };
    Chain::new(depth, 1, 1, 100.0, Operation::ALL.map(|operation| (operation, row(operation))).into())
        .unwrap()
}

/// Each operation has a digit of its own in the price.
fn digits() -> Chain {
    chain(
        9,
        &[
            (Operation::Product, 1e0),
            (Operation::Relinearise, 1e3),
            (Operation::RelineariseRescale, 1e6),
            (Operation::Rescale, 1e9),
            (Operation::ScalarProduct, 1e12),
        ],
    )
}

#[test]
fn a_trace_by_hand() {
    let counts = [
        ((Op::Product, 3), 4),
        // Two of three rescales end a relinearisation.
        ((Op::Relinearise, 3), 2),
        ((Op::Rescale, 3), 3),
        // One of three relinearisations is followed by a rescale.
        ((Op::Relinearise, 1), 3),
        ((Op::Rescale, 1), 1),
        ((Op::ScalarProduct, 2), 7),
    ];
    let trace = Trace { counts: counts.into(), ..Trace::default() };
    let expected = 3.0 * (4.0 + 2e6 + 1e9) + (1e6 + 2e3) + 2.0 * 7e12;
    assert_eq!(digits().price(&trace), Ok(expected));
    assert_eq!(chain(2, &[]).price(&trace), Err(Error::NoLevel { level: 3, depth: 2 }));
}

#[test]
fn rotations_share_one_decomposition_at_a_level() {
    let chain = chain(
        4,
        &[
            (Operation::Rotate, 1.0),
            (Operation::Hoist, 1e3),
            (Operation::HoistedRotate, 1e6),
            (Operation::PlainProduct, 1e9),
        ],
    );
    let counts =
        [((Op::Rotate, 2), 3), ((Op::HoistedRotate, 4), 5), ((Op::PlainProduct, 4), 6), ((Op::Rotate, 0), 1)];
    let trace = Trace { counts: counts.into(), ..Trace::default() };
    assert_eq!(chain.price(&trace), Ok(2.0 * 3.0 + 4.0 * (1e3 + 5e6 + 6e9) + 1.0));
}

/// The price of a polynomial's plan, and that of its trace.
fn both(chain: &Chain, p: &Polynomial, level: u32) -> (f64, f64) {
    let tracer = Tracer::new(8, level).unwrap();
    let out = tracer.poly(&tracer.input(), p).unwrap();
    (chain.plan(&p.plan(), level).unwrap(), chain.price(&tracer.trace(&[out])).unwrap())
}

/// All odd terms, and none that cancel when the plan divides by a power.
fn odd(degree: usize) -> Polynomial {
    Polynomial::unit((0..=degree).map(|k| if k % 2 == 1 { 0.9f64.powi(k as i32) } else { 0.0 }).collect())
        .unwrap()
}

#[test]
fn a_plan_and_its_trace_pay_for_the_same_operations() {
    for p in (1..=63).step_by(2).map(odd).chain([
        Polynomial::unit(vec![0.5; 30]).unwrap(),
        Polynomial::unit(vec![0.0, 0.0, 1.0]).unwrap(),
        Polynomial::unit(vec![0.5]).unwrap(),
    ]) {
        for level in p.depth()..=9 {
            // Sums cost nothing here: what is left is what a trace counts.
            let (plan, trace) = both(&digits(), &p, level);
            assert_eq!(plan, trace, "degree {} at level {level}", p.degree());
        }
    }
}

#[test]
fn sums_by_hand() {
    let sums = chain(9, &[(Operation::Add, 1.0)]);
    // Degree 3 at level 5: T_1 is copied and squared; x (2 T_2 + ..) has one split, at level 4.
    let degree_3 = 5.0 * (0.35 + 0.9) + 4.0 * 0.45;
    assert!((sums.plan(&odd(3).plan(), 5).unwrap() - degree_3).abs() < 1e-9);
    // A chain of T_1 alone has a leaf and nothing else: the copy remains.
    assert!((sums.plan(&odd(1).plan(), 5).unwrap() - 5.0 * 0.35).abs() < 1e-9);
}

#[test]
fn prices_of_odd_polynomials() {
    let chain = digits();
    let prices = chain.odd_prices(15).unwrap();
    for degree in 0..=17 {
        for level in 0..=10 {
            let price = prices.at(degree, level);
            let depth = (degree + 1).next_power_of_two().trailing_zeros();
            if degree % 2 == 1 && degree <= 15 && (depth..=9).contains(&level) {
                assert_eq!(price, chain.plan(&odd(degree).plan(), level).unwrap());
                assert!(price > 0.0);
            } else {
                assert_eq!(price, f64::INFINITY, "degree {degree} at level {level}");
            }
        }
    }
    assert!(matches!(chain.plan(&odd(15).plan(), 3), Err(Error::NoLevel { .. })));
    assert!(matches!(chain.plan(&odd(3).plan(), 10), Err(Error::NoLevel { level: 10, depth: 9 })));
}

#[test]
fn a_refresh_is_paid_for_what_it_does() {
    let refresh = Trace { counts: [((Op::Product, 2), 3)].into(), ..Trace::default() };
    let counts = [((Op::Product, 3), 4), ((Op::Refresh, 1), 5)];
    let trace = Trace { counts: counts.into(), ..Trace::default() };
    assert_eq!(digits().price_refreshed(&trace, &refresh), Ok(3.0 * 4.0 + 5.0 * (2.0 * 3.0)));
    assert_eq!(digits().price(&trace), Err(Error::Refreshes { count: 5 }));
    assert_eq!(digits().price_refreshed(&trace, &trace), Err(Error::Refreshes { count: 5 }));
}

#[test]
fn a_measured_chain_goes_on_as_a_model_does() {
    // Twice as dear as the model at level 2, and so above it.
    let measured = chain(2, &[(Operation::Product, 2.0), (Operation::Rotate, 5.0)]);
    let model =
        Chain::modelled(16, 800.0, &[1, 2, 3, 4].map(|main| Rows { main, digits: 1, special: 1 })).unwrap();
    let longer = measured.extended(&model).unwrap();
    assert_eq!(longer.depth(), 4);
    for (level, cost) in [(1, 2.0), (2, 4.0), (3, 6.0), (4, 8.0)] {
        let have = longer.cost(Operation::Product, level).unwrap();
        assert!((have - cost).abs() < 1e-9, "{have} for {cost}");
    }
    assert!(model.extended(&measured).is_err());
}

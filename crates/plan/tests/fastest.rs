//! The fastest composition: no slower than any other, and on the right chain.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use arras_approx::degrees::{Goal, Products, fewest_products, least_depth};
use arras_plan::{Chain, CostTable, Error, Machine, Operation, Ring};

/// Chains of these depths, on which an operation costs a fixed part, and parts for its level and for the whole chain.
fn table(depths: &[u32], whole: f64) -> CostTable {
    let machine = Machine { cpu: "abacus".to_owned(), kernel: "beads".to_owned(), threads: 1 };
    let ring = Ring { log_degree: 16, base_bits: 60, scale_bits: 50, security: 128 };
    let mut table = CostTable::new(machine, ring);
    for &depth in depths {
        let row = |weight: f64| {
            (1..=depth)
                .map(|level| weight * (1.0 + f64::from(level * level) + whole * f64::from(depth)))
                .collect()
        };
        let weight = |operation| {
            let heavy = [(Operation::RelineariseRescale, 1.0), (Operation::Product, 0.2)];
            heavy.into_iter().find(|&(name, _)| name == operation).map_or(0.02, |(_, weight)| weight)
        };
        let costs = Operation::ALL.map(|operation| (operation, row(weight(operation))));
        table.insert(Chain::new(depth, 1, 1, 100.0, costs.into()).unwrap());
    }
    table
}

fn compare(alpha: f64) -> Goal {
    Goal::new(alpha, (-alpha).exp2(), 63).unwrap()
}

#[test]
fn nothing_that_the_search_for_products_finds_is_faster() {
    let depths: Vec<u32> = (5..=28).collect();
    let table = table(&depths, 3.0);
    for alpha in [8.0, 16.0] {
        let goal = compare(alpha);
        let least = least_depth(&goal).unwrap();
        let mut last = f64::INFINITY;
        for depth in (least..=28).step_by(3) {
            let fastest = table.fastest(&goal, depth).unwrap();
            let fewest = fewest_products(&goal, depth, Products::planned()).unwrap();
            let (chain, price) = table.price_of(&fewest.degrees, 0).unwrap();
            assert_eq!(chain, fewest.depth);
            assert!(fastest.milliseconds <= price + 1e-9, "{fastest:?} and {fewest:?} in {price}");
            assert!(fastest.milliseconds <= last, "more levels are no worse");
            last = fastest.milliseconds;
            // Every level costs more on a longer chain, so the chain is as long as the composition is deep.
            assert_eq!(fastest.chain, fastest.choice.depth);
            let again = table.price_of(&fastest.choice.degrees, 0).unwrap();
            assert!((again.1 - fastest.milliseconds).abs() < 1e-9 && again.0 == fastest.chain);
        }
    }
}

#[test]
fn max_leaves_a_level() {
    let goal = Goal::for_max(13.0, 16.0, 31).unwrap();
    let table = table(&[14], 0.0);
    let fastest = table.fastest(&goal, 14).unwrap();
    assert_eq!((fastest.chain, fastest.choice.depth), (14, 14));
    assert!((table.price_of(&fastest.choice.degrees, 1).unwrap().1 - fastest.milliseconds).abs() < 1e-9);
}

#[test]
fn what_is_too_short_is_refused() {
    let goal = compare(9.0);
    let refused = table(&[11, 12], 0.0).fastest(&goal, 11).unwrap_err();
    assert_eq!(refused, Error::Polynomial(arras_approx::Error::DepthTooSmall { depth: 11, least: Some(12) }));
    assert!(matches!(table(&[9, 20], 0.0).fastest(&goal, 14), Err(Error::NoChain { depth: 14, .. })));
    assert!(matches!(table(&[9], 0.0).price_of(&[55, 55], 0), Err(Error::NoChain { depth: 12, .. })));
}

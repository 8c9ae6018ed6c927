//! The model of costs beside what was measured.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use arras_plan::{Chain, CostTable, Operation, Rows};

/// Rows of a chain of 128 bits of security: the base is two primes, and every digit has as many primes as the first.
fn rows(chain: &Chain) -> Vec<Rows> {
    let top = chain.depth() as usize + 2;
    let digit = top.div_ceil(chain.digits() as usize);
    let special = chain.special_primes() as usize;
    (3..=top).map(|main| Rows { main, digits: main.div_ceil(digit), special: special.min(main) }).collect()
}

#[test]
fn it_is_near_to_what_was_measured() {
    let text = include_str!("../../../calibration/amd-epyc-family-26-model-2.json");
    let table = CostTable::parse(text).unwrap();
    let (mut sum, mut count, mut worst) = (0.0, 0.0, 1.0f64);
    for depth in table.depths() {
        let measured = table.chain(depth).unwrap();
        let model = Chain::modelled(table.ring().log_degree, measured.log2_qp(), &rows(measured)).unwrap();
        assert_eq!((model.depth(), model.digits()), (depth, measured.digits()));
        for operation in [Operation::RelineariseRescale, Operation::Rescale, Operation::Rotate] {
            for level in 1..=depth {
                let ratio = model.cost(operation, level).unwrap() / measured.cost(operation, level).unwrap();
                sum += (ratio - 1.0).powi(2);
                count += 1.0;
                worst = worst.max(ratio.max(1.0 / ratio));
            }
        }
    }
    let deviation: f64 = (sum / count).sqrt();
    assert!(deviation < 0.1, "{deviation}");
    assert!(worst < 1.5, "{worst}");
}

#[test]
fn a_ring_of_twice_the_degree_takes_a_little_more_than_twice_as_long() {
    let rows = [Rows { main: 3, digits: 1, special: 3 }];
    let cost = |log_degree| {
        let chain = Chain::modelled(log_degree, 300.0, &rows).unwrap();
        chain.cost(Operation::Rescale, 1).unwrap()
    };
    assert!((cost(16) / cost(15) - 2.0 * 16.0 / 15.0).abs() < 1e-12);
    assert!((cost(16) - 0.618).abs() < 1e-12);
}

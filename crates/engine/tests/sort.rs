//! The order of encrypted integers: exact, and counted as traced.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod common;

use arras_approx::Composite;
use arras_approx::degrees::{Goal, Products, fewest_products, least_depth};
use arras_apps::sort::Mode;
use arras_apps::{Need, Prepared, Program, Sort};
use arras_circuits::Sign;
use arras_client::TaskClient;
use arras_engine::{Engine, Error};
use arras_testkit::rng;
use common::{Toy, keys_of};

/// Signs for the needs of a program whose arguments stray by a quarter of their gap.
fn prepared(sort: Sort) -> Prepared<Sort> {
    let sign = |need: Need| {
        let Need::Step { gap, error } = need else { panic!("sorting takes steps") };
        let goal = Goal::new(1.0 - error.log2(), gap, 63).unwrap().with_input_margin(gap / 4.0).unwrap();
        let degrees =
            fewest_products(&goal, least_depth(&goal).unwrap(), Products::planned()).unwrap().degrees;
        let built = Composite::build(gap, gap / 4.0, &degrees, &mut |_, _| 0.0).unwrap();
        Sign::new(built.polynomials()).unwrap()
    };
    let signs = sort.needs().into_iter().map(sign).collect();
    Prepared::new(sort, signs, vec![0.3; sort.outputs().len()], None).unwrap()
}

/// Equal values in places far apart, neighbours, and both ends of the range.
const VALUES: [u64; 7] = [7, 0, 15, 7, 8, 15, 7];

#[test]
fn encrypted_orders_are_exact_and_counted_as_traced() {
    let cases = [
        (Mode::Sort, 64),
        (Mode::Sort, 16),
        (Mode::Rank, 32),
        (Mode::Top(3), 64),
        (Mode::Top(7), 16),
        (Mode::Median, 32),
    ];
    for (mode, slots) in cases {
        let task = prepared(Sort::new(mode, 4, VALUES.len(), slots).unwrap());
        let trace = task.trace().unwrap();
        let toy = Toy::new(9, trace.depth);
        let engine = Engine::danger_insecure_new(&toy.params, toy.keys(&keys_of(&trace))).unwrap();
        let client = TaskClient::new(&task, &toy.params, &toy.secret).unwrap();
        let values = VALUES.to_vec();
        let answer =
            engine.run_task(&task, client.seal(&values, &mut rng(4)).unwrap(), &mut |_, _| true).unwrap();
        assert_eq!(engine.counts(), trace.counts, "{mode:?} {slots}");
        assert_eq!(client.open(&answer).unwrap(), task.program().exact(&values), "{mode:?} {slots}");
    }
}

#[test]
fn what_was_sealed_for_one_order_is_not_run_as_another() {
    let task = |mode| prepared(Sort::new(mode, 2, 2, 4).unwrap());
    let (sorted, ranked) = (task(Mode::Sort), task(Mode::Rank));
    let trace = sorted.trace().unwrap();
    let toy = Toy::new(9, trace.depth);
    let engine = Engine::danger_insecure_new(&toy.params, toy.keys(&keys_of(&trace))).unwrap();
    let sealed = TaskClient::new(&sorted, &toy.params, &toy.secret).unwrap().seal(&vec![1, 0], &mut rng(4));
    let refused = engine.run_task(&ranked, sealed.unwrap(), &mut |_, _| true).unwrap_err();
    assert!(matches!(refused, Error::App(arras_apps::Error::Label)), "{refused}");
}

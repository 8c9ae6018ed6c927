//! The choice between ways, its turns, and what is said of both.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use arras_plan::bitwise::{Measured, Step};
use arras_plan::sok::Work;
use arras_plan::{
    Aim, Bytes, Candidate, Choice, Costs, Error, Growth, Method, Need, Parameters, Refused, choose,
};
use proptest::prelude::*;

fn ckks(seconds: f64, growth: Growth) -> Candidate {
    Candidate {
        method: Method::Ckks,
        exact: true,
        parameters: Parameters { n: 1 << 15, log2_qp: 830.0, levels: 18, security_bits: 128 },
        growth,
        seconds,
        refreshes: 0,
        bytes: Bytes { sealed: 9_000_000, answer: 400_000, keys: 97_000_000 },
        failure_log2: -40.0,
        costs: Costs::Modelled,
    }
}

fn need(work: Work, values: usize) -> Need {
    Need { work, bits: 8, values, exact: true, aim: Aim::Latency }
}

fn tfhe(step: Step) -> Candidate {
    Measured::of(step, 8).unwrap().each(1)
}

fn method(need: &Need, ways: &[Candidate]) -> Method {
    choose(need, ways, &[]).unwrap().best.method
}

/// By the recorded 0.122 s for a value of W2 and a run of CKKS in half a second.
#[test]
fn a_handful_of_values_goes_to_tfhe_and_thousands_to_ckks() {
    let ways = [ckks(0.5, Growth::Batches(1 << 14)), tfhe(Step::W2)];
    assert_eq!(method(&need(Work::W2, 1), &ways), Method::Tfhe);
    assert_eq!(method(&need(Work::W2, 4096), &ways), Method::Ckks);
    let choice = choose(&need(Work::W2, 1), &ways, &[]).unwrap();
    assert_eq!(choice.turns.len(), 1);
    let turn = choice.turns[0];
    assert_eq!((turn.from, turn.to), (Method::Tfhe, Method::Ckks));
    assert_eq!(turn.values, (0.5 / tfhe(Step::W2).seconds).floor() as usize + 1);
    let text = choice.explain();
    for words in [
        "w2, 8 bits, 1 value, exact",
        ": tfhe",
        "N = 2048",
        "9 refreshes",
        "not ckks (0.500 s)",
        "turns at 5 values",
    ] {
        assert!(text.contains(words), "no \"{words}\" in {text}");
    }
}

#[test]
fn throughput_counts_full_batches() {
    let ways = [ckks(0.5, Growth::Batches(1 << 14)), tfhe(Step::W2)];
    let choice = choose(&Need { aim: Aim::Throughput, ..need(Work::W2, 1) }, &ways, &[]).unwrap();
    assert_eq!(choice.best.method, Method::Ckks);
    assert!((choice.best.amortised_ms - 500.0 / 16384.0).abs() < 1e-12);
    // All there is takes one run.
    assert!((choice.best.seconds - 0.5).abs() < 1e-12);
}

#[test]
fn approximate_ways_are_taken_only_where_they_may_be() {
    let rough = Candidate { exact: false, ..ckks(0.1, Growth::Batches(1 << 14)) };
    let ways = [ckks(0.5, Growth::Batches(1 << 14)), rough];
    let exact = choose(&need(Work::W3, 9), &ways, &[]).unwrap();
    assert!(exact.best.exact && exact.lost[0].why.contains("not exact"));
    let any = choose(&Need { exact: false, ..need(Work::W3, 9) }, &ways, &[]).unwrap();
    assert!(!any.best.exact && any.explain().contains("ckks, approximate"));
    assert_eq!(any.lost[0].why, "it takes 5.00 times as long");
}

#[test]
fn an_array_is_sorted_by_the_plan_of_its_size() {
    let sizes = [(4, 1.0), (8, 2.0), (16, 3.0)];
    let mut ways: Vec<Candidate> = sizes.map(|(most, seconds)| ckks(seconds, Growth::Whole(most))).into();
    ways.push(Measured::of(Step::Exchange, 8).unwrap().network());
    let choice = choose(&need(Work::Sort, 7), &ways, &[]).unwrap();
    assert_eq!((choice.best.method, choice.best.seconds), (Method::Ckks, 2.0));
    // Only the other method lost; the other sizes were no rivals.
    assert_eq!(choice.lost.iter().map(|lost| lost.method).collect::<Vec<_>>(), [Method::Tfhe]);
    // 0.3 s a comparator: 3 elements take 3, and 4 elements 5.
    assert_eq!(choice.turns.iter().map(|turn| turn.values).collect::<Vec<_>>(), [4]);
    assert_eq!(method(&need(Work::Sort, 3), &ways), Method::Tfhe);
    // The one that is compared is the cheapest that is large enough.
    let three = choose(&need(Work::Sort, 3), &ways, &[]).unwrap();
    assert_eq!(three.lost.iter().map(|lost| lost.seconds).collect::<Vec<_>>(), [Some(1.0)]);
    let many = choose(&need(Work::Sort, 17), &ways, &[]).unwrap();
    assert_eq!(many.lost.len(), 1);
    assert_eq!(many.lost[0].why, "it does not take 17 elements");
    // Beyond the largest plan only the network is left.
    assert_eq!(method(&need(Work::Sort, 17), &ways), Method::Tfhe);
}

#[test]
fn what_cannot_be_chosen_is_said() {
    let ways = [ckks(0.5, Growth::Whole(8))];
    assert_eq!(choose(&need(Work::W1, 0), &ways, &[]).unwrap_err(), Error::NoValues);
    assert_eq!(
        choose(&need(Work::Sort, 9), &ways, &[]).unwrap_err(),
        Error::NoCandidate { values: 9, unit: "elements" }
    );
    for value in [0.0, -1.0, f64::INFINITY] {
        let bad = [ckks(value, Growth::Whole(8))];
        let error = Error::CandidateCost { method: "ckks", value };
        assert_eq!(choose(&need(Work::Sort, 2), &bad, &[]).unwrap_err(), error);
    }
    let refused = [Refused { method: Method::Ckks, why: "no chain is deep enough".to_owned() }];
    let choice = choose(&need(Work::W1, 5), &[tfhe(Step::W1)], &refused).unwrap();
    assert!(choice.explain().contains("not ckks: no chain is deep enough"));
    assert!(choice.turns.is_empty());
}

#[test]
fn failures_and_bytes_add_up() {
    let ways = [tfhe(Step::W1)];
    let at = |values| -> Choice { choose(&need(Work::W1, values), &ways, &[]).unwrap() };
    let (one, many) = (at(1), at(1024));
    assert!((many.best.failure_log2 - one.best.failure_log2 - 10.0).abs() < 1e-9);
    assert_eq!(many.best.bytes.sealed, 1024 * one.best.bytes.sealed);
    assert_eq!(many.best.bytes.keys, one.best.bytes.keys);
    assert_eq!(many.best.refreshes, 1024 * one.best.refreshes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// At each turn the choice for one value less is another one, and between turns it is the same.
    #[test]
    fn turns_are_where_choices_differ(seconds in 0.01..40.0_f64, batch in 1..200_usize, step in 0..3_usize) {
        let step = [Step::W1, Step::W2, Step::Row][step];
        let ways = [ckks(seconds, Growth::Batches(batch)), tfhe(step)];
        let turns = choose(&need(Work::W1, 1), &ways, &[]).unwrap().turns;
        let mut expected = method(&need(Work::W1, 1), &ways);
        for values in 2..=2 * batch {
            let now = method(&need(Work::W1, values), &ways);
            let turn = turns.iter().find(|turn| turn.values == values);
            prop_assert_eq!(now != expected, turn.is_some());
            if let Some(turn) = turn {
                prop_assert_eq!((turn.from, turn.to), (expected, now));
            }
            expected = now;
        }
    }
}

/// A graph of n nodes has n (n - 1) (n - 2) updates; two nodes have none.
#[test]
fn few_nodes_go_to_tfhe_and_more_to_ckks() {
    let update = Measured::of(Step::Update, 8).unwrap().paths();
    let ours = [(6.5, 3), (9.0, 4), (15.0, 8), (45.0, 16)];
    let ours = ours.map(|(seconds, nodes)| ckks(seconds, Growth::Whole(nodes)));
    let ways = [&ours[..], std::slice::from_ref(&update)].concat();
    let choice = choose(&need(Work::Paths, 3), &ways, &[]).unwrap();
    assert_eq!(choice.best.method, Method::Tfhe);
    assert!((choice.best.seconds - 6.0 * update.seconds).abs() < 1e-9);
    assert_eq!(choice.best.bytes.sealed, 9 * update.bytes.sealed);
    assert_eq!(
        choice.turns.iter().map(|turn| (turn.values, turn.to)).collect::<Vec<_>>(),
        [(4, Method::Ckks)]
    );
    assert_eq!(method(&need(Work::Paths, 16), &ways), Method::Ckks);
}

//! The order of integers in the clear and in the trace, beside a plain count of what comes first.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;

use arras_approx::Composite;
use arras_approx::degrees::{Goal, least_depth};
use arras_apps::program::Need;
use arras_apps::sort::{MOST, Mode, Order};
use arras_apps::{Error, Prepared, Program, Sort};
use arras_circuits::{Clear, Op, Sign};
use proptest::prelude::{Just, Strategy, prop_assert_eq, prop_oneof, proptest};

/// Degrees for a need, for inputs that stray by a quarter of the gap.
fn degrees(gap: f64, error: f64) -> Vec<usize> {
    let goal = Goal::new(1.0 - error.log2(), gap, 63).unwrap().with_input_margin(gap / 4.0).unwrap();
    let depth = least_depth(&goal).unwrap();
    let products = arras_approx::degrees::Products::planned();
    arras_approx::degrees::fewest_products(&goal, depth, products).unwrap().degrees
}

fn prepared(sort: Sort) -> Prepared<Sort> {
    let sign = |need: Need| {
        let Need::Step { gap, error } = need else { unreachable!("sorting takes steps") };
        let built = Composite::build(gap, gap / 4.0, &degrees(gap, error), &mut |_, _| 0.0).unwrap();
        assert!(built.noisy_error() <= error * 1.001);
        Sign::new(built.polynomials()).unwrap()
    };
    let signs = sort.needs().into_iter().map(sign).collect();
    Prepared::new(sort, signs, vec![0.26; sort.outputs().len()], None).unwrap()
}

/// What a run in the clear gives, rounded as one on ciphertexts is.
fn run(prepared: &Prepared<Sort>, values: &Vec<u64>) -> Result<Order, Error> {
    let sort = prepared.program();
    let clear = Clear::new(sort.slots()).unwrap();
    let inputs = sort.pack(values)?;
    for (vector, input) in inputs.iter().zip(sort.inputs()) {
        assert!(vector.len() == sort.slots() && vector.iter().all(|x| x.abs() <= input.size));
    }
    let outputs = sort.run(&clear, prepared.signs(), &inputs)?;
    assert!(clear.ranges().iter().filter(|seen| seen.op == "poly").all(|s| s.lo >= -1.001 && s.hi <= 1.001));
    sort.unpack(&prepared.round(&outputs)?)
}

/// The answer by counting, without a sort.
fn counted(mode: Mode, values: &[u64]) -> Order {
    let before = |j: usize| (0..values.len()).filter(|&i| (values[i], i) < (values[j], j)).count();
    let ranks: Vec<usize> = (0..values.len()).map(before).collect();
    let at = |place: usize| values[ranks.iter().position(|rank| *rank == place).unwrap()];
    let n = values.len();
    match mode {
        Mode::Sort => Order::Sorted((0..n).map(at).collect()),
        Mode::Rank => Order::Ranks(ranks),
        Mode::Top(count) => Order::Top((n - count..n).rev().map(at).collect()),
        Mode::Median => Order::Median((at((n - 1) / 2) + at(n / 2)) as f64 / 2.0),
    }
}

fn modes(length: usize) -> impl Strategy<Value = Mode> {
    prop_oneof![Just(Mode::Sort), Just(Mode::Rank), (1..=length).prop_map(Mode::Top), Just(Mode::Median)]
}

/// Few different values, so that most are tied, in vectors that hold all rows or few of them.
fn cases() -> impl Strategy<Value = (Mode, u32, Vec<u64>, usize)> {
    (1..=12_usize, 1..=4_u32, 0..=3_u32).prop_flat_map(|(length, bits, halvings)| {
        let columns = length.next_power_of_two().max(2);
        let slots = ((columns * columns) >> halvings).max(2 * columns);
        let values = proptest::collection::vec(0..1_u64 << bits, length);
        (modes(length), Just(bits), values, Just(slots))
    })
}

proptest! {
    #[test]
    fn every_order_is_exact((mode, bits, values, slots) in cases()) {
        let sort = Sort::new(mode, bits, values.len(), slots).unwrap();
        let want = counted(mode, &values);
        prop_assert_eq!(sort.exact(&values), want.clone());
        prop_assert_eq!(run(&prepared(sort), &values).unwrap(), want);
    }
}

#[test]
fn ties_extremes_and_neighbours() {
    let cases: [Vec<u64>; 7] = [
        vec![255; 8],
        vec![0; 8],
        (0..8).rev().collect(),
        (248..256).collect(),
        vec![0, 255, 0, 255, 0, 255, 0, 255],
        vec![127, 128, 127, 128, 128, 127, 129, 127],
        vec![255, 254, 255, 254, 255, 254, 253, 0],
    ];
    for mode in [Mode::Sort, Mode::Rank, Mode::Top(3), Mode::Top(8), Mode::Median] {
        let prepared = prepared(Sort::new(mode, 8, 8, 64).unwrap());
        for values in &cases {
            assert_eq!(run(&prepared, values).unwrap(), counted(mode, values), "{mode:?} {values:?}");
        }
    }
}

#[test]
fn more_comparisons_than_slots() {
    let values: Vec<u64> = (0..40).map(|i| i * i * 7 % 23).collect();
    for slots in [4096, 1024, 128] {
        for mode in [Mode::Sort, Mode::Rank, Mode::Top(40), Mode::Top(5), Mode::Median] {
            let sort = Sort::new(mode, 5, 40, slots).unwrap();
            assert_eq!(sort.slots(), slots);
            assert_eq!(run(&prepared(sort), &values).unwrap(), counted(mode, &values), "{mode:?} {slots}");
        }
    }
}

#[test]
fn one_ciphertext_sorts_128_values() {
    let prepared = prepared(Sort::new(Mode::Sort, 8, 128, 1 << 15).unwrap());
    let [pairs, places] = prepared.signs() else { unreachable!("two signs") };
    let trace = prepared.trace().unwrap();
    assert_eq!((prepared.program().inputs().len(), prepared.program().slots()), (2, 1 << 14));
    assert_eq!(trace.depth, pairs.depth() + places.depth() + 1);
    let steps: BTreeSet<usize> = (0..14).map(|k| 1 << k).collect();
    assert_eq!(trace.rotations.keys().copied().collect::<BTreeSet<_>>(), steps);
    // Seven sums of columns, one row further, seven sums of rows.
    assert_eq!(trace.count(Op::Rotate), 15);
    let values: Vec<u64> = (0..128).map(|i| i * 89 % 97 + 159).collect();
    assert_eq!(run(&prepared, &values).unwrap(), counted(Mode::Sort, &values));
}

#[test]
fn a_few_places_of_many_need_one_vector() {
    let vectors = |mode| Sort::new(mode, 8, 512, 1 << 15).unwrap().outputs().len();
    assert_eq!(vectors(Mode::Sort), 8);
    assert_eq!(vectors(Mode::Top(63)), 1);
    assert_eq!(vectors(Mode::Top(64)), 2);
    assert_eq!(vectors(Mode::Median), 1);
    assert_eq!(vectors(Mode::Rank), 1);
}

#[test]
fn bytes_hold_what_was_prepared() {
    let sort = Sort::new(Mode::Top(2), 3, 5, 32).unwrap();
    let prepared = prepared(sort);
    assert_eq!(Prepared::<Sort>::from_bytes(&prepared.to_bytes()).unwrap(), prepared);
    assert_eq!((sort.mode(), sort.bits(), sort.length(), sort.slots()), (Mode::Top(2), 3, 5, 32));
    let text = serde_json::to_string(&sort).unwrap();
    assert_eq!(text, r#"{"mode":{"top":2},"bits":3,"length":5,"slots":32}"#);
    for (from, to) in [("5", "0"), ("5", "1000"), ("32", "33"), ("32", "8"), (":3", ":17"), (":2", ":6")] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text);
        assert!(serde_json::from_str::<Sort>(&changed).is_err(), "{changed}");
    }
}

#[test]
fn what_cannot_be_sorted_is_refused() {
    let refused = |mode, bits, length, slots| Sort::new(mode, bits, length, slots).unwrap_err();
    assert_eq!(refused(Mode::Sort, 8, 0, 64), Error::Size { have: 0, least: 1, most: MOST });
    assert_eq!(
        refused(Mode::Sort, 8, MOST + 1, 1 << 15),
        Error::Size { have: MOST + 1, least: 1, most: MOST }
    );
    assert_eq!(refused(Mode::Top(9), 8, 8, 64), Error::Top { count: 9, length: 8 });
    assert_eq!(refused(Mode::Top(0), 8, 8, 64), Error::Top { count: 0, length: 8 });
    assert_eq!(refused(Mode::Sort, 8, 8, 8), Error::Slots { have: 8, least: 16, most: 1 << 16 });
    assert!(matches!(refused(Mode::Sort, 17, 8, 64), Error::Circuit(_)));
    let sort = Sort::new(Mode::Sort, 8, 3, 64).unwrap();
    let value = Error::Value { row: 2, column: 1, value: 256, most: 255 };
    assert_eq!(sort.pack(&vec![1, 256, 3]).unwrap_err(), value);
    assert_eq!(sort.pack(&vec![1, 2]).unwrap_err(), Error::Size { have: 2, least: 3, most: 3 });
}

#[test]
fn an_answer_that_no_run_gives_is_refused() {
    let sort = Sort::new(Mode::Sort, 2, 3, 16).unwrap();
    assert_eq!(sort.unpack(&[vec![-2, 0, 0]]), Ok(Order::Sorted(vec![0, 2, 2])));
    for outputs in [vec![vec![0, -1, 1]], vec![vec![-3, 0, 1]], vec![vec![0, 1]]] {
        assert_eq!(sort.unpack(&outputs), Err(Error::Answer));
    }
    let rank = Sort::new(Mode::Rank, 2, 3, 16).unwrap();
    assert_eq!(rank.unpack(&[vec![2, 0, 1]]), Ok(Order::Ranks(vec![2, 0, 1])));
    for ranks in [vec![2, 2, 0], vec![0, 1], vec![-1, 0, 1]] {
        assert_eq!(rank.unpack(&[ranks]), Err(Error::Answer));
    }
    assert_eq!(rank.unpack(&[]), Err(Error::Columns { need: 1, have: 0 }));
}

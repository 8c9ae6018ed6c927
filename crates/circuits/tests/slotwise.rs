//! Functions of columns in the clear: what goes in is checked, what comes out is right or refused.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use arras_approx::Polynomial;
use arras_circuits::slotwise::{AnswerError, DataError, Domain, Function, Job, Proof};
use arras_circuits::{Clear, Error, Failure, Op, Sign, Slotwise};

const SLOTS: usize = 64;
const NUMBERS: Domain = Domain::Numbers { epsilon: 0.02 };
const INTEGERS: Domain = Domain::Integers { bits: 5 };

/// (35 x - 35 x^3 + 21 x^5 - 5 x^7) / 16 six times: it grows from -1 to 1 on [-1, 1], and falls beyond.
fn sign() -> Sign {
    let c = [0.0, 19.140_625, 0.0, -3.828_125, 0.0, 0.765_625, 0.0, -0.078_125];
    Sign::new(vec![Polynomial::unit(c.iter().map(|c| c / 16.0).collect()).unwrap(); 6]).unwrap()
}

fn value(x: f64) -> f64 {
    sign().stages().iter().fold(x, |x, p| p.eval(x))
}

fn proof(function: Function, domain: Domain) -> Proof {
    let grid = |i: u32| f64::from(i) / 4096.0;
    let weighted = (0..4096).map(|i| grid(i + 1) * (1.0 - value(grid(i))) / 2.0).fold(0.0, f64::max);
    Proof { sign: 1.0 - value(domain.gap(function).unwrap()), weighted, tie: 0.0, noise: 1e-9, guard: 1e-8 }
}

fn slotwise(function: Function, domain: Domain) -> Slotwise {
    Slotwise::new(function, domain, &sign(), proof(function, domain)).unwrap()
}

/// Every function of every domain that has it.
fn all() -> Vec<Slotwise> {
    use Function::{Abs, Compare, Equal, Greater, GreaterEqual, Max, Min, Relu};
    let numbers = [Compare, Max, Min, Relu, Abs].map(|f| slotwise(f, NUMBERS));
    let integers = [Greater, GreaterEqual, Equal, Max, Min].map(|f| slotwise(f, INTEGERS));
    numbers.into_iter().chain(integers).collect()
}

/// Rows of both domains: ends, ties, neighbours.
fn columns(slotwise: &Slotwise) -> Vec<Vec<f64>> {
    let columns = match (slotwise.domain(), slotwise.function().columns()) {
        (Domain::Integers { .. }, _) => {
            vec![vec![0.0, 31.0, 7.0, 7.0, 30.0], vec![31.0, 0.0, 7.0, 8.0, 29.0]]
        }
        (Domain::Numbers { .. }, 1) => vec![vec![-1.0, 1.0, 0.0, 0.02, -0.25]],
        (Domain::Numbers { .. }, _) => vec![vec![0.0, 1.0, 0.5, 0.27, 0.3], vec![1.0, 0.0, 0.5, 0.25, 0.32]],
    };
    columns.into_iter().take(slotwise.function().columns()).collect()
}

/// What comes out of these slots.
fn run(slotwise: &Slotwise, packed: &[Vec<f64>]) -> [Vec<f64>; 2] {
    slotwise.run(&Clear::new(SLOTS).unwrap(), packed).unwrap()
}

#[test]
fn rows_come_back_as_the_function_says() {
    for slotwise in all() {
        let columns = columns(&slotwise);
        let [result, guard] = run(&slotwise, &slotwise.pack(&columns, SLOTS).unwrap());
        let answers = slotwise.unpack(&result, &guard, 5, 12).unwrap();
        for (i, answer) in answers.iter().enumerate() {
            let row: Vec<f64> = columns.iter().map(|column| column[i]).collect();
            let exact = slotwise.exact(&row);
            let rounded = matches!(slotwise.domain(), Domain::Numbers { .. })
                && slotwise.function() != Function::Compare;
            let most = if rounded { slotwise.error() + 2f64.powi(-13) } else { 0.0 };
            assert!((answer - exact).abs() <= most, "{:?} of {row:?}: {answer}", slotwise.function());
            assert_eq!((answer * 4096.0).fract(), 0.0);
        }
    }
}

#[test]
fn what_is_too_close_to_tell_is_a_half() {
    let slotwise = slotwise(Function::Compare, NUMBERS);
    let near = [vec![0.5 + 1e-5, 0.5 - 1e-5], vec![0.5, 0.5]];
    let [result, guard] = run(&slotwise, &slotwise.pack(&near, SLOTS).unwrap());
    assert_eq!(slotwise.unpack(&result, &guard, 2, 12).unwrap(), [0.5, 0.5]);
}

/// At these differences the first polynomial has the other sign, and what comes out looks right.
#[test]
fn rows_outside_the_domain_are_named() {
    for slotwise in all() {
        let packed = slotwise.pack(&columns(&slotwise), SLOTS).unwrap();
        for (far, row) in [(1.9, 1), (-2.2, 4), (1.05, 2), (f64::NAN, 3)] {
            let mut packed = packed.clone();
            packed[0][row] = far;
            packed[1..].iter_mut().for_each(|column| column[row] = 0.0);
            let [result, guard] = run(&slotwise, &packed);
            let refused = slotwise.unpack(&result, &guard, 5, 12).unwrap_err();
            assert_eq!(refused, AnswerError::Outside { row: row + 1 }, "{:?}", slotwise.function());
        }
    }
}

#[test]
fn damaged_answers_are_refused() {
    for slotwise in all() {
        let [result, guard] = run(&slotwise, &slotwise.pack(&columns(&slotwise), SLOTS).unwrap());
        let open =
            |result: &[f64], guard: &[f64], rows| slotwise.unpack(result, guard, rows, 12).unwrap_err();
        let with = |slots: &[f64], at: usize, value: f64| {
            let mut changed = slots.to_vec();
            changed[at] = value;
            changed
        };
        assert_eq!(open(&with(&result, SLOTS - 1, 0.55), &guard, 5), AnswerError::Moved);
        assert_eq!(open(&result, &with(&guard, SLOTS - 1, 0.3), 5), AnswerError::Moved);
        for wrong in [-0.3, 1.3, f64::NAN] {
            let refused = open(&with(&result, 2, wrong), &guard, 5);
            assert_eq!(refused, AnswerError::Result { row: 3 });
            assert!(!refused.to_string().contains("0.3"), "{refused}");
        }
        assert_eq!(open(&result, &guard, SLOTS), AnswerError::Slots { have: SLOTS, need: SLOTS + 1 });
        assert!(matches!(open(&result, &guard[..8], 5), AnswerError::Slots { .. }));
        assert!(matches!(open(&[], &[], 1), AnswerError::Slots { .. }));
    }
}

#[test]
fn bad_columns_say_where_and_what() {
    let (numbers, integers) = (slotwise(Function::Max, NUMBERS), slotwise(Function::Equal, INTEGERS));
    let pack = |s: &Slotwise, columns: &[Vec<f64>]| s.pack(columns, SLOTS).unwrap_err();
    for bad in [f64::NAN, f64::INFINITY, -0.1, 1.5] {
        let refused = pack(&numbers, &[vec![0.5, 0.5], vec![0.5, bad]]);
        let at = matches!(refused, DataError::Number { row: 2, column: 2, value, .. } if value.to_bits() == bad.to_bits());
        assert!(at && refused.to_string().contains(&bad.to_string()), "{refused}");
    }
    for bad in [32.0, -1.0, 0.5, f64::NAN] {
        let refused = pack(&integers, &[vec![bad], vec![0.0]]);
        assert!(matches!(refused, DataError::Integer { row: 1, column: 1, most: 31, .. }), "{refused}");
    }
    let lengths = pack(&numbers, &[vec![0.5; 3], vec![0.5; 2]]);
    assert_eq!(lengths, DataError::Lengths { left: 3, right: 2 });
    assert_eq!(pack(&numbers, &[vec![], vec![]]), DataError::Empty);
    let many = pack(&numbers, &[vec![0.5; SLOTS], vec![0.5; SLOTS]]);
    assert_eq!(many, DataError::Rows { have: SLOTS, most: SLOTS - 1 });
    assert!(matches!(pack(&numbers, &[vec![0.5]]), DataError::Columns { need: 2, have: 1, .. }));
    // A single column may be negative.
    assert!(slotwise(Function::Relu, NUMBERS).pack(&[vec![-1.0]], SLOTS).is_ok());
}

#[test]
fn functions_have_their_domains_and_their_proofs() {
    let make = |function, domain, proof| Slotwise::new(function, domain, &sign(), proof);
    let proof = proof(Function::Max, NUMBERS);
    for (function, domain) in
        [(Function::Relu, INTEGERS), (Function::Compare, INTEGERS), (Function::Equal, NUMBERS)]
    {
        assert!(matches!(make(function, domain, proof), Err(Error::Unfit { .. })));
        // Found before anything is planned for it.
        assert!(matches!(domain.gap(function), Err(Error::Unfit { .. })));
    }
    for epsilon in [0.0, 1.0, -0.5, f64::NAN] {
        assert!(matches!(make(Function::Max, Domain::Numbers { epsilon }, proof), Err(Error::Gap { .. })));
    }
    assert!(matches!(make(Function::Max, Domain::Integers { bits: 17 }, proof), Err(Error::Bits { .. })));
    let vague = Proof { sign: 1.1, weighted: 0.4, ..proof };
    assert!(matches!(make(Function::Compare, NUMBERS, vague), Err(Error::NotExact { .. })));
    assert!(matches!(make(Function::Max, INTEGERS, vague), Err(Error::NotExact { .. })));
    let shallow = Sign::new(vec![Polynomial::unit(vec![0.0, 1.5, 0.0, -0.5]).unwrap()]).unwrap();
    let refused = Slotwise::new(Function::Compare, NUMBERS, &shallow, proof);
    assert!(matches!(refused, Err(Error::OutOfLevels { .. })));
}

#[test]
fn the_trace_has_the_guard_at_the_bottom() {
    for slotwise in all() {
        let trace = slotwise.trace().unwrap();
        assert_eq!(trace.depth, slotwise.depth());
        assert_eq!(trace.outputs, [0, 0]);
        let products: u32 = slotwise.stages().iter().map(|p| p.plan().products).sum();
        let extra = slotwise.depth() - sign().depth();
        assert_eq!(trace.count(Op::Product), u64::from(products + extra + 3));
        let wrong = slotwise.run(&Clear::new(2).unwrap(), &[]).unwrap_err();
        assert!(matches!(wrong, Failure::Inputs { have: 0, .. }));
    }
}

#[test]
fn bytes_and_labels_come_back_and_nonsense_does_not() {
    for slotwise in all() {
        let bytes = slotwise.to_bytes();
        assert_eq!(Slotwise::from_bytes(&bytes).unwrap(), slotwise);
        assert_eq!(Slotwise::from_bytes(&bytes).unwrap().digest(), slotwise.digest());
        let job = Job { function: slotwise.digest(), rows: 5 };
        assert_eq!(Job::from_bytes(&job.to_bytes()).unwrap(), job);
        for rows in [0, u32::MAX] {
            assert_eq!(Job::from_bytes(&Job { rows, ..job }.to_bytes()), Err(Error::Label));
        }
        // A proof that is made worse in the file is refused as elsewhere.
        let text = String::from_utf8(bytes).unwrap();
        let noise = text.replace("\"noise\":1e-9", "\"noise\":0.7");
        assert_ne!(noise, text);
        let exact = matches!(slotwise.domain(), Domain::Integers { .. });
        assert_eq!(
            Slotwise::from_bytes(noise.as_bytes()).is_err(),
            exact || slotwise.function() == Function::Compare
        );
    }
    let digests: std::collections::BTreeSet<_> = all().iter().map(Slotwise::digest).collect();
    assert_eq!(digests.len(), all().len());
    for bad in [&b""[..], b"{}", b"\xff"] {
        assert_eq!(Job::from_bytes(bad), Err(Error::Label));
        assert_eq!(Slotwise::from_bytes(bad).unwrap_err(), Error::Function);
    }
}

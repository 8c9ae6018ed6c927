//! Tables: what is written is read again, and what is wrong is said in one sentence.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

use arras_plan::{Chain, CostTable, Error, Machine, Operation, Ring};
use proptest::prelude::*;

fn machine() -> Machine {
    Machine { cpu: "a \"quoted\" processor".to_owned(), kernel: "scalar".to_owned(), threads: 1 }
}

const RING: Ring = Ring { log_degree: 16, base_bits: 60, scale_bits: 50, security: 128 };

/// Costs that differ everywhere: 100 for each level, and the operation's number.
fn chain(depth: u32) -> Chain {
    let row = |i: usize| (1..=depth).map(|level| f64::from(100 * level) + i as f64 / 8.0).collect();
    let costs = Operation::ALL.iter().enumerate().map(|(i, &operation)| (operation, row(i))).collect();
    Chain::new(depth, 3, 5, 420.5, costs).unwrap()
}

fn table(depths: &[u32]) -> CostTable {
    let mut table = CostTable::new(machine(), RING);
    for &depth in depths {
        assert_eq!(table.insert(chain(depth)), None);
    }
    table
}

proptest! {
    #[test]
    fn what_is_written_is_read(depths in prop::collection::btree_set(1u32..9, 0..4), microseconds in 0u32..1_000_000_000) {
        let cost = f64::from(microseconds) / 1e3;
        let mut table = CostTable::new(machine(), RING);
        for depth in depths {
            let costs = Operation::ALL.map(|operation| (operation, vec![cost; depth as usize]));
            table.insert(Chain::new(depth, 2, 1, cost, costs.into()).unwrap());
        }
        prop_assert_eq!(CostTable::parse(&table.format()), Ok(table));
    }

    #[test]
    fn a_text_without_meaning_is_refused(text in "[\\x00-\\x7f]{0,40}") {
        prop_assert!(CostTable::parse(&text).is_err());
    }
}

#[test]
fn every_cost_is_where_it_belongs() {
    let table = CostTable::parse(&table(&[2, 5]).format()).unwrap();
    let chain = table.chain(5).unwrap();
    for (i, operation) in Operation::ALL.into_iter().enumerate() {
        for level in 1..=5 {
            assert_eq!(chain.cost(operation, level), Ok(f64::from(100 * level) + i as f64 / 8.0));
        }
    }
    assert_eq!(chain.cost(Operation::Add, 0), Err(Error::NoLevel { level: 0, depth: 5 }));
    assert_eq!(chain.cost(Operation::Add, 6), Err(Error::NoLevel { level: 6, depth: 5 }));
    assert_eq!((chain.digits(), chain.special_primes(), chain.log2_qp()), (3, 5, 420.5));
    assert_eq!(table.depths().collect::<Vec<_>>(), [2, 5]);
    assert_eq!((table.machine(), table.ring()), (&machine(), RING));
}

/// The sentence that is said of a text.
fn said(text: &str) -> String {
    let said = CostTable::parse(text).unwrap_err().to_string();
    assert!(said.contains("`arras calibrate"), "{said}");
    assert!(!said.contains('\n') && !said.ends_with('.'), "{said}");
    said
}

#[test]
fn a_file_that_is_no_table() {
    assert!(said("").starts_with("this is no table of costs, from line 1, column 0 on"));
    assert!(said("[1, 2]").contains("this is no table of costs"));
    assert!(said("{\"costs\": []}").contains("missing field `format`"));
    let good = table(&[2]).format();
    for length in 0..good.trim_end().len() {
        if good.is_char_boundary(length) {
            said(&good[..length]);
        }
    }
    assert!(said(&good.replace("\"digits\"", "\"dnum\"")).contains("unknown field `dnum`"));
    assert!(said(&good.replace("\"rotate\"", "\"turn\"")).contains("unknown variant `turn`"));
    assert!(said(&good.replace("\"cpu\"", "\"gpu\"")).contains("unknown field `gpu`"));
}

#[test]
fn a_file_with_wrong_contents() {
    let good = table(&[2]).format();
    let bad = |from: &str, to: &str| {
        assert!(good.contains(from), "{from} is not in {good}");
        said(&good.replacen(from, to, 1))
    };
    assert!(bad("\"format\": 1", "\"format\": 7").contains("has format 7, this program reads 1"));
    // The product, the first of the operations, has 100 and 200.
    assert!(
        bad("[100.0, 200.0]", "[100.0]")
            .contains("the chain of depth 2 needs a cost of product for each of its levels")
    );
    assert!(bad("[100.0, 200.0]", "[100.0, 200.0, 300.0]").contains("the number of costs is 3"));
    assert!(
        bad("[100.0, 200.0]", "[100.0, -200.0]")
            .contains("product at level 2 of the chain of depth 2 is said to take -200 ms")
    );
    assert!(bad("[100.0, 200.0]", "[100.0, 1e999]").contains("number out of range"));
    assert!(bad("[100.0, 200.0]", "[100.0, null]").contains("invalid type: null"));
    assert!(
        bad("        \"product\": [100.0, 200.0],\n", "")
            .contains("the chain of depth 2 has no costs of product")
    );
    assert!(bad("\"depth\": 2", "\"depth\": 3").contains("the chain of depth 3 needs a cost of product"));
    assert!(bad("\"depth\": 2", "\"depth\": -2").contains("this is no table of costs"));
    let twice = table(&[2, 3]).format().replace("100.0, 200.0, 300.0", "100.0, 200.0");
    assert!(said(&twice).contains("the number of costs is 2"));
    let list = good.split_once("\"chains\": [").unwrap().1.rsplit_once(']').unwrap().0;
    assert!(
        bad("\"chains\": [", &format!("\"chains\": [{list},")).contains("lists the chain of depth 2 twice")
    );
}

#[test]
fn costs_that_cannot_be_measured() {
    for value in [-1.0, f64::NAN, f64::INFINITY] {
        let mut costs: std::collections::BTreeMap<_, _> =
            Operation::ALL.into_iter().map(|operation| (operation, vec![1.0, 2.0])).collect();
        costs.insert(Operation::Rescale, vec![1.0, value]);
        let refused = Chain::new(2, 1, 1, 100.0, costs).unwrap_err();
        assert!(
            matches!(refused, Error::BadCost { depth: 2, level: 2, operation: Operation::Rescale, .. }),
            "{refused}"
        );
    }
}

#[test]
fn another_machine_and_other_parameters() {
    let table = table(&[2]);
    assert_eq!(table.check_machine(&machine()), Ok(()));
    let said = |here: Machine| table.check_machine(&here).unwrap_err().to_string();
    assert_eq!(
        said(Machine { cpu: "abacus".to_owned(), ..machine() }),
        "these costs were measured on another machine (the processor a \"quoted\" processor, here abacus): measure \
         this one with `arras calibrate`"
    );
    assert!(
        said(Machine { kernel: "avx2".to_owned(), ..machine() }).contains("the kernels scalar, here avx2")
    );
    assert!(said(Machine { threads: 2, ..machine() }).contains("the threads 1, here 2"));
    assert_eq!(table.check_ring(&RING), Ok(()));
    let said = |ring: Ring| table.check_ring(&ring).unwrap_err().to_string();
    assert!(said(Ring { log_degree: 15, ..RING }).contains("log2 N 16, wanted 15"));
    assert!(said(Ring { base_bits: 55, ..RING }).contains("bits of the base 60, wanted 55"));
    assert!(said(Ring { scale_bits: 45, ..RING }).contains("bits of the scale 50, wanted 45"));
    assert!(said(Ring { security: 0, ..RING }).contains("bits of security 128, wanted 0"));
    let chain = table.chain(2).unwrap();
    assert_eq!(chain.check_shape(3, 5), Ok(()));
    assert_eq!(chain.check_shape(2, 5), Err(Error::OtherChain { depth: 2 }));
    assert_eq!(chain.check_shape(3, 4), Err(Error::OtherChain { depth: 2 }));
}

#[test]
fn a_chain_that_was_not_measured() {
    let said = |depths: &[u32]| table(depths).chain(9).unwrap_err().to_string();
    assert!(said(&[]).contains("no chain of depth 9, only none"));
    assert!(said(&[3]).contains("no chain of depth 9, only 3: measure it with `arras calibrate --depths 9`"));
    assert!(said(&[1, 2, 3, 5, 7, 8]).contains("only 1-3, 5, 7-8:"));
}

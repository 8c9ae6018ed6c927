//! `arras workload`: what a report holds, and the baseline beside it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod arras;

use arras::arras;
use serde_json::json;

#[test]
fn a_report_has_all_that_is_compared_and_the_choice() {
    let report = arras(&["workload", "w2", "--bits", "2", "--json", "--threads", "1"]).json();
    let number = |key: &str| report[key].as_f64().unwrap();
    let slots = number("slots");
    assert_eq!((number("wrong"), number("values")), (0.0, slots));
    assert!((number("amortised_ms") - 1e3 * number("seconds") / slots).abs() < 1e-9);
    assert!(number("communication_bytes") > number("ciphertext_bytes"));
    // Keys and what is sealed are in memory together.
    assert!(number("peak_bytes") > number("evaluation_key_bytes") + number("ciphertext_bytes"));
    let bounds = report["certificate"]["bounds"].as_array().unwrap();
    assert!(bounds.iter().all(|bound| bound.as_f64().unwrap() < 0.5));
    let (plan, choice) = (&report["plan"], &report["plan"]["choice"]);
    assert_eq!((&choice["method"], &choice["need"]["values"]), (&json!("ckks"), &report["slots"]));
    assert_eq!((&choice["parameters"]["n"], &choice["parameters"]["levels"]), (&plan["n"], &plan["depth"]));
    assert!(choice["explanation"].as_str().unwrap().contains("not tfhe"));
    // What is foreseen of bytes is what there is, but for headers.
    let near = |foreseen: &str, have: f64| {
        let foreseen = choice["bytes"][foreseen].as_f64().unwrap();
        assert!((0.0..2000.0).contains(&(have - foreseen)), "{foreseen} foreseen, {have} there");
    };
    near("sealed", number("ciphertext_bytes"));
    near("answer", number("communication_bytes") - number("ciphertext_bytes"));
    near("keys", number("evaluation_key_bytes"));
    assert!(report.get("tfhe").is_none());
}

#[cfg(not(feature = "tfhe"))]
#[test]
fn without_the_feature_a_baseline_is_refused_before_anything_is_run() {
    arras(&["workload", "w2", "--baseline", "tfhe"]).refused("rebuild with --features tfhe");
}

#[cfg(feature = "tfhe")]
#[test]
fn the_baseline_is_measured_in_the_same_command() {
    let args = ["workload", "w2", "--bits", "6", "--baseline", "tfhe", "--json", "--threads", "1"];
    let report = arras(&args).json();
    let tfhe = &report["tfhe"];
    assert_eq!((&tfhe["wrong"], &tfhe["checked"], &tfhe["values"]), (&json!(0), &json!(2), &report["slots"]));
    assert_eq!(tfhe["scaled_from"], json!(2));
    assert!(tfhe["seconds"].as_f64() > tfhe["seconds_measured"].as_f64());
    assert_eq!(report["published"].as_array().unwrap().len(), 3);
    // Refused before anything is run.
    arras(&["workload", "w1", "--bits", "5", "--baseline", "tfhe"]).refused("choose an even number");
    let sorted = arras::fed(&["sort", "--bits", "4", "--baseline", "tfhe", "--json"], b"7\n0\n15\n").json();
    assert_eq!((&sorted["tfhe"]["wrong"], &sorted["tfhe"]["values"]), (&json!(0), &json!(3)));
}

#[test]
fn bad_words_are_refused() {
    for args in [&["w4"][..], &["w1", "--bits", "17"], &["w1", "--baseline", "bgv"], &["w1", "--runs", "0"]] {
        let outcome = arras(&[&["workload"], args].concat());
        assert_eq!(outcome.code, Some(2), "{}", outcome.err);
        assert!(outcome.out.is_empty() && !outcome.err.contains("panicked"));
    }
    for slots in ["1", "3", "1000", "131072"] {
        let words = format!("the number of slots is {slots}: give a power of two from 2 to 65536");
        arras(&["workload", "w1", "--slots", slots]).refused(&words);
    }
}

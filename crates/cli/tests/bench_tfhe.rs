//! `arras bench tfhe`: with the feature every work is measured, right, and beside what was published; without it the
//! command says how to have it; bad input is refused in both.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod arras;

use arras::arras;

#[cfg(not(feature = "tfhe"))]
#[test]
fn without_the_feature_it_says_how_to_have_it() {
    arras(&["bench", "tfhe", "--work", "w1"]).refused("rebuild with --features tfhe");
}

#[cfg(feature = "tfhe")]
#[test]
fn with_the_feature_every_work_is_right() {
    let works = [("w1", "2", "1"), ("w2", "2", "1"), ("w3", "1", "1"), ("sort", "3", "3")];
    let works = works.into_iter().chain([("paths", "4", "3"), ("tree", "2", "1"), ("sql", "512", "1")]);
    for (work, size, sample) in works {
        let report = arras(&[
            "bench", "tfhe", "--work", work, "--bits", "8", "--size", size, "--sample", sample, "--json",
        ])
        .json();
        let tfhe = &report["tfhe"];
        let number = |key: &str| tfhe[key].as_f64().unwrap_or_else(|| panic!("no number {key}: {report}"));
        assert_eq!((number("wrong"), number("threads")), (0.0, 1.0), "{report}");
        assert!(number("checked") > 0.0 && number("bootstraps") > 0.0, "{report}");
        assert!(number("seconds") >= number("seconds_measured") && number("seconds_measured") > 0.0);
        let known = matches!((work, size), ("w3", "1") | ("tree", "2") | ("sql", "512"));
        assert_eq!(report["published"].as_array().unwrap().len(), if known { 3 } else { 0 }, "{report}");
    }
}

#[test]
fn what_cannot_be_measured_is_named() {
    let refused = |args: &[&str], why: &str| {
        let all: Vec<&str> = ["bench", "tfhe", "--work"].iter().chain(args).copied().collect();
        arras(&all).refused(why);
    };
    refused(&["w1", "--bits", "7"], "even number from 2 to 24");
    refused(&["sort", "--bits", "64"], "even number from 2 to 24");
    refused(&["sort", "--size", "1"], "at least 2");
    refused(&["paths", "--size", "65536"], "the most is 4096");
    refused(&["tree", "--size", "40"], "the most is 12");
}

//! `arras demo deep` on the toy ring: deeper than the chain, right after every step, and as the trace foretold.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod arras;

use arras::arras;

#[test]
fn a_deep_program_is_right_at_every_step() {
    // 6 levels at the start and at the end, and 4 between two refreshes; a sparse vector has one less of each but the first.
    for (slots, first, refreshes) in [("512", 4.0, 6.0), ("64", 3.0, 8.0)] {
        let run = arras(&["demo", "deep", "--preset", "toy", "--depth", "30", "--slots", slots, "--json"]);
        assert!(run.err.contains(&format!("{refreshes} refreshes")), "{}", run.err);
        let report = run.json();
        let number = |key: &str| report[key].as_f64().unwrap_or_else(|| panic!("no number {key}: {report}"));
        assert_eq!((number("depth"), number("levels"), number("levels_per_refresh")), (30.0, 6.0, first));
        assert_eq!(number("refreshes"), refreshes);
        assert_eq!(report["refreshed_before"].as_array().unwrap().len(), refreshes as usize);
        assert_eq!(report["counts_agree"], true);
        let error = |key: &str| report["error"][key].as_f64().unwrap();
        assert!(error("worst") >= error("last") && error("last") > 0.0, "{report}");
        // A refresh errs by 2^-24 at most, and a step by less.
        assert!(error("worst") < number("sensitivity") * 2f64.powi(-24), "{report}");
        assert!(number("key_bytes") > 1e6 && report["secure"] == false, "{report}");
    }
}

#[test]
fn the_report_for_people_says_what_a_toy_is() {
    let run = arras(&["demo", "deep", "--preset", "toy", "--depth", "3"]).fine();
    assert!(run.out.contains("3 multiplications in a row on 512 encrypted values"), "{}", run.out);
    assert!(
        run.out.contains("the trace foretold every operation") && run.out.contains("a toy"),
        "{}",
        run.out
    );
}

#[test]
fn what_cannot_be_shown_is_named() {
    arras(&["demo", "deep", "--preset", "boot"]).refused("boot-n15, boot-n16, boot-n16-precise, toy");
    arras(&["demo", "deep", "--preset", "toy", "--slots", "4"]).refused("at least 8");
    arras(&["demo", "deep", "--preset", "toy", "--slots", "100"]).refused("power of two");
}

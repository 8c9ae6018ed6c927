//! `arras bench compare`, on a ring small enough for a test.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod arras;

use arras::{arras, command};
use serde_json::Value;
use tempfile::TempDir;

fn measured(args: &[&str]) -> Value {
    arras(&[&["bench", "compare", "--toy", "--json"], args].concat()).json()
}

#[test]
fn every_function_is_right_and_below_its_certificate() {
    for (function, alpha) in [("compare", 8), ("max", 8), ("min", 8), ("relu", 12), ("abs", 6)] {
        for method in ["previous", "proposed"] {
            let alpha = alpha.to_string();
            let row =
                measured(&["--alpha", &alpha, "--function", function, "--method", method, "--runs", "2"]);
            let number = |name: &str| row[name].as_f64().unwrap();
            assert_eq!((&row["failures"], &row["inputs"]), (&0.into(), &4096.into()), "{function}");
            // The inputs come close to the worst there is.
            let (seen, proved) = (number("max_error"), number("certified_error"));
            assert!(0.8 * proved < seen && seen <= proved, "{function} {method}: {seen} {proved}");
            assert!(proved <= (-number("alpha")).exp2());
            assert!(number("seconds") > 0.0 && number("levels") <= number("depth"));
            let stages = row["degrees"].as_array().unwrap().len();
            assert_eq!(row["scalings"].as_array().unwrap().len(), stages);
            assert_eq!(row["margins_log2"].as_array().unwrap().len(), stages + 1);
        }
    }
}

#[test]
fn the_published_degrees_are_found_and_repeated() {
    let row = measured(&["--alpha", "8", "--depth", "11", "--method", "previous", "--runs", "1"]);
    assert_eq!(row["degrees"], serde_json::json!([7, 15, 15]));
    assert_eq!((&row["depth"], &row["mults"]), (&11.into(), &21.into()));
    let row = measured(&["--alpha", "8", "--depth", "11", "--method", "published", "--runs", "1"]);
    assert_eq!((&row["degrees"], &row["failures"]), (&serde_json::json!([3, 15, 31]), &0.into()));
}

#[test]
fn a_record_goes_on_where_it_was_left() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("rows.json");
    let all = |more: &[&str]| {
        let args = ["bench", "compare", "--toy", "--all", "--runs", "1", "--out", path.to_str().unwrap()];
        arras(&[&args, more].concat())
    };
    let read = || serde_json::from_slice::<Value>(&std::fs::read(&path).unwrap()).unwrap();
    let first = all(&["--json"]).json();
    let rows = |record: &Value| record["rows"].as_array().unwrap().len();
    assert_eq!((rows(&first), read()), (3 * (11 + 2 * 7), first.clone()));
    // A row that is missing is measured again, and no other.
    let mut cut = first.clone();
    cut["rows"].as_array_mut().unwrap().truncate(3 * 24);
    std::fs::write(&path, cut.to_string()).unwrap();
    // What was not a number was written as null, and stays what it is: a fault.
    cut["rows"][1]["max_error"] = Value::Null;
    std::fs::write(&path, cut.to_string()).unwrap();
    let kept = all(&["--json"]);
    assert!(kept.err.contains("errs by inf"), "{}", kept.err);
    assert_eq!(read()["rows"][1]["max_error"], Value::Null);
    cut["rows"][1]["max_error"] = first["rows"][1]["max_error"].clone();
    std::fs::write(&path, cut.to_string()).unwrap();
    let again = all(&["--json"]).json();
    assert_eq!((rows(&again), &again["rows"][0]), (rows(&first), &first["rows"][0]));
    all(&["--seed", "5"]).refused("give another --out");
    std::fs::write(&path, "rows").unwrap();
    all(&[]).refused("holds no rows");
}

#[test]
fn what_cannot_be_measured_is_said() {
    let refused = |args: &[&str], words: &str| {
        arras(&[&["bench", "compare", "--toy"], args].concat()).refused(words);
    };
    refused(&["--alpha", "8", "--depth", "5"], "depth 11 would do");
    // Before costs are read or measured.
    arras(&["bench", "compare", "--alpha", "8", "--depth", "3", "--costs", "/nonexistent"])
        .refused("no composition reaches the goal within depth 3; depth 11 would do");
    refused(&["--alpha", "8", "--zeta", "3"], "--zeta belongs to");
    refused(&["--alpha", "19", "--function", "max"], "say with --zeta");
    refused(&["--alpha", "8", "--function", "max", "--zeta", "-3"], "between 0 and 1");
    refused(&["--alpha", "10", "--method", "published"], "no degrees were published");
    for wrong in [&["--alpha", "3"][..], &["--alpha", "21"], &["--alpha", "8", "--function", "sine"], &[]] {
        let mut command = command(&[&["bench", "compare"][..], wrong].concat());
        assert_eq!(command.output().unwrap().status.code(), Some(2), "{wrong:?}");
    }
}

//! `arras bench sok`: rows that are really run, kept in a file and not run again, and every reason to refuse.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod arras;

use arras::arras;
use serde_json::{Value, json};
use tempfile::TempDir;

#[test]
fn rows_are_run_kept_and_taken_up_again() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("sok.json").display().to_string();
    let run = |works: &str| {
        arras(&["bench", "sok", "--only", works, "--bits", "6", "--out", &file, "--json"]).json()
    };
    let kept = || -> Value { serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap() };
    let first = run("w2");
    let row = &first["rows"][0];
    assert_eq!((&row["work"], &row["bits"], &first["threads"]), (&json!("w2"), &json!(6), &json!(1)));
    assert_eq!((&row["ours"]["wrong"], row["published"].as_array().unwrap().len()), (&json!(0), 3));
    for key in ["seconds", "amortised_ms", "ciphertext_bytes", "communication_bytes", "peak_bytes"] {
        assert!(row["ours"][key].as_f64().unwrap() > 0.0, "no {key} in {row}");
    }
    assert_eq!(kept(), first);

    // What is in the file is not run again, and what is not is added; two rows come from two processes.
    let mut marked = first.clone();
    marked["rows"][0]["ours"]["seconds"] = json!(12345.0);
    std::fs::write(&file, marked.to_string()).unwrap();
    let both = run("w2,tree");
    assert_eq!(both["rows"][0]["ours"]["seconds"], json!(12345.0));
    assert_eq!((&both["rows"][1]["work"], &both["rows"][1]["size"]), (&json!("tree"), &json!(6)));
    assert_eq!(both["rows"][1]["ours"]["wrong"], json!(0));
    assert!(both["rows"][1]["ours"]["peak_bytes"].as_u64() > Some(50_000_000));
    assert_eq!(kept(), both);

    let again = ["bench", "sok", "--only", "w2", "--bits", "6", "--out", &file];
    arras(&[&again[..], &["--threads", "2"]].concat()).refused("holds runs with --threads 1, not 2");
    let table = arras(&again).fine().out;
    assert!(table.contains("12345.00") && table.contains("encoding"), "{table}");
    std::fs::write(&file, "numbers").unwrap();
    arras(&again).refused("holds no report of `arras bench sok`");
}

#[test]
fn what_was_not_published_is_refused() {
    for args in [["--bits", "7"], ["--sizes", "3"]] {
        arras(&[&["bench", "sok"][..], &args].concat()).refused("give 6, 8, 12 or 16 bits and a size that");
    }
    let outcome = arras(&["bench", "sok", "--only", "w9"]);
    assert_eq!(outcome.code, Some(2), "{}", outcome.err);
    let help = arras(&["bench", "sok", "--help"]).fine().out;
    assert!(help.contains("arras bench sok --only w1,w2,w3 --bits 8"), "{help}");
}

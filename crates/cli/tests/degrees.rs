//! `arras minimax degrees` and `arras minimax tables`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod arras;

use arras::arras;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The answer of `arras minimax degrees` to some words.
fn degrees(words: &str) -> Value {
    arras(&words_of(words, &["--json"])).json()
}

fn words_of<'a>(words: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    ["minimax", "degrees"].into_iter().chain(words.split(' ')).chain(more.iter().copied()).collect()
}

#[test]
fn known_degrees_are_printed() {
    let known = [
        ("--alpha 4 --depth 5", json!([27]), 5, 10),
        ("--alpha 9 --max-degree 63 --depth 12", json!([55, 55]), 12, 28),
        ("--alpha 9 --max-degree 63 --epsilon-log2 -9", json!([55, 55]), 12, 28),
        ("--alpha 9 --max-degree 31 --epsilon-log2 9", json!([7, 7, 7, 13]), 13, 22),
        ("--alpha 13 --for max --zeta 16", json!([15, 15, 27]), 14, 26),
        ("--alpha 20 --max-degree 31 --depth 25", json!([29, 31, 31, 31, 31]), 25, 59),
    ];
    for (words, set, depth, mults) in known {
        let answer = degrees(words);
        assert_eq!(
            (&answer["degrees"], &answer["depth"], &answer["mults"]),
            (&set, &json!(depth), &json!(mults)),
            "{words}"
        );
        assert!(answer["sign_error_log2"].as_f64() <= answer["alpha"].as_f64().map(|a| 1.0 - a), "{words}");
    }
    let plan = degrees("--alpha 20 --depth 28 --max-degree 31 --counts planned");
    assert_eq!((&plan["mults"], &plan["planned_mults"]), (&json!(45), &json!(45)));
    let said = arras(&words_of("--alpha 13 --for max --zeta 16", &[])).fine().out;
    assert!(said.contains("{15,15,27}") && said.contains("14 levels, one of them"), "{said}");
}

#[test]
fn what_cannot_be_reached_or_read_is_refused() {
    for (words, reason) in [
        ("--alpha 9 --depth 11", "no composition reaches the goal within depth 11; depth 12 would do"),
        ("--alpha 13 --for max --zeta 16 --depth 13", "within depth 13; depth 14 would do"),
        ("--alpha 13 --for max --zeta 16 --depth 0", "within depth 0; depth 14 would do"),
        ("--alpha 9 --depth 4000", "the depth 4000 is above 128"),
        ("--alpha 1", "alpha is 1, and must be above 1 and at most 50"),
        ("--alpha -8", "alpha is -8, and must be above 1 and at most 50"),
        ("--alpha nan", "alpha is NaN, and must be above 1"),
        ("--alpha 9 --epsilon-log2 0", "epsilon is 1e0, and must be at least 2^-50 and below 1"),
        ("--alpha 9 --epsilon-log2 51", "and must be at least 2^-50"),
        ("--alpha 9 --max-degree 32", "the largest degree 32 is not an odd number from 3 to 63"),
        ("--alpha 9 --max-degree 1", "the largest degree 1 is not an odd number"),
        ("--alpha 9 --for max", "--for max needs --zeta"),
        ("--alpha 9 --for max --zeta -3", "zeta -3 is not a positive number"),
        ("--alpha 9 --for max --zeta 512", "epsilon is 1e0, and must be"),
        ("--alpha 9 --zeta 16", "--zeta belongs to --for max"),
        ("--alpha 9 --chain narrow", "--chain belongs to --optimise time"),
        ("--alpha 9 --for max --zeta 16 --epsilon-log2 -8", "--epsilon-log2 belongs to --for compare"),
    ] {
        arras(&words_of(words, &[])).refused(reason);
    }
}

#[test]
fn the_least_time_is_that_of_measured_costs() {
    let work = TempDir::new().unwrap();
    let file = work.path().join("costs.json");
    let costs = file.display().to_string();
    arras(&["calibrate", "--depths", "5-6", "--reps", "1", "--out", &costs]).fine();
    for (depth, chains) in [("5", 5..=5), ("6", 5..=6)] {
        let answer = degrees(&format!("--alpha 4 --depth {depth} --optimise time --costs {costs}"));
        let fewest = &answer["fewest_mults"];
        assert!(answer["milliseconds"].as_f64() <= fewest["milliseconds"].as_f64(), "{answer}");
        assert!(answer["milliseconds"].as_f64() > Some(0.0), "{answer}");
        assert!(chains.contains(&answer["chain_depth"].as_u64().unwrap()), "{answer}");
        assert!(answer["sign_error_log2"].as_f64() <= Some(-3.0), "{answer}");
        assert!(fewest["mults"].as_u64() <= answer["mults"].as_u64(), "{answer}");
    }
    let said = arras(&words_of("--alpha 4 --depth 6 --optimise time", &["--costs", &costs])).fine().out;
    assert!(said.contains(" ms, on a chain of "), "{said}");

    let refused = |words: &str, file: &str, reason: &str| {
        arras(&words_of(words, &["--optimise", "time", "--costs", file])).refused(reason);
    };
    refused("--alpha 5 --depth 7", &costs, "no chain of depth 7, only 5-6: measure it with `arras calibrate");
    refused(
        "--alpha 5 --depth 6",
        &costs,
        "no composition reaches the goal within depth 6; depth 7 would do",
    );
    refused("--alpha 8 --depth 60", &costs, "a chain of depth 60 does not fit N = 2^16");
    refused("--alpha 4", "/nonexistent", "/nonexistent cannot be read");
    std::fs::write(&file, std::fs::read_to_string(&file).unwrap().replace("\"threads\":1", "\"threads\":9"))
        .unwrap();
    refused("--alpha 4", &costs, "measured on another machine (the threads 9, here 1)");
    std::fs::write(&file, "{}").unwrap();
    refused("--alpha 4", &costs, "this is no table of costs");
    arras(&words_of("--alpha 4", &["--costs", &costs])).refused("--costs belongs to --optimise time");
}

#[test]
fn the_tables_agree() {
    let tables = arras(&["minimax", "tables", "--json"]).json();
    assert_eq!(tables["settled"], json!(true));
    for (name, rows) in [("table_1", 31), ("table_3", 22), ("table_4", 30)] {
        assert_eq!(tables[name].as_array().unwrap().len(), rows, "{name}");
    }
    let all = ["table_3", "table_4"].iter().flat_map(|name| tables[*name].as_array().unwrap());
    assert!(all.into_iter().all(|row| row["agreement"] == json!("same")));
    let said = arras(&["minimax", "tables"]).fine().out;
    assert!(said.ends_with("Every row agrees, or the difference is explained.\n"), "{said}");
}

//! `arras plan`: what is chosen, where the choice turns, the chart, and every reason to refuse.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod arras;

use arras::arras;
use serde_json::json;

#[test]
fn a_value_of_16_bits_goes_to_tfhe_until_the_choice_turns() {
    let plan = |values: u64| {
        arras(&["plan", "w2", "--bits", "16", "--json", "--values", &values.to_string()]).json()
    };
    let one = plan(1);
    assert_eq!((&one["method"], &one["exact"]), (&json!("tfhe"), &json!(true)));
    assert_eq!(one["lost"][0]["method"], json!("ckks"));
    let turns = one["turns"].as_array().unwrap();
    assert_eq!((turns.len(), &turns[0]["from"], &turns[0]["to"]), (1, &json!("tfhe"), &json!("ckks")));
    let turn = turns[0]["values"].as_u64().unwrap();
    let explanation = one["explanation"].as_str().unwrap();
    assert!(explanation.contains(&format!("turns at {turn} values")), "{explanation}");
    // What lost there is what is taken here, at the price that was named.
    let many = plan(turn);
    assert_eq!(many["method"], json!("ckks"));
    assert_eq!(many["seconds"], one["lost"][0]["seconds"]);
    assert!(many["seconds"].as_f64() < many["lost"][0]["seconds"].as_f64());
    let parameters = &many["parameters"];
    assert!(parameters["n"].as_u64().unwrap() >= 1 << 15 && parameters["security_bits"] == 128);
    assert!(many["failure_log2"].as_f64().unwrap() <= -40.0 && many["refreshes"] == 0);
    for bytes in ["sealed", "answer", "keys"] {
        assert!(many["bytes"][bytes].as_u64().unwrap() > 0, "{many}");
    }
}

#[test]
fn an_array_is_planned_in_words() {
    let text = arras(&["plan", "sort", "--bits", "4", "--values", "5"]).fine().out;
    for words in [
        "sort, 4 bits, 5 elements",
        "N = ",
        "levels",
        "refreshes",
        "one core",
        "evaluation keys",
        "2^-",
        "not ",
    ] {
        assert!(text.contains(words), "no \"{words}\" in {text}");
    }
}

#[test]
fn paths_are_planned_with_their_refreshes() {
    let plan = arras(&["plan", "paths", "--bits", "4", "--values", "4", "--json"]).json();
    assert_eq!((&plan["method"], &plan["refreshes"]), (&json!("ckks"), &json!(3)));
    // More than three refreshes of a second each, and less than what bit-wise TFHE takes for 24 updates.
    assert!(plan["seconds"].as_f64().unwrap() > 3.0);
    assert_eq!(plan["lost"][0]["method"], json!("tfhe"));
    assert_eq!(plan["turns"][0]["to"], json!("ckks"));
    let explanation = plan["explanation"].as_str().unwrap();
    assert!(explanation.contains("paths, 4 bits, 4 nodes, exact") && explanation.contains("3 refreshes"));
}

#[test]
#[ignore = "plans of 8 bits"]
fn trees_tables_and_coarse_decisions_are_planned() {
    for args in [
        &["tree", "--depth", "4", "--values", "1000"][..],
        &["tree", "--depth", "3", "--hide-thresholds"],
        &["sql", "--values", "512"],
        &["w3", "--approximate", "6", "--values", "100", "--throughput"],
    ] {
        let report = arras(&[&["plan", "--json"], args].concat()).json();
        assert_eq!(report["method"], json!("ckks"), "{report}");
        assert_eq!(report["exact"], json!(!args.contains(&"--approximate")));
    }
}

#[test]
fn the_chart_is_that_of_the_sok_with_ours_beside_it() {
    let chart = arras(&["plan", "--chart", "--json"]).json();
    let leaves = chart["leaves"].as_array().unwrap();
    let best: Vec<&str> =
        leaves.iter().map(|leaf| leaf["recommended"][0]["method"].as_str().unwrap()).collect();
    assert_eq!(
        best,
        [
            "word-wise BGV, BFV or CKKS",
            "bit-wise TFHE",
            "polynomial interpolation (BGV, BFV)",
            "bit-wise TFHE",
            "CKKS with polynomial approximation",
            "encoding switching"
        ]
    );
    let (rough, exact) = (&leaves[4]["here"], &leaves[5]["here"]);
    assert_eq!((&rough["exact"], &exact["exact"]), (&json!(false), &json!(true)));
    assert!(rough["seconds"].as_f64() < exact["seconds"].as_f64());
    // The paper's best takes 72 ms a value.
    assert!(exact["amortised_ms"].as_f64().unwrap() < 72.0);
    assert!(chart["not_in_arras"].as_array().unwrap().contains(&json!("FHE with MPC")));
}

#[test]
fn what_cannot_be_planned_is_refused() {
    arras(&["plan", "sort", "--approximate", "3"]).refused("--approximate is for w1, w2 and w3");
    arras(&["plan", "sort", "--values", "1"]).refused("an array of 1 needs no sorting: give at least 2");
    arras(&["plan", "paths", "--values", "2"]).refused("a 2-node graph has no path past a third one");
    arras(&["plan", "paths", "--values", "1000000000"]).refused("give at most 262144");
    // No graph of so many bits is taken, whatever its size: said once.
    let plan = arras(&["plan", "paths", "--values", "5", "--bits", "14"]).fine().out;
    assert_eq!(plan.matches("not ckks: 14-bit integers").count(), 1, "{plan}");
    for args in [&[][..], &["w9"], &["w1", "--bits", "17"], &["w1", "--values", "0"], &["w1", "--chart"]] {
        let outcome = arras(&[&["plan"], args].concat());
        assert_eq!(outcome.code, Some(2), "{}", outcome.err);
        assert!(outcome.out.is_empty() && !outcome.err.contains("panicked"));
    }
}

#[test]
fn help_has_examples() {
    let help = arras(&["plan", "--help"]).fine().out;
    assert!(
        help.contains("arras plan w1 --bits 8 --values 1") && help.contains("arras plan --chart"),
        "{help}"
    );
}

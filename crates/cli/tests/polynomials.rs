//! `arras minimax polynomials`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod arras;

use arras::arras;
use serde_json::{Value, json};

fn run(words: &str) -> arras::Outcome {
    let head = ["minimax", "polynomials"].into_iter();
    arras(&head.chain(words.split(' ')).collect::<Vec<_>>())
}

/// The answer as data.
fn answer(words: &str) -> Value {
    run(&format!("{words} --json")).json()
}

/// The printed stages at x, each the sum of c_k T_(2k+1)(x / scaling), by the recurrence.
fn value(stages: &Value, x: f64) -> f64 {
    stages.as_array().unwrap().iter().fold(x, |x, stage| {
        let t = x / stage["scaling"].as_f64().unwrap();
        let (mut odd, mut next, mut sum) = (t, (4.0 * t * t - 3.0) * t, 0.0);
        for c in stage["coefficients"].as_array().unwrap() {
            sum += c.as_f64().unwrap() * odd;
            // T_(n+2) = 2 T_2 T_n - T_(n-2).
            (odd, next) = (next, (4.0 * t * t - 2.0) * next - odd);
        }
        sum
    })
}

#[test]
fn the_printed_stages_are_the_sign_that_is_certified() {
    for (words, epsilon, wanted) in
        [("--alpha 8", -8.0f64, -7.0f64), ("--alpha 12 --depth 17 --max-degree 31", -12.0, -11.0)]
    {
        let answer = answer(words);
        let certified = answer["certified_error"].as_f64().unwrap();
        assert_eq!(answer["epsilon"], json!(epsilon.exp2()), "{words}");
        assert!(certified <= answer["noisy_error"].as_f64().unwrap(), "{words}");
        assert!(answer["noisy_error_log2"].as_f64().unwrap() <= wanted, "{words}");
        assert_eq!(answer["enough"], json!(true), "{words}");
        let degrees: Vec<&Value> =
            answer["stages"].as_array().unwrap().iter().map(|s| &s["degree"]).collect();
        assert_eq!(json!(degrees), answer["degrees"], "{words}");
        let mut seen = 0.0f64;
        for i in 0..=1000 {
            let x = (epsilon * f64::from(i) / 1000.0).exp2();
            seen = seen.max((value(&answer["stages"], x) - 1.0).abs());
            assert!((value(&answer["stages"], -x) + 1.0).abs() <= certified + 1e-12, "{words} at -{x}");
        }
        assert!(seen <= certified + 1e-12 && certified <= 1.05 * seen, "{words}: {seen} {certified}");
    }
}

#[test]
fn published_degrees_hold_with_the_noise_of_the_engine() {
    let compare = [
        "--alpha 8 --degrees 3,15,31",
        "--alpha 20 --degrees 5,5,5,7,7,15,15,31",
        "--alpha 9 --degrees 55,55",
    ];
    for words in compare.into_iter().chain(["--alpha 13 --for max --zeta 16 --degrees 15,15,27"]) {
        assert_eq!(answer(words)["enough"], json!(true), "{words}");
    }
    let max = answer("--alpha 13 --for max --zeta 16");
    assert_eq!((&max["degrees"], &max["depth"]), (&json!([15, 15, 27]), &json!(14)));
    assert!(max["weighted_error_log2"].as_f64().unwrap() <= -13.0);
    let said = run("--alpha 13 --for max --zeta 16").fine().out;
    assert!(
        said.contains("{15,15,27}") && said.contains("14 levels") && said.contains("error of max"),
        "{said}"
    );
}

#[test]
fn a_margin_that_takes_too_much_asks_for_other_degrees() {
    // {3,15,31} leaves next to nothing of 2^-7, so a coarse margin needs more.
    assert_eq!(answer("--alpha 8 --degrees 3,15,31 --margin-log2 -20")["enough"], json!(false));
    let roomy = answer("--alpha 8 --margin-log2 -9.5");
    assert_eq!(roomy["enough"], json!(true));
    assert!(roomy["depth"].as_u64() > answer("--alpha 8")["depth"].as_u64(), "{roomy}");
}

#[test]
fn the_certificate_is_written_as_it_is_printed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sign.json");
    let printed = answer(&format!("--alpha 6 --out {}", path.display()));
    let written: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(printed, written);
}

#[test]
fn the_least_time_is_on_the_chain_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    for chain in ["wide", "narrow"] {
        let costs = dir.path().join(chain).display().to_string();
        let calibrate = ["calibrate", "--depths", "5-6", "--reps", "1", "--chain", chain, "--out", &costs];
        arras(&calibrate).fine();
        let words = format!("--alpha 4 --depth 6 --optimise time --chain {chain} --costs {costs}");
        let answer = answer(&words);
        assert_eq!(answer["enough"], json!(true), "{answer}");
        let degrees = arras(
            &["minimax", "degrees"].into_iter().chain(words.split(' ')).chain(["--json"]).collect::<Vec<_>>(),
        )
        .json();
        assert_eq!(answer["degrees"], degrees["degrees"], "{chain}");
        let other = if chain == "wide" { "narrow" } else { "wide" };
        run(&words.replace(&format!("--chain {chain}"), &format!("--chain {other}")))
            .refused("measured for other parameters");
    }
    // Smaller scales, larger margins.
    let margin = |chain: &str| {
        let answer = answer(&format!("--alpha 8 --degrees 7,15,15 --chain {chain}"));
        answer["stages"][0]["margin"].as_f64().unwrap()
    };
    assert!(margin("narrow") > 4.0 * margin("wide"));
}

#[test]
fn bad_words_are_refused() {
    for (words, said) in [
        ("--alpha 8 --degrees 15,14", "even"),
        ("--alpha 8 --degrees 15,65", "between 3 and 63"),
        ("--alpha 8 --margin-log2 -8", "leave nothing"),
        ("--alpha 8 --margin-log2 1", "must be below one"),
        ("--alpha 8 --margin-log2 nan", "must be below one"),
        ("--alpha 8 --depth 9", "11 would do"),
        ("--alpha 45", "128 bits of security"),
        ("--alpha 8 --costs none.json", "--optimise time"),
        ("--alpha 8 --chain wide --margin-log2 -30", "give one of them"),
        ("--alpha 16 --for max --zeta 40 --max-degree 31", "smaller zeta"),
    ] {
        run(words).refused(said);
    }
}

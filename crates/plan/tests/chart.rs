//! The chart says what the SoK recommends.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use arras_plan::chart::{Operations, QUESTIONS, Question, chart, elsewhere};
use arras_plan::sok;

/// What is computed, whether batches help, whether answers are exact, and the methods.
type Cell = (Operations, Option<bool>, Option<bool>, &'static [&'static str]);

/// Xue, Xin, Zhang, Zheng et al., section 8, "Recommendation and Discussion", whose Figure 9 is this as a flow chart; the names are ours, and the order is
/// that of the text where it gives one.
const SOK: [Cell; 6] = [
    // First paragraph below Figure 9: "only linear operations: word-wise FHE methods (BGV, BFV, CKKS)".
    (Operations::Linear, None, None, &["word-wise BGV, BFV or CKKS"]),
    // "If SIMD does not offer an advantage, a bit-wise FHE method, such as TFHE".
    (Operations::Nonlinear, Some(false), None, &["bit-wise TFHE"]),
    // "if SIMD is useful": interpolation, by digits, functional bootstrapping, or XCMP.
    (
        Operations::Nonlinear,
        Some(true),
        None,
        &[
            "polynomial interpolation (BGV, BFV)",
            "interpolation by digits (BGV, BFV)",
            "general functional bootstrapping",
            "exponential encoding (XCMP)",
        ],
    ),
    // Second paragraph: "If SIMD does not offer advantages, e.g., private sorting: TFHE".
    (Operations::Mixed, Some(false), None, &["bit-wise TFHE"]),
    // "If approximate results are acceptable: CKKS with approximation".
    (Operations::Mixed, Some(true), Some(false), &["CKKS with polynomial approximation"]),
    // "If exact computation is required: Encoding Switching and Scheme Switching".
    (Operations::Mixed, Some(true), Some(true), &["encoding switching", "scheme switching"]),
];

#[test]
fn every_leaf_is_that_of_the_paper() {
    let leaves = chart(&sok::published().unwrap(), &|_| None);
    assert_eq!(leaves.len(), SOK.len());
    for (leaf, (operations, simd, exact, methods)) in leaves.iter().zip(SOK) {
        assert_eq!(leaf.question, Question { operations, simd, exact });
        let have: Vec<&str> = leaf.recommended.iter().map(|method| method.method).collect();
        assert_eq!(have, methods, "{:?}", leaf.question);
    }
}

#[test]
fn the_order_follows_the_figures() {
    let mut figures = sok::published().unwrap();
    let exact = QUESTIONS.len() - 1;
    let order = |figures: &[sok::Figure]| -> Vec<&'static str> {
        let leaves = chart(figures, &|_| None);
        leaves.get(exact).unwrap().recommended.iter().map(|method| method.method).collect()
    };
    assert_eq!(order(&figures), ["encoding switching", "scheme switching"]);
    for figure in figures.iter_mut().filter(|figure| figure.method == sok::Method::Encoding) {
        figure.amortised = figure.amortised.map(|seconds| 1e4 * seconds);
    }
    assert_eq!(order(&figures), ["scheme switching", "encoding switching"]);
}

#[test]
fn what_arras_has_not_is_named() {
    let named: Vec<&str> = elsewhere().collect();
    assert!(named.contains(&"encoding switching") && named.contains(&"FHE with MPC"));
    assert!(!named.iter().any(|name| name.contains("TFHE") || name.starts_with("CKKS")));
}

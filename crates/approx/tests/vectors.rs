//! Known answers made by `vectors/reference.py` in 50-digit arithmetic.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use arras_approx::{Measure, Polynomial, Target, certify, interpolate};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    values: Vec<Value>,
    fits: Vec<Known>,
}

#[derive(Deserialize)]
struct Value {
    coefficients: Vec<f64>,
    at: Vec<f64>,
    value: Vec<f64>,
}

#[derive(Deserialize)]
struct Known {
    target: Target,
    lo: f64,
    hi: f64,
    coefficients: Vec<f64>,
    grid_error: f64,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("vectors/reference.json")).unwrap()
}

#[test]
fn clenshaw_and_the_plan_match() {
    for v in reference().values {
        let p = Polynomial::unit(v.coefficients).unwrap();
        let plan = p.plan();
        for (t, want) in v.at.iter().zip(v.value) {
            assert!((p.eval(*t) - want).abs() < 1e-12, "clenshaw, degree {}", p.degree());
            assert!((plan.eval(*t) - want).abs() < 1e-11, "plan, degree {}", p.degree());
        }
    }
}

#[test]
fn interpolants_and_certificates_match() {
    for known in reference().fits {
        let degree = known.coefficients.len() - 1;
        let p = interpolate(|x| known.target.eval(x), known.lo, known.hi, degree).unwrap();
        for (a, b) in p.coefficients().iter().zip(&known.coefficients) {
            assert!((a - b).abs() < 1e-14);
        }
        let exact = Polynomial::new(known.lo, known.hi, known.coefficients).unwrap();
        let proof = certify(&exact, known.target, (known.lo, known.hi), Measure::Absolute).unwrap();
        let (grid, proved) = (known.grid_error, proof.error());
        assert!(grid <= proved && proved <= 1.05 * grid + 1e-11, "{:?}: {grid} {proved}", known.target);
    }
}

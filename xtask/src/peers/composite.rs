//! The polynomials of a sign composition, as every library evaluates them: on [-1, 1], with the scalings folded in.

use std::f64::consts::PI;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

/// Polynomials in the order of their application.
#[derive(Debug)]
pub struct Composition {
    /// Where they come from.
    pub origin: &'static str,
    /// The composition stands for the sign where epsilon <= |x| <= 1.
    pub epsilon: f64,
    /// c_0, c_1, ... of each sum c_k T_k.
    stages: Vec<Vec<f64>>,
}

impl Composition {
    /// Iterations towards the sign of these odd degrees, each flat at -1 and 1. They cost what the best polynomials of
    /// these degrees cost, and come less near the sign.
    ///
    /// Source: Cheon, Kim, Kim (2020, efficient homomorphic comparison methods with optimal complexity, section 3).
    pub fn iterations(degrees: &[usize], epsilon: f64) -> Self {
        Self {
            origin: "iterations",
            epsilon,
            stages: degrees.iter().map(|&degree| iteration(degree)).collect(),
        }
    }

    /// What `arras minimax polynomials --json` prints.
    pub fn parse(record: &Value) -> Result<Self> {
        let epsilon = record["epsilon"].as_f64().context("a composition names its epsilon")?;
        let stages = record["stages"].as_array().context("a composition is a list of stages")?;
        let scalings: Vec<f64> =
            stages.iter().map(|stage| number(&stage["scaling"])).collect::<Result<_>>()?;
        ensure!(scalings.first() == Some(&1.0), "the inputs of the first stage must fill [-1, 1]");
        let next = scalings.iter().skip(1).chain([&1.0]);
        let stages = stages.iter().zip(next).map(|(stage, next)| {
            let odd = stage["coefficients"].as_array().context("a stage has coefficients")?;
            let folded = odd.iter().map(|c| Ok(number(c)? / next)).collect::<Result<Vec<f64>>>()?;
            ensure!(!folded.is_empty(), "a stage has coefficients");
            Ok(folded.into_iter().flat_map(|c| [0.0, c]).collect())
        });
        Ok(Self { origin: "minimax", epsilon, stages: stages.collect::<Result<_>>()? })
    }

    pub fn degrees(&self) -> Vec<usize> {
        self.stages.iter().map(|stage| stage.len() - 1).collect()
    }

    /// Levels that it takes: those of the powers of x.
    pub fn depth(&self) -> u32 {
        self.degrees().iter().map(|degree| (degree + 1).next_power_of_two().ilog2()).sum()
    }

    /// For the line protocol.
    pub fn stages(&self) -> Value {
        self.stages.iter().map(|coefficients| json!({"coefficients": coefficients})).collect()
    }
}

/// A number, or the decimals of one.
fn number(value: &Value) -> Result<f64> {
    let number = value.as_f64().or_else(|| value.as_str()?.parse().ok()).filter(|x| x.is_finite());
    number.with_context(|| format!("{value} is no number"))
}

/// The Chebyshev coefficients of x times the sum of binomial(2i, i) / 4^i (1 - x^2)^i for i up to (d - 1) / 2, by
/// interpolation in the Chebyshev nodes.
fn iteration(degree: usize) -> Vec<f64> {
    let nodes = degree + 1;
    let angle = |j: usize| PI * (j as f64 + 0.5) / nodes as f64;
    let value = |x: f64| {
        let mut term = x;
        let mut sum = x;
        for i in 1..=degree / 2 {
            term *= (2 * i - 1) as f64 / (2 * i) as f64 * (1.0 - x * x);
            sum += term;
        }
        sum
    };
    let values: Vec<f64> = (0..nodes).map(|j| value(angle(j).cos())).collect();
    let coefficient = |k: usize| {
        let sum: f64 = values.iter().enumerate().map(|(j, value)| value * (k as f64 * angle(j)).cos()).sum();
        2.0 / nodes as f64 * sum
    };
    (0..=degree).map(|k| if k % 2 == 1 { coefficient(k) } else { 0.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eval(coefficients: &[f64], x: f64) -> f64 {
        coefficients.iter().enumerate().map(|(k, c)| c * (k as f64 * x.acos()).cos()).sum()
    }

    #[test]
    fn iterations_lead_to_the_sign() {
        let composition = Composition::iterations(&[3, 7, 31], 0.25);
        assert_eq!((composition.degrees(), composition.depth()), (vec![3, 7, 31], 2 + 3 + 5));
        for x in [-1.0f64, -0.6, -0.25, 0.25, 0.6, 1.0] {
            let y = composition.stages.iter().fold(x, |x, stage| eval(stage, x.clamp(-1.0, 1.0)));
            assert!((y - x.signum()).abs() < 1e-3, "{x}: {y}");
        }
        // (3 x - x^3) / 2 = 9/8 T_1 - 1/8 T_3
        let cubic = &composition.stages[0];
        assert!((cubic[1] - 1.125).abs() < 1e-15 && (cubic[3] + 0.125).abs() < 1e-15 && cubic[2] == 0.0);
    }

    #[test]
    fn scalings_are_folded() {
        let record = json!({"epsilon": 0.5, "stages": [
            {"scaling": 1, "coefficients": ["2.5", -0.5]},
            {"scaling": 2.0, "coefficients": [1.0, "0.25", 0.125]},
        ]});
        let composition = Composition::parse(&record).unwrap();
        assert_eq!(composition.stages[0], [0.0, 1.25, 0.0, -0.25]);
        assert_eq!(composition.stages[1], [0.0, 1.0, 0.0, 0.25, 0.0, 0.125]);
        assert_eq!((composition.degrees(), composition.depth()), (vec![3, 5], 2 + 3));
        for (field, bad) in
            [("scaling", json!(0.5)), ("coefficients", json!([])), ("coefficients", json!(["x"]))]
        {
            let mut record = record.clone();
            record["stages"][0][field] = bad;
            assert!(Composition::parse(&record).is_err(), "{record}");
        }
        assert!(Composition::parse(&json!({})).is_err());
    }
}

//! Figures of one set of probabilities, and how they were calibrated.

use arras_nn::Metrics;
use serde::Serialize;

/// How good the probabilities of a reading are.
#[derive(Serialize)]
pub struct Figures {
    #[serde(flatten)]
    metrics: Metrics,
    /// The expected calibration error without the temperature, that is with T = 1.
    ece_before_temperature: f64,
    /// The logistic function behind the probabilities: `exact`, or the `polynomial` that runs on ciphertexts.
    logistic: &'static str,
}

impl Figures {
    /// Of probabilities with and without the temperature.
    pub fn new(
        with: &[f64],
        without: &[f64],
        labels: &[bool],
        logistic: &'static str,
    ) -> anyhow::Result<Self> {
        let ece_before_temperature = Metrics::of(without, labels)?.ece;
        Ok(Self { metrics: Metrics::of(with, labels)?, ece_before_temperature, logistic })
    }

    /// The titles of [`Figures::row`].
    pub const TITLES: [&'static str; 9] =
        ["", "accuracy", "precision", "recall", "F1", "AUROC", "ECE", "ECE, T = 1", "entropy, bits"];

    /// A row of a table.
    pub fn row(&self, name: &str) -> Vec<String> {
        let m = &self.metrics;
        let figures = [
            m.accuracy,
            m.precision,
            m.recall,
            m.f1,
            m.auroc,
            m.ece,
            self.ece_before_temperature,
            m.entropy_bits,
        ];
        std::iter::once(name.to_owned()).chain(figures.map(|x| format!("{x:.4}"))).collect()
    }
}

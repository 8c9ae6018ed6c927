//! How good probabilities are: accuracy, precision, recall, F1, area under the ROC curve, cross-entropy.

use serde::{Deserialize, Serialize};

use crate::Error;

/// Figures of one set of probabilities against the truth. Class 1 is the positive class; 0.5 is the threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Number of examples.
    pub count: usize,
    /// Share that is right.
    pub accuracy: f64,
    /// Share of the predicted positives that is positive; zero when none is predicted.
    pub precision: f64,
    /// Share of the positives that is predicted; zero when there is none.
    pub recall: f64,
    /// Harmonic mean of precision and recall; zero when both are.
    pub f1: f64,
    /// Probability that a positive ranks above a negative, ties counting half; 0.5 when one class is missing.
    pub auroc: f64,
    /// Mean cross-entropy in nats, with probabilities kept in [1e-6, 1 - 1e-6].
    pub cross_entropy: f64,
}

impl Metrics {
    /// The figures of these probabilities of class 1.
    ///
    /// **Cost**: one sort. A probability that is not a number counts as the lowest.
    ///
    /// # Errors
    ///
    /// When there is nothing to compare, or not as many labels as probabilities.
    ///
    /// ```
    /// # fn main() -> Result<(), arras_nn::Error> {
    /// let m = arras_nn::Metrics::of(&[0.9, 0.2, 0.6, 0.4], &[true, false, false, true])?;
    /// assert_eq!((m.accuracy, m.precision, m.recall, m.auroc), (0.5, 0.5, 0.5, 0.75));
    /// # Ok(())
    /// # }
    /// ```
    pub fn of(probabilities: &[f64], labels: &[bool]) -> Result<Self, Error> {
        if probabilities.len() != labels.len() || labels.is_empty() {
            return Err(Error::Compare { probabilities: probabilities.len(), labels: labels.len() });
        }
        let pairs = || probabilities.iter().zip(labels).map(|(&p, &l)| (positive(p), l));
        let count_of = |want: (bool, bool)| pairs().filter(|&pair| pair == want).count() as f64;
        let (hits, misses) = (count_of((true, true)), count_of((false, true)));
        let (alarms, rejects) = (count_of((true, false)), count_of((false, false)));
        let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
        Ok(Self {
            count: labels.len(),
            accuracy: share(hits + rejects, labels.len() as f64),
            precision: share(hits, hits + alarms),
            recall: share(hits, hits + misses),
            f1: share(2.0 * hits, 2.0 * hits + alarms + misses),
            auroc: auroc(probabilities, labels),
            cross_entropy: cross_entropy(probabilities, labels),
        })
    }
}

/// Whether a probability of class 1 says class 1.
#[must_use]
pub fn positive(probability: f64) -> bool {
    probability >= 0.5
}

/// The Mann-Whitney statistic with mid-ranks for ties.
fn auroc(probabilities: &[f64], labels: &[bool]) -> f64 {
    let mut sorted: Vec<(f64, bool)> = probabilities.iter().copied().zip(labels.iter().copied()).collect();
    let key = |p: f64| if p.is_nan() { f64::NEG_INFINITY } else { p };
    sorted.sort_by(|a, b| key(a.0).total_cmp(&key(b.0)));
    let (mut below, mut ranked) = (0.0, 0.0);
    for tie in sorted.chunk_by(|a, b| key(a.0) == key(b.0)) {
        let up = tie.iter().filter(|t| t.1).count() as f64;
        let down = tie.len() as f64 - up;
        ranked += up * (below + 0.5 * down);
        below += down;
    }
    let pairs = below * (labels.len() as f64 - below);
    if pairs > 0.0 { ranked / pairs } else { 0.5 }
}

fn cross_entropy(probabilities: &[f64], labels: &[bool]) -> f64 {
    let loss = |(&p, &l): (&f64, &bool)| {
        let p = p.clamp(1e-6, 1.0 - 1e-6);
        -(if l { p } else { 1.0 - p }).ln()
    };
    probabilities.iter().zip(labels).map(loss).sum::<f64>() / labels.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Case {
        probabilities: Vec<f64>,
        labels: Vec<bool>,
        expected: Metrics,
    }

    #[test]
    fn figures_agree_with_scikit_learn() {
        let text = include_str!("../tests/vectors/metrics.json");
        let cases: Vec<Case> = serde_json::from_str(text).unwrap();
        assert!(cases.len() >= 5);
        for case in cases {
            let have = Metrics::of(&case.probabilities, &case.labels).unwrap();
            assert_eq!(have.count, case.expected.count);
            let list = |m: Metrics| [m.accuracy, m.precision, m.recall, m.f1, m.auroc, m.cross_entropy];
            for (x, y) in list(have).into_iter().zip(list(case.expected)) {
                assert!((x - y).abs() < 1e-12, "{x} against {y}");
            }
        }
    }

    #[test]
    fn empty_and_one_sided_sets_have_an_answer() {
        assert!(matches!(Metrics::of(&[], &[]), Err(Error::Compare { .. })));
        assert!(matches!(Metrics::of(&[0.1], &[]), Err(Error::Compare { .. })));
        let m = Metrics::of(&[0.1, 0.2], &[false, false]).unwrap();
        assert_eq!((m.accuracy, m.f1, m.auroc), (1.0, 0.0, 0.5));
        assert_eq!(Metrics::of(&[f64::NAN, 0.7], &[false, true]).unwrap().auroc, 1.0);
    }
}

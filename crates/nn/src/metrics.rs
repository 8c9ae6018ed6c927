//! How good probabilities are: accuracy, precision, recall, F1, area under the ROC curve, cross-entropy, calibration, entropy.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::head::logistic;

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
    /// Expected calibration error: see [`Bin`].
    pub ece: f64,
    /// Mean entropy of the two probabilities, in bits.
    pub entropy_bits: f64,
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
            ece: calibration_error(&bins(probabilities, labels)),
            entropy_bits: probabilities.iter().map(|&p| entropy(p)).sum::<f64>() / labels.len() as f64,
        })
    }
}

/// Equal bins of [0, 1] into which confidences fall.
pub const BINS: usize = 15;

/// Predictions of about the same confidence, which is the probability of the class that they say.
///
/// Bin i of [`BINS`] holds the confidences in (i / BINS, (i + 1) / BINS]; those of two classes are never below 1/2. The expected
/// calibration error is the mean over all predictions of how far accuracy and mean confidence of their bin lie apart (Guo, Pleiss,
/// Sun, Weinberger 2017, section 2).
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Bin {
    /// Predictions in the bin.
    pub count: usize,
    /// Their mean confidence; zero when there is none.
    pub confidence: f64,
    /// Share of them that is right; zero when there is none.
    pub accuracy: f64,
}

/// All bins of these probabilities of class 1: the points of a reliability diagram.
///
/// **Cost**: one pass. A probability that is not a number counts as zero.
#[must_use]
pub fn bins(probabilities: &[f64], labels: &[bool]) -> [Bin; BINS] {
    let mut bins = [Bin::default(); BINS];
    for (&p, &label) in probabilities.iter().zip(labels) {
        let p = if p.is_nan() { 0.0 } else { p.clamp(0.0, 1.0) };
        let confidence = p.max(1.0 - p);
        let at = (confidence * BINS as f64).ceil() as usize;
        if let Some(bin) = bins.get_mut(at.saturating_sub(1)) {
            bin.count += 1;
            bin.confidence += confidence;
            bin.accuracy += f64::from(u8::from(positive(p) == label));
        }
    }
    for bin in &mut bins {
        let count = bin.count.max(1) as f64;
        bin.confidence /= count;
        bin.accuracy /= count;
    }
    bins
}

fn calibration_error(bins: &[Bin]) -> f64 {
    let count: usize = bins.iter().map(|bin| bin.count).sum();
    let gap = |bin: &Bin| bin.count as f64 * (bin.confidence - bin.accuracy).abs();
    bins.iter().map(gap).sum::<f64>() / count.max(1) as f64
}

/// Entropy of a probability and of what it leaves, in bits; zero for what is not a number or outside [0, 1].
#[must_use]
pub fn entropy(probability: f64) -> f64 {
    let part = |p: f64| if p > 0.0 && p < 1.0 { -p * p.log2() } else { 0.0 };
    part(probability) + part(1.0 - probability)
}

/// What a probability was before its log-odds were divided by a temperature. Probabilities are kept `least` away from 0 and 1: what
/// was rounded to either says no more.
#[must_use]
pub fn without_temperature(probability: f64, temperature: f64, least: f64) -> f64 {
    let p = probability.clamp(least, 1.0 - least);
    logistic(temperature * (p / (1.0 - p)).ln())
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
            let list = |m: Metrics| {
                [m.accuracy, m.precision, m.recall, m.f1, m.auroc, m.cross_entropy, m.ece, m.entropy_bits]
            };
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
        let sure = Metrics::of(&[0.0, 1.0, 1.0], &[false, true, false]).unwrap();
        assert_eq!((sure.entropy_bits, (sure.ece - 1.0 / 3.0).abs() < 1e-15), (0.0, true));
    }

    #[test]
    fn bins_hold_every_prediction_once() {
        let probabilities: Vec<f64> = (0..=1000).map(|i| f64::from(i) / 1000.0).collect();
        let labels: Vec<bool> = probabilities.iter().map(|p| *p >= 0.3).collect();
        let bins = bins(&probabilities, &labels);
        assert_eq!(bins.iter().map(|bin| bin.count).sum::<usize>(), 1001);
        for (i, bin) in bins.iter().enumerate().filter(|(_, bin)| bin.count > 0) {
            let (low, high) = (i as f64 / BINS as f64, (i + 1) as f64 / BINS as f64);
            assert!(low < bin.confidence && bin.confidence <= high && i >= BINS / 2);
        }
    }

    #[test]
    fn a_temperature_is_undone() {
        for (logit, temperature) in [(0.3, 0.5), (-2.0, 1.7), (4.0, 1.0)] {
            let before = without_temperature(logistic(logit / temperature), temperature, 1e-12);
            assert!((before - logistic(logit)).abs() < 1e-12);
        }
        assert!(without_temperature(1.0, 2.0, 1e-3) < 1.0);
    }
}

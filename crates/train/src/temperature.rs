//! The second phase: the network is frozen and one number learns, the temperature of the soft-argmax.

use crate::adamw::{AdamW, Dense};
use crate::network::{cross_entropy, sigmoid};

/// Full-batch steps; the problem has one dimension and is convex in 1 / T.
const STEPS: usize = 400;

/// The temperature T that minimises the cross-entropy of logistic(d / T), kept in [0.25, 4] and not below `least`.
///
/// What learns is log T, so that T stays positive; no label changes, because T does not change a sign.
#[must_use]
pub fn fit(logits: &[f32], positive: &[bool], least: f32) -> f32 {
    let low = least.clamp(0.25, 4.0).ln();
    let (adamw, mut optimiser, mut log) = (AdamW::default(), Dense::new(1), [0.0f32]);
    let count = logits.len().max(1) as f32;
    for step in 0..STEPS {
        let inverse = (-log[0]).exp();
        let slope = |(&d, &y): (&f32, &bool)| (sigmoid(d * inverse) - target(y)) * -d * inverse;
        let gradient = logits.iter().zip(positive).map(slope).sum::<f32>() / count;
        let rate = 0.05 * (1.0 - step as f32 / STEPS as f32);
        optimiser.step(&adamw, rate, 0.0, &mut log, &[gradient]);
        log[0] = log[0].clamp(low, 4.0f32.ln());
    }
    log[0].exp()
}

/// Mean cross-entropy of logistic(d / T).
#[must_use]
pub fn loss(logits: &[f32], positive: &[bool], temperature: f32) -> f32 {
    let one = |(&d, &y): (&f32, &bool)| cross_entropy(d / temperature, target(y));
    logits.iter().zip(positive).map(one).sum::<f32>() / logits.len().max(1) as f32
}

/// The label as a probability.
#[must_use]
pub const fn target(positive: bool) -> f32 {
    if positive { 1.0 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn the_temperature_of_calibrated_logits_is_found() {
        let mut rng = Rng::new(5, 5);
        for truth in [0.7f32, 1.0, 2.5] {
            let d: Vec<f32> = (0..20_000).map(|_| rng.symmetric(4.0)).collect();
            let y: Vec<bool> = d.iter().map(|&d| rng.unit() < sigmoid(d / truth)).collect();
            let found = fit(&d, &y, 0.25);
            assert!((found / truth - 1.0).abs() < 0.08, "{found} for {truth}");
            assert!(fit(&d, &y, 3.0) >= 2.999);
            assert!(loss(&d, &y, found) <= loss(&d, &y, truth) + 1e-5);
        }
    }
}

//! Inputs: half of them random, half of them as bad as they can be.

use arras_approx::Composite;
use arras_circuits::slotwise::Function;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

/// Points of a composition where its error is largest that are among the inputs.
const WORST: usize = 64;
/// Points at which errors are looked at, evenly and by their logarithm.
const LOOKS: u32 = 4096;
/// log2 of the smallest distance that max and its like are tried with, but for zero.
const LEAST_LOG2: f64 = -40.0;
/// Numbers are multiples of 2^-GRID where the gap is to be exact.
const GRID: i32 = 40;

/// Where inputs come from.
pub struct Source {
    function: Function,
    epsilon: f64,
    worst: Vec<f64>,
}

impl Source {
    /// Inputs for a function with a gap, bad for each of some compositions.
    pub fn new(function: Function, epsilon: f64, composites: &[&Composite]) -> Self {
        let worst = composites.iter().flat_map(|composite| worst(function, epsilon, composite)).collect();
        Self { function, epsilon, worst }
    }

    /// The columns of one run. Two numbers to compare differ by the gap at least.
    pub fn columns(&self, slots: usize, seed: u64, run: u32) -> Vec<Vec<f64>> {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        rng.set_stream(run.into());
        let rows: Vec<[f64; 2]> = (0..slots).map(|slot| self.row(slot, &mut rng)).collect();
        let column = |i: usize| rows.iter().map(|row| row[i]).collect();
        (0..self.function.columns()).map(column).collect()
    }

    /// A pair with a distance; of functions of one number, the distance alone.
    fn row(&self, slot: usize, rng: &mut ChaCha20Rng) -> [f64; 2] {
        let (kind, nth) = (slot % 8, slot / 8);
        let sign = if rng.next_u32().is_multiple_of(2) { 1.0 } else { -1.0 };
        let distance = match kind {
            0..4 => return self.random(rng),
            4 => self.epsilon,
            5 => (self.least_log2() * unit(rng)).exp2().max(self.least()),
            6 => self.worst.get(nth % self.worst.len().max(1)).copied().unwrap_or(1.0),
            _ => return self.at_the_ends(nth, sign),
        };
        self.placed(sign * distance, unit(rng))
    }

    /// The smallest distance that the function is tried with, but for zero.
    fn least(&self) -> f64 {
        self.least_log2().exp2()
    }

    fn least_log2(&self) -> f64 {
        if self.function == Function::Compare { self.epsilon.log2() } else { LEAST_LOG2 }
    }

    fn random(&self, rng: &mut ChaCha20Rng) -> [f64; 2] {
        loop {
            let (a, b) = (unit(rng), unit(rng));
            if self.function.columns() == 1 {
                return [2.0 * a - 1.0, 0.0];
            }
            if self.function != Function::Compare || (a - b).abs() >= self.epsilon {
                return [a, b];
            }
        }
    }

    /// The extreme pairs.
    fn at_the_ends(&self, nth: usize, sign: f64) -> [f64; 2] {
        let (kind, place) = (nth % 4, f64::from(u8::from(nth % 8 < 4)));
        let distance = match kind {
            0 | 1 => self.epsilon,
            2 => 1.0,
            _ if self.function == Function::Compare => 1.0 - self.epsilon,
            _ => 0.0,
        };
        self.placed(sign * distance, place)
    }

    /// Two numbers of [0, 1] with this difference, the first of them `part` of the way up.
    fn placed(&self, difference: f64, part: f64) -> [f64; 2] {
        if self.function.columns() == 1 {
            return [difference, 0.0];
        }
        let (lo, hi) = (difference.max(0.0), (1.0 + difference).min(1.0));
        let grid = f64::from(GRID).exp2();
        let a = lo + (part * (hi - lo) * grid).floor() / grid;
        [a, (a - difference).clamp(0.0, 1.0)]
    }
}

/// Uniform in [0, 1).
fn unit(rng: &mut ChaCha20Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// Where a composition errs most, as the function weighs it.
fn worst(function: Function, epsilon: f64, composite: &Composite) -> Vec<f64> {
    let compares = function == Function::Compare;
    let weight = |x: f64| if compares { 1.0 } else { x };
    let lo = if compares { epsilon } else { LEAST_LOG2.exp2() };
    let parts = (0..=LOOKS).map(|i| f64::from(i) / f64::from(LOOKS));
    let mut points: Vec<(f64, f64)> = parts
        .flat_map(|part| [lo + (1.0 - lo) * part, lo.powf(1.0 - part)])
        .map(|x| (weight(x) * (composite.eval(x) - 1.0).abs(), x))
        .collect();
    points.sort_by(|a, b| b.0.total_cmp(&a.0));
    points.into_iter().take(WORST).map(|(_, x)| x).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(function: Function) -> Source {
        let epsilon = 2f64.powi(-8);
        let composite = Composite::build(epsilon, 0.0, &[7, 15, 15], &mut |_, _| 0.0).unwrap();
        Source::new(function, epsilon, &[&composite])
    }

    #[test]
    fn compared_numbers_have_the_gap_and_often_just_the_gap() {
        let columns = source(Function::Compare).columns(1 << 12, 7, 0);
        let inside = |x: &f64| (0.0..=1.0).contains(x);
        assert!(columns.len() == 2 && columns.iter().flatten().all(inside));
        let gaps: Vec<f64> = columns[0].iter().zip(&columns[1]).map(|(a, b)| a - b).collect();
        let epsilon = 2f64.powi(-8);
        assert!(gaps.iter().all(|gap| gap.abs() >= epsilon));
        for exact in [epsilon, -epsilon, 1.0, -1.0] {
            assert!(gaps.contains(&exact), "{exact}");
        }
        assert!(gaps.iter().filter(|gap| gap.abs() == epsilon).count() >= 512);
    }

    #[test]
    fn the_others_are_tried_inside_the_gap_too() {
        for function in [Function::Max, Function::Min, Function::Relu, Function::Abs] {
            let columns = source(function).columns(1 << 12, 7, 0);
            assert_eq!(columns.len(), function.columns());
            let lowest = if columns.len() == 1 { -1.0 } else { 0.0 };
            assert!(columns.iter().flatten().all(|x| (lowest..=1.0).contains(x)));
            let distance = |i: usize| columns[0][i] - columns.get(1).map_or(0.0, |b| b[i]);
            let distances: Vec<f64> = (0..1 << 12).map(distance).collect();
            assert!(distances.contains(&0.0) && distances.iter().any(|x| *x != 0.0 && x.abs() < 1e-9));
        }
    }

    #[test]
    fn runs_differ_and_seeds_repeat() {
        let source = source(Function::Max);
        assert_eq!(source.columns(64, 1, 0), source.columns(64, 1, 0));
        assert_ne!(source.columns(64, 1, 0), source.columns(64, 1, 1));
        assert_ne!(source.columns(64, 1, 0), source.columns(64, 2, 0));
    }
}

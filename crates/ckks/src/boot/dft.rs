//! The special Fourier transform as a product of few sparse matrices (Chen, Chillotti and Song 2019; Han, Hhan and Cheon 2019).
//!
//! The transform from coefficients to slots is F B, with B the reversal of bits and F a product of log2 n butterfly stages.
//! A refresh leaves B out on both ways. A stage of length l has diagonals at rotations 0, l/2 and -l/2, whose entries repeat
//! with period l; merged stages have few diagonals still.

use std::collections::BTreeMap;

use crate::encode::Complex;

/// A matrix on n slots by its diagonals: entry j of diagonal k multiplies slot j + k.
#[derive(Clone, Debug)]
pub(crate) struct Banded {
    pub slots: usize,
    /// Every diagonal repeats with this period.
    pub period: usize,
    pub diagonals: BTreeMap<usize, Vec<Complex>>,
}

impl Banded {
    /// self times other: other acts first.
    fn after(&self, other: &Self) -> Self {
        let (n, period) = (self.slots, self.period.max(other.period));
        let mut diagonals: BTreeMap<usize, Vec<Complex>> = BTreeMap::new();
        for (&a, left) in &self.diagonals {
            for (&b, right) in &other.diagonals {
                let sum = diagonals.entry((a + b) % n).or_insert_with(|| vec![Complex::default(); period]);
                for (j, slot) in sum.iter_mut().enumerate() {
                    *slot = *slot + left[j % self.period] * right[(j + a) % other.period];
                }
            }
        }
        Self { slots: n, period, diagonals }
    }

    /// Each row j times row_factor(j), which repeats with a period; sparse packings use more slots than the matrix has.
    pub fn scale_rows(&mut self, period: usize, factor: impl Fn(usize) -> Complex) {
        let old = self.period;
        self.period = old.max(period);
        for diagonal in self.diagonals.values_mut() {
            *diagonal = (0..self.period).map(|j| factor(j) * diagonal[j % old]).collect();
        }
    }
}

/// The matrices from coefficients to slots (a refresh applies them to slots), first to act first: `sizes` stages in each.
pub(crate) fn forward(slots: usize, sizes: &[u32]) -> Vec<Banded> {
    let mut lengths = (1..).map(|log| 1usize << log);
    sizes
        .iter()
        .map(|&size| merge(slots, lengths.by_ref().take(size as usize).map(|l| stage(slots, l))))
        .collect()
}

/// The matrices of n times the inverse, first to act first.
pub(crate) fn inverse(slots: usize, sizes: &[u32]) -> Vec<Banded> {
    let mut lengths = (1..=slots.trailing_zeros()).rev().map(|log| 1usize << log);
    let stages = sizes
        .iter()
        .map(|&size| merge(slots, lengths.by_ref().take(size as usize).map(|l| inverse_stage(slots, l))));
    stages.collect()
}

/// Stages shared out over some matrices as evenly as can be; the first gets what is left over.
pub(crate) fn sizes(stages: u32, matrices: u32) -> Vec<u32> {
    let matrices = matrices.max(1);
    (0..matrices).map(|i| stages / matrices + u32::from(i < stages % matrices)).collect()
}

fn merge(slots: usize, mut stages: impl Iterator<Item = Banded>) -> Banded {
    let one = || Banded { slots, period: 1, diagonals: BTreeMap::from([(0, vec![Complex::new(1.0, 0.0)])]) };
    let first = stages.next().unwrap_or_else(one);
    stages.fold(first, |product, stage| stage.after(&product))
}

/// exp(2 pi i 5^j / 4l), j below l/2.
fn roots(length: usize) -> impl Iterator<Item = Complex> {
    let order = 4 * length;
    std::iter::successors(Some(1), move |&power| Some(power * 5 % order)).take(length / 2).map(move |power| {
        let angle = 2.0 * std::f64::consts::PI * power as f64 / order as f64;
        Complex::new(angle.cos(), angle.sin())
    })
}

/// (u, v) becomes (u + w v, u - w v).
fn stage(slots: usize, length: usize) -> Banded {
    let half = length / 2;
    let mut parts = [(); 3].map(|()| vec![Complex::default(); length]);
    for (j, w) in roots(length).enumerate() {
        parts[0][j] = Complex::new(1.0, 0.0);
        parts[0][j + half] = Complex::new(-w.re, -w.im);
        parts[1][j] = w;
        parts[2][j + half] = Complex::new(1.0, 0.0);
    }
    band(slots, length, parts)
}

/// (u, v) becomes (u + v, (u - v) / w).
fn inverse_stage(slots: usize, length: usize) -> Banded {
    let half = length / 2;
    let mut parts = [(); 3].map(|()| vec![Complex::default(); length]);
    for (j, w) in roots(length).enumerate() {
        parts[0][j] = Complex::new(1.0, 0.0);
        parts[0][j + half] = Complex::new(-w.re, w.im);
        parts[1][j] = Complex::new(1.0, 0.0);
        parts[2][j + half] = Complex::new(w.re, -w.im);
    }
    band(slots, length, parts)
}

/// Diagonals at 0, half a length to the left and half a length to the right.
fn band(slots: usize, length: usize, parts: [Vec<Complex>; 3]) -> Banded {
    let mut diagonals: BTreeMap<usize, Vec<Complex>> = BTreeMap::new();
    for (rotation, part) in [0, length / 2, slots - length / 2].into_iter().zip(parts) {
        match diagonals.get_mut(&rotation) {
            Some(sum) => sum.iter_mut().zip(part).for_each(|(slot, x)| *slot = *slot + x),
            None => {
                diagonals.insert(rotation, part);
            }
        }
    }
    Banded { slots, period: length, diagonals }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::fft::Fft;

    fn apply(matrix: &Banded, x: &[Complex]) -> Vec<Complex> {
        let n = matrix.slots;
        (0..n)
            .map(|j| {
                matrix.diagonals.iter().fold(Complex::default(), |sum, (&k, diagonal)| {
                    sum + diagonal[j % matrix.period] * x[(j + k) % n]
                })
            })
            .collect()
    }

    fn reversed(x: &[Complex]) -> Vec<Complex> {
        let bits = x.len().trailing_zeros();
        (0..x.len()).map(|i| x[i.reverse_bits() >> (usize::BITS - bits)]).collect()
    }

    fn near(a: &[Complex], b: &[Complex]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(&a, &b)| (a - b).abs() < 1e-12)
    }

    #[test]
    fn the_matrices_multiply_to_the_transform() {
        for log in 1..=8u32 {
            let n = 1 << log;
            let x: Vec<Complex> =
                (0..n).map(|i| Complex::new((i as f64).sin(), (3.0 * i as f64).cos())).collect();
            let mut slots = reversed(&x);
            Fft::new(n).forward(&mut slots);
            for matrices in 1..=4.min(log) {
                let sizes = sizes(log, matrices);
                let made = forward(n, &sizes).iter().fold(x.clone(), |x, matrix| apply(matrix, &x));
                assert!(near(&made, &slots), "n = {n}, {matrices} matrices");
                let back = inverse(n, &sizes).iter().fold(slots.clone(), |x, matrix| apply(matrix, &x));
                let back: Vec<Complex> =
                    back.iter().map(|z| Complex::new(z.re / n as f64, z.im / n as f64)).collect();
                assert!(near(&back, &x), "n = {n}, {matrices} matrices, inverse");
            }
        }
    }

    #[test]
    fn merged_stages_keep_few_diagonals() {
        let counts = |matrices: Vec<Banded>| matrices.iter().map(|m| m.diagonals.len()).collect::<Vec<_>>();
        assert_eq!(counts(inverse(1 << 9, &[3, 3, 3])), [8, 15, 15]);
        assert_eq!(counts(forward(1 << 9, &[3, 3, 3])), [15, 15, 8]);
    }
}

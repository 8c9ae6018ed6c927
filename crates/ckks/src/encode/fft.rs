//! The special FFT: slots to coefficients of a polynomial and back (Cheon, Kim, Kim and Song 2017; Cheon et al. 2018).
//!
//! Slot j is the value at zeta^(5^j), zeta = exp(2 pi i / 4n) for n slots, of a polynomial of degree below 2n whose
//! coefficient k is the real part, and k + n the imaginary part, of entry k of the transformed vector.

use super::Complex;

/// Tables for n slots.
#[derive(Debug)]
pub struct Fft {
    slots: usize,
    /// zeta^k, k below 4n.
    roots: Vec<Complex>,
    /// 5^j mod 4n.
    powers: Vec<usize>,
}

impl Fft {
    /// Tables for a power of two.
    pub fn new(slots: usize) -> Self {
        let order = 4 * slots;
        let angle = |k: usize| 2.0 * std::f64::consts::PI * k as f64 / order as f64;
        let roots = (0..order).map(|k| Complex::new(angle(k).cos(), angle(k).sin())).collect();
        let powers = std::iter::successors(Some(1), |&power| Some(power * 5 % order)).take(slots).collect();
        Self { slots, roots, powers }
    }

    /// Coefficients to slots.
    pub fn forward(&self, values: &mut [Complex]) {
        reverse_bits(values);
        let mut length = 2;
        while length <= self.slots {
            let (half, quarter) = (length / 2, length * 4);
            let gap = 4 * self.slots / quarter;
            for block in values.chunks_exact_mut(length) {
                let (low, high) = block.split_at_mut(half);
                for ((x, y), &power) in low.iter_mut().zip(high).zip(&self.powers) {
                    let (u, v) = (*x, *y * self.roots[power % quarter * gap]);
                    (*x, *y) = (u + v, u - v);
                }
            }
            length *= 2;
        }
    }

    /// Slots to coefficients.
    pub fn inverse(&self, values: &mut [Complex]) {
        let mut length = self.slots;
        while length >= 2 {
            let (half, quarter) = (length / 2, length * 4);
            let gap = 4 * self.slots / quarter;
            for block in values.chunks_exact_mut(length) {
                let (low, high) = block.split_at_mut(half);
                for ((x, y), &power) in low.iter_mut().zip(high).zip(&self.powers) {
                    let (u, v) = (*x + *y, *x - *y);
                    (*x, *y) = (u, v * self.roots[(quarter - power % quarter) * gap % (4 * self.slots)]);
                }
            }
            length /= 2;
        }
        reverse_bits(values);
        let scale = 1.0 / self.slots as f64;
        values.iter_mut().for_each(|value| *value = Complex::new(value.re * scale, value.im * scale));
    }
}

fn reverse_bits(values: &mut [Complex]) {
    let bits = values.len().trailing_zeros();
    if bits == 0 {
        return;
    }
    for i in 0..values.len() {
        let j = i.reverse_bits() >> (usize::BITS - bits);
        if i < j {
            values.swap(i, j);
        }
    }
}

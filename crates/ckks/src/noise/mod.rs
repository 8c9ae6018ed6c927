//! How far a slot is from what it should be: standard deviations, predicted from the parameters.
//!
//! An error polynomial with independent coefficients of deviation s gives each real or imaginary part of n slots a Gaussian
//! error of deviation s sqrt(n). A coefficient of the secret has variance 2/3 if it is dense ternary, and weight / N if it is
//! sparse. The formulas are averages (Costache, Curtis, Hales, Murphy, Ogilvie and Player 2023), not worst cases;
//! `tests/noise.rs` compares them with measurements.

use arras_ring::sample::SIGMA;
use arras_rlwe::{Level, Secret};

use crate::params::Params;

mod poly;

pub use poly::PolyNoise;

/// The standard deviation of the error in the real part of a slot.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Noise(pub f64);

impl Noise {
    /// The error of a sum.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.hypot(other.0))
    }

    /// The error of a product of a vector bounded by `value` with this error by an exact vector bounded by `factor`.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self(self.0 * factor.abs())
    }

    /// What no error in any of n slots exceeds but with probability below 2^-40.
    ///
    /// A Gaussian leaves t deviations with probability below exp(-t^2 / 2).
    #[must_use]
    pub fn bound(self, slots: usize) -> f64 {
        self.0 * (2.0 * (40.0 * std::f64::consts::LN_2 + (2.0 * slots as f64).ln())).sqrt()
    }

    /// Bits after the binary point that are right in all of n slots but with probability below 2^-40.
    pub fn correct_bits(self, slots: usize) -> f64 {
        -self.bound(slots).log2() - 1.0
    }
}

impl Params {
    /// Of a fresh encryption under the secret key, encoding included.
    pub fn fresh_noise(&self, slots: usize, level: Level) -> Noise {
        self.slot_noise((SIGMA * SIGMA + 1.0 / 12.0).sqrt(), slots, level)
    }

    /// Of a fresh encryption under the public key, encoding included.
    pub fn public_noise(&self, slots: usize, level: Level) -> Noise {
        let n = self.degree() as f64;
        self.slot_noise(
            (SIGMA * SIGMA * (1.0 + n * (2.0 / 3.0 + self.secret_variance())) + 1.0 / 12.0).sqrt(),
            slots,
            level,
        )
    }

    /// Of a vector that was encoded and not encrypted.
    pub fn encoding_noise(&self, slots: usize, level: Level) -> Noise {
        self.slot_noise((1.0f64 / 12.0).sqrt(), slots, level)
    }

    /// Added by a rescale that lands on a level.
    pub fn rescale_noise(&self, slots: usize, level: Level) -> Noise {
        // One rounding for each prime of the level above: a remainder modulo two is off by a multiple.
        let primes = self.spec().levels.get(level.index()).map_or(1, Vec::len);
        self.slot_noise(self.rounding(primes as f64), slots, level)
    }

    /// Added by a rotation, or by any key switch at a level without a rescale.
    pub fn switch_noise(&self, slots: usize, level: Level) -> Noise {
        let (digits, special, special_log2) = self.rlwe().digit_sizes(level);
        let n = self.degree() as f64;
        // A digit of `len` primes is a sum of `len` uniform parts, each of variance D^2 / 12.
        let variance: f64 = digits
            .iter()
            .map(|&(log2, len)| n * SIGMA * SIGMA * (2.0 * (log2 - special_log2)).exp2() * len as f64 / 12.0)
            .sum();
        self.slot_noise(variance.sqrt().hypot(self.rounding(special as f64)), slots, level)
    }

    /// Of the product of two vectors bounded by `a` and `b` with errors `noise_a` and `noise_b`, landing one level below.
    pub fn product_noise(
        &self,
        (a, noise_a): (f64, Noise),
        (b, noise_b): (f64, Noise),
        slots: usize,
        level: Level,
    ) -> Noise {
        let below = level.down(1).unwrap_or(level);
        // The key switch happens at the squared scale: its error shrinks by a scale.
        let switched = Noise(self.switch_noise(slots, level).0 / self.scale(level));
        noise_a
            .times(b)
            .plus(noise_b.times(a))
            .plus(Noise(noise_a.0 * noise_b.0))
            .plus(switched)
            .plus(self.rescale_noise(slots, below))
    }

    /// Deviation of the coefficients of r0 + r1 s where each r is a sum of so many roundings.
    fn rounding(&self, roundings: f64) -> f64 {
        (roundings / 12.0 * (1.0 + self.degree() as f64 * self.secret_variance())).sqrt()
    }

    fn secret_variance(&self) -> f64 {
        match self.spec().secret {
            Secret::Ternary => 2.0 / 3.0,
            Secret::Sparse { weight } => f64::from(weight) / self.degree() as f64,
        }
    }

    fn slot_noise(&self, coefficient: f64, slots: usize, level: Level) -> Noise {
        Noise(coefficient * (slots as f64).sqrt() / self.scale(level))
    }
}

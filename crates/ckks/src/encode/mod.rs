//! Vectors of numbers as polynomials, and back.

pub(crate) mod fft;

use std::ops::{Add, Mul, Sub};

use arras_ring::{Basis, Coeff, Eval, Modulus, Poly, Ring};
use arras_rlwe::{Level, ParamsId};
use zeroize::Zeroize;

use crate::error::Error;
use crate::params::Params;

/// A complex number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Complex {
    /// Real part.
    pub re: f64,
    /// Imaginary part.
    pub im: f64,
}

impl Complex {
    /// re + im i.
    pub const fn new(re: f64, im: f64) -> Self {
        Self { re, im }
    }

    /// Its absolute value.
    pub fn abs(self) -> f64 {
        self.re.hypot(self.im)
    }
}

impl From<f64> for Complex {
    fn from(re: f64) -> Self {
        Self { re, im: 0.0 }
    }
}

impl Add for Complex {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self::new(self.re + other.re, self.im + other.im)
    }
}

impl Sub for Complex {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self::new(self.re - other.re, self.im - other.im)
    }
}

impl Mul for Complex {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Self::new(self.re * other.re - self.im * other.im, self.re * other.im + self.im * other.re)
    }
}

/// An encoded vector: a polynomial at the scale of a level.
#[derive(Debug)]
pub struct Plain {
    pub(crate) poly: Poly<Eval>,
    pub(crate) level: Level,
    pub(crate) slots: usize,
    pub(crate) id: ParamsId,
}

impl Plain {
    /// The level whose scale it has.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Slots of the vector.
    pub fn slots(&self) -> usize {
        self.slots
    }
}

impl Params {
    /// Encodes real numbers at the top level in N/2 slots, zeros after the last.
    ///
    /// # Errors
    /// Too many values, or one that is not finite or too large.
    pub fn encode(&self, values: &[f64]) -> Result<Plain, Error> {
        self.encode_at(values, self.max_slots(), self.highest())
    }

    /// Encodes real numbers at a level in a power-of-two number of slots, zeros after the last.
    ///
    /// Fewer slots than N/2 mean that the vector repeats: rotations then have that period.
    ///
    /// # Errors
    /// As `encode`, or a number of slots that is not a power of two up to N/2.
    ///
    /// Error: rounding, at most 1/2 in each coefficient: a deviation of sqrt(n/12) / scale in the real part of each of n slots.
    pub fn encode_at(&self, values: &[f64], slots: usize, level: Level) -> Result<Plain, Error> {
        let values: Vec<Complex> = values.iter().map(|&value| value.into()).collect();
        self.encode_complex(&values, slots, level)
    }

    /// Encodes complex numbers: as `encode_at`.
    ///
    /// # Errors
    /// As `encode_at`.
    pub fn encode_complex(&self, values: &[Complex], slots: usize, level: Level) -> Result<Plain, Error> {
        let poly = self.encode_in(values, slots, level, self.basis(level))?;
        Ok(Plain { poly, level, slots, id: self.id() })
    }

    /// Encodes at the scale of a level, modulo the primes of a basis.
    pub(crate) fn encode_in(
        &self,
        values: &[Complex],
        slots: usize,
        level: Level,
        basis: Basis,
    ) -> Result<Poly<Eval>, Error> {
        self.check_level(level)?;
        self.check_slots(slots)?;
        if values.len() > slots {
            return Err(Error::TooManyValues { values: values.len(), slots });
        }
        self.check_values(values, level)?;
        Ok(self.encode_scaled(values, slots, self.scale(level), basis))
    }

    /// Encodes at any scale what is known to fit.
    pub(crate) fn encode_scaled(
        &self,
        values: &[Complex],
        slots: usize,
        scale: f64,
        basis: Basis,
    ) -> Poly<Eval> {
        let mut vector = values.to_vec();
        vector.resize(slots, Complex::default());
        self.fft(slots).inverse(&mut vector);
        let gap = self.max_slots() / slots;
        let mut coefficients = vec![0.0; self.degree()];
        for (k, value) in vector.iter().enumerate() {
            coefficients[k * gap] = (value.re * scale).round();
            coefficients[k * gap + self.degree() / 2] = (value.im * scale).round();
        }
        self.ring().ntt(round_to(self.ring(), &coefficients, basis))
    }

    /// What `encode_scaled` gives for a vector of period F, one word for each run of equal ones: its polynomial is one in
    /// Y = X^(N/2F), and transformed in the ring of that degree.
    ///
    /// Roots of unity of all orders are powers of the same base, so that those of the small ring are those of the large one. A
    /// vector of a period too short for a ring of its own comes as `encode_scaled` makes it.
    pub(crate) fn encode_runs(&self, values: &[Complex], scale: f64, basis: Basis) -> Poly<Eval> {
        let period = values.len();
        let Some(ring) = self.subring(2 * period) else {
            return self.encode_scaled(values, period, scale, basis);
        };
        let mut vector = values.to_vec();
        self.fft(period).inverse(&mut vector);
        let parts = vector.iter().map(|value| value.re).chain(vector.iter().map(|value| value.im));
        let coefficients: Vec<f64> = parts.map(|part| (part * scale).round()).collect();
        ring.ntt(round_to(&ring, &coefficients, basis))
    }

    pub(crate) fn check_values(&self, values: &[Complex], level: Level) -> Result<(), Error> {
        // Entries of absolute value up to B give coefficients up to B.
        let most_log2 = self.most_log2(level);
        let most = 2f64.powi(most_log2);
        let fits = |value: &Complex| value.re.is_finite() && value.im.is_finite() && value.abs() <= most;
        match values.iter().position(|value| !fits(value)) {
            Some(position) => {
                let at = values[position];
                let value = if at.re.is_finite() && at.re.abs() < at.im.abs() || at.im.is_nan() {
                    at.im
                } else {
                    at.re
                };
                Err(Error::Value { position, value, most_log2 })
            }
            None => Ok(()),
        }
    }

    /// log2 of the largest value at a level: half the modulus must hold it at the level's scale, and so must an i128.
    pub(crate) fn most_log2(&self, level: Level) -> i32 {
        self.largest(level).log2().floor().min(24.0) as i32
    }

    /// The size from which on a value wraps around at a level: half the modulus, over the scale.
    #[must_use]
    pub fn largest(&self, level: Level) -> f64 {
        (self.log2_modulus(level) - 1.0 - self.scale(level).log2()).exp2()
    }

    pub(crate) fn check_slots(&self, slots: usize) -> Result<(), Error> {
        if !slots.is_power_of_two() || slots > self.max_slots() {
            return Err(Error::Slots { slots, most: self.max_slots() });
        }
        Ok(())
    }

    /// The numbers in a polynomial of a level's scale, whose coefficients are below half of the product of its rows.
    pub(crate) fn decode_poly(&self, poly: Poly<Eval>, slots: usize, level: Level) -> Vec<Complex> {
        let basis = poly.basis();
        let mut coefficients = self.ring().intt(poly);
        let (gap, half, scale) = (self.max_slots() / slots, self.degree() / 2, self.scale(level));
        let lift = Lift::new(&self.ring().moduli(basis));
        let rows: Vec<&[u64]> = coefficients.rows().collect();
        let number = |k: usize| lift.signed(rows.iter().map(|row| row[k])) as f64 / scale;
        let mut values: Vec<Complex> =
            (0..slots).map(|k| Complex::new(number(k * gap), number(k * gap + half))).collect();
        // The noise of a decryption gives away the key.
        drop(rows);
        coefficients.zeroize();
        self.fft(slots).forward(&mut values);
        values
    }

    /// Rows from which a value is read: as many as fit 120 bits, so that a coefficient fits an i128.
    pub(crate) fn readable(&self, level: Level) -> Basis {
        let mut bits = 0.0;
        let rows = self.ring().moduli(self.basis(level));
        let fitting = rows.iter().take_while(|m| {
            bits += (m.value() as f64).log2();
            bits < 120.0
        });
        Basis::main(fitting.count())
    }
}

fn round_to(ring: &Ring, coefficients: &[f64], basis: Basis) -> Poly<Coeff> {
    if coefficients.iter().all(|c| c.abs() < 2f64.powi(62)) {
        let signed: Vec<i64> = coefficients.iter().map(|&c| c as i64).collect();
        return ring.from_signed(&signed, basis);
    }
    let mut poly = ring.blank(basis);
    let moduli = ring.moduli(basis);
    for (row, modulus) in poly.rows_mut().zip(moduli) {
        row.iter_mut().zip(coefficients).for_each(|(slot, &c)| *slot = residue(c as i128, modulus));
    }
    poly
}

/// The residue of a large signed integer.
pub(crate) fn residue(x: i128, modulus: &Modulus) -> u64 {
    let magnitude = (x.unsigned_abs() % u128::from(modulus.value())) as u64;
    if x < 0 { modulus.neg(magnitude) } else { magnitude }
}

/// The integer nearest to x as a residue; x is finite.
pub(crate) fn residue_of(x: f64, modulus: &Modulus) -> u64 {
    if x.abs() < 2f64.powi(126) {
        return residue(x.round() as i128, modulus);
    }
    // Squared scales of two primes do not fit an i128: such a number is its 53-bit significand times a power of two.
    let bits = x.to_bits();
    let (significand, exponent) =
        (bits & ((1 << 52) - 1) | 1 << 52, (bits >> 52 & 0x7ff).saturating_sub(1075));
    let magnitude = modulus.mul(modulus.reduce(significand), modulus.pow_vartime(2, exponent));
    if x < 0.0 { modulus.neg(magnitude) } else { magnitude }
}

/// i^power as a Gaussian integer modulo a prime.
pub(crate) fn power_of_i(power: u32, m: &Modulus) -> [u64; 2] {
    match power % 4 {
        0 => [1, 0],
        1 => [0, 1],
        2 => [m.neg(1), 0],
        _ => [0, m.neg(1)],
    }
}

/// Residues modulo a few primes to a signed integer (Garner 1959).
struct Lift {
    primes: Vec<Modulus>,
    /// 1 / (q_0 ... q_{i-1}) mod q_i.
    inverses: Vec<u64>,
    product: u128,
}

impl Lift {
    fn new(primes: &[&Modulus]) -> Self {
        let inverse = |i: usize, m: &Modulus| {
            m.inverse(primes[..i].iter().fold(1, |product, p| m.mul(product, m.reduce(p.value()))))
        };
        let inverses = primes.iter().enumerate().map(|(i, m)| inverse(i, m)).collect();
        let product = primes.iter().map(|m| u128::from(m.value())).product();
        Self { primes: primes.iter().map(|&&m| m).collect(), inverses, product }
    }

    fn signed(&self, residues: impl Iterator<Item = u64>) -> i128 {
        let (mut value, mut weight) = (0u128, 1u128);
        for ((m, &inverse), residue) in self.primes.iter().zip(&self.inverses).zip(residues) {
            let known = (value % u128::from(m.value())) as u64;
            let digit = m.mul(m.sub(residue, known), inverse);
            value += weight * u128::from(digit);
            weight *= u128::from(m.value());
        }
        if value > self.product / 2 { value as i128 - self.product as i128 } else { value as i128 }
    }
}

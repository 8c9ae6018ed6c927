//! Choosing primes: chains whose scales stay where they started, and parameters for a wish.

use arras_ring::primes;
use arras_ring::sample::SIGMA;
use arras_rlwe::{Secret, Security, Spec, security};

use crate::error::Error;

/// The shape of a chain, in bits; `build` finds the primes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// log2 N.
    pub log_degree: u32,
    /// Bits of the base modulus: what is left at level 0. 20 to 150.
    pub base_bits: u32,
    /// Bits of every scale, 20 to 100; above 50 a level is two primes.
    pub scale_bits: u32,
    /// Levels, 1 to 200.
    pub depth: u32,
    /// Security wanted.
    pub security: Security,
}

/// What a user wants; `ParamGen(lambda, PT, K, B)` of the encrypted-network paper as it can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Security in bits (lambda).
    pub security: Security,
    /// Correct bits after the binary point (PT, the plaintext space) of values up to 1, multiplied `depth` times in a row by
    /// fresh values up to 1. A power x^(2^depth) costs up to `depth` bits more: each square doubles the error of its operand.
    pub precision_bits: u32,
    /// Length of the vectors (K).
    pub slots: usize,
    /// Multiplications in a row (B, what sizes keys, ciphertexts and time).
    pub depth: u32,
}

/// Bits by which a scale exceeds the precision asked for: the noise of N/2 slots after `depth` multiplications by fresh
/// operands of size 1, which no slot exceeds but with probability 2^-40. A rescale rounds once for each prime of its level.
fn noise_bits(log_degree: u32, depth: u32, primes: f64) -> u32 {
    let (n, slots) = (f64::from(log_degree).exp2(), f64::from(log_degree - 1).exp2());
    // Variance of a coefficient: the rounding of a rescale, N/18 for a dense ternary secret, and two fresh errors.
    let deviation = (f64::from(depth + 1) * slots * (primes * n / 18.0 + 2.0 * SIGMA * SIGMA)).sqrt();
    let tail = (2.0 * std::f64::consts::LN_2 * (40.0 + f64::from(log_degree))).sqrt();
    (tail * deviation).log2().ceil() as u32
}

/// Bits by which the base exceeds the scale: decrypted values may be as large as 2^9.
const HEADROOM_BITS: u32 = 10;

impl Wish {
    /// The smallest secure ring that grants the wish.
    ///
    /// # Errors
    /// A number out of range, or `Error::NoParameters` with the depth that would do.
    pub fn grant(&self) -> Result<Spec, Error> {
        range("a precision in bits", u64::from(self.precision_bits), 4, 40)?;
        range("a vector length", self.slots as u64, 1, 1 << 16)?;
        range("a depth", u64::from(self.depth), 1, 200)?;
        let least = (usize::BITS - (self.slots.max(1) - 1).leading_zeros() + 1).max(12);
        let shape = |log_degree: u32, depth: u32| {
            let scale_of = |primes| self.precision_bits + noise_bits(log_degree, depth, primes);
            let single = scale_of(1.0).max(2 * log_degree.div_ceil(2) + 14);
            let scale_bits = if single <= 50 { single } else { scale_of(2.0).max(single) };
            Shape {
                log_degree,
                base_bits: scale_bits + HEADROOM_BITS,
                scale_bits,
                depth,
                security: self.security,
            }
        };
        if let Some(spec) = (least..=17).find_map(|log| shape(log, self.depth).build()) {
            return Ok(spec);
        }
        // Depths that are possible come before those that are not.
        let (mut most_depth, mut too_deep) = (0, self.depth);
        while too_deep - most_depth > 1 {
            let middle = most_depth.midpoint(too_deep);
            if shape(17, middle).build().is_some() { most_depth = middle } else { too_deep = middle }
        }
        let (depth, precision, security) = (self.depth, self.precision_bits, self.security.bits());
        Err(Error::NoParameters { depth, precision, security, most_depth })
    }
}

impl Shape {
    /// Primes and digits, the fastest that keep the security; `None` if none do.
    pub fn build(&self) -> Option<Spec> {
        let limit = f64::from(security::limit(self.log_degree, Secret::Ternary, self.security)?);
        let least_bits = u64::from(self.base_bits) + u64::from(self.depth) * u64::from(self.scale_bits);
        // Before primes are looked for: some of each target's primes lie a little below it.
        if !self.is_sane() || least_bits as f64 * 0.99 > limit {
            return None;
        }
        self.assemble(&[], |bits| choose_digit(bits, limit - bits.iter().sum::<f64>()))
    }

    /// The same with levels above the user's for the inside of a refresh, of so many bits each, lowest first.
    pub(crate) fn build_with(&self, internal: &[u32]) -> Option<Spec> {
        let limit = f64::from(security::limit(self.log_degree, Secret::Ternary, self.security)?);
        if !self.is_sane() {
            return None;
        }
        self.assemble(internal, |bits| choose_digit(bits, limit - bits.iter().sum::<f64>()))
    }

    /// `danger_toy` with levels above the user's.
    pub(crate) fn danger_toy_with(&self, internal: &[u32], digit: usize) -> Option<Spec> {
        if !self.is_sane() {
            return None;
        }
        self.assemble(internal, toy_digit(digit))
    }

    /// The same with digits and special primes as given and no regard to security: toy rings of tests.
    pub fn danger_toy(&self, digit: usize) -> Option<Spec> {
        if !self.is_sane() {
            return None;
        }
        self.assemble(&[], toy_digit(digit))
    }

    /// The primes of the chain, then digits and special primes as `special` says: primes in a digit, number of special primes,
    /// and bits of each, from the bits of the chain's primes.
    fn assemble(
        &self,
        internal: &[u32],
        special: impl FnOnce(&[f64]) -> Option<(usize, usize, f64)>,
    ) -> Option<Spec> {
        let degree = 1usize << self.log_degree;
        let mut taken = Vec::new();
        let mut levels = self.level_primes(degree, &mut taken)?;
        for &bits in internal {
            levels.push(take_near(f64::from(bits).exp2(), 1, degree, &mut taken)?);
        }
        let parts = self.base_bits.div_ceil(50);
        let each = f64::from(self.base_bits) / f64::from(parts);
        let base = take_near(2f64.powf(each), parts as usize, degree, &mut taken)?;
        let bits: Vec<f64> = base.iter().chain(levels.iter().flatten()).map(|&q| (q as f64).log2()).collect();
        let (digit, count, each) = special(&bits)?;
        let special = take_near(2f64.powf(each), count, degree, &mut taken)?;
        let (log_degree, secret, security) = (self.log_degree, Secret::Ternary, self.security);
        Some(Spec { log_degree, base, levels, special, digit, secret, security, refresh: None })
    }

    fn is_sane(&self) -> bool {
        arras_ring::LOG_DEGREES.contains(&self.log_degree)
            && (20..=150).contains(&self.base_bits)
            && (20..=100).contains(&self.scale_bits)
            && (1..=200).contains(&self.depth)
    }

    /// Primes of the levels, chosen from the top so that every scale stays near 2^scale_bits: a scale too large is
    /// followed by a larger prime.
    fn level_primes(&self, degree: usize, taken: &mut Vec<u64>) -> Option<Vec<Vec<u64>>> {
        // Primes are below 2^50: leave room on both sides of the target.
        let nominal = 2f64.powi(self.scale_bits as i32);
        let target =
            if self.scale_bits.is_multiple_of(50) { nominal * (1.0 - 2f64.powi(-14)) } else { nominal };
        let mut scale = target;
        let mut levels = Vec::new();
        for _ in 0..self.depth {
            let wanted = scale * (scale / target);
            let primes = if self.scale_bits <= 50 {
                take_near(wanted, 1, degree, taken)?
            } else {
                let first = take_near(wanted.sqrt(), 1, degree, taken)?;
                let second = take_near(wanted / *first.first()? as f64, 1, degree, taken)?;
                [first, second].concat()
            };
            let step: f64 = primes.iter().map(|&q| q as f64).product();
            // The top prime defines the top scale. Below it the same roundings as in `Params`: the recurrence doubles any
            // difference at every level.
            scale = if levels.is_empty() { step } else { scale * (scale / step) };
            levels.push(primes);
        }
        levels.reverse();
        Some(levels)
    }
}

/// Usable bits of a special prime.
const MOST_BITS: f64 = 49.999;

/// Primes a digit, number of special primes and bits of each: the fewest transforms within the budget of bits for P.
fn choose_digit(rows: &[f64], budget: f64) -> Option<(usize, usize, f64)> {
    let candidates = (1..=rows.len()).filter_map(|digit| {
        let largest = largest_digit(rows, digit);
        let count = (largest / MOST_BITS - 0.01).ceil().max(1.0);
        let bits = (largest / count + 0.05).min(MOST_BITS);
        (count * bits <= budget).then_some((digit, count as usize, bits))
    });
    candidates.min_by_key(|&(digit, count, _)| {
        let (digits, rows) = (rows.len().div_ceil(digit), rows.len());
        (digits + 2) * (rows + count)
    })
}

/// A digit as given, with special primes just large enough.
fn toy_digit(digit: usize) -> impl FnOnce(&[f64]) -> Option<(usize, usize, f64)> {
    move |bits| {
        let largest = largest_digit(bits, digit);
        let count = (largest / MOST_BITS).ceil().max(1.0);
        Some((digit, count as usize, (largest / count).min(MOST_BITS)))
    }
}

fn largest_digit(rows: &[f64], digit: usize) -> f64 {
    rows.chunks(digit.max(1)).map(|chunk| chunk.iter().sum::<f64>()).fold(0.0, f64::max)
}

fn take_near(target: f64, count: usize, degree: usize, taken: &mut Vec<u64>) -> Option<Vec<u64>> {
    let found: Vec<u64> = primes::near(target, degree).filter(|q| !taken.contains(q)).take(count).collect();
    taken.extend(&found);
    (found.len() == count).then_some(found)
}

fn range(what: &'static str, value: u64, least: u64, most: u64) -> Result<(), Error> {
    if value < least || value > most {
        return Err(Error::Range { what, value, least, most });
    }
    Ok(())
}

//! A refresh as data: its chain, its matrices, its polynomial, and how often it fails.

use arras_rlwe::{KeyRequest, Level, Purpose, Raised, Refresh, Security, Spec};
use serde::{Deserialize, Serialize};

use super::dft::sizes;
use super::map::Steps;
use super::modone::SERIES_LEVELS;
use crate::chain::Shape;
use crate::error::Error;
use crate::params::Params;

/// What a refresh is made of.
///
/// The chain is, from the bottom: the base; the user's levels, of which the lowest take values from slots to coefficients;
/// the levels of the reduction modulo 1; the levels from coefficients to slots.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BootSpec {
    /// log2 N.
    pub log_degree: u32,
    /// Bits of the base q_0: one prime, at most 50.
    pub base_bits: u32,
    /// Bits of the user's scale.
    pub scale_bits: u32,
    /// The user's levels, those of `to_coefficients` included.
    pub depth: u32,
    /// Matrices from slots to coefficients, a level each.
    pub to_coefficients: u32,
    /// Matrices from coefficients to slots, a level each.
    pub to_slots: u32,
    /// Bits of a level of the reduction modulo 1.
    pub reduction_bits: u32,
    /// Bits of a level from coefficients to slots.
    pub to_slots_bits: u32,
    /// More baby steps (faster, more keys) for 1 and 2 than for 0: see `docs/bootstrapping.md`.
    pub baby_excess: u32,
    /// Nonzero coefficients of the ephemeral secret.
    pub weight: u32,
    /// K: the reduction is right for numbers up to K in size.
    pub range: f64,
    /// Degree of the exponential.
    pub degree: u32,
    /// Squarings after it.
    pub doublings: u32,
    /// r: values of the unit box are 1/r beside q_0.
    pub ratio: f64,
    /// Bits that a round gets right of every value, with room to spare: by so many the next round enlarges the rest.
    pub round_bits: u32,
}

/// Ciphertexts modulo Q P' besides the baby steps and giant steps of a matrix: the digits of the input, and what is turned.
const HELD: usize = 8;

impl BootSpec {
    /// Levels from an input to an output: what a refresh gives.
    pub fn levels_left(&self, slots: usize) -> u32 {
        let dense = slots == 1 << (self.log_degree - 1);
        (self.depth - self.to_coefficients).saturating_sub(u32::from(!dense))
    }

    /// The least level of an input, and the level of an output.
    pub fn levels(&self, slots: usize) -> [u32; 2] {
        [self.to_coefficients, self.to_coefficients + self.levels_left(slots)]
    }

    /// Levels of the reduction modulo 1.
    pub fn reduction_levels(&self) -> u32 {
        (u32::BITS - self.degree.leading_zeros()) + self.doublings + SERIES_LEVELS
    }

    /// Levels above the user's.
    pub fn internal_levels(&self) -> u32 {
        self.reduction_levels() + self.to_slots
    }

    fn shape(&self) -> Shape {
        let (log_degree, base_bits, scale_bits) = (self.log_degree, self.base_bits, self.scale_bits);
        Shape { log_degree, base_bits, scale_bits, depth: self.depth, security: Security::Bits128 }
    }

    fn internal(&self) -> Vec<u32> {
        let reduction = std::iter::repeat_n(self.reduction_bits, self.reduction_levels() as usize);
        reduction.chain(std::iter::repeat_n(self.to_slots_bits, self.to_slots as usize)).collect()
    }

    fn refresh(&self) -> Option<Refresh> {
        Some(Refresh { levels: self.internal_levels(), weight: self.weight })
    }

    /// Primes and digits, the fastest that keep 128 bits of security; `None` if none do.
    pub fn build(&self) -> Option<Spec> {
        Some(Spec { refresh: self.refresh(), ..self.shape().build_with(&self.internal())? })
    }

    /// The same with digits as given and no regard to security: toy rings of tests.
    pub fn danger_toy(&self, digit: usize) -> Option<Spec> {
        Some(Spec { refresh: self.refresh(), ..self.shape().danger_toy_with(&self.internal(), digit)? })
    }

    /// log2 of the probability that a refresh of so many slots returns something wrong: that one of 2n coefficients of I
    /// exceeds K. Each is a sum of h + 1 numbers uniform in [-1/2, 1/2], whose tail is that of Irwin and Hall (1927).
    pub fn failure_log2(&self, slots: usize) -> f64 {
        let terms = self.weight + 1;
        let reach = f64::from(terms) / 2.0 - self.range;
        if reach <= 0.0 {
            return f64::NEG_INFINITY;
        }
        let log_factorial: f64 = (1..=terms).map(|k| f64::from(k).log2()).sum();
        let (mut sum, mut binomial) = (0.0, 1.0);
        for k in 0..reach.ceil() as u32 {
            sum += binomial * ((reach - f64::from(k)) / reach).powi(terms as i32);
            binomial *= -f64::from(terms - k) / f64::from(k + 1);
        }
        // Two tails of 2n coefficients.
        f64::from(terms) * reach.log2() + sum.log2() - log_factorial + 2.0 + (slots as f64).log2()
    }

    /// The evaluation keys, each trimmed to the highest level at which it works.
    ///
    /// # Errors
    /// Parameters of another chain, or slots that are not a power of two from 2^m to N/2, where m is the larger of
    /// `to_coefficients` and `to_slots`.
    pub fn request(&self, params: &Params, slots: usize) -> Result<KeyRequest, Error> {
        self.check(params, slots)?;
        let (summit, n) = (params.summit(), params.max_slots());
        let mut request =
            KeyRequest::new().with_raise(summit).with(Purpose::Relinearise, self.top_of_reduction());
        request = request.with(Purpose::Conjugate, Level(self.top_of_reduction().0 + 1));
        let trace = std::iter::successors(Some(slots), |by| Some(2 * by)).take_while(|&by| by < n);
        request = trace.fold(request, |all, by| all.with(Purpose::Rotate(by as u32), summit));
        let (down, up) = (self.coefficient_steps(slots), self.slot_steps(slots));
        let levels = (1..=self.to_coefficients).rev().map(|level| Level(level as u8));
        request = down.iter().zip(levels).fold(request, |all, (steps, at)| all.union(&steps.request(at)));
        let levels = (0..self.to_slots).map(|down| Level(summit.0 - down as u8));
        Ok(up.iter().zip(levels).fold(request, |all, (steps, at)| all.union(&steps.request(at))))
    }

    /// Bytes that refreshes of so many slots take beside their keys: the matrices, and what the widest one holds while it is
    /// applied. From above.
    ///
    /// # Errors
    /// As `request`.
    pub fn memory(&self, params: &Params, slots: usize) -> Result<u64, Error> {
        self.check(params, slots)?;
        let (summit, n) = (params.summit(), params.degree());
        let down = self.coefficient_steps(slots).into_iter().zip((1..=self.to_coefficients as u8).rev());
        let up = self.slot_steps(slots).into_iter().zip((0..self.to_slots as u8).map(|by| summit.0 - by));
        // Diagonals repeat with the longest stage, and sparse vectors need twice their slots at the end.
        let stages = |sizes: &[u32], from: usize| sizes.iter().take(from).sum::<u32>();
        let (first, last) = (self.coefficient_sizes(slots), self.slot_sizes(slots));
        let periods = (1..=first.len()).map(|i| 1usize << stages(&first, i));
        let periods = periods.chain((0..last.len()).map(|i| {
            let period = slots >> stages(&last, i);
            if i + 1 == last.len() { period.max(2 * slots) } else { period }
        }));
        let (mut kept, mut most) = (0, 0);
        for ((steps, level), period) in down.chain(up).zip(periods) {
            let rows = Raised::basis(params.rlwe(), Level(level)).rows();
            kept += steps.babies.len() * steps.giants * rows * (2 * period).min(n);
            most = most.max((steps.babies.len() + steps.giants + HELD) * 2 * rows * n);
        }
        Ok((8 * (kept + most)) as u64)
    }

    /// What a slot is multiplied by when coefficients of t / (K q_0) are in slots: K q_0, n N/2n = N/2 for the transform and
    /// the trace onto a sparse subring, and 2 for the conjugate that is added at the end.
    pub(crate) fn whole(&self, params: &Params) -> f64 {
        self.range * params.log2_modulus(Level(0)).exp2() * params.degree() as f64
    }

    /// The level at which coefficients are in slots.
    pub(crate) fn top_of_reduction(&self) -> Level {
        Level((self.depth + self.reduction_levels()) as u8)
    }

    /// Stages in each matrix from slots to coefficients, and the rotations of each.
    pub(crate) fn coefficient_steps(&self, slots: usize) -> Vec<Steps> {
        let mut stride = 1;
        let steps = self.coefficient_sizes(slots).into_iter().map(|size| {
            let steps = Steps::new(slots, stride, size, self.baby_excess);
            stride <<= size;
            steps
        });
        steps.collect()
    }

    /// The same from coefficients to slots.
    pub(crate) fn slot_steps(&self, slots: usize) -> Vec<Steps> {
        let mut stride = slots;
        let steps = self.slot_sizes(slots).into_iter().map(|size| {
            stride >>= size;
            Steps::new(slots, stride, size, self.baby_excess)
        });
        steps.collect()
    }

    pub(crate) fn coefficient_sizes(&self, slots: usize) -> Vec<u32> {
        // The last matrix wraps round and so has half the diagonals: it gets what is left over.
        sizes(slots.trailing_zeros(), self.to_coefficients).into_iter().rev().collect()
    }

    pub(crate) fn slot_sizes(&self, slots: usize) -> Vec<u32> {
        sizes(slots.trailing_zeros(), self.to_slots)
    }

    /// Whether parameters have the chain of this specification, and slots can be refreshed.
    pub(crate) fn check(&self, params: &Params, slots: usize) -> Result<(), Error> {
        params.check_slots(slots)?;
        let least = 1usize << self.to_coefficients.max(self.to_slots);
        if slots < least {
            return Err(Error::BootSlots { slots, least });
        }
        let spec = params.spec();
        let fits = spec.refresh == self.refresh()
            && spec.log_degree == self.log_degree
            && spec.levels.len() as u32 == self.depth + self.internal_levels();
        if fits {
            Ok(())
        } else {
            Err(Error::BootChain { need: self.internal_levels(), have: internal(spec) })
        }
    }
}

fn internal(spec: &Spec) -> u32 {
    spec.refresh.map_or(0, |refresh| refresh.levels)
}

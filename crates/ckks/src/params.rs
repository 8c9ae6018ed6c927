//! CKKS parameters: a checked modulus chain and the one scale of each level.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, PoisonError, RwLock};

use arras_ring::Ring;
use arras_rlwe::{Level, Spec};

use crate::encode::fft::Fft;
use crate::error::Error;

/// A checked parameter set with its scales. Cheap to clone; dereferences to the layer below.
///
/// Scales follow Kim, Papadimitriou and Polyakov 2020: Delta_L is the modulus of the top level L, and
/// Delta_(l-1) = Delta_l^2 / q_l, so a product at level l rescales exactly to the scale of level l - 1. The levels above L,
/// which only a refresh uses, have no scale of their own.
#[derive(Clone, Debug)]
pub struct Params {
    rlwe: arras_rlwe::Params,
    scales: Arc<Vec<f64>>,
    ffts: Arc<RwLock<HashMap<usize, Arc<Fft>>>>,
    subrings: Arc<RwLock<HashMap<usize, Ring>>>,
}

impl Params {
    /// Checks a specification: primes, digits, and 128 bits of security or what it asks for.
    ///
    /// # Errors
    /// What is wrong, and what would do.
    pub fn new(spec: &Spec) -> Result<Self, Error> {
        Self::over(arras_rlwe::Params::new(spec)?)
    }

    /// The same without the security check, for tests alone.
    ///
    /// # Errors
    /// As `new`, but for security.
    pub fn danger_insecure(spec: &Spec) -> Result<Self, Error> {
        Self::over(arras_rlwe::Params::danger_insecure(spec)?)
    }

    /// CKKS over parameters that were checked already.
    ///
    /// # Errors
    /// `Error::NoLevels` without a level, `Error::Scales` if a scale drifts from the top one by more than one bit.
    pub fn over(rlwe: arras_rlwe::Params) -> Result<Self, Error> {
        let levels = rlwe.spec().levels.get(..rlwe.highest().index()).unwrap_or_default();
        let mut scale = levels.last().map(|primes| product(primes)).ok_or(Error::NoLevels)?;
        let mut scales = vec![scale];
        for primes in levels.iter().rev() {
            scale = scale * (scale / product(primes));
            scales.push(scale);
        }
        scales.reverse();
        let top_log2 = scales.last().map_or(0.0, |top| top.log2());
        // A scale that is no number is near nothing.
        let near = |scale: &f64| (scale.log2() - top_log2).abs() <= 1.0;
        if let Some(level) = scales.iter().position(|scale| !near(scale)) {
            return Err(Error::Scales { level, scale_log2: scales[level].log2(), top_log2 });
        }
        Ok(Self { rlwe, scales: Arc::new(scales), ffts: Arc::default(), subrings: Arc::default() })
    }

    /// The layer below.
    pub fn rlwe(&self) -> &arras_rlwe::Params {
        &self.rlwe
    }

    /// Delta of a level; levels above the top count as the top.
    pub fn scale(&self, level: Level) -> f64 {
        self.scales[level.index().min(self.scales.len() - 1)]
    }

    /// The modulus that a rescale at this level divides by; 1 at level 0.
    pub fn step(&self, level: Level) -> f64 {
        let index = level.index().min(self.spec().levels.len());
        index.checked_sub(1).map_or(1.0, |below| product(&self.spec().levels[below]))
    }

    /// log2 of the whole modulus at a level.
    pub fn log2_modulus(&self, level: Level) -> f64 {
        self.ring().moduli(self.basis(level)).iter().map(|m| (m.value() as f64).log2()).sum()
    }

    /// The most slots: N/2.
    pub fn max_slots(&self) -> usize {
        self.degree() / 2
    }

    /// The ring of a smaller degree modulo the same primes, if it is not too small.
    pub(crate) fn subring(&self, degree: usize) -> Option<Ring> {
        if degree >= self.degree() {
            return (degree == self.degree()).then(|| self.ring().clone());
        }
        if let Some(ring) = self.subrings.read().unwrap_or_else(PoisonError::into_inner).get(&degree) {
            return Some(ring.clone());
        }
        let full = self.ring().full();
        let primes: Vec<u64> = self.ring().moduli(full).iter().map(|m| m.value()).collect();
        let (main, special) = primes.split_at(full.main);
        let ring = Ring::new(degree.trailing_zeros(), main, special, self.ring().kernels()).ok()?;
        let mut rings = self.subrings.write().unwrap_or_else(PoisonError::into_inner);
        Some(rings.entry(degree).or_insert(ring).clone())
    }

    /// The transform between slots and coefficients.
    pub(crate) fn fft(&self, slots: usize) -> Arc<Fft> {
        // A panic while the lock is held cannot leave a half-made table behind: tables are inserted whole.
        if let Some(fft) = self.ffts.read().unwrap_or_else(PoisonError::into_inner).get(&slots) {
            return fft.clone();
        }
        let fft = Arc::new(Fft::new(slots));
        self.ffts.write().unwrap_or_else(PoisonError::into_inner).entry(slots).or_insert(fft).clone()
    }
}

impl Deref for Params {
    type Target = arras_rlwe::Params;

    fn deref(&self) -> &arras_rlwe::Params {
        &self.rlwe
    }
}

fn product(primes: &[u64]) -> f64 {
    primes.iter().map(|&q| q as f64).product()
}

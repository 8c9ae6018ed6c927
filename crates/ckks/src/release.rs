//! Encryption of vectors, decryption, and what may leave the owner of the key.

use arras_rlwe::{PublicKey, SecretKey};
use rand_core::CryptoRng;
use serde::Serialize;

use crate::cipher::{Ciphertext, SeededCiphertext};
use crate::encode::{Complex, Plain};
use crate::error::Error;
use crate::params::Params;

/// A decrypted vector, for the owner of the key alone.
///
/// Its last bits carry the noise of the ciphertext, and with it the secret key (Li and Micciancio 2021). It does not
/// serialise; `release` makes what may be shown to others.
#[derive(Clone, PartialEq)]
pub struct Decrypted {
    values: Vec<Complex>,
}

/// A decrypted vector rounded to a stated precision, which may be published.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Released {
    /// The real parts, multiples of 2^-precision_bits.
    pub values: Vec<f64>,
    /// Bits after the binary point.
    pub precision_bits: u32,
}

impl Params {
    /// Encrypts under the secret key, the uniform half kept as a seed.
    ///
    /// # Errors
    /// A key or a vector of other parameters.
    ///
    /// Error: deviation about 3.19 sqrt(n) / scale in the real part of each of n slots.
    pub fn encrypt<R: CryptoRng + ?Sized>(
        &self,
        plain: &Plain,
        secret: &SecretKey,
        rng: &mut R,
    ) -> Result<SeededCiphertext, Error> {
        self.check_id("encoded vector", plain.id)?;
        let inner = secret.encrypt_seeded(self.rlwe(), &plain.poly, plain.level, rng)?;
        Ok(SeededCiphertext { inner, slots: plain.slots })
    }

    /// Encrypts under a public key.
    ///
    /// # Errors
    /// A key or a vector of other parameters.
    ///
    /// Error: deviation about 3.19 sqrt(4nN/3) / scale in the real part of each of n slots, if the secret is dense ternary.
    pub fn encrypt_public<R: CryptoRng + ?Sized>(
        &self,
        plain: &Plain,
        key: &PublicKey,
        rng: &mut R,
    ) -> Result<Ciphertext, Error> {
        self.check_id("encoded vector", plain.id)?;
        let inner = key.encrypt(self.rlwe(), &plain.poly, plain.level, rng)?;
        Ok(Ciphertext { inner, slots: plain.slots })
    }

    /// Decrypts and decodes.
    ///
    /// # Errors
    /// A key or ciphertext of other parameters.
    pub fn decrypt(&self, ciphertext: &Ciphertext, secret: &SecretKey) -> Result<Decrypted, Error> {
        self.decrypt_slots(ciphertext, ciphertext.slots, secret)
    }

    /// The same in all slots of the ring: a vector of few slots stands there over and over, each copy with noise of its own, of
    /// which [`Params::decrypt`] takes the mean.
    ///
    /// # Errors
    /// As [`Params::decrypt`].
    pub fn decrypt_copies(&self, ciphertext: &Ciphertext, secret: &SecretKey) -> Result<Decrypted, Error> {
        self.decrypt_slots(ciphertext, self.max_slots(), secret)
    }

    fn decrypt_slots(
        &self,
        ciphertext: &Ciphertext,
        slots: usize,
        secret: &SecretKey,
    ) -> Result<Decrypted, Error> {
        let level = ciphertext.level();
        let mut phase = secret.phase(self.rlwe(), &ciphertext.inner, level)?;
        phase.truncate(self.readable(level).main);
        Ok(Decrypted { values: self.decode_poly(phase, slots, level) })
    }

    /// The numbers in an encoded vector.
    pub fn decode(&self, plain: &Plain) -> Vec<Complex> {
        let poly = self.ring().copy(&plain.poly, self.readable(plain.level));
        self.decode_poly(poly, plain.slots, plain.level)
    }
}

impl Decrypted {
    /// The vector with its noise. Keep it to yourself.
    pub fn secret_values(&self) -> &[Complex] {
        &self.values
    }

    /// The real parts with their noise. Keep them to yourself.
    pub fn secret_reals(&self) -> Vec<f64> {
        self.values.iter().map(|value| value.re).collect()
    }

    /// The real parts rounded to so many bits after the binary point.
    ///
    /// Rounding hides the noise when 2^-precision_bits is well above it: at most `Noise::correct_bits` bits, and fewer for a
    /// margin. More than 52 bits count as 52.
    pub fn release(&self, precision_bits: u32) -> Released {
        let precision_bits = precision_bits.min(52);
        let values = self.values.iter().map(|value| rounded(value.re, precision_bits)).collect();
        Released { values, precision_bits }
    }
}

/// A number rounded to so many bits after the binary point, as [`Decrypted::release`] does: for what was computed from a decrypted
/// vector and may be shown to others.
#[must_use]
pub fn rounded(value: f64, precision_bits: u32) -> f64 {
    let unit = 2f64.powi(precision_bits.min(52) as i32);
    // Adding 0 turns -0 into 0.
    (value * unit).round() / unit + 0.0
}

impl std::fmt::Debug for Decrypted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A log is read by others.
        f.debug_struct("Decrypted").field("slots", &self.values.len()).finish_non_exhaustive()
    }
}

//! The owner of the key at work on columns: sealing values, opening what was computed of them.

mod noise;
mod plan;
mod search;
mod wish;

pub use plan::{ColumnPlan, Place, Sealing};
pub use search::{Least, modelled};
pub use wish::{Scales, Wish};

use arras_circuits::Slotwise;
use arras_circuits::slotwise::Job;
use arras_ckks::wire::{Batch, Items};
use arras_ckks::{Ciphertext, Level, Params, PublicKey, SecretKey};
use rand_core::CryptoRng;

use crate::client::MARGIN_BITS;
use crate::encrypt::{Key, encrypt};
use crate::error::Error;

/// The most bits after the binary point of what leaves a decryption of numbers.
const MOST_PRECISION: u32 = 20;

/// Bits of a result after the binary point that noise leaves alone.
fn correct_bits(slotwise: &Slotwise) -> f64 {
    -(slotwise.proof().noise.log2()) - 1.0
}

/// Bits to which numbers are rounded: what leaves is a thousand times coarser than the noise, or there is nothing fine enough to
/// leave.
fn precision_bits(slotwise: &Slotwise) -> u32 {
    (correct_bits(slotwise) - f64::from(MARGIN_BITS)).clamp(0.0, f64::from(MOST_PRECISION)) as u32
}

/// A key with the function for whose columns it seals. It opens nothing.
#[derive(Clone, Copy, Debug)]
pub struct ColumnSealer<'a> {
    slotwise: &'a Slotwise,
    params: &'a Params,
    key: Key<'a>,
}

/// A secret key with the function whose columns it seals and whose answers it opens.
#[derive(Debug)]
pub struct ColumnClient<'a> {
    sealer: ColumnSealer<'a>,
    secret: &'a SecretKey,
    precision_bits: u32,
}

impl<'a> ColumnSealer<'a> {
    /// A sealer for the owner of a public key, by anyone.
    ///
    /// # Errors
    /// A public key of other parameters.
    pub fn public(slotwise: &'a Slotwise, params: &'a Params, public: &'a PublicKey) -> Result<Self, Error> {
        params.check_id("public key", public.id())?;
        Ok(Self { slotwise, params, key: Key::Public(public) })
    }

    /// Encrypts columns for one run. Cost: one encryption for each.
    ///
    /// # Errors
    /// A value that is not what the function takes, columns of other number or length, more rows than slots, or parameters with
    /// too few levels.
    pub fn seal<R: CryptoRng + ?Sized>(&self, columns: &[Vec<f64>], rng: &mut R) -> Result<Batch, Error> {
        let slots = self.params.max_slots();
        let packed = self.slotwise.pack(columns, slots)?;
        let (have, need) = (u32::from(self.params.highest().0), self.slotwise.depth());
        let level =
            u8::try_from(need).ok().filter(|_| have >= need).ok_or(Error::TooShallow { have, need })?;
        let rows = columns.first().map_or(0, Vec::len);
        let job = Job { function: self.slotwise.digest(), rows: u32::try_from(rows).unwrap_or(u32::MAX) };
        let items = encrypt(self.params, self.key, &packed, slots, Level(level), rng)?;
        Ok(Batch { label: job.to_bytes(), items })
    }
}

impl<'a> ColumnClient<'a> {
    /// A client of a function.
    ///
    /// # Errors
    /// A secret key of other parameters, or noise that rounded answers would show (docs/security.md).
    pub fn new(slotwise: &'a Slotwise, params: &'a Params, secret: &'a SecretKey) -> Result<Self, Error> {
        params.check_id("secret key", secret.id())?;
        let precision_bits = precision_bits(slotwise);
        let correct = correct_bits(slotwise);
        let need = -slotwise.unit(precision_bits).log2().min(0.0) + f64::from(MARGIN_BITS);
        if precision_bits == 0 || correct < need {
            return Err(Error::Noisy { have: correct, need: need.ceil() as u32 });
        }
        let sealer = ColumnSealer { slotwise, params, key: Key::Secret(secret) };
        Ok(Self { sealer, secret, precision_bits })
    }

    /// What seals under the secret key.
    #[must_use]
    pub fn sealer(&self) -> &ColumnSealer<'a> {
        &self.sealer
    }

    /// Bits after the binary point to which numbers are rounded before they leave.
    #[must_use]
    pub fn precision_bits(&self) -> u32 {
        self.precision_bits
    }

    /// Encrypts columns for one run.
    ///
    /// # Errors
    /// As [`ColumnSealer::seal`].
    pub fn seal<R: CryptoRng + ?Sized>(&self, columns: &[Vec<f64>], rng: &mut R) -> Result<Batch, Error> {
        self.sealer.seal(columns, rng)
    }

    /// Decrypts an answer: one value per row, in order; see [`Slotwise::unpack`].
    ///
    /// Error: none for integers; for numbers [`Slotwise::error`] and the rounding.
    ///
    /// # Errors
    /// A batch of another function, of other keys, not yet run, whose sentinel is wrong, or with a row that was outside the
    /// domain.
    pub fn open(&self, batch: &Batch) -> Result<Vec<f64>, Error> {
        let job = Job::from_bytes(&batch.label)?;
        let ColumnSealer { slotwise, .. } = self.sealer;
        if job.function != slotwise.digest() {
            return Err(Error::ForeignFunction);
        }
        let Items::Whole(items) = &batch.items else { return Err(Error::NotRun) };
        if items.iter().any(|item| item.level() > Level(0)) {
            return Err(Error::NotRun);
        }
        let [result, guard] = items.as_slice() else {
            return Err(Error::Items { have: items.len(), need: 2 });
        };
        let (result, guard) = (self.decrypt(result)?, self.decrypt(guard)?);
        Ok(slotwise.unpack(&result, &guard, job.rows as usize, self.precision_bits)?)
    }

    /// The numbers in a ciphertext with their noise, which `unpack` checks and rounds away.
    fn decrypt(&self, ciphertext: &Ciphertext) -> Result<Vec<f64>, Error> {
        Ok(self.sealer.params.decrypt(ciphertext, self.secret)?.secret_reals())
    }
}

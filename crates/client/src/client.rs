//! The owner of the key at work: sealing texts, opening answers.

use arras_ckks::boot::presets;
use arras_ckks::wire::{Batch, Items};
use arras_ckks::{Ciphertext, Complex, Decrypted, Level, Params, PublicKey, SecretKey, rounded};
use arras_nn::program::{Lanes, Latency, Stage, Throughput};
use arras_nn::sentinel::SentinelError;
use arras_nn::{Job, Mode, Model, Network, Prediction, Reading};
use rand_core::CryptoRng;

use crate::encrypt::{Key, encrypt, encrypt_encoded};
use crate::error::Error;
use crate::plan::{Plan, fewest_correct_bits};

/// Bits after the binary point of what leaves a decryption: more than a label needs.
pub const PRECISION_BITS: u32 = 12;

/// Bits that must be right beyond those that leave, in a vector that fills its ring: what rounding needs to hide the noise of
/// all but one value in a thousand (docs/security.md).
pub(crate) const MARGIN_BITS: u32 = 10;

/// The most bytes of ciphertexts in one batch.
pub const MOST_BYTES: u64 = 2 << 30;

/// Bits after the binary point of the probability that leaves a decryption for a transformer, whose answers have more noise.
pub const LANES_PRECISION_BITS: u32 = 8;

/// A key with the model for which it seals. It opens nothing.
#[derive(Clone, Copy, Debug)]
pub struct Sealer<'a> {
    model: Network<'a>,
    digest: [u8; 32],
    params: &'a Params,
    key: Key<'a>,
}

/// A secret key with the model for which it opens what a [`Sealer`] sealed and an engine ran.
#[derive(Debug)]
pub struct Client<'a> {
    sealer: Sealer<'a>,
    secret: &'a SecretKey,
}

impl<'a> Sealer<'a> {
    /// A sealer for the owner of a public key, by anyone.
    ///
    /// # Errors
    /// A public key of other parameters.
    pub fn public(
        model: impl Into<Network<'a>>,
        digest: [u8; 32],
        params: &'a Params,
        public: &'a PublicKey,
    ) -> Result<Self, Error> {
        params.check_id("public key", public.id())?;
        Ok(Self { model: model.into(), digest, params, key: Key::Public(public) })
    }

    /// Encrypts texts for one run.
    ///
    /// Cost: one encryption per text, or per feature of the model.
    ///
    /// # Errors
    /// No text, a text that cannot be read or is too long, more texts than fit, or parameters with too few levels.
    pub fn seal<R: CryptoRng + ?Sized>(
        &self,
        texts: &[&str],
        mode: Mode,
        rng: &mut R,
    ) -> Result<Batch, Error> {
        let read = |(i, text): (usize, &&str)| match self.model.read(text, false) {
            Ok(reading) => Ok(reading),
            Err(source) => Err(Error::Text { position: i + 1, source }),
        };
        let readings: Result<Vec<_>, Error> = texts.iter().enumerate().map(read).collect();
        self.seal_readings(&readings?, mode, rng)
    }

    /// Encrypts texts that were read already, for one run.
    ///
    /// # Errors
    /// As [`Sealer::seal`].
    pub fn seal_readings<R: CryptoRng + ?Sized>(
        &self,
        readings: &[Reading],
        mode: Mode,
        rng: &mut R,
    ) -> Result<Batch, Error> {
        if readings.is_empty() {
            return Err(Error::NoText);
        }
        let level = Plan::over(self.params, self.model, mode)?.level();
        let job = Job { mode, model: self.digest, items: u32::try_from(readings.len()).unwrap_or(u32::MAX) };
        let label = job.to_bytes();
        Job::from_bytes(&label)?;
        let items = match self.model {
            Network::Words(model) => {
                let (vectors, slots) = self.pack(model, readings, mode)?;
                self.check_memory(readings.len(), vectors.len(), level)?;
                encrypt(self.params, self.key, &vectors, slots, level, rng)?
            }
            Network::Lanes(lanes) => {
                self.check_memory(readings.len(), readings.len(), level)?;
                let encode = |reading: &Reading| Ok(self.pack_lanes(lanes, reading)?);
                let vectors: Vec<Vec<Complex>> = readings.iter().map(encode).collect::<Result<_, Error>>()?;
                let encoded =
                    vectors.iter().map(|values| self.params.encode_complex(values, lanes.slots(), level));
                encrypt_encoded(self.params, self.key, encoded, rng)?
            }
        };
        Ok(Batch { label, items })
    }

    fn pack(&self, model: &Model, readings: &[Reading], mode: Mode) -> Result<(Vec<Vec<f64>>, usize), Error> {
        let features = |reading: &Reading| match reading {
            Reading::Words(features) => Ok(features.values.clone()),
            Reading::Lanes(_) => Err(arras_nn::Error::OtherReading),
        };
        let features: Vec<Vec<f64>> = readings.iter().map(features).collect::<Result<_, _>>()?;
        match mode {
            Mode::Latency => {
                let program = Latency::new(model)?;
                let vectors: Result<Vec<_>, _> = features.iter().map(|values| program.pack(values)).collect();
                Ok((vectors?, program.period()))
            }
            Mode::Throughput => {
                let slots = self.params.max_slots();
                Ok((Throughput::new(model)?.pack_batch(&features, slots)?, slots))
            }
        }
    }

    fn pack_lanes(&self, lanes: &Lanes, reading: &Reading) -> Result<Vec<Complex>, arras_nn::Error> {
        let Reading::Lanes(embedded) = reading else { return Err(arras_nn::Error::OtherReading) };
        let [features, shares] = lanes.pack(embedded)?;
        Ok(features.into_iter().zip(shares).map(|(re, im)| Complex::new(re, im)).collect())
    }

    /// The ciphertexts of a batch are in memory all at once.
    fn check_memory(&self, have: usize, vectors: usize, level: Level) -> Result<(), Error> {
        let bytes = self.key.bytes(self.params, level) * vectors as u64;
        if bytes <= MOST_BYTES { Ok(()) } else { Err(Error::TooMany { have, bytes, most: MOST_BYTES }) }
    }
}

impl<'a> Client<'a> {
    /// A client of a model, which `digest` names to the engine.
    ///
    /// # Errors
    /// A secret key of other parameters, or scales so small that a rounded answer would show its noise.
    pub fn new(
        model: impl Into<Network<'a>>,
        digest: [u8; 32],
        params: &'a Params,
        secret: &'a SecretKey,
    ) -> Result<Self, Error> {
        params.check_id("secret key", secret.id())?;
        let model = model.into();
        let (have, need) = (fewest_correct_bits(params), correct_bits(model));
        if have < f64::from(need) {
            return Err(Error::Noisy { have, need });
        }
        Ok(Self { sealer: Sealer { model, digest, params, key: Key::Secret(secret) }, secret })
    }

    /// What seals under the secret key.
    pub fn sealer(&self) -> &Sealer<'a> {
        &self.sealer
    }

    /// Encrypts texts for one run.
    ///
    /// # Errors
    /// As [`Sealer::seal`].
    pub fn seal<R: CryptoRng + ?Sized>(
        &self,
        texts: &[&str],
        mode: Mode,
        rng: &mut R,
    ) -> Result<Batch, Error> {
        self.sealer.seal(texts, mode, rng)
    }

    /// Decrypts an answer: one prediction per text, in order.
    ///
    /// Error: the engine's, and half of 2^-[`precision_bits`] from rounding, without which nothing leaves.
    ///
    /// # Errors
    /// A batch of another model, of other keys, not yet run, or whose sentinel is wrong.
    pub fn open(&self, batch: &Batch) -> Result<Vec<Prediction>, Error> {
        let job = Job::from_bytes(&batch.label)?;
        if job.model != self.sealer.digest {
            return Err(Error::ForeignModel);
        }
        let Items::Whole(items) = &batch.items else { return Err(Error::NotRun) };
        let (have, count, guards) = (items.len(), job.items as usize, self.guards(job.mode)?);
        // An engine answers at the lowest level, and whoever seals starts above it; guards stay where they were made.
        if items.iter().step_by(1 + guards).any(|item| item.level() > Level(0)) {
            return Err(Error::NotRun);
        }
        let need = match job.mode {
            Mode::Latency => count.saturating_mul(1 + guards),
            Mode::Throughput => 1,
        };
        if have != need {
            return Err(Error::Items { have, need });
        }
        let probabilities = match (self.sealer.model, job.mode) {
            (Network::Words(model), Mode::Latency) => {
                let program = Latency::new(model)?;
                let one = |item| -> Result<f64, Error> { Ok(program.unpack(&self.decrypt(item)?)?) };
                items.iter().map(one).collect::<Result<Vec<_>, Error>>()?
            }
            (Network::Words(model), Mode::Throughput) => {
                let slots = items.first().map(|item| self.decrypt(item)).transpose()?.unwrap_or_default();
                Throughput::new(model)?.unpack_batch(&slots, count)?
            }
            (Network::Lanes(lanes), Mode::Latency) => {
                let one = |own: &[Ciphertext]| self.open_lanes(lanes, own);
                items.chunks(1 + guards).map(one).collect::<Result<_, _>>()?
            }
            (Network::Lanes(_), Mode::Throughput) => return Err(arras_nn::Error::NoThroughput.into()),
        };
        Ok(probabilities.into_iter().map(Prediction::of).collect())
    }

    /// The guards that come with each answer: one for each refresh of a transformer.
    fn guards(&self, mode: Mode) -> Result<usize, Error> {
        let Sealer { model, params, .. } = self.sealer;
        match (model, presets::of(params)) {
            (Network::Lanes(lanes), Some(_)) if lanes.is_refreshable() => {
                let refreshes = Plan::over(params, model, mode)?.refreshes();
                Ok(usize::try_from(refreshes).unwrap_or(usize::MAX))
            }
            _ => Ok(0),
        }
    }

    /// The probability in the answer of a transformer and its guards, rounded; the slots that it is the mean of stay here.
    fn open_lanes(&self, lanes: &Lanes, own: &[Ciphertext]) -> Result<f64, Error> {
        let [ciphertext, guards @ ..] = own else { return Err(Error::NotRun) };
        for guard in guards {
            let preset = presets::of(self.sealer.params).ok_or(Error::Preset)?;
            let changes = self.sealer.params.decrypt(guard, self.secret)?;
            preset.spec.check_guard(&changes, preset.rounds).map_err(strayed)?;
        }
        let opened: Decrypted = self.sealer.params.decrypt(ciphertext, self.secret)?;
        let logits: Vec<f64> = opened.secret_values().iter().map(|value| value.im).collect();
        Ok(rounded(lanes.unpack([&opened.secret_reals(), &logits])?, LANES_PRECISION_BITS))
    }

    /// What an engine showed at a stage of a transformer, in the units of the model and with its noise, for a text of so many tokens:
    /// see [`Lanes::inside`]. For measurements in one process: whoever sees noise learns about the key, so nothing but its size
    /// may leave.
    ///
    /// # Errors
    /// A ciphertext of other parameters.
    pub fn danger_inside(
        &self,
        lanes: &Lanes,
        stage: Stage,
        shown: &[Ciphertext],
        tokens: usize,
    ) -> Result<Vec<f64>, Error> {
        let open = |one: &Ciphertext| Ok(self.sealer.params.decrypt(one, self.secret)?.secret_reals());
        let opened: Vec<Vec<f64>> = shown.iter().map(open).collect::<Result<_, Error>>()?;
        Ok(lanes.inside(stage, &opened, tokens))
    }

    /// The numbers in a ciphertext, rounded.
    fn decrypt(&self, ciphertext: &Ciphertext) -> Result<Vec<f64>, Error> {
        Ok(self.sealer.params.decrypt(ciphertext, self.secret)?.release(PRECISION_BITS).values)
    }
}

/// Bits after the binary point of what leaves a decryption.
#[must_use]
pub fn precision_bits<'a>(model: impl Into<Network<'a>>) -> u32 {
    match model.into() {
        Network::Words(_) => PRECISION_BITS,
        Network::Lanes(_) => LANES_PRECISION_BITS,
    }
}

/// What it means for a text that a refresh on its way could not take a value: one more answer that must not be used.
fn strayed(error: arras_ckks::Error) -> Error {
    if let arras_ckks::Error::LeftBox { slots, .. } = error {
        return SentinelError::Left { slots }.into();
    }
    error.into()
}

/// Correct bits without which a rounded answer would show its noise.
pub(crate) fn correct_bits<'a>(model: impl Into<Network<'a>>) -> u32 {
    precision_bits(model) + MARGIN_BITS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_no_refresh_takes_is_an_answer_that_is_refused() {
        let left = strayed(arras_ckks::Error::LeftBox { first: 3, slots: 2 });
        assert!(matches!(left, Error::Sentinel(SentinelError::Left { slots: 2 })), "{left}");
        assert!(matches!(strayed(arras_ckks::Error::Stopped), Error::Ckks(arras_ckks::Error::Stopped)));
    }
}

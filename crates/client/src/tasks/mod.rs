//! Programs of `arras-apps` for the owner of the key: planning with a proof, sealing, opening.

mod bounds;
mod candidate;
mod choice;
mod plan;
mod signs;

pub use candidate::FAILURE_LOG2;
pub use plan::TaskPlan;

use arras_apps::{Prepared, Program};
use arras_ckks::boot::presets;
use arras_ckks::wire::{Batch, Items};
use arras_ckks::{Level, Params, PublicKey, SecretKey};
use rand_core::CryptoRng;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::encrypt::{Key, encrypt};
use crate::error::Error;
use crate::plan::fewest_correct_bits;

/// A key with the program for which it seals. It opens nothing.
#[derive(Debug)]
pub struct TaskSealer<'a, P> {
    prepared: &'a Prepared<P>,
    params: &'a Params,
    key: Key<'a>,
}

/// A secret key with the program whose answers it opens.
#[derive(Debug)]
pub struct TaskClient<'a, P> {
    sealer: TaskSealer<'a, P>,
    secret: &'a SecretKey,
}

impl<'a, P: Program + Serialize + DeserializeOwned + Clone> TaskSealer<'a, P> {
    /// A sealer for the owner of a public key, by anyone.
    ///
    /// # Errors
    /// A public key of other parameters.
    pub fn public(
        prepared: &'a Prepared<P>,
        params: &'a Params,
        public: &'a PublicKey,
    ) -> Result<Self, Error> {
        params.check_id("public key", public.id())?;
        Ok(Self { prepared, params, key: Key::Public(public) })
    }

    /// Encrypts data for one run. Cost: one encryption for each hidden vector.
    ///
    /// # Errors
    /// Data that do not fit the program, or parameters with too few levels.
    pub fn seal<R: CryptoRng + ?Sized>(&self, data: &P::Data, rng: &mut R) -> Result<Batch, Error> {
        let packed = self.prepared.program().pack(data)?;
        let need = match self.prepared.refresh() {
            Some(refresh) => refresh.start,
            None => self.prepared.trace()?.depth,
        };
        let have = u32::from(self.params.highest().0);
        let level =
            u8::try_from(need).ok().filter(|_| have >= need).ok_or(Error::TooShallow { have, need })?;
        let slots = self.prepared.program().slots();
        let items = encrypt(self.params, self.key, &packed, slots, Level(level), rng)?;
        Ok(Batch { label: self.prepared.label(), items })
    }
}

impl<'a, P: Program + Serialize + DeserializeOwned + Clone> TaskClient<'a, P> {
    /// A client of a program.
    ///
    /// # Errors
    /// A secret key of other parameters, or scales so small that numbers, which are no integers, would show their noise.
    pub fn new(prepared: &'a Prepared<P>, params: &'a Params, secret: &'a SecretKey) -> Result<Self, Error> {
        params.check_id("secret key", secret.id())?;
        let program = prepared.program();
        let need = program.outputs().iter().map(plan::hiding_bits).max().unwrap_or(0);
        let have = fewest_correct_bits(params);
        if !program.is_exact() && have < f64::from(need) {
            return Err(Error::Noisy { have, need });
        }
        Ok(Self { sealer: TaskSealer { prepared, params, key: Key::Secret(secret) }, secret })
    }

    /// What seals under the secret key.
    #[must_use]
    pub fn sealer(&self) -> &TaskSealer<'a, P> {
        &self.sealer
    }

    /// Encrypts data for one run.
    ///
    /// # Errors
    /// As [`TaskSealer::seal`].
    pub fn seal<R: CryptoRng + ?Sized>(&self, data: &P::Data, rng: &mut R) -> Result<Batch, Error> {
        self.sealer.seal(data, rng)
    }

    /// Decrypts an answer. Error: none: every integer is checked to be as near to its number as was proved, and every refresh to
    /// have changed its values by no more than the proof allows.
    ///
    /// # Errors
    /// A batch of another program, of other keys, not yet run, with values that a refresh could not take, or with a number that no
    /// run gives.
    pub fn open(&self, batch: &Batch) -> Result<P::Answer, Error> {
        let TaskSealer { prepared, params, .. } = self.sealer;
        prepared.check_label(&batch.label)?;
        let Items::Whole(items) = &batch.items else { return Err(Error::NotRun) };
        let results = prepared.program().outputs().len();
        let need = results + prepared.refresh().map_or(0, |refresh| refresh.schedule.refreshes());
        if items.len() != need {
            return Err(Error::Items { have: items.len(), need });
        }
        let (items, guards) = items.split_at(results);
        if items.iter().any(|item| item.level() > Level(0)) {
            return Err(Error::NotRun);
        }
        if let Some(refresh) = prepared.refresh() {
            let preset = presets::find(&refresh.preset).ok_or(Error::Preset)?;
            for guard in guards {
                // Signs act on every copy of a vector of few slots, so each must be as near as was proved.
                let changes = params.decrypt_copies(guard, self.secret)?;
                preset.spec.check_guard(&changes, preset.rounds)?;
            }
        }
        let opened = items.iter().map(|item| Ok(params.decrypt(item, self.secret)?.secret_reals()));
        let opened: Vec<Vec<f64>> = opened.collect::<Result<_, Error>>()?;
        Ok(prepared.program().unpack(&prepared.round(&opened)?)?)
    }
}

//! Sets of switching keys, in memory or in a file from which each is read when it is first needed.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use rand_core::CryptoRng;

use crate::error::Error;
use crate::keystream::KeyStream;
use crate::level::Level;
use crate::params::{Params, ParamsId};
use crate::request::{KeyRequest, Purpose};
use crate::secret::SecretKey;
use crate::switchkey::SwitchKey;
use crate::wire::KeyFile;

/// The evaluation keys of one secret: all public, needed to compute.
#[derive(Debug)]
pub struct KeySet {
    id: ParamsId,
    keys: BTreeMap<Purpose, Slot>,
    /// Where keys that are not in memory yet come from.
    file: Option<KeyFile>,
}

#[derive(Debug)]
struct Slot {
    level: Level,
    key: OnceLock<SwitchKey>,
}

impl KeySet {
    /// Exactly the keys asked for, each trimmed to its level.
    ///
    /// `progress` is called before each key with the number done; when it returns `false` generation stops and
    /// nothing is returned.
    ///
    /// # Errors
    /// A key of other parameters, a level above the top, a rotation by nothing or by N/2 and more, or one of the two keys
    /// around a raise without the other.
    pub fn generate<R: CryptoRng + ?Sized>(
        params: &Params,
        secret: &SecretKey,
        request: &KeyRequest,
        rng: &mut R,
        mut progress: impl FnMut(usize) -> bool,
    ) -> Result<Option<Self>, Error> {
        let mut stream = KeyStream::new(params, secret, request, rng)?;
        let mut keys = BTreeMap::new();
        while keys.len() < request.iter().len() {
            if !progress(keys.len()) {
                return Ok(None);
            }
            keys.extend(stream.next().transpose()?);
        }
        // What keys are made of has sizes of its own.
        params.ring().pool().trim();
        Ok(Some(Self::of(params, keys)))
    }

    /// Keys that are all in memory.
    pub(crate) fn of(params: &Params, keys: BTreeMap<Purpose, SwitchKey>) -> Self {
        let slot = |key: SwitchKey| Slot { level: key.level(), key: OnceLock::from(key) };
        let keys = keys.into_iter().map(|(purpose, key)| (purpose, slot(key))).collect();
        Self { id: params.id(), keys, file: None }
    }

    /// The keys of a file that was opened, none of which is read yet.
    ///
    /// Each is read, checked and expanded when it is first asked for, and stays in memory.
    pub fn lazy(file: KeyFile) -> Self {
        let slot = |level| Slot { level, key: OnceLock::new() };
        let keys = file.request().iter().map(|(purpose, level)| (purpose, slot(level))).collect();
        Self { id: file.params().id(), keys, file: Some(file) }
    }

    /// No keys: for programs that only add.
    pub fn empty(params: &Params) -> Self {
        Self { id: params.id(), keys: BTreeMap::new(), file: None }
    }

    /// The parameter set.
    pub fn id(&self) -> ParamsId {
        self.id
    }

    /// Whether there is a key for a purpose, good for a level; nothing is read.
    ///
    /// # Errors
    /// `Error::MissingKey`, or `Error::KeyLevel` if it was trimmed below the level.
    pub fn check(&self, by: Purpose, level: Level) -> Result<(), Error> {
        self.slot(by, level).map(drop)
    }

    /// The key for a purpose, good for a level.
    ///
    /// # Errors
    /// `Error::MissingKey`, `Error::KeyLevel` if it was trimmed below the level, or `Error::KeyFile` if the file gives no
    /// such key any more.
    pub fn key(&self, by: Purpose, level: Level) -> Result<&SwitchKey, Error> {
        let slot = self.slot(by, level)?;
        let Some(file) = &self.file else {
            return slot.key.get().ok_or(Error::MissingKey { by });
        };
        if let Some(key) = slot.key.get() {
            return Ok(key);
        }
        let damaged = |source| Error::KeyFile { by, source };
        // Threads that need the same key at once wait for one reading.
        let mut reading = file.lock();
        if let Some(key) = slot.key.get() {
            return Ok(key);
        }
        let key = reading.read(by).map_err(damaged)?;
        Ok(slot.key.get_or_init(|| key))
    }

    fn slot(&self, by: Purpose, level: Level) -> Result<&Slot, Error> {
        let slot = self.keys.get(&by).ok_or(Error::MissingKey { by })?;
        if slot.level < level {
            return Err(Error::KeyLevel { by, have: slot.level, need: level });
        }
        Ok(slot)
    }

    /// Bytes of the keys that are in memory.
    pub fn bytes(&self) -> usize {
        self.keys.values().filter_map(|slot| slot.key.get()).map(SwitchKey::bytes).sum()
    }

    /// What the set can do.
    pub fn request(&self) -> KeyRequest {
        let all = self.keys.iter();
        all.fold(KeyRequest::new(), |request, (&purpose, slot)| request.with(purpose, slot.level))
    }

    /// The keys in order, up to the first that the file does not give.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &SwitchKey> {
        self.keys.iter().map_while(|(&by, slot)| self.key(by, slot.level).ok())
    }
}

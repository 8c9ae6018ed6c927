//! Linear maps that were encoded before, so that a map costs its encoding once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arras_circuits::Matrix;
use arras_ckks::{Diagonals, Giant, Level, Params};

use crate::error::Error;

/// The bytes of encoded maps that an engine keeps unless it is told otherwise: 1 GiB.
pub const CACHE_BYTES: usize = 1 << 30;

/// Encoded maps, kept until there are too many bytes of them; the one that was not used for longest goes first.
///
/// A map too large for the whole cache is encoded again at every use. Two threads that miss the same map at the same time
/// both encode it, because a lock held while rows are transformed in parallel could wait for itself.
#[derive(Debug)]
pub struct Cache {
    limit: usize,
    state: Mutex<State>,
}

/// The contents of the matrix, the level and the number of slots for which it was encoded.
type Key = (u128, Level, usize);

#[derive(Debug, Default)]
struct State {
    entries: HashMap<Key, Entry>,
    bytes: usize,
    /// Uses so far: the age of an entry is the difference.
    uses: u64,
}

#[derive(Debug)]
struct Entry {
    /// Compared on every hit: a name that two matrices share must not give one the other's map.
    matrix: Matrix,
    map: Arc<Diagonals>,
    bytes: usize,
    used: u64,
}

impl Default for Cache {
    fn default() -> Self {
        Self::new(CACHE_BYTES)
    }
}

impl Cache {
    /// A cache that keeps at most this many bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, state: Mutex::default() }
    }

    /// The bytes kept.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// The maps kept.
    #[must_use]
    pub fn maps(&self) -> usize {
        self.lock().entries.len()
    }

    /// The map, encoded for a level and a number of slots.
    pub(super) fn map(
        &self,
        params: &Params,
        matrix: &Matrix,
        slots: usize,
        level: Level,
    ) -> Result<Arc<Diagonals>, Error> {
        let key = (matrix.id(), level, slots);
        if let Some(map) = self.lock().find(key, matrix) {
            return Ok(map);
        }
        let map = Arc::new(encode(params, matrix, slots, level)?);
        self.lock().keep(key, matrix, map.clone(), self.limit);
        Ok(map)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that panics runs while the lock is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn find(&mut self, key: Key, matrix: &Matrix) -> Option<Arc<Diagonals>> {
        self.uses += 1;
        let entry = self.entries.get_mut(&key).filter(|entry| entry.matrix == *matrix)?;
        entry.used = self.uses;
        Some(entry.map.clone())
    }

    fn keep(&mut self, key: Key, matrix: &Matrix, map: Arc<Diagonals>, limit: usize) {
        let bytes = map.bytes();
        if bytes > limit || self.entries.contains_key(&key) {
            return;
        }
        while self.bytes + bytes > limit {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.used).map(|(key, _)| *key);
            let Some(gone) = oldest.and_then(|key| self.entries.remove(&key)) else { return };
            self.bytes -= gone.bytes;
        }
        self.bytes += bytes;
        self.entries.insert(key, Entry { matrix: matrix.clone(), map, bytes, used: self.uses });
    }
}

/// The diagonals of a matrix: one period of each, whatever the slots.
fn encode(params: &Params, matrix: &Matrix, slots: usize, level: Level) -> Result<Diagonals, Error> {
    let steps = matrix.steps();
    let giants = steps.giants.iter().map(|giant| Giant {
        rotation: giant.rotation,
        terms: giant.terms.iter().map(|(baby, diagonal)| (*baby, diagonal.as_slice())).collect(),
    });
    let giants: Vec<Giant<'_>> = giants.collect();
    Ok(Diagonals::new(params, &steps.babies, &giants, slots, level)?)
}

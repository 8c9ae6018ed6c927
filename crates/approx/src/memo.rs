//! What was computed once and is asked for again: searches come to the same polynomials by many ways.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Values that are kept; then all are dropped. Some kilobytes each.
const MOST: usize = 1 << 12;

/// Some values of a function that depends on its arguments alone, for all threads of a process.
///
/// ```
/// use arras_approx::memo::Memo;
///
/// static ROOTS: Memo<u64, f64> = Memo::new();
/// let root = |x: u64| ROOTS.get(x, || Ok::<_, ()>((x as f64).sqrt()));
/// assert_eq!(root(9), Ok(3.0));
/// ```
#[derive(Debug)]
pub struct Memo<K, V>(Mutex<BTreeMap<K, V>>);

impl<K: Ord, V: Clone> Default for Memo<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Ord, V: Clone> Memo<K, V> {
    /// Nothing known yet.
    #[must_use]
    pub const fn new() -> Self {
        Memo(Mutex::new(BTreeMap::new()))
    }

    /// The value of a key, made unless it is known. Threads that ask for it at once may each make it.
    ///
    /// # Errors
    /// That of `make`, which is asked again the next time.
    pub fn get<E>(&self, key: K, make: impl FnOnce() -> Result<V, E>) -> Result<V, E> {
        // A thread that panicked left whole values only.
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = known().get(&key) {
            return Ok(value.clone());
        }
        let value = make()?;
        let mut known = known();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(key, value.clone());
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_made_once_and_an_error_each_time() {
        let memo = Memo::new();
        let mut made = 0;
        let mut ask = |key: usize, value: Result<usize, ()>| {
            memo.get(key, || {
                made += 1;
                value
            })
        };
        assert_eq!(
            [ask(1, Err(())), ask(1, Ok(5)), ask(1, Ok(6)), ask(2, Ok(7))],
            [Err(()), Ok(5), Ok(5), Ok(7)]
        );
        assert_eq!(made, 3);
    }

    #[test]
    fn it_does_not_grow_without_end() {
        let memo = Memo::new();
        for key in 0..=MOST {
            assert_eq!(memo.get(key, || Ok::<_, ()>(key)), Ok(key));
        }
        assert_eq!(memo.0.lock().unwrap().len(), 1);
        assert_eq!(memo.get(0, || Ok::<_, ()>(9)), Ok(9));
    }
}

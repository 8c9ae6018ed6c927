//! The sentinel of refreshes: what each of them changed, for the owner of the key to look at.
//!
//! A value beyond the unit box comes back as another one, and whoever computes cannot see it. The output less the input of a
//! refresh is zero up to its error exactly where the refresh did what it should, whatever the reason that it did not: a
//! value out of reach, a coefficient beyond K, a damaged key. It says nothing of the values themselves.

use arras_rlwe::Level;

use super::{BootSpec, Bootstrapper};
use crate::cipher::Ciphertext;
use crate::encode::Complex;
use crate::error::Error;
use crate::eval::Evaluator;
use crate::release::Decrypted;

/// Where changes are kept. A value that wraps round is wrong by a multiple of r, which modulo q_0 alone might look like none.
const GUARD_LEVEL: Level = Level(1);

impl Evaluator {
    /// The guard of a refresh: what came out less what went in, at level 1 and in the slots of the bootstrapper, to be opened with
    /// the result.
    ///
    /// Cost: two lowerings, no level of the result, no key. Error: that of the refresh, and two rescales.
    ///
    /// # Errors
    /// Ciphertexts of other parameters or slots, or below level 1.
    pub fn guard(
        &self,
        before: &Ciphertext,
        after: &Ciphertext,
        with: &Bootstrapper,
    ) -> Result<Ciphertext, Error> {
        self.params().check_id("bootstrapper", with.id)?;
        if before.slots > with.slots {
            return Err(Error::SlotMismatch { left: before.slots, right: with.slots });
        }
        // Each copy of a vector that was refreshed over and over has an error of its own.
        Ok(with.repeated(self.sub(&self.lower(after, GUARD_LEVEL)?, &self.lower(before, GUARD_LEVEL)?)?))
    }
}

impl BootSpec {
    /// What a refresh in so many rounds may change in any real or imaginary part of the unit box: more is no error of its
    /// own but a value that it cannot refresh.
    pub fn tolerance(&self, rounds: u32) -> f64 {
        (-f64::from(rounds.max(1) * self.round_bits)).exp2()
    }

    /// Accepts an opened guard, and says by how much a part of any slot was changed at most.
    ///
    /// # Errors
    /// [`Error::LeftBox`] for changes beyond [`BootSpec::tolerance`]. It leaves the values out: a decryption of whatever a
    /// stranger sent must not reach whoever reads the message.
    pub fn check_guard(&self, changes: &Decrypted, rounds: u32) -> Result<f64, Error> {
        let (most, values) = (self.tolerance(rounds), changes.secret_values());
        let beyond = |z: &Complex| !(z.re.abs() <= most && z.im.abs() <= most);
        match values.iter().position(beyond) {
            Some(first) => {
                Err(Error::LeftBox { first: first + 1, slots: values.iter().filter(|z| beyond(z)).count() })
            }
            None => Ok(values.iter().fold(0.0, |largest, z| largest.max(z.re.abs()).max(z.im.abs()))),
        }
    }
}

//! Where randomness comes from: the operating system, and from there a stream cipher.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use zeroize::Zeroizing;

use crate::error::Error;

/// A generator seeded with 32 bytes of the operating system.
///
/// Asking once means that the system can only fail here, where the failure is an error and not a panic.
///
/// # Errors
/// The system has no randomness to give.
pub fn system() -> Result<ChaCha20Rng, Error> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut()).map_err(|source| Error::Randomness { source })?;
    Ok(ChaCha20Rng::from_seed(*seed))
}

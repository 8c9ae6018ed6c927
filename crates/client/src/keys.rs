//! Making keys: a secret, and exactly the public keys that a program asks for.

use std::fmt;
use std::io::{Error as IoError, Write};

use arras_ckks::{KeyRequest, KeySet, Params, PublicKey, SecretKey};
use arras_rlwe::KeyStream;
use rand_core::CryptoRng;

use crate::error::Error;
use crate::passphrase::Recipe;

/// All keys of one owner.
#[derive(Debug)]
pub struct Keys {
    /// What decrypts. It goes nowhere.
    pub secret: SecretKey,
    /// What encrypts, for anyone.
    pub public: PublicKey,
    /// What computes, for anyone.
    pub evaluation: KeySet,
    /// How the secret comes from a passphrase, if it does; public.
    pub recipe: Option<Recipe>,
}

/// The keys of one owner beside the evaluation keys, which were written as they were made.
#[derive(Debug)]
pub struct Owner {
    /// What decrypts. It goes nowhere.
    pub secret: SecretKey,
    /// What encrypts, for anyone.
    pub public: PublicKey,
    /// How the secret comes from a passphrase, if it does; public.
    pub recipe: Option<Recipe>,
}

/// Where the secret key comes from.
pub enum Source<'a> {
    /// The generator that everything else comes from too.
    Random,
    /// A passphrase, with its public salt and costs.
    Passphrase(&'a [u8], Recipe),
}

impl fmt::Debug for Source<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Random => f.write_str("Random"),
            // A log is read by others.
            Source::Passphrase(_, recipe) => {
                f.debug_tuple("Passphrase").field(&format_args!("..")).field(recipe).finish()
            }
        }
    }
}

impl Source<'_> {
    /// The secret key, and the recipe that gives it again if there is one.
    pub(crate) fn secret<R: CryptoRng + ?Sized>(
        self,
        params: &Params,
        rng: &mut R,
    ) -> Result<(SecretKey, Option<Recipe>), Error> {
        Ok(match self {
            Source::Random => (SecretKey::new(params.rlwe(), rng), None),
            Source::Passphrase(words, recipe) => {
                (SecretKey::new(params.rlwe(), &mut recipe.generator(words, params.id())?), Some(recipe))
            }
        })
    }
}

impl Keys {
    /// New keys. `progress` is called with the number of evaluation keys made so far and stops everything by returning `false`.
    ///
    /// Cost: per evaluation key, digits times rows transforms; all keys are in memory; `Folder::generate` holds one at a time.
    ///
    /// # Errors
    /// A passphrase that is refused, a request above the parameters, or `Error::Interrupted`.
    pub fn generate<R: CryptoRng + ?Sized>(
        params: &Params,
        request: &KeyRequest,
        source: Source<'_>,
        rng: &mut R,
        mut progress: impl FnMut(usize) -> bool,
    ) -> Result<Self, Error> {
        let Owner { secret, public, recipe } = Owner::new(params, source, rng, &mut progress)?;
        let evaluation = KeySet::generate(params.rlwe(), &secret, request, rng, &mut progress)?;
        let evaluation = evaluation.filter(|_| progress(request.iter().len())).ok_or(Error::Interrupted)?;
        Ok(Self { secret, public, evaluation, recipe })
    }
}

impl Owner {
    /// New keys; each evaluation key is written as soon as it is made. `progress` is called with the number of evaluation keys made
    /// so far and stops everything by returning `false`; `failed` says what it means that the writer refuses.
    ///
    /// Cost: that of [`Keys::generate`]; memory for the secret and public keys, one evaluation key, and the bytes of its half.
    ///
    /// # Errors
    /// As [`Keys::generate`], and what the writer refuses.
    pub fn generate<R: CryptoRng + ?Sized>(
        params: &Params,
        request: &KeyRequest,
        source: Source<'_>,
        rng: &mut R,
        out: impl Write,
        failed: impl FnOnce(IoError) -> Error,
        mut progress: impl FnMut(usize) -> bool,
    ) -> Result<Self, Error> {
        let own = Self::new(params, source, rng, &mut progress)?;
        let written = KeyStream::new(params.rlwe(), &own.secret, request, rng)?.write(out, &mut progress);
        if written.map_err(failed)? && progress(request.iter().len()) {
            Ok(own)
        } else {
            Err(Error::Interrupted)
        }
    }

    /// The keys that encrypt and decrypt.
    fn new<R: CryptoRng + ?Sized>(
        params: &Params,
        source: Source<'_>,
        rng: &mut R,
        progress: &mut impl FnMut(usize) -> bool,
    ) -> Result<Self, Error> {
        let (secret, recipe) = source.secret(params, rng)?;
        if !progress(0) {
            return Err(Error::Interrupted);
        }
        let public = secret.public_key(params.rlwe(), rng)?;
        Ok(Self { secret, public, recipe })
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng as _;

    use super::*;

    #[test]
    fn a_passphrase_is_not_shown() {
        let recipe = Recipe::new(&mut ChaCha20Rng::seed_from_u64(1));
        let shown = format!("{:?}", Source::Passphrase(b"correct horse", recipe.clone()));
        assert_eq!(shown, format!("Passphrase(.., {recipe:?})"));
        assert_eq!(format!("{:?}", Source::Random), "Random");
    }
}

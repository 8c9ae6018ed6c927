//! The making of evaluation keys, one after another.

use std::io::{Error as IoError, Write};

use rand_core::CryptoRng;

use crate::error::Error;
use crate::level::Level;
use crate::params::Params;
use crate::request::{KeyRequest, Purpose};
use crate::secret::{SecretKey, Secretive, ephemeral};
use crate::switchkey::SwitchKey;
use crate::wire::KeyWriter;

/// Makes the keys of a request in their order, and holds none of them.
pub struct KeyStream<'a, R: ?Sized> {
    params: &'a Params,
    secret: &'a SecretKey,
    /// Drawn for these keys alone, wiped at their end.
    sparse: Option<Secretive>,
    request: &'a KeyRequest,
    rng: &'a mut R,
    done: usize,
}

impl<'a, R: CryptoRng + ?Sized> KeyStream<'a, R> {
    /// A stream of exactly the keys asked for, each trimmed to its level.
    ///
    /// # Errors
    /// A key of other parameters, a level above the top, a rotation by nothing or by N/2 and more, or one of the two keys
    /// around a raise without the other.
    pub fn new(
        params: &'a Params,
        secret: &'a SecretKey,
        request: &'a KeyRequest,
        rng: &'a mut R,
    ) -> Result<Self, Error> {
        params.check_id("secret key", secret.id())?;
        request.check(params)?;
        let sparse = params
            .spec()
            .refresh
            .filter(|_| request.level(Purpose::ToSparse).is_some())
            .map(|refresh| ephemeral(params, refresh.weight, rng));
        Ok(Self { params, secret, sparse, request, rng, done: 0 })
    }

    /// Writes the keys that are still to come as a file of a `KeySet`, the same bytes as those of the whole set.
    ///
    /// `progress` is called before each key with the number done; when it returns `false` writing stops, and so does this
    /// with `false`: what was written is no file yet, and is refused by its length.
    ///
    /// Cost: that of the keys; memory for the largest key and the bytes of its half. Idle blocks of the ring's pool are given
    /// back to the system after each key.
    ///
    /// # Errors
    /// What the writer refuses.
    pub fn write(
        mut self,
        out: impl Write,
        mut progress: impl FnMut(usize) -> bool,
    ) -> Result<bool, IoError> {
        let mut writer = KeyWriter::new(self.params, self.request, out)?;
        while self.done < self.request.iter().len() {
            if !progress(self.done) {
                return Ok(false);
            }
            let made = self.next().transpose().map_err(IoError::other)?;
            made.iter().try_for_each(|(_, key)| writer.push(key))?;
            drop(made);
            // Keys of every level have a size of their own, and none would be lent the memory of another.
            self.params.ring().pool().trim();
        }
        writer.finish().map(|()| true)
    }

    fn make(&mut self, purpose: Purpose, level: Level) -> Result<SwitchKey, Error> {
        let (params, secret) = (self.params, self.secret);
        let (ring, own) = (params.ring(), secret.values());
        let sparse = || self.sparse.as_ref().map(|secret| &secret.0).ok_or(Error::HalfRaise);
        let mut generate =
            |source, target| SwitchKey::generate(params, purpose, [source, target], level, self.rng);
        Ok(match (purpose, purpose.galois(params.degree())) {
            (Purpose::ToSparse, _) => generate(own, sparse()?),
            (Purpose::ToDense, _) => generate(sparse()?, own),
            (_, None) => generate(&secret.square(ring).0, own),
            (_, Some(g)) => generate(own, &secret.automorphism(ring, g.inverse(params.degree())).0),
        })
    }
}

impl<R: CryptoRng + ?Sized> Iterator for KeyStream<'_, R> {
    type Item = Result<(Purpose, SwitchKey), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let (purpose, level) = self.request.iter().nth(self.done)?;
        self.done += 1;
        Some(self.make(purpose, level).map(|key| (purpose, key)))
    }
}

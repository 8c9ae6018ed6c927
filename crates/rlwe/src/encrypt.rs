//! Encryption and decryption of polynomials.

use arras_ring::{Basis, Eval, Poly, Seed, sample};
use rand_core::CryptoRng;

use crate::cipher::{Ciphertext, SeededCiphertext};
use crate::error::Error;
use crate::level::Level;
use crate::params::{Params, ParamsId};
use crate::secret::{SecretKey, Secretive};

/// (b, a) = (-a s + e, a): anyone who has it can encrypt. The uniform half is kept as a seed as well.
#[derive(Debug)]
pub struct PublicKey {
    pub(crate) body: Poly<Eval>,
    pub(crate) mask: Poly<Eval>,
    pub(crate) seed: Seed,
    pub(crate) id: ParamsId,
}

impl SecretKey {
    /// Encrypts a polynomial at a level, with half the bytes of a public-key encryption and less noise.
    ///
    /// # Errors
    /// A key of other parameters, or a level above the top.
    ///
    /// Error: a Gaussian of deviation 3.19 in each coefficient.
    pub fn encrypt_seeded<R: CryptoRng + ?Sized>(
        &self,
        params: &Params,
        message: &Poly<Eval>,
        level: Level,
        rng: &mut R,
    ) -> Result<SeededCiphertext, Error> {
        params.check_id("secret key", self.id())?;
        params.check_level(level)?;
        let seed = Seed::random(rng);
        let body = self.body(params, &seed, params.basis(level), message, rng);
        Ok(SeededCiphertext { body, seed, level, id: params.id() })
    }

    /// A fresh public key.
    ///
    /// # Errors
    /// A key of other parameters.
    pub fn public_key<R: CryptoRng + ?Sized>(
        &self,
        params: &Params,
        rng: &mut R,
    ) -> Result<PublicKey, Error> {
        params.check_id("secret key", self.id())?;
        let basis = params.basis(params.highest());
        let seed = Seed::random(rng);
        let zero = params.ring().zero(basis);
        let body = self.body(params, &seed, basis, &zero, rng);
        let mask = params.ring().uniform(&seed, basis);
        Ok(PublicKey { body, mask, seed, id: params.id() })
    }

    /// message + e - a s, with a from the seed.
    fn body<R: CryptoRng + ?Sized>(
        &self,
        params: &Params,
        seed: &Seed,
        basis: Basis,
        message: &Poly<Eval>,
        rng: &mut R,
    ) -> Poly<Eval> {
        let ring = params.ring();
        let mask = ring.uniform(seed, basis);
        let mut body = ring.mul(&mask, self.values());
        ring.neg_assign(&mut body);
        let error = Secretive::from_small(ring, &sample::gaussian(params.degree(), rng), basis);
        ring.add_assign(&mut body, &error.0);
        ring.add_assign(&mut body, message);
        body
    }

    /// c0 + c1 s: the message with its noise, modulo the Q of the ciphertext's level, or of a lower one.
    ///
    /// # Errors
    /// A ciphertext or key of other parameters.
    pub fn phase(&self, params: &Params, ciphertext: &Ciphertext, level: Level) -> Result<Poly<Eval>, Error> {
        params.check_id("secret key", self.id())?;
        params.check_id("ciphertext", ciphertext.id)?;
        let ring = params.ring();
        let basis = params.basis(level.min(ciphertext.level));
        let mut phase = ring.copy(&ciphertext.parts[0], basis);
        ring.mul_add_assign(&mut phase, &ciphertext.parts[1], self.values());
        Ok(phase)
    }
}

impl PublicKey {
    /// The parameter set.
    pub fn id(&self) -> ParamsId {
        self.id
    }

    /// Encrypts a polynomial at a level.
    ///
    /// # Errors
    /// A key of other parameters, or a level above the top.
    ///
    /// Error: about 3.19 sqrt(4N/3 + 1) in each coefficient.
    pub fn encrypt<R: CryptoRng + ?Sized>(
        &self,
        params: &Params,
        message: &Poly<Eval>,
        level: Level,
        rng: &mut R,
    ) -> Result<Ciphertext, Error> {
        params.check_id("public key", self.id)?;
        params.check_level(level)?;
        let (ring, n, basis) = (params.ring(), params.degree(), params.basis(level));
        let ephemeral = Secretive::from_small(ring, &sample::ternary(n, rng), basis);
        let mut parts = [&self.body, &self.mask].map(|half| ring.mul(&ephemeral.0, half));
        for part in &mut parts {
            let error = Secretive::from_small(ring, &sample::gaussian(n, rng), basis);
            ring.add_assign(part, &error.0);
        }
        ring.add_assign(&mut parts[0], message);
        Ok(Ciphertext { parts, level, id: self.id })
    }
}

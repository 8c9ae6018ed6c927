//! Switching keys and sets of them.

use std::collections::BTreeMap;
use std::convert::Infallible;

use arras_ring::{Basis, Eval, Poly, Seed, sample, source_row};
use rand_core::CryptoRng;

use crate::error::Error;
use crate::level::Level;
use crate::params::{Params, ParamsId};
use crate::request::{KeyRequest, Purpose};
use crate::secret::{SecretKey, Secretive};

/// Encryptions of P g_j s' under s, one for each digit j, up to a level: carries c s' to c' s.
///
/// For rotations by an automorphism g the key holds s' = s, the target g^-1(s): the product is permuted afterwards, once,
/// instead of every digit before.
#[derive(Debug)]
pub struct SwitchKey {
    /// The rows of b_0, a_0, b_1, a_1, ...: one block, since many would each round up to whole pages.
    rows: Poly<Eval>,
    /// Of each half: the key's level with all the special primes that it needs.
    basis: Basis,
    pub(crate) seed: Seed,
    pub(crate) level: Level,
}

/// The evaluation keys of one secret: all public, needed to compute.
#[derive(Debug)]
pub struct KeySet {
    pub(crate) id: ParamsId,
    pub(crate) keys: BTreeMap<Purpose, SwitchKey>,
}

impl SwitchKey {
    /// The highest level at which it works.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Digits (b_j, a_j) put together.
    pub(crate) fn assemble<E>(
        params: &Params,
        level: Level,
        seed: Seed,
        mut digit: impl FnMut(usize) -> Result<[Poly<Eval>; 2], E>,
    ) -> Result<Self, E> {
        let (ring, gadget) = (params.ring(), params.gadget(level));
        let basis = gadget.basis;
        let mut rows = ring.blank(Basis::main(2 * gadget.digits() * basis.rows()));
        let mut places = rows.rows_mut();
        for j in 0..gadget.digits() {
            let halves = digit(j)?;
            let sources = halves.iter().flat_map(Poly::rows);
            // In this order: the shorter side must be asked first, or a place is lost.
            sources.zip(places.by_ref()).for_each(|(row, place)| place.copy_from_slice(row));
        }
        drop(places);
        Ok(Self { rows, basis, seed, level })
    }

    /// Row i, of a basis that the key has, of one half of digit j.
    pub(crate) fn row(&self, half: usize, j: usize, basis: Basis, i: usize) -> &[u64] {
        self.rows.row((2 * j + half) * self.basis.rows() + source_row(self.basis, basis, i))
    }

    /// The rows of every b_j, with the number of each in the key's basis.
    pub(crate) fn bodies(&self) -> impl Iterator<Item = (usize, &[u64])> {
        let digits = self.rows.basis().rows() / (2 * self.basis.rows());
        (0..digits).flat_map(move |j| (0..self.basis.rows()).map(move |i| (i, self.row(0, j, self.basis, i))))
    }

    /// The primes of each half.
    pub(crate) fn basis(&self) -> Basis {
        self.basis
    }

    /// The uniform half of digit j.
    pub(crate) fn mask(params: &Params, seed: &Seed, j: usize, basis: Basis) -> Poly<Eval> {
        params.ring().uniform(&seed.derive(&(j as u64).to_le_bytes()), basis)
    }

    fn generate<R: CryptoRng + ?Sized>(
        params: &Params,
        source: &Poly<Eval>,
        target: &Poly<Eval>,
        level: Level,
        rng: &mut R,
    ) -> Self {
        let seed = Seed::random(rng);
        let made = Self::assemble(params, level, seed, |j| {
            Ok::<_, Infallible>(Self::encrypt_digit(params, source, target, level, &seed, j, rng))
        });
        match made {
            Ok(key) => key,
            Err(never) => match never {},
        }
    }

    /// (b_j, a_j) with b_j = -a_j s + e + P g_j s'.
    fn encrypt_digit<R: CryptoRng + ?Sized>(
        params: &Params,
        source: &Poly<Eval>,
        target: &Poly<Eval>,
        level: Level,
        seed: &Seed,
        j: usize,
        rng: &mut R,
    ) -> [Poly<Eval>; 2] {
        let (ring, gadget) = (params.ring(), params.gadget(level));
        let (full, basis, digit) = (ring.full(), gadget.basis, &gadget.digit_list[j]);
        let mask = Self::mask(params, seed, j, basis);
        let mut body = ring.mul(&mask, target);
        ring.neg_assign(&mut body);
        let error = Secretive::from_small(ring, &sample::gaussian(params.degree(), rng), basis);
        ring.add_assign(&mut body, &error.0);
        for i in digit.first..digit.first + digit.len {
            let modulus = ring.modulus(basis, i);
            let special = (full.main..full.rows())
                .fold(1, |product, k| modulus.mul(product, modulus.reduce(ring.modulus(full, k).value())));
            let special = modulus.constant(special);
            let terms = body.row_mut(i).iter_mut().zip(source.row(i));
            terms.for_each(|(slot, &s)| *slot = modulus.add(*slot, modulus.mul_constant(s, special)));
        }
        [body, mask]
    }
}

impl KeySet {
    /// Exactly the keys asked for, each trimmed to its level.
    ///
    /// `progress` is called after each key with the number done; when it returns `false` generation stops and
    /// nothing is returned.
    ///
    /// # Errors
    /// A key of other parameters, a level above the top, or a rotation by nothing or by N/2 and more.
    pub fn generate<R: CryptoRng + ?Sized>(
        params: &Params,
        secret: &SecretKey,
        request: &KeyRequest,
        rng: &mut R,
        mut progress: impl FnMut(usize) -> bool,
    ) -> Result<Option<Self>, Error> {
        params.check_id("secret key", secret.id())?;
        let most = params.degree() as u32 / 2 - 1;
        for (purpose, level) in request.iter() {
            params.check_level(level)?;
            if let Purpose::Rotate(by) = purpose
                && !(1..=most).contains(&by)
            {
                return Err(Error::NoSuchRotation { by, most });
            }
        }
        let mut keys = BTreeMap::new();
        for (done, (purpose, level)) in request.iter().enumerate() {
            if !progress(done) {
                return Ok(None);
            }
            keys.insert(purpose, Self::generate_one(params, secret, purpose, level, rng));
        }
        Ok(Some(Self { id: params.id(), keys }))
    }

    fn generate_one<R: CryptoRng + ?Sized>(
        params: &Params,
        secret: &SecretKey,
        purpose: Purpose,
        level: Level,
        rng: &mut R,
    ) -> SwitchKey {
        let ring = params.ring();
        match purpose.galois(params.degree()) {
            None => {
                let square = secret.square(ring);
                SwitchKey::generate(params, &square.0, secret.values(), level, rng)
            }
            Some(g) => {
                let target = secret.automorphism(ring, g.inverse(params.degree()));
                SwitchKey::generate(params, secret.values(), &target.0, level, rng)
            }
        }
    }

    /// No keys: for programs that only add.
    pub fn empty(params: &Params) -> Self {
        Self { id: params.id(), keys: BTreeMap::new() }
    }

    /// The parameter set.
    pub fn id(&self) -> ParamsId {
        self.id
    }

    /// The key for a purpose, good for a level.
    ///
    /// # Errors
    /// `Error::MissingKey`, or `Error::KeyLevel` if it was trimmed below the level.
    pub fn key(&self, by: Purpose, level: Level) -> Result<&SwitchKey, Error> {
        let key = self.keys.get(&by).ok_or(Error::MissingKey { by })?;
        if key.level < level {
            return Err(Error::KeyLevel { by, have: key.level, need: level });
        }
        Ok(key)
    }

    /// What the set can do.
    pub fn request(&self) -> KeyRequest {
        self.keys.iter().fold(KeyRequest::new(), |request, (&purpose, key)| request.with(purpose, key.level))
    }
}

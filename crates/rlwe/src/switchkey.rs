//! Switching keys.

use std::convert::Infallible;
use std::ops::Range;

use arras_ring::{Basis, Eval, Packed, Poly, Row, Seed, sample, source_row};
use rand_core::CryptoRng;

use crate::level::Level;
use crate::params::Params;
use crate::request::Purpose;
use crate::secret::Secretive;

/// Encryptions of P g_j s' under s, one for each digit j, up to a level: carries c s' to c' s.
///
/// For rotations by an automorphism g the key holds s' = s, the target g^-1(s): the product is permuted afterwards, once,
/// instead of every digit before.
#[derive(Debug)]
pub struct SwitchKey {
    /// b_0, a_0, b_1, a_1, ...: one block, since many would each round up to whole pages.
    halves: Packed,
    /// Of each half: the key's level with all the special primes that it needs.
    basis: Basis,
    pub(crate) seed: Seed,
    pub(crate) level: Level,
}

impl SwitchKey {
    /// The highest level at which it works.
    pub fn level(&self) -> Level {
        self.level
    }

    /// The highest level of a key for a purpose.
    pub(crate) fn highest(params: &Params, purpose: Purpose) -> Level {
        if purpose == Purpose::ToSparse { Level(0) } else { params.summit() }
    }

    /// The primes of each half of a key, and its digits.
    pub(crate) fn shape(params: &Params, purpose: Purpose, level: Level) -> (Basis, usize) {
        let gadget = params.gadget(level);
        match purpose {
            // One digit, the base, with the special primes that it needs alone.
            Purpose::ToDense => {
                (Basis { main: gadget.basis.main, special: params.gadget(Level(0)).basis.special }, 1)
            }
            Purpose::Relinearise | Purpose::Rotate(_) | Purpose::Conjugate | Purpose::ToSparse => {
                (gadget.basis, gadget.digits())
            }
        }
    }

    /// Digits (b_j, a_j) put together.
    pub(crate) fn assemble<E>(
        params: &Params,
        purpose: Purpose,
        level: Level,
        seed: Seed,
        mut digit: impl FnMut(usize) -> Result<[Poly<Eval>; 2], E>,
    ) -> Result<Self, E> {
        let (basis, digits) = Self::shape(params, purpose, level);
        let mut halves = params.ring().packed(basis, 2 * digits);
        for j in 0..digits {
            for (half, poly) in digit(j)?.iter().enumerate() {
                poly.rows().enumerate().for_each(|(i, row)| halves.write(2 * j + half, i, row));
            }
        }
        Ok(Self { halves, basis, seed, level })
    }

    /// Row i, of a basis that the key has, of one half of digit j.
    pub(crate) fn row(&self, half: usize, j: usize, basis: Basis, i: usize) -> Row<'_> {
        self.halves.row(2 * j + half, source_row(self.basis, basis, i))
    }

    /// The rows of every b_j, with the number of each in the key's basis.
    pub(crate) fn bodies(&self) -> impl Iterator<Item = (usize, Row<'_>)> {
        let digits = self.halves.count() / 2;
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

    /// Its bytes in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.halves.bytes()
    }

    /// Bytes in memory of a key for a purpose up to a level.
    pub(crate) fn memory(params: &Params, purpose: Purpose, level: Level) -> u64 {
        let (basis, digits) = Self::shape(params, purpose, level);
        params.ring().packed_bytes(basis, 2 * digits) as u64
    }

    pub(crate) fn generate<R: CryptoRng + ?Sized>(
        params: &Params,
        purpose: Purpose,
        [source, target]: [&Poly<Eval>; 2],
        level: Level,
        rng: &mut R,
    ) -> Self {
        let seed = Seed::random(rng);
        let (basis, _) = Self::shape(params, purpose, level);
        let made = Self::assemble(params, purpose, level, seed, |j| {
            let digit = &params.gadget(level).digit_list[j];
            let rows = match purpose {
                // The digit is an integer, the same modulo every prime.
                Purpose::ToDense => 0..basis.main,
                Purpose::Relinearise | Purpose::Rotate(_) | Purpose::Conjugate | Purpose::ToSparse => {
                    digit.first..digit.first + digit.len
                }
            };
            // A key for digits is made for all special primes, whichever a level uses.
            let special =
                if purpose == Purpose::ToDense { basis.special } else { params.ring().full().special };
            let mask = Self::mask(params, &seed, j, basis);
            Ok::<_, Infallible>(Self::encrypt_digit(params, [source, target], mask, rows, special, rng))
        });
        match made {
            Ok(key) => key,
            Err(never) => match never {},
        }
    }

    /// (b_j, a_j) with b_j = -a_j s + e + P g_j s': g_j is 1 in some rows, P the product of some special primes.
    fn encrypt_digit<R: CryptoRng + ?Sized>(
        params: &Params,
        [source, target]: [&Poly<Eval>; 2],
        mask: Poly<Eval>,
        rows: Range<usize>,
        special: usize,
        rng: &mut R,
    ) -> [Poly<Eval>; 2] {
        let ring = params.ring();
        let (full, basis) = (ring.full(), mask.basis());
        let mut body = ring.mul(&mask, target);
        ring.neg_assign(&mut body);
        let error = Secretive::from_small(ring, &sample::gaussian(params.degree(), rng), basis);
        ring.add_assign(&mut body, &error.0);
        for i in rows {
            let modulus = ring.modulus(basis, i);
            let special = (full.main..full.main + special)
                .fold(1, |product, k| modulus.mul(product, modulus.reduce(ring.modulus(full, k).value())));
            let special = modulus.constant(special);
            let terms = body.row_mut(i).iter_mut().zip(source.row(i));
            terms.for_each(|(slot, &s)| *slot = modulus.add(*slot, modulus.mul_constant(s, special)));
        }
        [body, mask]
    }
}

//! The one list of operations worth timing, with their operands. It measures nothing itself: the caller has the clock.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;

use arras_approx::Polynomial;
use arras_ckks::{
    Ciphertext, Evaluator, HoistedCiphertext, KeySet, Level, Params, Plain, Product, PublicKey, Tensor,
};
use arras_rlwe::ring::{Coeff, Poly, Seed};
use arras_rlwe::{KeyRequest, Purpose};
use rand_core::CryptoRng;

use crate::error::Error;

/// An operation worth timing. All N/2 slots are in use, with values in [-1, 1].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// Numbers to a plaintext at the level.
    Encode,
    /// A plaintext under the public key.
    Encrypt,
    /// A ciphertext to numbers, by what [`Probe::opening`] was given.
    Decrypt,
    /// The sum of two ciphertexts.
    Add,
    /// A ciphertext by a plaintext, without the rescale.
    MultiplyPlain,
    /// Two ciphertexts: product, relinearisation, rescale.
    Multiply,
    /// Two ciphertexts: the product of degree two alone.
    Product,
    /// A product of degree two to degree one.
    Relinearise,
    /// A product of degree two to degree one and a level down, in one division.
    RelineariseRescale,
    /// A product of degree one, a level down.
    Rescale,
    /// Two ciphertexts by public numbers and summed, without the rescale.
    Combine,
    /// A rotation by one slot.
    Rotate,
    /// The decomposition that rotations of one ciphertext share.
    Hoist,
    /// A rotation of a ciphertext already decomposed.
    RotateHoisted,
    /// A polynomial with all primes of the level, copied and transformed.
    Ntt,
}

impl Op {
    /// Every operation.
    pub const ALL: [Self; 15] = [
        Self::Encode,
        Self::Encrypt,
        Self::Decrypt,
        Self::Add,
        Self::MultiplyPlain,
        Self::Multiply,
        Self::Product,
        Self::Relinearise,
        Self::RelineariseRescale,
        Self::Rescale,
        Self::Combine,
        Self::Rotate,
        Self::Hoist,
        Self::RotateHoisted,
        Self::Ntt,
    ];

    /// Its name in requests, records and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Encode => "encode",
            Self::Encrypt => "encrypt",
            Self::Decrypt => "decrypt",
            Self::Add => "add",
            Self::MultiplyPlain => "multiply_plain",
            Self::Multiply => "multiply",
            Self::Product => "product",
            Self::Relinearise => "relinearise",
            Self::RelineariseRescale => "relinearise_rescale",
            Self::Rescale => "rescale",
            Self::Combine => "combine",
            Self::Rotate => "rotate",
            Self::Hoist => "hoist",
            Self::RotateHoisted => "rotate_hoisted",
            Self::Ntt => "ntt",
        }
    }

    /// The operation of a name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|op| op.name() == name)
    }

    /// The least level at which it works.
    #[must_use]
    pub const fn least_level(self) -> Level {
        match self {
            Self::MultiplyPlain
            | Self::Multiply
            | Self::Product
            | Self::Relinearise
            | Self::RelineariseRescale
            | Self::Rescale
            | Self::Combine => Level(1),
            Self::Encode
            | Self::Encrypt
            | Self::Decrypt
            | Self::Add
            | Self::Rotate
            | Self::Hoist
            | Self::RotateHoisted
            | Self::Ntt => Level(0),
        }
    }
}

impl std::fmt::Display for Op {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The keys that the operations need: relinearisation and a rotation by one slot, at all levels.
#[must_use]
pub fn required_keys(params: &Params) -> KeyRequest {
    let top = params.highest();
    KeyRequest::new().with(Purpose::Relinearise, top).with(Purpose::Rotate(1), top)
}

/// Decrypts and decodes, on behalf of whoever has the secret key.
type Opener<'a> = Box<dyn FnMut(&Ciphertext) + Send + 'a>;

/// The operations with their operands, made once for each level.
pub struct Probe<'a> {
    eval: Evaluator,
    public: PublicKey,
    rng: Box<dyn CryptoRng + Send + 'a>,
    open: Option<Opener<'a>>,
    values: Vec<f64>,
    operands: HashMap<Level, Operands>,
}

/// What the operations at one level take.
struct Operands {
    plain: Plain,
    left: Arc<Ciphertext>,
    right: Ciphertext,
    hoisted: HoistedCiphertext<Arc<Ciphertext>>,
    poly: Poly<Coeff>,
    /// Of both ciphertexts, and of one with the plaintext; level 0 has no products.
    products: Option<(Tensor, Product)>,
}

impl Operands {
    fn products(&self, op: &'static str) -> Result<&(Tensor, Product), Error> {
        Ok(self.products.as_ref().ok_or(arras_ckks::Error::OutOfLevels { op, need: 1, have: Level(0) })?)
    }
}

impl<'a> Probe<'a> {
    /// A probe with the keys of [`required_keys`].
    ///
    /// # Errors
    /// Keys of other parameters.
    pub fn new(
        params: &Params,
        keys: KeySet,
        public: PublicKey,
        rng: impl CryptoRng + Send + 'a,
    ) -> Result<Self, Error> {
        params.check_id("public key", public.id())?;
        let eval = Evaluator::new(params, keys)?;
        let values = values(params.max_slots());
        Ok(Self { eval, public, rng: Box::new(rng), open: None, values, operands: HashMap::new() })
    }

    /// The same with a way to decrypt and decode, which the probe itself has not.
    #[must_use]
    pub fn opening(mut self, open: impl FnMut(&Ciphertext) + Send + 'a) -> Self {
        self.open = Some(Box::new(open));
        self
    }

    /// The parameters.
    #[must_use]
    pub fn params(&self) -> &Params {
        self.eval.params()
    }

    /// Whether it has all that an operation takes.
    #[must_use]
    pub fn supports(&self, op: Op) -> bool {
        op != Op::Decrypt || self.open.is_some()
    }

    /// Makes the operands of a level, unless they are there.
    ///
    /// # Errors
    /// A level above the top.
    pub fn prepare(&mut self, level: Level) -> Result<(), Error> {
        if !self.operands.contains_key(&level) {
            let operands = self.operands(level)?;
            self.operands.insert(level, operands);
        }
        Ok(())
    }

    /// Forgets the operands of every level, and so frees their memory.
    pub fn clear(&mut self) {
        self.operands.clear();
    }

    fn operands(&mut self, level: Level) -> Result<Operands, Error> {
        let params = self.eval.params().clone();
        let plain = params.encode_at(&self.values, params.max_slots(), level)?;
        let left = Arc::new(params.encrypt_public(&plain, &self.public, &mut *self.rng)?);
        let right = params.encrypt_public(&plain, &self.public, &mut *self.rng)?;
        let hoisted = self.eval.hoist(left.clone())?;
        let ring = params.ring();
        let poly = ring.intt(ring.uniform(&Seed::random(&mut *self.rng), params.basis(level)));
        let products = if level == Level(0) {
            None
        } else {
            Some((self.eval.mul_lazy(&left, &right)?, self.eval.mul_plain_lazy(&left, &plain)?))
        };
        Ok(Operands { plain, left, right, hoisted, poly, products })
    }

    /// Does an operation at a level once. The first call at a level also makes the operands.
    ///
    /// # Errors
    /// A level that does not exist or is too low, a missing key, or nothing to decrypt with.
    pub fn run(&mut self, op: Op, level: Level) -> Result<(), Error> {
        self.prepare(level)?;
        let Some(with) = self.operands.get(&level) else { return Ok(()) };
        let (eval, params) = (&self.eval, self.eval.params());
        match op {
            Op::Encode => drop(black_box(params.encode_at(&self.values, params.max_slots(), level)?)),
            Op::Encrypt => {
                drop(black_box(params.encrypt_public(&with.plain, &self.public, &mut *self.rng)?))
            }
            Op::Decrypt => self.open.as_mut().ok_or(Error::NoOpening)?(&with.left),
            Op::Add => drop(black_box(eval.add(&with.left, &with.right)?)),
            Op::MultiplyPlain => drop(black_box(eval.mul_plain_lazy(&with.left, &with.plain)?)),
            Op::Multiply => drop(black_box(eval.mul(&with.left, &with.right)?)),
            Op::Product => drop(black_box(eval.mul_lazy(&with.left, &with.right)?)),
            Op::Relinearise => drop(black_box(eval.relinearise(&with.products("a relinearisation")?.0)?)),
            Op::RelineariseRescale => {
                drop(black_box(eval.relinearise_rescale(&with.products("a relinearisation")?.0)?))
            }
            Op::Rescale => drop(black_box(eval.rescale(&with.products("a rescale")?.1)?)),
            Op::Combine => {
                drop(black_box(eval.combine_lazy(&[&*with.left, &with.right], &[0.5, -0.25], 0.125)?))
            }
            Op::Rotate => drop(black_box(eval.rotate(&with.left, 1)?)),
            Op::Hoist => drop(black_box(eval.hoist(&*with.left)?)),
            Op::RotateHoisted => drop(black_box(eval.rotate_from(&with.hoisted, 1)?)),
            Op::Ntt => drop(black_box(params.ring().ntt(params.ring().copy(&with.poly, with.poly.basis())))),
        }
        Ok(())
    }

    /// Evaluates a polynomial at a level once. The first call at a level also makes the operands.
    ///
    /// # Errors
    /// A level that does not exist or is below the depth of the polynomial, or a missing key.
    pub fn poly(&mut self, p: &Polynomial, level: Level) -> Result<(), Error> {
        self.prepare(level)?;
        let Some(with) = self.operands.get(&level) else { return Ok(()) };
        drop(black_box(self.eval.poly(&with.left, p)?));
        Ok(())
    }
}

impl std::fmt::Debug for Probe<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Probe").field("params", &self.params().id()).finish_non_exhaustive()
    }
}

/// Numbers that fill [-1, 1): multiples of the golden ratio.
fn values(slots: usize) -> Vec<f64> {
    let golden = 0.618_033_988_749_894_9;
    (0..slots).map(|i| 2.0 * (i as f64 * golden).fract() - 1.0).collect()
}

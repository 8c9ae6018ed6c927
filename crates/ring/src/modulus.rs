//! A prime modulus below 2^50 and its constants.

use crate::error::Error;

/// Words are 52 bits wide: the width of an integer fused multiply-add, and of a lazy residue 4q.
pub const WORD_BITS: u32 = 52;
/// The largest number of bits of a modulus, so that 4q fits a word.
pub const MAX_MODULUS_BITS: u32 = 50;
const MASK: u64 = (1 << WORD_BITS) - 1;

/// An NTT prime below 2^50.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modulus {
    q: u64,
    /// floor(2^52 / q): reduces one word.
    ratio: u64,
    /// 2^52 mod q: folds a high word into a low one.
    word: Constant,
}

/// A residue used as a repeated multiplicand, with its Shoup quotient floor(value * 2^52 / q).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Constant {
    /// The residue, below q.
    pub value: u64,
    /// floor(value * 2^52 / q).
    pub quotient: u64,
}

impl Modulus {
    /// A modulus from an odd prime of at most 50 bits.
    ///
    /// # Errors
    /// `Error::NotAPrime` if q is composite, even, below 3 or of more than 50 bits.
    pub fn new(q: u64) -> Result<Self, Error> {
        if q < 3 || q >> MAX_MODULUS_BITS != 0 || !crate::primes::is_prime(q) {
            return Err(Error::NotAPrime { value: q });
        }
        let ratio = (1u64 << WORD_BITS) / q;
        let word_value = (1u64 << WORD_BITS) % q;
        let word = Constant { value: word_value, quotient: shoup(word_value, q) };
        Ok(Self { q, ratio, word })
    }

    /// The prime itself.
    pub const fn value(&self) -> u64 {
        self.q
    }

    /// floor(2^52 / q).
    pub const fn ratio(&self) -> u64 {
        self.ratio
    }

    /// 2^52 mod q, prepared.
    pub const fn word(&self) -> Constant {
        self.word
    }

    /// Prepares a residue as a repeated multiplicand.
    pub fn constant(&self, value: u64) -> Constant {
        let value = self.reduce(value);
        Constant { value, quotient: shoup(value, self.q) }
    }

    /// x mod q for any 64-bit x, in constant time.
    pub const fn reduce(&self, x: u64) -> u64 {
        // x = high * 2^52 + low; both parts are below 2^52.
        let high = self.mul_lazy(x >> WORD_BITS, self.word);
        let low = self.reduce_word_lazy(x & MASK);
        self.settle(high + low)
    }

    /// x mod q for x below 2^52, in [0, 2q).
    pub const fn reduce_word_lazy(&self, x: u64) -> u64 {
        let estimate = ((x as u128 * self.ratio as u128) >> WORD_BITS) as u64;
        x - estimate * self.q
    }

    /// x * c in [0, 2q) for x below 2^52.
    pub const fn mul_lazy(&self, x: u64, c: Constant) -> u64 {
        let estimate = ((x as u128 * c.quotient as u128) >> WORD_BITS) as u64;
        x.wrapping_mul(c.value).wrapping_sub(estimate.wrapping_mul(self.q))
    }

    /// x * c mod q for x below 2^52.
    pub const fn mul_constant(&self, x: u64, c: Constant) -> u64 {
        sub_if(self.mul_lazy(x, c), self.q)
    }

    /// a * b mod q for residues a and b.
    pub const fn mul(&self, a: u64, b: u64) -> u64 {
        self.reduce_wide(a as u128 * b as u128)
    }

    /// x mod q for x below 2^104.
    pub const fn reduce_wide(&self, x: u128) -> u64 {
        let high = self.mul_lazy((x >> WORD_BITS) as u64, self.word);
        let low = self.reduce_word_lazy(x as u64 & MASK);
        self.settle(high + low)
    }

    /// a + b mod q for residues.
    pub const fn add(&self, a: u64, b: u64) -> u64 {
        sub_if(a + b, self.q)
    }

    /// a - b mod q for residues.
    pub const fn sub(&self, a: u64, b: u64) -> u64 {
        sub_if(a + self.q - b, self.q)
    }

    /// -a mod q for a residue.
    pub const fn neg(&self, a: u64) -> u64 {
        sub_if(self.q - a, self.q)
    }

    /// base^exponent mod q, in time that depends on the (public) exponent.
    pub const fn pow_vartime(&self, base: u64, mut exponent: u64) -> u64 {
        let mut square = self.reduce(base);
        let mut result = 1;
        while exponent > 0 {
            if exponent & 1 == 1 {
                result = self.mul(result, square);
            }
            square = self.mul(square, square);
            exponent >>= 1;
        }
        result
    }

    /// The inverse of a nonzero residue.
    pub const fn inverse(&self, a: u64) -> u64 {
        self.pow_vartime(a, self.q - 2)
    }

    /// The residue of a signed integer, in constant time.
    pub const fn from_signed(&self, x: i64) -> u64 {
        let magnitude = self.reduce(x.unsigned_abs());
        let negative = (x >> 63) as u64;
        (magnitude & !negative) | (self.neg(magnitude) & negative)
    }

    /// The representative in (-q/2, q/2].
    pub const fn to_signed(&self, a: u64) -> i64 {
        if a > self.q / 2 { a as i64 - self.q as i64 } else { a as i64 }
    }

    /// [0, 4q) to [0, q).
    const fn settle(&self, x: u64) -> u64 {
        sub_if(sub_if(x, 2 * self.q), self.q)
    }
}

/// floor(value * 2^52 / q).
pub(crate) const fn shoup(value: u64, q: u64) -> u64 {
    (((value as u128) << WORD_BITS) / q as u128) as u64
}

/// x - m if x >= m, else x, without a branch.
pub(crate) const fn sub_if(x: u64, m: u64) -> u64 {
    let reduced = x.wrapping_sub(m);
    let keep = (reduced >> 63).wrapping_neg();
    (x & keep) | (reduced & !keep)
}

//! Words modulo one prime, as integers or as doubles that hold integers.

use crate::modulus::Modulus;

/// 2^52: added to an integer in [0, 2^52), it leaves the integer in the low bits of the double.
pub(in super::super) const MAGIC: f64 = 4_503_599_627_370_496.0;
/// 1.5 * 2^52: a number of at most 2^51 in size that is added to it is rounded to an integer.
const ROUNDING: f64 = 1.5 * MAGIC;

/// Vectors of N words, of one instruction set. A value of the type is the proof that the processor has it.
pub(in super::super) trait Lanes<const N: usize>: Copy {
    type Word: Copy;
    type Double: Copy;

    fn load(self, words: &[u64; N]) -> Self::Word;
    fn store(self, words: &mut [u64; N], x: Self::Word);
    /// Words of a low and a high plane.
    fn join_bytes(self, low: &[u32; N], high: &[u8; N]) -> Self::Word;
    fn join_shorts(self, low: &[u32; N], high: &[u16; N]) -> Self::Word;
    /// Asks for a line of memory, which need not exist.
    fn prefetch(self, line: *const u64);
    fn splat(self, word: u64) -> Self::Word;
    /// a + b modulo 2^64.
    fn plus(self, a: Self::Word, b: Self::Word) -> Self::Word;
    /// a - b modulo 2^64.
    fn minus(self, a: Self::Word, b: Self::Word) -> Self::Word;
    /// x where it is not negative, else x + m, which is not.
    fn wrap(self, x: Self::Word, m: Self::Word) -> Self::Word;
    /// Words 0, 2, 4, ... and 1, 3, 5, ... of a and b in a row.
    fn unzip(self, a: Self::Word, b: Self::Word) -> [Self::Word; 2];

    /// The double whose bits are the word.
    fn as_double(self, x: Self::Word) -> Self::Double;
    /// The bits of a double.
    fn as_word(self, x: Self::Double) -> Self::Word;
    /// Words below 2^52 as doubles.
    fn to_double(self, x: Self::Word) -> Self::Double;
    /// Integers in (-q, q) as words in [0, q). None is -0: words become +0, and no product, sum or remainder of such numbers that
    /// `Field` makes is another zero.
    fn settle(self, x: Self::Double, q: Self::Double, word: Self::Word) -> Self::Word;
    fn splat_double(self, x: f64) -> Self::Double;
    fn add(self, a: Self::Double, b: Self::Double) -> Self::Double;
    fn sub(self, a: Self::Double, b: Self::Double) -> Self::Double;
    fn mul(self, a: Self::Double, b: Self::Double) -> Self::Double;
    /// a b + c, rounded once.
    fn mul_add(self, a: Self::Double, b: Self::Double, c: Self::Double) -> Self::Double;
    /// a b - c, rounded once.
    fn mul_sub(self, a: Self::Double, b: Self::Double, c: Self::Double) -> Self::Double;
    /// c - a b, rounded once.
    fn less_mul(self, a: Self::Double, b: Self::Double, c: Self::Double) -> Self::Double;
    /// The nearest integer, for any double.
    fn round(self, x: Self::Double) -> Self::Double;
    /// Double j of vector i becomes double i of vector j.
    fn transpose(self, x: [Self::Double; N]) -> [Self::Double; N];

    /// Runs something in a function of its own that has the instructions: a step of a recursion, which cannot be inlined.
    fn enter(self, step: impl Step);
}

/// Something to run: a closure would not be inlined for certain.
pub(in super::super) trait Step {
    /// To be inlined always.
    fn run(self);
}

/// The constants of one prime in every lane.
#[derive(Clone, Copy)]
pub(super) struct Field<S: Lanes<N>, const N: usize> {
    pub(super) lanes: S,
    /// q as a word.
    pub(super) word: S::Word,
    q: S::Double,
    /// 1/q, rounded.
    inverse: S::Double,
    rounding: S::Double,
    pub(super) zero: S::Double,
}

impl<S: Lanes<N>, const N: usize> Field<S, N> {
    #[inline(always)]
    pub(super) fn new(lanes: S, modulus: &Modulus) -> Self {
        let q = modulus.value() as f64;
        Self {
            lanes,
            word: lanes.splat(modulus.value()),
            q: lanes.splat_double(q),
            inverse: lanes.splat_double(1.0 / q),
            rounding: lanes.splat_double(ROUNDING),
            zero: lanes.splat_double(0.0),
        }
    }

    /// Words below 2^52 as doubles.
    #[inline(always)]
    pub(super) fn load(&self, words: &[u64; N]) -> S::Double {
        self.lanes.to_double(self.lanes.load(words))
    }

    /// (-q, q) to words in [0, q).
    #[inline(always)]
    pub(super) fn store(&self, words: &mut [u64; N], x: S::Double) {
        self.lanes.store(words, self.lanes.settle(x, self.q, self.word));
    }

    /// x / q as an integer, off by at most 1/2 + |x / q| 2^-53, for |x / q| <= 2^51.
    #[inline(always)]
    fn quotient(&self, x: S::Double) -> S::Double {
        self.lanes.sub(self.lanes.mul_add(x, self.inverse, self.rounding), self.rounding)
    }

    /// a b mod q, off zero by at most (1/2 + |a b / q| 2^-52) q, for integers with |a b / q| <= 2^51.
    ///
    /// h + l is the exact product; h and 1/q carry one rounding each, hence 2^-52; the last two sums are exact because
    /// their values are integers below 2^53.
    #[inline(always)]
    pub(super) fn mul(&self, a: S::Double, b: S::Double) -> S::Double {
        let high = self.lanes.mul(a, b);
        self.rest(a, b, high, self.quotient(high))
    }

    /// `mul` for |a b / q| < 2^52, with one rounding more: (1/2 + 3 |a b / q| 2^-53) q.
    #[inline(always)]
    pub(super) fn mul_wide(&self, a: S::Double, b: S::Double) -> S::Double {
        let high = self.lanes.mul(a, b);
        self.rest(a, b, high, self.lanes.round(self.lanes.mul(high, self.inverse)))
    }

    #[inline(always)]
    fn rest(&self, a: S::Double, b: S::Double, high: S::Double, quotient: S::Double) -> S::Double {
        let low = self.lanes.mul_sub(a, b, high);
        self.lanes.add(self.lanes.less_mul(quotient, self.q, high), low)
    }

    /// x mod q, off zero by hardly more than q/2, for an integer below 2^52 in size.
    #[inline(always)]
    pub(super) fn reduce(&self, x: S::Double) -> S::Double {
        self.lanes.less_mul(self.quotient(x), self.q, x)
    }
}

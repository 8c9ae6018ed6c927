//! Rows in fewer bytes, for what is written once and read often: a product with a key waits for memory.

use std::ops::Range;

use crate::modulus::Modulus;
use crate::poly::{Basis, STAGGER};
use crate::pool::Block;
use crate::ring::Ring;

/// A row of words to be read: whole, or in two planes.
#[derive(Clone, Copy, Debug)]
pub enum Row<'a> {
    /// Any words.
    Whole(&'a [u64]),
    /// Words below 2^40: the low 32 bits of each, and the other 8.
    Five(&'a [u32], &'a [u8]),
    /// Words below 2^48: the low 32 bits of each, and the other 16.
    Six(&'a [u32], &'a [u16]),
}

impl<'a> From<&'a [u64]> for Row<'a> {
    fn from(words: &'a [u64]) -> Self {
        Self::Whole(words)
    }
}

impl Row<'_> {
    /// A word.
    pub fn get(&self, i: usize) -> u64 {
        match self {
            Self::Whole(words) => words[i],
            Self::Five(low, high) => u64::from(low[i]) | u64::from(high[i]) << u32::BITS,
            Self::Six(low, high) => u64::from(low[i]) | u64::from(high[i]) << u32::BITS,
        }
    }

    /// Some of its words.
    #[must_use]
    pub fn columns(self, columns: Range<usize>) -> Self {
        match self {
            Self::Whole(words) => Self::Whole(&words[columns]),
            Self::Five(low, high) => Self::Five(&low[columns.clone()], &high[columns]),
            Self::Six(low, high) => Self::Six(&low[columns.clone()], &high[columns]),
        }
    }

    /// How many words.
    pub fn len(&self) -> usize {
        match self {
            Self::Whole(words) => words.len(),
            Self::Five(low, _) | Self::Six(low, _) => low.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// How the residues of one prime are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Whole,
    Five,
    Six,
}

impl Format {
    fn of(modulus: &Modulus) -> Self {
        match u64::BITS - modulus.value().leading_zeros() {
            0..=40 => Self::Five,
            41..=48 => Self::Six,
            _ => Self::Whole,
        }
    }

    /// Of the low plane, and of all of a row of n words, in words.
    fn sizes(self, n: usize) -> [usize; 2] {
        match self {
            Self::Whole => [n, n],
            Self::Five => [n / 2, n / 2 + n / 8],
            Self::Six => [n / 2, n / 2 + n / 4],
        }
    }
}

/// Polynomials modulo the primes of one basis, written once and read row by row.
pub struct Packed {
    block: Block,
    degree: usize,
    /// Where each row of a polynomial begins, and how it is kept.
    rows: Vec<(usize, Format)>,
    /// Words from one polynomial to the next.
    stride: usize,
}

impl std::fmt::Debug for Packed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Packed").field("degree", &self.degree).field("rows", &self.rows.len()).finish()
    }
}

/// The rows of a polynomial, and the words of all of them.
fn layout(ring: &Ring, basis: Basis) -> (Vec<(usize, Format)>, usize) {
    let mut stride = 0;
    let row = |modulus: &Modulus| {
        let (start, format) = (stride, Format::of(modulus));
        // Rows start on cache lines, and not a power of two from each other.
        stride += format.sizes(ring.degree())[1].next_multiple_of(8) + STAGGER;
        (start, format)
    };
    (ring.moduli(basis).into_iter().map(row).collect(), stride)
}

impl Ring {
    /// Places for so many polynomials, to be written row by row.
    pub fn packed(&self, basis: Basis, count: usize) -> Packed {
        let (rows, stride) = layout(self, basis);
        Packed { block: self.pool().lend(count * stride), degree: self.degree(), rows, stride }
    }

    /// Bytes of so many polynomials in [`Ring::packed`].
    pub fn packed_bytes(&self, basis: Basis, count: usize) -> usize {
        8 * count * layout(self, basis).1
    }
}

impl Packed {
    /// How many polynomials there are.
    pub fn count(&self) -> usize {
        self.block.len().checked_div(self.stride).unwrap_or(0)
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        8 * self.block.len()
    }

    /// Row i of a polynomial.
    pub fn row(&self, poly: usize, i: usize) -> Row<'_> {
        let (start, format) = self.rows[i];
        let [low, all] = format.sizes(self.degree);
        let words = &self.block[poly * self.stride + start..][..all];
        let (low, high) = words.split_at(low);
        match format {
            Format::Whole => Row::Whole(words),
            Format::Five => Row::Five(bytemuck::cast_slice(low), bytemuck::cast_slice(high)),
            Format::Six => Row::Six(bytemuck::cast_slice(low), bytemuck::cast_slice(high)),
        }
    }

    /// Writes row i of a polynomial: residues of its prime.
    pub fn write(&mut self, poly: usize, i: usize, row: &[u64]) {
        let (start, format) = self.rows[i];
        let [low, all] = format.sizes(self.degree);
        let words = &mut self.block[poly * self.stride + start..][..all];
        let (low, high) = words.split_at_mut(low);
        match format {
            Format::Whole => low.copy_from_slice(row),
            Format::Five => pack(row, low, bytemuck::cast_slice_mut(high), |word| word as u8),
            Format::Six => pack(row, low, bytemuck::cast_slice_mut(high), |word| word as u16),
        }
    }
}

fn pack<T>(row: &[u64], low: &mut [u64], high: &mut [T], top: impl Fn(u64) -> T) {
    let low: &mut [u32] = bytemuck::cast_slice_mut(low);
    for ((word, low), high) in row.iter().zip(low).zip(high) {
        (*low, *high) = (*word as u32, top(word >> u32::BITS));
    }
}

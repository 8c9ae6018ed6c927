//! Reading fields, none of which is believed.

use arras_ring::{Basis, Modulus, Poly, Ring};

use super::Error;

/// Bytes not yet read.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

/// Bits of a packed residue.
pub(super) fn bits(modulus: &Modulus) -> u32 {
    u64::BITS - modulus.value().leading_zeros()
}

/// Bytes of a packed row.
fn row_size(ring: &Ring, modulus: &Modulus) -> usize {
    (ring.degree() * bits(modulus) as usize).div_ceil(8)
}

/// Bytes of a packed polynomial.
pub(super) fn packed_size(ring: &Ring, basis: Basis) -> usize {
    ring.moduli(basis).iter().map(|modulus| row_size(ring, modulus)).sum()
}

impl<'a> Reader<'a> {
    /// Reads from the start.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next bytes.
    ///
    /// # Errors
    /// Fewer are left.
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) =
            self.rest.split_at_checked(count).ok_or(Error::Field { field: "the length of a field" })?;
        self.rest = rest;
        Ok(taken)
    }

    /// So many bytes as an array.
    ///
    /// # Errors
    /// Fewer are left.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (taken, rest) =
            self.rest.split_first_chunk().ok_or(Error::Field { field: "the length of a field" })?;
        self.rest = rest;
        Ok(*taken)
    }

    /// One byte.
    ///
    /// # Errors
    /// None is left.
    pub fn u8(&mut self) -> Result<u8, Error> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Four bytes.
    ///
    /// # Errors
    /// Fewer are left.
    pub fn u32(&mut self) -> Result<u32, Error> {
        self.array().map(u32::from_le_bytes)
    }

    /// Eight bytes.
    ///
    /// # Errors
    /// Fewer are left.
    pub fn u64(&mut self) -> Result<u64, Error> {
        self.array().map(u64::from_le_bytes)
    }

    /// Every row of a polynomial. Its size is compared with what is left before anything is allocated.
    ///
    /// # Errors
    /// Too few bytes, or a residue that is not below its prime.
    pub fn poly<D>(&mut self, ring: &Ring, basis: Basis) -> Result<Poly<D>, Error> {
        let mut packed = Reader::new(self.bytes(packed_size(ring, basis))?);
        let mut poly = ring.blank(basis);
        for (i, row) in poly.rows_mut().enumerate() {
            let modulus = ring.modulus(basis, i);
            unpack(modulus, packed.bytes(row_size(ring, modulus))?, row)?;
        }
        Ok(poly)
    }

    /// # Errors
    /// Bytes are left.
    pub fn finish(&self) -> Result<(), Error> {
        if self.rest.is_empty() { Ok(()) } else { Err(Error::Trailing { extra: self.rest.len() }) }
    }

    /// Bytes left.
    pub fn left(&self) -> usize {
        self.rest.len()
    }
}

fn unpack(modulus: &Modulus, packed: &[u8], row: &mut [u64]) -> Result<(), Error> {
    let bits = bits(modulus);
    let mask = u64::MAX >> (u64::BITS - bits);
    let mut words = packed.chunks(8).map(|chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        u64::from_le_bytes(word)
    });
    let (mut pending, mut held) = (0u128, 0u32);
    let mut largest = 0;
    for slot in row.iter_mut() {
        if held < bits {
            pending |= u128::from(words.next().unwrap_or(0)) << held;
            held += 64;
        }
        *slot = pending as u64 & mask;
        largest = largest.max(*slot);
        pending >>= bits;
        held -= bits;
    }
    // Padding bits are zero in what a writer writes, so that a value has one encoding.
    if largest >= modulus.value() || pending != 0 {
        return Err(Error::Field { field: "a residue" });
    }
    Ok(())
}

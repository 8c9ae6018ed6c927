//! Writing fields.

use arras_ring::{Modulus, Poly, Ring};

/// Bytes in the making.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Raw bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        // Room for the checksum as well, so that appending it never moves (and leaves behind) a stored secret key.
        self.bytes.reserve(bytes.len() + super::HASH);
        self.bytes.extend_from_slice(bytes);
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// Four bytes.
    pub fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    /// Eight bytes.
    pub fn u64(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }

    /// Every row of a polynomial, packed.
    pub fn poly<D>(&mut self, ring: &Ring, poly: &Poly<D>) {
        for (i, row) in poly.rows().enumerate() {
            self.row(ring.modulus(poly.basis(), i), row.iter().copied());
        }
    }

    /// One row, packed.
    pub fn row(&mut self, modulus: &Modulus, row: impl ExactSizeIterator<Item = u64>) {
        let bits = super::read::bits(modulus);
        self.bytes.reserve(row.len() * bits as usize / 8 + 1);
        let (mut pending, mut held) = (0u128, 0u32);
        for value in row {
            pending |= u128::from(value) << held;
            held += bits;
            if held >= 64 {
                self.bytes.extend_from_slice(&(pending as u64).to_le_bytes());
                pending >>= 64;
                held -= 64;
            }
        }
        let rest = pending.to_le_bytes();
        self.bytes.extend_from_slice(&rest[..held.div_ceil(8) as usize]);
    }

    /// Bytes so far.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes from a place on.
    pub(super) fn since(&self, start: usize) -> &[u8] {
        self.bytes.get(start..).unwrap_or_default()
    }

    /// What was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

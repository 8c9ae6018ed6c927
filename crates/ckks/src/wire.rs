//! Bytes of encrypted vectors: the frames of `arras_rlwe::wire` with the number of slots.

use arras_rlwe::wire::{Error, Kind, Reader, Wire, Writer};

use crate::cipher::{Ciphertext, SeededCiphertext};

pub use arras_rlwe::wire::{from_bytes, to_bytes};

impl Wire for Ciphertext {
    const KIND: Kind = Kind::Ciphertext;

    fn write(&self, params: &arras_rlwe::Params, out: &mut Writer) {
        out.u32(self.slots as u32);
        self.inner.write(params, out);
    }

    fn read(params: &arras_rlwe::Params, from: &mut Reader<'_>) -> Result<Self, Error> {
        let slots = read_slots(params, from)?;
        Ok(Self { inner: arras_rlwe::Ciphertext::read(params, from)?, slots })
    }
}

impl Wire for SeededCiphertext {
    const KIND: Kind = Kind::SeededCiphertext;

    fn write(&self, params: &arras_rlwe::Params, out: &mut Writer) {
        out.u32(self.slots as u32);
        self.inner.write(params, out);
    }

    fn read(params: &arras_rlwe::Params, from: &mut Reader<'_>) -> Result<Self, Error> {
        let slots = read_slots(params, from)?;
        Ok(Self { inner: arras_rlwe::SeededCiphertext::read(params, from)?, slots })
    }
}

/// Several ciphertexts that travel together, with a label that says what they are for.
#[derive(Debug)]
pub struct Batch {
    /// Public words of the sender to the receiver: at most `MAX_LABEL` bytes.
    pub label: Vec<u8>,
    /// The ciphertexts.
    pub items: Items,
}

/// The ciphertexts of a batch.
#[derive(Debug)]
pub enum Items {
    /// Fresh ones, half the bytes.
    Seeded(Vec<SeededCiphertext>),
    /// Computed ones.
    Whole(Vec<Ciphertext>),
}

/// The longest label.
pub const MAX_LABEL: usize = 4096;
/// The most ciphertexts in a batch.
pub const MAX_ITEMS: usize = 1 << 16;

impl Wire for Batch {
    const KIND: Kind = Kind::Batch;

    fn write(&self, params: &arras_rlwe::Params, out: &mut Writer) {
        out.u32(self.label.len() as u32);
        out.bytes(&self.label);
        match &self.items {
            Items::Seeded(items) => write_items(params, 0, items, out),
            Items::Whole(items) => write_items(params, 1, items, out),
        }
    }

    fn read(params: &arras_rlwe::Params, from: &mut Reader<'_>) -> Result<Self, Error> {
        let length = from.u32()? as usize;
        if length > MAX_LABEL {
            return Err(Error::Field { field: "the length of the label" });
        }
        let label = from.bytes(length)?.to_vec();
        let items = match from.u8()? {
            0 => Items::Seeded(read_items(params, from)?),
            1 => Items::Whole(read_items(params, from)?),
            _ => return Err(Error::Field { field: "the kind of ciphertexts" }),
        };
        Ok(Self { label, items })
    }
}

fn write_items<T: Wire>(params: &arras_rlwe::Params, tag: u8, items: &[T], out: &mut Writer) {
    out.u8(tag);
    out.u32(items.len() as u32);
    items.iter().for_each(|item| item.write(params, out));
}

fn read_items<T: Wire>(params: &arras_rlwe::Params, from: &mut Reader<'_>) -> Result<Vec<T>, Error> {
    let count = from.u32()? as usize;
    if count > MAX_ITEMS {
        return Err(Error::Field { field: "the number of ciphertexts" });
    }
    (0..count).map(|_| T::read(params, from)).collect()
}

fn read_slots(params: &arras_rlwe::Params, from: &mut Reader<'_>) -> Result<usize, Error> {
    let slots = from.u32()? as usize;
    let fits = slots.is_power_of_two() && slots <= params.degree() / 2;
    if fits { Ok(slots) } else { Err(Error::Field { field: "the number of slots" }) }
}

//! Encrypted vectors and the states between two operations.

use arras_ring::{Eval, Poly};
use arras_rlwe::{Level, ParamsId};

/// An encrypted vector at a level, at the one scale that the level fixes.
#[derive(Debug)]
pub struct Ciphertext {
    pub(crate) inner: arras_rlwe::Ciphertext,
    pub(crate) slots: usize,
}

/// A symmetric encryption whose uniform half is a seed: half the bytes of a `Ciphertext`.
#[derive(Debug)]
pub struct SeededCiphertext {
    pub(crate) inner: arras_rlwe::SeededCiphertext,
    pub(crate) slots: usize,
}

/// A product of degree one whose scale is squared: waits for one rescale. Products of one level add.
#[derive(Debug)]
pub struct Product {
    pub(crate) parts: [Poly<Eval>; 2],
    pub(crate) level: Level,
    pub(crate) slots: usize,
    pub(crate) id: ParamsId,
}

/// A product of degree two whose scale is squared: waits for one relinearisation. Tensors of one level add.
#[derive(Debug)]
pub struct Tensor {
    pub(crate) parts: [Poly<Eval>; 3],
    pub(crate) level: Level,
    pub(crate) slots: usize,
    pub(crate) id: ParamsId,
}

/// A ciphertext at a scale of its own, for the inside of an algorithm.
#[derive(Debug)]
pub(crate) struct Raw {
    pub parts: [Poly<Eval>; 2],
    pub level: Level,
    pub scale: f64,
}

impl Ciphertext {
    /// Multiplications left.
    pub fn level(&self) -> Level {
        self.inner.level
    }

    /// Slots of the vector.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// The parameter set.
    pub fn id(&self) -> ParamsId {
        self.inner.id
    }
}

impl SeededCiphertext {
    /// Multiplications left.
    pub fn level(&self) -> Level {
        self.inner.level
    }

    /// Slots of the vector.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// The whole ciphertext.
    pub fn expand(self, params: &crate::Params) -> Ciphertext {
        Ciphertext { inner: self.inner.expand(params), slots: self.slots }
    }
}

//! Polynomials as rows of residues.

use std::marker::PhantomData;

use zeroize::Zeroize;

use crate::pool::Block;

/// Words between the end of one row and the start of the next: without them rows of N = 2^16 collide in the cache.
pub(crate) const STAGGER: usize = 72;

/// Marker: coefficients in natural order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coeff;
/// Marker: values at the 2N-th roots of unity, in bit-reversed order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Eval;

/// Which primes a polynomial has residues for: the first `main` of the chain, and the first `special` ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Basis {
    /// Primes of the modulus chain Q.
    pub main: usize,
    /// Special primes P, used inside key switching.
    pub special: usize,
}

impl Basis {
    /// The first `main` primes of the chain, no special ones.
    pub const fn main(main: usize) -> Self {
        Self { main, special: 0 }
    }

    /// Rows of a polynomial in this basis.
    pub const fn rows(self) -> usize {
        self.main + self.special
    }
}

/// A polynomial modulo a product of primes: data only, the `Ring` acts on it.
///
/// `D` says what the rows hold: `Coeff` or `Eval`; a product exists only on `Eval`.
pub struct Poly<D> {
    block: Block,
    degree: usize,
    basis: Basis,
    domain: PhantomData<D>,
}

impl<D> Poly<D> {
    /// Words that a polynomial needs.
    pub const fn words(degree: usize, basis: Basis) -> usize {
        (degree + STAGGER) * basis.rows()
    }

    pub(crate) fn from_block(block: Block, degree: usize, basis: Basis) -> Self {
        debug_assert!(block.len() >= Self::words(degree, basis));
        Self { block, degree, basis, domain: PhantomData }
    }

    pub(crate) fn relabel<E>(self) -> Poly<E> {
        Poly { block: self.block, degree: self.degree, basis: self.basis, domain: PhantomData }
    }

    /// N.
    pub const fn degree(&self) -> usize {
        self.degree
    }

    /// The primes it has residues for.
    pub const fn basis(&self) -> Basis {
        self.basis
    }

    /// The residues of row i: the chain first, then the special primes.
    pub fn row(&self, i: usize) -> &[u64] {
        let start = i * (self.degree + STAGGER);
        &self.block[start..start + self.degree]
    }

    /// The residues of row i, to change.
    pub fn row_mut(&mut self, i: usize) -> &mut [u64] {
        let start = i * (self.degree + STAGGER);
        &mut self.block[start..start + self.degree]
    }

    /// All rows.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[u64]> {
        let degree = self.degree;
        self.block.chunks_exact(degree + STAGGER).take(self.basis.rows()).map(move |row| &row[..degree])
    }

    /// All rows, to change.
    pub fn rows_mut(&mut self) -> impl ExactSizeIterator<Item = &mut [u64]> {
        let degree = self.degree;
        self.block
            .chunks_exact_mut(degree + STAGGER)
            .take(self.basis.rows())
            .map(move |row| &mut row[..degree])
    }

    /// Forgets the last primes of the chain: the same polynomial modulo a smaller Q. Free.
    ///
    /// # Panics
    /// In debug, if there are special rows or fewer than `main` rows: both are bugs of the caller.
    pub fn truncate(&mut self, main: usize) {
        debug_assert!(self.basis.special == 0 && main <= self.basis.main);
        self.basis.main = main;
    }
}

impl<D> Zeroize for Poly<D> {
    fn zeroize(&mut self) {
        self.block.zeroize();
    }
}

impl<D> std::fmt::Debug for Poly<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Contents may be secret.
        f.debug_struct("Poly")
            .field("degree", &self.degree)
            .field("basis", &self.basis)
            .finish_non_exhaustive()
    }
}

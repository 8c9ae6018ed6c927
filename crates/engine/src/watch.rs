//! Operations that somebody watches, and may stop.

use std::cell::RefCell;

use arras_approx::Polynomial;
use arras_circuits::{Arith, Matrix, Pairs, Points, Rotate};

use crate::error::Error;

/// The operations of `inner`; after each, `heard` is told how many there were, and stops the program by `false`.
pub(crate) struct Watched<'a, B, F> {
    inner: &'a B,
    heard: RefCell<(usize, F)>,
}

impl<'a, B: Arith<Error: Into<Error>>, F: FnMut(usize) -> bool> Watched<'a, B, F> {
    pub(crate) fn new(inner: &'a B, heard: F) -> Self {
        Self::after(0, inner, heard)
    }

    /// The same where so many operations are done already.
    pub(crate) fn after(done: usize, inner: &'a B, heard: F) -> Self {
        Self { inner, heard: RefCell::new((done, heard)) }
    }

    fn tell<T>(&self, result: Result<T, B::Error>) -> Result<T, Error> {
        let value = result.map_err(Into::into)?;
        let (done, heard) = &mut *self.heard.borrow_mut();
        *done += 1;
        if heard(*done) { Ok(value) } else { Err(Error::Stopped) }
    }
}

impl<B: Arith<Error: Into<Error>>, F: FnMut(usize) -> bool> Arith for Watched<'_, B, F> {
    type Ct = B::Ct;
    type Error = Error;

    fn add(&self, a: &B::Ct, b: &B::Ct) -> Result<B::Ct, Error> {
        self.tell(self.inner.add(a, b))
    }
    fn sub(&self, a: &B::Ct, b: &B::Ct) -> Result<B::Ct, Error> {
        self.tell(self.inner.sub(a, b))
    }
    fn mul(&self, a: &B::Ct, b: &B::Ct) -> Result<B::Ct, Error> {
        self.tell(self.inner.mul(a, b))
    }
    fn add_plain(&self, a: &B::Ct, v: &[f64]) -> Result<B::Ct, Error> {
        self.tell(self.inner.add_plain(a, v))
    }
    fn mul_plain(&self, a: &B::Ct, v: &[f64]) -> Result<B::Ct, Error> {
        self.tell(self.inner.mul_plain(a, v))
    }
    fn add_scalar(&self, a: &B::Ct, c: f64) -> Result<B::Ct, Error> {
        self.tell(self.inner.add_scalar(a, c))
    }
    fn mul_scalar(&self, a: &B::Ct, c: f64) -> Result<B::Ct, Error> {
        self.tell(self.inner.mul_scalar(a, c))
    }
    fn combine(&self, terms: &[B::Ct], weights: &[f64], bias: f64) -> Result<B::Ct, Error> {
        self.tell(self.inner.combine(terms, weights, bias))
    }
    fn lower(&self, a: &B::Ct, by: u32) -> Result<B::Ct, Error> {
        self.tell(self.inner.lower(a, by))
    }
    fn twice_real(&self, a: &B::Ct) -> Result<B::Ct, Error> {
        self.tell(self.inner.twice_real(a))
    }
    fn poly(&self, a: &B::Ct, p: &Polynomial) -> Result<B::Ct, Error> {
        self.tell(self.inner.poly(a, p))
    }
}

impl<B: Rotate<Error: Into<Error>>, F: FnMut(usize) -> bool> Rotate for Watched<'_, B, F> {
    fn slots(&self) -> usize {
        self.inner.slots()
    }
    fn rotate(&self, a: &B::Ct, by: i64) -> Result<B::Ct, Error> {
        self.tell(self.inner.rotate(a, by))
    }
    fn linear(&self, a: &B::Ct, m: &Matrix) -> Result<B::Ct, Error> {
        self.tell(self.inner.linear(a, m))
    }
    fn fold(&self, a: &B::Ct, v: &[f64], rotations: &[i64]) -> Result<B::Ct, Error> {
        self.tell(self.inner.fold(a, v, rotations))
    }
    fn mul_fold(&self, a: &B::Ct, b: &B::Ct, rotations: &[i64]) -> Result<B::Ct, Error> {
        self.tell(self.inner.mul_fold(a, b, rotations))
    }
    fn linear_all(&self, a: &B::Ct, ms: &[&Matrix]) -> Result<Vec<B::Ct>, Error> {
        self.tell(self.inner.linear_all(a, ms))
    }
}

impl<B: Points<Error: Into<Error>>, F: FnMut(usize) -> bool> Points for Watched<'_, B, F> {
    fn point(&self, a: &B::Ct) -> Result<B::Ct, Error> {
        self.tell(self.inner.point(a))
    }
    fn begin(&self, a: &B::Ct) -> Result<(usize, B::Ct), Error> {
        self.inner.begin(a).map_err(Into::into)
    }
    fn reached(&self, a: &B::Ct, rounds: usize) -> Result<(), Error> {
        self.inner.reached(a, rounds).map_err(Into::into)
    }
}

impl<B: Pairs<Error: Into<Error>>, F: FnMut(usize) -> bool> Pairs for Watched<'_, B, F> {
    type Pair = B::Pair;

    fn point_pair(&self, p: &B::Pair) -> Result<B::Pair, Error> {
        self.tell(self.inner.point_pair(p))
    }
    fn pair(&self, a: &B::Ct, b: &B::Ct) -> Result<B::Pair, Error> {
        self.tell(self.inner.pair(a, b))
    }
    fn twice_parts(&self, p: &B::Pair) -> Result<[B::Ct; 2], Error> {
        self.tell(self.inner.twice_parts(p))
    }
    fn add_pairs(&self, p: &B::Pair, q: &B::Pair) -> Result<B::Pair, Error> {
        self.tell(self.inner.add_pairs(p, q))
    }
    fn shift_pair(&self, p: &B::Pair, v: &[f64]) -> Result<B::Pair, Error> {
        self.tell(self.inner.shift_pair(p, v))
    }
    fn rotate_pair(&self, p: &B::Pair, by: i64) -> Result<B::Pair, Error> {
        self.tell(self.inner.rotate_pair(p, by))
    }
    fn mul_fold_pair(&self, p: &B::Pair, a: &B::Ct, rotations: &[i64]) -> Result<B::Pair, Error> {
        self.tell(self.inner.mul_fold_pair(p, a, rotations))
    }
    fn square_dot(&self, terms: &[(B::Pair, B::Ct, B::Ct)]) -> Result<B::Ct, Error> {
        self.tell(self.inner.square_dot(terms))
    }
}

//! Key switching: c s' becomes c' s.

use std::ops::Range;

use arras_ring::{Basis, Coeff, Eval, Galois, Poly, Ring, Target, group, par};

use crate::gadget::LevelGadget;
use crate::level::Level;
use crate::params::Params;
use crate::switchkey::SwitchKey;

/// A polynomial cut into digits, each raised to the level's primes and its special primes: done once, used by many keys.
#[derive(Debug)]
pub struct Hoisted {
    digits: Vec<Poly<Eval>>,
    level: Level,
}

/// A pair of polynomials modulo Q P', to be divided by P': the scale of a key-switching product.
#[derive(Debug)]
pub struct Raised {
    /// Both halves, in the basis of the level with its special primes.
    pub parts: [Poly<Eval>; 2],
    /// Its level.
    pub level: Level,
}

impl Hoisted {
    /// Decomposes c, which is at a level.
    ///
    /// Cost: with l rows, k special primes and d digits, l inverse transforms and d (l + k) - l transforms.
    pub fn new(params: &Params, c: &Poly<Eval>, level: Level) -> Self {
        let (ring, gadget) = (params.ring(), params.gadget(level));
        let centred = centred_digits(ring, gadget, c);
        let mut digits: Vec<Poly<Eval>> =
            gadget.digit_list.iter().map(|_| ring.blank(gadget.basis)).collect();
        let mut rows: Vec<_> = digits.iter_mut().map(Poly::rows_mut).collect();
        let groups = groups(gadget.basis).map(|targets| {
            let rows: Vec<Vec<&mut [u64]>> =
                rows.iter_mut().map(|rows| rows.by_ref().take(targets.len()).collect()).collect();
            (targets, rows)
        });
        par::each(groups.collect(), |(targets, mut rows)| {
            raise(ring, gadget, c, &centred, targets, &mut rows)
        });
        drop(rows);
        Self { digits, level }
    }

    /// The level.
    pub fn level(&self) -> Level {
        self.level
    }

    /// The product with a key, modulo Q P'.
    ///
    /// Cost: two products per digit and row; reads the whole key once.
    pub fn product(&self, params: &Params, key: &SwitchKey) -> Raised {
        let (ring, gadget) = (params.ring(), params.gadget(self.level));
        let mut parts = [ring.blank(gadget.basis), ring.blank(gadget.basis)];
        each_pair(&mut parts, |i, acc0, acc1| self.product_row(ring, key, gadget.basis, i, acc0, acc1));
        Raised { parts, level: self.level }
    }

    /// (P' c0, 0) and the product with a key, modulo Q P', under the automorphism X -> X^g: a rotation of (c0, c1) before its
    /// division, one row at a time.
    pub fn rotated(&self, params: &Params, key: &SwitchKey, c0: &Poly<Eval>, g: Galois) -> Raised {
        let (ring, gadget) = (params.ring(), params.gadget(self.level));
        let index = ring.permutation(g);
        let mut parts = [ring.blank(gadget.basis), ring.blank(gadget.basis)];
        each_pair(&mut parts, |i, out0, out1| {
            let mut scratch: Poly<Eval> = ring.blank(Basis::main(2));
            let mut rows = scratch.rows_mut();
            if let (Some(acc0), Some(acc1)) = (rows.next(), rows.next()) {
                self.product_row(ring, key, gadget.basis, i, acc0, acc1);
                if i < gadget.basis.main {
                    gadget.add_scaled_row(ring, i, acc0, c0.row(i));
                }
                (ring.kernels().permute)(out0, acc0, &index);
                (ring.kernels().permute)(out1, acc1, &index);
            }
        });
        Raised { parts, level: self.level }
    }

    /// Row i of `product`.
    fn product_row(
        &self,
        ring: &Ring,
        key: &SwitchKey,
        basis: Basis,
        i: usize,
        acc0: &mut [u64],
        acc1: &mut [u64],
    ) {
        let xs: Vec<&[u64]> = self.digits.iter().map(|digit| digit.row(i)).collect();
        let [k0, k1] = key_rows(key, basis, self.digits.len(), i);
        (ring.kernels().dot)(acc0, acc1, &xs, &k0, &k1, ring.modulus(basis, i));
    }
}

/// The product of c with a key modulo Q P', digit rows made, used and forgotten a few primes at a time.
///
/// Cost: as `Hoisted::new` and `Hoisted::product` together, with far less memory.
pub fn switch(params: &Params, c: &Poly<Eval>, level: Level, key: &SwitchKey) -> Raised {
    switch_add(params, c, level, key, [None, None])
}

/// `switch`, plus P' times two polynomials, added while the rows are at hand.
pub fn switch_add(
    params: &Params,
    c: &Poly<Eval>,
    level: Level,
    key: &SwitchKey,
    plus: [Option<&Poly<Eval>>; 2],
) -> Raised {
    let (ring, gadget) = (params.ring(), params.gadget(level));
    let centred = centred_digits(ring, gadget, c);
    let mut parts = [ring.blank(gadget.basis), ring.blank(gadget.basis)];
    let count = gadget.digits();
    let [first, second] = &mut parts;
    let mut rows = first.rows_mut().zip(second.rows_mut());
    let groups =
        groups(gadget.basis).map(|targets| (rows.by_ref().take(targets.len()).collect::<Vec<_>>(), targets));
    par::each(groups.collect(), |(accumulators, targets)| {
        let mut scratch: Poly<Eval> = ring.blank(Basis::main(count * targets.len()));
        let mut rows = scratch.rows_mut();
        let mut rows: Vec<Vec<&mut [u64]>> =
            (0..count).map(|_| rows.by_ref().take(targets.len()).collect()).collect();
        raise(ring, gadget, c, &centred, targets.clone(), &mut rows);
        for (g, (i, (acc0, acc1))) in targets.zip(accumulators).enumerate() {
            let xs: Vec<&[u64]> = rows.iter().map(|rows| &*rows[g]).collect();
            let [k0, k1] = key_rows(key, gadget.basis, count, i);
            (ring.kernels().dot)(acc0, acc1, &xs, &k0, &k1, ring.modulus(gadget.basis, i));
            if i < gadget.basis.main {
                let terms = [acc0, acc1].into_iter().zip(plus).filter_map(|(acc, c)| Some((acc, c?)));
                terms.for_each(|(acc, c)| gadget.add_scaled_row(ring, i, acc, c.row(i)));
            }
        }
    });
    drop(rows);
    Raised { parts, level }
}

/// The rows of a basis, a few at a time.
fn groups(basis: Basis) -> impl Iterator<Item = Range<usize>> {
    let size = group(basis.rows());
    (0..basis.rows()).step_by(size).map(move |first| first..(first + size).min(basis.rows()))
}

/// Every digit modulo the primes of a few rows, at the roots: `rows[j][g]` becomes digit j modulo target g.
fn raise(
    ring: &Ring,
    gadget: &LevelGadget,
    c: &Poly<Eval>,
    centred: &Poly<Coeff>,
    targets: Range<usize>,
    rows: &mut [Vec<&mut [u64]>],
) {
    for (digit, rows) in gadget.digit_list.iter().zip(rows) {
        let own = digit.first..digit.first + digit.len;
        let sources: Vec<&[u64]> = own.clone().map(|k| centred.row(k)).collect();
        let others = targets.clone().zip(rows.iter_mut()).filter(|(i, _)| !own.contains(i));
        let others = others.map(|(i, row)| {
            let (weights, offset) = digit.conversion.target(i);
            Target { row, weights, offset, modulus: ring.modulus(gadget.basis, i) }
        });
        ring.convert(&sources, &mut others.collect::<Vec<_>>());
        for (i, row) in targets.clone().zip(rows.iter_mut()) {
            let table = ring.table(gadget.basis, i);
            if !own.contains(&i) {
                (ring.kernels().ntt)(row, table);
            } else if gadget.factors[i] == 1 {
                row.copy_from_slice(c.row(i));
            } else {
                let modulus = table.modulus();
                (ring.kernels().mul_constant)(row, c.row(i), modulus.constant(gadget.factors[i]), modulus);
            }
        }
    }
}

impl Raised {
    /// Zero at a level.
    pub fn zero(params: &Params, level: Level) -> Self {
        let basis = Self::basis(params, level);
        Self { parts: [params.ring().zero(basis), params.ring().zero(basis)], level }
    }

    /// The rows of each half at a level: the level's primes and as many special ones as it needs.
    pub fn basis(params: &Params, level: Level) -> Basis {
        params.gadget(level).basis
    }

    /// Adds P' (c0, c1): what `divide` then turns into (c0, c1).
    pub fn add_scaled(&mut self, params: &Params, c: [Option<&Poly<Eval>>; 2]) {
        let (ring, gadget) = (params.ring(), params.gadget(self.level));
        for (part, c) in self.parts.iter_mut().zip(c) {
            let Some(c) = c else { continue };
            let rows: Vec<_> = part.rows_mut().take(gadget.basis.main).enumerate().collect();
            par::each(rows, |(i, row)| gadget.add_scaled_row(ring, i, row, c.row(i)));
        }
    }

    /// The automorphism X -> X^g of both halves.
    #[must_use]
    pub fn automorphism(&self, params: &Params, g: Galois) -> Self {
        let parts = [0, 1].map(|k| params.ring().automorphism(&self.parts[k], g));
        Self { parts, level: self.level }
    }

    /// self += other; both at the same level.
    pub fn add_assign(&mut self, params: &Params, other: &Self) {
        for (part, other) in self.parts.iter_mut().zip(&other.parts) {
            params.ring().add_assign(part, other);
        }
    }

    /// Both halves divided by P' and by the primes between its level and `to`, rounded.
    ///
    /// With `to` one level down this is ModDown and rescale in one. Error: (d + 1) / 2 in each coefficient of each half, for
    /// d primes dropped.
    pub fn divide(&self, params: &Params, to: Level) -> [Poly<Eval>; 2] {
        params.ring().divide([&self.parts[0], &self.parts[1]], params.basis(to))
    }

    /// Both halves divided by P', plus (c, 0), under the automorphism X -> X^g: the end of a rotation, in one pass.
    pub fn divide_rotated(&self, params: &Params, c: &Poly<Eval>, g: Galois) -> [Poly<Eval>; 2] {
        let (ring, to) = (params.ring(), params.basis(self.level));
        let index = ring.permutation(g);
        ring.divide_then([&self.parts[0], &self.parts[1]], to, |half, i, row| {
            if half == 0 {
                (ring.kernels().add)(row, c.row(i), ring.modulus(to, i));
            }
            let mut copy: Poly<Eval> = ring.blank(Basis::main(1));
            copy.row_mut(0).copy_from_slice(row);
            (ring.kernels().permute)(row, copy.row(0), &index);
        })
    }

    /// One half alone divided.
    pub fn divide_part(&self, params: &Params, k: usize, to: Level) -> Poly<Eval> {
        let [quotient] = params.ring().divide([&self.parts[k]], params.basis(to));
        quotient
    }
}

/// Every row of c as a centred digit in the coefficient domain.
fn centred_digits(ring: &Ring, gadget: &LevelGadget, c: &Poly<Eval>) -> Poly<Coeff> {
    let basis = Basis::main(gadget.basis.main);
    let mut centred = ring.blank(basis);
    let rows: Vec<_> = centred.rows_mut().enumerate().collect();
    let width = gadget.digit_list.first().map_or(1, |digit| digit.len);
    par::each(rows, |(i, row)| {
        let digit = &gadget.digit_list[i / width];
        row.copy_from_slice(c.row(i));
        ring.to_digits(row, ring.table(basis, i), &digit.conversion, i - digit.first);
    });
    centred
}

/// Row i, of a level's basis, of both halves of each digit of a key that may reach higher.
fn key_rows(key: &SwitchKey, basis: Basis, digits: usize, i: usize) -> [Vec<&[u64]>; 2] {
    [0, 1].map(|half| (0..digits).map(|j| key.row(half, j, basis, i)).collect())
}

fn each_pair(parts: &mut [Poly<Eval>; 2], f: impl Fn(usize, &mut [u64], &mut [u64]) + Send + Sync) {
    let [first, second] = parts;
    let rows: Vec<_> = first.rows_mut().zip(second.rows_mut()).enumerate().collect();
    par::each(rows, |(i, (acc0, acc1))| f(i, acc0, acc1));
}

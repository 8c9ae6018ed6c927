//! Key switching: c s' becomes c' s.

use std::ops::Range;

use arras_ring::kernels::Addend;
use arras_ring::{Basis, Coeff, Eval, Galois, MADE, Modulus, Poly, Ring, Row, Target, group, par};

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
            raise(ring, gadget, &centred, targets.clone(), &mut rows);
            for (g, i) in targets.enumerate() {
                let Some(j) = gadget.owner(i) else { continue };
                match gadget.factor(ring, i) {
                    Some(factor) => (ring.kernels().mul_constant)(
                        rows[j][g],
                        c.row(i),
                        factor,
                        ring.modulus(gadget.basis, i),
                    ),
                    None => rows[j][g].copy_from_slice(c.row(i)),
                }
            }
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
        let [k0, k1] = key_rows(key, basis, self.digits.len(), i, 0..ring.degree());
        (ring.kernels().dot)(acc0, acc1, &xs, &k0, &k1, ring.modulus(basis, i));
    }
}

/// The product of c with a key modulo Q P', digit rows made, used and forgotten a few primes at a time.
///
/// Cost: as `Hoisted::new` and `Hoisted::product` together, with far less memory.
pub fn switch(params: &Params, c: &Poly<Eval>, level: Level, key: &SwitchKey) -> Raised {
    let switch = Switch::new(params, c, level, key, Sum::default());
    let basis = switch.gadget.basis;
    let mut parts = [params.ring().blank(basis), params.ring().blank(basis)];
    let [first, second] = &mut parts;
    let mut rows = first.rows_mut().zip(second.rows_mut());
    let groups =
        groups(basis).map(|targets| (rows.by_ref().take(targets.len()).collect::<Vec<_>>(), targets));
    par::each(groups.collect(), |(accumulators, targets)| {
        let near = switch.near(targets.clone());
        for (i, (acc0, acc1)) in targets.zip(accumulators) {
            let parts = acc0.chunks_mut(MADE).zip(acc1.chunks_mut(MADE));
            for (at, (acc0, acc1)) in (0..).step_by(MADE).zip(parts) {
                switch.make(&near, i, at..at + acc0.len(), [acc0, acc1]);
            }
        }
    });
    drop(rows);
    Raised { parts, level }
}

/// The product of c with a key plus P' times a sum, divided by P' and by the primes between its level and `to`, rounded: `switch` and
/// `Raised::divide` at once, the raised rows and those of the sum never written.
///
/// Cost: as both, and two products for each term of the sum and row. Error: as `Raised::divide`.
pub fn switch_divide(
    params: &Params,
    c: &Poly<Eval>,
    level: Level,
    key: &SwitchKey,
    plus: Sum<'_>,
    to: Level,
) -> [Poly<Eval>; 2] {
    let switch = Switch::new(params, c, level, key, plus);
    params.ring().divide_made(
        switch.gadget.basis,
        params.basis(to),
        |targets| switch.near(targets),
        |near, i, columns, words| switch.make(near, i, columns, words),
    )
}

/// A sum of pairs of polynomials, of the level in question or above: (constant, 0) + sum_t weight(t) terms\[t\], all
/// integers given by their residues.
#[derive(Clone, Copy)]
pub struct Sum<'a> {
    /// The pairs.
    pub terms: &'a [[&'a Poly<Eval>; 2]],
    /// The integer of each.
    pub weight: &'a (dyn Fn(usize, &Modulus) -> u64 + Sync),
    /// A constant polynomial in the first half.
    pub constant: &'a (dyn Fn(&Modulus) -> u64 + Sync),
}

impl Default for Sum<'_> {
    fn default() -> Self {
        Self { terms: &[], weight: &|_, _| 0, constant: &|_| 0 }
    }
}

/// What the rows of a product with a key are made of.
struct Switch<'a> {
    ring: &'a Ring,
    gadget: &'a LevelGadget,
    key: &'a SwitchKey,
    c: &'a Poly<Eval>,
    centred: Poly<Coeff>,
    plus: Sum<'a>,
}

/// What a few rows of it need.
struct Near {
    targets: Range<usize>,
    /// For each digit, each row: the digit raised to its prime, except where it stands already.
    digits: Poly<Eval>,
    /// For each row: the weights and the constant of the sum, times P'.
    sums: Vec<(Vec<u64>, u64)>,
}

impl<'a> Switch<'a> {
    fn new(params: &'a Params, c: &'a Poly<Eval>, level: Level, key: &'a SwitchKey, plus: Sum<'a>) -> Self {
        let (ring, gadget) = (params.ring(), params.gadget(level));
        Self { ring, gadget, key, c, centred: centred_digits(ring, gadget, c), plus }
    }

    fn near(&self, targets: Range<usize>) -> Near {
        let Self { ring, gadget, plus, .. } = self;
        let mut digits: Poly<Eval> = ring.blank(Basis::main(gadget.digits() * targets.len()));
        let mut rows = digits.rows_mut();
        let mut of_digits: Vec<Vec<&mut [u64]>> =
            (0..gadget.digits()).map(|_| rows.by_ref().take(targets.len()).collect()).collect();
        raise(ring, gadget, &self.centred, targets.clone(), &mut of_digits);
        drop((of_digits, rows));
        let sum = |i: usize| {
            if i >= gadget.basis.main {
                return (Vec::new(), 0);
            }
            let (modulus, special) = (ring.modulus(gadget.basis, i), gadget.special(ring, i));
            let weight = |t| modulus.mul(special, (plus.weight)(t, modulus));
            let constant = modulus.mul(special, (plus.constant)(modulus));
            ((0..plus.terms.len()).map(weight).collect(), constant)
        };
        let sums = targets.clone().map(sum).collect();
        Near { targets, digits, sums }
    }

    /// Some columns of row i of both halves.
    fn make(&self, near: &Near, i: usize, columns: Range<usize>, acc: [&mut [u64]; 2]) {
        let Self { ring, gadget, key, c, plus, .. } = self;
        let (modulus, g) = (ring.modulus(gadget.basis, i), i - near.targets.start);
        let mut words = [0; MADE];
        let own = match gadget.factor(ring, i) {
            Some(factor) => {
                let own = &mut words[..columns.len()];
                (ring.kernels().mul_constant)(own, &c.row(i)[columns.clone()], factor, modulus);
                Some(&*own)
            }
            None => (i < gadget.basis.main).then(|| &c.row(i)[columns.clone()]),
        };
        let owner = gadget.owner(i);
        let xs: Vec<&[u64]> = (0..gadget.digits())
            .map(|j| match own {
                Some(own) if owner == Some(j) => own,
                _ => &near.digits.row(j * near.targets.len() + g)[columns.clone()],
            })
            .collect();
        let keys = key_rows(key, gadget.basis, gadget.digits(), i, columns.clone());
        let (weights, offset) = &near.sums[g];
        let terms = &plus.terms[..weights.len()];
        let rows = [0, 1]
            .map(|half| terms.iter().map(|term| &term[half].row(i)[columns.clone()]).collect::<Vec<_>>());
        let plus = Addend { rows: [&rows[0], &rows[1]], weights, offset: *offset };
        (ring.kernels().dot_plus)(acc, &xs, [&keys[0], &keys[1]], &plus, modulus);
    }
}

/// The rows of a basis, a few at a time.
fn groups(basis: Basis) -> impl Iterator<Item = Range<usize>> {
    let size = group(basis.rows());
    (0..basis.rows()).step_by(size).map(move |first| first..(first + size).min(basis.rows()))
}

/// Every digit modulo the primes of a few rows, at the roots: `rows[j][g]` becomes digit j modulo target g, unless that is a prime
/// of the digit itself.
fn raise(
    ring: &Ring,
    gadget: &LevelGadget,
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
            if !own.contains(&i) {
                (ring.kernels().ntt)(row, ring.table(gadget.basis, i));
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
        ring.to_digits(row, Some(c.row(i)), ring.table(basis, i), &digit.conversion, i - digit.first);
    });
    centred
}

/// Some columns of row i, of a level's basis, of both halves of each digit of a key that may reach higher.
fn key_rows(
    key: &SwitchKey,
    basis: Basis,
    digits: usize,
    i: usize,
    columns: Range<usize>,
) -> [Vec<Row<'_>>; 2] {
    [0, 1].map(|half| (0..digits).map(|j| key.row(half, j, basis, i).columns(columns.clone())).collect())
}

fn each_pair(parts: &mut [Poly<Eval>; 2], f: impl Fn(usize, &mut [u64], &mut [u64]) + Send + Sync) {
    let [first, second] = parts;
    let rows: Vec<_> = first.rows_mut().zip(second.rows_mut()).enumerate().collect();
    par::each(rows, |(i, (acc0, acc1))| f(i, acc0, acc1));
}

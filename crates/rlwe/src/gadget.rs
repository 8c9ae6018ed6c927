//! The decomposition behind key switching: digits of several primes, and as many special primes as a level needs.
//!
//! Hybrid key switching (Han and Ki 2020): the chain is cut into digits of `digit` primes; a key encrypts P g_j s' for each
//! digit j, with g_j = 1 modulo the primes of digit j and 0 modulo the others. At a low level fewer special primes suffice:
//! with P' a divisor of P, digits of c (P / P')^-1 times the same keys modulo Q P' give P' c s'.

use arras_ring::{Basis, Constant, Conversion, Modulus, Ring};

use crate::params::special_count;

/// The digits of one level.
#[derive(Debug)]
pub(crate) struct LevelGadget {
    /// Rows of the product: those of the level, and the special primes in use.
    pub basis: Basis,
    pub digit_list: Vec<Digit>,
    /// (P / P')^-1 modulo each prime of the level; all 1 when every special prime is in use.
    factors: Vec<u64>,
}

/// One digit: primes `first .. first + len` of the chain.
#[derive(Debug)]
pub(crate) struct Digit {
    pub first: usize,
    pub len: usize,
    /// To every row of the level's basis (rows of the digit itself included, and not used).
    pub conversion: Conversion,
}

impl LevelGadget {
    pub fn new(ring: &Ring, rows: usize, digit: usize) -> Self {
        let full = ring.full();
        let bits = |m: &Modulus| (m.value() as f64).log2();
        let main = ring.moduli(Basis::main(rows));
        let largest =
            main.chunks(digit).map(|chunk| chunk.iter().map(|m| bits(m)).sum::<f64>()).fold(0.0, f64::max);
        let special: Vec<&Modulus> = ring.moduli(full).split_off(full.main);
        let values: Vec<u64> = special.iter().map(|m| m.value()).collect();
        let used = special_count(largest, &values);
        let unused =
            |m: &Modulus| special[used..].iter().fold(1, |product, p| m.mul(product, m.reduce(p.value())));
        let factor = |m: &Modulus| m.inverse(unused(m));
        let basis = Basis { main: rows, special: used };
        let target = ring.moduli(basis);
        let digit_list = (0..rows).step_by(digit).map(|first| {
            let len = digit.min(rows - first);
            Digit { first, len, conversion: Conversion::new(&main[first..first + len], &target, factor) }
        });
        let digit_list = digit_list.collect();
        Self { basis, digit_list, factors: main.iter().map(|m| factor(m)).collect() }
    }

    pub fn digits(&self) -> usize {
        self.digit_list.len()
    }

    /// The digit that prime i of the chain belongs to; none for a special prime.
    pub fn owner(&self, i: usize) -> Option<usize> {
        (i < self.basis.main).then(|| i / self.digit_list[0].len)
    }

    /// (P / P')^-1 modulo prime i of the level, unless it is one.
    pub fn factor(&self, ring: &Ring, i: usize) -> Option<Constant> {
        let factor = *self.factors.get(i)?;
        (factor != 1).then(|| ring.modulus(self.basis, i).constant(factor))
    }

    /// P' modulo prime i of the level.
    pub fn special(&self, ring: &Ring, i: usize) -> u64 {
        let modulus = ring.modulus(self.basis, i);
        (self.basis.main..self.basis.rows())
            .fold(1, |product, k| modulus.mul(product, modulus.reduce(ring.modulus(self.basis, k).value())))
    }

    /// acc += P' c in row i of the level.
    pub fn add_scaled_row(&self, ring: &Ring, i: usize, acc: &mut [u64], c: &[u64]) {
        const CHUNK: usize = 1024;
        let modulus = ring.modulus(self.basis, i);
        let special = modulus.constant(self.special(ring, i));
        let mut product = [0u64; CHUNK];
        for (acc, c) in acc.chunks_mut(CHUNK).zip(c.chunks(CHUNK)) {
            let product = &mut product[..c.len()];
            (ring.kernels().mul_constant)(product, c, special, modulus);
            (ring.kernels().add)(acc, product, modulus);
        }
    }
}

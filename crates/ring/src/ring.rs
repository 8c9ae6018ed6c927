//! The ring Z_Q[X]/(X^N + 1) and everything that acts on its polynomials row by row.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use zeroize::Zeroize;

use crate::convert::{Conversion, Division, Target};
use crate::error::Error;
use crate::galois::Galois;
use crate::kernels::Kernels;
use crate::modulus::{Constant, Modulus};
use crate::ntt::NttTable;
use crate::par;
use crate::poly::{Basis, Coeff, Eval, Poly};
use crate::pool::Pool;
use crate::stream::Seed;

/// Degrees that a ring may have, as log2 N.
pub const LOG_DEGREES: std::ops::RangeInclusive<u32> = 4..=17;

/// Primes that a conversion should serve at once: a few read each digit from afar once for all. Measured on a multiplication at
/// N = 2^16 with 30 rows, several at once against one: 8 to 10 % when other work holds the shared cache, within 3 % on a quiet machine.
const GROUP: usize = 3;
/// Columns that a conversion walks at once: the digits' columns stay in the second-level cache.
const BLOCK: usize = 4096;

/// Words that are worked on at a time where two steps follow each other: they stay in the first-level cache.
const NEAR: usize = 1024;
/// The same where seven rows are worked on at once.
const NEARER: usize = 256;
/// Signed coefficients up to this many bits go through a kernel.
const SHORT_BITS: u32 = 50;

/// Residues modulo a chain of primes and a set of special primes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Ring(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    degree: usize,
    main: Vec<Prime>,
    special: Vec<Prime>,
    kernels: &'static Kernels,
    pool: Pool,
    permutations: Cache<Galois, Vec<u32>>,
    divisions: Cache<(Basis, Basis), Division>,
}

/// A prime; its table is made when a polynomial needs it first, as whoever plans looks at primes alone.
#[derive(Debug)]
struct Prime {
    modulus: Modulus,
    table: OnceLock<NttTable>,
}

type Cache<K, V> = RwLock<HashMap<K, Arc<V>>>;

impl Ring {
    /// The ring of degree 2^log_n with the given primes, on given kernels.
    ///
    /// # Errors
    /// A degree out of range, a number that is no NTT prime for that degree, or a prime given twice.
    pub fn new(log_n: u32, main: &[u64], special: &[u64], kernels: &'static Kernels) -> Result<Self, Error> {
        if !LOG_DEGREES.contains(&log_n) {
            return Err(Error::Degree { degree: 1usize.checked_shl(log_n).unwrap_or(0) });
        }
        let mut sorted: Vec<u64> = main.iter().chain(special).copied().collect();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Error::Repeated { value: pair[0] });
        }
        // Every prime is judged before memory is taken for the first: the list may come from a stranger.
        let judge = |&q: &u64| Modulus::new(q).and_then(|modulus| NttTable::check(modulus, log_n));
        sorted.iter().try_for_each(judge)?;
        let primes = |primes: &[u64]| -> Result<Vec<Prime>, Error> {
            let prime = |&q: &u64| Ok(Prime { modulus: Modulus::new(q)?, table: OnceLock::new() });
            primes.iter().map(prime).collect()
        };
        let (main, special) = (primes(main)?, primes(special)?);
        let (permutations, divisions) = (Cache::default(), Cache::default());
        Ok(Self(Arc::new(Inner {
            degree: 1 << log_n,
            main,
            special,
            kernels,
            pool: Pool::new(),
            permutations,
            divisions,
        })))
    }

    /// N.
    pub fn degree(&self) -> usize {
        self.0.degree
    }

    /// Every prime: the whole chain and all special ones.
    pub fn full(&self) -> Basis {
        Basis { main: self.0.main.len(), special: self.0.special.len() }
    }

    /// The row operations in use.
    pub fn kernels(&self) -> &'static Kernels {
        self.0.kernels
    }

    /// Where polynomials live.
    pub fn pool(&self) -> &Pool {
        &self.0.pool
    }

    /// The table of row i of a polynomial in `basis`.
    pub fn table(&self, basis: Basis, i: usize) -> &NttTable {
        let Prime { modulus, table } = self.prime(basis, i);
        let log_n = self.0.degree.ilog2();
        table.get_or_init(|| NttTable::of_checked(*modulus, log_n, self.0.pool.lend(NttTable::words(log_n))))
    }

    fn prime(&self, basis: Basis, i: usize) -> &Prime {
        if i < basis.main { &self.0.main[i] } else { &self.0.special[i - basis.main] }
    }

    /// The prime of row i of a polynomial in `basis`.
    pub fn modulus(&self, basis: Basis, i: usize) -> &Modulus {
        &self.prime(basis, i).modulus
    }

    /// The primes of a basis, in the order of the rows.
    pub fn moduli(&self, basis: Basis) -> Vec<&Modulus> {
        (0..basis.rows()).map(|i| self.modulus(basis, i)).collect()
    }

    /// A polynomial with unspecified residues, to be overwritten.
    pub fn blank<D>(&self, basis: Basis) -> Poly<D> {
        Poly::from_block(self.0.pool.lend(Poly::<D>::words(self.0.degree, basis)), self.0.degree, basis)
    }

    /// The zero polynomial.
    pub fn zero<D>(&self, basis: Basis) -> Poly<D> {
        let mut poly = self.blank(basis);
        poly.rows_mut().for_each(|row| row.fill(0));
        poly
    }

    /// A copy of the rows of `basis`, which must be among those of `poly`.
    pub fn copy<D: Sync>(&self, poly: &Poly<D>, basis: Basis) -> Poly<D> {
        let from = poly.basis();
        let mut result = self.blank(basis);
        let rows: Vec<_> = result.rows_mut().enumerate().collect();
        par::each(rows, |(i, row)| row.copy_from_slice(poly.row(source_row(from, basis, i))));
        result
    }

    /// The residues of signed coefficients, in constant time for coefficients of one size.
    pub fn from_signed(&self, values: &[i64], basis: Basis) -> Poly<Coeff> {
        let mut poly = self.blank(basis);
        // How many bits the longest has is public: it says which of two ways all of them go.
        let bits = values.iter().fold(0, |bits, value| bits | value.unsigned_abs());
        self.each_row(&mut poly, |_, modulus, row| {
            if bits >> SHORT_BITS != 0 {
                row.iter_mut().zip(values).for_each(|(slot, &value)| *slot = modulus.from_signed(value));
                return;
            }
            // A multiple of q above 2^50 makes every value a word for the kernel.
            let shift = (1u64 << SHORT_BITS).next_multiple_of(modulus.value());
            let mut words = [0u64; NEAR];
            for (row, values) in row.chunks_mut(NEAR).zip(values.chunks(NEAR)) {
                words
                    .iter_mut()
                    .zip(values)
                    .for_each(|(word, &value)| *word = shift.wrapping_add_signed(value));
                (self.0.kernels.reduce)(row, &words[..row.len()], modulus);
            }
            words.zeroize();
        });
        poly
    }

    /// Uniform residues from a seed: row i is stream i for the chain and 2^32 + i for special rows, so that a truncated basis
    /// gives the truncated polynomial.
    pub fn uniform(&self, seed: &Seed, basis: Basis) -> Poly<Eval> {
        let mut poly = self.blank(basis);
        self.each_row(&mut poly, |i, modulus, row| {
            let id = if i < basis.main { i as u64 } else { (1 << 32) + (i - basis.main) as u64 };
            seed.uniform(id, modulus, row);
        });
        poly
    }

    /// To values at the roots.
    pub fn ntt(&self, mut poly: Poly<Coeff>) -> Poly<Eval> {
        let basis = poly.basis();
        let rows: Vec<_> = poly.rows_mut().enumerate().collect();
        par::each(rows, |(i, row)| (self.0.kernels.ntt)(row, self.table(basis, i)));
        poly.relabel()
    }

    /// Back to coefficients.
    pub fn intt(&self, mut poly: Poly<Eval>) -> Poly<Coeff> {
        let basis = poly.basis();
        let rows: Vec<_> = poly.rows_mut().enumerate().collect();
        par::each(rows, |(i, row)| {
            let table = self.table(basis, i);
            (self.0.kernels.intt)(row, table, table.inverse_degree());
        });
        poly.relabel()
    }

    /// a + b, in the basis of a, which must be among the rows of b.
    pub fn add<D: Sync>(&self, a: &Poly<D>, b: &Poly<D>) -> Poly<D> {
        self.copy_and(a, b, self.0.kernels.add)
    }

    /// a - b, in the basis of a, which must be among the rows of b.
    pub fn sub<D: Sync>(&self, a: &Poly<D>, b: &Poly<D>) -> Poly<D> {
        self.copy_and(a, b, self.0.kernels.sub)
    }

    /// A copy of a, changed by b a few words at a time: one pass over memory instead of two.
    fn copy_and<D: Sync>(&self, a: &Poly<D>, b: &Poly<D>, op: fn(&mut [u64], &[u64], &Modulus)) -> Poly<D> {
        let (basis, from) = (a.basis(), b.basis());
        let mut result = self.blank(basis);
        self.each_row(&mut result, |i, modulus, row| {
            let (a, b) = (a.row(i).chunks(NEAR), b.row(source_row(from, basis, i)).chunks(NEAR));
            for ((row, a), b) in row.chunks_mut(NEAR).zip(a).zip(b) {
                row.copy_from_slice(a);
                op(row, b, modulus);
            }
        });
        result
    }

    /// a += b.
    pub fn add_assign<D: Sync>(&self, a: &mut Poly<D>, b: &Poly<D>) {
        let from = b.basis();
        self.each_row_of(a, |i, basis, modulus, row| {
            (self.0.kernels.add)(row, b.row(source_row(from, basis, i)), modulus)
        });
    }

    /// a -= b.
    pub fn sub_assign<D: Sync>(&self, a: &mut Poly<D>, b: &Poly<D>) {
        let from = b.basis();
        self.each_row_of(a, |i, basis, modulus, row| {
            (self.0.kernels.sub)(row, b.row(source_row(from, basis, i)), modulus)
        });
    }

    /// a = -a.
    pub fn neg_assign<D>(&self, a: &mut Poly<D>) {
        self.each_row(a, |_, modulus, row| (self.0.kernels.neg)(row, modulus));
    }

    /// a * b, in the basis of a, which must be among the rows of b.
    pub fn mul(&self, a: &Poly<Eval>, b: &Poly<Eval>) -> Poly<Eval> {
        let (basis, from) = (a.basis(), b.basis());
        let mut result = self.blank(basis);
        self.each_row(&mut result, |i, modulus, row| {
            (self.0.kernels.mul)(row, a.row(i), b.row(source_row(from, basis, i)), modulus);
        });
        result
    }

    /// acc += a * b, in the basis of acc, which must be among the rows of a and b.
    pub fn mul_add_assign(&self, acc: &mut Poly<Eval>, a: &Poly<Eval>, b: &Poly<Eval>) {
        let (from_a, from_b) = (a.basis(), b.basis());
        self.each_row_of(acc, |i, basis, modulus, row| {
            let (a, b) = (a.row(source_row(from_a, basis, i)), b.row(source_row(from_b, basis, i)));
            (self.0.kernels.mul_add)(row, a, b, modulus);
        });
    }

    /// (a0 + a1 Y)(b0 + b1 Y) as polynomials in Y, in a basis that both have.
    pub fn tensor(&self, a: [&Poly<Eval>; 2], b: [&Poly<Eval>; 2], basis: Basis) -> [Poly<Eval>; 3] {
        self.tensor_then(a, b, false, basis, |_, _, _, _| ())
    }

    /// Twice `tensor`.
    pub fn tensor_twice(&self, a: [&Poly<Eval>; 2], b: [&Poly<Eval>; 2], basis: Basis) -> [Poly<Eval>; 3] {
        self.tensor_then(a, b, true, basis, |_, _, _, _| ())
    }

    /// `tensor` plus a polynomial in Y in the same basis, of any degree up to two, in one pass.
    pub fn tensor_plus(
        &self,
        a: [&Poly<Eval>; 2],
        b: [&Poly<Eval>; 2],
        plus: &[Poly<Eval>],
        basis: Basis,
    ) -> [Poly<Eval>; 3] {
        self.tensor_then(a, b, false, basis, |i, at, d, modulus| {
            for (d, plus) in d.into_iter().zip(plus) {
                (self.0.kernels.add)(d, &plus.row(i)[at..at + d.len()], modulus);
            }
        })
    }

    /// `tensor`, or twice that, and what follows done to a few words at a time while they are near: `then(i, at, d, modulus)` for
    /// the words of row i from `at` on.
    fn tensor_then(
        &self,
        a: [&Poly<Eval>; 2],
        b: [&Poly<Eval>; 2],
        twice: bool,
        basis: Basis,
        then: impl Fn(usize, usize, [&mut [u64]; 3], &Modulus) + Send + Sync,
    ) -> [Poly<Eval>; 3] {
        let mut d = [self.blank(basis), self.blank(basis), self.blank(basis)];
        let [d0, d1, d2] = &mut d;
        let rows: Vec<_> = d0.rows_mut().zip(d1.rows_mut()).zip(d2.rows_mut()).enumerate().collect();
        let row = |poly: &'_ Poly<Eval>, i| source_row(poly.basis(), basis, i);
        par::each(rows, |(i, ((d0, d1), d2))| {
            let modulus = self.modulus(basis, i);
            let [a, b] = [a, b].map(|x| x.map(|x| x.row(row(x, i))));
            let near = d0.chunks_mut(NEARER).zip(d1.chunks_mut(NEARER)).zip(d2.chunks_mut(NEARER));
            for (at, ((d0, d1), d2)) in (0..).step_by(NEARER).zip(near) {
                let words = at..at + d0.len();
                let [a, b] = [a, b].map(|x| x.map(|x| &x[words.clone()]));
                (self.0.kernels.tensor)([d0, d1, d2], a, b, twice, modulus);
                then(i, at, [d0, d1, d2], modulus);
            }
        });
        d
    }

    /// a * c, an integer given by its residue modulo each prime, in a basis that a has.
    pub fn mul_integer<D: Sync>(
        &self,
        a: &Poly<D>,
        c: impl Fn(&Modulus) -> u64 + Sync,
        basis: Basis,
    ) -> Poly<D> {
        let from = a.basis();
        let mut result = self.blank(basis);
        self.each_row(&mut result, |i, modulus, row| {
            (self.0.kernels.mul_constant)(
                row,
                a.row(source_row(from, basis, i)),
                modulus.constant(c(modulus)),
                modulus,
            );
        });
        result
    }

    /// a += c, an integer given by its residue modulo each prime: in the evaluation domain, the constant polynomial c.
    pub fn add_integer_assign(&self, a: &mut Poly<Eval>, c: impl Fn(&Modulus) -> u64 + Sync) {
        self.each_row(a, |_, modulus, row| (self.0.kernels.add_constant)(row, c(modulus), modulus));
    }

    /// a += re + im X^(N/2), a Gaussian integer given by its residues modulo each prime.
    pub fn add_gaussian_assign(&self, a: &mut Poly<Eval>, c: impl Fn(&Modulus) -> [u64; 2] + Sync) {
        self.each_row_of(a, |i, basis, modulus, row| {
            let [re, im] = c(modulus);
            let im = modulus.mul(im, self.table(basis, i).roots()[1]);
            let (first, second) = row.split_at_mut(self.0.degree / 2);
            (self.0.kernels.add_constant)(first, modulus.add(re, im), modulus);
            (self.0.kernels.add_constant)(second, modulus.sub(re, im), modulus);
        });
    }

    /// sum_i terms[i] * weight(i), integers given by their residues, in a basis that every term has.
    pub fn combine<D: Sync>(
        &self,
        terms: &[&Poly<D>],
        weight: impl Fn(usize, &Modulus) -> u64 + Sync,
        basis: Basis,
    ) -> Poly<D> {
        let mut result = self.blank(basis);
        self.each_row(&mut result, |i, modulus, row| {
            let rows: Vec<&[u64]> =
                terms.iter().map(|term| term.row(source_row(term.basis(), basis, i))).collect();
            let weights: Vec<u64> = (0..terms.len()).map(|t| weight(t, modulus)).collect();
            (self.0.kernels.combine)(row, &rows, &weights, 0, modulus);
        });
        result
    }

    /// sum_i terms[i] * (re + im X^(N/2)) with [re, im] = weight(i), integers given by their residues: Gaussian integers, since
    /// X^(N/2) is a square root of -1. In a basis that every term has.
    pub fn combine_gaussian(
        &self,
        terms: &[&Poly<Eval>],
        weight: impl Fn(usize, &Modulus) -> [u64; 2] + Sync,
        basis: Basis,
    ) -> Poly<Eval> {
        let mut result = self.blank(basis);
        self.each_row(&mut result, |i, modulus, row| {
            let rows: Vec<&[u64]> =
                terms.iter().map(|term| term.row(source_row(term.basis(), basis, i))).collect();
            // The points are psi^(2 brv(j) + 1), so X^(N/2) is psi^(N/2) in the first half and its negative in the second.
            let root = self.table(basis, i).roots()[1];
            let weights: Vec<[u64; 2]> = (0..terms.len())
                .map(|t| weight(t, modulus))
                .map(|[re, im]| [re, modulus.mul(im, root)])
                .collect();
            let half = row.len() / 2;
            let (first, second) = row.split_at_mut(half);
            let plus: Vec<u64> = weights.iter().map(|&[re, im]| modulus.add(re, im)).collect();
            let minus: Vec<u64> = weights.iter().map(|&[re, im]| modulus.sub(re, im)).collect();
            let halves = |from: usize| rows.iter().map(|row| &row[from..from + half]).collect::<Vec<_>>();
            (self.0.kernels.combine)(first, &halves(0), &plus, 0, modulus);
            (self.0.kernels.combine)(second, &halves(half), &minus, 0, modulus);
        });
        result
    }

    /// The automorphism X -> X^g, a permutation of the values.
    pub fn automorphism(&self, a: &Poly<Eval>, g: Galois) -> Poly<Eval> {
        let index = self.permutation(g);
        let mut result = self.blank(a.basis());
        self.each_row(&mut result, |i, _, row| (self.0.kernels.permute)(row, a.row(i), &index));
        result
    }

    /// The permutation of `Galois::permutation`, computed once.
    pub fn permutation(&self, g: Galois) -> Arc<Vec<u32>> {
        cached(&self.0.permutations, g, || g.permutation(self.0.degree))
    }

    /// Digits to a few primes at once: every target becomes offset + sum_i digits[i] * weights[i].
    ///
    /// The columns are walked in blocks, so that a digit is read from afar once for all targets.
    pub fn convert(&self, digits: &[&[u64]], targets: &mut [Target<'_>]) {
        for start in (0..self.degree()).step_by(BLOCK) {
            let columns = start..(start + BLOCK).min(self.degree());
            let digits: Vec<&[u64]> = digits.iter().map(|row| &row[columns.clone()]).collect();
            let targets = targets.iter_mut().map(|target| target.columns(columns.clone()));
            (self.0.kernels.convert)(&digits, &mut targets.collect::<Vec<_>>());
        }
    }

    /// A row of values to a row of centred digits of source prime k of a conversion.
    pub fn to_digits(
        &self,
        row: &mut [u64],
        values: Option<&[u64]>,
        table: &NttTable,
        conversion: &Conversion,
        k: usize,
    ) {
        let modulus = table.modulus();
        let scale: Constant =
            modulus.constant(modulus.mul(table.inverse_degree().value, conversion.digit(k)));
        (self.0.kernels.digits)(row, values, table, scale, conversion.half(k));
    }

    /// What `divide` from one basis to another needs, computed once.
    pub(crate) fn division(&self, from: Basis, to: Basis) -> Arc<Division> {
        cached(&self.0.divisions, (from, to), || {
            let moduli = self.moduli(from);
            let (main, special) = moduli.split_at(from.main);
            let (kept, dropped) = main.split_at(to.main);
            Division::new(kept, dropped, special)
        })
    }

    fn each_row<D>(&self, poly: &mut Poly<D>, f: impl Fn(usize, &Modulus, &mut [u64]) + Send + Sync) {
        self.each_row_of(poly, |i, _, modulus, row| f(i, modulus, row));
    }

    fn each_row_of<D>(
        &self,
        poly: &mut Poly<D>,
        f: impl Fn(usize, Basis, &Modulus, &mut [u64]) + Send + Sync,
    ) {
        let basis = poly.basis();
        let rows: Vec<_> = poly.rows_mut().enumerate().collect();
        par::each(rows, |(i, row)| f(i, basis, self.modulus(basis, i), row));
    }
}

/// Rows that one task of a conversion should make, when there are so many: fewer than serve the caches best where threads
/// would have nothing to do.
pub fn group(rows: usize) -> usize {
    GROUP.min(rows.div_ceil(2 * par::threads())).max(1)
}

/// Where row i of a polynomial in `basis` lies in one in `from`.
pub fn source_row(from: Basis, basis: Basis, i: usize) -> usize {
    debug_assert!(
        basis.main <= from.main && basis.special <= from.special,
        "{basis:?} is not inside {from:?}"
    );
    if i < basis.main { i } else { from.main + (i - basis.main) }
}

fn cached<K: Eq + Hash + Copy, V>(cache: &Cache<K, V>, key: K, make: impl FnOnce() -> V) -> Arc<V> {
    // A panic while the lock is held cannot leave a half-made value behind: values are inserted whole.
    if let Some(value) = cache.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return value.clone();
    }
    let value = Arc::new(make());
    cache.write().unwrap_or_else(PoisonError::into_inner).entry(key).or_insert(value).clone()
}

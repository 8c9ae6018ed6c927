//! Tables of roots for the negacyclic number-theoretic transform.

use crate::error::Error;
use crate::modulus::{Constant, Modulus, shoup};
use crate::pool::Block;

/// Powers of a primitive 2N-th root of unity psi modulo one prime, in bit-reversed order.
///
/// The forward transform evaluates a polynomial at psi^(2 brv(i) + 1) for i = 0, 1, ..., N - 1.
#[derive(Debug)]
pub struct NttTable {
    modulus: Modulus,
    log_n: u32,
    /// Four rows of N words: psi^brv(i), its Shoup quotients, psi^-brv(i), its Shoup quotients; then two rows of N/8.
    rows: Block,
    inverse_degree: Constant,
}

impl NttTable {
    /// Tables for degree 2^log_n.
    ///
    /// # Errors
    /// `Error::DoesNotSplit` if the prime is not 1 modulo 2N.
    pub fn new(modulus: Modulus, log_n: u32, rows: Block) -> Result<Self, Error> {
        Self::check(modulus, log_n)?;
        Ok(Self::of_checked(modulus, log_n, rows))
    }

    /// The same for a prime that [`NttTable::check`] lets pass.
    pub(crate) fn of_checked(modulus: Modulus, log_n: u32, mut rows: Block) -> Self {
        let n = 1usize << log_n;
        let q = modulus.value();
        let psi = primitive_root(&modulus, 2 * n as u64);
        debug_assert!(rows.len() >= Self::words(log_n));
        let (forward, backward) = rows.split_at_mut(2 * n);
        let (backward, late) = backward.split_at_mut(2 * n);
        fill(&modulus, psi, log_n, forward);
        fill(&modulus, modulus.inverse(psi), log_n, backward);
        let (late_forward, late_backward) = late.split_at_mut(n / 8);
        fill_late(&modulus, &forward[n / 2..n], late_forward);
        fill_late(&modulus, &backward[n / 2..n], late_backward);
        let inverse_degree = modulus.constant(modulus.inverse(n as u64 % q));
        Self { modulus, log_n, rows, inverse_degree }
    }

    /// Whether X^N + 1 splits modulo the prime.
    ///
    /// # Errors
    /// `Error::DoesNotSplit` if the prime is not 1 modulo 2N.
    pub fn check(modulus: Modulus, log_n: u32) -> Result<(), Error> {
        let (value, twice_degree) = (modulus.value(), 2u64 << log_n);
        if (value - 1).is_multiple_of(twice_degree) {
            Ok(())
        } else {
            Err(Error::DoesNotSplit { value, twice_degree })
        }
    }

    /// Words that `new` needs.
    pub const fn words(log_n: u32) -> usize {
        (4 << log_n) + (2 << log_n) / 8
    }

    /// The prime.
    pub const fn modulus(&self) -> &Modulus {
        &self.modulus
    }

    /// log2 N.
    pub const fn log_n(&self) -> u32 {
        self.log_n
    }

    /// 1/N mod q.
    pub const fn inverse_degree(&self) -> Constant {
        self.inverse_degree
    }

    /// psi^brv(i), i below N.
    pub fn roots(&self) -> &[u64] {
        self.row(0)
    }

    /// Shoup quotients of `roots`.
    pub fn root_quotients(&self) -> &[u64] {
        self.row(1)
    }

    /// psi^-brv(i), i below N.
    pub fn inverse_roots(&self) -> &[u64] {
        self.row(2)
    }

    /// Shoup quotients of `inverse_roots`.
    pub fn inverse_root_quotients(&self) -> &[u64] {
        self.row(3)
    }

    /// 2^52 psi^brv(N/2 + 4i) mod q, i below N/8: from each of these follow all roots of the last three levels for the
    /// eight words 8i, ..., 8i + 7, so that a transform streams far less than the N roots of those levels.
    pub fn late_roots(&self) -> &[u64] {
        self.late(0)
    }

    /// `late_roots` of 1/psi.
    pub fn inverse_late_roots(&self) -> &[u64] {
        self.late(1)
    }

    fn late(&self, index: usize) -> &[u64] {
        let eighth = (1 << self.log_n) / 8;
        let start = (4 << self.log_n) + index * eighth;
        &self.rows[start..start + eighth]
    }

    fn row(&self, index: usize) -> &[u64] {
        &self.rows[index << self.log_n..(index + 1) << self.log_n]
    }
}

/// The smallest power of a small base that has the given order, so that tables are the same everywhere.
fn primitive_root(modulus: &Modulus, order: u64) -> u64 {
    let cofactor = (modulus.value() - 1) / order;
    let minus_one = modulus.value() - 1;
    // A quadratic non-residue raised to the cofactor has order exactly `order`, a power of two: half of all bases do.
    (2..)
        .map(|base| modulus.pow_vartime(base, cofactor))
        .find(|&root| modulus.pow_vartime(root, order / 2) == minus_one)
        .unwrap_or(1)
}

fn fill(modulus: &Modulus, psi: u64, log_n: u32, rows: &mut [u64]) {
    let n = 1usize << log_n;
    let (roots, quotients) = rows.split_at_mut(n);
    let step = modulus.constant(psi);
    let mut power = 1;
    for i in 0..n {
        let reversed = i.reverse_bits() >> (usize::BITS - log_n);
        roots[reversed] = power;
        quotients[reversed] = shoup(power, modulus.value());
        power = modulus.mul_constant(power, step);
    }
}

fn fill_late(modulus: &Modulus, last_level: &[u64], late: &mut [u64]) {
    for (late, &root) in late.iter_mut().zip(last_level.iter().step_by(4)) {
        *late = modulus.mul_constant(root, modulus.word());
    }
}

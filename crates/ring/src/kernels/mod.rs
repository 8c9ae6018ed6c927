//! Operations on one row: the residues of a polynomial modulo one prime.
//!
//! Every function takes residues in [0, q) and leaves residues in [0, q), so that all tables give the same bits.
//! Rows have a power-of-two length of at least 16 and start on a cache line, but nothing may rely on the alignment.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avx512f;
#[cfg(target_arch = "x86_64")]
mod doubles;
mod scalar;

use crate::convert::Target;
use crate::error::Error;
use crate::modulus::{Constant, Modulus};
use crate::ntt::NttTable;
use crate::packed::Row;

/// The row operations of one instruction set.
#[expect(
    clippy::type_complexity,
    reason = "a table of plain functions reads best with its signatures in place"
)]
#[derive(Debug)]
pub struct Kernels {
    /// `scalar`, `avx2`, `avx512f` or `avx512`.
    pub name: &'static str,
    /// Forward negacyclic transform, natural order to bit-reversed order, in place.
    pub ntt: fn(&mut [u64], &NttTable),
    /// Inverse transform of `ntt`, times a constant; pass `table.inverse_degree()` for the plain inverse.
    pub intt: fn(&mut [u64], &NttTable, Constant),
    /// `intt` of a row, or of another's words into it, plus a constant: values become digits.
    pub digits: fn(&mut [u64], Option<&[u64]>, &NttTable, Constant, u64),
    /// a += b.
    pub add: fn(&mut [u64], &[u64], &Modulus),
    /// a -= b.
    pub sub: fn(&mut [u64], &[u64], &Modulus),
    /// a = -a.
    pub neg: fn(&mut [u64], &Modulus),
    /// dst = a * b.
    pub mul: fn(&mut [u64], &[u64], &[u64], &Modulus),
    /// acc += a * b.
    pub mul_add: fn(&mut [u64], &[u64], &[u64], &Modulus),
    /// dst = a * c.
    pub mul_constant: fn(&mut [u64], &[u64], Constant, &Modulus),
    /// a += c.
    pub add_constant: fn(&mut [u64], u64, &Modulus),
    /// dst = (a - dst) * c: the tail of an exact division.
    pub sub_mul: fn(&mut [u64], &[u64], Constant, &Modulus),
    /// dst = src mod q for arbitrary words below 2^52.
    pub reduce: fn(&mut [u64], &[u64], &Modulus),
    /// dst = offset + sum_i rows[i] * weights[i]: base conversion and linear combinations.
    /// Rows hold words below 2^50 (residues of any modulus), weights are residues of this one. Any number of rows.
    pub combine: fn(&mut [u64], &[&[u64]], &[u64], u64, &Modulus),
    /// `combine` of the same rows for several targets: every row is read once for a few of them.
    pub convert: fn(&[&[u64]], &mut [Target<'_>]),
    /// (acc0, acc1) = sum_j x_j * k0_j, sum_j x_j * k1_j: the product with a switching key, reduced once. Any number of rows.
    /// Rows of a key are all kept in one way.
    pub dot: fn(&mut [u64], &mut [u64], &[&[u64]], &[Row<'_>], &[Row<'_>], &Modulus),
    /// `dot`, plus other rows times residues, and an offset in the first sum: the ends of what a key switch adds up.
    pub dot_plus: fn([&mut [u64]; 2], &[&[u64]], [&[Row<'_>]; 2], &Addend<'_>, &Modulus),
    /// (d0, d1, d2) = (a0 b0, a0 b1 + a1 b0, a1 b1), or twice that.
    pub tensor: fn([&mut [u64]; 3], [&[u64]; 2], [&[u64]; 2], bool, &Modulus),
    /// dst[i] = src[index[i]].
    pub permute: fn(&mut [u64], &[u64], &[u32]),
}

/// What `dot_plus` adds: (offset, 0) + sum_t weights[t] * (rows[0][t], rows[1][t]).
#[derive(Clone, Copy, Debug, Default)]
pub struct Addend<'a> {
    /// Rows of residues for either sum.
    pub rows: [&'a [&'a [u64]]; 2],
    /// A residue for each pair of rows.
    pub weights: &'a [u64],
    /// A residue for the first sum.
    pub offset: u64,
}

/// `dot_plus` from a column on, for words that do not fill a vector.
fn dot_rest(
    acc: [&mut [u64]; 2],
    at: usize,
    xs: &[&[u64]],
    keys: [&[Row<'_>]; 2],
    plus: &Addend<'_>,
    modulus: &Modulus,
) {
    fn rest<'a>(rows: &[&'a [u64]], at: usize) -> Vec<&'a [u64]> {
        rows.iter().map(|row| &row[at..]).collect()
    }
    let keys = keys.map(|rows| rows.iter().map(|row| row.columns(at..row.len())).collect::<Vec<_>>());
    let rows = plus.rows.map(|rows| rest(rows, at));
    let plus = Addend { rows: [&rows[0], &rows[1]], ..*plus };
    (scalar::KERNELS.dot_plus)(acc, &rest(xs, at), [&keys[0], &keys[1]], &plus, modulus);
}

impl Kernels {
    /// Every table that this processor runs, fastest first.
    pub fn available() -> Vec<&'static Kernels> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(avx512::kernels());
            all.extend(avx512f::kernels());
            all.extend(avx2::kernels());
        }
        all.push(&scalar::KERNELS);
        all
    }

    /// The table named by the environment variable `ARRAS_KERNELS`, or the fastest.
    ///
    /// # Errors
    /// `Error::Kernel` if the name is unknown or the processor lacks it.
    pub fn detect() -> Result<&'static Kernels, Error> {
        let available = Self::available();
        match std::env::var("ARRAS_KERNELS") {
            Ok(name) if !name.is_empty() => Self::named(&name),
            _ => Ok(available[0]),
        }
    }

    /// The table of a given name.
    ///
    /// # Errors
    /// `Error::Kernel` if the name is unknown or the processor lacks it.
    pub fn named(name: &str) -> Result<&'static Kernels, Error> {
        let available = Self::available();
        available.iter().copied().find(|kernels| kernels.name == name).ok_or_else(|| Error::Kernel {
            name: name.to_owned(),
            available: available.iter().map(|kernels| kernels.name).collect::<Vec<_>>().join(", "),
        })
    }
}

//! Portable kernels: the reference that every other table is tested against.

use super::{Addend, Kernels};
use crate::convert::Target;
use crate::modulus::{Constant, Modulus, WORD_BITS, sub_if};
use crate::ntt::NttTable;
use crate::packed::Row;

pub(super) static KERNELS: Kernels = Kernels {
    name: "scalar",
    ntt,
    intt,
    digits,
    add,
    sub,
    neg,
    mul,
    mul_add,
    mul_constant,
    add_constant,
    sub_mul,
    reduce,
    combine,
    convert,
    dot,
    dot_plus,
    tensor,
    permute,
};

/// Decimation in time, Cooley and Tukey butterflies with lazy residues in [0, 4q) (Harvey 2014).
fn ntt(row: &mut [u64], table: &NttTable) {
    let modulus = table.modulus();
    let q = modulus.value();
    let (roots, quotients) = (table.roots(), table.root_quotients());
    let mut half = row.len() / 2;
    let mut blocks = 1;
    while half > 0 {
        for (block, chunk) in row.chunks_exact_mut(2 * half).enumerate() {
            let root = Constant { value: roots[blocks + block], quotient: quotients[blocks + block] };
            let (low, high) = chunk.split_at_mut(half);
            for (x, y) in low.iter_mut().zip(high) {
                let u = sub_if(*x, 2 * q);
                let v = modulus.mul_lazy(*y, root);
                *x = u + v;
                *y = u + 2 * q - v;
            }
        }
        half /= 2;
        blocks *= 2;
    }
    row.iter_mut().for_each(|x| *x = sub_if(sub_if(*x, 2 * q), q));
}

/// Decimation in frequency, Gentleman and Sande butterflies with lazy residues in [0, 2q).
fn intt(row: &mut [u64], table: &NttTable, scale: Constant) {
    let modulus = table.modulus();
    let q = modulus.value();
    let (roots, quotients) = (table.inverse_roots(), table.inverse_root_quotients());
    let mut half = 1;
    let mut blocks = row.len() / 2;
    while blocks > 0 {
        for (block, chunk) in row.chunks_exact_mut(2 * half).enumerate() {
            let root = Constant { value: roots[blocks + block], quotient: quotients[blocks + block] };
            let (low, high) = chunk.split_at_mut(half);
            for (x, y) in low.iter_mut().zip(high) {
                let (u, v) = (*x, *y);
                *x = sub_if(u + v, 2 * q);
                *y = modulus.mul_lazy(u + 2 * q - v, root);
            }
        }
        half *= 2;
        blocks /= 2;
    }
    row.iter_mut().for_each(|x| *x = modulus.mul_constant(*x, scale));
}

fn digits(row: &mut [u64], from: Option<&[u64]>, table: &NttTable, scale: Constant, plus: u64) {
    if let Some(from) = from {
        row.copy_from_slice(from);
    }
    intt(row, table, scale);
    add_constant(row, plus, table.modulus());
}

fn add(a: &mut [u64], b: &[u64], modulus: &Modulus) {
    a.iter_mut().zip(b).for_each(|(x, &y)| *x = modulus.add(*x, y));
}

fn sub(a: &mut [u64], b: &[u64], modulus: &Modulus) {
    a.iter_mut().zip(b).for_each(|(x, &y)| *x = modulus.sub(*x, y));
}

fn neg(a: &mut [u64], modulus: &Modulus) {
    a.iter_mut().for_each(|x| *x = modulus.neg(*x));
}

fn mul(dst: &mut [u64], a: &[u64], b: &[u64], modulus: &Modulus) {
    dst.iter_mut().zip(a.iter().zip(b)).for_each(|(z, (&x, &y))| *z = modulus.mul(x, y));
}

fn mul_add(acc: &mut [u64], a: &[u64], b: &[u64], modulus: &Modulus) {
    acc.iter_mut().zip(a.iter().zip(b)).for_each(|(z, (&x, &y))| *z = modulus.add(*z, modulus.mul(x, y)));
}

fn mul_constant(dst: &mut [u64], a: &[u64], c: Constant, modulus: &Modulus) {
    dst.iter_mut().zip(a).for_each(|(z, &x)| *z = modulus.mul_constant(x, c));
}

fn add_constant(a: &mut [u64], c: u64, modulus: &Modulus) {
    a.iter_mut().for_each(|x| *x = modulus.add(*x, c));
}

fn sub_mul(dst: &mut [u64], a: &[u64], c: Constant, modulus: &Modulus) {
    dst.iter_mut().zip(a).for_each(|(z, &x)| *z = modulus.mul_constant(x + modulus.value() - *z, c));
}

fn reduce(dst: &mut [u64], src: &[u64], modulus: &Modulus) {
    dst.iter_mut().zip(src).for_each(|(z, &x)| *z = sub_if(modulus.reduce_word_lazy(x), modulus.value()));
}

fn combine(dst: &mut [u64], rows: &[&[u64]], weights: &[u64], offset: u64, modulus: &Modulus) {
    for (i, z) in dst.iter_mut().enumerate() {
        let sum = rows
            .iter()
            .zip(weights)
            .map(|(row, &weight)| u128::from(row[i]) * u128::from(weight))
            .sum::<u128>();
        *z = reduce_sum(sum + u128::from(offset), modulus);
    }
}

fn convert(digits: &[&[u64]], targets: &mut [Target<'_>]) {
    for Target { row, weights, offset, modulus } in targets {
        combine(row, digits, weights, *offset, modulus);
    }
}

fn dot(acc0: &mut [u64], acc1: &mut [u64], xs: &[&[u64]], k0: &[Row<'_>], k1: &[Row<'_>], modulus: &Modulus) {
    dot_plus([acc0, acc1], xs, [k0, k1], &Addend::default(), modulus);
}

fn dot_plus(
    acc: [&mut [u64]; 2],
    xs: &[&[u64]],
    keys: [&[Row<'_>]; 2],
    plus: &Addend<'_>,
    modulus: &Modulus,
) {
    let offsets = [plus.offset, 0];
    for (((acc, keys), rows), offset) in acc.into_iter().zip(keys).zip(plus.rows).zip(offsets) {
        for (i, z) in acc.iter_mut().enumerate() {
            let products = xs.iter().zip(keys).map(|(x, k)| u128::from(x[i]) * u128::from(k.get(i)));
            let others = rows.iter().zip(plus.weights).map(|(row, &w)| u128::from(row[i]) * u128::from(w));
            *z = reduce_sum(products.chain(others).sum::<u128>() + u128::from(offset), modulus);
        }
    }
}

fn tensor(d: [&mut [u64]; 3], a: [&[u64]; 2], b: [&[u64]; 2], twice: bool, modulus: &Modulus) {
    let [d0, d1, d2] = d;
    for i in 0..d0.len() {
        let (a0, a1) = (a[0][i], a[1][i]);
        let [b0, b1] = [b[0][i], b[1][i]].map(|b| if twice { modulus.add(b, b) } else { b });
        d0[i] = modulus.mul(a0, b0);
        d1[i] = modulus.reduce_wide(u128::from(a0) * u128::from(b1) + u128::from(a1) * u128::from(b0));
        d2[i] = modulus.mul(a1, b1);
    }
}

fn permute(dst: &mut [u64], src: &[u64], index: &[u32]) {
    dst.iter_mut().zip(index).for_each(|(z, &i)| *z = src[i as usize]);
}

/// A sum of many products below 2^100 to [0, q): the part above 2^104 is folded in first.
fn reduce_sum(sum: u128, modulus: &Modulus) -> u64 {
    let top = (sum >> (2 * WORD_BITS)) as u64;
    let rest = modulus.reduce_wide(sum & ((1 << (2 * WORD_BITS)) - 1));
    let folded = modulus.mul_constant(modulus.mul_constant(top, modulus.word()), modulus.word());
    modulus.add(rest, folded)
}

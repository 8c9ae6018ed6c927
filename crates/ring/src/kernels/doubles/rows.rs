//! Operations that act on each word alone.

use super::super::scalar::KERNELS as SCALAR;
use super::lanes::{Field, Lanes};
use crate::modulus::{Constant, Modulus};

#[inline(always)]
pub(in super::super) fn add<S: Lanes<N>, const N: usize>(
    lanes: S,
    a: &mut [u64],
    b: &[u64],
    modulus: &Modulus,
) {
    let field = Field::new(lanes, modulus);
    let (a, a_rest) = a.as_chunks_mut::<N>();
    let (b, b_rest) = b.as_chunks::<N>();
    for (a, b) in a.iter_mut().zip(b) {
        let sum = lanes.plus(lanes.load(a), lanes.load(b));
        lanes.store(a, lanes.wrap(lanes.minus(sum, field.word), field.word));
    }
    (SCALAR.add)(a_rest, b_rest, modulus);
}

#[inline(always)]
pub(in super::super) fn sub<S: Lanes<N>, const N: usize>(
    lanes: S,
    a: &mut [u64],
    b: &[u64],
    modulus: &Modulus,
) {
    let field = Field::new(lanes, modulus);
    let (a, a_rest) = a.as_chunks_mut::<N>();
    let (b, b_rest) = b.as_chunks::<N>();
    for (a, b) in a.iter_mut().zip(b) {
        let difference = lanes.minus(lanes.load(a), lanes.load(b));
        lanes.store(a, lanes.wrap(difference, field.word));
    }
    (SCALAR.sub)(a_rest, b_rest, modulus);
}

#[inline(always)]
pub(in super::super) fn neg<S: Lanes<N>, const N: usize>(lanes: S, a: &mut [u64], modulus: &Modulus) {
    let field = Field::new(lanes, modulus);
    let (a, rest) = a.as_chunks_mut::<N>();
    for a in a {
        let difference = lanes.minus(lanes.splat(0), lanes.load(a));
        lanes.store(a, lanes.wrap(difference, field.word));
    }
    (SCALAR.neg)(rest, modulus);
}

#[inline(always)]
pub(in super::super) fn mul<S: Lanes<N>, const N: usize>(
    lanes: S,
    dst: &mut [u64],
    a: &[u64],
    b: &[u64],
    modulus: &Modulus,
) {
    let field = Field::new(lanes, modulus);
    let (dst, dst_rest) = dst.as_chunks_mut::<N>();
    let (a, a_rest) = a.as_chunks::<N>();
    let (b, b_rest) = b.as_chunks::<N>();
    for (dst, (a, b)) in dst.iter_mut().zip(a.iter().zip(b)) {
        field.store(dst, field.mul(field.load(a), field.load(b)));
    }
    (SCALAR.mul)(dst_rest, a_rest, b_rest, modulus);
}

#[inline(always)]
pub(in super::super) fn mul_add<S: Lanes<N>, const N: usize>(
    lanes: S,
    acc: &mut [u64],
    a: &[u64],
    b: &[u64],
    modulus: &Modulus,
) {
    let field = Field::new(lanes, modulus);
    let (acc, acc_rest) = acc.as_chunks_mut::<N>();
    let (a, a_rest) = a.as_chunks::<N>();
    let (b, b_rest) = b.as_chunks::<N>();
    for (acc, (a, b)) in acc.iter_mut().zip(a.iter().zip(b)) {
        let product = field.mul(field.load(a), field.load(b));
        field.store(acc, field.reduce(lanes.add(product, field.load(acc))));
    }
    (SCALAR.mul_add)(acc_rest, a_rest, b_rest, modulus);
}

#[inline(always)]
pub(in super::super) fn mul_constant<S: Lanes<N>, const N: usize>(
    lanes: S,
    dst: &mut [u64],
    a: &[u64],
    c: Constant,
    modulus: &Modulus,
) {
    let field = Field::new(lanes, modulus);
    let factor = lanes.to_double(lanes.splat(c.value));
    let (dst, dst_rest) = dst.as_chunks_mut::<N>();
    let (a, a_rest) = a.as_chunks::<N>();
    for (dst, a) in dst.iter_mut().zip(a) {
        field.store(dst, field.reduce(field.mul_wide(field.load(a), factor)));
    }
    (SCALAR.mul_constant)(dst_rest, a_rest, c, modulus);
}

#[inline(always)]
pub(in super::super) fn add_constant<S: Lanes<N>, const N: usize>(
    lanes: S,
    a: &mut [u64],
    c: u64,
    modulus: &Modulus,
) {
    let constant = lanes.splat(c.wrapping_sub(modulus.value()));
    let field = Field::new(lanes, modulus);
    let (a, rest) = a.as_chunks_mut::<N>();
    for a in a {
        let sum = lanes.plus(lanes.load(a), constant);
        lanes.store(a, lanes.wrap(sum, field.word));
    }
    (SCALAR.add_constant)(rest, c, modulus);
}

#[inline(always)]
pub(in super::super) fn sub_mul<S: Lanes<N>, const N: usize>(
    lanes: S,
    dst: &mut [u64],
    a: &[u64],
    c: Constant,
    modulus: &Modulus,
) {
    let field = Field::new(lanes, modulus);
    let factor = lanes.to_double(lanes.splat(c.value));
    let (dst, dst_rest) = dst.as_chunks_mut::<N>();
    let (a, a_rest) = a.as_chunks::<N>();
    for (dst, a) in dst.iter_mut().zip(a) {
        let difference = lanes.sub(field.load(a), field.load(dst));
        field.store(dst, field.mul(difference, factor));
    }
    (SCALAR.sub_mul)(dst_rest, a_rest, c, modulus);
}

#[inline(always)]
pub(in super::super) fn reduce<S: Lanes<N>, const N: usize>(
    lanes: S,
    dst: &mut [u64],
    src: &[u64],
    modulus: &Modulus,
) {
    let field = Field::new(lanes, modulus);
    let (dst, dst_rest) = dst.as_chunks_mut::<N>();
    let (src, src_rest) = src.as_chunks::<N>();
    for (dst, src) in dst.iter_mut().zip(src) {
        field.store(dst, field.reduce(field.load(src)));
    }
    (SCALAR.reduce)(dst_rest, src_rest, modulus);
}

#[inline(always)]
pub(in super::super) fn tensor<S: Lanes<N>, const N: usize>(
    lanes: S,
    d: [&mut [u64]; 3],
    a: [&[u64]; 2],
    b: [&[u64]; 2],
    twice: bool,
    modulus: &Modulus,
) {
    let field = Field::new(lanes, modulus);
    let [(d0, rest0), (d1, rest1), (d2, rest2)] = d.map(|row| row.as_chunks_mut::<N>());
    let [(a0, a0_rest), (a1, a1_rest)] = a.map(|row| row.as_chunks::<N>());
    let [(b0, b0_rest), (b1, b1_rest)] = b.map(|row| row.as_chunks::<N>());
    let products = d0.iter_mut().zip(d1).zip(d2);
    let factors = a0.iter().zip(a1).zip(b0.iter().zip(b1));
    for (((d0, d1), d2), ((a0, a1), (b0, b1))) in products.zip(factors) {
        let (a0, a1) = (field.load(a0), field.load(a1));
        let (b0, b1) = (factor(&field, b0, twice), factor(&field, b1, twice));
        field.store(d0, field.mul(a0, b0));
        field.store(d1, field.reduce(lanes.add(field.mul(a0, b1), field.mul(a1, b0))));
        field.store(d2, field.mul(a1, b1));
    }
    (SCALAR.tensor)([rest0, rest1, rest2], [a0_rest, a1_rest], [b0_rest, b1_rest], twice, modulus);
}

/// Words, or twice the words, as doubles.
#[inline(always)]
fn factor<S: Lanes<N>, const N: usize>(field: &Field<S, N>, words: &[u64; N], twice: bool) -> S::Double {
    let lanes = field.lanes;
    let x = lanes.load(words);
    if twice {
        lanes.to_double(lanes.wrap(lanes.minus(lanes.plus(x, x), field.word), field.word))
    } else {
        lanes.to_double(x)
    }
}

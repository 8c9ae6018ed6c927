//! Operations that act on each word alone.

use std::arch::x86_64::*;

use super::super::scalar::KERNELS as SCALAR;
use super::lanes::{Field, LANES, load, positive_or, splat, store, to_double};
use crate::modulus::{Constant, Modulus};

#[target_feature(enable = "avx2,fma")]
pub(super) fn add(a: &mut [u64], b: &[u64], modulus: &Modulus) {
    let field = Field::new(modulus);
    let (a, a_rest) = a.as_chunks_mut::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a.iter_mut().zip(b) {
        let sum = _mm256_add_epi64(load(a), load(b));
        store(a, positive_or(_mm256_sub_epi64(sum, field.word), sum));
    }
    (SCALAR.add)(a_rest, b_rest, modulus);
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn sub(a: &mut [u64], b: &[u64], modulus: &Modulus) {
    let field = Field::new(modulus);
    let (a, a_rest) = a.as_chunks_mut::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a.iter_mut().zip(b) {
        let difference = _mm256_sub_epi64(load(a), load(b));
        store(a, positive_or(difference, _mm256_add_epi64(difference, field.word)));
    }
    (SCALAR.sub)(a_rest, b_rest, modulus);
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn neg(a: &mut [u64], modulus: &Modulus) {
    let field = Field::new(modulus);
    let (a, rest) = a.as_chunks_mut::<LANES>();
    for a in a {
        let difference = _mm256_sub_epi64(_mm256_setzero_si256(), load(a));
        store(a, positive_or(difference, _mm256_add_epi64(difference, field.word)));
    }
    (SCALAR.neg)(rest, modulus);
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn mul(dst: &mut [u64], a: &[u64], b: &[u64], modulus: &Modulus) {
    let field = Field::new(modulus);
    let (dst, dst_rest) = dst.as_chunks_mut::<LANES>();
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    for (dst, (a, b)) in dst.iter_mut().zip(a.iter().zip(b)) {
        store(dst, field.settle(field.mul(to_double(load(a)), to_double(load(b)))));
    }
    (SCALAR.mul)(dst_rest, a_rest, b_rest, modulus);
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn mul_add(acc: &mut [u64], a: &[u64], b: &[u64], modulus: &Modulus) {
    let field = Field::new(modulus);
    let (acc, acc_rest) = acc.as_chunks_mut::<LANES>();
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    for (acc, (a, b)) in acc.iter_mut().zip(a.iter().zip(b)) {
        let product = field.mul(to_double(load(a)), to_double(load(b)));
        store(acc, field.settle(field.reduce(_mm256_add_pd(product, to_double(load(acc))))));
    }
    (SCALAR.mul_add)(acc_rest, a_rest, b_rest, modulus);
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn mul_constant(dst: &mut [u64], a: &[u64], c: Constant, modulus: &Modulus) {
    let field = Field::new(modulus);
    let factor = to_double(splat(c.value));
    let (dst, dst_rest) = dst.as_chunks_mut::<LANES>();
    let (a, a_rest) = a.as_chunks::<LANES>();
    for (dst, a) in dst.iter_mut().zip(a) {
        store(dst, field.settle(field.reduce(field.mul(to_double(load(a)), factor))));
    }
    (SCALAR.mul_constant)(dst_rest, a_rest, c, modulus);
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn add_constant(a: &mut [u64], c: u64, modulus: &Modulus) {
    let constant = splat(c.wrapping_sub(modulus.value()));
    let field = Field::new(modulus);
    let (a, rest) = a.as_chunks_mut::<LANES>();
    for a in a {
        let sum = _mm256_add_epi64(load(a), constant);
        store(a, positive_or(sum, _mm256_add_epi64(sum, field.word)));
    }
    (SCALAR.add_constant)(rest, c, modulus);
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn sub_mul(dst: &mut [u64], a: &[u64], c: Constant, modulus: &Modulus) {
    let field = Field::new(modulus);
    let factor = to_double(splat(c.value));
    let (dst, dst_rest) = dst.as_chunks_mut::<LANES>();
    let (a, a_rest) = a.as_chunks::<LANES>();
    for (dst, a) in dst.iter_mut().zip(a) {
        let difference = _mm256_sub_pd(to_double(load(a)), to_double(load(dst)));
        store(dst, field.settle(field.mul(difference, factor)));
    }
    (SCALAR.sub_mul)(dst_rest, a_rest, c, modulus);
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn reduce(dst: &mut [u64], src: &[u64], modulus: &Modulus) {
    let field = Field::new(modulus);
    let (dst, dst_rest) = dst.as_chunks_mut::<LANES>();
    let (src, src_rest) = src.as_chunks::<LANES>();
    for (dst, src) in dst.iter_mut().zip(src) {
        store(dst, field.settle(field.reduce(to_double(load(src)))));
    }
    (SCALAR.reduce)(dst_rest, src_rest, modulus);
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn tensor(d: [&mut [u64]; 3], a: [&[u64]; 2], b: [&[u64]; 2], twice: bool, modulus: &Modulus) {
    let field = Field::new(modulus);
    let shift = _mm_cvtsi32_si128(i32::from(twice));
    let [(d0, rest0), (d1, rest1), (d2, rest2)] = d.map(|row| row.as_chunks_mut::<LANES>());
    let [(a0, a0_rest), (a1, a1_rest)] = a.map(|row| row.as_chunks::<LANES>());
    let [(b0, b0_rest), (b1, b1_rest)] = b.map(|row| row.as_chunks::<LANES>());
    let products = d0.iter_mut().zip(d1).zip(d2);
    let factors = a0.iter().zip(a1).zip(b0.iter().zip(b1));
    for (((d0, d1), d2), ((a0, a1), (b0, b1))) in products.zip(factors) {
        let (a0, a1) = (to_double(load(a0)), to_double(load(a1)));
        let [b0, b1] = [b0, b1].map(|b| {
            let b = _mm256_sll_epi64(load(b), shift);
            to_double(positive_or(_mm256_sub_epi64(b, field.word), b))
        });
        store(d0, field.settle(field.mul(a0, b0)));
        store(d1, field.settle(field.reduce(_mm256_add_pd(field.mul(a0, b1), field.mul(a1, b0)))));
        store(d2, field.settle(field.mul(a1, b1)));
    }
    (SCALAR.tensor)([rest0, rest1, rest2], [a0_rest, a1_rest], [b0_rest, b1_rest], twice, modulus);
}

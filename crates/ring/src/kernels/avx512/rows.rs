//! Operations that act on each word alone, and the permutation.

use std::arch::x86_64::*;

use super::super::scalar::KERNELS as SCALAR;
use super::lanes::{Factor, Field, LANES, load, splat, store, sub_if};
use crate::modulus::{Constant, Modulus};

#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn add(a: &mut [u64], b: &[u64], modulus: &Modulus) {
    let field = Field::new(modulus);
    let (a, a_rest) = a.as_chunks_mut::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a.iter_mut().zip(b) {
        store(a, sub_if(_mm512_add_epi64(load(a), load(b)), field.q));
    }
    (SCALAR.add)(a_rest, b_rest, modulus);
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn sub(a: &mut [u64], b: &[u64], modulus: &Modulus) {
    let field = Field::new(modulus);
    let (a, a_rest) = a.as_chunks_mut::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a.iter_mut().zip(b) {
        // A negative difference wraps to a huge word, so the smaller candidate is the residue.
        let difference = _mm512_sub_epi64(load(a), load(b));
        store(a, _mm512_min_epu64(difference, _mm512_add_epi64(difference, field.q)));
    }
    (SCALAR.sub)(a_rest, b_rest, modulus);
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn neg(a: &mut [u64], modulus: &Modulus) {
    let field = Field::new(modulus);
    let (a, rest) = a.as_chunks_mut::<LANES>();
    for a in a {
        store(a, sub_if(_mm512_sub_epi64(field.q, load(a)), field.q));
    }
    (SCALAR.neg)(rest, modulus);
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn mul(dst: &mut [u64], a: &[u64], b: &[u64], modulus: &Modulus) {
    let field = Field::new(modulus);
    let (dst, dst_rest) = dst.as_chunks_mut::<LANES>();
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    for (dst, (a, b)) in dst.iter_mut().zip(a.iter().zip(b)) {
        store(dst, field.mul(load(a), load(b)));
    }
    (SCALAR.mul)(dst_rest, a_rest, b_rest, modulus);
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn mul_add(acc: &mut [u64], a: &[u64], b: &[u64], modulus: &Modulus) {
    let field = Field::new(modulus);
    let (acc, acc_rest) = acc.as_chunks_mut::<LANES>();
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    for (acc, (a, b)) in acc.iter_mut().zip(a.iter().zip(b)) {
        store(acc, sub_if(_mm512_add_epi64(load(acc), field.mul(load(a), load(b))), field.q));
    }
    (SCALAR.mul_add)(acc_rest, a_rest, b_rest, modulus);
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn mul_constant(dst: &mut [u64], a: &[u64], c: Constant, modulus: &Modulus) {
    let field = Field::new(modulus);
    let factor = Factor::new(c);
    let (dst, dst_rest) = dst.as_chunks_mut::<LANES>();
    let (a, a_rest) = a.as_chunks::<LANES>();
    for (dst, a) in dst.iter_mut().zip(a) {
        store(dst, field.mul_factor(load(a), &factor));
    }
    (SCALAR.mul_constant)(dst_rest, a_rest, c, modulus);
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn add_constant(a: &mut [u64], c: u64, modulus: &Modulus) {
    let field = Field::new(modulus);
    let constant = splat(c);
    let (a, rest) = a.as_chunks_mut::<LANES>();
    for a in a {
        store(a, sub_if(_mm512_add_epi64(load(a), constant), field.q));
    }
    (SCALAR.add_constant)(rest, c, modulus);
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn sub_mul(dst: &mut [u64], a: &[u64], c: Constant, modulus: &Modulus) {
    let field = Field::new(modulus);
    let factor = Factor::new(c);
    let (dst, dst_rest) = dst.as_chunks_mut::<LANES>();
    let (a, a_rest) = a.as_chunks::<LANES>();
    for (dst, a) in dst.iter_mut().zip(a) {
        let difference = _mm512_sub_epi64(_mm512_add_epi64(load(a), field.q), load(dst));
        store(dst, field.mul_factor(difference, &factor));
    }
    (SCALAR.sub_mul)(dst_rest, a_rest, c, modulus);
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn reduce(dst: &mut [u64], src: &[u64], modulus: &Modulus) {
    let field = Field::new(modulus);
    let (dst, dst_rest) = dst.as_chunks_mut::<LANES>();
    let (src, src_rest) = src.as_chunks::<LANES>();
    for (dst, src) in dst.iter_mut().zip(src) {
        store(dst, sub_if(field.reduce_word_lazy(load(src)), field.q));
    }
    (SCALAR.reduce)(dst_rest, src_rest, modulus);
}

/// A Galois automorphism of bit-reversed values maps aligned runs of eight onto such runs, so eight words are one load
/// and one shuffle; any other permutation goes word by word.
#[target_feature(enable = "avx512f,avx512vl,avx512dq")]
pub(in super::super) fn permute(dst: &mut [u64], src: &[u64], index: &[u32]) {
    let (dst, dst_rest) = dst.as_chunks_mut::<LANES>();
    let (index, index_rest) = index.as_chunks::<LANES>();
    let (runs, _) = src.as_chunks::<LANES>();
    let low = _mm256_set1_epi32(LANES as i32 - 1);
    for (dst, index) in dst.iter_mut().zip(index) {
        let run = index[0] as usize / LANES;
        // SAFETY: the array holds the 32 bytes that are read; the instruction allows any alignment.
        let lanes = unsafe { _mm256_loadu_si256(index.as_ptr().cast()) };
        let elsewhere = _mm256_xor_si256(lanes, _mm256_set1_epi32((run * LANES).cast_signed() as i32));
        match runs.get(run) {
            Some(words) if _mm256_cmpgt_epu32_mask(elsewhere, low) == 0 => {
                store(dst, _mm512_permutexvar_epi64(_mm512_cvtepu32_epi64(elsewhere), load(words)));
            }
            _ => (SCALAR.permute)(dst, src, index),
        }
    }
    (SCALAR.permute)(dst_rest, src, index_rest);
}

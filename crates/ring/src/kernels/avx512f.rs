//! Kernels for AVX-512 without its 52-bit integers: eight words at a time, as integers in doubles.

use std::arch::x86_64::*;

use super::avx512::{lanes, rows, transpose};
use super::doubles::lanes::{Lanes, Step};
use super::doubles::{doubles, instructions};
use super::{Addend, Kernels};
use crate::convert::Target;
use crate::modulus::{Constant, Modulus};
use crate::ntt::NttTable;
use crate::packed::Row;

doubles!("avx512f", "avx512f,avx512dq,avx512vl", Avx512f(()), 8, permute);

/// The table, if the processor has the instructions.
pub(super) fn kernels() -> Option<&'static Kernels> {
    let found = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    found.then_some(&KERNELS)
}

fn permute(dst: &mut [u64], src: &[u64], index: &[u32]) {
    // SAFETY: the table that holds this function leaves through `kernels`, which has found the instructions.
    unsafe { rows::permute(dst, src, index) }
}

/// Is made by the entries alone.
#[derive(Clone, Copy)]
struct Avx512f(());

impl Lanes<8> for Avx512f {
    type Word = __m512i;
    type Double = __m512d;

    instructions! { "avx512f,avx512dq,avx512vl";
        load(words: &[u64; 8]) -> __m512i = _mm512_loadu_si512(words.as_ptr().cast());
        store(words: &mut [u64; 8], x: __m512i) -> () = _mm512_storeu_si512(words.as_mut_ptr().cast(), x);
        join_bytes(low: &[u32; 8], high: &[u8; 8]) -> __m512i = lanes::join_bytes(low, high);
        join_shorts(low: &[u32; 8], high: &[u16; 8]) -> __m512i = lanes::join_shorts(low, high);
        prefetch(line: *const u64) -> () = _mm_prefetch::<_MM_HINT_T0>(line.cast());
        splat(word: u64) -> __m512i = _mm512_set1_epi64(word.cast_signed());
        plus(a: __m512i, b: __m512i) -> __m512i = _mm512_add_epi64(a, b);
        minus(a: __m512i, b: __m512i) -> __m512i = _mm512_sub_epi64(a, b);
        wrap(x: __m512i, m: __m512i) -> __m512i = _mm512_min_epu64(x, _mm512_add_epi64(x, m));
        unzip(a: __m512i, b: __m512i) -> [__m512i; 2] = [
            _mm512_permutex2var_epi64(a, _mm512_set_epi64(14, 12, 10, 8, 6, 4, 2, 0), b),
            _mm512_permutex2var_epi64(a, _mm512_set_epi64(15, 13, 11, 9, 7, 5, 3, 1), b),
        ];
        as_double(x: __m512i) -> __m512d = _mm512_castsi512_pd(x);
        as_word(x: __m512d) -> __m512i = _mm512_castpd_si512(x);
        to_double(x: __m512i) -> __m512d = _mm512_cvtepu64_pd(x);
        settle(x: __m512d, _q: __m512d, word: __m512i) -> __m512i = {
            let x = _mm512_cvtpd_epi64(x);
            _mm512_min_epu64(x, _mm512_add_epi64(x, word))
        };
        splat_double(x: f64) -> __m512d = _mm512_set1_pd(x);
        add(a: __m512d, b: __m512d) -> __m512d = _mm512_add_pd(a, b);
        sub(a: __m512d, b: __m512d) -> __m512d = _mm512_sub_pd(a, b);
        mul(a: __m512d, b: __m512d) -> __m512d = _mm512_mul_pd(a, b);
        mul_add(a: __m512d, b: __m512d, c: __m512d) -> __m512d = _mm512_fmadd_pd(a, b, c);
        mul_sub(a: __m512d, b: __m512d, c: __m512d) -> __m512d = _mm512_fmsub_pd(a, b, c);
        less_mul(a: __m512d, b: __m512d, c: __m512d) -> __m512d = _mm512_fnmadd_pd(a, b, c);
        round(x: __m512d) -> __m512d = _mm512_roundscale_pd::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(x);
        transpose(x: [__m512d; 8]) -> [__m512d; 8] = {
            let mut words = [_mm512_setzero_si512(); 8];
            for (word, x) in words.iter_mut().zip(x) {
                *word = _mm512_castpd_si512(x);
            }
            let mut out = x;
            for (out, word) in out.iter_mut().zip(transpose(words)) {
                *out = _mm512_castsi512_pd(word);
            }
            out
        };
    }
}

//! Kernels for AVX2 with floating-point fused multiply-add: four words at a time, as integers in doubles.

use std::arch::x86_64::*;

use super::doubles::lanes::{Lanes, MAGIC, Step};
use super::doubles::{doubles, instructions};
use super::scalar::KERNELS as SCALAR;
use super::{Addend, Kernels};
use crate::convert::Target;
use crate::modulus::{Constant, Modulus};
use crate::ntt::NttTable;
use crate::packed::Row;

doubles!("avx2", "avx2,fma", Avx2(()), 4, SCALAR.permute);

/// The table, if the processor has the instructions.
pub(super) fn kernels() -> Option<&'static Kernels> {
    (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(&KERNELS)
}

/// Is made by the entries alone.
#[derive(Clone, Copy)]
struct Avx2(());

impl Lanes<4> for Avx2 {
    type Word = __m256i;
    type Double = __m256d;

    instructions! { "avx2,fma";
        load(words: &[u64; 4]) -> __m256i = _mm256_loadu_si256(words.as_ptr().cast());
        store(words: &mut [u64; 4], x: __m256i) -> () = _mm256_storeu_si256(words.as_mut_ptr().cast(), x);
        join_bytes(low: &[u32; 4], high: &[u8; 4]) -> __m256i = _mm256_or_si256(
            _mm256_cvtepu32_epi64(_mm_loadu_si128(low.as_ptr().cast())),
            _mm256_slli_epi64::<32>(_mm256_cvtepu8_epi64(_mm_loadu_si32(high.as_ptr()))),
        );
        join_shorts(low: &[u32; 4], high: &[u16; 4]) -> __m256i = _mm256_or_si256(
            _mm256_cvtepu32_epi64(_mm_loadu_si128(low.as_ptr().cast())),
            _mm256_slli_epi64::<32>(_mm256_cvtepu16_epi64(_mm_loadl_epi64(high.as_ptr().cast()))),
        );
        prefetch(line: *const u64) -> () = _mm_prefetch::<_MM_HINT_T0>(line.cast());
        splat(word: u64) -> __m256i = _mm256_set1_epi64x(word.cast_signed());
        plus(a: __m256i, b: __m256i) -> __m256i = _mm256_add_epi64(a, b);
        minus(a: __m256i, b: __m256i) -> __m256i = _mm256_sub_epi64(a, b);
        wrap(x: __m256i, m: __m256i) -> __m256i = {
            let sign = _mm256_castsi256_pd(x);
            _mm256_castpd_si256(_mm256_blendv_pd(sign, _mm256_castsi256_pd(_mm256_add_epi64(x, m)), sign))
        };
        unzip(a: __m256i, b: __m256i) -> [__m256i; 2] = [
            _mm256_permute4x64_epi64::<0b1101_1000>(_mm256_unpacklo_epi64(a, b)),
            _mm256_permute4x64_epi64::<0b1101_1000>(_mm256_unpackhi_epi64(a, b)),
        ];
        as_double(x: __m256i) -> __m256d = _mm256_castsi256_pd(x);
        as_word(x: __m256d) -> __m256i = _mm256_castpd_si256(x);
        to_double(x: __m256i) -> __m256d = {
            let magic = _mm256_set1_pd(MAGIC);
            _mm256_sub_pd(_mm256_castsi256_pd(_mm256_or_si256(x, _mm256_castpd_si256(magic))), magic)
        };
        settle(x: __m256d, q: __m256d, _word: __m256i) -> __m256i = {
            let magic = _mm256_set1_pd(MAGIC);
            let positive = _mm256_blendv_pd(x, _mm256_add_pd(x, q), x);
            _mm256_castpd_si256(_mm256_xor_pd(_mm256_add_pd(positive, magic), magic))
        };
        splat_double(x: f64) -> __m256d = _mm256_set1_pd(x);
        add(a: __m256d, b: __m256d) -> __m256d = _mm256_add_pd(a, b);
        sub(a: __m256d, b: __m256d) -> __m256d = _mm256_sub_pd(a, b);
        mul(a: __m256d, b: __m256d) -> __m256d = _mm256_mul_pd(a, b);
        mul_add(a: __m256d, b: __m256d, c: __m256d) -> __m256d = _mm256_fmadd_pd(a, b, c);
        mul_sub(a: __m256d, b: __m256d, c: __m256d) -> __m256d = _mm256_fmsub_pd(a, b, c);
        less_mul(a: __m256d, b: __m256d, c: __m256d) -> __m256d = _mm256_fnmadd_pd(a, b, c);
        round(x: __m256d) -> __m256d = _mm256_round_pd::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(x);
        transpose(x: [__m256d; 4]) -> [__m256d; 4] = {
            let [a, b, c, d] = x;
            let (ab0, ab1) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
            let (cd0, cd1) = (_mm256_unpacklo_pd(c, d), _mm256_unpackhi_pd(c, d));
            [
                _mm256_permute2f128_pd::<0x20>(ab0, cd0),
                _mm256_permute2f128_pd::<0x20>(ab1, cd1),
                _mm256_permute2f128_pd::<0x31>(ab0, cd0),
                _mm256_permute2f128_pd::<0x31>(ab1, cd1),
            ]
        };
    }
}

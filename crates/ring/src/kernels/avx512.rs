//! Kernels for AVX-512 with 52-bit integer fused multiply-add: eight words at a time.

mod butterfly;
pub(super) mod lanes;
pub(super) mod rows;
mod sums;
mod transform;

use super::{Addend, Kernels};
use crate::convert::Target;
use crate::modulus::{Constant, Modulus};
use crate::ntt::NttTable;
use crate::packed::Row;

pub(super) use butterfly::transpose;

static KERNELS: Kernels = Kernels {
    name: "avx512",
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

/// The table, if the processor has the instructions.
pub(super) fn kernels() -> Option<&'static Kernels> {
    let found = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512ifma");
    found.then_some(&KERNELS)
}

/// Safe entries to functions that need the instructions.
macro_rules! entries {
    ($($module:ident::$name:ident($($argument:ident: $type:ty),*);)*) => {$(
        fn $name($($argument: $type),*) {
            // SAFETY: the table that holds this function leaves through `kernels`, which has found the instructions.
            unsafe { $module::$name($($argument),*) }
        }
    )*};
}

entries! {
    transform::ntt(row: &mut [u64], table: &NttTable);
    transform::intt(row: &mut [u64], table: &NttTable, scale: Constant);
    transform::digits(row: &mut [u64], from: Option<&[u64]>, table: &NttTable, scale: Constant, plus: u64);
    rows::add(a: &mut [u64], b: &[u64], modulus: &Modulus);
    rows::sub(a: &mut [u64], b: &[u64], modulus: &Modulus);
    rows::neg(a: &mut [u64], modulus: &Modulus);
    rows::mul(dst: &mut [u64], a: &[u64], b: &[u64], modulus: &Modulus);
    rows::mul_add(acc: &mut [u64], a: &[u64], b: &[u64], modulus: &Modulus);
    rows::mul_constant(dst: &mut [u64], a: &[u64], c: Constant, modulus: &Modulus);
    rows::add_constant(a: &mut [u64], c: u64, modulus: &Modulus);
    rows::sub_mul(dst: &mut [u64], a: &[u64], c: Constant, modulus: &Modulus);
    rows::reduce(dst: &mut [u64], src: &[u64], modulus: &Modulus);
    rows::permute(dst: &mut [u64], src: &[u64], index: &[u32]);
    sums::combine(dst: &mut [u64], rows: &[&[u64]], weights: &[u64], offset: u64, modulus: &Modulus);
    sums::convert(digits: &[&[u64]], targets: &mut [Target<'_>]);
    sums::dot(acc0: &mut [u64], acc1: &mut [u64], xs: &[&[u64]], k0: &[Row<'_>], k1: &[Row<'_>], modulus: &Modulus);
    sums::dot_plus(acc: [&mut [u64]; 2], xs: &[&[u64]], keys: [&[Row<'_>]; 2], plus: &Addend<'_>, modulus: &Modulus);
    sums::tensor(d: [&mut [u64]; 3], a: [&[u64]; 2], b: [&[u64]; 2], twice: bool, modulus: &Modulus);
}

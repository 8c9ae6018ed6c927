//! Kernels on integers in doubles, for instruction sets with a floating-point fused multiply-add: written once, over the
//! vectors of each set.
//!
//! All functions are inlined into an entry of the instruction set, which is where its instructions may be used.

pub(super) mod lanes;
pub(super) mod rows;
pub(super) mod sums;
pub(super) mod transform;

/// A table of the kernels on doubles, with an entry for each.
macro_rules! doubles {
    ($name:literal, $features:literal, $lanes:expr, $count:literal, $permute:expr) => {
        static KERNELS: Kernels = Kernels {
            name: $name,
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
            permute: $permute,
        };

        $crate::kernels::doubles::entries! { $features, $lanes, $count;
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
            rows::tensor(d: [&mut [u64]; 3], a: [&[u64]; 2], b: [&[u64]; 2], twice: bool, modulus: &Modulus);
            sums::combine(dst: &mut [u64], rows: &[&[u64]], weights: &[u64], offset: u64, modulus: &Modulus);
            sums::convert(digits: &[&[u64]], targets: &mut [Target<'_>]);
            sums::dot(acc0: &mut [u64], acc1: &mut [u64], xs: &[&[u64]], k0: &[Row<'_>], k1: &[Row<'_>], modulus: &Modulus);
            sums::dot_plus(
                acc: [&mut [u64]; 2], xs: &[&[u64]], keys: [&[Row<'_>]; 2], plus: &Addend<'_>, modulus: &Modulus
            );
        }
    };
}

/// Safe entries to functions that need instructions.
macro_rules! entries {
    ($features:literal, $lanes:expr, $count:literal;
     $($module:ident::$name:ident($($argument:ident: $type:ty),* $(,)?);)*) => {$(
        fn $name($($argument: $type),*) {
            #[target_feature(enable = $features)]
            fn inside($($argument: $type),*) {
                $crate::kernels::doubles::$module::$name::<_, $count>($lanes, $($argument),*)
            }
            // SAFETY: the table that holds this function leaves its module only where the instructions were found.
            unsafe { inside($($argument),*) }
        }
    )*};
}

/// The methods of `Lanes`, each of a few instructions.
macro_rules! instructions {
    ($features:literal; $($name:ident($($argument:ident: $type:ty),*) -> $out:ty = $body:expr;)*) => {
        $(
            #[inline(always)]
            fn $name(self, $($argument: $type),*) -> $out {
                // SAFETY: a value of this type is made only in functions that have the instructions, and arrays are as long
                // as the vectors that are loaded and stored, which may lie anywhere.
                unsafe { $body }
            }
        )*

        #[inline(always)]
        fn enter(self, step: impl Step) {
            #[target_feature(enable = $features)]
            fn inside(step: impl Step) {
                step.run();
            }
            // SAFETY: a value of this type is made only in functions that have the instructions.
            unsafe { inside(step) }
        }
    };
}

pub(super) use {doubles, entries, instructions};

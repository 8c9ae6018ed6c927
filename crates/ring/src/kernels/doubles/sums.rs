//! Sums of products: each is reduced as far as its size allows, so that eight of them and a residue are added up exactly.

use super::super::scalar::KERNELS as SCALAR;
use super::super::{Addend, dot_rest};
use super::lanes::{Field, Lanes};
use crate::convert::Target;
use crate::modulus::Modulus;
use crate::packed::Row;

/// Products between reductions: each is below 0.75q, and a sum below 8q < 2^53 is exact.
const MANY: usize = 8;
/// Vectors per step: independent sums hide the latency of an addition.
const PAIR: usize = 2;
/// Words in a line of a cache, and from a word to the one that is asked for beside it.
const LINE: usize = 8;
const AHEAD: usize = 8 * LINE;
/// Targets of a conversion at once: a word that is loaded and converted serves several products.
const TARGETS: usize = 3;

#[inline(always)]
pub(in super::super) fn combine<S: Lanes<N>, const N: usize>(
    lanes: S,
    dst: &mut [u64],
    rows: &[&[u64]],
    weights: &[u64],
    offset: u64,
    modulus: &Modulus,
) {
    convert_several(lanes, rows, &mut [Target { row: dst, weights, offset, modulus }]);
}

#[inline(always)]
pub(in super::super) fn convert<S: Lanes<N>, const N: usize>(
    lanes: S,
    digits: &[&[u64]],
    targets: &mut [Target<'_>],
) {
    let (several, rest) = targets.as_chunks_mut::<TARGETS>();
    let (twos, ones) = rest.as_chunks_mut::<2>();
    for targets in several {
        convert_several(lanes, digits, targets);
    }
    for targets in twos {
        convert_several(lanes, digits, targets);
    }
    for target in ones {
        convert_several(lanes, digits, std::array::from_mut(target));
    }
}

#[inline(always)]
fn convert_several<S: Lanes<N>, const N: usize, const T: usize>(
    lanes: S,
    digits: &[&[u64]],
    targets: &mut [Target<'_>; T],
) {
    let mut fields = [Field::new(lanes, targets[0].modulus); T];
    let mut weights = [const { Vec::new() }; T];
    let mut offsets = [fields[0].zero; T];
    for t in 0..T {
        let Target { weights: words, offset, modulus, .. } = &targets[t];
        fields[t] = Field::new(lanes, modulus);
        weights[t].extend(words.iter().map(|&w| w as f64));
        offsets[t] = lanes.splat_double(modulus.reduce(*offset) as f64);
    }
    let words = targets[0].row.len();
    let steps = words / (PAIR * N);
    for step in 0..steps {
        let mut sums = [[fields[0].zero; PAIR]; T];
        for t in 0..T {
            sums[t] = [offsets[t]; PAIR];
        }
        for (chunk, digits) in digits.chunks(MANY).enumerate() {
            for (i, row) in digits.iter().enumerate() {
                let x = load(&fields[0], row, step);
                for t in 0..T {
                    let weight = lanes.splat_double(weights[t][chunk * MANY + i]);
                    add_products(&fields[t], &mut sums[t], x, [weight; PAIR]);
                }
            }
            for (sums, field) in sums.iter_mut().zip(&fields) {
                reduce(field, sums);
            }
        }
        for t in 0..T {
            store(&fields[t], targets[t].row, step, sums[t]);
        }
    }
    let done = steps * PAIR * N;
    if done < words {
        let rest: Vec<&[u64]> = digits.iter().map(|row| &row[done..]).collect();
        for Target { row, weights, offset, modulus } in targets {
            (SCALAR.combine)(&mut row[done..], &rest, weights, *offset, modulus);
        }
    }
}

#[inline(always)]
pub(in super::super) fn dot<S: Lanes<N>, const N: usize>(
    lanes: S,
    acc0: &mut [u64],
    acc1: &mut [u64],
    xs: &[&[u64]],
    k0: &[Row<'_>],
    k1: &[Row<'_>],
    modulus: &Modulus,
) {
    dot_plus(lanes, [acc0, acc1], xs, [k0, k1], &Addend::default(), modulus);
}

#[inline(always)]
pub(in super::super) fn dot_plus<S: Lanes<N>, const N: usize>(
    lanes: S,
    mut acc: [&mut [u64]; 2],
    xs: &[&[u64]],
    keys: [&[Row<'_>]; 2],
    plus: &Addend<'_>,
    modulus: &Modulus,
) {
    let field = Field::new(lanes, modulus);
    let offset = lanes.splat_double(plus.offset as f64);
    let steps = acc[0].len() / (PAIR * N);
    for step in 0..steps {
        let mut sums = [[offset; PAIR], [field.zero; PAIR]];
        for ((xs, k0), k1) in xs.chunks(MANY).zip(keys[0].chunks(MANY)).zip(keys[1].chunks(MANY)) {
            for ((x, k0), k1) in xs.iter().zip(k0).zip(k1) {
                let x = load(&field, x, step);
                add_products(&field, &mut sums[0], x, load_row(&field, *k0, step));
                add_products(&field, &mut sums[1], x, load_row(&field, *k1, step));
            }
            for sums in &mut sums {
                reduce(&field, sums);
            }
        }
        let [rows0, rows1] = plus.rows;
        for ((weights, rows0), rows1) in
            plus.weights.chunks(MANY).zip(rows0.chunks(MANY)).zip(rows1.chunks(MANY))
        {
            for ((&weight, row0), row1) in weights.iter().zip(rows0).zip(rows1) {
                let weight = [lanes.splat_double(weight as f64); PAIR];
                add_products(&field, &mut sums[0], load(&field, row0, step), weight);
                add_products(&field, &mut sums[1], load(&field, row1, step), weight);
            }
            for sums in &mut sums {
                reduce(&field, sums);
            }
        }
        for half in 0..2 {
            store(&field, acc[half], step, sums[half]);
        }
    }
    let done = steps * PAIR * N;
    let [rest0, rest1] = acc.each_mut().map(|row| &mut row[done..]);
    if !rest0.is_empty() {
        dot_rest([rest0, rest1], done, xs, keys, plus, modulus);
    }
}

#[inline(always)]
fn reduce<S: Lanes<N>, const N: usize>(field: &Field<S, N>, sums: &mut [S::Double; PAIR]) {
    for sum in sums {
        *sum = field.reduce(*sum);
    }
}

#[inline(always)]
fn add_products<S: Lanes<N>, const N: usize>(
    field: &Field<S, N>,
    sums: &mut [S::Double; PAIR],
    x: [S::Double; PAIR],
    y: [S::Double; PAIR],
) {
    for (sum, (x, y)) in sums.iter_mut().zip(x.into_iter().zip(y)) {
        *sum = field.lanes.add(*sum, field.mul(x, y));
    }
}

/// The vectors of a step. Asks for lines of a later step: a sum reads more rows at once than the hardware follows.
#[inline(always)]
fn load<S: Lanes<N>, const N: usize>(field: &Field<S, N>, row: &[u64], step: usize) -> [S::Double; PAIR] {
    let words = &row[step * PAIR * N..(step + 1) * PAIR * N];
    for line in words.chunks_exact(LINE) {
        field.lanes.prefetch(line.as_ptr().wrapping_add(AHEAD));
    }
    let mut out = [field.zero; PAIR];
    for (out, words) in out.iter_mut().zip(words.as_chunks().0) {
        *out = field.load(words);
    }
    out
}

/// The same of a row of a key.
#[inline(always)]
fn load_row<S: Lanes<N>, const N: usize>(
    field: &Field<S, N>,
    row: Row<'_>,
    step: usize,
) -> [S::Double; PAIR] {
    let (lanes, words) = (field.lanes, step * PAIR * N..(step + 1) * PAIR * N);
    let ask = |plane: *const u8| lanes.prefetch(plane.cast::<u64>().wrapping_add(AHEAD));
    let mut out = [field.zero; PAIR];
    match row {
        Row::Whole(row) => return load(field, row, step),
        Row::Five(low, high) => {
            let (low, high) = (&low[words.clone()], &high[words]);
            ask(low.as_ptr().cast());
            ask(high.as_ptr());
            for ((out, low), high) in out.iter_mut().zip(low.as_chunks().0).zip(high.as_chunks().0) {
                *out = lanes.to_double(lanes.join_bytes(low, high));
            }
        }
        Row::Six(low, high) => {
            let (low, high) = (&low[words.clone()], &high[words]);
            ask(low.as_ptr().cast());
            ask(high.as_ptr().cast());
            for ((out, low), high) in out.iter_mut().zip(low.as_chunks().0).zip(high.as_chunks().0) {
                *out = lanes.to_double(lanes.join_shorts(low, high));
            }
        }
    }
    out
}

#[inline(always)]
fn store<S: Lanes<N>, const N: usize>(
    field: &Field<S, N>,
    row: &mut [u64],
    step: usize,
    sums: [S::Double; PAIR],
) {
    let words = &mut row[step * PAIR * N..(step + 1) * PAIR * N];
    for (words, sum) in words.as_chunks_mut().0.iter_mut().zip(sums) {
        field.store(words, sum);
    }
}

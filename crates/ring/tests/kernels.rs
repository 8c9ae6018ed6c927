//! Every kernel table gives the same bits as the scalar one, and the transform multiplies polynomials.

use arras_ring::kernels::{Addend, Kernels};
use arras_ring::modulus::{Constant, Modulus};
use arras_ring::ntt::NttTable;
use arras_ring::pool::Pool;
use arras_ring::primes;
use arras_ring::{Row, Target};
use proptest::prelude::*;

/// Bits of the moduli that every law runs over; the largest primes below 2^50, 2^49, ... are the hardest.
const BITS: [u32; 9] = [20, 24, 30, 36, 40, 46, 48, 49, 50];

fn scalar() -> &'static Kernels {
    Kernels::named("scalar").unwrap()
}

/// The largest NTT prime below 2^bits, or a smaller one if `down` is not zero.
fn prime(bits: u32, log_n: u32, down: usize) -> Option<Modulus> {
    let step = 2usize << log_n;
    let candidates = (1..1u64 << bits).rev().step_by(step).map(|x| x + 2 - step as u64);
    candidates.filter(|&q| primes::is_prime(q)).nth(down).map(|q| Modulus::new(q).unwrap())
}

fn table(modulus: Modulus, log_n: u32) -> NttTable {
    NttTable::new(modulus, log_n, Pool::new().lend(NttTable::words(log_n))).unwrap()
}

/// A small generator (Steele, Lea and Flood 2014), so that a failure names its seed.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// Rows of words below `limit`: random, all least, all greatest, and patterns of extremes.
fn rows(n: usize, limit: u64, seed: u64) -> Vec<Vec<u64>> {
    let mut random = SplitMix(seed);
    let mut next = || random.next();
    let pick = |choice: u64| [0, 1, limit / 2, limit - 2, limit - 1][(choice % 5) as usize];
    vec![
        (0..n).map(|_| next() % limit).collect(),
        (0..n).map(|_| pick(next())).collect(),
        vec![limit - 1; n],
        vec![0; n],
        (0..n).map(|i| if i % 2 == 0 { limit - 1 } else { 0 }).collect(),
        (0..n).map(|i| if i < n / 2 { limit - 1 } else { 1 }).collect(),
    ]
}

fn same(kernels: &Kernels, what: &str, modulus: &Modulus, got: &[u64], want: &[u64]) {
    if let Some(at) = got.iter().zip(want).position(|(g, w)| g != w) {
        let (name, q, n) = (kernels.name, modulus.value(), want.len());
        panic!("{name} {what} q={q} n={n} word {at}: {} instead of {}", got[at], want[at]);
    }
    assert_eq!(got.len(), want.len());
}

/// Compares one result of every table with the scalar one.
fn check(what: &str, modulus: &Modulus, run: impl Fn(&Kernels) -> Vec<u64>) {
    let want = run(scalar());
    assert!(
        want.iter().all(|&x| x < modulus.value()),
        "scalar {what} leaves a word above q={}",
        modulus.value()
    );
    for kernels in Kernels::available() {
        same(kernels, what, modulus, &run(kernels), &want);
    }
}

fn edit(row: &[u64], change: impl FnOnce(&mut [u64])) -> Vec<u64> {
    let mut row = row.to_vec();
    change(&mut row);
    row
}

#[test]
fn words() {
    for bits in BITS {
        for (log_n, n) in [(4, 16), (6, 64), (4, 13), (4, 24)] {
            let Some(m) = prime(bits, log_n, 0) else { continue };
            let q = m.value();
            let samples = rows(n, q, u64::from(bits));
            for (i, a) in samples.iter().enumerate() {
                for c in [0, 1, q / 2 + 1, q - 1] {
                    let factor = m.constant(c);
                    check("mul_constant", &m, |k| edit(a, |d| (k.mul_constant)(d, a, factor, &m)));
                    check("add_constant", &m, |k| edit(a, |d| (k.add_constant)(d, c, &m)));
                    for b in &samples {
                        check("sub_mul", &m, |k| edit(b, |d| (k.sub_mul)(d, a, factor, &m)));
                    }
                }
                check("neg", &m, |k| edit(a, |d| (k.neg)(d, &m)));
                for b in &samples {
                    check("add", &m, |k| edit(a, |d| (k.add)(d, b, &m)));
                    check("sub", &m, |k| edit(a, |d| (k.sub)(d, b, &m)));
                    check("mul", &m, |k| edit(a, |d| (k.mul)(d, a, b, &m)));
                    check("mul_add", &m, |k| {
                        edit(&samples[(i + 1) % samples.len()], |d| (k.mul_add)(d, a, b, &m))
                    });
                    let tensor = |k: &Kernels, twice| {
                        let [mut d0, mut d1, mut d2] = [vec![0; n], vec![0; n], vec![0; n]];
                        (k.tensor)([&mut d0, &mut d1, &mut d2], [a, b], [&samples[0], a], twice, &m);
                        [d0, d1, d2].concat()
                    };
                    check("tensor", &m, |k| tensor(k, false));
                    check("tensor, twice", &m, |k| tensor(k, true));
                    let sum =
                        edit(&tensor(scalar(), false), |d| (scalar().add)(d, &tensor(scalar(), false), &m));
                    same(scalar(), "twice a tensor", &m, &tensor(scalar(), true), &sum);
                }
            }
            for wide in rows(n, 1 << 52, u64::from(bits)) {
                check("reduce", &m, |k| edit(&wide, |d| (k.reduce)(d, &wide, &m)));
            }
        }
    }
}

/// Rows of a key that are kept as they are.
fn whole<'a>(rows: &[&'a [u64]]) -> Vec<Row<'a>> {
    rows.iter().map(|row| Row::Whole(row)).collect()
}

#[test]
fn sums() {
    for bits in BITS {
        let m = prime(bits, 6, 0).unwrap();
        let q = m.value();
        for n in [16, 32, 256, 13, 88] {
            for count in [0, 1, 2, 3, 14, 15, 16, 17, 35, 64] {
                let pools = [rows(n, 1 << 50, count as u64), rows(n, q, 99), rows(n, q, 77)];
                for shift in 0..3 {
                    let chosen = |which: usize| -> Vec<&[u64]> {
                        let step = shift.min(1);
                        (0..count)
                            .map(|i| &pools[which][(2 * (1 - step) + step * (i + shift + which)) % 6][..])
                            .collect()
                    };
                    let weights: Vec<u64> =
                        (0..count as u64).map(|i| q - 1 - i * u64::from(shift > 0)).collect();
                    for offset in [0, q - 1] {
                        check("combine", &m, |k| {
                            edit(&vec![7; n], |d| (k.combine)(d, &chosen(0), &weights, offset, &m))
                        });
                    }
                    let dot = |k: &Kernels| {
                        let (mut a, mut b) = (vec![7; n], vec![9; n]);
                        (k.dot)(&mut a, &mut b, &chosen(1), &whole(&chosen(2)), &whole(&chosen(1)), &m);
                        [a, b]
                    };
                    check("dot", &m, |k| dot(k).concat());
                    let rows = [chosen(2), chosen(1)];
                    let plus = Addend { rows: [&rows[0], &rows[1]], weights: &weights, offset: q - 1 };
                    let dot_plus = |k: &Kernels| {
                        let (mut a, mut b) = (vec![7; n], vec![9; n]);
                        let keys = [whole(&chosen(2)), whole(&chosen(1))];
                        (k.dot_plus)([&mut a, &mut b], &chosen(1), [&keys[0], &keys[1]], &plus, &m);
                        [a, b]
                    };
                    check("dot_plus", &m, |k| dot_plus(k).concat());
                    for ((sum, dot), (rows, offset)) in
                        dot_plus(scalar()).iter().zip(dot(scalar())).zip([(&rows[0], q - 1), (&rows[1], 0)])
                    {
                        let mut want = vec![0; n];
                        (scalar().combine)(&mut want, rows, &weights, offset, &m);
                        (scalar().add)(&mut want, &dot, &m);
                        same(scalar(), "dot_plus", &m, sum, &want);
                    }
                }
            }
        }
    }
}

/// Rows of a key give the same sums however they are kept, and from any column on.
#[test]
fn packed_rows() {
    for bits in [20, 32, 33, 40, 41, 48] {
        let m = prime(bits, 6, 0).unwrap();
        for (n, count) in [(256, 5), (16, 1), (88, 17), (13, 3)] {
            let xs = rows(n, m.value(), 5);
            let words = [rows(n, m.value(), 6), rows(n, m.value(), 7)];
            let low = words.each_ref().map(|rows| planes(rows, |word| word as u32));
            let bytes = words.each_ref().map(|rows| planes(rows, |word| (word >> 32) as u8));
            let shorts = words.each_ref().map(|rows| planes(rows, |word| (word >> 32) as u16));
            let pick = |at: usize| at % words[0].len();
            let five = |half: usize| {
                (0..count)
                    .map(|at| Row::Five(&low[half][pick(at)], &bytes[half][pick(at)]))
                    .collect::<Vec<_>>()
            };
            let six = |half: usize| {
                (0..count)
                    .map(|at| Row::Six(&low[half][pick(at)], &shorts[half][pick(at)]))
                    .collect::<Vec<_>>()
            };
            let plain =
                |half: usize| (0..count).map(|at| Row::Whole(&words[half][pick(at)])).collect::<Vec<_>>();
            let xs: Vec<&[u64]> = (0..count).map(|at| &xs[pick(at)][..]).collect();
            let dot = |k: &Kernels, keys: [Vec<Row<'_>>; 2]| {
                let (mut a, mut b) = (vec![7; n], vec![9; n]);
                (k.dot)(&mut a, &mut b, &xs, &keys[0], &keys[1], &m);
                [a, b].concat()
            };
            let want = dot(scalar(), [plain(0), plain(1)]);
            for k in Kernels::available() {
                same(k, "six bytes", &m, &dot(k, [six(0), six(1)]), &want);
                if bits <= 40 {
                    same(k, "five bytes", &m, &dot(k, [five(0), five(1)]), &want);
                }
            }
        }
    }
}

fn planes<T>(rows: &[Vec<u64>], part: impl Fn(u64) -> T) -> Vec<Vec<T>> {
    rows.iter().map(|row| row.iter().map(|&word| part(word)).collect()).collect()
}

/// Every number of targets, and of digits, with other primes and weights for each target.
#[test]
fn conversions() {
    for (n, count) in [(16, 2), (256, 13), (13, 3), (88, 16), (16, 1030)] {
        let moduli: Vec<Modulus> = (0..7).map(|down| prime(50 - down, 6, down as usize).unwrap()).collect();
        let pool = rows(n, 1 << 50, count as u64);
        let digits: Vec<&[u64]> = (0..count).map(|i| &pool[i % pool.len()][..]).collect();
        let weight = |m: &Modulus, i: usize| m.value() - 1 - i as u64;
        let weights: Vec<Vec<u64>> =
            moduli.iter().map(|m| (0..count).map(|i| weight(m, i)).collect()).collect();
        let convert = |k: &Kernels, targets: usize| {
            let mut results = vec![vec![7; n]; targets];
            let rows = results.iter_mut().zip(&moduli).zip(&weights);
            let targets = rows.map(|((row, modulus), weights)| Target {
                row,
                weights,
                offset: modulus.value() / 3,
                modulus,
            });
            (k.convert)(&digits, &mut targets.collect::<Vec<_>>());
            results
        };
        for targets in 0..=moduli.len() {
            for k in Kernels::available() {
                for ((got, m), weights) in convert(k, targets).iter().zip(&moduli).zip(&weights) {
                    let want = edit(got, |d| (scalar().combine)(d, &digits, weights, m.value() / 3, m));
                    same(k, "convert", m, got, &want);
                }
            }
        }
    }
}

#[test]
fn very_long_sums() {
    let m = prime(50, 4, 0).unwrap();
    let row = vec![(1 << 50) - 1; 16];
    let residues = [m.value() - 1; 16];
    for count in [1023, 1024, 1025, 3000] {
        let weights = vec![m.value() - 1; count];
        check("combine", &m, |k| edit(&row, |d| (k.combine)(d, &vec![&row[..]; count], &weights, 5, &m)));
        check("dot", &m, |k| {
            let (mut a, mut b) = (vec![0; 16], vec![0; 16]);
            let rows = vec![&residues[..]; count];
            (k.dot)(&mut a, &mut b, &rows, &whole(&rows), &whole(&rows), &m);
            [a, b].concat()
        });
        for (products, others) in [(count, 511), (512, count), (count, count)] {
            check("dot_plus", &m, |k| {
                let (mut a, mut b) = (vec![0; 16], vec![0; 16]);
                let (xs, rows) = (vec![&residues[..]; products], vec![&residues[..]; others]);
                let weights = vec![m.value() - 1; others];
                let plus = Addend { rows: [&rows, &rows], weights: &weights, offset: 3 };
                (k.dot_plus)([&mut a, &mut b], &xs, [&whole(&xs), &whole(&xs)], &plus, &m);
                [a, b].concat()
            });
        }
    }
}

#[test]
fn permutations() {
    let m = prime(50, 4, 0).unwrap();
    for log_n in 4..=12u32 {
        let n = 1usize << log_n;
        let row = &rows(n, m.value(), 5)[0];
        let reverse = |i: usize| i.reverse_bits() >> (usize::BITS - log_n);
        for exponent in [1, 3, 5, 25, 2 * n - 1, n + 1] {
            let galois: Vec<u32> = (0..n)
                .map(|i| reverse((((2 * reverse(i) + 1) * exponent % (2 * n)) - 1) / 2) as u32)
                .collect();
            check("permute", &m, |k| edit(row, |d| (k.permute)(d, row, &galois)));
        }
        let mut random = SplitMix(3);
        let any: Vec<u32> = (0..n).map(|_| (random.next() % n as u64) as u32).collect();
        check("permute", &m, |k| edit(row, |d| (k.permute)(d, row, &any)));
        // Runs that share a source run in all places but one.
        let almost: Vec<u32> =
            (0..n as u32).map(|i| if i % 8 == 3 { (i + 8) % n as u32 } else { i ^ 1 }).collect();
        check("permute", &m, |k| edit(row, |d| (k.permute)(d, row, &almost)));
    }
}

fn scales(table: &NttTable) -> [Constant; 4] {
    let m = table.modulus();
    [table.inverse_degree(), m.constant(1), m.constant(0), m.constant(m.value() - 1)]
}

#[test]
fn transforms() {
    for log_n in 4..=17 {
        let n = 1usize << log_n;
        let long = log_n > 10;
        for &bits in if long { &[30, 50][..] } else { &BITS } {
            for down in [0, 3].into_iter().take(if long { 1 } else { 2 }) {
                let Some(m) = prime(bits, log_n, down) else { continue };
                let table = table(m, log_n);
                for row in rows(n, m.value(), u64::from(log_n)).iter().take(if long { 3 } else { 6 }) {
                    check("ntt", &m, |k| edit(row, |d| (k.ntt)(d, &table)));
                    for scale in scales(&table).into_iter().take(if long { 1 } else { 4 }) {
                        check("intt", &m, |k| edit(row, |d| (k.intt)(d, &table, scale)));
                        for plus in [0, m.value() - 1] {
                            let digits =
                                |k: &Kernels| edit(row, |d| (k.digits)(d, None, &table, scale, plus));
                            check("digits", &m, digits);
                            check("digits of another row", &m, |k| {
                                edit(&vec![7; n], |d| (k.digits)(d, Some(row), &table, scale, plus))
                            });
                            let mut want = edit(row, |d| (scalar().intt)(d, &table, scale));
                            (scalar().add_constant)(&mut want, plus, &m);
                            same(scalar(), "digits", &m, &digits(scalar()), &want);
                        }
                    }
                    for k in Kernels::available() {
                        let there = edit(row, |d| (k.ntt)(d, &table));
                        let back = edit(&there, |d| (k.intt)(d, &table, table.inverse_degree()));
                        same(k, "intt of ntt", &m, &back, row);
                    }
                }
            }
        }
    }
}

/// a b mod X^n + 1, one product at a time.
fn schoolbook(a: &[u64], b: &[u64], q: u64) -> Vec<u64> {
    let n = a.len();
    let mut product = vec![0u64; n];
    for (i, &x) in a.iter().enumerate() {
        for (j, &y) in b.iter().enumerate() {
            let term = (u128::from(x) * u128::from(y) % u128::from(q)) as u64;
            let at = (i + j) % n;
            product[at] = if i + j < n { (product[at] + term) % q } else { (product[at] + q - term) % q };
        }
    }
    product
}

#[test]
fn products() {
    for log_n in 4..=8 {
        for bits in BITS {
            let Some(m) = prime(bits, log_n, 1) else { continue };
            let table = table(m, log_n);
            let samples = rows(1 << log_n, m.value(), 11);
            for (a, b) in [(0, 1), (0, 2), (2, 2), (4, 5)] {
                let want = schoolbook(&samples[a], &samples[b], m.value());
                for k in Kernels::available() {
                    let [x, y] = [a, b].map(|i| edit(&samples[i], |d| (k.ntt)(d, &table)));
                    let got = edit(&x, |d| {
                        (k.mul)(d, &x, &y, &m);
                        (k.intt)(d, &table, table.inverse_degree());
                    });
                    same(k, "product", &m, &got, &want);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn agreement(log_n in 4u32..12, bits in 22u32..=50, down in 0usize..5, seed: u64, factor: u64, count in 1usize..40) {
        let Some(m) = prime(bits, log_n, down) else { return Ok(()) };
        let table = table(m, log_n);
        let n = 1 << log_n;
        let mut random = SplitMix(seed);
        let mut row = |limit: u64| -> Vec<u64> { (0..n).map(|_| random.next() % limit).collect() };
        let (a, b) = (row(m.value()), row(m.value()));
        let many: Vec<Vec<u64>> = (0..count).map(|_| row(1 << 50)).collect();
        let many: Vec<&[u64]> = many.iter().map(|r| &r[..]).collect();
        let weights: Vec<u64> = (0..count).map(|i| a[i % n]).collect();
        let c = m.constant(factor);
        check("ntt", &m, |k| edit(&a, |d| (k.ntt)(d, &table)));
        check("intt", &m, |k| edit(&a, |d| (k.intt)(d, &table, c)));
        check("mul", &m, |k| edit(&a, |d| (k.mul)(d, &a, &b, &m)));
        check("sub_mul", &m, |k| edit(&b, |d| (k.sub_mul)(d, &a, c, &m)));
        check("combine", &m, |k| edit(&b, |d| (k.combine)(d, &many, &weights, b[0], &m)));
    }
}

//! Kernels of every table on warm rows, and transforms in the order that key switching runs them.

use std::hint::black_box;

use arras_ring::kernels::Kernels;
use arras_ring::modulus::Modulus;
use arras_ring::ntt::NttTable;
use arras_ring::pool::{Block, Pool};
use arras_ring::{Row, primes};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const LOG_N: u32 = 16;
/// Limbs of a large key switch.
const LIMBS: usize = 35;
/// Digits of a key switch: rows of one prime in a row.
const DIGITS: usize = 6;

fn tables(pool: &Pool, log_n: u32, bits: i32, count: usize) -> Vec<NttTable> {
    let top = f64::from(bits).exp2() * 0.999;
    primes::near(top, 1 << log_n)
        .filter(|&q| q < 1 << bits)
        .take(count)
        .map(|q| NttTable::new(Modulus::new(q).unwrap(), log_n, pool.lend(NttTable::words(log_n))).unwrap())
        .collect()
}

/// Rows in one block, a line more than their length apart so that they do not share cache sets.
fn rows(pool: &Pool, n: usize, count: usize, limit: u64) -> (Block, usize) {
    let stride = n + 8;
    let mut block = pool.lend(stride * count);
    let mut word = 1u64;
    for x in block.iter_mut() {
        word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *x = (word >> 13) % limit;
    }
    (block, stride)
}

fn transforms(criterion: &mut Criterion) {
    let pool = Pool::new();
    let mut group = criterion.benchmark_group("ring/ntt");
    for log_n in 12..=LOG_N {
        let n = 1usize << log_n;
        let table = tables(&pool, log_n, 50, 1).remove(0);
        let (mut row, _) = rows(&pool, n, 1, table.modulus().value());
        let row = &mut row[..n];
        group.throughput(Throughput::Elements(n as u64));
        for kernels in Kernels::available() {
            let id = |what: &str| BenchmarkId::new(format!("{}{what}", kernels.name), format!("2^{log_n}"));
            group.bench_function(id(""), |b| b.iter(|| (kernels.ntt)(black_box(&mut *row), &table)));
            group.bench_function(id("-inverse"), |b| {
                b.iter(|| (kernels.intt)(black_box(&mut *row), &table, table.inverse_degree()));
            });
        }
        #[cfg(target_arch = "x86_64")]
        if let Some(plan) = tfhe_ntt::prime64::Plan::try_new(n, table.modulus().value()) {
            let id = |what: &str| BenchmarkId::new(format!("tfhe-ntt{what}"), format!("2^{log_n}"));
            group.bench_function(id(""), |b| b.iter(|| plan.fwd(black_box(&mut *row))));
            group.bench_function(id("-inverse"), |b| {
                b.iter(|| {
                    plan.inv(black_box(&mut *row));
                    plan.normalize(row);
                });
            });
        }
    }
}

/// 35 rows of as many primes in turn, and 6 rows of each prime before the next: time for one row.
fn sequences(criterion: &mut Criterion) {
    let pool = Pool::new();
    let n = 1usize << LOG_N;
    let tables = tables(&pool, LOG_N, 50, LIMBS);
    let limit = tables.iter().map(|table| table.modulus().value()).min().unwrap_or(2);
    let (mut block, stride) = rows(&pool, n, LIMBS, limit);
    let mut group = criterion.benchmark_group("ring/sequence");
    group.throughput(Throughput::Elements(n as u64));
    #[cfg(target_arch = "x86_64")]
    let plans: Vec<_> =
        tables.iter().filter_map(|t| tfhe_ntt::prime64::Plan::try_new(n, t.modulus().value())).collect();
    for (name, repeat) in [("each-prime-once", 1), ("each-prime-six-times", DIGITS)] {
        for kernels in Kernels::available() {
            let mut i = 0;
            group.bench_function(BenchmarkId::new(kernels.name, name), |b| {
                b.iter(|| {
                    let at = i % LIMBS * stride;
                    (kernels.ntt)(&mut block[at..at + n], &tables[i / repeat % LIMBS]);
                    i += 1;
                });
            });
            group.bench_function(BenchmarkId::new(format!("{}-inverse", kernels.name), name), |b| {
                b.iter(|| {
                    let at = i % LIMBS * stride;
                    let table = &tables[i / repeat % LIMBS];
                    (kernels.intt)(&mut block[at..at + n], table, table.inverse_degree());
                    i += 1;
                });
            });
        }
        #[cfg(target_arch = "x86_64")]
        {
            let mut i = 0;
            group.bench_function(BenchmarkId::new("tfhe-ntt", name), |b| {
                b.iter(|| {
                    let at = i % LIMBS * stride;
                    plans[i / repeat % LIMBS].fwd(&mut block[at..at + n]);
                    i += 1;
                });
            });
        }
    }
}

fn words(criterion: &mut Criterion) {
    let pool = Pool::new();
    let n = 1usize << LOG_N;
    let table = tables(&pool, LOG_N, 50, 1).remove(0);
    let m = table.modulus();
    let q = m.value();
    let (block, stride) = rows(&pool, n, 3 * LIMBS, q);
    let row = |i: usize| &block[i * stride..i * stride + n];
    let (mut out, out_stride) = rows(&pool, n, 3, q);
    let c = m.constant(q / 3);
    let index = |log: u32| -> Vec<u32> {
        let reverse = |i: usize| i.reverse_bits() >> (usize::BITS - log);
        (0..1usize << log).map(|i| reverse(((2 * reverse(i) + 1) * 5 % (2 << log) - 1) / 2) as u32).collect()
    };
    let galois = index(LOG_N);
    for kernels in Kernels::available() {
        let mut bench = |what: &str, run: &mut dyn FnMut(&mut [u64])| {
            let mut group = criterion.benchmark_group(format!("ring/{what}"));
            group.throughput(Throughput::Elements(n as u64));
            group.bench_function(BenchmarkId::new(kernels.name, "2^16"), |b| {
                b.iter(|| run(black_box(&mut out)))
            });
        };
        bench("add", &mut |d| (kernels.add)(&mut d[..n], row(0), m));
        bench("sub", &mut |d| (kernels.sub)(&mut d[..n], row(0), m));
        bench("mul", &mut |d| (kernels.mul)(&mut d[..n], row(0), row(1), m));
        bench("mul_add", &mut |d| (kernels.mul_add)(&mut d[..n], row(0), row(1), m));
        bench("mul_constant", &mut |d| (kernels.mul_constant)(&mut d[..n], row(0), c, m));
        bench("sub_mul", &mut |d| (kernels.sub_mul)(&mut d[..n], row(0), c, m));
        bench("reduce", &mut |d| (kernels.reduce)(&mut d[..n], row(0), m));
        bench("permute", &mut |d| (kernels.permute)(&mut d[..n], row(0), &galois));
        bench("tensor", &mut |d| {
            let (d0, rest) = d.split_at_mut(out_stride);
            let (d1, d2) = rest.split_at_mut(out_stride);
            (kernels.tensor)(
                [&mut d0[..n], &mut d1[..n], &mut d2[..n]],
                [row(0), row(1)],
                [row(2), row(3)],
                false,
                m,
            );
        });
        for count in [6, 15, LIMBS] {
            let rows: Vec<&[u64]> = (0..count).map(row).collect();
            let weights: Vec<u64> = (0..count as u64).map(|i| q - 1 - i).collect();
            bench(&format!("combine-{count}"), &mut |d| {
                (kernels.combine)(&mut d[..n], &rows, &weights, 1, m)
            });
        }
        let [xs, k0, k1] = [0, 1, 2].map(|i| (0..DIGITS).map(|j| row(3 * j + i)).collect::<Vec<_>>());
        let [k0, k1] = [k0, k1].map(|rows| rows.into_iter().map(Row::Whole).collect::<Vec<_>>());
        bench(&format!("dot-{DIGITS}"), &mut |d| {
            let (d0, d1) = d.split_at_mut(out_stride);
            (kernels.dot)(&mut d0[..n], &mut d1[..n], &xs, &k0, &k1, m);
        });
    }
}

criterion_group!(benches, transforms, sequences, words);
criterion_main!(benches);

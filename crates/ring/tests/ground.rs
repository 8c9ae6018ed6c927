//! Moduli, primes and memory: what everything else stands on.

use arras_ring::{Basis, Coeff, Kernels, Modulus, Poly, Pool, Ring, primes};
use arras_testkit::{rng, words};
use proptest::prelude::*;
use zeroize::Zeroize;

fn moduli() -> Vec<Modulus> {
    let near = |bits: i32| primes::near(2f64.powi(bits), 16).next().unwrap();
    [3, 5, 97, 65_537]
        .into_iter()
        .chain([20, 33, 40, 45, 49, 50].map(near))
        .map(|q| Modulus::new(q).unwrap())
        .collect()
}

proptest! {
    #[test]
    fn a_modulus_computes_as_wide_integers_do(x: u64, y: u64, wide: u128, signed: i64) {
        for m in moduli() {
            let q = u128::from(m.value());
            let (a, b) = (m.reduce(x), m.reduce(y));
            prop_assert_eq!(u128::from(a), u128::from(x) % q);
            prop_assert_eq!(u128::from(m.add(a, b)), (u128::from(a) + u128::from(b)) % q);
            prop_assert_eq!(u128::from(m.sub(a, b)), (u128::from(a) + q - u128::from(b)) % q);
            prop_assert_eq!(u128::from(m.neg(a)), (q - u128::from(a)) % q);
            prop_assert_eq!(u128::from(m.mul(a, b)), u128::from(a) * u128::from(b) % q);
            let wide = wide >> 24;
            prop_assert_eq!(u128::from(m.reduce_wide(wide)), wide % q);
            let word = x >> 12;
            prop_assert_eq!(u128::from(m.mul_constant(word, m.constant(y))), u128::from(word) * u128::from(b) % q);
            let lazy = m.mul_lazy(word, m.constant(y));
            prop_assert!(u128::from(lazy) < 2 * q);
            prop_assert!(u128::from(m.reduce_word_lazy(word)) < 2 * q);
            prop_assert_eq!(i128::from(m.from_signed(signed)), i128::from(signed).rem_euclid(q as i128));
            prop_assert_eq!(m.from_signed(m.to_signed(a)), a);
            if a != 0 {
                prop_assert_eq!(m.mul(a, m.inverse(a)), 1);
            }
            prop_assert_eq!(m.pow_vartime(a, 5), m.mul(a, m.mul(m.mul(a, a), m.mul(a, a))));
        }
    }
}

#[test]
fn extremes_of_a_modulus() {
    for m in moduli() {
        let q = m.value();
        assert_eq!(u128::from(m.reduce(u64::MAX)), u128::from(u64::MAX) % u128::from(q));
        assert_eq!(u128::from(m.reduce_wide((1 << 104) - 1)), ((1u128 << 104) - 1) % u128::from(q));
        assert_eq!(m.mul(q - 1, q - 1), 1);
        assert_eq!(i128::from(m.from_signed(i64::MIN)), i128::from(i64::MIN).rem_euclid(i128::from(q)));
        assert_eq!((m.to_signed(q / 2), m.to_signed(q / 2 + 1)), ((q / 2) as i64, -((q / 2) as i64)));
        assert_eq!((m.neg(0), m.sub(0, 0), m.add(q - 1, 1)), (0, 0, 0));
    }
}

fn sieve(limit: usize) -> Vec<bool> {
    let mut prime = vec![true; limit];
    prime[..2].fill(false);
    for i in 2..limit {
        if prime[i] {
            (i * i..limit).step_by(i).for_each(|j| prime[j] = false);
        }
    }
    prime
}

#[test]
fn primality_agrees_with_a_sieve() {
    let sieve = sieve(200_000);
    sieve.iter().enumerate().for_each(|(n, &prime)| assert_eq!(primes::is_prime(n as u64), prime, "{n}"));
    // Strong pseudoprimes to many bases, and squares of primes.
    for n in
        [3_215_031_751, 341_550_071_728_321, 3_825_123_056_546_413_051, 1_000_003 * 1_000_003, (1 << 50) - 1]
    {
        assert!(!primes::is_prime(n), "{n}");
    }
    assert!(primes::is_prime((1 << 50) - 27) && primes::is_prime(u64::MAX - 58));
}

#[test]
fn near_finds_every_prime_nearest_first() {
    let sieve = sieve(200_000);
    let degree = 64;
    for target in [0.0, 1.0, 100.0, 50_000.0, 99_999.5, 65_537.0] {
        let found: Vec<u64> = primes::near(target, degree)
            .take_while(|&q| q < 100_000 && q < 2 * target as u64 + 50_000)
            .collect();
        let distance = |q: u64| (q as f64 - target).abs();
        assert!(found.windows(2).all(|w| distance(w[0]) <= distance(w[1])), "{target}");
        assert!(found.iter().all(|&q| sieve[q as usize] && (q - 1) % (2 * degree as u64) == 0));
        let reach = distance(*found.last().unwrap());
        let expected = (1..200_000u64)
            .filter(|&q| sieve[q as usize] && (q - 1) % 128 == 0 && distance(q) <= reach)
            .count();
        assert!(
            found.len() == expected || found.len() + 1 == expected,
            "{target}: {} of {expected}",
            found.len()
        );
    }
    // The ends of the range, and what is no number.
    let top: Vec<u64> = primes::near(2f64.powi(50), 1 << 17).take(3).collect();
    assert!(top.iter().all(|&q| q < 1 << 50 && (q - 1) % (1 << 18) == 0) && top[0] > top[1]);
    for odd in [f64::INFINITY, f64::NAN, -5.0] {
        assert!(primes::near(odd, 16).take(2).all(primes::is_prime));
    }
}

#[test]
fn a_pool_counts_what_it_lends_and_reuses_it() {
    const MEGA: usize = (1 << 20) / 8;
    let pool = Pool::new();
    let small = pool.lend(1000);
    assert_eq!(pool.usage().peak, 0, "small blocks come from the heap");
    let (a, b) = (pool.lend(MEGA), pool.lend(3 * MEGA));
    let usage = pool.usage();
    assert_eq!((usage.lent, usage.idle, usage.peak), (6 << 20, 0, 6 << 20));
    let place = b.as_ptr();
    drop(b);
    assert_eq!((pool.usage().lent, pool.usage().idle), (2 << 20, 4 << 20));
    let again = pool.lend(4 * MEGA);
    assert_eq!(again.as_ptr(), place, "a block of the same rounded size is lent again");
    assert_eq!((pool.usage().idle, pool.usage().peak), (0, 6 << 20));
    let clone = pool.clone();
    drop((a, again, small));
    assert_eq!((clone.usage().lent, clone.usage().idle, clone.usage().peak), (0, 6 << 20, 6 << 20));
    clone.trim();
    assert_eq!((pool.usage().idle, pool.usage().peak), (0, 6 << 20));
    assert_eq!(pool.lend(0).len(), 0);
}

#[test]
fn a_pool_serves_many_threads() {
    let pool = Pool::new();
    std::thread::scope(|scope| {
        for id in 0..4u64 {
            let pool = &pool;
            scope.spawn(move || {
                for round in 0..50u64 {
                    let mut block = pool.lend(40_000);
                    block.fill(id * 1000 + round);
                    assert!(block.iter().all(|&word| word == id * 1000 + round));
                }
            });
        }
    });
    let usage = pool.usage();
    assert_eq!(usage.lent, 0);
    assert!(usage.peak <= 4 * (2 << 20), "{usage:?}");
}

#[test]
fn blocks_start_on_a_cache_line_and_are_wiped() {
    let pool = Pool::new();
    for size in [16, 1000, 1 << 15, 1 << 18] {
        let mut block = pool.lend(size);
        assert_eq!(block.as_ptr() as usize % 64, 0);
        block.fill(u64::MAX);
        block.zeroize();
        assert!(block.len() == size && block.iter().all(|&word| word == 0));
    }
    let kernels = Kernels::named("scalar").unwrap();
    let ring = Ring::new(12, &[primes::near(2f64.powi(40), 4096).next().unwrap()], &[], kernels).unwrap();
    let mut poly: Poly<Coeff> = ring.zero(Basis::main(1));
    poly.row_mut(0).copy_from_slice(&words(4096, 1 << 40, &mut rng(1)));
    poly.zeroize();
    assert!(poly.row(0).iter().all(|&word| word == 0));
    assert!(!format!("{:?}", pool.lend(16)).contains("[0"));
}

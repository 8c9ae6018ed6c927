//! Samplers against their distributions, and against known answers made by `vectors/reference.py`.

use std::convert::Infallible;

use arras_ring::sample::{GAUSSIAN_TAIL, SIGMA, fixed_weight, gaussian, ternary};
use arras_ring::{Modulus, Seed};
use arras_testkit::rng;
use rand_core::{TryCryptoRng, TryRng};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    gaussian: Vec<u64>,
    key: [u8; 32],
    uniform: Vec<Uniform>,
    derived: Vec<Derived>,
}

#[derive(Deserialize)]
struct Uniform {
    stream: u64,
    prime: u64,
    residues: Vec<u64>,
}

#[derive(Deserialize)]
struct Derived {
    label: Vec<u8>,
    seed: [u8; 32],
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("vectors/reference.json")).unwrap()
}

/// A generator that says what it is told to.
struct Words(std::vec::IntoIter<u64>);

impl TryRng for Words {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        panic!("the samplers draw 64 bits at a time")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.next().unwrap())
    }

    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Infallible> {
        panic!("the samplers draw 64 bits at a time")
    }
}

impl TryCryptoRng for Words {}

#[test]
fn the_gaussian_has_the_known_table() {
    let table = reference().gaussian;
    assert_eq!(table.len() as i64, GAUSSIAN_TAIL);
    for (k, &bound) in table.iter().enumerate() {
        let sign = 1 << 63;
        let draws = vec![bound - 1, bound, bound + 1, sign | (bound - 1), sign | bound];
        let got = gaussian(5, &mut Words(draws.into_iter()));
        let (inside, outside) = (k as i64 + 1, k as i64);
        assert!(got[0] >= inside && got[1] <= outside && got[2] <= outside, "bound {k}: {:?}", &got[..3]);
        assert_eq!((got[3], got[4]), (-got[0], -got[1]));
    }
    assert_eq!(gaussian(2, &mut Words(vec![0, u64::MAX].into_iter()))[..], [GAUSSIAN_TAIL, 0]);
}

#[test]
fn the_gaussian_has_its_moments_and_tails() {
    let n = 1 << 19;
    let draws = gaussian(n, &mut rng(1));
    let mean = draws.iter().map(|&x| x as f64).sum::<f64>() / n as f64;
    let variance = draws.iter().map(|&x| (x * x) as f64).sum::<f64>() / n as f64;
    let kurtosis = draws.iter().map(|&x| (x as f64).powi(4)).sum::<f64>() / n as f64 / variance.powi(2);
    // Deviations of the estimators are sigma / sqrt(n), sigma^2 sqrt(2 / n), sqrt(24 / n): six of each.
    assert!(mean.abs() < 6.0 * SIGMA / (n as f64).sqrt(), "{mean}");
    assert!((variance - SIGMA * SIGMA).abs() < 6.0 * SIGMA * SIGMA * (2.0 / n as f64).sqrt(), "{variance}");
    assert!((kurtosis - 3.0).abs() < 6.0 * (24.0 / n as f64).sqrt(), "{kurtosis}");
    assert!(draws.iter().all(|x| x.abs() <= GAUSSIAN_TAIL));

    let table = reference().gaussian;
    let probability = |k: usize| table.get(k).map_or(0.0, |&bound| bound as f64 / 2f64.powi(63));
    let cells: Vec<(f64, f64)> = (0..=12)
        .map(|k| {
            let (seen, share) = match k {
                0 => (draws.iter().filter(|&&x| x == 0).count(), 1.0 - probability(0)),
                12 => (draws.iter().filter(|x| x.abs() >= 12).count(), probability(11)),
                k => (
                    draws.iter().filter(|x| x.abs() == k).count(),
                    probability(k as usize - 1) - probability(k as usize),
                ),
            };
            (seen as f64, share * n as f64)
        })
        .collect();
    assert!(chi_square(&cells) < 45.0, "{} with 12 degrees of freedom", chi_square(&cells));
}

fn chi_square(cells: &[(f64, f64)]) -> f64 {
    cells.iter().map(|(seen, expected)| (seen - expected).powi(2) / expected).sum()
}

#[test]
fn ternary_is_uniform() {
    let n = 300_000;
    let draws = ternary(n, &mut rng(2));
    assert!(draws.iter().all(|x| (-1..=1).contains(x)));
    let cells = [-1, 0, 1].map(|v| (draws.iter().filter(|&&x| x == v).count() as f64, n as f64 / 3.0));
    assert!(chi_square(&cells) < 25.0, "{cells:?}");
    // Pairs of neighbours are independent.
    let pairs: Vec<(f64, f64)> = (0..9)
        .map(|cell| {
            let pair = [cell / 3 - 1, cell % 3 - 1];
            (draws.chunks(2).filter(|c| **c == pair).count() as f64, n as f64 / 18.0)
        })
        .collect();
    assert!(chi_square(&pairs) < 45.0, "{pairs:?}");
    assert_eq!(ternary(3, &mut Words(vec![0, u64::MAX / 2, u64::MAX].into_iter()))[..], [-1, 0, 1]);
}

#[test]
fn a_fixed_weight_is_exact_and_its_support_uniform() {
    for (n, weight) in [(64, 0), (64, 1), (64, 63), (64, 64), (1024, 192)] {
        let draws = fixed_weight(n, weight, &mut rng(3));
        assert!(draws.iter().all(|x| (-1..=1).contains(x)));
        assert_eq!(draws.iter().filter(|&&x| x != 0).count(), weight);
    }
    let (n, weight, times) = (32, 5, 40_000);
    let (mut taken, mut positive, mut rng) = (vec![0.0; n], 0.0, rng(4));
    let mut together = 0.0;
    for _ in 0..times {
        let draws = fixed_weight(n, weight, &mut rng);
        draws.iter().zip(&mut taken).for_each(|(x, taken)| *taken += x.abs() as f64);
        positive += draws.iter().filter(|&&x| x == 1).count() as f64;
        together += (draws[0] * draws[n - 1]).abs() as f64;
    }
    let expected = f64::from(times) * weight as f64 / n as f64;
    let cells: Vec<(f64, f64)> = taken.into_iter().map(|seen| (seen, expected)).collect();
    assert!(chi_square(&cells) < 80.0, "31 degrees of freedom: {}", chi_square(&cells));
    let all = f64::from(times) * weight as f64;
    assert!((positive - all / 2.0).abs() < 6.0 * all.sqrt() / 2.0);
    let pairs = f64::from(times) * (weight * (weight - 1)) as f64 / (n * (n - 1)) as f64;
    assert!((together - pairs).abs() < 6.0 * pairs.sqrt());
}

#[test]
fn seeded_rows_are_those_of_an_independent_generator() {
    let reference = reference();
    for known in &reference.uniform {
        let mut row = vec![0; known.residues.len()];
        Seed(reference.key).uniform(known.stream, &Modulus::new(known.prime).unwrap(), &mut row);
        assert_eq!(row, known.residues, "stream {}", known.stream);
    }
    for known in &reference.derived {
        assert_eq!(Seed(reference.key).derive(&known.label).0, known.seed);
    }
}

#[test]
fn seeded_rows_are_uniform() {
    let modulus = Modulus::new(97).unwrap();
    let mut row = vec![0; 97 * 2000];
    Seed([5; 32]).uniform(0, &modulus, &mut row);
    let mut seen = [0.0; 97];
    row.iter().for_each(|&x| seen[x as usize] += 1.0);
    let cells: Vec<(f64, f64)> = seen.into_iter().map(|seen| (seen, 2000.0)).collect();
    assert!(chi_square(&cells) < 190.0, "96 degrees of freedom: {}", chi_square(&cells));
}

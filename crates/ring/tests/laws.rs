//! The laws of the ring, over every kernel table and several degrees.

use arras_ring::{
    Basis, Coeff, Constant, Conversion, Eval, Galois, Kernels, Modulus, Poly, Ring, Seed, primes,
};
use arras_testkit::{negacyclic_product, rng, words};
use num_bigint::BigInt;
use proptest::prelude::*;

/// Bits of the chain and of the special primes: the largest word, the smallest useful one, and some between.
const MAIN: [u32; 5] = [50, 50, 45, 36, 25];
const SPECIAL: [u32; 2] = [50, 48];

fn chain(log_n: u32) -> (Vec<u64>, Vec<u64>) {
    let mut taken = Vec::new();
    for bits in MAIN.iter().chain(&SPECIAL) {
        let fresh = primes::near(2f64.powi(*bits as i32), 1 << log_n).find(|q| !taken.contains(q)).unwrap();
        taken.push(fresh);
    }
    let special = taken.split_off(MAIN.len());
    (taken, special)
}

fn ring(log_n: u32, kernels: &'static Kernels) -> Ring {
    let (main, special) = chain(log_n);
    Ring::new(log_n, &main, &special, kernels).unwrap()
}

fn rings(log_n: u32) -> Vec<Ring> {
    Kernels::available().into_iter().map(|kernels| ring(log_n, kernels)).collect()
}

fn random<D>(ring: &Ring, basis: Basis, seed: u64) -> Poly<D> {
    let mut poly = ring.blank(basis);
    let mut rng = rng(seed);
    for (i, row) in poly.rows_mut().enumerate() {
        row.copy_from_slice(&words(row.len(), ring.modulus(basis, i).value(), &mut rng));
    }
    poly
}

fn rows<D>(poly: &Poly<D>) -> Vec<Vec<u64>> {
    poly.rows().map(<[u64]>::to_vec).collect()
}

fn sum(ring: &Ring, a: &Poly<Eval>, b: &Poly<Eval>) -> Poly<Eval> {
    let mut sum = ring.copy(a, a.basis());
    ring.add_assign(&mut sum, b);
    sum
}

/// X -> X^g on coefficients, by the definition.
fn substitute(row: &[u64], g: Galois, q: u64) -> Vec<u64> {
    let n = row.len();
    let mut result = vec![0; n];
    for (i, &value) in row.iter().enumerate() {
        let exponent = i * g.exponent() as usize % (2 * n);
        result[exponent % n] = if exponent < n { value } else { (q - value) % q };
    }
    result
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn ring_axioms(log_n in 4u32..=10, seed: u64, special in 0usize..=2, main in 1usize..=5) {
        let basis = Basis { main, special };
        for ring in rings(log_n) {
            let [a, b, c] = [0, 1, 2].map(|k| random::<Eval>(&ring, basis, seed.wrapping_add(k)));
            let zero: Poly<Eval> = ring.zero(basis);
            let mut one = ring.copy(&zero, basis);
            ring.add_integer_assign(&mut one, |_| 1);

            prop_assert_eq!(rows(&sum(&ring, &a, &b)), rows(&sum(&ring, &b, &a)));
            prop_assert_eq!(rows(&sum(&ring, &sum(&ring, &a, &b), &c)), rows(&sum(&ring, &a, &sum(&ring, &b, &c))));
            let mut opposite = ring.copy(&a, basis);
            ring.neg_assign(&mut opposite);
            prop_assert_eq!(rows(&sum(&ring, &a, &opposite)), rows(&zero));
            let mut difference = sum(&ring, &a, &b);
            ring.sub_assign(&mut difference, &b);
            prop_assert_eq!(rows(&difference), rows(&a));

            prop_assert_eq!(rows(&ring.mul(&a, &b)), rows(&ring.mul(&b, &a)));
            prop_assert_eq!(rows(&ring.mul(&ring.mul(&a, &b), &c)), rows(&ring.mul(&a, &ring.mul(&b, &c))));
            prop_assert_eq!(rows(&ring.mul(&a, &one)), rows(&a));
            let distributed = sum(&ring, &ring.mul(&a, &b), &ring.mul(&a, &c));
            prop_assert_eq!(rows(&ring.mul(&a, &sum(&ring, &b, &c))), rows(&distributed));

            let mut acc = ring.copy(&c, basis);
            ring.mul_add_assign(&mut acc, &a, &b);
            prop_assert_eq!(rows(&acc), rows(&sum(&ring, &c, &ring.mul(&a, &b))));
            let [d0, d1, d2] = ring.tensor([&a, &b], [&b, &c], basis);
            prop_assert_eq!(rows(&d0), rows(&ring.mul(&a, &b)));
            prop_assert_eq!(rows(&d1), rows(&sum(&ring, &ring.mul(&a, &c), &ring.mul(&b, &b))));
            prop_assert_eq!(rows(&d2), rows(&ring.mul(&b, &c)));

            let weight = |t: usize, m: &Modulus| m.reduce(seed ^ t as u64);
            let combined = ring.combine(&[&a, &b, &c], weight, basis);
            let apart = [(0, &a), (1, &b), (2, &c)].map(|(t, p)| ring.mul_integer(p, |m| weight(t, m), basis));
            prop_assert_eq!(rows(&combined), rows(&sum(&ring, &sum(&ring, &apart[0], &apart[1]), &apart[2])));
        }
    }

    #[test]
    fn transforms_and_products(log_n in 4u32..=7, seed: u64) {
        for ring in rings(log_n) {
            let basis = ring.full();
            let (a, b): (Poly<Coeff>, Poly<Coeff>) = (random(&ring, basis, seed), random(&ring, basis, !seed));
            let want: Vec<Vec<u64>> = (0..basis.rows())
                .map(|i| negacyclic_product(a.row(i), b.row(i), ring.modulus(basis, i).value()))
                .collect();
            let (rows_a, a) = (rows(&a), ring.ntt(a));
            let product = ring.intt(ring.mul(&a, &ring.ntt(b)));
            prop_assert_eq!(rows(&product), want);
            prop_assert_eq!(rows(&ring.intt(a)), rows_a);
        }
    }

    #[test]
    fn automorphisms(log_n in 4u32..=9, seed: u64, odd in 0u32..1 << 10) {
        let n = 1usize << log_n;
        let g = Galois::from_exponent((2 * odd + 1) % (2 * n as u32), n).unwrap();
        for ring in rings(log_n) {
            let basis = ring.full();
            let a: Poly<Coeff> = random(&ring, basis, seed);
            let want: Vec<Vec<u64>> =
                (0..basis.rows()).map(|i| substitute(a.row(i), g, ring.modulus(basis, i).value())).collect();
            let a = ring.ntt(a);
            let moved = ring.automorphism(&a, g);
            prop_assert_eq!(rows(&ring.automorphism(&moved, g.inverse(n))), rows(&a));
            prop_assert_eq!(rows(&ring.intt(moved)), want);
        }
    }
}

#[test]
fn galois_elements() {
    for n in [16usize, 64, 1024] {
        let twice = 2 * n as u64;
        let times = |a: Galois, b: Galois| u64::from(a.exponent()) * u64::from(b.exponent()) % twice;
        for by in -5..40 {
            let g = Galois::rotation(by, n);
            assert_eq!(times(g, g.inverse(n)), 1);
            assert_eq!(times(g, Galois::rotation(1, n)), u64::from(Galois::rotation(by + 1, n).exponent()));
            assert_eq!(g, Galois::rotation(by + n as i64 / 2, n), "rotations have period N/2");
        }
        let conjugation = Galois::conjugation(n);
        assert_eq!(times(conjugation, conjugation), 1);
        assert!(
            Galois::from_exponent(2, n).is_none() && Galois::from_exponent(2 * n as u32 + 1, n).is_none()
        );
    }
}

/// The integer in (-A/2, A/2] with the given residues.
fn lift(residues: &[u64], moduli: &[u64]) -> BigInt {
    let all: BigInt = moduli.iter().map(|&m| BigInt::from(m)).product();
    let mut x = BigInt::from(0);
    for (&r, &m) in residues.iter().zip(moduli) {
        let modulus = Modulus::new(m).unwrap();
        let others: BigInt = &all / m;
        let rest = u64::try_from(&others % m).unwrap();
        x += others * modulus.mul(r, modulus.inverse(rest));
    }
    centre(x, &all)
}

fn centre(x: BigInt, modulus: &BigInt) -> BigInt {
    let x: BigInt = ((x % modulus) + modulus) % modulus;
    if BigInt::from(2) * &x > *modulus { x - modulus } else { x }
}

fn magnitude(x: &BigInt) -> BigInt {
    if *x < BigInt::from(0) { -x } else { x.clone() }
}

#[test]
fn division_is_rounded_as_stated() {
    let cases = [
        (Basis::main(5), 4),
        (Basis::main(5), 3),
        (Basis::main(4), 1),
        (Basis { main: 5, special: 1 }, 5),
        (Basis { main: 5, special: 2 }, 5),
        (Basis { main: 3, special: 2 }, 3),
        (Basis { main: 5, special: 2 }, 4),
        (Basis { main: 4, special: 1 }, 3),
        (Basis { main: 5, special: 2 }, 3),
        (Basis { main: 2, special: 2 }, 1),
    ];
    for ring in rings(5) {
        for (case, (from, kept)) in cases.into_iter().enumerate() {
            let a: Poly<Coeff> = random(&ring, from, case as u64);
            let moduli: Vec<u64> = ring.moduli(from).iter().map(|m| m.value()).collect();
            let columns: Vec<BigInt> = (0..ring.degree())
                .map(|k| lift(&a.rows().map(|row| row[k]).collect::<Vec<_>>(), &moduli))
                .collect();
            let divisor: BigInt = moduli[kept..].iter().map(|&m| BigInt::from(m)).product();
            let (dropped, special) = (from.main - kept, from.special);
            // One prime of the chain: 1/2 but for a part in that prime. Primes of one kind: (d + 1) / 2.
            let doubled_bound = match (dropped, special) {
                (1, 0) => divisor.clone(),
                (1, _) => &divisor + &divisor / 1024,
                (0, d) | (d, _) => BigInt::from(d + 1) * &divisor + &divisor / 1024,
            };
            let [quotient] = ring.divide([&ring.ntt(a)], Basis::main(kept));
            let quotient = ring.intt(quotient);
            let whole: BigInt = moduli.iter().map(|&m| BigInt::from(m)).product();
            for (k, x) in columns.iter().enumerate() {
                let y = lift(&quotient.rows().map(|row| row[k]).collect::<Vec<_>>(), &moduli[..kept]);
                let error = magnitude(&centre(y * &divisor - x, &whole));
                assert!(
                    BigInt::from(2) * error <= doubled_bound,
                    "{} {from:?} to {kept}",
                    ring.kernels().name
                );
            }
        }
    }
}

#[test]
fn conversions_are_off_by_few_multiples() {
    let (main, special) = chain(6);
    let modulus = |&q: &u64| Modulus::new(q).unwrap();
    let target: Vec<Modulus> = special.iter().chain(&main[3..]).map(modulus).collect();
    let target: Vec<&Modulus> = target.iter().collect();
    let moduli: Vec<u64> = target.iter().map(|m| m.value()).collect();
    let whole: BigInt = moduli.iter().map(|&m| BigInt::from(m)).product();
    for count in 1..=3 {
        let source: Vec<Modulus> = main[..count].iter().map(modulus).collect();
        let source: Vec<&Modulus> = source.iter().collect();
        let conversion = Conversion::new(&source, &target, |_| 1);
        let product: BigInt = main[..count].iter().map(|&m| BigInt::from(m)).product();
        for seed in 0..300 {
            let mut residues: Vec<u64> =
                source.iter().map(|m| words(1, m.value(), &mut rng(seed))[0]).collect();
            if seed < 3 {
                residues = source.iter().map(|m| [0, m.value() - 1, m.value() / 2][seed as usize]).collect();
            }
            let digit = |i: usize| {
                let m = source[i];
                m.add(m.mul(residues[i], conversion.digit(i)), conversion.half(i))
            };
            let output: Vec<u64> = target
                .iter()
                .enumerate()
                .map(|(j, m)| {
                    let (weights, offset) = conversion.target(j);
                    (0..count).fold(offset, |sum, i| m.add(sum, m.mul(weights[i], m.reduce(digit(i)))))
                })
                .collect();
            let x = lift(&residues, &main[..count]);
            let excess = centre(lift(&output, &moduli) - x, &whole);
            assert_eq!(&excess % &product, BigInt::from(0));
            let times = magnitude(&(excess / &product));
            let most = if count == 1 { 0 } else { count / 2 };
            assert!(times <= BigInt::from(most), "{count} primes: off by {times}");
        }
    }
}

#[test]
fn a_truncated_basis_gives_the_truncated_polynomial() {
    let seed = Seed([7; 32]);
    for ring in rings(6) {
        let full = ring.uniform(&seed, ring.full());
        for basis in
            [Basis::main(1), Basis::main(4), Basis { main: 2, special: 1 }, Basis { main: 3, special: 2 }]
        {
            let part = ring.uniform(&seed, basis);
            assert_eq!(rows(&part), rows(&ring.copy(&full, basis)));
        }
        let mut cut = ring.uniform(&seed, Basis::main(5));
        cut.truncate(2);
        assert_eq!(rows(&cut), rows(&ring.copy(&full, Basis::main(2))));
        assert_ne!(rows(&full)[0], rows(&full)[1]);
    }
}

/// A computation that uses every operation of the ring.
fn everything(ring: &Ring) -> Vec<Vec<u64>> {
    let full = ring.full();
    let a = ring.uniform(&Seed([1; 32]), full);
    let signed: Vec<i64> = (0..ring.degree() as i64).map(|i| i * i % 41 - 20).collect();
    let b = ring.ntt(ring.from_signed(&signed, full));
    let mut c = ring.automorphism(&ring.mul(&a, &b), Galois::rotation(3, ring.degree()));
    ring.mul_add_assign(&mut c, &a, &b);
    ring.sub_assign(&mut c, &b);
    ring.add_integer_assign(&mut c, |m| m.value() - 5);
    let [d0, d1, d2] = ring.tensor([&a, &b], [&c, &a], full);
    let mut e = ring.combine(&[&d0, &d1, &d2], |t, m| m.reduce(1 << (20 * t)), full);
    ring.neg_assign(&mut e);
    let [down] = ring.divide([&e], Basis::main(full.main - 1));
    let [more] = ring.divide([&down], Basis::main(1));
    [rows(&down), rows(&ring.intt(more))].concat()
}

#[test]
fn bits_depend_neither_on_kernels_nor_on_threads() {
    for log_n in [4, 8, 12] {
        let want = everything(&ring(log_n, Kernels::named("scalar").unwrap()));
        for threads in [1, 2, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            for kernels in Kernels::available() {
                let got = pool.install(|| everything(&ring(log_n, kernels)));
                assert!(got == want, "{} with {threads} threads at N = 2^{log_n}", kernels.name);
            }
        }
    }
}

#[test]
fn what_is_no_ring_is_refused() {
    let kernels = Kernels::named("scalar").unwrap();
    let (main, _) = chain(6);
    let message = |log_n, main: &[u64], special: &[u64]| {
        Ring::new(log_n, main, special, kernels).unwrap_err().to_string()
    };
    for log_n in [0, 3, 18, 64, 200, u32::MAX] {
        assert!(message(log_n, &main, &[]).contains("a power of two between 16 and 131072"));
    }
    assert!(message(6, &[main[0], main[0]], &[]).contains("twice"));
    assert!(message(6, &main, &main[..1]).contains("twice"));
    for q in [0, 1, 2, 4, 15, u64::MAX, 1 << 50, (1 << 50) + 55, 4_294_967_297] {
        assert!(message(6, &[q], &[]).contains("is not a prime below 2^50"), "{q}");
    }
    assert!(message(6, &[193], &[]).contains("does not split"));
    assert!(message(17, &main, &[]).contains("does not split"));
    assert!(Kernels::named("abacus").unwrap_err().to_string().contains("available: "));
}

#[test]
fn debug_shows_no_residue() {
    let ring = ring(4, Kernels::named("scalar").unwrap());
    let poly: Poly<Coeff> = ring.from_signed(&[123_456; 16], Basis::main(1));
    assert!(!format!("{poly:?}").contains("123456"));
    assert_eq!(format!("{:?}", Seed([9; 32])), "Seed(..)");
    assert_eq!(Constant::default().value, 0);
}

/// In rows of several chunks, and in a basis that the operands have beside others.
#[test]
fn fused_tensors_are_their_parts() {
    for ring in rings(10) {
        let (full, basis) = (ring.full(), Basis::main(1));
        let [a, b, c] = [1, 2, 3].map(|seed| random::<Eval>(&ring, full, seed));
        let plain = ring.tensor([&a, &b], [&b, &c], basis);
        let plus = [&c, &a, &b].map(|p| ring.copy(p, basis));
        let fused = ring.tensor_plus([&a, &b], [&b, &c], &plus, basis);
        let twice = ring.tensor_twice([&a, &b], [&b, &c], basis);
        for k in 0..3 {
            assert_eq!(rows(&fused[k]), rows(&sum(&ring, &plain[k], &plus[k])));
            assert_eq!(rows(&twice[k]), rows(&sum(&ring, &plain[k], &plain[k])));
        }
    }
}

/// Rows that are made are divided as rows that stand somewhere.
#[test]
fn quotients_of_made_rows_are_quotients() {
    for ring in rings(12) {
        let full = ring.full();
        let pair = [1, 2].map(|seed| random::<Eval>(&ring, full, seed));
        for special in 0..=full.special {
            let from = Basis { main: full.main, special };
            let pair = [0, 1].map(|k: usize| ring.copy(&pair[k], from));
            for kept in 1..=from.main {
                let to = Basis::main(kept);
                let made = ring.divide_made(
                    from,
                    to,
                    |targets| targets,
                    |targets, i, columns, words| {
                        assert!(targets.contains(&i));
                        for (words, poly) in words.into_iter().zip(&pair) {
                            words.copy_from_slice(&poly.row(i)[columns.clone()]);
                        }
                    },
                );
                let divided = ring.divide([&pair[0], &pair[1]], to);
                assert_eq!(made.map(|p| rows(&p)), divided.map(|p| rows(&p)), "{from:?} to {kept}");
            }
        }
    }
}

#[test]
fn gaussian_integers_multiply_and_add() {
    for log_n in [4, 5, 9] {
        for ring in rings(log_n) {
            let (n, basis) = (ring.degree(), Basis { main: 3, special: 1 });
            let [a, b] = [1, 2].map(|seed| random::<Eval>(&ring, ring.full(), seed));
            let constant = |re: i64, im: i64| {
                let mut signed = vec![0; n];
                (signed[0], signed[n / 2]) = (re, im);
                ring.ntt(ring.from_signed(&signed, basis))
            };
            let weights = [[3, -5], [-7, 11]];
            let residues = |[re, im]: [i64; 2], m: &Modulus| [m.from_signed(re), m.from_signed(im)];
            let made = ring.combine_gaussian(&[&a, &b], |t, m| residues(weights[t], m), basis);
            let term = |x, [re, im]: [i64; 2]| ring.mul(&constant(re, im), x);
            let want = sum(&ring, &term(&a, weights[0]), &term(&b, weights[1]));
            assert_eq!(rows(&made), rows(&want));
            let mut moved = ring.copy(&made, basis);
            ring.add_gaussian_assign(&mut moved, |m| residues([13, -17], m));
            assert_eq!(rows(&moved), rows(&sum(&ring, &want, &constant(13, -17))));
        }
    }
}

//! Every operation on ciphertexts is the operation on numbers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

use arras_approx::Polynomial;
use arras_ckks::{
    Ciphertext, Complex, Diagonals, Evaluator, Giant, KeyRequest, KeySet, Level, Params, Purpose, SecretKey,
    Security, Shape,
};
use arras_testkit::{distance, rng, units};

struct Setup {
    params: Params,
    secret: SecretKey,
    eval: Evaluator,
}

fn setup(
    log_degree: u32,
    base_bits: u32,
    scale_bits: u32,
    depth: u32,
    digit: usize,
    rotations: &[u32],
) -> Setup {
    let shape = Shape { log_degree, base_bits, scale_bits, depth, security: Security::Bits128 };
    let params = Params::danger_insecure(&shape.danger_toy(digit).unwrap()).unwrap();
    let mut rng = rng(1);
    let secret = SecretKey::new(params.rlwe(), &mut rng);
    let top = params.highest();
    let request = rotations.iter().fold(
        KeyRequest::new().with(Purpose::Relinearise, top).with(Purpose::Conjugate, top),
        |request, &by| request.with(Purpose::Rotate(by), top),
    );
    let keys = KeySet::generate(params.rlwe(), &secret, &request, &mut rng, |_| true).unwrap().unwrap();
    let eval = Evaluator::new(&params, keys).unwrap();
    Setup { params, secret, eval }
}

impl Setup {
    fn encrypt(&self, values: &[f64], slots: usize, level: Level) -> Ciphertext {
        let plain = self.params.encode_at(values, slots, level).unwrap();
        self.params.encrypt(&plain, &self.secret, &mut rng(7)).unwrap().expand(&self.params)
    }

    fn decrypt(&self, a: &Ciphertext) -> Vec<f64> {
        self.params.decrypt(a, &self.secret).unwrap().secret_reals()
    }
}

#[test]
fn encoding_and_encryption_are_undone() {
    let s = setup(9, 60, 45, 3, 2, &[]);
    for slots in [1, 2, 16, 256] {
        let values = units(slots, &mut rng(slots as u64));
        for level in 0..=3 {
            let plain = s.params.encode_at(&values, slots, Level(level)).unwrap();
            let decoded: Vec<f64> = s.params.decode(&plain).iter().map(|z| z.re).collect();
            assert!(distance(&decoded, &values) < 1e-11);
            let decrypted = s.decrypt(&s.encrypt(&values, slots, Level(level)));
            assert!(distance(&decrypted, &values) < 1e-9, "{}", distance(&decrypted, &values));
        }
    }
}

#[test]
fn arithmetic_at_every_pair_of_levels() {
    let s = setup(9, 60, 45, 3, 2, &[]);
    let (x, y) = (units(256, &mut rng(2)), units(256, &mut rng(3)));
    for (i, j) in [(3, 3), (3, 1), (1, 3), (2, 1), (1, 1)] {
        let (a, b) = (s.encrypt(&x, 256, Level(i)), s.encrypt(&y, 256, Level(j)));
        let check = |ct: Ciphertext, f: &dyn Fn(f64, f64) -> f64| {
            let want: Vec<f64> = x.iter().zip(&y).map(|(x, y)| f(*x, *y)).collect();
            let error = distance(&s.decrypt(&ct), &want);
            assert!(error < 1e-8, "levels {i} {j}: {error}");
        };
        check(s.eval.add(&a, &b).unwrap(), &|x, y| x + y);
        check(s.eval.sub(&a, &b).unwrap(), &|x, y| x - y);
        check(s.eval.mul(&a, &b).unwrap(), &|x, y| x * y);
        check(s.eval.mul_plain(&a, &y).unwrap(), &|x, y| x * y);
        check(s.eval.combine(&[&a, &b], &[0.5, -3.0], 0.25).unwrap(), &|x, y| 0.25 + 0.5 * x - 3.0 * y);
        check(s.eval.add_scalar(&a, 0.125).unwrap(), &|x, _| x + 0.125);
    }
}

#[test]
fn rotations_turn_left_in_every_packing() {
    let s = setup(9, 60, 45, 2, 3, &[1, 3, 5, 15]);
    for slots in [16, 256] {
        let x = units(slots, &mut rng(4));
        let a = s.encrypt(&x, slots, Level(2));
        let want = |by: usize| -> Vec<f64> { (0..slots).map(|i| x[(i + by) % slots]).collect() };
        for by in [0usize, 1, 3, 5] {
            assert!(distance(&s.decrypt(&s.eval.rotate(&a, by as i64).unwrap()), &want(by)) < 1e-8);
        }
        let all = s.eval.rotate_hoisted(&a, &[0, 1, 3]).unwrap();
        for (ct, by) in all.iter().zip([0, 1, 3]) {
            assert!(distance(&s.decrypt(ct), &want(by)) < 1e-8);
        }
    }
    let x = units(16, &mut rng(4));
    let a = s.encrypt(&x, 16, Level(1));
    let back = s.eval.rotate(&a, -1).unwrap();
    assert!((s.decrypt(&back)[0] - x[15]).abs() < 1e-8);
}

#[test]
fn conjugation_and_complex_vectors() {
    let s = setup(9, 60, 45, 2, 3, &[]);
    let values: Vec<Complex> = units(64, &mut rng(5)).chunks(2).map(|c| Complex::new(c[0], c[1])).collect();
    let plain = s.params.encode_complex(&values, 32, Level(2)).unwrap();
    let a = s.params.encrypt(&plain, &s.secret, &mut rng(6)).unwrap().expand(&s.params);
    let square = s.eval.mul(&a, &s.eval.conjugate(&a).unwrap()).unwrap();
    for (got, z) in s.params.decrypt(&square, &s.secret).unwrap().secret_values().iter().zip(&values) {
        assert!((got.re - z.abs().powi(2)).abs() < 1e-8 && got.im.abs() < 1e-8);
    }
}

#[test]
fn public_keys_encrypt() {
    let s = setup(9, 60, 45, 2, 3, &[]);
    let key = s.secret.public_key(s.params.rlwe(), &mut rng(8)).unwrap();
    let x = units(256, &mut rng(9));
    let a = s.params.encrypt_public(&s.params.encode(&x).unwrap(), &key, &mut rng(10)).unwrap();
    assert!(distance(&s.decrypt(&a), &x) < 1e-7);
}

#[test]
fn linear_maps_are_sums_of_rotated_diagonals() {
    let s = setup(9, 60, 45, 3, 2, &[1, 2, 3, 4]);
    let slots = 16;
    let x = units(slots, &mut rng(11));
    let babies = [0, 1, 2, 3];
    let giants = [0usize, 4, 8];
    let diagonals: Vec<Vec<Vec<f64>>> = giants
        .iter()
        .map(|&g| babies.iter().map(|&b| units(slots, &mut rng((20 + g * 4 + b) as u64))).collect())
        .collect();
    let steps: Vec<Giant> = giants
        .iter()
        .zip(&diagonals)
        .map(|(&rotation, rows)| Giant {
            rotation,
            terms: rows.iter().map(Vec::as_slice).enumerate().collect(),
        })
        .collect();
    let mut want = vec![0.0; slots];
    for (g, rows) in giants.iter().zip(&diagonals) {
        for (b, row) in babies.iter().zip(rows) {
            for (i, slot) in want.iter_mut().enumerate() {
                *slot += row[(i + g) % slots] * x[(i + g + b) % slots];
            }
        }
    }
    for level in [3, 1] {
        let map = Diagonals::new(&s.params, &babies, &steps, slots, Level(level)).unwrap();
        let got = s.eval.linear(&s.encrypt(&x, slots, Level(level)), &map).unwrap();
        assert_eq!(got.level(), Level(level - 1));
        assert!(distance(&s.decrypt(&got), &want) < 1e-8, "{}", distance(&s.decrypt(&got), &want));
    }
}

#[test]
fn polynomials_of_every_parity_and_degree() {
    let s = setup(8, 60, 45, 6, 3, &[]);
    let x = units(128, &mut rng(12));
    let a = s.encrypt(&x, 128, Level(6));
    for degree in [1usize, 2, 3, 5, 6, 7, 8, 15, 16, 27, 31, 40, 59] {
        for parity in 0..3 {
            let mut c = units(degree + 1, &mut rng(degree as u64));
            c.iter_mut()
                .enumerate()
                .filter(|(k, _)| parity < 2 && k % 2 != parity)
                .for_each(|(_, c)| *c = 0.0);
            c.iter_mut().for_each(|c| *c /= degree as f64);
            let p = Polynomial::unit(c).unwrap();
            let want: Vec<f64> = x.iter().map(|&x| p.eval(x)).collect();
            s.eval.reset_counts();
            let got = s.eval.poly(&a, &p).unwrap();
            assert_eq!(u32::from(got.level().0), 6 - p.depth());
            let error = distance(&s.decrypt(&got), &want);
            assert!(error < 1e-7, "degree {degree} parity {parity}: {error}");
        }
    }
    let p = Polynomial::new(-2.0, 6.0, vec![0.5, 0.25, -0.125]).unwrap();
    let got = s.eval.poly(&a, &p).unwrap();
    let want: Vec<f64> = x.iter().map(|&x| p.eval(x)).collect();
    assert!(distance(&s.decrypt(&got), &want) < 1e-8);
}

#[test]
fn scales_of_two_primes_work() {
    let s = setup(9, 80, 70, 3, 3, &[1]);
    let x = units(256, &mut rng(13));
    let a = s.encrypt(&x, 256, Level(3));
    let fourth = s.eval.square(&s.eval.square(&a).unwrap()).unwrap();
    let want: Vec<f64> = x.iter().map(|x| x.powi(4)).collect();
    assert!(distance(&s.decrypt(&fourth), &want) < 1e-12, "{}", distance(&s.decrypt(&fourth), &want));
    assert!((s.decrypt(&s.eval.rotate(&a, 1).unwrap())[0] - x[1]).abs() < 1e-12);
}

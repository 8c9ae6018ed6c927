//! Lazy sums, counts, misuse, and bits that depend on nothing but the inputs.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may fail loudly; one speaks to its parent"
)]

mod common;

use std::collections::BTreeMap;

use arras_approx::Polynomial;
use arras_ckks::wire::to_bytes;
use arras_ckks::{
    Ciphertext, Counts, Diagonals, Error, Evaluator, KeyRequest, KeySet, Level, Op, Params, Purpose,
    SecretKey, rlwe,
};
use arras_testkit::{distance, rng, units};
use common::{Setup, setup, shape};

fn products(x: &[Vec<f64>], y: &[Vec<f64>]) -> Vec<f64> {
    (0..x[0].len()).map(|i| x.iter().zip(y).map(|(x, y)| x[i] * y[i]).sum()).collect()
}

#[test]
fn sums_wait_for_one_relinearisation_and_one_rescale() {
    let s = setup(shape(8, 60, 45, 2), 2, &[]);
    let vectors = |seed: u64| -> Vec<Vec<f64>> { (0..5).map(|k| units(128, &mut rng(seed + k))).collect() };
    let (x, y) = (vectors(10), vectors(20));
    let level = Level(2);
    let pairs: Vec<[Ciphertext; 2]> =
        x.iter().zip(&y).map(|(x, y)| [s.encrypt(x, 128, level), s.encrypt(y, 128, level)]).collect();
    s.eval.reset_counts();
    let mut sum = s.eval.mul_lazy(&pairs[0][0], &pairs[0][1]).unwrap();
    for [a, b] in &pairs[1..] {
        s.eval.add_tensor(&mut sum, &s.eval.mul_lazy(a, b).unwrap()).unwrap();
    }
    let want = products(&x, &y);
    let whole = s.eval.relinearise_rescale(&sum).unwrap();
    assert!(distance(&s.decrypt(&whole), &want) < 1e-8);
    let counts = s.eval.counts();
    let expected: Counts =
        BTreeMap::from([((Op::Product, level), 5), ((Op::Relinearise, level), 1), ((Op::Rescale, level), 1)]);
    assert_eq!(counts, expected);

    // In two steps, and with products by plain vectors added in either state.
    let plain = s.params.encode_at(&y[0], 128, level).unwrap();
    let by_plain = s.eval.mul_plain_lazy(&pairs[0][0], &plain).unwrap();
    let want: Vec<f64> = want.iter().zip(x[0].iter().zip(&y[0])).map(|(w, (x, y))| w + x * y).collect();
    let mut product = s.eval.relinearise(&sum).unwrap();
    s.eval.add_product(&mut product, &by_plain).unwrap();
    assert!(distance(&s.decrypt(&s.eval.rescale(&product).unwrap()), &want) < 1e-8);
    s.eval.add_product_to_tensor(&mut sum, &by_plain).unwrap();
    let both = s.eval.relinearise_rescale(&sum).unwrap();
    assert_eq!(both.level(), Level(1));
    assert!(distance(&s.decrypt(&both), &want) < 1e-8);
}

#[test]
fn inner_sums_hold_the_sum_in_every_slot() {
    let s = setup(shape(8, 60, 45, 1), 2, &[1, 2, 4, 8, 16, 32, 64]);
    for slots in [8, 128] {
        let x = units(slots, &mut rng(3));
        let a = s.encrypt(&x, slots, Level(1));
        for count in [1, 2, 8] {
            let want: Vec<f64> = (0..slots).map(|i| (0..count).map(|k| x[(i + k) % slots]).sum()).collect();
            assert!(distance(&s.decrypt(&s.eval.inner_sum(&a, count).unwrap()), &want) < 1e-8);
        }
        let total = vec![x.iter().sum::<f64>(); slots];
        assert!(distance(&s.decrypt(&s.eval.inner_sum(&a, slots).unwrap()), &total) < 1e-7);
        for count in [0, 3, 2 * slots] {
            assert_eq!(s.eval.inner_sum(&a, count).unwrap_err(), Error::Slots { slots: count, most: slots });
        }
    }
}

#[test]
fn operands_at_different_levels_meet_exactly() {
    // A long chain: the constant that lands on the scale of the lower level leaves no drift.
    let s = setup(shape(9, 60, 45, 8), 3, &[]);
    let x = units(256, &mut rng(4));
    let top = s.encrypt(&x, 256, Level(8));
    for level in (0..8).map(Level) {
        let low = s.encrypt_with(&x, 256, level, 11);
        let difference = s.eval.sub(&top, &low).unwrap();
        assert_eq!(difference.level(), level);
        let error = s.decrypt(&difference).iter().fold(0.0f64, |most, x| most.max(x.abs()));
        let noise = s
            .params
            .fresh_noise(256, level)
            .plus(s.params.rescale_noise(256, level))
            .plus(s.params.fresh_noise(256, level));
        assert!(error < 8.0 * noise.0, "level {level}: {error:e} for a deviation of {:e}", noise.0);
    }
    let x2: Vec<f64> = x.iter().map(|x| x * x).collect();
    let mut power = s.eval.square(&top).unwrap();
    power = s.eval.add(&power, &s.eval.square(&s.encrypt(&x, 256, Level(3))).unwrap()).unwrap();
    let want: Vec<f64> = x2.iter().map(|x| 2.0 * x).collect();
    assert!(distance(&s.decrypt(&power), &want) < 1e-8);
}

fn tally(p: &Polynomial, top: u8) -> Counts {
    let mut counts = Counts::new();
    for (i, tally) in p.plan().tally().iter().enumerate() {
        let level = Level(top - i as u8);
        let entries = [
            (Op::Product, tally.products),
            (Op::Relinearise, tally.relinearisations),
            (Op::Rescale, tally.rescales),
            (Op::ScalarProduct, tally.scalar_products),
        ];
        counts.extend(entries.into_iter().filter(|(_, n)| *n > 0).map(|(op, n)| ((op, level), u64::from(n))));
    }
    counts
}

#[test]
fn polynomials_cost_what_their_plan_says() {
    let s = setup(shape(6, 60, 45, 7), 3, &[]);
    let a = s.encrypt(&units(32, &mut rng(1)), 32, Level(7));
    for degree in (1..=40).chain([63, 64, 95, 127]) {
        for parity in 0..3 {
            let mut c = units(degree + 1, &mut rng(degree as u64));
            c.iter_mut()
                .enumerate()
                .filter(|(k, _)| parity < 2 && k % 2 != parity)
                .for_each(|(_, c)| *c = 0.0);
            let p = Polynomial::unit(c).unwrap();
            s.eval.reset_counts();
            if p.degree() > 0 {
                s.eval.poly(&a, &p).unwrap();
                assert_eq!(s.eval.counts(), tally(&p, 7), "degree {degree}, parity {parity}");
            }
        }
    }
}

#[test]
fn wide_scales_survive_polynomials_and_constants() {
    // Squared scales of 140 and 160 bits are beyond every machine integer.
    for scale_bits in [66, 70, 80] {
        let s = setup(shape(7, scale_bits + 15, scale_bits, 5), 3, &[1]);
        let x = units(64, &mut rng(2));
        let a = s.encrypt(&x, 64, Level(5));
        let p = Polynomial::unit(vec![0.25, -0.5, 0.125, 0.3, -0.2, 0.1, 0.05, 0.4, 0.3]).unwrap();
        let want: Vec<f64> = x.iter().map(|&x| p.eval(x)).collect();
        let error = distance(&s.decrypt(&s.eval.poly(&a, &p).unwrap()), &want);
        assert!(error < 1e-12, "{scale_bits}: {error:e}");
        let b = s.eval.combine(&[&a, &a], &[0.5, -2.0], -0.75).unwrap();
        let want: Vec<f64> = x.iter().map(|x| -1.5 * x - 0.75).collect();
        assert!(distance(&s.decrypt(&b), &want) < 1e-13);
        let c = s.eval.add_scalar(&s.eval.mul_scalar(&a, 3.5).unwrap(), -1.25).unwrap();
        let want: Vec<f64> = x.iter().map(|x| 3.5 * x - 1.25).collect();
        assert!(distance(&s.decrypt(&c), &want) < 1e-13);
        let d = s.eval.mul_plain(&a, &x).unwrap();
        let want: Vec<f64> = x.iter().map(|x| x * x).collect();
        assert!(distance(&s.decrypt(&d), &want) < 1e-13);
    }
}

#[test]
fn misuse_is_an_error_that_says_what_would_do() {
    let s = setup(shape(7, 60, 45, 2), 2, &[1]);
    let (a, low) = (s.encrypt(&[0.5], 64, Level(2)), s.encrypt(&[0.5], 64, Level(0)));
    let short = s.encrypt(&[0.5], 8, Level(2));
    let out = |op, need| Error::OutOfLevels { op, need, have: Level(0) };
    assert_eq!(s.eval.mul(&low, &a).unwrap_err(), out("a product", 1));
    assert_eq!(s.eval.mul_plain(&low, &[1.0]).unwrap_err(), out("a product", 1));
    assert_eq!(s.eval.mul_scalar(&low, 1.0).unwrap_err(), out("a product", 1));
    assert_eq!(s.eval.combine(&[&low], &[1.0], 0.0).unwrap_err(), out("a product", 1));
    let cubic = Polynomial::unit(vec![0.0, 0.0, 0.0, 1.0]).unwrap();
    assert_eq!(s.eval.poly(&low, &cubic).unwrap_err(), out("a polynomial", 2));
    let error = s.eval.lower(&low, Level(1)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "too few levels for lowering: 1 needed, 0 left; choose parameters with more levels, or refresh first"
    );

    let mismatch = Error::SlotMismatch { left: 64, right: 8 };
    assert_eq!(s.eval.add(&a, &short).unwrap_err(), mismatch);
    assert_eq!(s.eval.sub(&a, &short).unwrap_err(), mismatch);
    assert_eq!(s.eval.mul(&a, &short).unwrap_err(), mismatch);
    assert_eq!(s.eval.combine(&[&a, &short], &[1.0, 1.0], 0.0).unwrap_err(), mismatch);
    let plain = s.params.encode_at(&[1.0], 8, Level(2)).unwrap();
    assert_eq!(s.eval.mul_plain_lazy(&a, &plain).unwrap_err(), mismatch);
    let mut tensor = s.eval.mul_lazy(&a, &a).unwrap();
    assert_eq!(
        s.eval.add_tensor(&mut tensor, &s.eval.mul_lazy(&short, &short).unwrap()).unwrap_err(),
        mismatch
    );
    let one = s.encrypt(&[0.5], 64, Level(1));
    let levels = Error::ProductLevels { left: Level(2), right: Level(1) };
    assert_eq!(s.eval.add_tensor(&mut tensor, &s.eval.mul_lazy(&one, &one).unwrap()).unwrap_err(), levels);

    for bad in [f64::NAN, f64::INFINITY, 1e9] {
        let value =
            |error: Error| matches!(error, Error::Value { value, .. } if value.to_bits() == bad.to_bits());
        assert!(value(s.eval.mul_scalar(&a, bad).unwrap_err()));
        assert!(value(s.eval.add_scalar(&a, bad).unwrap_err()));
        assert!(value(s.eval.add_plain(&a, &[bad]).unwrap_err()));
        assert!(value(s.eval.mul_plain(&a, &[bad]).unwrap_err()));
        assert!(value(s.eval.combine(&[&a], &[bad], 0.0).unwrap_err()));
        assert!(value(s.eval.combine(&[&a], &[0.0], bad).unwrap_err()));
    }
    // At the bottom the base has room for 2^14 and no more.
    assert!(s.eval.add_scalar(&low, 1e6).is_err() && s.eval.add_scalar(&a, 1e6).is_ok());
    assert!(matches!(s.eval.combine(&[], &[], 0.0).unwrap_err(), Error::Range { value: 0, .. }));
    assert!(matches!(s.eval.combine(&[&a], &[1.0, 2.0], 0.0).unwrap_err(), Error::Range { value: 2, .. }));

    let missing = |by| Error::Rlwe(rlwe::Error::MissingKey { by });
    assert_eq!(s.eval.rotate(&a, 5).unwrap_err(), missing(Purpose::Rotate(5)));
    assert_eq!(s.eval.rotate(&a, -1).unwrap_err(), missing(Purpose::Rotate(63)));
    assert_eq!(s.eval.rotate_hoisted(&a, &[1, 7]).unwrap_err(), missing(Purpose::Rotate(7)));
    assert_eq!(s.eval.conjugate(&a).unwrap_err(), missing(Purpose::Conjugate));
    let keyless = Evaluator::new(&s.params, KeySet::empty(s.params.rlwe())).unwrap();
    assert_eq!(keyless.mul(&a, &a).unwrap_err(), missing(Purpose::Relinearise));
    assert!(keyless.add(&a, &a).is_ok() && keyless.rotate(&a, 64).is_ok());
    let request = KeyRequest::new().with(Purpose::Relinearise, Level(1));
    let keys =
        KeySet::generate(s.params.rlwe(), &s.secret, &request, &mut rng(1), |_| true).unwrap().unwrap();
    let trimmed = Evaluator::new(&s.params, keys).unwrap();
    assert!(trimmed.mul(&one, &one).is_ok());
    let error = trimmed.mul(&a, &a).unwrap_err();
    let (have, need) = (Level(1), Level(2));
    assert_eq!(error, Error::Rlwe(rlwe::Error::KeyLevel { by: Purpose::Relinearise, have, need }));
}

#[test]
fn objects_of_other_parameters_are_refused() {
    let s = setup(shape(7, 60, 45, 2), 2, &[1]);
    let t = setup(shape(7, 60, 45, 2), 1, &[1]);
    let (mine, foreign) = (s.encrypt(&[0.5], 64, Level(2)), t.encrypt(&[0.5], 64, Level(2)));
    let is_foreign = |error: Error| matches!(error, Error::Rlwe(rlwe::Error::ForeignParams { .. }));
    assert!(is_foreign(s.eval.add(&mine, &foreign).unwrap_err()));
    assert!(is_foreign(s.eval.mul(&foreign, &mine).unwrap_err()));
    assert!(is_foreign(s.eval.neg(&foreign).unwrap_err()));
    assert!(is_foreign(s.eval.rotate(&foreign, 1).unwrap_err()));
    assert!(is_foreign(s.params.decrypt(&foreign, &s.secret).unwrap_err()));
    assert!(is_foreign(s.params.decrypt(&mine, &t.secret).unwrap_err()));
    let plain = s.params.encode(&[1.0]).unwrap();
    assert!(is_foreign(s.params.encrypt(&plain, &t.secret, &mut rng(1)).unwrap_err()));
    let public = s.secret.public_key(s.params.rlwe(), &mut rng(1)).unwrap();
    let other = t.params.encode(&[1.0]).unwrap();
    assert!(is_foreign(s.params.encrypt(&other, &s.secret, &mut rng(1)).unwrap_err()));
    assert!(is_foreign(s.params.encrypt_public(&other, &public, &mut rng(1)).unwrap_err()));
    assert!(is_foreign(s.eval.mul_plain_lazy(&mine, &other).unwrap_err()));
    let map = Diagonals::new(&t.params, &[0], &[], 64, Level(2)).unwrap();
    assert!(is_foreign(s.eval.linear(&mine, &map).unwrap_err()));
    let tensor = t.eval.mul_lazy(&foreign, &foreign).unwrap();
    assert!(is_foreign(s.eval.relinearise(&tensor).unwrap_err()));
    assert!(is_foreign(s.eval.relinearise_rescale(&tensor).unwrap_err()));
    assert!(is_foreign(s.eval.rescale(&t.eval.relinearise(&tensor).unwrap()).unwrap_err()));
    assert!(is_foreign(s.eval.add_tensor(&mut s.eval.mul_lazy(&mine, &mine).unwrap(), &tensor).unwrap_err()));
    let keys = KeySet::empty(t.params.rlwe());
    assert!(is_foreign(Evaluator::new(&s.params, keys).unwrap_err()));
}

/// A digest of everything that a party writes, from seeds alone.
fn digest() -> Vec<u8> {
    let params = Params::danger_insecure(&shape(8, 60, 45, 4).danger_toy(2).unwrap()).unwrap();
    let mut random = rng(42);
    let secret = SecretKey::new(params.rlwe(), &mut random);
    let request = KeyRequest::new().with(Purpose::Relinearise, Level(4)).with(Purpose::Rotate(3), Level(3));
    let keys = KeySet::generate(params.rlwe(), &secret, &request, &mut random, |_| true).unwrap().unwrap();
    let mut all = to_bytes(&params, &keys);
    let plain = params.encode(&units(128, &mut rng(1))).unwrap();
    let seeded = params.encrypt(&plain, &secret, &mut random).unwrap();
    all.extend(to_bytes(&params, &seeded));
    let public = secret.public_key(params.rlwe(), &mut random).unwrap();
    all.extend(to_bytes::<rlwe::PublicKey>(&params, &public));
    let a = params.encrypt_public(&plain, &public, &mut random).unwrap();
    let eval = Evaluator::new(&params, keys).unwrap();
    let b = eval.mul(&a, &seeded.expand(&params)).unwrap();
    let c = eval.combine(&[&eval.rotate(&b, 3).unwrap(), &a], &[0.5, 1.5], 0.25).unwrap();
    all.extend(to_bytes(&params, &c));
    all.extend(to_bytes(&params, &eval.square(&c).unwrap()));
    all
}

#[test]
fn bytes_do_not_depend_on_the_number_of_threads() {
    let run = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(digest);
    let want = run(1);
    assert!([2, 3, 4].into_iter().all(|threads| run(threads) == want));
    assert_eq!(digest(), want);
}

#[test]
#[ignore = "run by `bytes_do_not_depend_on_the_kernels`"]
fn speak() {
    println!(
        "digest {:x?} {}",
        digest().iter().fold(0u64, |h, &b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3)),
        digest().len()
    );
}

#[test]
fn bytes_do_not_depend_on_the_kernels() {
    let spoken = |kernels: &str| {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.env("ARRAS_KERNELS", kernels).args(["--ignored", "--exact", "speak", "--nocapture"]);
        let text = String::from_utf8(child.output().unwrap().stdout).unwrap();
        text[text.find("digest").unwrap()..].lines().next().unwrap().to_owned()
    };
    let want = spoken("scalar");
    for kernels in rlwe::ring::Kernels::available() {
        assert_eq!(spoken(kernels.name), want, "{}", kernels.name);
    }
}

#[test]
fn released_values_hide_which_encryption_they_came_from() {
    let s = setup(shape(8, 60, 45, 2), 2, &[]);
    // Away from the points where a rounding decides: there one bit of noise would show.
    let bits = 12;
    let unit = 2f64.powi(bits);
    let x: Vec<f64> = units(128, &mut rng(5)).iter().map(|x| ((x * unit).floor() + 0.25) / unit).collect();
    let (a, b) = (s.encrypt_with(&x, 128, Level(2), 1), s.encrypt_with(&x, 128, Level(2), 2));
    let (a, b) = (s.open(&a), s.open(&b));
    assert_ne!(a.secret_reals(), b.secret_reals(), "the noise differs");
    let (a, b) = (a.release(bits as u32), b.release(bits as u32));
    assert_eq!(a, b);
    assert_eq!(a.precision_bits, 12);
    assert!(
        a.values.iter().all(|value| (value * unit).fract() == 0.0 && value.to_bits() != (-0.0f64).to_bits())
    );
    assert!(distance(&a.values, &x) <= 0.5 / unit);
}

#[test]
fn decrypted_values_are_not_printed_and_precisions_without_end_are_cut() {
    let Setup { params, secret, eval } = setup(shape(6, 60, 45, 1), 1, &[]);
    let plain = params.encode(&[0.123_456]).unwrap();
    let decrypted = params
        .decrypt(&params.encrypt(&plain, &secret, &mut rng(1)).unwrap().expand(&params), &secret)
        .unwrap();
    assert_eq!(format!("{decrypted:?}"), "Decrypted { slots: 32, .. }");
    for bits in [0, 52, 53, 1024, u32::MAX] {
        let released = decrypted.release(bits);
        assert_eq!(released.precision_bits, bits.min(52));
        assert!(released.values.iter().all(|value| value.is_finite()));
    }
    assert!(format!("{:?}", secret).len() < 60 && eval.counts().is_empty());
}

//! Keys do what they were asked to do, and nothing else.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod common;

use arras_ring::{Basis, Coeff, Eval, Galois, Poly, Seed};
use arras_rlwe::{Error, Hoisted, KeyRequest, KeySet, Level, Params, Purpose, Secret, SecretKey, switch};
use arras_testkit::rng;
use common::{Setup, setup, spec, toy};

/// s as its owner stores it.
fn secret_poly(params: &Params, secret: &SecretKey) -> Poly<Eval> {
    let bytes = secret.export_secret();
    let signed: Vec<i64> = (0..params.degree())
        .map(|i| match bytes[i / 4] >> (2 * (i % 4)) & 3 {
            0 => 0,
            1 => 1,
            3 => -1,
            other => panic!("{other} is no coefficient"),
        })
        .collect();
    let ring = params.ring();
    ring.ntt(ring.from_signed(&signed, Basis::main(ring.full().main)))
}

/// The largest coefficient of a polynomial whose coefficients are small and the same modulo every prime.
fn size(params: &Params, poly: Poly<Eval>) -> u64 {
    let (ring, basis) = (params.ring(), poly.basis());
    let poly: Poly<Coeff> = ring.intt(poly);
    let signed: Vec<Vec<i64>> = poly
        .rows()
        .enumerate()
        .map(|(i, row)| row.iter().map(|&x| ring.modulus(basis, i).to_signed(x)).collect())
        .collect();
    assert!(signed.iter().all(|row| *row == signed[0]), "not one small integer");
    signed[0].iter().map(|x| x.unsigned_abs()).max().unwrap()
}

/// d0 + d1 s - want.
fn difference(
    params: &Params,
    [mut d0, d1]: [Poly<Eval>; 2],
    s: &Poly<Eval>,
    want: &Poly<Eval>,
) -> Poly<Eval> {
    params.ring().mul_add_assign(&mut d0, &d1, s);
    params.ring().sub_assign(&mut d0, want);
    d0
}

fn every_key_at_every_level(rows: &[usize], digit: usize) {
    let Setup { params, secret, keys } = setup(7, rows, digit);
    let (ring, n) = (params.ring(), params.degree());
    let s = secret_poly(&params, &secret);
    let square = ring.mul(&s, &s);
    for level in (0..=params.highest().0).map(Level) {
        let c = ring.uniform(&Seed([level.0; 32]), params.basis(level));
        for purpose in [Purpose::Relinearise, Purpose::Rotate(1), Purpose::Rotate(3), Purpose::Conjugate] {
            let key = match keys.key(purpose, level) {
                Ok(key) => key,
                Err(error) => {
                    let (have, need) = (Level(level.0 - 1), level);
                    assert_eq!(error, Error::KeyLevel { by: Purpose::Rotate(1), have, need });
                    continue;
                }
            };
            let raised = switch(&params, &c, level, key);
            let hoisted = Hoisted::new(&params, &c, level);
            let again = hoisted.product(&params, key);
            for (a, b) in raised.parts.iter().zip(&again.parts) {
                assert!(a.rows().eq(b.rows()), "hoisted and plain switches differ");
            }
            let parts = raised.divide(&params, level);
            let (parts, want) = match purpose.galois(n) {
                None => (parts, ring.mul(&c, &square)),
                Some(g) => {
                    (parts.map(|part| ring.automorphism(&part, g)), ring.automorphism(&ring.mul(&c, &s), g))
                }
            };
            let error = size(&params, difference(&params, parts, &s, &want));
            // Digits times errors over P, and a rounding times the secret: deviations add up to a few dozens.
            assert!(error < 4096, "{purpose} at level {level}: {error}");
        }
    }
}

#[test]
fn key_switching_is_right_at_every_level() {
    for digit in [1, 2, 3, 4, 6, 20] {
        every_key_at_every_level(&[1, 1, 1, 1, 1, 1], digit);
        every_key_at_every_level(&[2, 1, 2, 2, 1], digit);
    }
}

#[test]
fn low_levels_use_fewer_special_primes() {
    let params = toy(7, &[1, 1, 1, 1, 1, 1], 4);
    let used: Vec<usize> = (0..=5).map(|level| params.digit_sizes(Level(level)).1).collect();
    assert_eq!(used, [1, 2, 3, 4, 4, 4]);
    assert_eq!(params.digits(), 2);
}

#[test]
fn a_set_answers_exactly_what_was_asked() {
    let params = toy(6, &[1, 1, 1], 2);
    let secret = SecretKey::new(&params, &mut rng(1));
    let request = KeyRequest::new()
        .with(Purpose::Rotate(5), Level(1))
        .with(Purpose::Rotate(5), Level(0))
        .union(&KeyRequest::new().with(Purpose::Relinearise, Level(2)));
    let mut steps = Vec::new();
    let keys = KeySet::generate(&params, &secret, &request, &mut rng(2), |done| {
        steps.push(done);
        true
    });
    let keys = keys.unwrap().unwrap();
    assert_eq!(steps, [0, 1]);
    assert_eq!(keys.request(), request);
    assert_eq!(keys.key(Purpose::Rotate(5), Level(1)).unwrap().level(), Level(1));
    let error = keys.key(Purpose::Rotate(5), Level(2)).unwrap_err();
    assert!(error.to_string().contains("request the key at level 2"), "{error}");
    for by in [Purpose::Rotate(4), Purpose::Conjugate] {
        let error = keys.key(by, Level(0)).unwrap_err();
        assert_eq!(error, Error::MissingKey { by });
        assert!(error.to_string().starts_with(&format!("no evaluation key for {by}")), "{error}");
    }
    assert!(KeySet::empty(&params).request().is_empty());
    let stopped = KeySet::generate(&params, &secret, &request, &mut rng(2), |done| done == 0);
    assert!(stopped.unwrap().is_none());
}

#[test]
fn requests_that_no_key_answers_are_refused() {
    let params = toy(6, &[1, 1, 1], 2);
    let secret = SecretKey::new(&params, &mut rng(1));
    let generate = |params: &Params, purpose, level| {
        let request = KeyRequest::new().with(purpose, level);
        KeySet::generate(params, &secret, &request, &mut rng(2), |_| true).map(drop).unwrap_err()
    };
    for by in [0, 32, 33, u32::MAX] {
        assert_eq!(generate(&params, Purpose::Rotate(by), Level(0)), Error::NoSuchRotation { by, most: 31 });
    }
    let error = generate(&params, Purpose::Relinearise, Level(3));
    assert_eq!(error.to_string(), "level 3 does not exist; the highest is 2");
    let other = toy(6, &[1, 1], 1);
    assert!(matches!(generate(&other, Purpose::Relinearise, Level(0)), Error::ForeignParams { .. }));
    assert!(
        secret
            .public_key(&other, &mut rng(3))
            .unwrap_err()
            .to_string()
            .contains("secret key belongs to parameter set")
    );
}

#[test]
fn encryptions_decrypt_to_their_message_and_a_small_error() {
    let Setup { params, secret, .. } = setup(8, &[1, 1, 1], 1);
    let ring = params.ring();
    let public = secret.public_key(&params, &mut rng(3)).unwrap();
    for level in (0..=2).map(Level) {
        let message = ring.uniform(&Seed([1; 32]), params.basis(level));
        let seeded = secret.encrypt_seeded(&params, &message, level, &mut rng(4)).unwrap().expand(&params);
        let whole = public.encrypt(&params, &message, level, &mut rng(5)).unwrap();
        for (ciphertext, most) in [(seeded, 29), (whole, 1000)] {
            for below in (0..=level.0).map(Level) {
                let mut phase = secret.phase(&params, &ciphertext.copy(ring, &params, below), level).unwrap();
                ring.sub_assign(&mut phase, &message);
                let error = size(&params, phase);
                assert!(error > 0 && error <= most, "{error} at level {below}");
            }
        }
    }
    let message = ring.zero(params.basis(Level(2)));
    let error = secret.encrypt_seeded(&params, &message, Level(3), &mut rng(4)).unwrap_err();
    assert_eq!(error, Error::NoSuchLevel { level: Level(3), highest: Level(2) });
    assert!(public.encrypt(&params, &message, Level(9), &mut rng(4)).is_err());
}

#[test]
fn encryptions_are_fresh() {
    let Setup { params, secret, .. } = setup(6, &[1, 1], 1);
    let message = params.ring().zero(params.basis(Level(1)));
    let mut rng = rng(6);
    let a = secret.encrypt_seeded(&params, &message, Level(1), &mut rng).unwrap();
    let b = secret.encrypt_seeded(&params, &message, Level(1), &mut rng).unwrap();
    assert!(a.seed != b.seed && !a.body.rows().eq(b.body.rows()));
}

#[test]
fn a_secret_key_is_drawn_as_the_parameters_say() {
    let mut sparse = spec(9, &[1, 1], 1);
    sparse.secret = Secret::Sparse { weight: 100 };
    let params = Params::danger_insecure(&sparse).unwrap();
    let bytes = SecretKey::new(&params, &mut rng(1)).export_secret();
    let nonzero = |bytes: &[u8]| (0..512).filter(|i| bytes[i / 4] >> (2 * (i % 4)) & 3 != 0).count();
    assert_eq!(nonzero(&bytes), 100);
    let dense = SecretKey::new(&toy(9, &[1, 1], 1), &mut rng(1)).export_secret();
    assert!((250..430).contains(&nonzero(&dense)));
}

#[test]
fn a_secret_key_comes_back_and_is_never_printed() {
    let params = toy(6, &[1, 1], 1);
    let secret = SecretKey::new(&params, &mut rng(7));
    let bytes = secret.export_secret();
    assert_eq!(bytes.len(), 16);
    let back = SecretKey::import_secret(&params, &bytes).unwrap();
    assert_eq!(*back.export_secret(), *bytes);
    let (a, b) = (secret_poly(&params, &secret), secret_poly(&params, &back));
    assert!(a.rows().eq(b.rows()));
    let shown = format!("{secret:?}");
    assert_eq!(shown, format!("SecretKey {{ params: {:?}, .. }}", params.id()));

    for wrong in [vec![0; 15], vec![0; 17], Vec::new()] {
        assert!(SecretKey::import_secret(&params, &wrong).is_none());
    }
    for position in 0..64 {
        let mut wrong = bytes.to_vec();
        wrong[position / 4] &= !(3 << (2 * (position % 4)));
        wrong[position / 4] |= 2 << (2 * (position % 4));
        assert!(SecretKey::import_secret(&params, &wrong).is_none(), "two is no coefficient");
    }
}

#[test]
fn purposes_name_their_automorphisms() {
    assert_eq!(Purpose::Relinearise.galois(64), None);
    assert_eq!(Purpose::Rotate(3).galois(64), Some(Galois::rotation(3, 64)));
    assert_eq!(Purpose::Conjugate.galois(64), Some(Galois::conjugation(64)));
    assert_eq!(
        [Purpose::Relinearise, Purpose::Rotate(3), Purpose::Conjugate].map(|p| p.to_string()),
        ["relinearisation", "rotation by 3", "conjugation"]
    );
}

//! The raise of a refresh: what it gives, the keys it needs, their bytes, and the security of the ephemeral secret.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod common;

use arras_ring::{Basis, Seed};
use arras_rlwe::wire::{from_bytes, spec_from_bytes, spec_to_bytes, to_bytes};
use arras_rlwe::{
    Ciphertext, Error, KeyRequest, KeySet, Level, Params, Purpose, Refresh, SecretKey, Security, Spec, raise,
    security,
};
use arras_testkit::rng;
use common::{spec, toy};

const WEIGHT: u32 = 16;

fn refreshing(log_degree: u32, rows: &[usize], digit: usize) -> Spec {
    Spec { refresh: Some(Refresh { levels: 2, weight: WEIGHT }), ..spec(log_degree, rows, digit) }
}

fn keys(params: &Params, request: &KeyRequest) -> (SecretKey, KeySet) {
    let mut rng = rng(1);
    let secret = SecretKey::new(params, &mut rng);
    let keys = KeySet::generate(params, &secret, request, &mut rng, |_| true).unwrap().unwrap();
    (secret, keys)
}

#[test]
fn a_raise_adds_few_multiples_of_the_base() {
    for (rows, digit) in [(&[1, 1, 1, 1, 1][..], 1), (&[1, 1, 2, 1, 2], 3)] {
        let params = Params::danger_insecure(&refreshing(9, rows, digit)).unwrap();
        let summit = params.summit();
        assert_eq!((params.highest(), summit), (Level(2), Level(4)));
        let (secret, keys) = keys(&params, &KeyRequest::new().with_raise(summit));
        let ring = params.ring();
        // Any pair is an encryption of something.
        let parts = [1, 2].map(|seed| ring.uniform(&Seed([seed; 32]), params.basis(Level(0))));
        let low = Ciphertext { parts, level: Level(0), id: params.id() };
        let high = raise(&params, &keys, &low, summit).unwrap();
        assert_eq!(high.level, summit);
        let coefficients = |c: &Ciphertext| ring.intt(secret.phase(&params, c, Level(1)).unwrap());
        let (before, after) = (coefficients(&low), coefficients(&high));
        let q: Vec<i128> =
            (0..2).map(|i| i128::from(ring.modulus(params.basis(Level(1)), i).value())).collect();
        let base = ring.modulus(Basis::main(1), 0);
        let mut largest = 0;
        for k in 0..params.degree() {
            // Garner's way, modulo the first two primes.
            let (r0, r1) = (i128::from(after.row(0)[k]), i128::from(after.row(1)[k]));
            let m1 = ring.modulus(Basis::main(2), 1);
            let inverse = i128::from(m1.inverse(m1.reduce(base.value())));
            let value = r0 + q[0] * ((r1 - r0).rem_euclid(q[1]) * inverse % q[1]);
            let value = if value > q[0] * q[1] / 2 { value - q[0] * q[1] } else { value };
            let clear = i128::from(base.to_signed(before.row(0)[k]));
            let multiple = (value - clear + q[0] / 2).div_euclid(q[0]);
            let noise = (value - clear - multiple * q[0]).abs();
            assert!(noise < 1 << 12, "coefficient {k}: {noise}");
            largest = largest.max(multiple.abs());
        }
        // A dense secret would give dozens: sums of 512 terms instead of 17.
        assert!((2..=i128::from(WEIGHT).div_euclid(2) + 1).contains(&largest), "{largest}");
    }
}

#[test]
fn both_keys_are_needed_and_made_together() {
    let params = Params::danger_insecure(&refreshing(7, &[1, 1, 1, 1], 1)).unwrap();
    let secret = SecretKey::new(&params, &mut rng(1));
    let generate = |params: &Params, secret: &SecretKey, request: &KeyRequest| {
        KeySet::generate(params, secret, request, &mut rng(2), |_| true).map(drop).unwrap_err()
    };
    for purpose in [Purpose::ToSparse, Purpose::ToDense] {
        assert_eq!(generate(&params, &secret, &KeyRequest::new().with(purpose, Level(0))), Error::HalfRaise);
    }
    let whole = KeyRequest::new().with_raise(Level(3));
    assert_eq!(
        generate(&params, &secret, &whole.clone().with(Purpose::ToSparse, Level(1))),
        Error::HalfRaise
    );
    let plain = toy(7, &[1, 1, 1, 1], 1);
    let other = SecretKey::new(&plain, &mut rng(1));
    assert_eq!(generate(&plain, &other, &whole), Error::HalfRaise);

    let (_, trimmed) = keys(&params, &KeyRequest::new().with_raise(Level(2)));
    let parts = [1, 2].map(|seed| params.ring().uniform(&Seed([seed; 32]), params.basis(Level(0))));
    let low = Ciphertext { parts, level: Level(0), id: params.id() };
    assert_eq!(raise(&params, &trimmed, &low, Level(2)).unwrap().level, Level(2));
    let error = raise(&params, &trimmed, &low, Level(3)).unwrap_err();
    assert_eq!(error, Error::KeyLevel { by: Purpose::ToDense, have: Level(2), need: Level(3) });
    let error = raise(&params, &KeySet::empty(&params), &low, Level(3)).unwrap_err();
    assert_eq!(error, Error::MissingKey { by: Purpose::ToSparse });
    assert!(error.to_string().contains("going to the sparse secret"), "{error}");
}

#[test]
fn keys_travel_and_strange_ones_are_refused() {
    let params = Params::danger_insecure(&refreshing(6, &[1, 1, 1, 1], 2)).unwrap();
    let request = KeyRequest::new().with_raise(Level(3)).with(Purpose::Rotate(1), Level(3));
    let (_, set) = keys(&params, &request);
    let bytes = to_bytes(&params, &set);
    let again: KeySet = from_bytes(&params, &bytes).unwrap();
    assert_eq!(again.request(), request);
    assert_eq!(to_bytes(&params, &again), bytes);
    // The same body under parameters without a refresh.
    let plain = Params::danger_insecure(&Spec { refresh: None, ..params.spec().clone() }).unwrap();
    let (_, body) = arras_rlwe::wire::open(arras_rlwe::wire::Kind::KeySet, &bytes).unwrap();
    let forged = arras_rlwe::wire::seal(arras_rlwe::wire::Kind::KeySet, plain.id(), |out| out.bytes(body));
    assert!(from_bytes::<KeySet>(&plain, &forged).unwrap_err().to_string().contains("a rotation"));
    for at in (0..bytes.len()).step_by(997) {
        let mut cut = bytes.clone();
        cut.truncate(at);
        assert!(from_bytes::<KeySet>(&params, &cut).is_err(), "cut at {at}");
    }
}

#[test]
fn specifications_name_their_refresh() {
    let with = refreshing(8, &[1, 1, 1, 1], 1);
    let params = Params::danger_insecure(&with).unwrap();
    let bytes = spec_to_bytes(&with, params.id());
    assert_eq!(spec_from_bytes(&bytes).unwrap(), with);
    let ids = [
        with.clone(),
        Spec { refresh: None, ..with.clone() },
        Spec { refresh: Some(Refresh { levels: 1, weight: WEIGHT }), ..with.clone() },
        Spec { refresh: Some(Refresh { levels: 2, weight: WEIGHT + 1 }), ..with.clone() },
    ]
    .map(|spec| Params::danger_insecure(&spec).unwrap().id());
    assert!(ids.iter().enumerate().all(|(i, a)| ids[..i].iter().all(|b| a != b)));
    let refused = |change: &dyn Fn(&mut Spec)| {
        let mut spec = with.clone();
        change(&mut spec);
        Params::danger_insecure(&spec).unwrap_err().to_string()
    };
    let set = |levels, weight| move |spec: &mut Spec| spec.refresh = Some(Refresh { levels, weight });
    for levels in [0, 3, 4, u32::MAX] {
        assert!(refused(&set(levels, 32)).contains("leave at least one"), "{levels} levels");
    }
    for weight in [0, 257, u32::MAX] {
        assert!(refused(&set(2, weight)).contains("use a weight from 1 to N"), "weight {weight}");
    }
    assert!(refused(&|spec| spec.base = common::spec(8, &[3], 1).base[1..].to_vec()).contains("base of"));
}

#[test]
fn the_ephemeral_secret_has_a_limit_of_its_own() {
    assert_eq!(security::ephemeral_limit(16, 32, Security::Bits128), Some(121));
    assert_eq!(security::ephemeral_limit(16, 31, Security::Bits128), None);
    assert_eq!(security::ephemeral_limit(14, 32, Security::Bits128), None);
    assert_eq!(security::ephemeral_limit(16, 32, Security::Bits192), None);
    let mut large = refreshing(15, &[1, 1, 1, 1], 1);
    large.refresh = Some(Refresh { levels: 2, weight: 32 });
    let params = Params::new(&large).unwrap();
    assert!((params.log2_ephemeral() - 81.0).abs() < 0.1, "{}", params.log2_ephemeral());
    large.refresh = Some(Refresh { levels: 2, weight: 16 });
    assert!(matches!(Params::new(&large).unwrap_err(), Error::NoLimit { .. }));
    // A base of 50 bits beside special primes of 38: level 0 takes two of them.
    let near = |bits: i32, count| arras_ring::primes::near(2f64.powi(bits), 1 << 15).take(count).collect();
    let primes: Vec<u64> = near(37, 2);
    large.refresh = Some(Refresh { levels: 2, weight: 32 });
    (large.base, large.special) = (near(50, 1), primes);
    let error = Params::new(&large).unwrap_err();
    assert!(matches!(error, Error::Ephemeral { weight: 32, limit: 121, .. }), "{error}");
}

//! Every type comes back from its bytes, which are the only bytes of that value.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod common;

use arras_ring::Seed;
use arras_rlwe::wire::{Wire, from_bytes, spec_from_bytes, spec_to_bytes, to_bytes};
use arras_rlwe::{
    Ciphertext, Hoisted, KeySet, Level, Params, PublicKey, Purpose, SecretKey, SeededCiphertext,
};
use arras_testkit::rng;
use common::{Setup, setup, spec};

fn again<T: Wire>(params: &Params, value: &T) -> T {
    let bytes = to_bytes(params, value);
    let back: T = from_bytes(params, &bytes).unwrap();
    assert_eq!(to_bytes(params, &back), bytes);
    back
}

#[test]
fn every_type_comes_back() {
    for (rows, digit) in [(&[1, 1, 1][..], 1), (&[2, 2, 1, 1], 3)] {
        let Setup { params, secret, keys } = setup(6, rows, digit);
        let ring = params.ring();
        let public = again(&params, &secret.public_key(&params, &mut rng(2)).unwrap());
        let back: SecretKey = again(&params, &secret);
        assert_eq!(*back.export_secret(), *secret.export_secret());
        for level in (0..=params.highest().0).map(Level) {
            let message = ring.uniform(&Seed([3; 32]), params.basis(level));
            let seeded: SeededCiphertext =
                again(&params, &secret.encrypt_seeded(&params, &message, level, &mut rng(4)).unwrap());
            let expanded: Ciphertext = again(&params, &seeded.expand(&params));
            let whole: Ciphertext =
                again(&params, &public.encrypt(&params, &message, level, &mut rng(5)).unwrap());
            assert_eq!((expanded.level, whole.level, whole.id), (level, level, params.id()));
            assert!(secret.phase(&params, &expanded, level).is_ok());
        }
        let read: KeySet = again(&params, &keys);
        assert_eq!((read.request(), read.id()), (keys.request(), keys.id()));
        // A key that was read does what the written one does: its uniform halves come from the seed again.
        let c = ring.uniform(&Seed([9; 32]), params.basis(Level(1)));
        let hoisted = Hoisted::new(&params, &c, Level(1));
        let product =
            |keys: &KeySet| hoisted.product(&params, keys.key(Purpose::Rotate(3), Level(1)).unwrap());
        for (a, b) in product(&keys).parts.iter().zip(&product(&read).parts) {
            assert!(a.rows().eq(b.rows()));
        }
        assert!(again(&params, &KeySet::empty(&params)).request().is_empty());
    }
}

#[test]
fn seeds_halve_the_bytes() {
    let Setup { params, secret, .. } = setup(10, &[1, 1, 1], 1);
    let message = params.ring().zero(params.basis(Level(2)));
    let seeded = secret.encrypt_seeded(&params, &message, Level(2), &mut rng(1)).unwrap();
    let short = to_bytes(&params, &seeded).len();
    let long = to_bytes(&params, &seeded.expand(&params)).len();
    // Three primes of at most 41 bits, a level, a seed, a frame.
    assert!(short <= 1024 * 3 * 41 / 8 + 33 + 68 && 2 * short < long + 200, "{short} {long}");
    assert!(to_bytes::<PublicKey>(&params, &secret.public_key(&params, &mut rng(1)).unwrap()).len() <= short);
    assert_eq!(to_bytes(&params, &secret).len(), 256 + 68);
}

#[test]
fn specifications_come_back() {
    for (rows, digit) in [(&[1, 1, 1][..], 1), (&[3, 2, 1, 2], 3)] {
        let spec = spec(5, rows, digit);
        let params = Params::danger_insecure(&spec).unwrap();
        let bytes = spec_to_bytes(&spec, params.id());
        let back = spec_from_bytes(&bytes).unwrap();
        assert_eq!(back, spec);
        assert_eq!(spec_to_bytes(&back, params.id()), bytes);
        let json = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<arras_rlwe::Spec>(&json).unwrap(), spec);
    }
}

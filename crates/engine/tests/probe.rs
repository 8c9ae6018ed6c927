//! The probe does what it says, once for each call.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

mod common;

use arras_approx::Polynomial;
use arras_ckks::{Level, PublicKey};
use arras_engine::Error;
use arras_engine::probe::{Op, Probe, required_keys};
use arras_testkit::rng;
use common::Toy;

fn public(toy: &Toy) -> PublicKey {
    toy.secret.public_key(toy.params.rlwe(), &mut rng(4)).unwrap()
}

#[test]
fn every_operation_at_every_level() {
    let toy = Toy::new(9, 2);
    let mut opened = 0;
    let open = |ct: &arras_ckks::Ciphertext| {
        let values = toy.open(ct);
        assert!(values.iter().all(|x| x.abs() < 1.0 + 1e-6));
        opened += 1;
    };
    let keys = toy.keys(&required_keys(&toy.params));
    let mut probe = Probe::new(&toy.params, keys, public(&toy), rng(5)).unwrap().opening(open);
    for op in Op::ALL {
        assert_eq!(Op::find(op.name()), Some(op));
        assert!(probe.supports(op));
        for level in 0..=2 {
            let done = probe.run(op, Level(level));
            assert_eq!(done.is_ok(), Level(level) >= op.least_level(), "{op} at {level}");
        }
        assert!(probe.run(op, Level(3)).is_err());
    }
    drop(probe);
    assert_eq!(opened, 3);
    assert_eq!(Op::find("bootstrap"), None);
}

#[test]
fn polynomials() {
    let toy = Toy::new(9, 3);
    let mut probe =
        Probe::new(&toy.params, toy.keys(&required_keys(&toy.params)), public(&toy), rng(5)).unwrap();
    let cubic = Polynomial::unit(vec![0.0, 0.5, 0.0, 0.25]).unwrap();
    for level in 0..=4 {
        assert_eq!(probe.poly(&cubic, Level(level)).is_ok(), (2..=3).contains(&level), "level {level}");
    }
}

#[test]
fn what_was_not_given_is_not_there() {
    let toy = Toy::new(9, 2);
    let mut probe =
        Probe::new(&toy.params, toy.keys(&required_keys(&toy.params)), public(&toy), rng(5)).unwrap();
    assert!(!probe.supports(Op::Decrypt));
    assert!(matches!(probe.run(Op::Decrypt, Level(1)), Err(Error::NoOpening)));
    let other = Toy::new(9, 3);
    assert!(Probe::new(&toy.params, toy.keys(&required_keys(&toy.params)), public(&other), rng(5)).is_err());
}

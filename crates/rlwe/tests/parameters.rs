//! What `Params::new` lets through, and what it says when it does not.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test may fail loudly")]

mod common;

use arras_rlwe::{Advice, Error, Params, Secret, Security, Spec, security};
use common::spec;

fn secure() -> Spec {
    // 40 + 38 + 41 = 119 bits: secure from N = 2^13 on.
    spec(13, &[1, 1], 1)
}

fn refused(change: impl FnOnce(&mut Spec)) -> Error {
    let mut spec = secure();
    change(&mut spec);
    let error = Params::new(&spec).unwrap_err();
    if !matches!(error, Error::Insecure { .. } | Error::NoLimit { .. }) {
        assert_eq!(Params::danger_insecure(&spec).unwrap_err(), error);
    }
    error
}

#[test]
fn a_secure_set_is_accepted_and_says_so() {
    let params = Params::new(&secure()).unwrap();
    assert!(params.is_secure());
    assert_eq!((params.degree(), params.highest().0), (8192, 1));
    assert!((params.log2_q() + params.log2_p() - 119.0).abs() < 0.1);
    assert!(!Params::danger_insecure(&spec(9, &[1, 1], 1)).unwrap().is_secure());
    assert!(Params::danger_insecure(&secure()).unwrap().is_secure());
}

#[test]
fn too_large_a_modulus_names_the_ring_that_would_do() {
    let error = Params::new(&spec(12, &[1, 1], 1)).unwrap_err();
    assert!(matches!(
        error,
        Error::Insecure { log_degree: 12, limit: 106, bits: 128, advice: Advice::Degree(13), .. }
    ));
    assert!(error.to_string().ends_with("use N = 2^13, or fewer or smaller levels"), "{error}");
    let error = refused(|spec| spec.levels = common::spec(13, &[1, 2, 2, 2, 2], 1).levels);
    assert!(matches!(error, Error::Insecure { advice: Advice::Degree(14), .. }), "{error}");
    let mut huge = spec(17, &[1], 1);
    huge.levels = spec(17, &[1; 100], 1).levels;
    let error = Params::new(&huge).unwrap_err();
    assert!(matches!(error, Error::Insecure { advice: Advice::FewerLevels, limit: 3523, .. }), "{error}");
    assert!(error.to_string().contains("no larger ring"), "{error}");
}

#[test]
fn every_security_has_its_own_limit() {
    for (security, log_degree) in [(Security::Bits128, 13), (Security::Bits192, 13), (Security::Bits256, 14)]
    {
        let mut small = spec(log_degree, &[1, 1], 1);
        small.security = security;
        assert!(Params::new(&small).unwrap().is_secure());
        small.log_degree -= 1;
        assert!(Params::new(&small).is_err());
    }
    let error = refused(|spec| spec.security = Security::Bits256);
    assert!(error.to_string().contains("at 256-bit security"), "{error}");
    assert_eq!(Security::from_bits(192), Some(Security::Bits192));
    assert_eq!(Security::from_bits(127), None);
}

#[test]
fn unknown_security_is_refused() {
    for log_degree in [0, 4, 9, 18, 64, 200, u32::MAX] {
        let error = refused(|spec| spec.log_degree = log_degree);
        assert!(matches!(error, Error::NoLimit { .. }), "{error}");
        assert!(error.to_string().contains("use N from 2^10 to 2^17 and a dense ternary secret"), "{error}");
    }
    // No table for a sparse secret in this ring, for a weight this low, for more than N, or for more than 128 bits.
    for (log_degree, weight) in [(13, 192), (15, 64), (15, 0), (15, u32::MAX)] {
        let error = refused(|spec| (spec.log_degree, spec.secret) = (log_degree, Secret::Sparse { weight }));
        assert!(matches!(error, Error::NoLimit { .. }), "{error}");
        assert!(error.to_string().contains(&format!("a sparse secret of weight {weight}")), "{error}");
    }
    let mut sparse = spec(15, &[1, 1], 1);
    sparse.secret = Secret::Sparse { weight: 192 };
    assert!(Params::new(&sparse).unwrap().is_secure());
    sparse.security = Security::Bits192;
    assert!(matches!(Params::new(&sparse).unwrap_err(), Error::NoLimit { .. }));
}

#[test]
fn impossible_weights_are_refused_even_in_toys() {
    for weight in [0, 513, u32::MAX] {
        let mut toy = spec(9, &[1, 1], 1);
        toy.secret = Secret::Sparse { weight };
        let error = Params::danger_insecure(&toy).unwrap_err();
        assert!(error.to_string().contains("use a weight from 1 to N"), "{error}");
    }
}

#[test]
fn chains_and_digits_are_checked() {
    let says = |error: Error, what: &str| assert!(error.to_string().contains(what), "{error}");
    says(refused(|spec| spec.base.clear()), "level 0 of the modulus chain has 0 primes");
    says(refused(|spec| spec.base = vec![3, 5, 7, 11]), "the base one to three");
    says(refused(|spec| spec.levels[0].clear()), "level 1 of the modulus chain has 0 primes");
    says(refused(|spec| spec.levels[0] = vec![3, 5, 7]), "a level has one or two");
    says(refused(|spec| spec.levels = vec![vec![1]; 201]), "has 201 levels; the most is 200");
    says(refused(|spec| spec.special.clear()), "add special primes or make digits shorter");
    says(refused(|spec| spec.digit = 0), "make digits shorter");
    says(refused(|spec| spec.digit = 2), "a key-switching digit has 78.0 (limbs: 2)");
    says(refused(|spec| spec.digit = usize::MAX), "make digits shorter");
}

#[test]
fn primes_are_checked() {
    let says = |error: Error, what: &str| assert!(error.to_string().contains(what), "{error}");
    for q in [0, 1, 2, 1 << 40, (1 << 40) + 1] {
        says(refused(|spec| spec.levels[0] = vec![q]), &format!("{q} is not a prime below 2^50"));
    }
    says(refused(|spec| spec.special[0] = u64::MAX), "18446744073709551615 is not a prime below 2^50");
    says(refused(|spec| spec.levels[0] = vec![1_099_511_627_689]), "does not split");
    says(refused(|spec| spec.special = spec.base.clone()), "appears twice");
}

#[test]
fn the_limits_are_those_of_the_guidelines() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/tables/security.csv");
    let Ok(table) = std::fs::read_to_string(path) else {
        println!("skipped: no table beside the checkout");
        return;
    };
    let mut compared = 0;
    for line in table.lines().filter(|line| line.starts_with("G24,ternary,")) {
        let cells: Vec<&str> = line.split(',').collect();
        let degree: u32 = cells[2].parse().unwrap();
        for (cell, security) in
            cells[3..].iter().zip([Security::Bits128, Security::Bits192, Security::Bits256])
        {
            let ours = security::limit(degree.ilog2(), Secret::Ternary, security);
            assert_eq!(ours, cell.parse().ok(), "N = {degree} at {} bits", security.bits());
            compared += 1;
        }
    }
    assert_eq!(compared, 24);
}

#[test]
fn the_limits_grow_with_the_ring_and_shrink_with_security() {
    for security in [Security::Bits128, Security::Bits192, Security::Bits256] {
        let limits: Vec<u32> =
            (10..=17).filter_map(|log| security::limit(log, Secret::Ternary, security)).collect();
        assert!(limits.len() >= 7 && limits.windows(2).all(|w| 2 * w[0] <= w[1]));
        assert_eq!(
            security::smallest_degree(f64::from(limits[limits.len() - 1]) + 0.5, Secret::Ternary, security),
            None
        );
    }
    for log in 11..=17 {
        let limit = |security| security::limit(log, Secret::Ternary, security).unwrap();
        assert!(
            limit(Security::Bits128) > limit(Security::Bits192)
                && limit(Security::Bits192) > limit(Security::Bits256)
        );
    }
    assert_eq!(security::smallest_degree(430.0, Secret::Ternary, Security::Bits128), Some(14));
    assert_eq!(security::smallest_degree(430.1, Secret::Ternary, Security::Bits128), Some(15));
}

#[test]
fn names_differ_when_anything_does() {
    let base = spec(9, &[1, 1, 2], 2);
    let id = |change: &dyn Fn(&mut Spec)| {
        let mut spec = base.clone();
        change(&mut spec);
        Params::danger_insecure(&spec).unwrap().id()
    };
    let all = [
        id(&|_| ()),
        id(&|spec| spec.digit = 1),
        id(&|spec| spec.levels.swap(0, 1)),
        id(&|spec| spec.levels[1].reverse()),
        id(&|spec| spec.special.reverse()),
        id(&|spec| spec.security = Security::Bits192),
        id(&|spec| spec.secret = Secret::Sparse { weight: 64 }),
        id(&|spec| spec.secret = Secret::Sparse { weight: 65 }),
        id(&|spec| spec.log_degree = 8),
    ];
    for (i, a) in all.iter().enumerate() {
        assert!(all[..i].iter().all(|b| a != b), "{i}");
    }
    assert_eq!(all[0], id(&|_| ()));
    assert_eq!(all[0].to_string().len(), 12);
}

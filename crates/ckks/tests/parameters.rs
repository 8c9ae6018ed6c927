//! The catalogue, wishes, and chains that are refused.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod common;

use arras_ckks::presets::{PRESETS, find};
use arras_ckks::rlwe::security;
use arras_ckks::{Error, Level, Params, Security, Shape, Spec, Wish};
use arras_testkit::{rng, units};
use common::{over, shape};

/// log2 QP of a specification.
fn size(spec: &Spec) -> f64 {
    let main = spec.base.iter().chain(spec.levels.iter().flatten());
    main.chain(&spec.special).map(|&q| (q as f64).log2()).sum()
}

#[test]
fn every_preset_is_what_its_name_says() {
    for preset in &PRESETS {
        let spec = preset.spec().unwrap();
        let shape = preset.shape;
        let limit = security::limit(spec.log_degree, spec.secret, spec.security).unwrap();
        assert!(size(&spec) <= f64::from(limit), "{}: {} above {limit}", preset.name, size(&spec));
        assert_eq!(
            (spec.levels.len() as u32, spec.log_degree, spec.security),
            (shape.depth, shape.log_degree, shape.security)
        );
        let base: f64 = spec.base.iter().map(|&q| (q as f64).log2()).sum();
        assert!((base - f64::from(shape.base_bits)).abs() < 0.1, "{}: base of {base}", preset.name);
        let suffix = if shape.security == Security::Bits128 {
            String::new()
        } else {
            format!("-s{}", shape.security.bits())
        };
        assert_eq!(preset.name, format!("n{}-l{}{suffix}", shape.log_degree, shape.depth));
        assert_eq!(find(preset.name).unwrap().purpose, preset.purpose);
        assert_eq!(PRESETS.iter().filter(|other| other.name == preset.name).count(), 1);
    }
    assert!(find("n99-l1").is_none());
}

fn build(preset: &arras_ckks::presets::Preset) {
    let params = Params::new(&preset.spec().unwrap()).unwrap();
    assert!(params.is_secure());
    assert_eq!(params.highest(), Level(preset.shape.depth as u8));
    assert_eq!(params.max_slots(), 1 << (preset.shape.log_degree - 1));
    for level in 0..=preset.shape.depth {
        let scale = params.scale(Level(level as u8)).log2();
        assert!(
            (scale - f64::from(preset.shape.scale_bits)).abs() < 0.01,
            "{}: 2^{scale} at {level}",
            preset.name
        );
    }
}

#[test]
fn small_presets_build() {
    PRESETS.iter().filter(|preset| preset.shape.log_degree <= 14).for_each(build);
}

#[test]
#[ignore = "rings of 2^16"]
fn large_presets_build() {
    PRESETS.iter().filter(|preset| preset.shape.log_degree > 14).for_each(build);
}

/// The largest error after `depth` multiplications in a row.
fn measure(wish: &Wish) -> f64 {
    let spec = wish.grant().unwrap();
    assert_eq!(spec.security, wish.security);
    let params = Params::new(&spec).unwrap();
    assert!(
        params.is_secure() && params.max_slots() >= wish.slots && u32::from(params.highest().0) >= wish.depth
    );
    let s = over(params, &[]);
    let mut want = units(wish.slots, &mut rng(5));
    let mut ciphertext = s.encrypt(&want, wish.slots, s.params.highest());
    for round in 0..u64::from(wish.depth) {
        // Factors near 1 keep the product from vanishing, where any answer is right.
        let factor: Vec<f64> =
            units(wish.slots, &mut rng(round)).iter().map(|x| x.signum() * (1.0 - x.abs() / 8.0)).collect();
        let other = s.encrypt_with(&factor, wish.slots, ciphertext.level(), 90 + round);
        ciphertext = s.eval.mul(&ciphertext, &other).unwrap();
        want.iter_mut().zip(&factor).for_each(|(x, f)| *x *= f);
    }
    arras_testkit::distance(&s.decrypt(&ciphertext), &want)
}

fn wish(security: Security, precision_bits: u32, slots: usize, depth: u32) -> Wish {
    Wish { security, precision_bits, slots, depth }
}

#[test]
fn wishes_are_granted_with_the_precision_asked_for() {
    for (security, precision, slots, depth) in [
        (Security::Bits128, 8, 16, 1),
        (Security::Bits128, 20, 2048, 1),
        (Security::Bits128, 16, 512, 3),
        (Security::Bits192, 12, 4096, 1),
        (Security::Bits256, 10, 1, 1),
    ] {
        let wish = wish(security, precision, slots, depth);
        let error = measure(&wish);
        assert!(error < (-f64::from(precision)).exp2(), "{wish:?}: {error:e}");
    }
}

#[test]
#[ignore = "rings up to 2^15"]
fn larger_wishes_are_granted_with_the_precision_asked_for() {
    for security in [Security::Bits128, Security::Bits192] {
        for (precision, slots, depth) in [(30, 64, 8), (40, 8192, 5), (4, 1, 16), (20, 16384, 2)] {
            let wish = wish(security, precision, slots, depth);
            let error = measure(&wish);
            assert!(error < (-f64::from(precision)).exp2(), "{wish:?}: {error:e}");
        }
    }
}

#[test]
fn every_grant_of_a_grid_is_secure() {
    for security in [Security::Bits128, Security::Bits192, Security::Bits256] {
        for precision in [4, 15, 27, 40] {
            for (slots, depth) in [(1, 1), (1000, 3), (4096, 10), (30_000, 20)] {
                let wish = wish(security, precision, slots, depth);
                match wish.grant() {
                    Ok(spec) => {
                        let limit = security::limit(spec.log_degree, spec.secret, security).unwrap();
                        assert!(size(&spec) <= f64::from(limit), "{wish:?}");
                        assert!(
                            1usize << (spec.log_degree - 1) >= slots && spec.levels.len() == depth as usize
                        );
                    }
                    Err(error) => assert!(matches!(error, Error::NoParameters { .. }), "{wish:?}: {error}"),
                }
            }
        }
    }
}

#[test]
fn wishes_that_nothing_grants_say_what_would() {
    let error = wish(Security::Bits128, 30, 64, 200).grant().unwrap_err();
    let Error::NoParameters { most_depth, depth: 200, precision: 30, security: 128 } = error else {
        panic!("{error}")
    };
    assert!(most_depth > 20, "{most_depth}");
    assert!(wish(Security::Bits128, 30, 64, most_depth).grant().is_ok());
    assert!(wish(Security::Bits128, 30, 64, most_depth + 1).grant().is_err());
    let says = |wish: Wish, what: &str| {
        let error = wish.grant().unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
    };
    says(wish(Security::Bits128, 3, 64, 1), "a precision in bits of 3 is out of range; use 4 to 40");
    says(wish(Security::Bits128, 41, 64, 1), "use 4 to 40");
    says(wish(Security::Bits128, 10, 0, 1), "a vector length of 0 is out of range; use 1 to 65536");
    says(wish(Security::Bits128, 10, 65_537, 1), "use 1 to 65536");
    says(wish(Security::Bits128, 10, usize::MAX, 1), "use 1 to 65536");
    says(wish(Security::Bits128, 10, 1, 0), "a depth of 0 is out of range; use 1 to 200");
    says(wish(Security::Bits128, 10, 1, u32::MAX), "use 1 to 200");
}

#[test]
fn shapes_out_of_range_have_no_primes() {
    let good = shape(13, 45, 35, 1);
    assert!(good.build().is_some() && good.danger_toy(1).is_some());
    for bad in [
        Shape { log_degree: 0, ..good },
        Shape { log_degree: 64, ..good },
        Shape { log_degree: u32::MAX, ..good },
        Shape { base_bits: 0, ..good },
        Shape { base_bits: u32::MAX, ..good },
        Shape { scale_bits: 0, ..good },
        Shape { scale_bits: u32::MAX, ..good },
        Shape { depth: 0, ..good },
        Shape { depth: u32::MAX, ..good },
    ] {
        assert!(bad.build().is_none() && bad.danger_toy(1).is_none(), "{bad:?}");
    }
    assert!(Shape { depth: 200, ..good }.build().is_none());
    assert!(Params::danger_insecure(&good.danger_toy(0).unwrap()).is_err());
}

#[test]
fn scales_stay_where_they_start_even_in_deep_chains() {
    for (scale_bits, depth) in [(50, 40), (45, 60), (36, 30), (70, 20), (100, 12)] {
        let spec = shape(12, 60, scale_bits, depth).danger_toy(3).unwrap();
        let params = Params::danger_insecure(&spec).unwrap();
        for level in 0..=depth {
            let drift = params.scale(Level(level as u8)).log2() - f64::from(scale_bits);
            assert!(drift.abs() < 0.02, "{scale_bits} bits, level {level} of {depth}: off by {drift}");
        }
    }
}

#[test]
fn chains_whose_scales_drift_are_refused() {
    let honest = shape(9, 60, 45, 4).danger_toy(2).unwrap();
    assert!(Params::danger_insecure(&honest).is_ok());
    let small = shape(9, 60, 33, 4).danger_toy(2).unwrap();
    for level in 0..4 {
        let mut spec = honest.clone();
        spec.levels[level] = small.levels[level].clone();
        let error = Params::danger_insecure(&spec).unwrap_err();
        assert!(matches!(error, Error::Scales { .. }), "{error}");
        assert!(error.to_string().contains("stay within a bit of the top one"), "{error}");
    }
    let mut none = honest;
    none.levels.clear();
    assert_eq!(Params::danger_insecure(&none).unwrap_err(), Error::NoLevels);
}

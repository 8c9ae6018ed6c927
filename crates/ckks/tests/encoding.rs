//! Encoding against the definition of the canonical embedding.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod common;

use std::f64::consts::PI;

use arras_ckks::rlwe::wire::{Kind, from_bytes, open, seal};
use arras_ckks::wire::to_bytes;
use arras_ckks::{Complex, Error, Level, Params};
use arras_testkit::{rng, units};
use common::{Setup, setup, shape};
use rustfft::FftPlanner;

fn complexes(n: usize, seed: u64) -> Vec<Complex> {
    units(2 * n, &mut rng(seed)).chunks(2).map(|pair| Complex::new(pair[0], pair[1])).collect()
}

/// The coefficients of an encryption of `values`, divided by the scale: right but for a fresh error of at most 29.
fn coefficients(s: &Setup, values: &[Complex], slots: usize, level: Level) -> Vec<f64> {
    let plain = s.params.encode_complex(values, slots, level).unwrap();
    let ciphertext = s.params.encrypt(&plain, &s.secret, &mut rng(3)).unwrap().expand(&s.params);
    // The frame of the layer below is that of this one without the number of slots.
    let bytes = to_bytes(&s.params, &ciphertext);
    let (id, body) = open(Kind::Ciphertext, &bytes).unwrap();
    let below = seal(Kind::Ciphertext, id, |out| out.bytes(&body[4..]));
    let ciphertext = from_bytes(&s.params, &below).unwrap();
    let phase = s.secret.phase(s.params.rlwe(), &ciphertext, level).unwrap();
    let (ring, first) = (s.params.ring(), arras_ckks::rlwe::ring::Basis::main(1));
    let phase = ring.intt(ring.copy(&phase, first));
    let modulus = ring.modulus(first, 0);
    phase.row(0).iter().map(|&x| modulus.to_signed(x) as f64 / s.params.scale(level)).collect()
}

/// Error and rounding, in units of the value.
fn tolerance(params: &Params, level: Level) -> f64 {
    32.0 / params.scale(level)
}

fn check(s: &Setup, values: &[Complex], level: Level, want: &[f64]) {
    let (n, most) = (values.len(), s.params.max_slots());
    let gap = most / n;
    for (i, got) in coefficients(s, values, n, level).into_iter().enumerate() {
        let want = if i % gap == 0 { want[i / gap] } else { 0.0 };
        assert!(
            (got - want).abs() < tolerance(&s.params, level),
            "{n} slots, coefficient {i}: {got} for {want}"
        );
    }
}

#[test]
fn coefficients_are_those_of_the_definition() {
    // One prime of 49 bits holds every coefficient of a scale of 40.
    let s = setup(shape(9, 49, 40, 2), 1, &[]);
    let text = include_str!("vectors/reference.json");
    let reference: serde_json::Value = serde_json::from_str(text).unwrap();
    let number = |value: &serde_json::Value| value.as_f64().unwrap();
    let vectors = reference["vectors"].as_array().unwrap();
    for vector in vectors {
        let pairs = vector["values"].as_array().unwrap();
        let values: Vec<Complex> = pairs.iter().map(|z| Complex::new(number(&z[0]), number(&z[1]))).collect();
        let want: Vec<f64> = vector["coefficients"].as_array().unwrap().iter().map(number).collect();
        for level in 0..=2 {
            check(&s, &values, Level(level), &want);
        }
    }
    assert_eq!(vectors.len(), 5);
}

/// The same from a discrete Fourier transform of length 4n, whose entries are the slots and their conjugates.
fn by_fourier(values: &[Complex]) -> Vec<f64> {
    let (n, order) = (values.len(), 4 * values.len());
    let mut points = vec![rustfft::num_complex::Complex::new(0.0, 0.0); order];
    let mut power = 1;
    for z in values {
        points[power] = rustfft::num_complex::Complex::new(z.re, z.im);
        points[order - power] = points[power].conj();
        power = power * 5 % order;
    }
    FftPlanner::new().plan_fft_forward(order).process(&mut points);
    points[..2 * n].iter().map(|c| c.re / (2 * n) as f64).collect()
}

#[test]
fn coefficients_are_those_of_a_fourier_transform() {
    let s = setup(shape(11, 49, 40, 1), 1, &[]);
    for log in 0..=10 {
        let values = complexes(1 << log, log);
        check(&s, &values, Level(1), &by_fourier(&values));
    }
}

#[test]
fn decoding_evaluates_the_polynomial() {
    let s = setup(shape(8, 49, 40, 1), 1, &[]);
    for slots in [1, 2, 8, 128] {
        let values = complexes(slots, 9);
        let coefficients = coefficients(&s, &values, slots, Level(1));
        let gap = s.params.max_slots() / slots;
        let mut power = 1;
        for z in &values {
            // Values at exp(i pi 5^j / N) of the whole polynomial: X^gap runs over the points of the short one.
            let angle =
                |k: usize| PI * (power * k % (2 * s.params.degree())) as f64 / s.params.degree() as f64;
            let (mut re, mut im) = (0.0, 0.0);
            for (k, c) in coefficients.iter().enumerate() {
                re += c * angle(k).cos();
                im += c * angle(k).sin();
            }
            let most = 6.0 * 3.3 * (s.params.degree() as f64).sqrt() / s.params.scale(Level(1));
            assert!(
                (re - z.re).abs() < most && (im - z.im).abs() < most,
                "{slots} of gap {gap}: {re} {im} for {z:?}"
            );
            power = power * 5 % (2 * s.params.degree());
        }
    }
}

#[test]
fn short_vectors_are_filled_with_zeros_and_every_level_decodes() {
    let s = setup(shape(8, 60, 45, 3), 2, &[]);
    for level in (0..=3).map(Level) {
        for slots in [4, 128] {
            let plain = s.params.encode_at(&[1.0, -0.5], slots, level).unwrap();
            assert_eq!((plain.level(), plain.slots()), (level, slots));
            let decoded = s.params.decode(&plain);
            assert_eq!(decoded.len(), slots);
            for (i, z) in decoded.iter().enumerate() {
                let want = [1.0, -0.5].get(i).copied().unwrap_or(0.0);
                assert!((z.re - want).abs() < 1e-11 && z.im.abs() < 1e-11);
            }
        }
    }
    assert_eq!(s.params.decode(&s.params.encode(&[]).unwrap()).len(), 128);
}

#[test]
fn values_as_large_as_promised_come_back() {
    let s = setup(shape(8, 60, 45, 2), 2, &[]);
    for level in (0..=2).map(Level) {
        let Err(Error::Value { most_log2, .. }) = s.params.encode_at(&[1e30], 8, level) else {
            panic!("1e30 fits")
        };
        let most = 2f64.powi(most_log2);
        for values in
            [vec![most; 128], vec![-most; 128], (0..128).map(|i| most * f64::from(1 - i % 2 * 2)).collect()]
        {
            let decoded = s.params.decode(&s.params.encode_at(&values, 128, level).unwrap());
            assert!(
                decoded.iter().zip(&values).all(|(z, x)| (z.re - x).abs() < 1e-3),
                "2^{most_log2} at {level}"
            );
        }
        assert!(s.params.encode_at(&[most * 1.01], 8, level).is_err());
        // The absolute value counts, since a coefficient can be as large.
        assert!(s.params.encode_complex(&[Complex::new(0.9 * most, 0.9 * most)], 1, level).is_err());
    }
}

#[test]
fn what_cannot_be_encoded_is_refused() {
    let s = setup(shape(8, 60, 45, 2), 2, &[]);
    let refuse = |values: &[f64], slots, level| s.params.encode_at(values, slots, level).unwrap_err();
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, f64::MAX, -1e20] {
        let error = refuse(&[0.0, bad], 8, Level(2));
        assert!(
            matches!(error, Error::Value { position: 1, value, .. } if value.to_bits() == bad.to_bits()),
            "{error}"
        );
        let error = s.params.encode_complex(&[Complex::new(0.0, bad)], 8, Level(2)).unwrap_err();
        assert!(
            matches!(error, Error::Value { position: 0, value, .. } if value.to_bits() == bad.to_bits()),
            "{error}"
        );
    }
    assert_eq!(refuse(&[0.0; 9], 8, Level(2)), Error::TooManyValues { values: 9, slots: 8 });
    assert_eq!(s.params.encode(&[0.0; 129]).unwrap_err(), Error::TooManyValues { values: 129, slots: 128 });
    for slots in [0, 3, 129, 256, usize::MAX] {
        assert_eq!(refuse(&[], slots, Level(2)), Error::Slots { slots, most: 128 });
    }
    assert_eq!(refuse(&[], 8, Level(3)).to_string(), "level 3 does not exist; the highest is 2");
}

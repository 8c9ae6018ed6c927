//! Bytes that nobody wrote: always an error, never a panic.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod common;

use arras_ring::primes;
use arras_rlwe::wire::{Error, Kind, MAGIC, VERSION, from_bytes, seal, spec_from_bytes, spec_to_bytes};
use arras_rlwe::{Ciphertext, KeySet, Level, Params, ParamsId, Secret, Security, SeededCiphertext, Spec};
use common::samples::{body, samples};
use common::{spec, toy};

#[test]
fn truncation_at_every_length() {
    let (params, samples) = samples(4);
    for sample in &samples {
        assert_eq!((sample.read)(&params, &sample.bytes).as_deref(), Ok(&sample.bytes[..]));
        for length in 0..sample.bytes.len() {
            assert!(
                (sample.read)(&params, &sample.bytes[..length]).is_err(),
                "{:?} cut to {length}",
                sample.kind
            );
        }
        for extra in [1, 8, 4096] {
            let long = [&sample.bytes[..], &vec![0; extra]].concat();
            assert!(matches!((sample.read)(&params, &long), Err(Error::Length { .. })));
        }
    }
}

#[test]
fn truncation_and_growth_of_the_body_under_a_right_hash() {
    let (params, samples) = samples(4);
    for sample in &samples {
        let body = body(&sample.bytes);
        for length in 0..body.len() {
            let bytes = seal(sample.kind, params.id(), |out| out.bytes(&body[..length]));
            // A key set cut to its count of zero would be whole; this one says that it has four keys.
            assert!((sample.read)(&params, &bytes).is_err(), "{:?} cut to {length}", sample.kind);
        }
        let bytes = seal(sample.kind, params.id(), |out| out.bytes(&[body, &[0]].concat()));
        assert!((sample.read)(&params, &bytes).is_err(), "{:?} with a byte more", sample.kind);
    }
}

#[test]
fn every_bit_flipped() {
    let (params, samples) = samples(4);
    for sample in &samples {
        let mut bytes = sample.bytes.clone();
        for bit in 0..8 * bytes.len() {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!((sample.read)(&params, &bytes).is_err(), "{:?}, bit {bit}", sample.kind);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn bits_of_the_body_flipped_under_a_right_hash_are_refused_or_mean_themselves() {
    let (params, samples) = samples(4);
    for sample in &samples {
        let mut body = body(&sample.bytes).to_vec();
        let mut refused = 0;
        // Long files repeat themselves; a step of 7 still meets every position within a byte and a residue.
        for bit in (0..8 * body.len()).step_by(if body.len() > 1000 { 7 } else { 1 }) {
            body[bit / 8] ^= 1 << (bit % 8);
            let bytes = seal(sample.kind, params.id(), |out| out.bytes(&body));
            match (sample.read)(&params, &bytes) {
                Ok(again) => assert_eq!(again, bytes, "{:?} has two encodings, bit {bit}", sample.kind),
                Err(_) => refused += 1,
            }
            body[bit / 8] ^= 1 << (bit % 8);
        }
        assert!(refused > 0, "{:?}", sample.kind);
    }
}

#[test]
fn frames_of_others() {
    let (params, samples) = samples(4);
    for sample in &samples {
        for other in samples.iter().filter(|other| other.kind != sample.kind) {
            let error = (sample.read)(&params, &other.bytes).unwrap_err();
            assert!(
                matches!(error, Error::Kind { .. }) && error.to_string().starts_with("the file holds"),
                "{error}"
            );
        }
        let mut bytes = sample.bytes.clone();
        for (found, byte) in [(VERSION - 1, 1), (VERSION + 1, 3)] {
            bytes[8] = byte;
            let error = (sample.read)(&params, &bytes).unwrap_err();
            assert_eq!(error, Error::Version { found, expected: VERSION });
            assert!(error.to_string().ends_with("make it again, or use the arras that wrote it"), "{error}");
        }
        bytes = sample.bytes.clone();
        bytes[10] = 99;
        assert!(
            (sample.read)(&params, &bytes).unwrap_err().to_string().contains("something of unknown kind 99")
        );
        let foreign = seal(sample.kind, ParamsId([7; 16]), |out| out.bytes(body(&sample.bytes)));
        assert!(
            matches!((sample.read)(&params, &foreign), Err(Error::ForeignParams { .. })),
            "{:?}",
            sample.kind
        );
        bytes = sample.bytes.clone();
        *bytes.last_mut().unwrap() ^= 1;
        assert_eq!((sample.read)(&params, &bytes).unwrap_err(), Error::Checksum);
    }
    for junk in [&b""[..], b"ARRAS", b"hello, this is a text file and no Arras file", &[0; 200], &[255; 200]]
    {
        assert_eq!(from_bytes::<Ciphertext>(&params, junk).unwrap_err(), Error::Magic);
    }
    assert!(matches!(from_bytes::<Ciphertext>(&params, &MAGIC), Err(Error::Length { .. })));
}

#[test]
fn a_length_that_lies() {
    let (params, samples) = samples(4);
    for sample in &samples {
        for length in [0, 1, sample.bytes.len() as u64, 1 << 40, u64::MAX - 67, u64::MAX] {
            let mut bytes = sample.bytes.clone();
            bytes[28..36].copy_from_slice(&length.to_le_bytes());
            assert!(matches!((sample.read)(&params, &bytes), Err(Error::Length { .. })));
        }
    }
}

#[test]
fn residues_at_and_above_the_prime() {
    let params = toy(4, &[1, 1, 1], 2);
    let (n, basis) = (params.degree(), params.basis(Level(0)));
    let q = params.ring().modulus(basis, 0).value();
    let bits = (u64::BITS - q.leading_zeros()) as usize;
    let read = |residue: u64, position: usize| {
        let mut packed = vec![0u8; n * bits / 8];
        for bit in (0..bits).filter(|bit| residue >> bit & 1 == 1) {
            let at = position * bits + bit;
            packed[at / 8] |= 1 << (at % 8);
        }
        let bytes = seal(Kind::SeededCiphertext, params.id(), |out| {
            out.u8(0);
            out.bytes(&[0; 32]);
            out.bytes(&packed);
        });
        from_bytes::<SeededCiphertext>(&params, &bytes)
    };
    for position in 0..n {
        for good in [0, 1, q - 1] {
            assert_eq!(read(good, position).unwrap().body.row(0)[position], good);
        }
        for bad in [q, q + 1, (1 << bits) - 1] {
            assert_eq!(read(bad, position).unwrap_err(), Error::Field { field: "a residue" });
        }
    }
}

#[test]
fn counts_levels_and_rotations_that_lie() {
    let (params, samples) = samples(4);
    let keys = &samples.iter().find(|sample| sample.kind == Kind::KeySet).unwrap().bytes;
    let set = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut body = body(keys).to_vec();
        change(&mut body);
        from_bytes::<KeySet>(&params, &seal(Kind::KeySet, params.id(), |out| out.bytes(&body))).unwrap_err()
    };
    for count in [0, 1, 3, 5, 1 << 20, u32::MAX] {
        set(&|body| body[..4].copy_from_slice(&count.to_le_bytes()));
    }
    // A rotation by N/2 or more, and a level that does not exist.
    for by in [8, 9, 1 << 20, u32::MAX - 1] {
        assert_eq!(
            set(&|body| body[4..8].copy_from_slice(&by.to_le_bytes())),
            Error::Field { field: "a rotation" }
        );
    }
    for level in [3, 4, 255] {
        assert_eq!(set(&|body| body[8] = level), Error::Field { field: "a level" });
    }
    let bytes = seal(Kind::Ciphertext, params.id(), |out| out.u8(200));
    assert_eq!(from_bytes::<Ciphertext>(&params, &bytes).unwrap_err(), Error::Field { field: "a level" });
    // Twice the same key, and keys out of order.
    let sized = |purposes: &[u32]| {
        let mut body = (purposes.len() as u32).to_le_bytes().to_vec();
        let full = params.ring().full();
        let bytes =
            |row: usize| 16 * (64 - params.ring().modulus(full, row).value().leading_zeros() as usize) / 8;
        // At level 0: the base and one special prime.
        let polynomial = vec![0; bytes(0) + bytes(full.main)];
        for &purpose in purposes {
            body.extend_from_slice(&purpose.to_le_bytes());
            body.push(0);
        }
        let index = body.clone();
        let key = [&[0; 32][..], &polynomial].concat();
        let hashes = blake3::hash(&key).as_bytes().repeat(purposes.len());
        purposes.iter().for_each(|_| body.extend_from_slice(&key));
        body.extend_from_slice(&hashes);
        body.extend_from_slice(blake3::hash(&[&params.id().0[..], &index, &hashes].concat()).as_bytes());
        from_bytes::<KeySet>(&params, &seal(Kind::KeySet, params.id(), |out| out.bytes(&body)))
    };
    assert_eq!(sized(&[0, 1, 2, u32::MAX]).unwrap().request().iter().len(), 4);
    for wrong in [&[1, 1][..], &[2, 1], &[1, 0], &[u32::MAX, 3]] {
        assert_eq!(sized(wrong).unwrap_err(), Error::Field { field: "the order of keys" });
    }
}

#[test]
fn specifications_with_a_false_name_or_a_second_encoding() {
    let params = toy(4, &[1, 1, 1], 2);
    let honest = spec_to_bytes(params.spec(), params.id());
    let read = |body: &[u8]| spec_from_bytes(&seal(Kind::Spec, params.id(), |out| out.bytes(body)));
    assert_eq!(read(body(&honest)).unwrap(), *params.spec());
    // The degree, 4, as an over-long number of two bytes.
    assert!(read(&[&[0x84, 0x00], &body(&honest)[1..]].concat()).is_err());
    assert!(read(&[body(&honest), &[0]].concat()).is_err());
    let error = spec_from_bytes(&spec_to_bytes(params.spec(), ParamsId([0; 16]))).unwrap_err();
    assert!(matches!(error, Error::ForeignParams { .. }));
}

#[test]
fn hostile_specifications_are_refused_without_a_panic() {
    let honest = spec(13, &[1, 1], 1);
    let far: Vec<u64> = primes::near(2f64.powi(49), 1 << 13).take(500).collect();
    let numbers = [0, 1, 2, 3, 4, 8, 65_536, 65_537, 1 << 49, 1 << 50, (1 << 61) - 1, u64::MAX - 1, u64::MAX];
    let mut all = Vec::new();
    let mut add = |change: &dyn Fn(&mut Spec)| {
        let mut spec = honest.clone();
        change(&mut spec);
        all.push(spec);
    };
    for log_degree in [0, 1, 3, 4, 5, 12, 18, 31, 32, 63, 64, 65, 200, u32::MAX] {
        add(&|spec| spec.log_degree = log_degree);
    }
    for &x in &numbers {
        add(&|spec| spec.base = vec![x]);
        add(&|spec| spec.levels[0] = vec![x]);
        add(&|spec| spec.levels[0] = vec![x, x]);
        add(&|spec| spec.special = vec![x]);
        add(&|spec| spec.special = vec![x; 10_000]);
        add(&|spec| spec.levels = vec![vec![x]; 10_000]);
        add(&|spec| spec.digit = x as usize);
    }
    add(&|spec| spec.base.clear());
    add(&|spec| spec.levels[0].clear());
    add(&|spec| spec.special.clear());
    add(&|spec| spec.levels = vec![Vec::new(); 100_000]);
    add(&|spec| spec.levels = far.iter().map(|&q| vec![q]).collect());
    add(&|spec| spec.levels = (3..5000).step_by(2).map(|q| vec![q]).collect());
    add(&|spec| spec.base = far.clone());
    add(&|spec| spec.special = far.clone());
    add(&|spec| spec.special = vec![spec.base[0]]);
    for weight in [0, 1, 8192, 8193, u32::MAX] {
        add(&|spec| spec.secret = Secret::Sparse { weight });
    }
    for spec in &all {
        for security in [Security::Bits128, Security::Bits192, Security::Bits256] {
            let spec = Spec { security, ..spec.clone() };
            if let Ok(params) = Params::new(&spec) {
                assert!(params.is_secure() && params.digits() >= 1, "{spec:?}");
            }
        }
        // Without the limit on the modulus a long list of good primes is a large ring, and not hostile.
        if spec.special.len() + spec.levels.len() < 20
            && let Ok(params) = Params::danger_insecure(spec)
        {
            assert!(params.digits() >= 1);
        }
    }
    assert!(Params::new(&honest).is_ok());
}

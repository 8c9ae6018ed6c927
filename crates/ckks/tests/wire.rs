//! Bytes of encrypted vectors, honest and hostile.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod common;

use arras_ckks::rlwe::wire::{Error, Kind, Wire, Writer, seal};
use arras_ckks::wire::{Batch, Items, MAX_ITEMS, MAX_LABEL, from_bytes, to_bytes};
use arras_ckks::{Ciphertext, Level, Params, SeededCiphertext};
use arras_testkit::{distance, rng, units};
use common::{Setup, setup, shape};

fn again<T: Wire>(params: &Params, value: &T) -> T {
    let bytes = to_bytes(params, value);
    let back = from_bytes(params, &bytes).unwrap();
    assert_eq!(to_bytes(params, &back), bytes);
    back
}

fn seeded(s: &Setup, slots: usize, level: u8) -> SeededCiphertext {
    let plain = s.params.encode_at(&units(slots, &mut rng(1)), slots, Level(level)).unwrap();
    s.params.encrypt(&plain, &s.secret, &mut rng(2)).unwrap()
}

fn batches(s: &Setup) -> [Batch; 3] {
    let whole = (0..=2).map(|level| seeded(s, 4, level).expand(&s.params)).collect();
    [
        Batch {
            label: b"two vectors".to_vec(),
            items: Items::Seeded(vec![seeded(s, 8, 2), seeded(s, 1, 0)]),
        },
        Batch { label: vec![7; MAX_LABEL], items: Items::Whole(whole) },
        Batch { label: Vec::new(), items: Items::Seeded(Vec::new()) },
    ]
}

fn toy() -> Setup {
    setup(shape(4, 60, 45, 2), 2, &[])
}

#[test]
fn vectors_come_back_with_their_level_and_slots() {
    let s = setup(shape(7, 60, 45, 2), 2, &[]);
    for slots in [1, 8, 64] {
        for level in 0..=2 {
            let short: SeededCiphertext = again(&s.params, &seeded(&s, slots, level));
            assert_eq!((short.slots(), short.level()), (slots, Level(level)));
            let whole: Ciphertext = again(&s.params, &short.expand(&s.params));
            assert_eq!((whole.slots(), whole.level(), whole.id()), (slots, Level(level), s.params.id()));
            assert!(distance(&s.decrypt(&whole), &units(slots, &mut rng(1))) < 1e-9);
        }
    }
}

#[test]
fn batches_come_back() {
    let s = toy();
    for batch in batches(&s) {
        let back = again(&s.params, &batch);
        assert_eq!(back.label, batch.label);
        let count = |items: &Items| match items {
            Items::Seeded(items) => (0, items.len()),
            Items::Whole(items) => (1, items.len()),
        };
        assert_eq!(count(&back.items), count(&batch.items));
    }
}

#[test]
fn batches_cut_or_changed_are_refused_or_mean_themselves() {
    let s = toy();
    for batch in batches(&s) {
        let bytes = to_bytes(&s.params, &batch);
        for length in 0..bytes.len() {
            assert!(from_bytes::<Batch>(&s.params, &bytes[..length]).is_err());
        }
        let mut body = bytes[36..bytes.len() - 32].to_vec();
        let sealed = |body: &[u8]| seal(Kind::Batch, s.params.id(), |out: &mut Writer| out.bytes(body));
        assert_eq!(sealed(&body), bytes);
        for length in 0..body.len() {
            assert!(from_bytes::<Batch>(&s.params, &sealed(&body[..length])).is_err(), "cut to {length}");
        }
        assert!(from_bytes::<Batch>(&s.params, &sealed(&[&body[..], &[0]].concat())).is_err());
        for bit in (0..8 * body.len()).step_by(if body.len() > 4000 { 13 } else { 1 }) {
            body[bit / 8] ^= 1 << (bit % 8);
            let changed = sealed(&body);
            if let Ok(batch) = from_bytes::<Batch>(&s.params, &changed) {
                assert_eq!(to_bytes(&s.params, &batch), changed, "two encodings, bit {bit}");
            }
            body[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn numbers_that_lie_are_refused() {
    let s = toy();
    let field = |bytes: &[u8]| {
        let error = from_bytes::<Batch>(&s.params, bytes).unwrap_err();
        let Error::Field { field } = error else { panic!("{error}") };
        field
    };
    let batch = |label: u32, tag: u8, count: u32| {
        seal(Kind::Batch, s.params.id(), |out| {
            out.u32(label);
            out.u8(tag);
            out.u32(count);
        })
    };
    assert_eq!(field(&batch(MAX_LABEL as u32 + 1, 0, 0)), "the length of the label");
    assert_eq!(field(&batch(u32::MAX, 0, 0)), "the length of the label");
    assert_eq!(field(&batch(100, 0, 0)), "the length of a field");
    assert_eq!(field(&batch(0, 2, 0)), "the kind of ciphertexts");
    assert_eq!(field(&batch(0, 1, MAX_ITEMS as u32 + 1)), "the number of ciphertexts");
    assert_eq!(field(&batch(0, 1, u32::MAX)), "the number of ciphertexts");
    assert_eq!(field(&batch(0, 1, MAX_ITEMS as u32)), "the length of a field");
    for slots in [0u32, 3, 16, 1 << 20, 1 << 31, u32::MAX] {
        let bytes = seal(Kind::Ciphertext, s.params.id(), |out| out.u32(slots));
        let error = from_bytes::<Ciphertext>(&s.params, &bytes).unwrap_err();
        assert_eq!(error, Error::Field { field: "the number of slots" });
    }
    for level in [3, 255] {
        let bytes = seal(Kind::SeededCiphertext, s.params.id(), |out| {
            out.u32(8);
            out.u8(level);
        });
        let error = from_bytes::<SeededCiphertext>(&s.params, &bytes).unwrap_err();
        assert_eq!(error.to_string(), "the file is malformed: a level is out of range");
    }
}

#[test]
fn ciphertexts_of_one_kind_are_not_read_as_another() {
    let s = toy();
    let (short, batch) = (seeded(&s, 8, 1), &batches(&s)[0]);
    let short_bytes = to_bytes(&s.params, &short);
    assert!(matches!(from_bytes::<Ciphertext>(&s.params, &short_bytes), Err(Error::Kind { .. })));
    assert!(matches!(
        from_bytes::<SeededCiphertext>(&s.params, &to_bytes(&s.params, batch)),
        Err(Error::Kind { .. })
    ));
    let other = setup(shape(4, 60, 45, 2), 1, &[]);
    let error = from_bytes::<SeededCiphertext>(&other.params, &short_bytes).unwrap_err();
    assert!(error.to_string().contains("use files made with the same keys and model"), "{error}");
}

//! Files of evaluation keys: written as the keys are made, read one by one, and never believed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod common;

use std::io::{Cursor, Read, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arras_ring::Seed;
use arras_rlwe::wire::{self, KeyFile, from_bytes, to_bytes};
use arras_rlwe::{
    Error, KeyRequest, KeySet, KeyStream, Level, Params, Purpose, SecretKey, SwitchKey, switch,
};
use arras_testkit::rng;
use common::toy;

fn request() -> KeyRequest {
    KeyRequest::new()
        .with(Purpose::Relinearise, Level(2))
        .with(Purpose::Rotate(1), Level(1))
        .with(Purpose::Rotate(3), Level(2))
        .with(Purpose::Conjugate, Level(0))
}

struct Made {
    params: Params,
    keys: KeySet,
    bytes: Vec<u8>,
}

fn made(log_degree: u32) -> Made {
    let params = toy(log_degree, &[1, 2, 1], 2);
    let secret = SecretKey::new(&params, &mut rng(1));
    let keys = KeySet::generate(&params, &secret, &request(), &mut rng(2), |_| true).unwrap().unwrap();
    let mut bytes = Vec::new();
    assert!(stream(&params, &request(), &mut bytes, |_| true).unwrap());
    Made { params, keys, bytes }
}

/// The keys of seed 1 with randomness of seed 2, one by one.
fn stream(
    params: &Params,
    request: &KeyRequest,
    out: impl Write,
    progress: impl FnMut(usize) -> bool,
) -> std::io::Result<bool> {
    let (secret, mut rng) = (SecretKey::new(params, &mut rng(1)), rng(2));
    KeyStream::new(params, &secret, request, &mut rng).unwrap().write(out, progress)
}

/// A file in memory that counts what is read of it.
struct Counted(Cursor<Vec<u8>>, Arc<AtomicU64>);

impl Read for Counted {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let count = self.0.read(to)?;
        self.1.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl Seek for Counted {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.0.seek(to)
    }
}

fn open(params: &Params, bytes: &[u8]) -> Result<KeySet, wire::Error> {
    KeyFile::open(params, Cursor::new(bytes.to_vec())).map(KeySet::lazy)
}

fn switched(params: &Params, key: &SwitchKey, level: Level) -> Vec<u64> {
    let c = params.ring().uniform(&Seed([9; 32]), params.basis(level));
    let parts = switch(params, &c, level, key).divide(params, level);
    parts.iter().flat_map(|part| part.rows().flatten().copied().collect::<Vec<_>>()).collect()
}

#[test]
fn keys_written_one_by_one_are_those_made_at_once() {
    let Made { params, keys, bytes } = made(5);
    assert_eq!(to_bytes(&params, &keys), bytes);
    let sizes = request().sizes(&params).unwrap();
    assert_eq!((sizes.file, sizes.memory), (bytes.len() as u64, keys.bytes() as u64));
    assert!(sizes.largest < sizes.memory && sizes.largest > sizes.memory / 4);
    let read: KeySet = from_bytes(&params, &bytes).unwrap();
    assert_eq!(to_bytes(&params, &read), bytes);
    assert_eq!(to_bytes(&params, &open(&params, &bytes).unwrap()), bytes);
}

#[test]
fn a_key_is_read_when_it_is_needed_and_once() {
    let Made { params, keys, bytes } = made(8);
    let read = Arc::new(AtomicU64::new(0));
    let source = Counted(Cursor::new(bytes.clone()), read.clone());
    let lazy = KeySet::lazy(KeyFile::open(&params, source).unwrap());
    assert_eq!(lazy.request(), keys.request());
    assert_eq!(lazy.id(), params.id());
    let index = read.load(Ordering::Relaxed);
    assert!(index < 300 && lazy.bytes() == 0, "{index} bytes to open");
    for (by, level) in request().iter() {
        lazy.check(by, level).unwrap();
        assert_eq!(lazy.check(by, Level(level.0 + 1)), keys.check(by, Level(level.0 + 1)));
    }
    assert_eq!(lazy.check(Purpose::Rotate(2), Level(0)), Err(Error::MissingKey { by: Purpose::Rotate(2) }));
    assert_eq!(read.load(Ordering::Relaxed), index, "a check reads nothing");
    for (by, level) in request().iter() {
        let before = read.load(Ordering::Relaxed);
        let [a, b] = [&lazy, &keys].map(|set| switched(&params, set.key(by, level).unwrap(), level));
        assert_eq!(a, b, "{by}");
        let after = read.load(Ordering::Relaxed);
        let one = KeyRequest::new().with(by, level).sizes(&params).unwrap();
        assert!(after > before && after - before < one.file, "{by}");
        lazy.key(by, level).unwrap();
        assert_eq!(read.load(Ordering::Relaxed), after, "{by} is read again");
    }
    assert_eq!(lazy.bytes(), keys.bytes());
}

#[test]
fn threads_share_one_reading() {
    let Made { params, bytes, .. } = made(8);
    let read = Arc::new(AtomicU64::new(0));
    let source = Counted(Cursor::new(bytes.clone()), read.clone());
    let lazy = KeySet::lazy(KeyFile::open(&params, source).unwrap());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| request().iter().for_each(|(by, level)| assert!(lazy.key(by, level).is_ok())));
        }
    });
    assert!(read.load(Ordering::Relaxed) < bytes.len() as u64);
}

/// No key of these bytes is another than the true one, and something is refused unless only the last hash is wrong.
fn refused_or_true(params: &Params, bytes: &[u8], truth: &[Vec<u64>]) -> usize {
    let Ok(lazy) = open(params, bytes) else { return 1 };
    let request = request();
    let wrong = request.iter().zip(truth).filter(|((by, level), truth)| match lazy.key(*by, *level) {
        Ok(key) => {
            assert_eq!(switched(params, key, *level), **truth, "{by}");
            false
        }
        Err(Error::KeyFile { by: named, source }) => {
            assert_eq!((named, source), (*by, wire::Error::Checksum));
            true
        }
        Err(error) => panic!("{error}"),
    });
    wrong.count()
}

#[test]
fn every_byte_changed_is_refused_when_it_matters() {
    let Made { params, keys, mut bytes } = made(4);
    let truth: Vec<Vec<u64>> =
        request().iter().map(|(by, level)| switched(&params, keys.key(by, level).unwrap(), level)).collect();
    assert_eq!(refused_or_true(&params, &bytes, &truth), 0);
    let length = bytes.len();
    for at in 0..length {
        for change in [1, 0x80] {
            bytes[at] ^= change;
            let refused = refused_or_true(&params, &bytes, &truth);
            // The last hash is for readers of the whole file.
            assert_eq!(refused, usize::from(at < length - 32), "byte {at}");
            assert!(from_bytes::<KeySet>(&params, &bytes).is_err(), "byte {at}");
            bytes[at] ^= change;
        }
    }
    for cut in 0..length {
        assert!(open(&params, &bytes[..cut]).is_err(), "cut to {cut}");
    }
    assert!(matches!(open(&params, &[&bytes[..], &[0]].concat()), Err(wire::Error::Length { .. })));
    let other = toy(4, &[1, 1, 1], 2);
    assert!(matches!(open(&other, &bytes), Err(wire::Error::ForeignParams { .. })));
    // Before keys had hashes of their own.
    bytes[8] = 1;
    assert_eq!(open(&params, &bytes).err(), Some(wire::Error::Version { found: 1, expected: 2 }));
}

#[test]
fn keys_in_the_place_of_others_are_refused() {
    let params = toy(4, &[1, 1, 1], 2);
    let request = KeyRequest::new().with(Purpose::Rotate(1), Level(2)).with(Purpose::Rotate(2), Level(2));
    let file = |seed| {
        let secret = SecretKey::new(&params, &mut rng(seed));
        to_bytes(
            &params,
            &KeySet::generate(&params, &secret, &request, &mut rng(seed), |_| true).unwrap().unwrap(),
        )
    };
    let (bytes, other) = (file(1), file(2));
    let start = 36 + 4 + 2 * 5;
    let one = (bytes.len() - start - 4 * 32) / 2;
    let keys = |bytes: &[u8]| {
        let lazy = open(&params, bytes);
        [1, 2].map(|by| lazy.as_ref().is_ok_and(|lazy| lazy.key(Purpose::Rotate(by), Level(2)).is_ok()))
    };
    assert_eq!(keys(&bytes), [true, true]);
    // The two exchanged.
    let mut swapped = bytes.clone();
    swapped[start..start + 2 * one].rotate_left(one);
    assert_eq!(keys(&swapped), [false, false]);
    // With their hashes.
    let sums = start + 2 * one;
    swapped[sums..sums + 64].rotate_left(32);
    assert_eq!(keys(&swapped), [false, false]);
    // A key of another secret, alone and with its hash.
    let mut mixed = bytes.clone();
    mixed[start..start + one].copy_from_slice(&other[start..start + one]);
    assert_eq!(keys(&mixed), [false, true]);
    mixed[sums..sums + 32].copy_from_slice(&other[sums..sums + 32]);
    assert_eq!(keys(&mixed), [false, false]);
}

/// A sink that takes so many bytes.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_is_not_finished_is_no_file() {
    let Made { params, bytes, .. } = made(5);
    let request = request();
    let count = request.iter().len();
    for stop in 0..count {
        let (mut part, mut steps) = (Vec::new(), Vec::new());
        let stream = stream(&params, &request, &mut part, |done| {
            steps.push(done);
            done < stop
        });
        assert!(!stream.unwrap());
        assert_eq!(steps, (0..=stop).collect::<Vec<_>>());
        assert!(bytes.starts_with(&part) && part.len() < bytes.len());
        assert!(matches!(open(&params, &part), Err(wire::Error::Length { .. })));
        assert!(from_bytes::<KeySet>(&params, &part).is_err());
    }
    for room in [0, 50, bytes.len() / 2, bytes.len() - 1] {
        let error = stream(&params, &request, Full(room), |_| true).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    }
}

#[test]
fn a_file_that_shrinks_after_it_was_opened_is_noticed() {
    struct Shrinking(Cursor<Vec<u8>>, Arc<AtomicU64>);
    impl Read for Shrinking {
        fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
            self.0.get_mut().truncate(self.1.load(Ordering::Relaxed) as usize);
            self.0.read(to)
        }
    }
    impl Seek for Shrinking {
        fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
            self.0.seek(to)
        }
    }
    let Made { params, bytes, .. } = made(5);
    let length = Arc::new(AtomicU64::new(u64::MAX));
    let file = KeyFile::open(&params, Shrinking(Cursor::new(bytes), length.clone())).unwrap();
    let lazy = KeySet::lazy(file);
    lazy.key(Purpose::Relinearise, Level(0)).unwrap();
    length.store(100, Ordering::Relaxed);
    let error = lazy.key(Purpose::Conjugate, Level(0)).unwrap_err();
    assert!(matches!(error, Error::KeyFile { by: Purpose::Conjugate, source: wire::Error::Length { .. } }));
    assert!(error.to_string().contains("for conjugation cannot be used: the file is "), "{error}");
    lazy.key(Purpose::Relinearise, Level(2)).unwrap();
    // What such a set writes, nobody reads.
    assert!(from_bytes::<KeySet>(&params, &to_bytes(&params, &lazy)).is_err());
}

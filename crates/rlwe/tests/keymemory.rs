//! Memory for keys that are written as they are made: one test, alone with its heap.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod common;

use arras_rlwe::{KeyRequest, KeyStream, Level, Purpose, SecretKey};
use arras_testkit::rng;
use common::toy;
use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

#[test]
fn memory_is_that_of_one_key() {
    let params = toy(13, &[1; 12], 2);
    let secret = SecretKey::new(&params, &mut rng(1));
    // Keys of twelve sizes, so that no key fits into the memory of the one before.
    let level = |by: u32| Level(11 - (by % 12) as u8);
    let request = (1..=40).fold(KeyRequest::new(), |all, by| all.with(Purpose::Rotate(by), level(by)));
    let sizes = request.sizes(&params).unwrap();
    let pool = || params.ring().pool().usage();
    HEAP.reset_peak_usage();
    let (heap, before) = (HEAP.current_usage(), pool().lent + pool().idle);
    let mut rng = rng(2);
    let stream = KeyStream::new(&params, &secret, &request, &mut rng).unwrap();
    assert!(stream.write(std::io::sink(), |_| true).unwrap());
    let used = (HEAP.peak_usage() - heap + pool().peak - before) as u64;
    // A key, the bytes of its half, and a few polynomials of several sizes, each in pages of 2 MiB.
    assert!(used >= sizes.largest && used < sizes.largest + (20 << 20), "{used} for keys of {sizes:?}");
    assert!(sizes.memory > 10 * sizes.largest, "{sizes:?}");
}

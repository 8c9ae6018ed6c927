//! Memory for bytes that nobody wrote: never more than the bytes and the parameters account for. One test, alone with its heap.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod common;

use arras_rlwe::wire::{Kind, seal, spec_from_bytes};
use common::samples::{body, samples};
use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

#[test]
fn memory_stays_within_the_size_of_the_bytes() {
    let (params, samples) = samples(9);
    // Caches of the parameters are not the file's.
    samples.iter().for_each(|sample| drop((sample.read)(&params, &sample.bytes)));
    let peak = |read: &mut dyn FnMut()| {
        HEAP.reset_peak_usage();
        let before = HEAP.current_usage();
        let mapped = params.ring().pool().usage().peak;
        read();
        (HEAP.peak_usage() - before.min(HEAP.peak_usage())) + (params.ring().pool().usage().peak - mapped)
    };
    for sample in &samples {
        // Packed residues become words, keys and public keys get their second half, and the result is written again.
        let most = 8 * sample.bytes.len() + (64 << 10);
        let used = peak(&mut || drop((sample.read)(&params, &sample.bytes)));
        assert!(used <= most, "{:?}: {used} for {} bytes", sample.kind, sample.bytes.len());
        let body = body(&sample.bytes);
        for length in (0..body.len()).step_by(body.len() / 50 + 1) {
            let bytes = seal(sample.kind, params.id(), |out| out.bytes(&body[..length]));
            let used = peak(&mut || assert!((sample.read)(&params, &bytes).is_err()));
            assert!(used <= 8 * bytes.len() + (64 << 10), "{:?} cut to {length}: {used}", sample.kind);
        }
    }
    // Counts and lengths of billions over a body of a few bytes.
    for kind in [Kind::KeySet, Kind::Spec, Kind::Ciphertext, Kind::SecretKey, Kind::PublicKey] {
        for fill in [0x00, 0x7f, 0x80, 0xff] {
            let bytes = seal(kind, params.id(), |out| out.bytes(&[fill; 30]));
            for sample in samples.iter().filter(|sample| sample.kind == kind) {
                let used = peak(&mut || assert!((sample.read)(&params, &bytes).is_err()));
                assert!(used <= 64 << 10, "{kind:?}: {used}");
            }
        }
    }
    // A specification of many empty lists would be larger in memory than in the file.
    let mut body = vec![10, 0, 0xff, 0xff, 0x7f];
    body.resize(1 << 20, 0);
    let bytes = seal(Kind::Spec, params.id(), |out| out.bytes(&body));
    let used = peak(&mut || assert!(spec_from_bytes(&bytes).is_err()));
    assert!(used <= 64 << 10, "{used}");
}

//! A parameter set from a stranger: read, judged, and built if it is small, without a panic.
#![no_main]

use arras_ckks::Params;
use arras_ckks::rlwe::ParamsId;
use arras_ckks::rlwe::wire::{Error, Kind, seal, spec_from_bytes, spec_to_bytes};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let framed = |id| seal(Kind::Spec, id, |out| out.bytes(data));
    // The name of a set is a hash of it, which no fuzzer finds: the refusal says what it should have been.
    let named = match spec_from_bytes(&framed(ParamsId([0; 16]))) {
        Err(Error::ForeignParams { expected, .. }) => framed(expected),
        _ => data.to_vec(),
    };
    if let Ok(spec) = spec_from_bytes(&named) {
        // Rings up to 2^13 are quick to build.
        if spec.log_degree <= 13 || !(10..=17).contains(&spec.log_degree) {
            if let Ok(params) = Params::new(&spec) {
                assert!(params.is_secure());
                assert_eq!(spec_to_bytes(&spec, params.id()), named);
            }
        }
    }
});

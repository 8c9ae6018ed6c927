//! A model or a job from a stranger: read, and used if it holds together, without a panic.
#![no_main]

use arras_nn::{Job, Model};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(model) = Model::from_bytes(data) {
        let again = model.to_bytes().expect("what was read can be written");
        assert_eq!(Model::from_bytes(&again).expect("what was written can be read").to_bytes().ok(), Some(again));
        let _ = model.features("an honest word").map(|features| model.polynomial(&features.values));
    }
    if let Ok(job) = Job::from_bytes(data) {
        assert_eq!(Job::from_bytes(&job.to_bytes()).ok(), Some(job));
    }
});

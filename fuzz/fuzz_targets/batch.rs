//! Sealed data from a stranger: a label and any number of ciphertexts.
#![no_main]

use arras_ckks::wire::{Batch, Items, MAX_LABEL};
use arras_fuzz::{fresh, params, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let seeded = Items::Seeded(vec![fresh(), fresh()]);
    for items in [seeded, Items::Whole(vec![fresh().expand(params())])] {
        let honest = Batch { label: b"label".to_vec(), items };
        read(data, &honest, |batch: Batch| assert!(batch.label.len() <= MAX_LABEL));
    }
});

//! Files of evaluation keys from a stranger: opened by their index, and read key by key as a server would.
#![no_main]

use std::io::Cursor;

use arras_ckks::rlwe::wire::{KeyFile, Kind, seal, to_bytes};
use arras_ckks::{Evaluator, KeySet};
use arras_fuzz::{fresh, keys, params};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let params = params();
    let mut changed = to_bytes(params, &keys().1);
    changed.iter_mut().zip(data).for_each(|(byte, change)| *byte ^= change);
    let framed = seal(Kind::KeySet, params.id(), |out| out.bytes(data));
    for bytes in [data.to_vec(), framed, changed] {
        let Ok(file) = KeyFile::open(params, Cursor::new(bytes)) else { continue };
        let eval = Evaluator::new(params, KeySet::lazy(file)).expect("the keys are of these parameters");
        let a = fresh().expand(params);
        // Without the key this is an error, and so is a key whose bytes have another hash.
        drop((eval.mul(&a, &a), eval.rotate(&a, 1), eval.conjugate(&a)));
    }
});

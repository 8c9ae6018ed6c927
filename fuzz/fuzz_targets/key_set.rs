//! Evaluation keys from a stranger: read, and used as a server would use them.
#![no_main]

use arras_ckks::{Evaluator, KeySet};
use arras_fuzz::{fresh, keys, params, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    read(data, &keys().1, |keys: KeySet| {
        let eval = Evaluator::new(params(), keys).expect("the keys are of these parameters");
        let a = fresh().expand(params());
        // Without the key this is an error; with a key of junk, junk.
        drop((eval.mul(&a, &a), eval.rotate(&a, 1), eval.conjugate(&a)));
    });
});

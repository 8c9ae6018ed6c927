//! A ciphertext from a stranger: read, and decrypted, which gives nonsense but no panic.
#![no_main]

use arras_ckks::Ciphertext;
use arras_fuzz::{fresh, keys, params, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    read(data, &fresh().expand(params()), |ciphertext: Ciphertext| {
        assert!(params().decrypt(&ciphertext, &keys().0).is_ok());
    });
});

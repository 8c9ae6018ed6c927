//! A fresh ciphertext from a stranger: read, expanded and decrypted.
#![no_main]

use arras_ckks::SeededCiphertext;
use arras_fuzz::{fresh, keys, params, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    read(data, &fresh(), |ciphertext: SeededCiphertext| {
        assert!(params().decrypt(&ciphertext.expand(params()), &keys().0).is_ok());
    });
});

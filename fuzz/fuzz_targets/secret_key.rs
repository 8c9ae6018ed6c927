//! A secret key file that was damaged or made up: refused, or exactly what its bytes say.
#![no_main]

use arras_ckks::SecretKey;
use arras_fuzz::{keys, params, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    read(data, &keys().0, |key: SecretKey| {
        let again = SecretKey::import_secret(params().rlwe(), &key.export_secret());
        assert_eq!(*again.expect("what was exported is imported").export_secret(), *key.export_secret());
    });
});

//! A public key from a stranger: read, and used to encrypt.
#![no_main]

use arras_ckks::PublicKey;
use arras_fuzz::{keys, params, read};
use libfuzzer_sys::fuzz_target;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

fuzz_target!(|data: &[u8]| {
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let honest = keys().0.public_key(params().rlwe(), &mut rng).expect("the key fits");
    read(data, &honest, |key: PublicKey| {
        let plain = params().encode(&[0.5]).expect("a half fits");
        assert!(params().encrypt_public(&plain, &key, &mut ChaCha20Rng::seed_from_u64(4)).is_ok());
    });
});

//! What every target shares: toy parameters, and three ways to read what the fuzzer made.
//!
//! Run a target from the repository root, on a stable compiler:
//!
//! ```text
//! cargo install cargo-fuzz
//! RUSTC_BOOTSTRAP=1 cargo fuzz run ciphertext -- -max_total_time=60
//! ```

use std::sync::OnceLock;

use arras_ckks::rlwe::wire::{Wire, from_bytes, open, seal, to_bytes};
use arras_ckks::{KeyRequest, KeySet, Level, Params, Purpose, SecretKey, Security, SeededCiphertext, Shape};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

/// A ring so small that a whole file is a few hundred bytes.
pub fn params() -> &'static Params {
    static PARAMS: OnceLock<Params> = OnceLock::new();
    PARAMS.get_or_init(|| {
        let shape =
            Shape { log_degree: 4, base_bits: 60, scale_bits: 45, depth: 2, security: Security::Bits128 };
        let spec = shape.danger_toy(2).expect("toy primes exist");
        Params::danger_insecure(&spec).expect("a toy ring is a ring")
    })
}

/// A secret key with its evaluation keys, the same on every run.
pub fn keys() -> &'static (SecretKey, KeySet) {
    static KEYS: OnceLock<(SecretKey, KeySet)> = OnceLock::new();
    KEYS.get_or_init(|| {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let secret = SecretKey::new(params().rlwe(), &mut rng);
        let request =
            KeyRequest::new().with(Purpose::Relinearise, Level(2)).with(Purpose::Rotate(1), Level(2));
        let keys = KeySet::generate(params().rlwe(), &secret, &request, &mut rng, |_| true);
        (secret, keys.expect("the request fits the parameters").expect("nobody stops it"))
    })
}

/// Reads a file as it is; its body under a right header and hash, which is the way past the frame; and an honest file
/// whose body was changed where the data is not zero, which is the way past the sizes.
///
/// A value that is read must be written as it was read: there is one encoding of each.
pub fn read<T: Wire>(data: &[u8], honest: &T, visit: impl Fn(T)) {
    let mut body = open(T::KIND, &to_bytes(params(), honest)).expect("an honest file opens").1.to_vec();
    body.iter_mut().zip(data).for_each(|(byte, change)| *byte ^= change);
    let framed = |body: &[u8]| seal(T::KIND, params().id(), |out| out.bytes(body));
    for bytes in [data.to_vec(), framed(data), framed(&body)] {
        if let Ok(value) = from_bytes::<T>(params(), &bytes) {
            assert_eq!(to_bytes(params(), &value), bytes);
            visit(value);
        }
    }
}

/// A fresh encryption of a half.
pub fn fresh() -> SeededCiphertext {
    let plain = params().encode_at(&[0.5], 8, Level(2)).expect("a half fits");
    params().encrypt(&plain, &keys().0, &mut ChaCha20Rng::seed_from_u64(2)).expect("the key fits")
}

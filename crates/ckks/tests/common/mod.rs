//! Toy parameters with every key.
#![allow(dead_code, reason = "every test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use arras_ckks::{
    Ciphertext, Decrypted, Evaluator, KeyRequest, KeySet, Level, Params, Purpose, SecretKey, Security, Shape,
};
use arras_testkit::rng;

pub struct Setup {
    pub params: Params,
    pub secret: SecretKey,
    pub eval: Evaluator,
}

pub const fn shape(log_degree: u32, base_bits: u32, scale_bits: u32, depth: u32) -> Shape {
    Shape { log_degree, base_bits, scale_bits, depth, security: Security::Bits128 }
}

pub fn setup(shape: Shape, digit: usize, rotations: &[u32]) -> Setup {
    let params = Params::danger_insecure(&shape.danger_toy(digit).unwrap()).unwrap();
    over(params, rotations)
}

pub fn over(params: Params, rotations: &[u32]) -> Setup {
    let mut rng = rng(1);
    let secret = SecretKey::new(params.rlwe(), &mut rng);
    let top = params.highest();
    let relinearise = KeyRequest::new().with(Purpose::Relinearise, top);
    let request = rotations.iter().fold(relinearise, |request, &by| request.with(Purpose::Rotate(by), top));
    let keys = KeySet::generate(params.rlwe(), &secret, &request, &mut rng, |_| true).unwrap().unwrap();
    let eval = Evaluator::new(&params, keys).unwrap();
    Setup { params, secret, eval }
}

impl Setup {
    pub fn encrypt(&self, values: &[f64], slots: usize, level: Level) -> Ciphertext {
        self.encrypt_with(values, slots, level, 7)
    }

    pub fn encrypt_with(&self, values: &[f64], slots: usize, level: Level, seed: u64) -> Ciphertext {
        let plain = self.params.encode_at(values, slots, level).unwrap();
        self.params.encrypt(&plain, &self.secret, &mut rng(seed)).unwrap().expand(&self.params)
    }

    pub fn open(&self, a: &Ciphertext) -> Decrypted {
        self.params.decrypt(a, &self.secret).unwrap()
    }

    pub fn decrypt(&self, a: &Ciphertext) -> Vec<f64> {
        self.open(a).secret_reals()
    }
}

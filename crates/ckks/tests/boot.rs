//! Bootstrapping on toy rings: precision, exact scale and level, composition, misuse.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may fail loudly")]

use arras_ckks::{
    BootSpec, Bootstrapper, Ciphertext, Complex, Error, Evaluator, KeySet, Level, Params, SecretKey, rlwe,
};
use arras_testkit::rng;
use rand_core::Rng;

const TOY: BootSpec = BootSpec {
    log_degree: 10,
    base_bits: 50,
    scale_bits: 45,
    depth: 6,
    to_coefficients: 3,
    to_slots: 3,
    reduction_bits: 50,
    to_slots_bits: 50,
    baby_excess: 1,
    weight: 32,
    range: 16.0,
    degree: 23,
    doublings: 4,
    ratio: 18.0,
};

struct Setup {
    params: Params,
    secret: SecretKey,
    boot: Bootstrapper,
    eval: Evaluator,
}

fn setup(spec: &BootSpec, slots: usize) -> Setup {
    let params = Params::danger_insecure(&spec.danger_toy(4).unwrap()).unwrap();
    let mut rng = rng(1);
    let secret = SecretKey::new(params.rlwe(), &mut rng);
    let boot = Bootstrapper::new(&params, spec, slots).unwrap();
    let keys = KeySet::generate(params.rlwe(), &secret, boot.request(), &mut rng, |_| true).unwrap().unwrap();
    let eval = Evaluator::new(&params, keys).unwrap();
    Setup { params, secret, boot, eval }
}

/// Values whose parts are uniform in [-1, 1].
fn box_values(slots: usize, seed: u64) -> Vec<Complex> {
    let mut rng = rng(seed);
    let mut part = || (rng.next_u64() >> 11) as f64 / (1u64 << 52) as f64 - 1.0;
    (0..slots).map(|_| Complex::new(part(), part())).collect()
}

impl Setup {
    fn seal(&self, values: &[Complex], level: Level) -> Ciphertext {
        let plain = self.params.encode_complex(values, self.boot.slots(), level).unwrap();
        self.params.encrypt(&plain, &self.secret, &mut rng(7)).unwrap().expand(&self.params)
    }

    fn open(&self, a: &Ciphertext) -> Vec<Complex> {
        self.params.decrypt(a, &self.secret).unwrap().secret_values().to_vec()
    }
}

/// Bits of the worst and the mean error of a real or imaginary part.
fn bits(have: &[Complex], want: &[Complex]) -> (f64, f64) {
    let errors: Vec<f64> =
        have.iter().zip(want).flat_map(|(&a, &b)| [(a - b).re.abs(), (a - b).im.abs()]).collect();
    let worst = errors.iter().copied().fold(0.0, f64::max);
    let mean = errors.iter().sum::<f64>() / errors.len() as f64;
    (-worst.log2(), -mean.log2())
}

#[test]
fn complex_vectors_refresh_whole() {
    for slots in [512, 256, 16] {
        let s = setup(&TOY, slots);
        let values = box_values(slots, 3);
        let a = s.seal(&values, s.boot.input_level());
        let fresh = s.eval.bootstrap(&a, &s.boot).unwrap();
        assert_eq!(u32::from(fresh.level().0), s.boot.input_level().0 as u32 + TOY.levels_left(slots));
        let (worst, mean) = bits(&s.open(&fresh), &values);
        println!("{slots} slots: {worst:.1} bits at worst, {mean:.1} in the mean");
        assert!(worst > 24.0, "{slots} slots: {worst}");
    }
}

//! Measured errors against the predicted deviations: below a small multiple, and not absurdly far below.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

use arras_ckks::noise::Noise;
use arras_ckks::{Evaluator, KeyRequest, KeySet, Level, Params, Purpose, SecretKey, Security, Shape};
use arras_testkit::{rng, units};

const SEEDS: u64 = 12;

struct Run {
    params: Params,
    secret: SecretKey,
    eval: Evaluator,
}

fn run(seed: u64) -> Run {
    let shape =
        Shape { log_degree: 10, base_bits: 50, scale_bits: 40, depth: 4, security: Security::Bits128 };
    let params = Params::danger_insecure(&shape.danger_toy(2).unwrap()).unwrap();
    let mut rng = rng(seed);
    let secret = SecretKey::new(params.rlwe(), &mut rng);
    let request = KeyRequest::new().with(Purpose::Relinearise, Level(4)).with(Purpose::Rotate(1), Level(4));
    let keys = KeySet::generate(params.rlwe(), &secret, &request, &mut rng, |_| true).unwrap().unwrap();
    let eval = Evaluator::new(&params, keys).unwrap();
    Run { params, secret, eval }
}

/// The deviation measured over all seeds and slots, divided by the prediction, must be near one.
fn compare(name: &str, slots: usize, measure: impl Fn(&Run, &[f64], u64) -> (Vec<f64>, Vec<f64>, Noise)) {
    let (mut sum, mut count, mut predicted, mut worst) = (0.0, 0.0, Noise(0.0), 0.0f64);
    for seed in 0..SEEDS {
        let run = run(seed);
        let x = units(slots, &mut rng(seed + 100));
        let (got, want, noise) = measure(&run, &x, seed);
        for (got, want) in got.iter().zip(&want) {
            sum += (got - want).powi(2);
            worst = worst.max((got - want).abs());
            count += 1.0;
        }
        predicted = noise;
    }
    let ratio = (sum / count).sqrt() / predicted.0;
    assert!((0.5..1.25).contains(&ratio), "{name}, {slots} slots: measured / predicted = {ratio:.3}");
    let bound = (-predicted.correct_bits(slots) - 1.0).exp2();
    assert!(worst < bound, "{name}: worst {worst:e} is above {bound:e}");
}

#[test]
fn fresh() {
    for slots in [8, 512] {
        compare("fresh", slots, |run, x, seed| {
            let plain = run.params.encode_at(x, slots, Level(3)).unwrap();
            let ct = run.params.encrypt(&plain, &run.secret, &mut rng(seed)).unwrap().expand(&run.params);
            let got = run.params.decrypt(&ct, &run.secret).unwrap().secret_reals();
            (got, x.to_vec(), run.params.fresh_noise(slots, Level(3)))
        });
    }
}

#[test]
fn public() {
    compare("public", 512, |run, x, seed| {
        let key = run.secret.public_key(run.params.rlwe(), &mut rng(seed)).unwrap();
        let plain = run.params.encode_at(x, 512, Level(4)).unwrap();
        let ct = run.params.encrypt_public(&plain, &key, &mut rng(seed + 1)).unwrap();
        let got = run.params.decrypt(&ct, &run.secret).unwrap().secret_reals();
        (got, x.to_vec(), run.params.public_noise(512, Level(4)))
    });
}

#[test]
fn rotation() {
    for level in [4, 1] {
        compare("rotation", 512, |run, x, seed| {
            let level = Level(level);
            let plain = run.params.encode_at(x, 512, level).unwrap();
            let ct = run.params.encrypt(&plain, &run.secret, &mut rng(seed)).unwrap().expand(&run.params);
            let got =
                run.params.decrypt(&run.eval.rotate(&ct, 1).unwrap(), &run.secret).unwrap().secret_reals();
            let want = (0..512).map(|i| x[(i + 1) % 512]).collect();
            (got, want, run.params.fresh_noise(512, level).plus(run.params.switch_noise(512, level)))
        });
    }
}

#[test]
fn product() {
    for level in [4, 1] {
        compare("product", 512, |run, x, seed| {
            let level = Level(level);
            let plain = run.params.encode_at(x, 512, level).unwrap();
            let ct = run.params.encrypt(&plain, &run.secret, &mut rng(seed)).unwrap().expand(&run.params);
            let got = run.params.decrypt(&run.eval.square(&ct).unwrap(), &run.secret).unwrap().secret_reals();
            let fresh = run.params.fresh_noise(512, level);
            // The root mean square of uniform values is 1 / sqrt(3), and a square doubles the error of its operand.
            let doubled = fresh.times(2.0 / 3f64.sqrt());
            let error = run.params.product_noise((0.0, fresh), (0.0, fresh), 512, level).plus(doubled);
            (got, x.iter().map(|x| x * x).collect(), error)
        });
    }
}

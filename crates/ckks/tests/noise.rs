//! Measured errors against the predicted deviations: below a small multiple, and not absurdly far below.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

use arras_ckks::noise::Noise;
use arras_ckks::{
    Evaluator, KeyRequest, KeySet, Level, Params, Purpose, SecretKey, Security, Shape, presets,
};
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

/// Two primes round twice. The scale is too fine to see noise beside a number, so the vector is zero.
#[test]
fn rescale_by_two_primes() {
    let shape =
        Shape { log_degree: 10, base_bits: 80, scale_bits: 70, depth: 2, security: Security::Bits128 };
    let params = Params::danger_insecure(&shape.danger_toy(2).unwrap()).unwrap();
    let eval = Evaluator::new(&params, KeySet::empty(params.rlwe())).unwrap();
    let (slots, mut sum) = (512, 0.0);
    for seed in 0..SEEDS {
        let mut rng = rng(seed);
        let secret = SecretKey::new(params.rlwe(), &mut rng);
        let zero = params.encode_at(&[], slots, Level(2)).unwrap();
        let ct = params.encrypt(&zero, &secret, &mut rng).unwrap().expand(&params);
        let got = params.decrypt(&eval.mul_scalar(&ct, 1.0).unwrap(), &secret).unwrap().secret_reals();
        sum += got.iter().map(|x| x * x).sum::<f64>();
    }
    let predicted = params.fresh_noise(slots, Level(2)).plus(params.rescale_noise(slots, Level(1)));
    let ratio = (sum / (SEEDS * slots as u64) as f64).sqrt() / predicted.0;
    assert!((0.9..1.1).contains(&ratio), "measured / predicted = {ratio:.3}");
}

/// A rotation by a key that reaches the top, and by one trimmed to the level, at every level of a preset of full size: fewer
/// special primes and shorter last digits are in use further down.
fn rotation_at_every_level(name: &str) {
    let params = Params::new(&presets::find(name).unwrap().spec().unwrap()).unwrap();
    let (slots, mut rng) = (params.max_slots(), rng(7));
    let secret = SecretKey::new(params.rlwe(), &mut rng);
    let x = units(slots, &mut rng);
    let want: Vec<f64> = (0..slots).map(|i| x[(i + 1) % slots]).collect();
    let top = params.highest();
    let evaluator = |level: Level, rng: &mut _| {
        let request = KeyRequest::new().with(Purpose::Rotate(1), level);
        let keys = KeySet::generate(params.rlwe(), &secret, &request, rng, |_| true).unwrap().unwrap();
        Evaluator::new(&params, keys).unwrap()
    };
    let whole = evaluator(top, &mut rng);
    for level in (0..=top.0).map(Level) {
        let plain = params.encode_at(&x, slots, level).unwrap();
        let ct = params.encrypt(&plain, &secret, &mut rng).unwrap().expand(&params);
        for (kind, eval) in [("whole", &whole), ("trimmed", &evaluator(level, &mut rng))] {
            let got = params.decrypt(&eval.rotate(&ct, 1).unwrap(), &secret).unwrap().secret_reals();
            let sum: f64 = got.iter().zip(&want).map(|(got, want)| (got - want).powi(2)).sum();
            let predicted = params.fresh_noise(slots, level).plus(params.switch_noise(slots, level));
            let ratio = (sum / slots as f64).sqrt() / predicted.0;
            // Thousands of slots measure a deviation to a few percent.
            assert!((0.9..1.1).contains(&ratio), "{name}, {kind} key, level {level}: ratio {ratio:.3}");
        }
    }
}

#[test]
fn rotation_at_every_level_of_presets() {
    // The second uses fewer special primes at its lowest levels.
    ["n14-l7", "n15-l14"].into_iter().for_each(rotation_at_every_level);
}

#[test]
#[ignore = "a key of the largest ring for each of its levels: a minute"]
fn rotation_at_every_level_of_the_largest_preset() {
    rotation_at_every_level("n16-l28");
}

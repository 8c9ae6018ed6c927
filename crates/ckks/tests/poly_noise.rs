//! The noise of polynomials: measured at several points of the domain, and against the bound over all of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

use arras_approx::Polynomial;
use arras_ckks::noise::Noise;
use arras_ckks::{Evaluator, KeyRequest, KeySet, Params, Purpose, SecretKey, Security, Shape, presets};
use arras_testkit::rng;

/// Points that the slots hold in turn: both ends, the middle, and where odd polynomials are steep.
const POINTS: [f64; 8] = [1.0, -1.0, 0.0, 0.97, -0.8, 0.5, -0.3, 0.05];

/// The Fourier series of sign in odd Chebyshev polynomials, smoothed to stay below one.
fn odd(degree: usize) -> Polynomial {
    let term = |k: usize| if k % 4 == 1 { 1.2 / k as f64 } else { -1.2 / k as f64 };
    let smooth = |k: usize| 1.0 - k as f64 / (degree + 2) as f64;
    let coefficients = (0..=degree).map(|k| if k % 2 == 1 { term(k) * smooth(k) } else { 0.0 });
    Polynomial::unit(coefficients.collect()).unwrap()
}

/// Mean square error at each of the points, the largest error, and the error of the input.
fn measure(params: &Params, p: &Polynomial, seeds: u64) -> (Vec<f64>, f64, Noise) {
    let (slots, top) = (params.max_slots(), params.highest());
    let unit = |t: f64| if p.is_unit() { t } else { (t - p.to_unit().shift) / p.to_unit().scale };
    let x: Vec<f64> = POINTS.into_iter().map(unit).cycle().take(slots).collect();
    let (mut squares, mut worst) = (vec![0.0; POINTS.len()], 0.0f64);
    for seed in 0..seeds {
        let mut rng = rng(seed);
        let secret = SecretKey::new(params.rlwe(), &mut rng);
        let request = KeyRequest::new().with(Purpose::Relinearise, top);
        let keys = KeySet::generate(params.rlwe(), &secret, &request, &mut rng, |_| true).unwrap().unwrap();
        let eval = Evaluator::new(params, keys).unwrap();
        let plain = params.encode_at(&x, slots, top).unwrap();
        let fresh = params.encrypt(&plain, &secret, &mut rng).unwrap().expand(params);
        let got = params.decrypt(&eval.poly(&fresh, p).unwrap(), &secret).unwrap().secret_reals();
        for (i, (got, x)) in got.iter().zip(&x).enumerate() {
            let error = (got - p.eval(*x)).abs();
            squares[i % POINTS.len()] += error * error;
            worst = worst.max(error);
        }
    }
    let count = seeds as f64 * (slots / POINTS.len()) as f64;
    (squares.into_iter().map(|sum| sum / count).collect(), worst, params.fresh_noise(slots, top))
}

fn agrees(params: &Params, p: &Polynomial, seeds: u64) {
    let (slots, top) = (params.max_slots(), params.highest());
    let (squares, worst, input) = measure(params, p, seeds);
    let whole = params.poly_noise(p, input, slots, top).most();
    let mut largest = 0.0f64;
    for (t, square) in POINTS.into_iter().zip(squares) {
        let x = if p.is_unit() { t } else { (t - p.to_unit().shift) / p.to_unit().scale };
        let predicted = params.poly_noise(p, input, slots, top).at(x);
        let ratio = square.sqrt() / predicted.0;
        assert!((0.8..1.2).contains(&ratio), "degree {}, x = {x}: {ratio:.3}", p.degree());
        assert!(predicted <= whole, "degree {}, x = {x}", p.degree());
        largest = largest.max(square.sqrt());
    }
    // A deviation measured over a few hundred slots errs by some percent.
    assert!((0.9..4.0).contains(&(whole.0 / largest)), "degree {}: {}", p.degree(), whole.0 / largest);
    let bound = whole.bound(slots);
    assert!(worst < bound, "degree {}: {worst:e} is above {bound:e}", p.degree());
}

#[test]
fn odd_polynomials_in_a_toy_ring() {
    for degree in [3, 7, 15, 31, 63] {
        let p = odd(degree);
        let depth = p.depth();
        let shape =
            Shape { log_degree: 10, base_bits: 50, scale_bits: 40, depth, security: Security::Bits128 };
        let params = Params::danger_insecure(&shape.danger_toy(2).unwrap()).unwrap();
        agrees(&params, &p, 8);
    }
}

#[test]
fn odd_polynomials_in_a_ring_of_full_size() {
    let params = Params::new(&presets::find("n14-l7").unwrap().spec().unwrap()).unwrap();
    for degree in [15, 63] {
        agrees(&params, &odd(degree), 1);
    }
}

#[test]
fn a_domain_of_its_own_costs_a_rounding() {
    let shape =
        Shape { log_degree: 10, base_bits: 50, scale_bits: 40, depth: 5, security: Security::Bits128 };
    let params = Params::danger_insecure(&shape.danger_toy(2).unwrap()).unwrap();
    let mixed = [0.25, 0.5, -0.2, 0.1, 0.0, -0.3, 0.02, 0.1];
    agrees(&params, &Polynomial::new(-3.0, 5.0, mixed.to_vec()).unwrap(), 8);
    let constant = Polynomial::unit(vec![0.5]).unwrap();
    let noise = params.poly_noise(&constant, Noise(1e-6), 512, params.highest()).most();
    assert_eq!(noise, Noise(0.0));
}

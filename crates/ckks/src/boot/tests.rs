//! Each phase against its clear counterpart.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use arras_rlwe::{KeySet, Level, SecretKey};
use arras_testkit::rng;

use super::*;

const TOY: BootSpec = BootSpec { log_degree: 8, depth: 3, to_slots: 2, ..presets::N16 };

struct Setup {
    params: Params,
    secret: SecretKey,
    boot: Bootstrapper,
    eval: Evaluator,
}

fn setup(slots: usize) -> Setup {
    let params = Params::danger_insecure(&TOY.danger_toy(3).unwrap()).unwrap();
    let mut rng = rng(1);
    let secret = SecretKey::new(params.rlwe(), &mut rng);
    let boot = Bootstrapper::new(&params, &TOY, slots).unwrap();
    let keys = KeySet::generate(params.rlwe(), &secret, boot.request(), &mut rng, |_| true).unwrap().unwrap();
    let eval = Evaluator::new(&params, keys).unwrap();
    Setup { params, secret, boot, eval }
}

impl Setup {
    /// An encryption at any level and scale.
    fn seal(&self, values: &[Complex], level: Level, scale: f64) -> Raw {
        let (params, slots) = (&self.params, values.len());
        let poly = params.encode_scaled(values, slots, scale, params.basis(level));
        // Levels inside a refresh have no encryption of their own: (m - a s, a), without noise, is one.
        let mask = params.ring().uniform(&arras_ring::Seed([3; 32]), params.basis(level));
        let zero = params.ring().zero(params.basis(level));
        let inner = arras_rlwe::Ciphertext { parts: [zero, mask], level, id: params.id() };
        let phase = self.secret.phase(params.rlwe(), &inner, level).unwrap();
        let [_, mask] = inner.parts;
        Raw { parts: [params.ring().sub(&poly, &phase), mask], level, scale }
    }

    fn phase(&self, a: &Raw) -> Poly<arras_ring::Eval> {
        let ring = self.params.ring();
        let parts = [0, 1].map(|k| ring.copy(&a.parts[k], a.parts[k].basis()));
        let inner = arras_rlwe::Ciphertext { parts, level: a.level, id: self.params.id() };
        let phase = self.secret.phase(self.params.rlwe(), &inner, a.level).unwrap();
        // Two primes hold what these tests look at.
        ring.copy(&phase, arras_ring::Basis::main(phase.basis().main.min(2)))
    }

    /// The numbers in the slots.
    fn open(&self, a: &Raw, slots: usize) -> Vec<Complex> {
        let mut values = self.params.decode_poly(self.phase(a), slots, Level(0));
        let factor = self.params.scale(Level(0)) / a.scale;
        values.iter_mut().for_each(|z| *z = Complex::new(z.re * factor, z.im * factor));
        values
    }

    /// The coefficients, as complex numbers in the order of the transform.
    fn coefficients(&self, a: &Raw, slots: usize) -> Vec<Complex> {
        let mut values = self.open(a, slots);
        self.params.fft(slots).inverse(&mut values);
        values
    }
}

fn values(n: usize) -> Vec<Complex> {
    (0..n).map(|i| Complex::new((1.7 * i as f64 + 0.3).sin(), (2.3 * i as f64).cos())).collect()
}

fn reversed(x: &[Complex]) -> Vec<Complex> {
    let bits = x.len().trailing_zeros();
    (0..x.len()).map(|i| x[i.reverse_bits() >> (usize::BITS - bits)]).collect()
}

fn distance(a: &[Complex], b: &[Complex]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(&a, &b)| (a - b).abs()).fold(0.0, f64::max)
}

#[test]
fn slots_become_coefficients() {
    for slots in [128, 32] {
        let s = setup(slots);
        let z = values(slots);
        let level = s.boot.input_level();
        let mut x = s.seal(&z, level, s.params.scale(level));
        for map in &s.boot.to_coefficients {
            x = s.eval.apply(&x, map).unwrap();
        }
        let want = s.params.log2_modulus(Level(0)).exp2() / TOY.ratio;
        assert!((x.scale / want - 1.0).abs() < 1e-12 && x.level == Level(0));
        let error = distance(&s.coefficients(&x, slots), &reversed(&z));
        assert!(error < 2f64.powi(-36), "{slots} slots: {error:e}");
    }
}

#[test]
fn a_raise_adds_small_multiples_of_the_base() {
    let s = setup(128);
    let z = values(128);
    let q0 = s.params.log2_modulus(Level(0)).exp2();
    let x = s.seal(&z, Level(0), q0 / TOY.ratio);
    let raised = s.eval.raise(x, &s.boot).unwrap();
    assert_eq!(raised.level, s.params.summit());
    let raised = Raw { scale: q0, ..raised };
    let mut clear = z;
    s.params.fft(128).inverse(&mut clear);
    let mut largest: f64 = 0.0;
    for (t, m) in s.coefficients(&raised, 128).iter().zip(&clear) {
        for (t, m) in [(t.re, m.re), (t.im, m.im)] {
            let multiple = t - m / TOY.ratio;
            assert!((multiple - multiple.round()).abs() < 2f64.powi(-36), "{multiple}");
            largest = largest.max(multiple.abs());
        }
    }
    assert!(largest > 1.5 && largest < TOY.range, "{largest}");
}

#[test]
fn coefficients_become_slots() {
    for slots in [128, 32] {
        let s = setup(slots);
        let mut coefficients = values(slots);
        let gap = s.params.max_slots() / slots;
        let want: Vec<Complex> =
            reversed(&coefficients).iter().map(|z| Complex::new(z.re / 2.0, z.im / 2.0)).collect();
        s.params.fft(slots).forward(&mut coefficients);
        // The trace onto the subring multiplies by the gap.
        let factor = TOY.range * s.params.log2_modulus(Level(0)).exp2();
        let scale = TOY.whole(&s.params);
        let sealed = s.seal(&coefficients, s.params.summit(), factor * gap as f64);
        let mut x = Raw { scale, ..sealed };
        for map in &s.boot.to_slots {
            x = s.eval.apply(&x, map).unwrap();
        }
        assert!(x.level == TOY.top_of_reduction());
        assert!((x.scale / s.params.step(x.level) - 1.0).abs() < 1e-9);
        let error = if slots == 128 {
            distance(&s.open(&x, slots), &want)
        } else {
            // The second half is multiplied by -i.
            let both = s.open(&x, 2 * slots);
            let turned: Vec<Complex> = both[slots..].iter().map(|z| Complex::new(-z.im, z.re)).collect();
            distance(&both[..slots], &want).max(distance(&turned, &want))
        };
        assert!(error < 2f64.powi(-36), "{slots} slots: {error:e}");
    }
}

#[test]
fn the_reduction_forgets_integers() {
    let s = setup(128);
    let top = TOY.top_of_reduction();
    let message: Vec<f64> = (0..128).map(|j| (0.9 * f64::from(j)).sin()).collect();
    let integer = |j: usize| (j % 31) as f64 - 15.0;
    let x: Vec<Complex> =
        message.iter().enumerate().map(|(j, m)| ((integer(j) + m / TOY.ratio) / TOY.range).into()).collect();
    let x = s.seal(&x, top, s.params.step(top));
    let scale = s.params.scale(s.params.highest());
    let wide = s.eval.mod_one(x, &s.boot.mod_one, scale).unwrap();
    let z = s.eval.finish(&[(&wide, 0)]).unwrap();
    assert_eq!(z.level, s.params.highest());
    assert!((z.scale / scale - 1.0).abs() < 1e-12);
    let have: Vec<Complex> = s.open(&z, 128).iter().map(|z| z.im.into()).collect();
    let want: Vec<Complex> = message.iter().map(|&m| m.into()).collect();
    let error = distance(&have, &want);
    println!("reduction: 2^{:.1}", error.log2());
    assert!(error < 2f64.powi(-27), "{error:e}");
}

#[test]
fn the_certified_error_holds() {
    let error = TOY.reduction_error();
    println!("certified: 2^{:.1}", error.log2());
    let (p, b) = (modone::exponential(&TOY).unwrap(), modone::series(&TOY));
    let even = p.coefficients().iter().enumerate().map(|(k, &c)| if k % 2 == 0 { c } else { 0.0 });
    let odd = p.coefficients().iter().enumerate().map(|(k, &c)| if k % 2 == 1 { c } else { 0.0 });
    let part = |c: Vec<f64>| arras_approx::Polynomial::unit(c).unwrap();
    let (cos, sin) = (part(even.collect()), part(odd.collect()));
    let mut largest: f64 = 0.0;
    for i in -15..=15 {
        for j in -16..=16 {
            let m = f64::from(j) / 16.0;
            let x = (f64::from(i) + m / TOY.ratio) / TOY.range;
            let mut z = Complex::new(cos.eval(x), sin.eval(x));
            (0..TOY.doublings).for_each(|_| z = z * z);
            let (mut power, mut sum) = (z, 0.0);
            for b in b {
                sum += b * power.im;
                power = power * z;
            }
            largest = largest.max((sum - m).abs());
        }
    }
    println!("measured: 2^{:.1}", largest.log2());
    assert!(largest <= error && largest > error / 1e4, "{largest:e} against {error:e}");
}

#[test]
fn a_refresh_counts_what_was_foretold() {
    let part = |slots: usize| {
        let s = setup(slots);
        let z: Vec<Complex> = values(slots).iter().map(|z| Complex::new(z.re / 2.0, z.im / 2.0)).collect();
        let plain = s.params.encode_complex(&z, slots, s.boot.input_level()).unwrap();
        let sealed = s.params.encrypt(&plain, &s.secret, &mut rng(2)).unwrap().expand(&s.params);
        s.eval.bootstrap(&sealed, &s.boot).unwrap();
        (s.eval.counts(), TOY.counts(&s.params, slots).unwrap())
    };
    for slots in [128, 64, 32, 4] {
        let (counted, foretold) = part(slots);
        assert_eq!(counted, foretold, "{slots} slots");
    }
}

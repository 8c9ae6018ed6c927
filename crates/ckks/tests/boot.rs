//! Bootstrapping on toy rings: precision, exact scale and level, composition, misuse.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may fail loudly")]

use std::io::Cursor;

use arras_ckks::boot::Phase;
use arras_ckks::boot::presets::{PRESETS, find};
use arras_ckks::rlwe::wire::{self, KeyFile};
use arras_ckks::{
    BootSpec, Bootstrapper, Ciphertext, Complex, Error, Evaluator, KeyRequest, KeySet, Level, Params,
    SecretKey, rlwe,
};
use arras_testkit::rng;
use rand_core::Rng;

const TOY: BootSpec = BootSpec { log_degree: 10, depth: 6, to_coefficients: 3, ..PRESETS[1].spec };

struct Setup {
    params: Params,
    secret: SecretKey,
    boot: Bootstrapper,
    eval: Evaluator,
}

fn setup(spec: &BootSpec, slots: usize) -> Setup {
    over(Params::danger_insecure(&spec.danger_toy(4).unwrap()).unwrap(), spec, slots)
}

fn over(params: Params, spec: &BootSpec, slots: usize) -> Setup {
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
        let from = s.boot.input_level();
        for level in [from, Level(from.0 + 1)] {
            let fresh = s.eval.bootstrap(&s.seal(&values, level), &s.boot).unwrap();
            assert_eq!(u32::from(fresh.level().0 - from.0), TOY.levels_left(slots));
            assert_eq!(fresh.slots(), slots);
            let (worst, mean) = bits(&s.open(&fresh), &values);
            println!("{slots} slots: {worst:.1} bits at worst, {mean:.1} in the mean");
            assert!(worst > 26.0 && mean > 28.5, "{slots} slots: {worst}, {mean}");
        }
    }
}

#[test]
fn vectors_of_few_slots_refresh_in_all_of_them() {
    let s = setup(&TOY, 512);
    let seal = |values: &[Complex]| {
        let plain = s.params.encode_complex(values, 64, s.boot.input_level()).unwrap();
        s.params.encrypt(&plain, &s.secret, &mut rng(7)).unwrap().expand(&s.params)
    };
    let mut values = box_values(64, 3);
    let sealed = seal(&values);
    let fresh = s.eval.bootstrap(&sealed, &s.boot).unwrap();
    // They land as high as vectors of all slots do.
    assert_eq!(u32::from(fresh.level().0 - s.boot.input_level().0), TOY.levels_left(512));
    assert_eq!(fresh.slots(), 64);
    let (worst, _) = bits(&s.open(&fresh), &values);
    assert!(worst > 26.0, "{worst}");
    let checked = |before: &Ciphertext, after: &Ciphertext| {
        let guard = s.eval.guard(before, after, &s.boot).unwrap();
        assert_eq!(guard.slots(), 512);
        TOY.check_guard(&s.params.decrypt(&guard, &s.secret).unwrap(), 1)
    };
    assert!(checked(&sealed, &fresh).unwrap() < 2f64.powi(-25));
    // A value beyond the box is told in each of its copies.
    values[5] = Complex::new(2.0, 0.0);
    let beyond = seal(&values);
    let wrapped = s.eval.bootstrap(&beyond, &s.boot).unwrap();
    assert!(matches!(checked(&beyond, &wrapped), Err(Error::LeftBox { first: 6, slots: 8 })));
}

#[test]
fn single_values_and_corners_of_the_box_refresh_as_well() {
    let s = setup(&TOY, 512);
    let corner = |j: usize| [1.0, -1.0][j % 2];
    let vectors = [
        vec![Complex::new(1.0, 1.0); 512],
        vec![Complex::new(0.7, 0.0)],
        (0..512).map(|j| Complex::new(corner(j), corner(j / 2))).collect(),
        vec![],
    ];
    for values in vectors {
        let fresh = s.eval.bootstrap(&s.seal(&values, s.boot.input_level()), &s.boot).unwrap();
        let mut want = values;
        want.resize(512, Complex::default());
        let (worst, _) = bits(&s.open(&fresh), &want);
        assert!(worst > 25.5, "{worst}");
    }
}

#[test]
fn refreshed_vectors_compute_and_refresh_again() {
    for slots in [512, 64] {
        let s = setup(&TOY, slots);
        let mut want = box_values(slots, 5);
        let mut a = s.seal(&want, s.boot.input_level());
        for round in 0..4 {
            a = s.eval.bootstrap(&a, &s.boot).unwrap();
            while a.level() > s.boot.input_level() {
                // Half of z^2 stays in the box.
                let product = s.eval.square(&a).unwrap();
                if product.level() == s.boot.input_level() {
                    want = want.iter().map(|&z| z * z).collect();
                    a = product;
                    break;
                }
                a = s.eval.mul_scalar(&product, 0.5).unwrap();
                want = want.iter().map(|&z| z * z).map(|z| Complex::new(z.re / 2.0, z.im / 2.0)).collect();
            }
            let (worst, _) = bits(&s.open(&a), &want);
            assert!(worst > 23.0, "round {round} with {slots} slots: {worst}");
        }
    }
}

#[test]
fn rounds_make_a_refresh_precise() {
    let spec = BootSpec { scale_bits: 64, depth: 4, ..TOY };
    for slots in [512, 32] {
        let s = setup(&spec, slots);
        let values = box_values(slots, 11);
        let a = s.seal(&values, s.boot.input_level());
        for (rounds, least) in [(1, 26.0), (2, 46.0)] {
            let fresh = s.eval.bootstrap_rounds(&a, &s.boot, rounds, &mut |_| true).unwrap();
            assert_eq!(u32::from(fresh.level().0 - s.boot.input_level().0), spec.levels_left(slots));
            let (worst, mean) = bits(&s.open(&fresh), &values);
            println!("{slots} slots, {rounds} rounds: {worst:.1} bits at worst, {mean:.1} in the mean");
            assert!(worst > least && worst < least + 6.0, "{rounds} rounds of {slots} slots: {worst}");
        }
    }
}

#[test]
fn what_leaves_the_box_is_seen_by_the_guard() {
    for slots in [512, 16] {
        let s = setup(&TOY, slots);
        let guard = |values: &[Complex], rounds| {
            let a = s.seal(values, s.boot.input_level());
            let fresh = s.eval.bootstrap_rounds(&a, &s.boot, rounds, &mut |_| true).unwrap();
            let guard = s.eval.guard(&a, &fresh, &s.boot).unwrap();
            assert_eq!((guard.level(), guard.slots()), (Level(1), slots));
            TOY.check_guard(&s.params.decrypt(&guard, &s.secret).unwrap(), 1)
        };
        let honest = box_values(slots, 21);
        assert!(guard(&honest, 1).unwrap() < 2f64.powi(-25));
        // 18 and 288 wrap to 0 exactly: 288 makes up nine times the base modulus, and is seen all the same.
        for far in [1.5, -3.0, 8.0, 9.5, 18.0, 36.0, 288.0, -1e6] {
            for z in [Complex::new(far, 0.0), Complex::new(0.5, far)] {
                for rounds in [1, 2] {
                    let mut values = honest.clone();
                    (values[5], values[11]) = (z, z);
                    let refused = guard(&values, rounds).unwrap_err();
                    assert_eq!(refused, Error::LeftBox { first: 6, slots: 2 }, "{far} in {rounds} rounds");
                }
                let refused = guard(&vec![z; slots], 1).unwrap_err();
                assert_eq!(refused, Error::LeftBox { first: 1, slots }, "{far} everywhere");
            }
        }
        let says = Error::LeftBox { first: 6, slots: 2 }.to_string();
        assert!(says.contains("slot 6 and 1 more") && says.contains("outside [-1, 1]"), "{says}");
    }
}

#[test]
fn a_refresh_runs_from_a_file_of_keys() {
    for slots in [512, 16] {
        let s = setup(&TOY, slots);
        let a = s.seal(&box_values(slots, 22), s.boot.input_level());
        let want = wire::to_bytes(s.params.rlwe(), &s.eval.bootstrap(&a, &s.boot).unwrap());
        let mut bytes = wire::to_bytes(s.params.rlwe(), s.eval.keys());
        let open = |bytes: &[u8]| {
            let file = KeyFile::open(s.params.rlwe(), Cursor::new(bytes.to_vec())).unwrap();
            Evaluator::new(&s.params, KeySet::lazy(file)).unwrap()
        };
        let lazy = open(&bytes);
        assert_eq!(lazy.keys().bytes(), 0);
        let fresh = lazy.bootstrap(&a, &s.boot).unwrap();
        assert_eq!(wire::to_bytes(s.params.rlwe(), &fresh), want);
        assert_eq!(lazy.keys().bytes(), s.eval.keys().bytes());
        // The last key is damaged: the refresh stops where it needs it.
        let last = bytes.len() - 32 * (s.boot.request().iter().len() + 2) - 1;
        bytes[last] ^= 1;
        let error = open(&bytes).bootstrap(&a, &s.boot).unwrap_err();
        assert!(matches!(error, Error::Rlwe(rlwe::Error::KeyFile { .. })), "{error}");
    }
}

#[test]
fn a_refresh_stops_wherever_it_is_asked_to() {
    let s = setup(&TOY, 512);
    let a = s.seal(&box_values(512, 23), s.boot.input_level());
    let mut heard = Vec::new();
    s.eval
        .bootstrap_rounds(&a, &s.boot, 2, &mut |phase| {
            heard.push(phase);
            true
        })
        .unwrap();
    for phase in [Phase::ToCoefficients, Phase::Raise, Phase::ToSlots, Phase::Reduce] {
        assert!(heard.contains(&phase), "{phase:?}");
    }
    for stop in 0..heard.len() {
        let mut left = stop;
        let stopped = s.eval.bootstrap_rounds(&a, &s.boot, 2, &mut |_| {
            let go = left > 0;
            left = left.saturating_sub(1);
            go
        });
        assert_eq!(stopped.unwrap_err(), Error::Stopped, "after {stop}");
    }
}

#[test]
fn misuse_is_named() {
    let s = setup(&TOY, 512);
    let a = s.seal(&box_values(512, 1), s.boot.input_level());
    // Too low.
    let low = s.eval.lower(&a, Level(s.boot.input_level().0 - 1)).unwrap();
    let error = s.eval.bootstrap(&low, &s.boot).unwrap_err();
    assert!(matches!(error, Error::OutOfLevels { .. }), "{error}");
    // More slots.
    let few = Bootstrapper::new(&s.params, &TOY, 16).unwrap();
    assert_eq!(s.eval.bootstrap(&a, &few).unwrap_err(), Error::SlotMismatch { left: 512, right: 16 });
    assert_eq!(s.eval.guard(&a, &a, &few).unwrap_err(), Error::SlotMismatch { left: 512, right: 16 });
    // No keys, and a key too few: said before anything is computed.
    let keyless = Evaluator::new(&s.params, KeySet::empty(&s.params)).unwrap();
    let error = keyless.bootstrap(&a, &s.boot).unwrap_err();
    assert!(matches!(error, Error::Rlwe(rlwe::Error::MissingKey { .. })), "{error}");
    // Parameters of another chain, with and without a refresh.
    let other = BootSpec { depth: 5, ..TOY };
    let foreign = setup(&other, 512);
    let error = foreign.eval.bootstrap(&a, &foreign.boot).unwrap_err();
    assert!(matches!(error, Error::Rlwe(rlwe::Error::ForeignParams { what: "ciphertext", .. })), "{error}");
    let error = s.eval.bootstrap(&a, &foreign.boot).unwrap_err();
    assert!(matches!(error, Error::Rlwe(rlwe::Error::ForeignParams { what: "bootstrapper", .. })), "{error}");
    let error = Bootstrapper::new(&s.params, &other, 512).unwrap_err();
    assert!(matches!(error, Error::BootChain { .. }), "{error}");
    for (slots, says) in
        [(4, "use at least 8"), (0, "power of two"), (24, "power of two"), (1024, "up to 512")]
    {
        let error = Bootstrapper::new(&s.params, &TOY, slots).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn the_request_has_exactly_the_keys_that_are_used() {
    for slots in [512, 32] {
        let s = setup(&TOY, slots);
        let a = s.seal(&box_values(slots, 1), s.boot.input_level());
        for (purpose, _) in s.boot.request().iter() {
            let fewer = s.boot.request().iter().filter(|(other, _)| *other != purpose);
            let fewer = fewer.fold(KeyRequest::new(), |all, (purpose, level)| all.with(purpose, level));
            let made = KeySet::generate(s.params.rlwe(), &s.secret, &fewer, &mut rng(2), |_| true);
            let Ok(Some(keys)) = made else {
                assert_eq!(made.err(), Some(rlwe::Error::HalfRaise));
                continue;
            };
            let eval = Evaluator::new(&s.params, keys).unwrap();
            let error = eval.bootstrap(&a, &s.boot).unwrap_err();
            assert_eq!(error, Error::Rlwe(rlwe::Error::MissingKey { by: purpose }));
        }
    }
}

#[test]
fn presets_are_secure_and_hardly_ever_fail() {
    for preset in &PRESETS {
        assert_eq!(find(preset.name).map(|found| found.name), Some(preset.name));
        let spec = preset.spec.build().unwrap();
        let params = Params::new(&spec).unwrap();
        assert!(params.is_secure(), "{}", preset.name);
        let slots = params.max_slots();
        assert!(preset.spec.failure_log2(slots) <= -128.0, "{}", preset.spec.failure_log2(slots));
        assert!(params.log2_ephemeral() <= 121.0);
        let least = match preset.name {
            "boot-n16" => (10, 40.0),
            "boot-n16-precise" => (6, 60.0),
            "boot-n16-deep" | "boot-n16-wide" => (18, 37.0),
            _ => (4, 30.0),
        };
        assert!(preset.spec.levels_left(slots) >= least.0);
        assert!(params.scale(params.highest()).log2() >= least.1);
        assert!(preset.spec.reduction_error() < 2f64.powi(-25));
        for slots in [slots, 1 << 8, 1 << 14] {
            assert!(!preset.spec.request(&params, slots).unwrap().is_empty());
        }
    }
    assert!(find("boot").is_none());
}

#[test]
fn the_tail_of_a_sum_of_uniform_numbers_is_right() {
    // Three terms: P(|x| > 1) in a coefficient is 2 (1/2)^3 / 6; four coefficients for two slots.
    let spec = BootSpec { weight: 2, range: 1.0, ..TOY };
    assert!((spec.failure_log2(2) - (4.0 * 2.0 / 48.0f64).log2()).abs() < 1e-9);
    // P(|x| > 1/2) is 2 ((1)^3 - 3 (0)^3) / 6.
    let spec = BootSpec { weight: 2, range: 0.5, ..TOY };
    assert!((spec.failure_log2(2) - (4.0 / 3.0f64).log2()).abs() < 1e-9);
    // P(|x| > 1/4) is 2 ((5/4)^3 - 3 (1/4)^3) / 6.
    let spec = BootSpec { weight: 2, range: 0.25, ..TOY };
    let want = 4.0 * (1.25f64.powi(3) - 3.0 * 0.25f64.powi(3)) / 3.0;
    assert!((spec.failure_log2(2) - want.log2()).abs() < 1e-9);
    let never = BootSpec { range: 16.5, ..TOY };
    assert_eq!(never.failure_log2(512), f64::NEG_INFINITY);
}

/// At full size: as the presets promise.
fn full_size(name: &str, slots: usize, least: f64) {
    let preset = find(name).unwrap();
    let params = Params::new(&preset.spec.build().unwrap()).unwrap();
    let s = over(params, &preset.spec, slots);
    let values = box_values(slots, 3);
    let a = s.seal(&values, s.boot.input_level());
    let fresh = s.eval.bootstrap_rounds(&a, &s.boot, preset.rounds, &mut |_| true).unwrap();
    let (worst, mean) = bits(&s.open(&fresh), &values);
    let (held, keys) = (s.params.ring().pool().usage().peak, s.eval.keys().bytes());
    let beside = preset.spec.memory(&s.params, slots).unwrap();
    println!(
        "{name} with {slots} slots: {worst:.1} bits at worst, {mean:.1} in the mean; {:.2} GB beside the keys, {:.2} foreseen",
        (held - keys) as f64 / 1e9,
        beside as f64 / 1e9
    );
    let guard = s.eval.guard(&a, &fresh, &s.boot).unwrap();
    preset.spec.check_guard(&s.params.decrypt(&guard, &s.secret).unwrap(), preset.rounds).unwrap();
    assert!(worst >= least, "{name} with {slots} slots: {worst}");
}

#[test]
#[ignore = "slow"]
fn full_size_refreshes_keep_their_promise() {
    full_size("boot-n15", 1 << 14, 16.0);
    full_size("boot-n15", 1 << 8, 16.0);
    full_size("boot-n16", 1 << 15, 24.0);
    full_size("boot-n16", 1 << 10, 24.0);
    full_size("boot-n16-deep", 1 << 9, 21.0);
    full_size("boot-n16-wide", 1 << 15, 21.0);
    full_size("boot-n16-precise", 1 << 15, 45.0);
}

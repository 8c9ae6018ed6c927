//! The operations of `arras_engine::probe` at the top level of some presets; ids are `ckks/<operation>/<preset>`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench may fail loudly")]
#![expect(clippy::disallowed_types, reason = "a bench plays the client as well")]

use arras_ckks::{Ciphertext, KeySet, Params, SecretKey, presets};
use arras_engine::probe::{Op, Probe, required_keys};
use arras_testkit::rng;
use criterion::{Criterion, criterion_group, criterion_main};

/// From the smallest to the one of the comparison with other libraries.
const PRESETS: [&str; 4] = ["n13-l2", "n14-l7", "n15-l14", "n16-l28"];

fn ops(c: &mut Criterion) {
    for name in PRESETS {
        preset(c, name);
    }
}

fn preset(c: &mut Criterion, name: &str) {
    let Some(spec) = presets::find(name).and_then(|preset| preset.spec()) else { return };
    let params = Params::new(&spec).expect("a preset is secure");
    let level = params.highest();
    // Keys are made when the first operation is, so that a filter saves them.
    let mut made = None;
    for op in Op::ALL {
        c.bench_function(&format!("ckks/{op}/{name}"), |b| {
            let probe = made.get_or_insert_with(|| probe(&params));
            probe.prepare(level).expect("the top exists");
            b.iter(|| probe.run(op, level).expect("the operands are there"));
        });
    }
}

fn probe(params: &Params) -> Probe<'static> {
    let secret = SecretKey::new(params.rlwe(), &mut rng(1));
    let keys = KeySet::generate(params.rlwe(), &secret, &required_keys(params), &mut rng(2), |_| true);
    let keys = keys.expect("the keys fit").expect("nobody stops");
    let public = secret.public_key(params.rlwe(), &mut rng(3)).expect("the key fits");
    let probe = Probe::new(params, keys, public, rng(4)).expect("the keys fit");
    let params = params.clone();
    probe.opening(move |ct: &Ciphertext| drop(std::hint::black_box(params.decrypt(ct, &secret))))
}

criterion_group!(benches, ops);
criterion_main!(benches);

//! Networks planned, sealed, run and opened: scores within the bound that was proved.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use arras_apps::Program as _;
use arras_apps::infer::{Infer, Network};
use arras_ckks::{Level, Params, SecretKey, Security, Shape};
use arras_client::{Error, Keys, Source, TaskClient, TaskPlan};
use arras_engine::Engine;
use arras_testkit::{rng, units};

/// Layers of these widths, of made-up weights.
fn network(widths: &[usize]) -> Network {
    let weights = |rows: usize, columns: usize, seed| {
        let all = units(rows * columns, &mut rng(seed));
        all.chunks(columns).map(<[f64]>::to_vec).collect::<Vec<_>>()
    };
    let layer = |(i, pair): (usize, &[usize])| {
        let (inputs, neurons) = (pair[0], pair[1]);
        serde_json::json!({
            "weights": weights(neurons, inputs, 20 + i as u64), "bias": units(neurons, &mut rng(30 + i as u64)),
        })
    };
    let last = widths[widths.len() - 1];
    let file = serde_json::json!({
        "format": "arras-network", "ranges": vec![(-1.0, 3.0); widths[0]],
        "classes": (0..last.max(2)).collect::<Vec<_>>(),
        "layers": widths.windows(2).enumerate().map(layer).collect::<Vec<_>>(),
    });
    Network::parse(&file.to_string()).unwrap()
}

fn holds(widths: &[usize], bits: u32) {
    let rows: Vec<Vec<f64>> =
        (0..20).map(|i| units(widths[0], &mut rng(i)).iter().map(|x| 1.0 + 2.0 * x).collect()).collect();
    let program = Infer::new(network(widths), rows.len(), bits).unwrap();
    let plan = TaskPlan::for_program(&program, Security::Bits128).unwrap();
    let (params, prepared) = (plan.params(), plan.prepared());
    let keys = Keys::generate(params, plan.request(), Source::Random, &mut rng(1), |_| true).unwrap();
    let engine = Engine::new(params, keys.evaluation).unwrap();
    let client = TaskClient::new(prepared, params, &keys.secret).unwrap();
    let sealed = client.seal(&rows, &mut rng(2)).unwrap();
    let opened = client.open(&engine.run_task(prepared, sealed, &mut |_, _| true).unwrap()).unwrap();
    assert_eq!(engine.counts(), plan.trace().counts);
    let bound = (prepared.bounds()[0] + 0.5) * program.resolution();
    let largest = program.largest();
    assert!(bound < 0.05 * largest, "{bound} of {largest}");
    for (opened, exact) in opened.iter().zip(program.exact(&rows)) {
        for (score, exact) in opened.scores.iter().zip(&exact.scores) {
            assert!((score - exact).abs() <= bound, "{score} {exact} {bound}");
        }
    }
}

#[test]
fn a_logistic_regression() {
    holds(&[5, 3], 8);
}

#[test]
fn a_network_with_a_hidden_layer() {
    holds(&[4, 6, 2], 8);
}

#[test]
fn a_network_with_two_hidden_layers() {
    holds(&[3, 4, 4, 1], 5);
}

/// Ten bits more are right than are shown, whatever precision is asked for.
#[test]
fn scores_do_not_show_their_noise() {
    for bits in [8, 20] {
        let program = Infer::new(network(&[5, 3]), 20, bits).unwrap();
        let plan = TaskPlan::for_program(&program, Security::Bits128).unwrap();
        let slots = plan.params().max_slots();
        let right = plan.params().rescale_noise(slots, Level(0)).correct_bits(slots);
        assert!(right >= f64::from(bits + 12), "{bits}: {right}");
        let shape =
            Shape { log_degree: 13, base_bits: 30, scale_bits: 24, depth: 1, security: Security::Bits128 };
        let coarse = Params::new(&shape.build().unwrap()).unwrap();
        let secret = SecretKey::new(coarse.rlwe(), &mut rng(1));
        let refused = TaskClient::new(plan.prepared(), &coarse, &secret).unwrap_err();
        assert!(matches!(refused, Error::Noisy { need, .. } if need == bits + 12), "{refused}");
    }
}

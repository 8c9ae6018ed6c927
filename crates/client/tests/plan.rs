//! Parameters and keys are those that the model's programs use, and no more.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use arras_ckks::{Params, Purpose, SecretKey, Security, presets};
use arras_client::{Client, Error, Plan};
use arras_nn::program::{Lanes, Latency};
use arras_nn::{Mode, Model, Transformer};
use arras_testkit::rng;

fn model() -> Model {
    Model::from_bytes(include_bytes!("../../../models/sst2-words.safetensors")).unwrap()
}

#[test]
fn the_shipped_model_takes_the_preset_made_for_it() {
    let plan = Plan::for_model(&model(), Security::Bits128).unwrap();
    let preset = presets::find("n14-l7").and_then(|preset| preset.spec()).unwrap();
    assert_eq!(plan.params().spec(), &preset);
    assert_eq!(plan.level(), plan.params().highest());
}

#[test]
fn the_keys_are_those_of_the_trace() {
    let (model, latency) = (model(), Latency::new(&model()).unwrap());
    let plan = Plan::for_mode(&model, Mode::Latency, Security::Bits128).unwrap();
    let trace = latency.trace(latency.period()).unwrap();
    assert_eq!(plan.request().iter().len(), trace.rotations.len() + 1);
    for (by, level) in trace.rotations {
        let have = plan.request().level(Purpose::Rotate(by as u32)).unwrap();
        assert_eq!(u32::from(have.0), level);
    }
}

#[test]
fn throughput_needs_no_rotation() {
    let plan = Plan::for_mode(&model(), Mode::Throughput, Security::Bits128).unwrap();
    assert!(plan.request().iter().all(|(purpose, _)| purpose == Purpose::Relinearise));
    let both = Plan::for_model(&model(), Security::Bits128).unwrap();
    assert!(both.request().iter().len() > 1 && both.params().id() == plan.params().id());
}

#[test]
fn more_security_takes_a_larger_ring() {
    let degree = |security| Plan::for_model(&model(), security).unwrap().params().degree();
    let degrees = [Security::Bits128, Security::Bits192, Security::Bits256].map(degree);
    assert!(degrees.is_sorted() && degrees[0] == 1 << 14 && degrees[2] > degrees[0], "{degrees:?}");
}

#[test]
fn parameters_with_too_few_levels_are_refused() {
    let small = Params::new(&presets::find("n13-l2").and_then(|preset| preset.spec()).unwrap()).unwrap();
    assert!(matches!(
        Plan::over(&small, &model(), Mode::Latency),
        Err(Error::TooShallow { have: 2, need: 7 })
    ));
}

#[test]
fn a_transformer_has_parameters_at_every_security() {
    let bytes = include_bytes!("../../../models/sst2-small.safetensors");
    let lanes = Lanes::new(Transformer::from_bytes(bytes).unwrap()).unwrap();
    for security in [Security::Bits128, Security::Bits192, Security::Bits256] {
        let plan = Plan::for_model(&lanes, security).unwrap();
        let secret = SecretKey::new(plan.params().rlwe(), &mut rng(1));
        let client = Client::new(&lanes, [0; 32], plan.params(), &secret);
        assert!(client.is_ok(), "{security:?}: {:?}", client.err());
        assert_eq!((plan.params().spec().security, plan.refreshes()), (security, 0));
    }
}

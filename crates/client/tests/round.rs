//! Texts go to the engine and come back, in both modes; what does not fit is refused.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use std::sync::OnceLock;

use arras_ckks::wire::{Batch, Items, from_bytes, to_bytes};
use arras_client::{Client, Error, Keys, Plan, Source};
use arras_engine::Engine;
use arras_nn::{Job, Mode, Model};
use arras_testkit::rng;

const TEXTS: [&str; 3] = ["a fine film", "a dull and lifeless film", "warm , funny and moving"];
const DIGEST: [u8; 32] = [5; 32];

struct Setup {
    model: Model,
    plan: Plan,
    keys: Keys,
}

fn setup() -> &'static Setup {
    static SETUP: OnceLock<Setup> = OnceLock::new();
    SETUP.get_or_init(|| {
        let model = Model::from_bytes(include_bytes!("../../../models/sst2-words.safetensors")).unwrap();
        let plan = Plan::for_model(&model, arras_ckks::Security::Bits128).unwrap();
        let keys =
            Keys::generate(plan.params(), plan.request(), Source::Random, &mut rng(1), |_| true).unwrap();
        Setup { model, plan, keys }
    })
}

impl Setup {
    fn client(&self) -> Client<'_> {
        Client::new(&self.model, DIGEST, self.plan.params(), &self.keys.secret).unwrap()
    }

    /// There and back, with bytes on both ways.
    fn round(&self, mode: Mode) -> Batch {
        let params = self.plan.params().rlwe();
        let sealed = to_bytes(params, &self.client().seal(&TEXTS, mode, &mut rng(2)).unwrap());
        let keys = from_bytes(params, &to_bytes(params, &self.keys.evaluation)).unwrap();
        let engine = Engine::new(self.plan.params(), keys).unwrap();
        let sealed = from_bytes(params, &sealed).unwrap();
        let answer = engine.run(&self.model, &DIGEST, sealed, &mut |_, _| true).unwrap();
        from_bytes(params, &to_bytes(params, &answer)).unwrap()
    }
}

#[test]
fn answers_are_those_of_the_polynomial_model() {
    let s = setup();
    let unit = 2f64.powi(-(arras_client::PRECISION_BITS as i32));
    for mode in [Mode::Latency, Mode::Throughput] {
        let opened = s.client().open(&s.round(mode)).unwrap();
        for (text, found) in TEXTS.iter().zip(&opened) {
            let exact = s.model.polynomial(&s.model.features(text).unwrap().values).unwrap();
            // Half a unit of rounding, and noise well below it.
            let most = 0.5 * unit + 1e-6;
            assert!((found.probability - exact.probability).abs() < most, "{text}: {found:?} for {exact:?}");
            assert_eq!(found.label, exact.label);
        }
        assert_eq!(opened.len(), TEXTS.len());
    }
}

#[test]
fn what_leaves_is_rounded() {
    let s = setup();
    let unit = 2f64.powi(arras_client::PRECISION_BITS as i32);
    for found in s.client().open(&s.round(Mode::Latency)).unwrap() {
        assert_eq!((found.probability * unit).fract(), 0.0);
    }
}

/// Every slot of an answer, before it is rounded, has ten bits more than leave: those that docs/security.md asks for.
#[test]
fn noise_is_far_below_what_leaves() {
    let s = setup();
    let params = s.plan.params();
    let unit = 2f64.powi(-(arras_client::PRECISION_BITS as i32));
    let sentinels = [(Mode::Latency, 1), (Mode::Throughput, params.max_slots() - 1)];
    for (mode, sentinel) in sentinels {
        let Items::Whole(items) = s.round(mode).items else { panic!("an engine answers whole ciphertexts") };
        let slots = params.decrypt(&items[0], &s.keys.secret).unwrap().secret_reals();
        let zero = vec![0.0; s.model.features(TEXTS[0]).unwrap().values.len()];
        let texts = TEXTS.iter().map(|text| s.model.features(text).unwrap().values);
        let inputs = texts.chain(std::iter::repeat(zero)).take(sentinel);
        for (slot, input) in slots.iter().zip(inputs) {
            let error = (slot - s.model.polynomial(&input).unwrap().probability).abs();
            assert!(error < unit / 1024.0, "{mode:?}: {error:e}");
        }
    }
}

#[test]
fn scales_too_small_to_hide_the_noise_are_refused() {
    let s = setup();
    let spec = arras_ckks::presets::find("n13-l2").and_then(|preset| preset.spec()).unwrap();
    let params = arras_ckks::Params::new(&spec).unwrap();
    let secret = arras_ckks::SecretKey::new(params.rlwe(), &mut rng(1));
    assert!(matches!(Client::new(&s.model, DIGEST, &params, &secret), Err(Error::Noisy { need: 22, .. })));
}

#[test]
fn answers_to_other_questions_are_refused() {
    let s = setup();
    let client = s.client();
    let sealed = client.seal(&TEXTS, Mode::Latency, &mut rng(3)).unwrap();
    assert!(matches!(client.open(&sealed), Err(Error::NotRun)));
    let other = Client::new(&s.model, [6; 32], s.plan.params(), &s.keys.secret).unwrap();
    assert!(matches!(other.open(&s.round(Mode::Latency)), Err(Error::ForeignModel)));
    let mut short = s.round(Mode::Latency);
    if let Items::Whole(items) = &mut short.items {
        items.pop();
    }
    assert!(matches!(client.open(&short), Err(Error::Items { have: 2, need: 3 })));
    let mut mislabelled = s.round(Mode::Latency);
    mislabelled.label = Job { mode: Mode::Throughput, model: DIGEST, items: 1 }.to_bytes();
    assert!(matches!(client.open(&mislabelled), Err(Error::Items { .. })));
}

#[test]
fn a_wrong_sentinel_is_refused() {
    let s = setup();
    let stranger =
        Keys::generate(s.plan.params(), &arras_ckks::KeyRequest::new(), Source::Random, &mut rng(9), |_| {
            true
        });
    let stranger = stranger.unwrap();
    for mode in [Mode::Latency, Mode::Throughput] {
        let other = Client::new(&s.model, DIGEST, s.plan.params(), &stranger.secret).unwrap();
        assert!(matches!(other.open(&s.round(mode)), Err(Error::Sentinel(_))));
    }
}

#[test]
fn texts_that_cannot_be_read_are_named() {
    let client = setup().client();
    let seal = |texts: &[&str]| client.seal(texts, Mode::Latency, &mut rng(4));
    assert!(matches!(seal(&[]), Err(Error::NoText)));
    assert!(matches!(seal(&["good", " "]), Err(Error::Text { position: 2, .. })));
}

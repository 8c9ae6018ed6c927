//! A transformer on ciphertexts: the contract of its three readings, and what it costs at full size.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

mod common;
#[path = "../../nn/tests/toy/mod.rs"]
#[allow(dead_code, reason = "of the small models, only the numbers are used here")]
mod toy;

use std::sync::Arc;
use std::time::Instant;

use arras_circuits::{Clear, Op, Trace, Tracer};
use arras_ckks::boot::presets;
use arras_ckks::{BootSpec, Bootstrapper, Ciphertext, Complex, Level, Params, Security, Shape as Chain};
use arras_client::{Client, Keys, Plan, Source};
use arras_engine::backend::Ckks;
use arras_engine::{Engine, Limits};
use arras_nn::Mode;
use arras_nn::program::Lanes;
use arras_nn::transformer::Shape;
use arras_plan::{Budget, schedule};
use common::{Toy, keys_of};
use toy::transformer::{TEXTS, transformer};

/// A program, and what it should give for a text.
struct Run {
    program: Lanes,
    trace: Trace,
}

impl Run {
    fn new(shape: Shape, seed: u64) -> Self {
        let program = Lanes::new(transformer(shape, seed)).unwrap();
        let trace = program.trace().unwrap();
        Self { program, trace }
    }

    /// Two blocks, where one does not fit half of its slots.
    fn split(shape: Shape, seed: u64) -> Self {
        let model = transformer(shape, seed);
        let whole = Lanes::new(model.clone()).unwrap().slots();
        let program = Lanes::within(model, whole / 2).unwrap();
        let trace = program.trace().unwrap();
        Self { program, trace }
    }

    fn input(&self, text: &str) -> [Vec<f64>; 2] {
        self.program.pack(&self.program.model().embed(text, false).unwrap()).unwrap()
    }

    /// Both parts of the result, encrypted and opened; counts are those of the trace.
    fn encrypted(&self, toy: &Toy, backend: &Ckks, text: &str) -> [Vec<f64>; 2] {
        let sealed = self.seal(toy, text, Level(u8::try_from(self.trace.depth).unwrap()));
        backend.evaluator().reset_counts();
        let input = backend.input(sealed).unwrap();
        let output = self.program.run(backend, &input).unwrap();
        assert_eq!(backend.counts(), self.trace.counts);
        assert_eq!(vec![u32::from(output.level().0)], self.trace.outputs);
        open(toy, output.ciphertext())
    }

    fn seal(&self, toy: &Toy, text: &str, level: Level) -> Ciphertext {
        let [re, im] = self.input(text);
        let values: Vec<Complex> = re.iter().zip(&im).map(|(&re, &im)| Complex::new(re, im)).collect();
        let plain = toy.params.encode_complex(&values, self.program.slots(), level).unwrap();
        toy.params.encrypt(&plain, &toy.secret, &mut arras_testkit::rng(3)).unwrap().expand(&toy.params)
    }

    /// How far an encrypted result is from the clear one in the worst slot, and how far the mean of its probabilities.
    fn error(&self, toy: &Toy, backend: &Ckks, text: &str) -> (f64, f64) {
        let clear = self.program.run(&Clear::new(self.program.slots()).unwrap(), &self.input(text)).unwrap();
        let have = self.encrypted(toy, backend, text);
        let mean = self.program.unpack([&have[0], &have[1]]).unwrap();
        let worst =
            arras_testkit::distance(&have[0], &clear[0]).max(arras_testkit::distance(&have[1], &clear[1]));
        (worst, (mean - clear[0][0]).abs())
    }
}

/// Both parts of an opened pair.
fn open(toy: &Toy, pair: &Ciphertext) -> [Vec<f64>; 2] {
    let opened = toy.params.decrypt(pair, &toy.secret).unwrap();
    [opened.secret_reals(), opened.secret_values().iter().map(|value| value.im).collect()]
}

#[test]
fn the_three_readings_agree() {
    let shape = Shape { layers: 2, width: 8, heads: 2, hidden: 12, lanes: 12 };
    let other = Shape { layers: 1, width: 12, heads: 3, hidden: 7, lanes: 15 };
    let wide = Shape { width: 12, heads: 4, hidden: 20, ..shape };
    for run in [Run::new(shape, 21), Run::new(other, 22), Run::split(wide, 23)] {
        let tracer = Tracer::new(run.program.slots(), run.trace.depth).unwrap();
        let again = run.program.run(&tracer, &tracer.input()).unwrap();
        assert_eq!(tracer.trace(&[again]), run.trace);
        let toy = Toy::new(10, run.trace.depth);
        let backend = toy.backend(&keys_of(&run.trace), run.program.slots());
        for text in [TEXTS[0], TEXTS[2]] {
            let (worst, mean) = run.error(&toy, &backend, text);
            assert!(worst < 1e-6 && mean < 1e-7, "{worst:e} {mean:e}");
        }
    }
}

#[test]
fn two_blocks_are_refreshed_as_one() {
    let run = Run::split(Shape { layers: 3, width: 12, heads: 4, hidden: 20, lanes: 16 }, 24);
    let slots = run.program.slots();
    let spec = BootSpec { log_degree: 9, depth: 15, ..presets::find("boot-n16").unwrap().spec };
    let toy = Toy::over(Params::danger_insecure(&spec.danger_toy(6).unwrap()).unwrap());
    let start = u32::from(toy.params.highest().0);
    let [input, output] = spec.levels(slots);
    let schedule = schedule(&run.trace.points, Budget { start, input, output }, &|_| 1.0).unwrap();
    assert_eq!(schedule.refreshes(), 2);
    let tracer = Tracer::scheduled(slots, start, &schedule).unwrap();
    let trace = tracer.trace(&[run.program.run(&tracer, &tracer.input()).unwrap()]);
    let boot = Arc::new(Bootstrapper::new(&toy.params, &spec, slots).unwrap());
    let backend = toy.backend(&keys_of(&trace).union(boot.request()), slots);
    for text in [TEXTS[0], TEXTS[2]] {
        let ops = backend.refreshing(boot.clone(), 1, schedule.clone(), || true).unwrap();
        backend.evaluator().reset_counts();
        let input = ops.input(run.seal(&toy, text, toy.params.highest())).unwrap();
        let answer = run.program.run(&ops, &input).unwrap();
        assert_eq!(ops.counts(), trace.counts);
        for guard in ops.guards() {
            spec.check_guard(&toy.params.decrypt(&guard, &toy.secret).unwrap(), 1).unwrap();
        }
        let clear = run.program.run(&Clear::new(slots).unwrap(), &run.input(text)).unwrap();
        let have = open(&toy, answer.ciphertext());
        let error = arras_testkit::distance(&have[0], &clear[0]);
        assert!(error < 1e-5, "{error:e}");
        run.program.unpack([&have[0], &have[1]]).unwrap();
    }
}

/// What this process has used so far, if the system says so.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<f64> =
        stat.rsplit(')').next().unwrap_or("").split(' ').filter_map(|f| f.parse().ok()).collect();
    // User and system time, in hundredths; the state, which is a letter, is left out.
    fields.get(10..12).map_or(0.0, |times| times.iter().sum::<f64>() / 100.0)
}

/// The size that is to be shipped, with numbers from a seed.
#[test]
#[ignore = "full size: the suite keeps to toy rings"]
fn two_layers_of_width_128_at_128_bits() {
    let setting = |name: &str, or: usize| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(or);
    let (heads, hidden, bits) = (setting("HEADS", 4), setting("HIDDEN", 128), setting("SCALE", 35));
    let run = Run::new(Shape { layers: setting("LAYERS", 2), width: 128, heads, hidden, lanes: 64 }, 5);
    let scale_bits = u32::try_from(bits).unwrap();
    let chain = Chain {
        log_degree: 15,
        base_bits: scale_bits + 12,
        scale_bits,
        depth: run.trace.depth,
        security: Security::Bits128,
    };
    let toy = Toy::over(Params::new(&chain.build().expect("a secure ring")).unwrap());
    let sizes = keys_of(&run.trace).sizes(toy.params.rlwe()).unwrap();
    println!(
        "depth {}, log2 QP {:.0}, digits of {}, {} special primes, {} rotations with keys, keys {} MB in files and {} MB in memory",
        run.trace.depth,
        toy.params.log2_q() + toy.params.log2_p(),
        toy.params.spec().digit,
        toy.params.spec().special.len(),
        run.trace.rotations.len(),
        sizes.file >> 20,
        sizes.memory >> 20
    );
    for op in [Op::Rotate, Op::HoistedRotate, Op::Relinearise, Op::Product, Op::PlainProduct, Op::Rescale] {
        let at: Vec<u64> = (0..=run.trace.depth).rev().map(|level| run.trace.at(op, level)).collect();
        println!("{op:?}: {} {at:?}", run.trace.count(op));
    }
    let backend = toy.backend(&keys_of(&run.trace), run.program.slots());
    for text in [TEXTS[0], TEXTS[2]] {
        let (start, before) = (Instant::now(), processor_seconds());
        let (worst, mean) = run.error(&toy, &backend, text);
        let (seconds, used) = (start.elapsed().as_secs_f64(), processor_seconds() - before);
        println!("{seconds:.2} s, {used:.2} s of processors, error {worst:e}, of the mean {mean:e}");
        // What leaves has 8 bits: 10 bits of margin.
        assert!(worst < 1e-4 && mean < 2f64.powi(-18), "{worst:e} {mean:e}");
    }
}

/// DistilBERT's depth and MiniLM's width, refreshed on its way, from the texts to the answers of whoever has the key.
#[test]
#[ignore = "slow: full size, minutes for each text and 10 GB of memory"]
fn six_layers_of_width_384_at_128_bits() {
    let setting = |name: &str, or: usize| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(or);
    let shape = Shape { layers: setting("LAYERS", 6), width: 384, heads: 12, hidden: 1536, lanes: 64 };
    let program = Lanes::new(transformer(shape, 7)).unwrap();
    let plan = Plan::for_model(&program, Security::Bits128).unwrap();
    let sizes = plan.request().sizes(plan.params().rlwe()).unwrap();
    println!(
        "N = 2^{}, {} slots, log2 QP {:.0}, level {}, {} refreshes, {} rotations, keys {} MB in files and {} MB in memory",
        plan.params().degree().ilog2(),
        program.slots(),
        plan.params().log2_q() + plan.params().log2_p(),
        plan.level().0,
        plan.refreshes(),
        plan.rotations(),
        sizes.file >> 20,
        sizes.memory >> 20
    );
    let wide = presets::of(plan.params()).unwrap();
    println!(
        "a refresh: keys {} MB, matrices {} MB",
        wide.spec
            .request(plan.params(), program.slots())
            .unwrap()
            .sizes(plan.params().rlwe())
            .unwrap()
            .memory
            >> 20,
        wide.spec.memory(plan.params(), program.slots()).unwrap() >> 20
    );
    let mut rng = arras_testkit::rng(8);
    let keys = Keys::generate(plan.params(), plan.request(), Source::Random, &mut rng, |_| true).unwrap();
    let engine = Engine::new(plan.params(), keys.evaluation).unwrap();
    let engine = engine.limited(Limits { bytes: 20 << 30, ..Limits::default() });
    let client = Client::new(&program, [3; 32], plan.params(), &keys.secret).unwrap();
    for text in TEXTS.iter().take(setting("TEXTS", 1)) {
        let sealed = client.seal(&[text], Mode::Latency, &mut rng).unwrap();
        let (start, before) = (Instant::now(), processor_seconds());
        let progress = &mut |done, all| {
            if done % 500 == 0 {
                println!("{done} of {all} after {:.0} s", processor_seconds() - before);
            }
            true
        };
        let answer = engine.run(&program, &[3; 32], sealed, progress).unwrap();
        let (seconds, used) = (start.elapsed().as_secs_f64(), processor_seconds() - before);
        let have = client.open(&answer).unwrap()[0].probability;
        let embedded = program.model().embed(text, false).unwrap();
        let want = program.model().polynomial(&embedded.values).unwrap().probability;
        println!("{seconds:.0} s, {used:.0} s of processors, {have} for {want}");
        assert!((have - want).abs() < 0.01);
    }
}

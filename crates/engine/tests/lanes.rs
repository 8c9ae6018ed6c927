//! A transformer on ciphertexts: the contract of its three readings, and what it costs at full size.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

mod common;
#[path = "../../nn/tests/toy/mod.rs"]
#[allow(dead_code, reason = "of the small models, only the numbers are used here")]
mod toy;

use std::time::Instant;

use arras_circuits::{Clear, Op, Trace, Tracer};
use arras_ckks::{Complex, Level, Params, Security, Shape as Chain};
use arras_engine::backend::Ckks;
use arras_nn::program::Lanes;
use arras_nn::transformer::Shape;
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

    fn input(&self, text: &str) -> [Vec<f64>; 2] {
        self.program.pack(&self.program.model().embed(text, false).unwrap()).unwrap()
    }

    /// Both parts of the result, encrypted and opened; counts are those of the trace.
    fn encrypted(&self, toy: &Toy, backend: &Ckks, text: &str) -> [Vec<f64>; 2] {
        let [re, im] = self.input(text);
        let values: Vec<Complex> = re.iter().zip(&im).map(|(&re, &im)| Complex::new(re, im)).collect();
        let level = Level(u8::try_from(self.trace.depth).unwrap());
        let plain = toy.params.encode_complex(&values, self.program.slots(), level).unwrap();
        let sealed = toy.params.encrypt(&plain, &toy.secret, &mut arras_testkit::rng(3)).unwrap();
        backend.evaluator().reset_counts();
        let input = backend.input(sealed.expand(&toy.params)).unwrap();
        let output = self.program.run(backend, &input).unwrap();
        assert_eq!(backend.counts(), self.trace.counts);
        assert_eq!(vec![u32::from(output.level().0)], self.trace.outputs);
        let opened = toy.params.decrypt(output.ciphertext(), &toy.secret).unwrap();
        [opened.secret_reals(), opened.secret_values().iter().map(|value| value.im).collect()]
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

#[test]
fn the_three_readings_agree() {
    let shape = Shape { layers: 2, width: 8, heads: 2, hidden: 12, lanes: 12 };
    let shapes = [shape, Shape { layers: 1, width: 12, heads: 3, hidden: 7, lanes: 15 }];
    for (seed, shape) in (21..).zip(shapes) {
        let run = Run::new(shape, seed);
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

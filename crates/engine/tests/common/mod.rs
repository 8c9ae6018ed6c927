//! Toy rings, exact keys, and the comparison of the three readings of one program.
#![allow(dead_code, reason = "each test file uses some of it")]
#![expect(clippy::disallowed_types, reason = "the tests play the client as well")]

pub mod model;

use std::sync::Arc;

use arras_approx::{Composite, Polynomial};
use arras_circuits::slotwise::{Domain, Function, Proof};
use arras_circuits::{Clear, Failure, Rotate, Sign, Slotwise, Trace, Tracer};
use arras_ckks::{
    Ciphertext, Evaluator, KeyRequest, KeySet, Level, Params, Purpose, SecretKey, Security, Shape,
};
use arras_engine::Error;
use arras_engine::backend::{Cache, Ckks, Hidden};
use arras_testkit::{distance, rng};

/// An algorithm to be read in three ways.
pub trait Program {
    fn run<B: Rotate>(&self, ops: &B, x: &[B::Ct]) -> Result<Vec<B::Ct>, Failure<B::Error>>;
}

/// Defines a program without data of its own, or with the fields of a struct behind a reference.
#[macro_export]
macro_rules! program {
    ($name:ident { $($field:ident : $kind:ty),* }, |$me:ident, $ops:ident, $x:ident| $body:expr) => {
        struct $name { $($field: $kind),* }
        impl $crate::common::Program for $name {
            fn run<B: arras_circuits::Rotate>(
                &self,
                $ops: &B,
                $x: &[B::Ct],
            ) -> Result<Vec<B::Ct>, arras_circuits::Failure<B::Error>> {
                let $me = self;
                let _ = $me;
                Ok($body)
            }
        }
    };
}

/// A ring without security, and its secret.
pub struct Toy {
    pub params: Params,
    pub secret: SecretKey,
}

impl Toy {
    /// N = 2^log_degree, a base of 60 bits, scales of 45, digits of two primes.
    pub fn new(log_degree: u32, depth: u32) -> Self {
        let shape = Shape { log_degree, base_bits: 60, scale_bits: 45, depth, security: Security::Bits128 };
        Self::over(Params::danger_insecure(&shape.danger_toy(2).unwrap()).unwrap())
    }

    pub fn over(params: Params) -> Self {
        let secret = SecretKey::new(params.rlwe(), &mut rng(1));
        Self { params, secret }
    }

    pub fn keys(&self, request: &KeyRequest) -> KeySet {
        KeySet::generate(self.params.rlwe(), &self.secret, request, &mut rng(2), |_| true).unwrap().unwrap()
    }

    pub fn seal(&self, values: &[f64], slots: usize, level: Level) -> Ciphertext {
        let plain = self.params.encode_at(values, slots, level).unwrap();
        self.params.encrypt(&plain, &self.secret, &mut rng(3)).unwrap().expand(&self.params)
    }

    pub fn open(&self, a: &Ciphertext) -> Vec<f64> {
        self.params.decrypt(a, &self.secret).unwrap().secret_reals()
    }

    pub fn backend(&self, request: &KeyRequest, slots: usize) -> Ckks {
        let eval = Evaluator::new(&self.params, self.keys(request)).unwrap();
        Ckks::danger_insecure_new(Arc::new(eval), slots, Arc::default()).unwrap()
    }
}

/// The keys of a trace.
pub fn keys_of(trace: &Trace) -> KeyRequest {
    let level = |l: u32| Level(u8::try_from(l).unwrap());
    let relinearise = trace.relinearise.map(|l| (Purpose::Relinearise, level(l)));
    let conjugate = trace.conjugate.map(|l| (Purpose::Conjugate, level(l)));
    let rotations =
        trace.rotations.iter().map(|(&by, &l)| (Purpose::Rotate(u32::try_from(by).unwrap()), level(l)));
    relinearise
        .into_iter()
        .chain(conjugate)
        .chain(rotations)
        .fold(KeyRequest::new(), |all, (by, l)| all.with(by, l))
}

/// One program on given inputs.
pub struct Case<'a, P> {
    pub program: &'a P,
    pub inputs: Vec<Vec<f64>>,
    pub slots: usize,
    pub log_degree: u32,
    /// The most by which a slot of the encrypted result may differ from the clear one.
    pub bound: f64,
}

impl<P: Program> Case<'_, P> {
    /// The contract: clear = encrypted within the bound; counts, levels and keys are those of the trace.
    pub fn holds(&self) {
        let trace = self.trace();
        // One level more than needed: keys are then trimmed below the top.
        let toy = Toy::new(self.log_degree, trace.depth + 1);
        self.agrees(&toy, &trace);
        self.needs_every_key(&toy, &trace);
    }

    /// The trace of inputs at exactly the levels needed, which a tracer with that limit repeats.
    pub fn trace(&self) -> Trace {
        let read = |tracer: &Tracer| {
            let inputs: Vec<_> = self.inputs.iter().map(|_| tracer.input()).collect();
            tracer.trace(&self.program.run(tracer, &inputs).unwrap())
        };
        let trace = read(&Tracer::unlimited(self.slots).unwrap());
        assert_eq!(trace, read(&Tracer::new(self.slots, trace.depth).unwrap()));
        trace
    }

    pub fn clear(&self) -> Vec<Vec<f64>> {
        let clear = Clear::new(self.slots).unwrap();
        let inputs: Vec<_> = self.inputs.iter().map(|x| clear.input(x).unwrap()).collect();
        self.program.run(&clear, &inputs).unwrap()
    }

    /// Encrypted with exactly the keys of the trace: values, counts, levels.
    pub fn agrees(&self, toy: &Toy, trace: &Trace) {
        let backend = toy.backend(&keys_of(trace), self.slots);
        let outputs = self.encrypted(toy, trace, &backend).unwrap();
        assert_eq!(backend.counts(), trace.counts);
        let levels: Vec<u32> = outputs.iter().map(|y| u32::from(y.level().0)).collect();
        assert_eq!(levels, trace.outputs);
        for (y, want) in outputs.iter().zip(self.clear()) {
            let error = distance(&toy.open(y.ciphertext()), &want);
            assert!(error < self.bound, "{error:e} is not below {:e}", self.bound);
        }
    }

    fn encrypted(&self, toy: &Toy, trace: &Trace, backend: &Ckks) -> Result<Vec<Hidden>, Failure<Error>> {
        let level = Level(u8::try_from(trace.depth).unwrap());
        let fill = |x: &[f64]| x.iter().copied().cycle().take(self.slots).collect::<Vec<_>>();
        let seal = |x: &Vec<f64>| backend.input(toy.seal(&fill(x), self.slots, level)).unwrap();
        let inputs: Vec<_> = self.inputs.iter().map(seal).collect();
        self.program.run(backend, &inputs)
    }

    /// Without one of the keys, or with one trimmed by a level more, the program fails and names that key.
    fn needs_every_key(&self, toy: &Toy, trace: &Trace) {
        let all = keys_of(trace);
        for (purpose, level) in all.iter() {
            let others = all.iter().filter(|(by, _)| *by != purpose);
            let others = others.fold(KeyRequest::new(), |some, (by, l)| some.with(by, l));
            let backend = toy.backend(&others, self.slots);
            let lacking = self.encrypted(toy, trace, &backend).unwrap_err();
            assert!(
                matches!(lacking, Failure::Operation(Error::MissingKey { by }) if by == purpose),
                "{lacking}"
            );
            let Some(lower) = level.down(1) else { continue };
            let backend = toy.backend(&others.with(purpose, lower), self.slots);
            let short = self.encrypted(toy, trace, &backend).unwrap_err();
            assert!(
                matches!(short, Failure::Operation(Error::KeyLevel { by, .. }) if by == purpose),
                "{short}"
            );
        }
    }
}

/// A polynomial with pseudorandom coefficients of this degree; parity 0 or 1 keeps those of that parity.
pub fn polynomial(degree: usize, parity: usize, lo: f64, hi: f64) -> Polynomial {
    let mut c = arras_testkit::units(degree + 1, &mut rng(degree as u64));
    c.iter_mut().enumerate().filter(|(k, _)| parity < 2 && k % 2 != parity).for_each(|(_, c)| *c = 0.0);
    c.iter_mut().for_each(|c| *c /= (degree + 1) as f64);
    Polynomial::new(lo, hi, c).unwrap()
}

/// The sign from a tenth on, by degrees 7 and 15, within a thousandth.
pub fn sign() -> Sign {
    let composite = Composite::build(0.1, 1e-6, &[7, 15], &mut |_, _| 1e-6).unwrap();
    assert!(composite.noisy_error() < 1e-3);
    Sign::new(composite.polynomials()).unwrap()
}

/// A function of numbers by that sign.
pub fn slotwise(function: Function) -> Slotwise {
    let proof = Proof { sign: 1e-3, weighted: 0.05, tie: 1.0, noise: 1e-6, guard: 1e-6 };
    Slotwise::new(function, Domain::Numbers { epsilon: 0.1 }, &sign(), proof).unwrap()
}

/// A cache that keeps nothing.
pub fn no_cache() -> Arc<Cache> {
    Arc::new(Cache::new(0))
}

/// A preset at its full size, with its security.
pub fn preset(name: &str) -> Toy {
    let spec = arras_ckks::presets::find(name).unwrap().spec().unwrap();
    Toy::over(Params::new(&spec).unwrap())
}

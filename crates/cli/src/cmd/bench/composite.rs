//! `arras bench composite`: the side of `cargo xtask peers compare` that is ours.
//!
//! It answers requests for polynomials on [-1, 1] applied one after another to all slots. Those of the best sign
//! composition it makes itself, with the plans by which they are evaluated, so that other libraries can follow the same
//! ones.

use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use arras_approx::composite::Composite;
use arras_approx::{Node, Plan, Polynomial};
use arras_ckks::noise::Noise;
use arras_ckks::{Ciphertext, Evaluator, KeySet, Level, Params, PublicKey, SecretKey, Security, Shape};
use arras_client::random;
use arras_rlwe::{KeyRequest, Purpose};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::args::BenchComposite;
use crate::cmd::bench::time;
use crate::cmd::bench::worker::{self, Request};
use crate::cmd::params::tenths;

pub fn run(args: &BenchComposite) -> anyhow::Result<ExitCode> {
    let library = Library::new(&parameters(args)?)?;
    worker::serve(&worker::about(library.eval.params(), &Value::Null), |request| match request.op.as_str() {
        "plan" => library.plan(request),
        "composite" => library.composite(request),
        _ => Ok(worker::unsupported()),
    })
}

fn parameters(args: &BenchComposite) -> anyhow::Result<Params> {
    let &BenchComposite { log_ring: log_degree, levels: depth, base_bits, scale_bits, .. } = args;
    let shape = Shape { log_degree, base_bits, scale_bits, depth, security: Security::Bits128 };
    if args.danger_insecure {
        let spec = shape.danger_toy(2).context("the ring has too few primes")?;
        return Ok(Params::danger_insecure(&spec)?);
    }
    let spec = shape.build().context("no parameters of this ring and depth have 128 bits of security")?;
    Ok(Params::new(&spec)?)
}

/// What a request says besides its level.
#[derive(Deserialize)]
struct Asked {
    /// No input is nearer to zero.
    #[serde(default)]
    epsilon: f64,
    /// Of the sign composition to plan.
    #[serde(default)]
    degrees: Vec<usize>,
    /// The polynomials in the order of their application.
    #[serde(default)]
    stages: Vec<Stage>,
}

impl Asked {
    fn of(request: &Request) -> anyhow::Result<Self> {
        Ok(serde_json::from_value(Value::Object(request.more.clone()))?)
    }

    fn polynomials(&self) -> anyhow::Result<Vec<Polynomial>> {
        let polynomial = |stage: &Stage| Ok(Polynomial::unit(stage.coefficients.clone())?);
        self.stages.iter().map(polynomial).collect()
    }
}

/// Other fields are for other libraries.
#[derive(Deserialize)]
struct Stage {
    /// c_0, c_1, ... of the sum of c_k T_k on [-1, 1].
    coefficients: Vec<f64>,
}

/// A polynomial and how it is evaluated.
fn planned(polynomial: &Polynomial, plan: &Plan) -> Value {
    let powers: Vec<_> = plan.powers.iter().map(|power| [power.index, power.left, power.right]).collect();
    json!({
        "coefficients": polynomial.coefficients(),
        "depth": plan.depth,
        "powers": powers,
        "root": node(&plan.root),
    })
}

fn node(node: &Node) -> Value {
    match node {
        Node::Leaf(terms) => json!({"leaf": terms}),
        Node::Split { giant, quotient, remainder } => {
            json!({"giant": giant, "quotient": self::node(quotient), "remainder": self::node(remainder)})
        }
    }
}

/// The engine under fresh keys, with what encrypts its inputs and decrypts its results.
struct Library {
    eval: Evaluator,
    public: PublicKey,
    secret: SecretKey,
}

impl Library {
    fn new(params: &Params) -> anyhow::Result<Self> {
        let mut rng = random::system()?;
        let secret = SecretKey::new(params.rlwe(), &mut rng);
        let request = KeyRequest::new().with(Purpose::Relinearise, params.highest());
        let keys = KeySet::generate(params.rlwe(), &secret, &request, &mut rng, |_| true)?;
        let public = secret.public_key(params.rlwe(), &mut rng)?;
        Ok(Self { eval: Evaluator::new(params, keys.context("no keys were made")?)?, public, secret })
    }

    /// The best sign composition of these degrees, with room for the noise of these parameters.
    fn plan(&self, request: &Request) -> anyhow::Result<Value> {
        let Asked { epsilon, degrees, .. } = Asked::of(request)?;
        let params = self.eval.params();
        let slots = params.max_slots();
        let depths = degrees.iter().map(|degree| (degree + 1).next_power_of_two().ilog2());
        let depths: Vec<u32> = depths.collect();
        let top = Level(request.level);
        let mut margins = |stage: usize, polynomial: &Polynomial| {
            let level = top.down(depths[..stage].iter().sum()).unwrap_or(Level(0));
            params.poly_noise(polynomial, Noise(0.0), slots, level).most().bound(slots)
        };
        let input_margin = params.public_noise(slots, top).bound(slots);
        let composite = Composite::build(epsilon, input_margin, &degrees, &mut margins)?;
        let stages = composite.polynomials();
        Ok(json!({
            "stages": stages.iter().map(|polynomial| planned(polynomial, &polynomial.plan())).collect::<Vec<_>>(),
            "depth": composite.depth(),
            "products": composite.products(),
            "certified_error": composite.certified_error(),
            "noisy_error": composite.noisy_error(),
        }))
    }

    /// Times of the composite, one call before them, and how far its last result is from the plain one.
    fn composite(&self, request: &Request) -> anyhow::Result<Value> {
        ensure!(request.reps > 0, "no calls are asked for");
        let asked = Asked::of(request)?;
        let polynomials = asked.polynomials()?;
        let params = self.eval.params();
        let inputs = inputs(params.max_slots(), asked.epsilon);
        let plain = params.encode_at(&inputs, params.max_slots(), Level(request.level))?;
        let sealed = params.encrypt_public(&plain, &self.public, &mut random::system()?)?;
        let mut result = self.apply(&polynomials, &sealed)?;
        let mut times = Vec::new();
        for _ in 0..request.reps {
            let (made, taken) = time(|| self.apply(&polynomials, &sealed));
            result = made?;
            times.push(taken);
        }
        let opened = params.decrypt(&result, &self.secret)?.secret_reals();
        let right = |&x: &f64| polynomials.iter().fold(x, |x, p| p.eval(x));
        let farthest = |right: &dyn Fn(&f64) -> f64| {
            inputs.iter().zip(&opened).map(|(x, y)| (right(x) - y).abs()).fold(0.0, f64::max)
        };
        let max_error = farthest(&right);
        let result = json!({
            "max_error": max_error,
            "precision_bits": tenths(-max_error.log2()),
            "sign_error": farthest(&|x| x.signum()),
            "levels_left": result.level().0,
        });
        Ok(worker::done(&times, &result))
    }

    fn apply(&self, polynomials: &[Polynomial], x: &Ciphertext) -> anyhow::Result<Ciphertext> {
        let (first, rest) = polynomials.split_first().context("there are no polynomials")?;
        rest.iter().try_fold(self.eval.poly(x, first)?, |x, p| Ok(self.eval.poly(&x, p)?))
    }
}

/// Numbers of both signs that fill epsilon <= |x| < 1 evenly, those nearest to zero among them: multiples of the golden
/// ratio, the same in every worker.
fn inputs(slots: usize, epsilon: f64) -> Vec<f64> {
    let golden = 0.618_033_988_749_894_9;
    let size = |i: usize| epsilon + (1.0 - epsilon) * ((i / 2) as f64 * golden).fract();
    (0..slots).map(|i| if i % 2 == 0 { size(i) } else { -size(i) }).collect()
}

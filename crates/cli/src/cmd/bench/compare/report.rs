//! What is said of one setting and method.

use arras_ckks::Params;
use arras_client::ColumnPlan;
use arras_plan::Chain;
use serde::{Deserialize, Deserializer, Serialize};

use super::published;
use super::session::Outcome;
use super::setting::Setting;
use crate::args::bench_compare::Method;
use crate::cmd::bench::ops::page_kind;
use crate::cmd::minimax::degrees::set;
use crate::cmd::params::tenths;
use crate::output;

/// What `--json` prints, and what `--all` keeps.
#[derive(Serialize, Deserialize, Clone)]
pub struct Report {
    pub alpha: u8,
    pub function: String,
    pub method: Method,
    pub depth: u32,
    /// Levels that the function uses.
    pub levels: u32,
    /// The distance from which on the sign is right.
    pub epsilon: f64,
    pub degrees: Vec<usize>,
    /// The stage after which values are made real, from zero.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub real_after: Option<usize>,
    /// Products of two ciphertexts in the sign.
    pub mults: u32,
    /// The fastest run: CPU time of one thread, elapsed time of more.
    pub seconds: f64,
    pub cpu_seconds: f64,
    pub wall_seconds: f64,
    pub amortised_us: f64,
    /// Inputs whose result errs by more than 2^-alpha.
    pub failures: usize,
    pub inputs: usize,
    #[serde(deserialize_with = "infinite_if_null")]
    pub max_error: f64,
    /// What no result may err by, noise included.
    #[serde(deserialize_with = "infinite_if_null")]
    pub certified_error: f64,
    /// The part of it that noise after the sign adds.
    pub noise_bound: f64,
    /// Of the input, and of every stage.
    pub margins_log2: Vec<f64>,
    pub scalings: Vec<f64>,
    /// What the polynomials and the real step should take by the costs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub predicted_seconds: Option<f64>,
    /// What was published, on another machine.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub published: Option<Published>,
    pub threads: usize,
    pub kernel: String,
    pub page_kind: String,
    pub base_bits: u32,
    pub scale_bits: u32,
    pub log2_qp: f64,
    pub digits: usize,
    pub ring: usize,
    pub slots: usize,
    pub runs: u32,
    pub seed: u64,
}

/// JSON has no infinity: it is written as null.
fn infinite_if_null<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(f64::INFINITY))
}

/// A published row.
#[derive(Serialize, Deserialize, Clone)]
pub struct Published {
    pub degrees: Vec<usize>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seconds: Option<f64>,
}

impl Report {
    pub fn new(
        setting: &Setting,
        (method, plan): (Method, &ColumnPlan),
        costs: Option<&Chain>,
        outcome: &Outcome,
        (params, seed): (&Params, u64),
    ) -> anyhow::Result<Self> {
        let (composite, slotwise, threads) =
            (plan.composite(), plan.slotwise(), rayon::current_num_threads());
        let (cpu, wall) = (outcome.seconds(|times| times.cpu), outcome.seconds(|times| times.wall));
        let seconds = if threads == 1 { cpu } else { wall };
        let margins = composite.stages().iter().map(|stage| stage.margin());
        let margins = std::iter::once(composite.input_margin()).chain(margins);
        let published = published::find(setting.function, setting.alpha, setting.depth);
        let predicted = costs.map(|costs| plan.milliseconds(costs)).transpose()?;
        Ok(Self {
            alpha: setting.alpha,
            function: setting.function.name().to_owned(),
            method,
            depth: setting.depth,
            levels: slotwise.depth(),
            epsilon: setting.epsilon(),
            degrees: composite.degrees(),
            real_after: slotwise.real_after(),
            mults: composite.products(),
            seconds: microseconds(seconds),
            cpu_seconds: microseconds(cpu),
            wall_seconds: microseconds(wall),
            amortised_us: (seconds * 1e9 / params.max_slots() as f64).round() / 1e3,
            failures: outcome.failures,
            inputs: outcome.inputs,
            max_error: outcome.max_error,
            certified_error: slotwise.error(),
            noise_bound: slotwise.proof().noise,
            margins_log2: margins.map(|margin| tenths(margin.log2())).collect(),
            scalings: composite.stages().iter().map(|stage| stage.scaling()).collect(),
            predicted_seconds: predicted.map(|milliseconds| microseconds(milliseconds / 1e3)),
            published: published.map(|row| Published {
                degrees: row.degrees(method).to_vec(),
                seconds: row.seconds(setting.function, method),
            }),
            threads,
            kernel: params.ring().kernels().name.to_owned(),
            page_kind: page_kind(params.ring().pool().usage()).to_owned(),
            base_bits: setting.scales.base_bits,
            scale_bits: setting.scales.scale_bits,
            log2_qp: tenths(params.log2_q() + params.log2_p()),
            digits: params.digits(),
            ring: params.degree(),
            slots: params.max_slots(),
            runs: u32::try_from(outcome.times.len()).unwrap_or(u32::MAX),
            seed,
        })
    }

    /// What is wrong with the results, if anything: published degrees need not be as precise as they were said to be.
    pub fn fault(&self) -> Option<String> {
        let Self { function, alpha, failures, inputs, max_error, certified_error, .. } = self;
        if *failures > 0 && self.method != Method::Published {
            return Some(format!(
                "{failures} of {inputs} results of {function} err by more than 2^-{alpha}, by up to {max_error:.3e}"
            ));
        }
        // Written so that what is not a number is a fault.
        let within = max_error <= certified_error;
        (!within).then(|| {
            format!(
                "a result of {function} errs by {max_error:.3e}, and {certified_error:.3e} is certified: the bound is wrong"
            )
        })
    }

    pub fn human(&self) -> String {
        let bits = |x: f64| format!("2^{:.2}", x.log2());
        let mut pairs = vec![
            ("function", format!("{} to {} bits, {} degrees", self.function, self.alpha, word(self.method))),
            (
                "degrees",
                format!(
                    "{}: {} of {} levels, {} products",
                    set(&self.degrees),
                    self.levels,
                    self.depth,
                    self.mults
                ),
            ),
            (
                "time",
                format!(
                    "{:.3} s ({:.3} s by the wall clock), {:.2} µs for each of {} slots; the least of {} runs",
                    self.seconds, self.wall_seconds, self.amortised_us, self.slots, self.runs
                ),
            ),
            ("failures", format!("{} of {} inputs", self.failures, self.inputs)),
            ("largest error", format!("{}, certified {}", bits(self.max_error), bits(self.certified_error))),
            ("margins", format!("2^{:?}", self.margins_log2).replace(['[', ']'], "").replace(", ", " 2^")),
            (
                "parameters",
                format!(
                    "N = {}, log2 QP = {}, {} digits, {} thread(s), {} kernel, {} pages",
                    self.ring, self.log2_qp, self.digits, self.threads, self.kernel, self.page_kind
                ),
            ),
        ];
        if let Some(predicted) = self.predicted_seconds {
            pairs.push(("predicted", format!("{predicted:.3} s for the polynomials")));
        }
        if let Some(Published { degrees, seconds: Some(seconds) }) = &self.published {
            pairs.push(("published", format!("{} in {seconds} s, by SEAL on a Core i7-10700", set(degrees))));
        }
        output::pairs(&pairs)
    }
}

/// Many settings, one in each line.
pub fn table(reports: &[Report]) -> String {
    let line = |report: &Report| {
        let published = report.published.as_ref();
        let seconds = published.and_then(|published| published.seconds);
        vec![
            report.function.clone(),
            report.alpha.to_string(),
            report.depth.to_string(),
            word(report.method).to_owned(),
            set(&report.degrees),
            report.mults.to_string(),
            format!("{:.3}", report.seconds),
            format!("{:.2}", report.amortised_us),
            report.failures.to_string(),
            format!("{:.2}", report.max_error.log2()),
            format!("{:.2}", report.certified_error.log2()),
            seconds.map_or(String::new(), |seconds| format!("{seconds:.2}")),
            published.map_or(String::new(), |published| set(&published.degrees)),
        ]
    };
    let header = [
        "function",
        "alpha",
        "depth",
        "method",
        "degrees",
        "products",
        "seconds",
        "µs/slot",
        "failures",
        "log2 error",
        "certified",
        "seconds published",
        "degrees published",
    ];
    output::table(&header, &reports.iter().map(line).collect::<Vec<_>>())
}

fn word(method: Method) -> &'static str {
    match method {
        Method::Previous => "previous",
        Method::Proposed => "proposed",
        Method::Published => "published",
    }
}

fn microseconds(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}

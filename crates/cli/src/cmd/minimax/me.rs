//! `arras minimax me`: one best polynomial.

use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use arras_approx::minimax::{self, Minimax};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::args::minimax::Me;
use crate::output::{self, Output};

/// The digits of the error that are shown.
const DIGITS: usize = 20;

#[derive(Serialize)]
struct Report {
    log2_error: f64,
    error: String,
    /// log2(1 - error), for errors near one.
    log2_complement: f64,
    degree: usize,
    tau: f64,
    domain: [f64; 2],
    #[serde(flatten)]
    plain: Basis,
    scaled: Basis,
    iterations: u32,
    precision_bits: u32,
}

/// The numbers c_k in sum c_k T_(2k+1)(x / scaling), with more digits than an f64 has.
#[derive(Serialize)]
struct Basis {
    scaling: f64,
    coefficients: Vec<Box<RawValue>>,
}

pub fn run(args: &Me, out: &Output) -> anyhow::Result<ExitCode> {
    let tau = Tau::parse(&args.tau)?;
    let best = tau.best(degree(args.degree)?)?;
    let domain = best.domain();
    let report = Report {
        log2_error: best.log2_error(),
        error: best.error_decimal(DIGITS),
        log2_complement: best.log2_complement(),
        degree: best.degree(),
        tau: tau.rounded(),
        domain: domain.into(),
        plain: basis(&best, 1.0)?,
        scaled: basis(&best, domain.1)?,
        iterations: best.iterations(),
        precision_bits: best.precision(),
    };
    out.show(&report, |report| human(report, &best))
}

fn basis(best: &Minimax, scaling: f64) -> anyhow::Result<Basis> {
    let raw: Result<Vec<_>, _> = best.coefficients(scaling)?.into_iter().map(RawValue::from_string).collect();
    Ok(Basis { scaling, coefficients: raw? })
}

fn degree(degree: i64) -> anyhow::Result<usize> {
    ensure!((3..=63).contains(&degree), "the degree {degree} is not between 3 and 63");
    ensure!(
        degree % 2 == 1,
        "the degree {degree} is even, and must be odd: {} or {}",
        degree - 1,
        degree + 1
    );
    Ok(usize::try_from(degree)?)
}

/// Half the width of the interval, without a rounding where it is near one.
enum Tau {
    Plain(f64),
    OneMinus(f64),
}

impl Tau {
    /// The smallest tau, and the smallest 1 - tau, are 2^-200: beyond, errors have thousands of digits.
    const LEAST: i32 = -200;

    fn parse(text: &str) -> anyhow::Result<Self> {
        let meant = || format!("tau is {text}, but must be a number between 0 and 1, or 2^-K, or 1-2^-K");
        let tau = if let Some(exponent) = text.strip_prefix("1-2^") {
            Tau::OneMinus(exponent.parse::<f64>().ok().with_context(meant)?.exp2())
        } else if let Some(exponent) = text.strip_prefix("2^") {
            Tau::Plain(exponent.parse::<f64>().ok().with_context(meant)?.exp2())
        } else {
            Tau::Plain(text.parse().ok().with_context(meant)?)
        };
        let (Tau::Plain(size) | Tau::OneMinus(size)) = tau;
        if !(size > 0.0 && size < 1.0) {
            bail!("tau is {text}, and must lie between 0 and 1, without the ends");
        }
        if size < 2.0_f64.powi(Self::LEAST) {
            bail!("tau is {text}, nearer to its limit than 2^{}, the nearest that is computed", Self::LEAST);
        }
        Ok(tau)
    }

    fn rounded(&self) -> f64 {
        match *self {
            Tau::Plain(tau) => tau,
            Tau::OneMinus(gap) => 1.0 - gap,
        }
    }

    fn best(&self, degree: usize) -> Result<Minimax, arras_approx::Error> {
        match *self {
            Tau::Plain(tau) => minimax::sign_around_one(tau, degree),
            Tau::OneMinus(gap) => minimax::sign_with_gap(gap, degree),
        }
    }
}

fn human(report: &Report, best: &Minimax) -> String {
    let (lo, hi) = best.domain();
    let error = format!("{} = 2^{:.6}", best.error_decimal(10), report.log2_error);
    let near_one = format!("1 - 2^{:.6}", report.log2_complement);
    let head = output::pairs(&[
        ("degree", report.degree.to_string()),
        ("interval", format!("[{lo}, {hi}]")),
        ("error", if report.log2_error > -1.0 { near_one } else { error }),
        ("computed", format!("{} exchanges with {} bits", report.iterations, report.precision_bits)),
    ]);
    let columns = [&report.plain, &report.scaled].map(|basis| &basis.coefficients);
    let cell = |k: usize, column: &[Box<RawValue>]| column.get(k).map_or(String::new(), |c| short(c.get()));
    let row = |k: usize| {
        let names = std::iter::once(format!("T{}", 2 * k + 1));
        names.chain(columns.iter().map(|column| cell(k, column))).collect()
    };
    let rows: Vec<Vec<String>> = (0..report.degree.div_ceil(2)).map(row).collect();
    format!("{head}\n{}", output::table(&["", "of x", &format!("of x / {hi}")], &rows))
}

/// A number with the digits of an f64.
fn short(digits: &str) -> String {
    digits.parse::<f64>().map_or_else(|_| digits.to_owned(), |x| format!("{x:.15e}"))
}

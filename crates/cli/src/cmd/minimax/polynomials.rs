//! `arras minimax polynomials`: a composition with its certificate.

use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use arras_approx::degrees::Goal;
use arras_approx::{Composite, Polynomial, Stage};
use arras_ckks::noise::Noise;
use arras_ckks::{Level, Params};
use arras_client::{Scales, store};
use serde::Serialize;

use super::degrees;
use crate::args::minimax::{Function, Optimise, Polynomials};
use crate::costs;
use crate::output::{self, Output};

/// Searches with a larger margin each, when the noise of the choice before leaves too large an error.
const SEARCHES: u32 = 6;
/// How much larger it becomes when it was too small although it was that of the noise.
const GROWTH: f64 = 1.25;

/// The certificate, and what it says in bits.
#[derive(Serialize)]
struct Answer<'a> {
    alpha: f64,
    r#for: Function,
    #[serde(flatten)]
    composite: &'a Composite,
    degrees: Vec<usize>,
    depth: u32,
    mults: u32,
    certified_error_log2: f64,
    noisy_error_log2: f64,
    weighted_error_log2: f64,
    /// Whether the error that counts for the function, noise included, is what alpha asks for.
    enough: bool,
}

pub fn run(args: &Polynomials, threads: Option<u16>, out: &Output) -> anyhow::Result<ExitCode> {
    if args.search.chain.is_some() && args.margin_log2.is_some() && args.search.optimise == Optimise::Mults {
        bail!("--chain says what noise is, and so does --margin-log2: give one of them");
    }
    let goal = degrees::goal(&args.search)?;
    let composite = match &args.degrees {
        Some(degrees) => compose(args, &goal, degrees)?,
        None => search(args, &goal, threads)?,
    };
    let degrees = composite.degrees();
    let answer = Answer {
        alpha: goal.alpha(),
        r#for: args.search.function,
        depth: composite.depth() + goal.after(),
        mults: degrees::products(args.search.counts).sum(&degrees),
        degrees,
        certified_error_log2: composite.certified_error().log2(),
        noisy_error_log2: composite.noisy_error().log2(),
        weighted_error_log2: composite.weighted_error().log2(),
        enough: error(args, &composite) <= wanted(args, &goal),
        composite: &composite,
    };
    if let Some(path) = &args.out {
        store::write_file(path, serde_json::to_string_pretty(&answer)?.as_bytes())?;
    }
    out.show(&answer, human)
}

/// The proved error of what the sign is for, as far as it comes from the composition.
fn error(args: &Polynomials, composite: &Composite) -> f64 {
    match args.search.function {
        Function::Compare => composite.noisy_error(),
        Function::Max => composite.weighted_error(),
    }
}

/// The error that [`error`] may be: a comparison is half a sign.
fn wanted(args: &Polynomials, goal: &Goal) -> f64 {
    match args.search.function {
        Function::Compare => (1.0 - goal.alpha()).exp2(),
        Function::Max => (-goal.alpha()).exp2(),
    }
}

/// The best degrees whose error meets the goal with noise too.
fn search(args: &Polynomials, goal: &Goal, threads: Option<u16>) -> anyhow::Result<Composite> {
    let (mut margin, mut input, mut last) = (0.0f64, 0.0, 0.0);
    for _ in 0..SEARCHES {
        let degrees =
            degrees::choose(&args.search, &goal.with_margin(margin)?.with_input_margin(input)?, threads)?;
        let composite = compose(args, goal, &degrees)?;
        last = error(args, &composite);
        if last <= wanted(args, goal) {
            return Ok(composite);
        }
        if args.search.function == Function::Max && composite.noisy_error() <= (1.0 - goal.alpha()).exp2() {
            bail!(
                "numbers closer than epsilon have a max with an error of 2^{:.3}, above 2^-{}: take a smaller zeta",
                last.log2(),
                goal.alpha()
            );
        }
        margin = composite.stages().iter().map(Stage::margin).fold(GROWTH * margin, f64::max);
        input = composite.input_margin();
    }
    bail!(
        "with noise the best composition errs by 2^{:.3}, where 2^{:.3} is wanted: allow more levels",
        last.log2(),
        wanted(args, goal).log2()
    )
}

/// The composition of these degrees, with room for noise.
fn compose(args: &Polynomials, goal: &Goal, degrees: &[usize]) -> anyhow::Result<Composite> {
    if let Some(degree) = degrees.iter().find(|&d| !(3..=63).contains(d)) {
        bail!("the degree {degree} is not between 3 and 63");
    }
    let Some(log2) = args.margin_log2 else { return with_noise(goal, degrees, args.search.scales()) };
    ensure!(log2 < 0.0, "a margin of 2^{log2} leaves nothing: it must be below one");
    Ok(Composite::build(goal.epsilon(), log2.exp2(), degrees, &mut |_, _| log2.exp2())?)
}

/// With the margins that the noise of a chain just long enough asks for, in all slots but with probability 2^-40.
fn with_noise(goal: &Goal, degrees: &[usize], scales: Scales) -> anyhow::Result<Composite> {
    let levels: Vec<u32> = degrees.iter().map(|d| (d + 1).next_power_of_two().ilog2()).collect();
    let depth = levels.iter().sum::<u32>() + goal.after();
    let params = parameters(depth, scales)?;
    let (slots, top) = (params.max_slots(), params.highest());
    // What is compared is the difference of two fresh encryptions.
    let fresh = params.public_noise(slots, top);
    let mut margin = |stage: usize, p: &Polynomial| {
        let used = levels.iter().take(stage).sum::<u32>();
        let level = top.down(used).unwrap_or(Level(0));
        // The domain of a stage has room for the noise of its input: what is left is its own.
        params.poly_noise(p, Noise(0.0), slots, level).most().bound(slots)
    };
    Ok(Composite::build(goal.epsilon(), fresh.plus(fresh).bound(slots), degrees, &mut margin)?)
}

/// Parameters whose chain has so many levels.
fn parameters(depth: u32, scales: Scales) -> anyhow::Result<Params> {
    let spec = costs::spec(costs::ring(16, scales), depth).with_context(|| {
        format!(
            "no chain of {depth} levels has 128 bits of security at a scale of 2^{}: give --margin-log2",
            scales.scale_bits
        )
    })?;
    Ok(Params::new(&spec)?)
}

fn human(answer: &Answer<'_>) -> String {
    let composite = answer.composite;
    let proved = |log2: f64| format!("at most 2^{log2:.4}");
    let head = output::pairs(&[
        ("degrees", degrees::set(&answer.degrees)),
        ("depth", format!("{} levels", answer.depth)),
        ("products", answer.mults.to_string()),
        ("epsilon", format!("2^{:.4}", composite.epsilon().log2())),
        ("error of sign", format!("{} for epsilon <= |x| <= 1", proved(answer.certified_error_log2))),
        ("with noise", proved(answer.noisy_error_log2)),
        ("error of max", format!("{} for |x| <= 1, with noise", proved(answer.weighted_error_log2))),
        ("enough", if answer.enough { "yes" } else { "no" }.to_owned()),
    ]);
    let row = |stage: &Stage| {
        let (lo, hi) = stage.domain();
        vec![
            stage.degree().to_string(),
            format!("[{lo:.6e}, {hi:.6e}]"),
            stage.scaling().to_string(),
            format!("2^{:.2}", stage.margin().log2()),
            stage.coefficients().first().map_or(String::new(), |c| format!("{c:.15}")),
        ]
    };
    let rows: Vec<Vec<String>> = composite.stages().iter().map(row).collect();
    format!(
        "{head}\n{}",
        output::table(&["degree", "domain", "scaling", "margin", "first coefficient"], &rows)
    )
}

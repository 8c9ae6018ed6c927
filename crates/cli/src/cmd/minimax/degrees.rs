//! `arras minimax degrees`: which degrees to compose.

use std::process::ExitCode;

use anyhow::bail;
use arras_approx::degrees::{Choice, Goal, Products, fewest_products, least_depth};
use serde::Serialize;

use crate::args::minimax::{Counts, Degrees, Function};
use crate::output::{self, Output};

/// What is said of the best composition.
#[derive(Serialize)]
struct Answer {
    alpha: f64,
    epsilon_log2: f64,
    max_degree: usize,
    r#for: Function,
    #[serde(skip_serializing_if = "Option::is_none")]
    zeta: Option<f64>,
    optimise: &'static str,
    counts: Counts,
    /// The least depth of any composition, and the depth that was allowed.
    minimum_depth: u32,
    within_depth: u32,
    depth: u32,
    mults: u32,
    /// The products of our own plans of these degrees.
    planned_mults: u32,
    degrees: Vec<usize>,
    sign_error_log2: f64,
}

pub fn run(args: &Degrees, out: &Output) -> anyhow::Result<ExitCode> {
    let goal = goal(args)?;
    let minimum = least_depth(&goal)?;
    let within = args.depth.unwrap_or(minimum);
    let choice = match args.counts {
        Counts::Published => fewest_products(&goal, within, &Products::published())?,
        Counts::Planned => fewest_products(&goal, within, Products::planned())?,
    };
    out.show(&answer(args, &goal, (minimum, within), choice), human)
}

/// What the composition is to achieve.
pub fn goal(args: &Degrees) -> anyhow::Result<Goal> {
    Ok(match (args.function, args.zeta, args.epsilon_log2) {
        (Function::Compare, None, log2) => {
            Goal::new(args.alpha, (-log2.unwrap_or(args.alpha).abs()).exp2(), args.max_degree)?
        }
        (Function::Max, Some(zeta), None) => Goal::for_max(args.alpha, zeta, args.max_degree)?,
        (Function::Compare, Some(_), _) => {
            bail!("--zeta belongs to --for max: a comparison takes --epsilon-log2")
        }
        (Function::Max, None, _) => bail!("--for max needs --zeta, by which epsilon is zeta 2^-alpha"),
        (Function::Max, _, Some(_)) => {
            bail!("--epsilon-log2 belongs to --for compare: for max epsilon is zeta 2^-alpha")
        }
    })
}

fn answer(args: &Degrees, goal: &Goal, (minimum_depth, within_depth): (u32, u32), choice: Choice) -> Answer {
    Answer {
        alpha: goal.alpha(),
        epsilon_log2: goal.epsilon().log2(),
        max_degree: goal.max_degree(),
        r#for: args.function,
        zeta: args.zeta,
        optimise: "mults",
        counts: args.counts,
        minimum_depth,
        within_depth,
        depth: choice.depth,
        mults: choice.mults,
        planned_mults: Products::planned().sum(&choice.degrees),
        degrees: choice.degrees,
        sign_error_log2: choice.log2_error,
    }
}

fn human(answer: &Answer) -> String {
    let (last, more) = match answer.r#for {
        Function::Max => (", one of them for the final product", ", and the final one"),
        Function::Compare => ("", ""),
    };
    output::pairs(&[
        ("degrees", set(&answer.degrees)),
        ("depth", format!("{} levels{last}; {} is the least", answer.depth, answer.minimum_depth)),
        ("products", format!("{}{more}; {} as Arras plans them", answer.mults, answer.planned_mults)),
        (
            "error of sign",
            format!("2^{:.4} for 2^{:.2} <= |x| <= 1", answer.sign_error_log2, answer.epsilon_log2),
        ),
    ])
}

/// Degrees as the literature writes them.
pub fn set(degrees: &[usize]) -> String {
    let list: Vec<String> = degrees.iter().map(usize::to_string).collect();
    format!("{{{}}}", list.join(","))
}

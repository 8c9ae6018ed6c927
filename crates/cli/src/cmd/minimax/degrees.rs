//! `arras minimax degrees`: which degrees to compose.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use arras_approx::degrees::{Choice, Goal, Products, fewest_products, least_depth};
use arras_plan::{CostTable, Fastest};
use serde::Serialize;

use crate::args::minimax::{Counts, Degrees, Function, Optimise};
use crate::costs;
use crate::output::{self, Output};

/// The ring of comparisons, as log2 N.
const RING: u32 = 16;

/// What is said of the best composition.
#[derive(Serialize)]
struct Answer {
    alpha: f64,
    epsilon_log2: f64,
    max_degree: usize,
    r#for: Function,
    #[serde(skip_serializing_if = "Option::is_none")]
    zeta: Option<f64>,
    optimise: Optimise,
    counts: Counts,
    /// The least depth of any composition, and the depth that was allowed.
    minimum_depth: u32,
    within_depth: u32,
    #[serde(flatten)]
    best: Composition,
    /// Beside the least time: the composition of the fewest products.
    #[serde(skip_serializing_if = "Option::is_none")]
    fewest_mults: Option<Composition>,
}

#[derive(Serialize)]
struct Composition {
    depth: u32,
    mults: u32,
    /// The products of our own plans of these degrees.
    planned_mults: u32,
    degrees: Vec<usize>,
    sign_error_log2: f64,
    #[serde(flatten)]
    time: Option<Time>,
}

/// What a composition takes, and on which chain, by measured costs.
#[derive(Clone, Copy, Serialize)]
struct Time {
    milliseconds: f64,
    chain_depth: u32,
}

pub fn run(args: &Degrees, threads: Option<u16>, out: &Output) -> anyhow::Result<ExitCode> {
    if args.chain.is_some() && args.optimise == Optimise::Mults {
        bail!("--chain belongs to --optimise time: products are the same on every chain");
    }
    let goal = goal(args)?;
    let minimum_depth = least_depth(&goal)?;
    let within_depth = args.depth.unwrap_or(minimum_depth);
    let products = &products(args.counts);
    let fewest = fewest_products(&goal, within_depth, products)?;
    let (best, fewest_mults) = match args.optimise {
        Optimise::Mults => (composition(fewest, products, None), None),
        Optimise::Time => {
            let table = table(args, (minimum_depth, within_depth), threads)?;
            let Fastest { choice, chain, milliseconds } = table.fastest(&goal, within_depth)?;
            let time = Time { milliseconds, chain_depth: chain };
            let (chain_depth, milliseconds) = table.price_of(&fewest.degrees, goal.after())?;
            let other = Time { milliseconds, chain_depth };
            (composition(choice, products, Some(time)), Some(composition(fewest, products, Some(other))))
        }
    };
    let answer = Answer {
        alpha: goal.alpha(),
        epsilon_log2: goal.epsilon().log2(),
        max_degree: goal.max_degree(),
        r#for: args.function,
        zeta: args.zeta,
        optimise: args.optimise,
        counts: args.counts,
        minimum_depth,
        within_depth,
        best,
        fewest_mults,
    };
    out.show(&answer, human)
}

/// The best degrees for a goal of these words, perhaps with a margin.
pub fn choose(args: &Degrees, goal: &Goal, threads: Option<u16>) -> anyhow::Result<Vec<usize>> {
    let minimum = least_depth(goal)?;
    let within = args.depth.unwrap_or(minimum);
    let choice = match args.optimise {
        Optimise::Mults => fewest_products(goal, within, &products(args.counts))?,
        Optimise::Time => table(args, (minimum, within), threads)?.fastest(goal, within)?.choice,
    };
    Ok(choice.degrees)
}

/// How products are counted.
pub fn products(counts: Counts) -> Products {
    match counts {
        Counts::Published => Products::published(),
        Counts::Planned => Products::planned().clone(),
    }
}

/// The costs of this machine: of the chain of the depth that is allowed, and of what shorter ones are known.
fn table(args: &Degrees, (minimum, within): (u32, u32), threads: Option<u16>) -> anyhow::Result<CostTable> {
    let ring = costs::ring(RING, args.scales());
    let threads = threads.map_or(1, u32::from);
    let table = costs::costs(args.costs.as_deref(), ring, &[within], threads)?;
    let known: Vec<u32> = table.depths().filter(|depth| (minimum..within).contains(depth)).collect();
    for depth in known {
        let spec = costs::spec(ring, depth).with_context(|| costs::too_deep(ring, depth))?;
        costs::check_shape(table.chain(depth)?, &spec)?;
    }
    Ok(table)
}

/// What the composition is to achieve.
pub fn goal(args: &Degrees) -> anyhow::Result<Goal> {
    if args.costs.is_some() && args.optimise == Optimise::Mults {
        bail!("--costs belongs to --optimise time");
    }
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

fn composition(choice: Choice, products: &Products, time: Option<Time>) -> Composition {
    Composition {
        depth: choice.depth,
        mults: products.sum(&choice.degrees),
        planned_mults: Products::planned().sum(&choice.degrees),
        degrees: choice.degrees,
        sign_error_log2: choice.log2_error,
        time,
    }
}

fn human(answer: &Answer) -> String {
    let best = section(answer, &answer.best);
    match &answer.fewest_mults {
        Some(other) if other.degrees == answer.best.degrees => {
            format!("{best}\nNo composition takes fewer products.")
        }
        Some(other) => format!("{best}\nThe fewest products:\n\n{}", section(answer, other)),
        None => best,
    }
}

fn section(answer: &Answer, best: &Composition) -> String {
    let (last, more) = match answer.r#for {
        Function::Max => (", one of them for the final product", ", and the final one"),
        Function::Compare => ("", ""),
    };
    let mut lines = vec![
        ("degrees", set(&best.degrees)),
        ("depth", format!("{} levels{last}; {} is the least", best.depth, answer.minimum_depth)),
        ("products", format!("{}{more}; {} as Arras plans them", best.mults, best.planned_mults)),
        (
            "error of sign",
            format!("2^{:.4} for 2^{:.2} <= |x| <= 1", best.sign_error_log2, answer.epsilon_log2),
        ),
    ];
    if let Some(Time { milliseconds, chain_depth }) = best.time {
        let without = if answer.r#for == Function::Max { " without the final product" } else { "" };
        lines.push((
            "predicted",
            format!("{milliseconds:.1} ms{without}, on a chain of {chain_depth} levels"),
        ));
    }
    output::pairs(&lines)
}

/// Degrees as the literature writes them.
pub fn set(degrees: &[usize]) -> String {
    let list: Vec<String> = degrees.iter().map(usize::to_string).collect();
    format!("{{{}}}", list.join(","))
}

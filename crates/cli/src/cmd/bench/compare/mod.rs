//! `arras bench compare`: functions by a sign, on ciphertexts that are full, timed and checked against the exact answers.

mod inputs;
mod published;
mod record;
mod report;
mod session;
mod setting;

use std::process::ExitCode;

use anyhow::Context as _;
use arras_ckks::Params;
use arras_client::{ColumnPlan, Scales};
use arras_plan::Chain;

use crate::args::bench_compare::{BenchCompare, Method};
use crate::output::{self, Output};
use crate::stop;
use report::Report;
use session::Session;
use setting::Setting;

pub fn run(args: &BenchCompare, out: &Output) -> anyhow::Result<ExitCode> {
    stop::watch()?;
    if args.all {
        return record::run(args, out);
    }
    let alpha = args.alpha.context("say with --alpha to how many bits")?;
    let setting = Setting::new(args, alpha)?;
    let reports = measure(args, &setting, &[args.method])?;
    for report in &reports {
        out.show(report, Report::human)?;
    }
    Ok(verdict(&reports))
}

/// Measures a setting by several methods on one chain, under one set of keys.
fn measure(args: &BenchCompare, setting: &Setting, methods: &[Method]) -> anyhow::Result<Vec<Report>> {
    let Ground { setting, params, costs, plans } = ground(args, setting, methods)?;
    // What is the same is measured once.
    let mut different: Vec<&ColumnPlan> = Vec::new();
    for (_, plan) in &plans {
        if place(&different, plan).is_none() {
            different.push(plan);
        }
    }
    let bar = output::bar(u64::from(args.runs) * different.len() as u64, "measuring");
    let session = Session::new(setting, &params, &different)?;
    let outcomes = session.measure(&different, (args.runs, args.seed), || bar.inc(1))?;
    bar.finish_and_clear();
    let report = |(method, plan): &(Method, ColumnPlan)| {
        let outcome = place(&different, plan).and_then(|place| outcomes.get(place));
        let outcome = outcome.context("a plan was not measured")?;
        Report::new(&setting, (*method, plan), costs.as_ref(), outcome, (&params, args.seed))
    };
    plans.iter().map(report).collect()
}

/// What is measured, on which chain.
struct Ground {
    setting: Setting,
    params: Params,
    costs: Option<Chain>,
    plans: Vec<(Method, ColumnPlan)>,
}

/// The plans on the chain asked for; else on a narrow one, or on a wide one if any method is not granted there.
fn ground(args: &BenchCompare, setting: &Setting, methods: &[Method]) -> anyhow::Result<Ground> {
    if let Some(chain) = args.chain {
        return ground_on(args, setting.on(chain.scales()), methods);
    }
    let narrow = ground_on(args, setting.on(Scales::NARROW), methods);
    stop::check()?;
    narrow.or_else(|_| ground_on(args, setting.on(Scales::WIDE), methods))
}

fn ground_on(args: &BenchCompare, setting: Setting, methods: &[Method]) -> anyhow::Result<Ground> {
    let params = setting.params()?;
    let priced = methods.contains(&Method::Proposed) || args.costs.is_some();
    let costs = if priced { Some(setting.costs(args, &params)?) } else { None };
    let plan = |&method: &Method| Ok((method, setting.plan(&params, method, costs.as_ref())?));
    let plans = methods.iter().map(plan).collect::<anyhow::Result<_>>()?;
    Ok(Ground { setting, params, costs, plans })
}

/// Where the same polynomials are.
fn place(plans: &[&ColumnPlan], plan: &ColumnPlan) -> Option<usize> {
    plans.iter().position(|other| same(other, plan))
}

fn same(one: &ColumnPlan, other: &ColumnPlan) -> bool {
    let real = |plan: &ColumnPlan| plan.slotwise().real_after();
    one.composite() == other.composite() && real(one) == real(other)
}

/// Fails when a result does, and says which.
fn verdict(reports: &[Report]) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for fault in reports.iter().filter_map(Report::fault) {
        output::note(&format!("arras: {fault}"));
        code = ExitCode::FAILURE;
    }
    code
}

//! The ways to do a task: our plans, traced and priced, and bit-wise TFHE as recorded.

use std::collections::BTreeSet;

use arras_apps::sort::{self, Sort};
use arras_apps::tree::{Forest, Packing, Predict};
use arras_apps::workload::{self, Workload};
use arras_apps::{Paths, Program, Table};
use arras_ckks::Security;
use arras_client::{TaskPlan, modelled};
use arras_plan::bitwise::{Measured, Step};
use arras_plan::{Aim, Candidate, Choice, Costs, Growth, Method, Need, Refused, choose, sok};

use super::coarse::Coarse;
use crate::args::plan::{Plan, Work};
use crate::cmd::sort::SLOTS;
use crate::cmd::workload::FEWEST;
use crate::cmd::{examples, sql, task};
use crate::costs;

/// The repetitions of a measurement.
const REPETITIONS: u32 = 2;

/// The ways that can be priced, and those that cannot, with the reason.
pub struct Found {
    pub candidates: Vec<Candidate>,
    pub refused: Vec<Refused>,
}

impl Found {
    /// Adds one of our plans, or why there is none; a signal ends the search.
    fn add(&mut self, candidate: anyhow::Result<Candidate>) -> anyhow::Result<()> {
        crate::stop::check()?;
        match candidate {
            Ok(candidate) => self.candidates.push(candidate),
            Err(error) => {
                let refused = Refused { method: Method::Ckks, why: format!("{error:#}") };
                // What holds for every size is said once.
                if !self.refused.contains(&refused) {
                    self.refused.push(refused);
                }
            }
        }
        Ok(())
    }

    fn workload(
        &mut self,
        pricing: Pricing,
        (kind, step): (workload::Kind, Step),
        args: &Plan,
    ) -> anyhow::Result<()> {
        self.add(workload(pricing, kind, args.bits))?;
        if let Some(precision) = args.approximate {
            self.add(rough_workload(pricing, kind, args.bits, precision))?;
        }
        self.candidates.push(Measured::of(step, args.bits)?.each(1));
        Ok(())
    }
}

/// How our plans are found and priced.
#[derive(Clone, Copy)]
pub struct Pricing {
    pub security: Security,
    /// Whether operations are measured now.
    pub measure: bool,
}

impl Pricing {
    /// What a run of a plan takes, by the operations of its chain.
    pub fn candidate<P: Program>(self, plan: &TaskPlan<P>, growth: Growth) -> anyhow::Result<Candidate> {
        let spec = plan.params().spec();
        let (chain, costs) = if self.measure {
            let chain = costs::measure(plan.params(), 1, REPETITIONS, || ())?;
            let chain = chain.ok_or_else(|| anyhow::anyhow!("interrupted"))?;
            // What a refresh does above the levels of a program was not measured.
            let is_refreshed = spec.refresh.is_some();
            (if is_refreshed { chain.extended(&modelled(spec)?)? } else { chain }, Costs::Measured)
        } else {
            // Kept costs are of chains without refreshes.
            match costs::Known::new(None)?.chain(spec).filter(|_| spec.refresh.is_none()) {
                Some(chain) => (chain, Costs::Measured),
                None => (modelled(spec)?, Costs::Modelled),
            }
        };
        Ok(plan.candidate(&chain, costs, growth)?)
    }

    /// A program in all slots of its ring, each with a value.
    pub fn full<P: Program + Clone>(
        self,
        fewest: usize,
        batch: impl Fn(usize) -> usize,
        program: impl Fn(usize) -> anyhow::Result<P>,
    ) -> anyhow::Result<Candidate> {
        let plan = task::plan_in_full(fewest, self.security, program)?;
        self.candidate(&plan, Growth::Batches(batch(plan.params().max_slots())))
    }
}

/// The ways for what was asked.
pub fn of(args: &Plan, work: Work, need: &Need) -> anyhow::Result<Found> {
    let pricing = Pricing { security: args.security.security(), measure: args.measure };
    let mut found = Found { candidates: Vec::new(), refused: Vec::new() };
    let bits = need.bits;
    if args.approximate.is_some() && !matches!(work, Work::W1 | Work::W2 | Work::W3) {
        anyhow::bail!("--approximate is for w1, w2 and w3: leave it out");
    }
    if work == Work::Sort && need.values < 2 {
        anyhow::bail!("an array of {} needs no sorting: give at least 2", need.values);
    }
    if work == Work::Paths && need.values < LEAST_NODES {
        anyhow::bail!(
            "a {}-node graph has no path past a third one to look for: give at least {LEAST_NODES}",
            need.values
        );
    }
    if work == Work::Paths && need.values > MOST_NODES {
        anyhow::bail!("a graph of {} nodes is beyond counting: give at most {MOST_NODES}", need.values);
    }
    match work {
        Work::W1 => found.workload(pricing, (workload::Kind::W1, Step::W1), args)?,
        Work::W2 => found.workload(pricing, (workload::Kind::W2, Step::W2), args)?,
        Work::W3 => found.workload(pricing, (workload::Kind::W3, Step::W3), args)?,
        Work::Sort => {
            for length in sizes(need.values) {
                found.add(array(pricing, bits, length))?;
            }
            found.candidates.push(Measured::of(Step::Exchange, bits)?.network());
        }
        Work::Paths => {
            for nodes in graphs(need.values) {
                found.add(paths(pricing, bits, nodes))?;
            }
            found.candidates.push(Measured::of(Step::Update, bits)?.paths());
        }
        Work::Tree => {
            let forest = examples::complete_tree(args.depth)?;
            for packing in [Packing::Paths, Packing::Nodes] {
                found.add(samples(pricing, bits, &forest, packing, args.hide_thresholds))?;
            }
            let step = if args.hide_thresholds { Step::HiddenSplit } else { Step::Split };
            found.candidates.push(Measured::of(step, bits)?.each(forest.splits().len()));
        }
        Work::Sql => {
            found.add(rows(pricing, bits))?;
            found.candidates.push(Measured::of(Step::Row, bits)?.each(1));
        }
    }
    Ok(found)
}

/// A workload with a value in every slot.
pub fn workload(pricing: Pricing, kind: workload::Kind, bits: u32) -> anyhow::Result<Candidate> {
    pricing.full(FEWEST, |slots| slots, |slots| Ok(Workload::new(kind, bits, slots)?))
}

/// The same by polynomials for coarser decisions.
pub fn rough_workload(
    pricing: Pricing,
    kind: workload::Kind,
    bits: u32,
    precision: u32,
) -> anyhow::Result<Candidate> {
    let gap = (-f64::from(precision)).exp2();
    let coarse = |slots| Ok(Coarse { program: Workload::new(kind, bits, slots)?, gap });
    pricing.full(FEWEST, |slots| slots, coarse)
}

/// Sizes of arrays up to the one that holds so many, and a few more, where the choice may turn.
fn sizes(values: usize) -> impl Iterator<Item = usize> {
    let most = values.next_power_of_two().clamp(16, sort::MOST);
    (1..).map(|k| 1 << k).take_while(move |&length| length <= most)
}

fn array(pricing: Pricing, bits: u32, length: usize) -> anyhow::Result<Candidate> {
    let program = Sort::new(sort::Mode::Sort, bits, length, SLOTS)?;
    pricing.candidate(&task::plan(&program, pricing.security)?, Growth::Whole(length))
}

/// The fewest nodes with a path past a third one.
const LEAST_NODES: usize = 3;

/// The most nodes, whose steps and bytes can be counted in 64 bits.
const MOST_NODES: usize = 1 << 18;

/// Sizes of graphs: those where the choice may turn, some up to the one that is asked for, and that one.
fn graphs(nodes: usize) -> BTreeSet<usize> {
    let smaller = [8, 16].into_iter().filter(|&size| size < nodes);
    (LEAST_NODES..=5).chain(smaller).chain([nodes]).collect()
}

fn paths(pricing: Pricing, bits: u32, nodes: usize) -> anyhow::Result<Candidate> {
    let program = Paths::new(nodes, bits, true)?;
    pricing.candidate(&task::plan(&program, pricing.security)?, Growth::Whole(nodes))
}

/// A ciphertext full of samples.
fn samples(
    pricing: Pricing,
    bits: u32,
    forest: &Forest,
    packing: Packing,
    hidden: bool,
) -> anyhow::Result<Candidate> {
    let places = packing.places(forest).next_power_of_two();
    let batch = |slots: usize| (slots / places).max(1);
    // Any thresholds do: the operations are the same.
    let thresholds = (!hidden).then(|| vec![0; forest.splits().len()]);
    let program =
        |slots: usize| Ok(Predict::new(bits, forest.clone(), thresholds.clone(), batch(slots), packing)?);
    pricing.full(places.max(1 << 13), batch, program)
}

/// The SoK's query on a ciphertext full of rows, a lane for each end of its intervals.
fn rows(pricing: Pricing, bits: u32) -> anyhow::Result<Candidate> {
    let (query, schema) = examples::query(bits)?;
    let rows = |slots: usize| slots / examples::ENDS;
    pricing.full(sql::FEWEST, rows, |slots| Ok(Table::new(&query, &schema, rows(slots), slots)?))
}

/// Bit-wise TFHE beside a task that has a plan.
pub struct Rival {
    pub need: Need,
    /// How the time of the plan grows.
    pub growth: Growth,
    pub bitwise: Candidate,
}

impl Rival {
    /// For an exact task whose total time counts.
    pub fn new(work: sok::Work, bits: u32, values: usize, growth: Growth, bitwise: Candidate) -> Self {
        Self { need: Need { work, bits, values, exact: true, aim: Aim::Latency }, growth, bitwise }
    }
}

/// The choice for a task that has a plan already, beside bit-wise TFHE.
pub fn explained<P: Program>(plan: &TaskPlan<P>, rival: &Rival) -> anyhow::Result<Choice> {
    let pricing = Pricing { security: plan.params().spec().security, measure: false };
    let candidates = [pricing.candidate(plan, rival.growth)?, rival.bitwise.clone()];
    Ok(choose(&rival.need, &candidates, &[])?)
}

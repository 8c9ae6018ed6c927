//! `arras plan --chart`: which kind of method fits which kind of application.

use std::process::ExitCode;

use arras_apps::workload::Kind;
use arras_plan::bitwise::{Measured, Step};
use arras_plan::chart::{Leaf, Operations, Question, Recommended, chart, elsewhere};
use arras_plan::sok::{self, Work};
use arras_plan::{Aim, Candidate, Choice, Growth, Need, choose};
use serde::Serialize;

use super::candidates::{Pricing, rough_workload, workload};
use crate::args::plan::Plan;
use crate::output::{self, Output};

/// Bits of the examples, and those of decisions that may be coarse.
const BITS: u32 = 8;

#[derive(Serialize)]
struct Report {
    source: &'static str,
    leaves: Vec<Leaf>,
    not_in_arras: Vec<&'static str>,
}

pub fn run(args: &Plan, out: &Output) -> anyhow::Result<ExitCode> {
    let pricing = Pricing { security: args.security.security(), measure: args.measure };
    let bar = output::bar(3, "planning");
    let planned = |candidate: anyhow::Result<Candidate>| {
        bar.inc(1);
        candidate
    };
    let single = [planned(workload(pricing, Kind::W2, BITS))?, Measured::of(Step::W2, BITS)?.each(1)];
    let many = [
        planned(workload(pricing, Kind::W3, BITS))?,
        planned(rough_workload(pricing, Kind::W3, BITS, BITS))?,
        Measured::of(Step::W3, BITS)?.each(1),
    ];
    bar.finish_and_clear();
    let here = |question: Question| example(question, &single, &many);
    let report = Report {
        source: "section 8 and Figure 9",
        leaves: chart(&sok::published()?, &here),
        not_in_arras: elsewhere().collect(),
    };
    out.show(&report, human)
}

/// What Arras takes at a leaf: a single value of W2 where batches are no advantage, and W3 on as many as a ciphertext takes.
fn example(question: Question, single: &[Candidate], many: &[Candidate]) -> Option<Choice> {
    let batch = many.iter().filter_map(|way| match way.growth {
        Growth::Batches(batch) => Some(batch),
        Growth::Whole(_) | Growth::Network | Growth::Triples => None,
    });
    let (work, values, ways) = match (question.operations, question.simd) {
        (Operations::Mixed, Some(false)) => (Work::W2, 1, single),
        (Operations::Mixed, Some(true)) => (Work::W3, batch.max()?, many),
        (Operations::Linear | Operations::Nonlinear | Operations::Mixed, _) => return None,
    };
    let exact = question.exact != Some(false);
    choose(&Need { work, bits: BITS, values, exact, aim: Aim::Latency }, ways, &[]).ok()
}

fn human(report: &Report) -> String {
    let leaf = |leaf: &Leaf| {
        let named = |method: &Recommended| match method.published_seconds {
            Some(seconds) => format!("{} ({seconds} s)", method.method),
            None => method.method.to_owned(),
        };
        let named: Vec<String> = leaf.recommended.iter().map(named).collect();
        let here = leaf.here.as_ref().map_or(String::new(), |choice| {
            let exact = if choice.best.exact { "" } else { ", approximate" };
            format!(
                "  Arras: {}{exact} ({} of size {} in {:.3} s, {:.4} ms a value)\n",
                choice.best.method.name(),
                choice.need.work.name(),
                choice.need.values,
                choice.best.seconds,
                choice.best.amortised_ms,
            )
        });
        format!("{}\n  SoK: {}\n{here}", asked(leaf.question), named.join("; "))
    };
    let leaves: String = report.leaves.iter().map(leaf).collect();
    format!(
        "{leaves}\nSoK: {}, found again from what methods can do and from published seconds: of sorting 8 elements, or of a value of w3 in full \
         batches, at {BITS} bits.\nNot in Arras: {}. The last needs the client during the computation.",
        report.source,
        report.not_in_arras.join("; "),
    )
}

/// A path through the chart.
fn asked(question: Question) -> String {
    let operations = match question.operations {
        Operations::Linear => "linear operations alone",
        Operations::Nonlinear => "non-linear operations alone",
        Operations::Mixed => "linear and non-linear operations",
    };
    let simd = match question.simd {
        Some(true) => ", batches are an advantage",
        Some(false) => ", batches are no advantage",
        None => "",
    };
    let exact = match question.exact {
        Some(true) => ", exact",
        Some(false) => ", approximate results will do",
        None => "",
    };
    format!("{operations}{simd}{exact}")
}

//! `arras graph`: shortest paths between all nodes of an encrypted graph, and which nodes lead to which.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use arras_apps::Program as _;
use arras_apps::graph::{Graph, Paths, Routes};
use arras_client::store;
use arras_plan::bitwise::{Measured, Step};
use arras_plan::{Growth, sok};
use serde::Serialize;

use crate::args::graph as args;
use crate::args::task::Beside as Asked;
use crate::cmd::baseline::{self, Beside};
use crate::cmd::plan::Rival;
use crate::cmd::task::{self, Took};
use crate::output::Output;

pub fn run(what: &args::Graph, out: &Output) -> anyhow::Result<ExitCode> {
    match what {
        args::Graph::Paths(args) => {
            let (program, graph) = weighted(&args.file, &args.weights)?;
            answer(program, &graph, args.check, &args.file, &args.beside, out)
        }
        args::Graph::Reach(args) => {
            let (program, graph) = unweighted(&args.file)?;
            answer(program, &graph, args.check, &args.file, &NOTHING, out)
        }
        args::Graph::Seal(args) => {
            let (program, graph) =
                if args.reach { unweighted(&args.file)? } else { weighted(&args.file, &args.weights)? };
            let sealed = task::seal(&program, &graph, &args.files, args.file.security.security())?;
            out.show(&sealed, task::sealed_lines)
        }
        args::Graph::Run(args) => {
            out.show(&task::run_kept::<Paths>(&args.files, args.journal.as_deref())?, task::ran_lines)
        }
        args::Graph::Open(args) => {
            let (program, routes) = task::open::<Paths>(args)?;
            out.show(&Found::new(program, routes), human)
        }
    }
}

/// What is known of a graph at the end.
#[derive(Serialize)]
struct Found {
    nodes: usize,
    bits: u32,
    #[serde(flatten)]
    kind: Kind,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Kind {
    Paths {
        /// What stands for no path.
        infinity: u64,
        #[serde(flatten)]
        routes: Routes,
    },
    Reach {
        /// Row i, column j: whether node i leads to node j.
        reachable: Vec<Vec<bool>>,
    },
}

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    found: Found,
    /// Distances and predecessors that the clear contradicts.
    #[serde(skip_serializing_if = "Option::is_none")]
    wrong: Option<usize>,
    #[serde(flatten)]
    took: Took,
    #[serde(flatten)]
    beside: Option<Beside>,
}

impl Found {
    fn new(program: Paths, routes: Routes) -> Self {
        let kind = if program.is_reach() {
            let reachable = |row: Vec<u64>| row.into_iter().map(|distance| distance == 0).collect();
            Kind::Reach { reachable: routes.distances.into_iter().map(reachable).collect() }
        } else {
            Kind::Paths { infinity: program.infinity(), routes }
        };
        Self { nodes: program.nodes(), bits: program.bits(), kind }
    }
}

/// The most bytes of a graph.
const MOST_GRAPH: u64 = 16 << 20;

fn graph(path: &Path) -> anyhow::Result<Graph> {
    let bytes = store::read_at_most(path, MOST_GRAPH)?;
    let what = || path.display().to_string();
    let text = std::str::from_utf8(&bytes).with_context(what)?;
    Graph::from_csv(text).with_context(what)
}

fn weighted(file: &args::File, weights: &args::Weights) -> anyhow::Result<(Paths, Graph)> {
    let graph = graph(&file.input)?;
    let program = Paths::new(graph.nodes(), weights.bits, !weights.no_predecessors)?;
    let graph = if weights.scale { graph.scaled(program.infinity() - 1) } else { graph };
    Ok((program, graph))
}

fn unweighted(file: &args::File) -> anyhow::Result<(Paths, Graph)> {
    let graph = graph(&file.input)?.unweighted();
    Ok((Paths::reach(graph.nodes())?, graph))
}

fn answer(
    program: Paths,
    graph: &Graph,
    check: bool,
    file: &args::File,
    beside: &Asked,
    out: &Output,
) -> anyhow::Result<ExitCode> {
    let bitwise = baseline::asked(beside)?;
    let rival = bitwise.as_ref().map(|_| same(&program, graph)).transpose()?;
    let done = task::all_in_one(&program, graph, file.security.security(), elsewhere(&program))?;
    let wrong = check.then(|| differences(&done.answer, &program.exact(graph)));
    let size = (sok::Work::Paths, program.nodes());
    let beside = bitwise.zip(rival).map(|(bitwise, task)| bitwise.beside(&task, SAMPLE, size)).transpose()?;
    let report = Report { found: Found::new(program, done.answer), wrong, took: done.took, beside };
    let shown = out.show(&report, |report| {
        let wrong = report.wrong.map_or(String::new(), |wrong| format!("{wrong} values wrong\n"));
        let beside = baseline::lines(report.beside.as_ref());
        format!("{}\n{wrong}{}{beside}", human(&report.found), task::took_lines(&report.took))
    })?;
    Ok(baseline::code(wrong.is_some_and(|wrong| wrong > 0), report.beside.as_ref(), shown))
}

/// Nodes of the baseline's graph that are really linked by paths.
const SAMPLE: usize = 3;

/// No baseline is asked for.
const NOTHING: Asked = Asked { baseline: None };

/// The same graph as the bit-wise baseline takes it; at widths in between it takes the next one.
fn same(program: &Paths, graph: &Graph) -> anyhow::Result<arras_switch::baseline::Task> {
    let (nodes, bits) = (program.nodes(), program.bits().next_multiple_of(2));
    let none = (1 << bits) - 1;
    let weight = |at: usize| graph.weight(at / nodes, at % nodes).unwrap_or(none);
    let weights: Vec<u64> = (0..nodes * nodes).map(weight).collect();
    Ok(arras_switch::baseline::Task::paths(bits, nodes, &weights)?)
}

/// What the same paths take elsewhere, predecessors and all.
fn elsewhere(program: &Paths) -> Option<Rival> {
    let (bits, nodes) = (program.bits(), program.nodes());
    let bitwise = Measured::of(Step::Update, bits).ok()?.paths();
    let rival = || Rival::new(sok::Work::Paths, bits, nodes, Growth::Whole(nodes), bitwise);
    (nodes > 2 && program.has_predecessors()).then(rival)
}

fn differences(found: &Routes, exact: &Routes) -> usize {
    let pairs = |a: &Routes, b: &Routes| {
        let distances =
            a.distances.iter().flatten().zip(b.distances.iter().flatten()).filter(|(a, b)| a != b);
        let nodes = a.predecessors.iter().flatten().zip(b.predecessors.iter().flatten());
        distances.count() + nodes.filter(|(a, b)| a != b).count()
    };
    pairs(found, exact)
}

/// A square of distances, or of what leads where.
fn human(found: &Found) -> String {
    let rows: Vec<String> = match &found.kind {
        Kind::Paths { infinity, routes } => {
            let cell =
                |distance: &u64| if distance == infinity { "inf".to_owned() } else { distance.to_string() };
            routes.distances.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join(",")).collect()
        }
        Kind::Reach { reachable } => {
            let cell = |reachable: &bool| if *reachable { "1" } else { "0" };
            reachable.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join(",")).collect()
        }
    };
    rows.join("\n") + "\n"
}

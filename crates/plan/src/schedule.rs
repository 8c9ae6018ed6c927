//! Which points of a program refresh: the cheapest choice for the levels that there are.

use arras_circuits::{LevelGraph, Schedule};

use crate::error::Error;

/// What a refresh does to levels, and what a program starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// The level of the inputs.
    pub start: u32,
    /// The least level at which a refresh takes its input.
    pub input: u32,
    /// The level of what comes out of a refresh.
    pub output: u32,
}

impl Budget {
    /// Levels of what a node gives when it is the input or refreshes.
    fn full(&self, node: usize) -> u32 {
        if node == 0 { self.start } else { self.output }
    }
}

/// The cheapest set of refreshes under which a program runs; `cost` is that of a refresh at each point, from point 0 on.
///
/// Points are decided in the order of the program. A state of the search is the level of each node on which later points still
/// depend; among states of one place, one that is nowhere lower and not dearer replaces the other. Of a chain of points this
/// is a shortest path through (point, level). Where many values are live it keeps more states: at most one more than the levels,
/// to the power of the live nodes.
///
/// Of equally cheap choices it takes the one that refreshes latest, whose operations run at the lowest levels.
///
/// # Errors
/// A stretch without a point that takes more levels than there are, or a cost that is none.
pub fn schedule(graph: &LevelGraph, budget: Budget, cost: &dyn Fn(usize) -> f64) -> Result<Schedule, Error> {
    check(graph, budget, cost)?;
    let last = last_uses(graph);
    let start = State { live: vec![(0, budget.start)], cost: 0.0, refresh: Vec::new() };
    let mut states = vec![start];
    for at in 1..graph.nodes.len() {
        let next = states.iter().flat_map(|state| {
            // Passing on comes first: of equal states the first stays.
            [false, true].into_iter().filter_map(|refresh| {
                let price = if refresh { cost(at - 1) } else { 0.0 };
                state.step(graph, budget, at, refresh, price)
            })
        });
        let mut next: Vec<State> = next.collect();
        for state in &mut next {
            state.live.retain(|&(node, _)| last.get(node).is_some_and(|&last| last > at));
        }
        states = prune(next);
        if states.is_empty() {
            return Err(too_far(graph, budget, at));
        }
    }
    let best = states.into_iter().reduce(|best, state| if state.cost < best.cost { state } else { best });
    let refresh = best.map(|best| best.refresh).unwrap_or_default();
    Ok(Schedule { input: budget.input, output: budget.output, refresh })
}

/// A choice for the points so far.
#[derive(Debug, Clone)]
struct State {
    /// The level of each node that later points depend on, in order.
    live: Vec<(usize, u32)>,
    cost: f64,
    refresh: Vec<bool>,
}

impl State {
    /// The choice for one point more, unless levels are missing.
    fn step(&self, graph: &LevelGraph, budget: Budget, at: usize, refresh: bool, price: f64) -> Option<Self> {
        let node = graph.nodes.get(at)?;
        let level = node.from.iter().map(|(source, takes)| {
            let at = self.live.binary_search_by_key(source, |&(node, _)| node).ok()?;
            self.live.get(at)?.1.checked_sub(*takes)
        });
        // A point depends on the inputs or on another point at least.
        let level = level.reduce(|a, b| Some(a?.min(b?)))??;
        let out = if refresh { (level >= budget.input).then_some(budget.output)? } else { level };
        if out < node.reach {
            return None;
        }
        let mut next = self.clone();
        next.live.push((at, out));
        next.cost += price;
        next.refresh.push(refresh);
        Some(next)
    }

    /// Not dearer, and nowhere lower. Both know the same nodes.
    fn covers(&self, other: &Self) -> bool {
        self.cost <= other.cost && self.live.iter().zip(&other.live).all(|(a, b)| a.1 >= b.1)
    }
}

/// Without the states that another one covers.
fn prune(states: Vec<State>) -> Vec<State> {
    let mut kept: Vec<State> = Vec::with_capacity(states.len());
    for state in states {
        if !kept.iter().any(|other| other.covers(&state)) {
            kept.retain(|other| !state.covers(other));
            kept.push(state);
        }
    }
    kept
}

/// For each node the last one that depends on it; itself if none does.
fn last_uses(graph: &LevelGraph) -> Vec<usize> {
    let mut last: Vec<usize> = (0..graph.nodes.len()).collect();
    for (at, node) in graph.nodes.iter().enumerate() {
        for &(source, _) in &node.from {
            if let Some(last) = last.get_mut(source) {
                *last = (*last).max(at);
            }
        }
    }
    last
}

/// Refuses costs that are none, and inputs that have too few levels whatever refreshes.
fn check(graph: &LevelGraph, budget: Budget, cost: &dyn Fn(usize) -> f64) -> Result<(), Error> {
    for point in 1..graph.nodes.len() {
        let value = cost(point - 1);
        if !(value >= 0.0 && value.is_finite()) {
            return Err(Error::RefreshCost { point, value });
        }
    }
    match graph.nodes.first() {
        Some(inputs) if inputs.reach > budget.start => {
            Err(Error::Stretch { from: 0, need: inputs.reach, have: budget.start })
        }
        Some(_) | None => Ok(()),
    }
}

/// Why no choice gets beyond a point: the stretch up to it that lacks the most levels. Were there none, refreshing everywhere
/// would do.
fn too_far(graph: &LevelGraph, budget: Budget, at: usize) -> Error {
    let nodes = || graph.nodes.iter().enumerate().take(at + 1);
    let input = budget.input;
    let lack = |need: u32, have: u32| i64::from(need) - i64::from(have);
    let stretches = nodes().map(|(from, node)| {
        let (need, have) = (node.reach, budget.full(from));
        (lack(need, have), Error::Stretch { from, need, have })
    });
    let ways = nodes().flat_map(|(to, node)| {
        node.from.iter().map(move |&(from, takes)| {
            let (need, have) = (takes + input, budget.full(from));
            (lack(need, have), Error::TooFar { from, to, need, input, have })
        })
    });
    let none = Error::TooFar { from: 0, to: at, need: input, input, have: budget.start };
    stretches.chain(ways).max_by_key(|(lack, _)| *lack).map_or(none, |(_, error)| error)
}

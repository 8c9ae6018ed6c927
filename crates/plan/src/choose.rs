//! Which way to do a task is the cheapest, and from how many values on another one is.

use serde::Serialize;

use crate::candidate::{Bytes, Candidate, Costs, Growth, Method, Parameters};
use crate::error::Error;
use crate::need::{Aim, Need};

/// The most values for which a turn of the choice is looked for, and the most of them that are sorted or linked by paths.
const HORIZON: usize = 1 << 18;
const WHOLE: usize = 1 << 10;

/// A method that was considered and cannot be priced, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The method.
    pub method: Method,
    /// Why there is no candidate, as a sentence.
    pub why: String,
}

/// The cheapest way to do a task.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Choice {
    /// What was asked.
    pub need: Need,
    /// The way, with all that it takes.
    #[serde(flatten)]
    pub best: Offer,
    /// The other ways.
    pub lost: Vec<Lost>,
    /// Where another method becomes the faster one, by total time.
    pub turns: Vec<Turn>,
}

/// What a way takes for all values of a need.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Offer {
    /// The kind of encryption.
    pub method: Method,
    /// Whether answers are proved to be exact.
    pub exact: bool,
    /// Its parameters.
    pub parameters: Parameters,
    /// Refreshes in all.
    pub refreshes: u64,
    /// Seconds in all, on one core.
    pub seconds: f64,
    /// Milliseconds of a value where batches are full.
    pub amortised_ms: f64,
    /// Bytes in all.
    pub bytes: Bytes,
    /// log2 of the probability that any answer is wrong.
    pub failure_log2: f64,
    /// Where the seconds come from.
    pub costs: Costs,
}

/// A way that was not taken.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lost {
    /// The method.
    pub method: Method,
    /// Seconds for all values, where it can be priced.
    pub seconds: Option<f64>,
    /// Why, as a sentence.
    pub why: String,
}

/// From so many values on, `to` takes less time than `from`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Turn {
    /// The least number of values for which `to` is the faster.
    pub values: usize,
    /// The fastest method for one value less.
    pub from: Method,
    /// The fastest method for so many.
    pub to: Method,
}

/// The cheapest candidate for a need: of equally cheap ones the first.
///
/// Cost: a price for each candidate and each number of values up to two of the largest batches.
///
/// # Errors
/// No values, a price that is none, or no candidate that does what is asked.
pub fn choose(need: &Need, candidates: &[Candidate], refused: &[Refused]) -> Result<Choice, Error> {
    if need.values == 0 {
        return Err(Error::NoValues);
    }
    if let Some(bad) = candidates.iter().find(|way| !(way.seconds > 0.0 && way.seconds.is_finite())) {
        return Err(Error::CandidateCost { method: bad.method.name(), value: bad.seconds });
    }
    let fits = |way: &&Candidate| (way.exact || !need.exact) && way.steps(need.values).is_some();
    let best = candidates
        .iter()
        .filter(fits)
        .reduce(|best, way| if merit(need, way) < merit(need, best) { way } else { best });
    let best = best.ok_or(Error::NoCandidate { values: need.values, unit: need.work.unit() })?;
    let others =
        candidates.iter().filter(|way| !std::ptr::eq(*way, best) && !is_other_size(need, way, candidates));
    let lost = others.map(|way| lost(need, way, best));
    let refused = refused.iter().map(|Refused { method, why }| Lost {
        method: *method,
        seconds: None,
        why: why.clone(),
    });
    Ok(Choice {
        need: *need,
        best: offer(need, best),
        lost: lost.chain(refused).collect(),
        turns: turns(need, candidates),
    })
}

/// What is compared.
fn merit(need: &Need, way: &Candidate) -> f64 {
    match need.aim {
        Aim::Latency => way.seconds_for(need.values),
        Aim::Throughput => way.seconds_each(need.values),
    }
}

fn offer(need: &Need, way: &Candidate) -> Offer {
    let steps = way.steps(need.values).unwrap_or(0);
    Offer {
        method: way.method,
        exact: way.exact,
        parameters: way.parameters,
        refreshes: way.refreshes.saturating_mul(steps),
        seconds: way.seconds_for(need.values),
        amortised_ms: 1e3 * way.seconds_each(need.values),
        bytes: way.bytes_for(need.values),
        failure_log2: (way.failure_log2 + (steps.max(1) as f64).log2()).min(0.0),
        costs: way.costs,
    }
}

/// Whether a plan of the same method for arrays of another size is the one to compare: the first of those that take least.
fn is_other_size(need: &Need, way: &Candidate, all: &[Candidate]) -> bool {
    let is_array = |way: &Candidate| matches!(way.growth, Growth::Whole(_));
    let same = |other: &&Candidate| {
        is_array(way) && is_array(other) && (way.method, way.exact) == (other.method, other.exact)
    };
    let least = all
        .iter()
        .filter(same)
        .reduce(|best, other| if merit(need, other) < merit(need, best) { other } else { best });
    least.is_some_and(|least| !std::ptr::eq(least, way))
}

/// Why a candidate lost.
fn lost(need: &Need, way: &Candidate, best: &Candidate) -> Lost {
    let seconds = way.seconds_for(need.values);
    let why = if need.exact && !way.exact {
        "its answers are not exact".to_owned()
    } else if seconds.is_infinite() {
        format!("it does not take {} {}", need.values, need.work.unit())
    } else {
        let times = merit(need, way) / merit(need, best);
        format!(
            "it takes {} times as long",
            if times < 10.0 { format!("{times:.2}") } else { format!("{times:.0}") }
        )
    };
    Lost { method: way.method, seconds: seconds.is_finite().then_some(seconds), why }
}

/// Where the method of least total time changes, for any number of values that every method takes.
fn turns(need: &Need, candidates: &[Candidate]) -> Vec<Turn> {
    let ways: Vec<&Candidate> = candidates.iter().filter(|way| way.exact || !need.exact).collect();
    let batch = |way: &&Candidate| match way.growth {
        Growth::Batches(batch) => batch,
        Growth::Network | Growth::Triples | Growth::Whole(_) => 0,
    };
    let batches = ways.iter().map(batch).max().unwrap_or(0).saturating_mul(2).min(HORIZON);
    let reach = |way: &Candidate| match way.growth {
        // Whoever loses on a full batch loses on any number of them.
        Growth::Batches(_) => batches,
        Growth::Network | Growth::Triples => WHOLE,
        Growth::Whole(most) => most,
    };
    let most = |method: Method| ways.iter().filter(|way| way.method == method).map(|way| reach(way)).max();
    let horizon = [Method::Ckks, Method::Tfhe].into_iter().filter_map(most).min().unwrap_or(0);
    let fastest = |values: usize| {
        let times = ways.iter().map(|way| (way.seconds_for(values), way.method));
        times.reduce(|best, way| if way.0 < best.0 { way } else { best }).map(|(_, method)| method)
    };
    // One element needs no sorting, and between two nodes no path passes a third, whoever does it.
    let least = |way: &&Candidate| match way.growth {
        Growth::Batches(_) | Growth::Whole(_) => 1,
        Growth::Network => 2,
        Growth::Triples => 3,
    };
    let first = ways.iter().map(least).max().unwrap_or(1);
    let mut turns = Vec::new();
    let mut last = fastest(first);
    for values in first + 1..=horizon {
        let now = fastest(values);
        if let (Some(from), Some(to)) = (last, now)
            && from != to
        {
            turns.push(Turn { values, from, to });
        }
        last = now;
    }
    turns
}

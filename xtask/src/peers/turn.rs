//! Libraries that take turns at one request each.

use anyhow::{Context, Result};

use super::outcome::Outcome;
use super::protocol::Request;
use super::worker::Worker;

/// A worker, what it is asked, and what came of it.
pub struct Turn {
    worker: Worker,
    request: Request,
    pub outcome: Outcome,
}

impl Turn {
    pub fn new(worker: Worker, request: Request) -> Self {
        let outcome = Outcome::of(worker.about().clone());
        Self { worker, request, outcome }
    }

    pub fn take(&mut self) -> Result<()> {
        let answer = self.worker.ask(&self.request);
        self.outcome.add(answer?)
    }
}

/// Gives each its turn in every round.
pub fn take(mut turns: Vec<Turn>, rounds: u32, what: &str) -> Result<Vec<Outcome>> {
    for round in 1..=rounds {
        eprintln!("{what}: round {round} of {rounds}");
        for turn in &mut turns {
            turn.take().with_context(|| format!("{} failed", turn.worker.name()))?;
        }
    }
    Ok(turns.into_iter().map(|turn| turn.outcome).collect())
}

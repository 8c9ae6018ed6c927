//! All compositions worth having: for each number of levels, those that no other beats in both cost and reach.
//!
//! A composition is built from its last stage, which ends at level 0, to its first. Its *reach* is the tau up to which it
//! maps [1 - tau, 1 + tau] into the target; a stage of degree d put before a composition of reach h has reach
//! IME(h - margin; d). IME increases, so a composition that costs more and reaches less than another of as many levels is
//! of no use in any longer one either, and dropping it loses nothing.

use crate::minimax::{Inverse, Odds};
use crate::polynomial::levels;

/// A composition as its first stage and the rest.
#[derive(Debug, Clone, Copy)]
struct Point {
    cost: f64,
    reach: Odds,
    /// The degree of the first stage, and where the rest stands in the front of fewer levels; 0 for no stage.
    degree: usize,
    rest: usize,
}

/// The compositions worth having, by the number of levels that they use.
pub(super) struct Fronts<'a> {
    inverse: &'a Inverse,
    cost: &'a dyn Fn(usize, u32) -> f64,
    max_degree: usize,
    margin: f64,
    /// A composition that reaches this far is not extended: whatever is put before it only adds cost.
    enough: Odds,
    /// Entry n: compositions of exactly n levels, cost and reach strictly increasing.
    fronts: Vec<Vec<Point>>,
}

/// A composition, and what is known of it.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub cost: f64,
    pub reach: Odds,
    pub depth: u32,
    pub degrees: Vec<usize>,
}

impl<'a> Fronts<'a> {
    /// Only the empty composition, whose reach is the target itself.
    pub fn new(
        inverse: &'a Inverse,
        target: Odds,
        enough: Odds,
        (max_degree, margin): (usize, f64),
        cost: &'a dyn Fn(usize, u32) -> f64,
    ) -> Self {
        let empty = Point { cost: 0.0, reach: target, degree: 0, rest: 0 };
        Self { inverse, cost, max_degree, margin, enough, fronts: vec![vec![empty]] }
    }

    /// Adds the front of one more level, from those of fewer; costs an inverse for each point and degree.
    pub fn extend(&mut self) {
        let level = self.fronts.len() as u32;
        let mut points: Vec<Point> = Vec::new();
        for degree in (3..=self.max_degree).step_by(2) {
            let Some(below) = level.checked_sub(levels(degree)) else { continue };
            let price = (self.cost)(degree, level);
            let open = |p: &Point| p.degree == 0 || p.reach < self.enough;
            for (rest, point) in self.front(below).iter().enumerate().filter(|(_, p)| open(p)) {
                let error = point.reach.moved(-self.margin);
                if let Some(reach) = error.and_then(|error| self.inverse.at(error, degree)) {
                    points.push(Point { cost: point.cost + price, reach, degree, rest });
                }
            }
        }
        points.sort_by(|a, b| a.cost.total_cmp(&b.cost).then(b.reach.log2().total_cmp(&a.reach.log2())));
        let mut best = f64::NEG_INFINITY;
        points.retain(|p| {
            let better = p.reach.log2() > best;
            best = best.max(p.reach.log2());
            better
        });
        self.fronts.push(points);
    }

    /// The compositions of exactly so many levels that reach at least this far, cheapest first.
    pub fn reaching(&self, depth: u32, reach: Odds) -> Vec<Candidate> {
        let found = self.front(depth).iter().filter(|p| p.degree > 0 && p.reach >= reach);
        found
            .map(|p| Candidate { cost: p.cost, reach: p.reach, depth, degrees: self.degrees(depth, p) })
            .collect()
    }

    fn front(&self, depth: u32) -> &[Point] {
        self.fronts.get(depth as usize).map_or(&[], Vec::as_slice)
    }

    /// The degrees of a composition of so many levels, in order of application.
    fn degrees(&self, mut depth: u32, point: &Point) -> Vec<usize> {
        let mut degrees = Vec::new();
        let mut at = Some(point);
        while let Some(point) = at.filter(|p| p.degree > 0) {
            degrees.push(point.degree);
            depth -= levels(point.degree);
            at = self.front(depth).get(point.rest);
        }
        degrees
    }
}

//! Which degrees to compose: the compositions of minimax polynomials for sign that use the fewest levels, the fewest
//! products, or the least time.
//!
//! A sign on eps <= |x| <= 1 with error 2^(1 - alpha) is a chain of polynomials, each the best one on the interval that
//! the one before it leaves (Lee, Lee, No and Kim 2021, minimax composite polynomials). The search of Lee, Lee, Kim and
//! No (2022), algorithms 2 to 4, 8 and 9, fills tables over products (or tenths of seconds) and levels. Here the tables
//! are fronts: for each number of levels, the compositions that no other beats in both cost and reach. So costs may be
//! any numbers, and nothing is rounded.
//!
//! The table of errors proposes, and exact best approximations dispose: no composition is returned whose error has not
//! been found by composing the polynomials themselves.
//!
//! ```
//! use arras_approx::degrees::{Goal, Products, fewest_products, least_depth};
//!
//! // Comparison to nine bits: two numbers that differ by 2^-9 are told apart with an error of 2^-9.
//! let goal = Goal::new(9.0, 2.0_f64.powi(-9), 63)?;
//! let choice = fewest_products(&goal, least_depth(&goal)?, &Products::published())?;
//! assert_eq!((choice.depth, choice.mults, choice.degrees.as_slice()), (12, 28, &[55, 55][..]));
//! assert!(choice.log2_error <= -8.0);
//! # Ok::<(), arras_approx::Error>(())
//! ```

mod front;
pub mod published;

use std::sync::OnceLock;

use crate::Error;
use crate::minimax::table::{DEGREES, Table};
use crate::minimax::{Inverse, Minimax, Odds, sign, sign_around_one, sign_with_gap};
use crate::polynomial::{Polynomial, levels};
use front::{Candidate, Fronts};

/// The most levels that are searched: enough for every goal, even with polynomials of degree 3 alone.
pub const MAX_DEPTH: u32 = 128;
/// The largest degree that is tried.
pub const MAX_DEGREE: usize = 2 * DEGREES + 1;
/// The largest alpha, and -log2 of the smallest epsilon.
pub const MAX_ALPHA: f64 = 50.0;
/// How close, in odds, the interpolated reach comes to the exact one at the least; a candidate closer to the goal than
/// this is decided by its exact error.
const SLACK: f64 = 1e-4;

/// What a composition for sign is to achieve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Goal {
    alpha: f64,
    epsilon: f64,
    max_degree: usize,
    margin: f64,
    after: u32,
}

impl Goal {
    /// Sign with error at most 2^(1 - alpha) on epsilon <= |x| <= 1, by odd polynomials of degree 3 to `max_degree`.
    ///
    /// So (sign + 1) / 2, a comparison, has error 2^-alpha.
    ///
    /// # Errors
    /// Alpha outside (1, 50], epsilon outside [2^-50, 1), a largest degree that is not odd and from 3 to 63.
    pub fn new(alpha: f64, epsilon: f64, max_degree: usize) -> Result<Self, Error> {
        if !(alpha > 1.0 && alpha <= MAX_ALPHA) {
            return Err(Error::BadAlpha { alpha, max: MAX_ALPHA });
        }
        if !(epsilon >= (-MAX_ALPHA).exp2() && epsilon < 1.0) {
            return Err(Error::BadEpsilon { epsilon, log2_min: -MAX_ALPHA });
        }
        if max_degree.is_multiple_of(2) || !(3..=MAX_DEGREE).contains(&max_degree) {
            return Err(Error::BadMaxDegree { degree: max_degree, max: MAX_DEGREE });
        }
        Ok(Self { alpha, epsilon, max_degree, margin: 0.0, after: 0 })
    }

    /// The sign inside max, min and ReLU with error 2^-alpha: epsilon is zeta 2^-alpha, since |x| itself makes the error
    /// at a small |x| small.
    ///
    /// The product of x and its sign takes one level after the composition: it is part of every depth that is given or
    /// returned for this goal, and the last stage ends at level 1.
    ///
    /// # Errors
    /// As [`Goal::new`], and a zeta that is not a positive number.
    pub fn for_max(alpha: f64, zeta: f64, max_degree: usize) -> Result<Self, Error> {
        if !(zeta.is_finite() && zeta > 0.0) {
            return Err(Error::BadZeta { zeta });
        }
        Ok(Self { after: 1, ..Self::new(alpha, zeta * (-alpha).exp2(), max_degree)? })
    }

    /// The same with every stage allowed to stray by `margin` beyond its own error, as noise makes it do.
    ///
    /// # Errors
    /// A margin that is negative, or that leaves nothing of the error 2^(1 - alpha).
    pub fn with_margin(self, margin: f64) -> Result<Self, Error> {
        let max = (1.0 - self.alpha).exp2();
        if margin >= 0.0 && margin < max {
            Ok(Self { margin, ..self })
        } else {
            Err(Error::MarginTooLarge { margin, max })
        }
    }

    /// The same with inputs that stray by `margin`: the gap is what is left of [epsilon, 1] widened by it, scaled to end
    /// at 1.
    ///
    /// # Errors
    /// A margin that is negative or takes all of epsilon, or leaves one below 2^-50.
    pub fn with_input_margin(self, margin: f64) -> Result<Self, Error> {
        if !(margin >= 0.0 && margin < self.epsilon) {
            return Err(Error::InputMargin { margin, epsilon: self.epsilon });
        }
        let epsilon = (self.epsilon - margin) / (1.0 + margin);
        let checked = Self::new(self.alpha, epsilon, self.max_degree)?;
        Ok(Self { margin: self.margin, after: self.after, ..checked })
    }

    /// The precision of the output.
    #[must_use]
    pub fn alpha(&self) -> f64 {
        self.alpha
    }

    /// The smallest |x| at which the sign must be right.
    #[must_use]
    pub fn epsilon(&self) -> f64 {
        self.epsilon
    }

    /// The largest degree allowed.
    #[must_use]
    pub fn max_degree(&self) -> usize {
        self.max_degree
    }

    /// How far a stage may stray, in units of its output.
    #[must_use]
    pub fn margin(&self) -> f64 {
        self.margin
    }

    /// The levels that follow the composition: one for max and ReLU.
    #[must_use]
    pub fn after(&self) -> u32 {
        self.after
    }

    /// 2^(1 - alpha).
    fn target(&self) -> Option<Odds> {
        Odds::of((1.0 - self.alpha).exp2())
    }

    /// (1 - epsilon) / (1 + epsilon): [epsilon, 1] scaled to surround 1 evenly.
    fn reach(&self) -> Odds {
        Odds::from_log2(((1.0 - self.epsilon) / (2.0 * self.epsilon)).log2())
    }
}

/// How many products of two ciphertexts an odd polynomial takes, by degree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Products(Vec<u32>);

impl Products {
    /// Those of Lee, Lee, Kim and No (2022), table 1.
    #[must_use]
    pub fn published() -> Self {
        Self(published::PRODUCTS.to_vec())
    }

    /// Those of the plans of this crate: one fewer at degrees 17, 21 and 33.
    #[must_use]
    pub fn planned() -> &'static Self {
        static PLANNED: OnceLock<Products> = OnceLock::new();
        PLANNED.get_or_init(|| Self((3..=MAX_DEGREE).step_by(2).map(planned).collect()))
    }

    /// The products of one degree; `None` unless it is odd and from 3 to 63.
    #[must_use]
    pub fn of(&self, degree: usize) -> Option<u32> {
        let place = degree.checked_sub(3).filter(|d| d.is_multiple_of(2))? / 2;
        self.0.get(place).copied()
    }

    /// The products of a composition.
    #[must_use]
    pub fn sum(&self, degrees: &[usize]) -> u32 {
        degrees.iter().filter_map(|&degree| self.of(degree)).sum()
    }
}

/// The products of a dense odd polynomial.
fn planned(degree: usize) -> u32 {
    let c = (0..=degree).map(|k| (k % 2) as f64 / (k + 1) as f64).collect();
    Polynomial::unit(c).map_or(0, |p| p.plan().products)
}

/// A composition that meets its goal.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The degrees in order of application.
    pub degrees: Vec<usize>,
    /// The levels that they use, and those that the goal needs after them.
    pub depth: u32,
    /// The products of two ciphertexts, as they were counted in the search.
    pub mults: u32,
    /// What was made least: the products, or the sum of the costs.
    pub cost: f64,
    /// log2 of the error of the composition, from exact best approximations, margins included.
    pub log2_error: f64,
}

/// The fewest levels that any composition uses: Lee, Lee, Kim and No (2022), algorithm 3.
///
/// # Errors
/// A goal that needs more than [`MAX_DEPTH`] levels, or a best approximation that fails.
pub fn least_depth(goal: &Goal) -> Result<u32, Error> {
    let free = |_, _| 0.0;
    let mut fronts = fronts(goal, &free)?;
    for used in 1..=MAX_DEPTH - goal.after {
        fronts.extend();
        if first_exact(goal, fronts.reaching(used, nearly(goal)))?.is_some() {
            return Ok(used + goal.after);
        }
    }
    Err(Error::DepthTooSmall { depth: MAX_DEPTH, least: None })
}

/// The composition of the fewest products within so many levels: Lee, Lee, Kim and No (2022), algorithms 2 and 4.
///
/// Of several it is the one that reaches furthest, with the degrees in increasing order where that order will do: high
/// degrees are cheaper at low levels. Costs some thousand inverses for each level.
///
/// # Errors
/// A depth that no composition reaches, with the depth that would do; a depth above [`MAX_DEPTH`].
pub fn fewest_products(goal: &Goal, depth: u32, products: &Products) -> Result<Choice, Error> {
    let cost = |degree, _| products.of(degree).map_or(f64::INFINITY, f64::from);
    let mut choice = cheapest(goal, depth, &cost, products)?;
    let mut sorted = choice.degrees.clone();
    sorted.sort_unstable();
    if let Some(log2_error) = within(goal, &sorted)? {
        (choice.degrees, choice.log2_error) = (sorted, log2_error);
    }
    Ok(choice)
}

/// The composition of the least time within so many levels: Lee, Lee, Kim and No (2022), algorithms 8 and 9.
///
/// `cost(degree, level)` is the time of a polynomial whose input is at that level. The chain is as long as the choice is
/// deep, which may be less than `depth`: the last stage ends at level 0, or where the goal needs a level after it, at 1.
/// Products are counted as planned. Costs some ten thousand inverses for each level.
///
/// # Errors
/// As [`fewest_products`], and a cost that is not a positive number.
pub fn least_time(goal: &Goal, depth: u32, cost: &dyn Fn(usize, u32) -> f64) -> Result<Choice, Error> {
    check_depth(depth)?;
    for degree in (3..=goal.max_degree).step_by(2) {
        for level in levels(degree) + goal.after..=depth {
            let cost = cost(degree, level);
            if !(cost.is_finite() && cost > 0.0) {
                return Err(Error::BadCost { degree, level, cost });
            }
        }
    }
    cheapest(goal, depth, cost, Products::planned())
}

fn cheapest(
    goal: &Goal,
    depth: u32,
    cost: &dyn Fn(usize, u32) -> f64,
    products: &Products,
) -> Result<Choice, Error> {
    check_depth(depth)?;
    let cost = |degree, level| cost(degree, level + goal.after);
    let mut fronts = fronts(goal, &cost)?;
    let mut candidates = Vec::new();
    for used in 1..=depth.saturating_sub(goal.after) {
        fronts.extend();
        candidates.extend(fronts.reaching(used, nearly(goal)));
    }
    candidates.sort_by(|a, b| a.cost.total_cmp(&b.cost).then(b.reach.log2().total_cmp(&a.reach.log2())));
    match first_exact(goal, candidates)? {
        Some((found, log2_error)) => Ok(Choice {
            depth: found.depth + goal.after,
            mults: products.sum(&found.degrees),
            cost: found.cost,
            degrees: found.degrees,
            log2_error,
        }),
        None => Err(Error::DepthTooSmall { depth, least: Some(least_depth(goal)?) }),
    }
}

/// log2 of the error of the composition of best approximations of these degrees on epsilon <= |x| <= 1, each stage
/// straying by at most `margin`: Lee, Lee, Kim and No (2022), algorithm 5.
///
/// Costs a best approximation for each stage. `None` where the margins lead out of what sign can be told from.
///
/// # Errors
/// What [`sign`] refuses.
pub fn log2_error(epsilon: f64, degrees: &[usize], margin: f64) -> Result<Option<f64>, Error> {
    Ok(error(epsilon, degrees, margin)?.map(|odds| -(-odds.log2()).exp2().ln_1p() * std::f64::consts::LOG2_E))
}

fn error(epsilon: f64, degrees: &[usize], margin: f64) -> Result<Option<Odds>, Error> {
    let mut odds = None;
    for &degree in degrees {
        let best = match odds {
            None => sign(epsilon, 1.0, degree)?,
            Some(odds) => around_one(odds, degree)?,
        };
        odds = Odds::from_log2(best.log2_odds()).moved(margin);
        if odds.is_none() {
            return Ok(None);
        }
    }
    Ok(odds)
}

/// The best approximation on [1 - t, 1 + t].
fn around_one(t: Odds, degree: usize) -> Result<Minimax, Error> {
    if t.value() < 0.5 { sign_around_one(t.value(), degree) } else { sign_with_gap(t.complement(), degree) }
}

/// The exact error of a composition, if it meets the goal.
fn within(goal: &Goal, degrees: &[usize]) -> Result<Option<f64>, Error> {
    Ok(log2_error(goal.epsilon, degrees, goal.margin)?.filter(|&error| error <= 1.0 - goal.alpha))
}

/// The first candidate whose exact error meets the goal, and that error.
fn first_exact(goal: &Goal, candidates: Vec<Candidate>) -> Result<Option<(Candidate, f64)>, Error> {
    for candidate in candidates {
        if let Some(error) = within(goal, &candidate.degrees)? {
            return Ok(Some((candidate, error)));
        }
    }
    Ok(None)
}

fn fronts<'a>(goal: &Goal, cost: &'a dyn Fn(usize, u32) -> f64) -> Result<Fronts<'a>, Error> {
    static INVERSE: OnceLock<Inverse> = OnceLock::new();
    let inverse = INVERSE.get_or_init(|| Inverse::new(Table::shipped()));
    let target = goal.target().ok_or(Error::BadAlpha { alpha: goal.alpha, max: MAX_ALPHA })?;
    let enough = Odds::from_log2(goal.reach().log2() + SLACK);
    Ok(Fronts::new(inverse, target, enough, (goal.max_degree, goal.margin), cost))
}

/// A reach that may be enough for the goal.
fn nearly(goal: &Goal) -> Odds {
    Odds::from_log2(goal.reach().log2() - SLACK)
}

fn check_depth(depth: u32) -> Result<(), Error> {
    if depth <= MAX_DEPTH { Ok(()) } else { Err(Error::DepthTooLarge { depth, max: MAX_DEPTH }) }
}

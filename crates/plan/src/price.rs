//! Prices: what traces, plans and polynomials cost on a chain.
//!
//! # What is paid for what
//!
//! | counted | paid |
//! |---|---|
//! | a relinearisation and a rescale at the same level | `RelineariseRescale`: the engine divides once for both |
//! | a rescale, or a relinearisation, left over | `Rescale`, or `Relinearise` |
//! | a product, a term by a public number, a rotation | `Product`, `ScalarProduct`, `Rotate` |
//! | hoisted rotations at one level | `HoistedRotate` each, and one `Hoist` |
//! | a refresh | all that it does |
//!
//! A plan says more than its counts, and so its price is finer. Beside the products there are sums, which are bound by memory
//! alone. They are paid in shares of an `Add`, as timed at N = 2^16; an `Add` makes a new ciphertext, and a sum in place finds
//! its operands in the cache, so that the shares are smaller than rows read and written would have them.
//!
//! | part of a plan | paid in `Add` |
//! |---|---|
//! | T_1 copied | 0.35 |
//! | a power 2 a^2 - 1: three doublings | 0.9 |
//! | a power 2 a b - c: three doublings, two products by a number, two differences | 1.6 |
//! | a split beyond the first of its chain: a sum of three | 0.7 |
//! | the leaf of a chain with splits: a sum of two | 0.45 |
//!
//! A trace does not say this, nor which hoisted rotations share a decomposition: its price is a few per cent too low.

use arras_approx::{Node, Plan, Polynomial};
use arras_circuits::{Op, Trace};

use crate::cost::{Chain, Operation};
use crate::error::Error;

impl Chain {
    /// Milliseconds of everything in a trace whose levels are those of this chain.
    ///
    /// # Errors
    /// A level that the chain has not, or refreshes.
    pub fn price(&self, trace: &Trace) -> Result<f64, Error> {
        self.sum(trace, None)
    }

    /// The same where a refresh does what another trace counts.
    ///
    /// # Errors
    /// A level that the chain has not, or refreshes within a refresh.
    pub fn price_refreshed(&self, trace: &Trace, refresh: &Trace) -> Result<f64, Error> {
        self.sum(trace, Some(self.price(refresh)?))
    }

    fn sum(&self, trace: &Trace, refresh: Option<f64>) -> Result<f64, Error> {
        let mut sum = 0.0;
        for (&(op, level), &count) in &trace.counts {
            // Rotations need no level, but nothing was timed at level 0: the least there is stands for it.
            let level = if matches!(op, Op::Rotate | Op::HoistedRotate) { level.max(1) } else { level };
            let times = |operation, count: u64| -> Result<f64, Error> {
                Ok(count as f64 * self.cost(operation, level)?)
            };
            sum += match op {
                Op::Product => times(Operation::Product, count),
                Op::Relinearise => {
                    let fused = count.min(trace.at(Op::Rescale, level));
                    Ok(times(Operation::RelineariseRescale, fused)?
                        + times(Operation::Relinearise, count - fused)?)
                }
                Op::Rescale => {
                    times(Operation::Rescale, count.saturating_sub(trace.at(Op::Relinearise, level)))
                }
                Op::Rotate => times(Operation::Rotate, count),
                Op::HoistedRotate => {
                    Ok(times(Operation::Hoist, 1)? + times(Operation::HoistedRotate, count)?)
                }
                Op::PlainProduct => times(Operation::PlainProduct, count),
                Op::ScalarProduct => times(Operation::ScalarProduct, count),
                Op::Refresh => Ok(count as f64 * refresh.ok_or(Error::Refreshes { count })?),
            }?;
        }
        Ok(sum)
    }

    /// Milliseconds of a plan whose T_1 is at a level.
    ///
    /// # Errors
    /// A level above the chain, or below the depth of the plan.
    pub fn plan(&self, plan: &Plan, level: u32) -> Result<f64, Error> {
        let mut bill = Bill { chain: self, level, sum: 0.0 };
        if plan.depth == 0 {
            return Ok(0.0);
        }
        bill.pay(Operation::Add, 1, COPY)?;
        for power in &plan.powers {
            let depth = power.index.next_power_of_two().trailing_zeros();
            bill.pay(Operation::Product, depth, 1.0)?;
            bill.pay(Operation::Add, depth, if power.left == power.right { SQUARE } else { POWER })?;
            bill.pay(Operation::RelineariseRescale, depth, 1.0)?;
        }
        bill.chain(&plan.root, plan.depth)?;
        Ok(bill.sum)
    }

    /// C_L of every odd degree up to the largest, and of every level of this chain: the prices of dense odd polynomials
    /// (Lee, Lee, Kim and No 2022, section IV).
    ///
    /// Cost: one plan for each degree.
    ///
    /// # Errors
    /// A degree that no polynomial has.
    pub fn odd_prices(&self, most_degree: usize) -> Result<OddPrices, Error> {
        let row = |degree: usize| -> Result<Vec<f64>, Error> {
            let plan = dense_odd(degree)?.plan();
            (0..=self.depth())
                .map(|level| if level < plan.depth { Ok(f64::INFINITY) } else { self.plan(&plan, level) })
                .collect()
        };
        Ok(OddPrices { rows: (1..=most_degree).step_by(2).map(row).collect::<Result<_, _>>()? })
    }
}

/// A polynomial with all odd terms up to its degree and no other, and none that cancel when a plan divides by a power: plans
/// look at nothing else.
pub(crate) fn dense_odd(degree: usize) -> Result<Polynomial, Error> {
    Ok(Polynomial::unit((0..=degree).map(|k| if k % 2 == 1 { 1.0 / k as f64 } else { 0.0 }).collect())?)
}

/// Milliseconds of dense odd polynomials, by degree and level: see [`Chain::odd_prices`].
#[derive(Debug, Clone, PartialEq)]
pub struct OddPrices {
    rows: Vec<Vec<f64>>,
}

impl OddPrices {
    /// C_L: milliseconds of a polynomial of odd degree whose input is at a level.
    ///
    /// Infinite where it cannot be evaluated: an even degree or one above the largest, too few levels or too many.
    #[must_use]
    pub fn at(&self, degree: usize, level: u32) -> f64 {
        let row = if degree % 2 == 1 { self.rows.get(degree / 2) } else { None };
        row.and_then(|row| row.get(level as usize)).copied().unwrap_or(f64::INFINITY)
    }
}

/// Sums beside products, in shares of an `Add`: see the head of this file.
const COPY: f64 = 0.35;
const SQUARE: f64 = 0.9;
const POWER: f64 = 1.6;
const SPLIT: f64 = 0.7;
const LEAF: f64 = 0.45;

/// A sum of costs of operations of one plan.
struct Bill<'a> {
    chain: &'a Chain,
    /// That of T_1.
    level: u32,
    sum: f64,
}

impl Bill<'_> {
    /// Adds operations that land at a depth, and so are done one level above.
    fn pay(&mut self, operation: Operation, depth: u32, count: f64) -> Result<(), Error> {
        let below = Error::NoLevel { level: 0, depth: self.chain.depth() };
        let level = (self.level + 1).checked_sub(depth).ok_or(below)?;
        self.sum += count * self.chain.cost(operation, level)?;
        Ok(())
    }

    /// Adds a chain of a plan that lands at a depth, and the chains of its quotients.
    fn chain(&mut self, node: &Node, depth: u32) -> Result<(), Error> {
        let (mut splits, mut next) = (0.0, node);
        let leaf = loop {
            match next {
                Node::Leaf(terms) => break terms,
                Node::Split { quotient, remainder, .. } => {
                    self.chain(quotient, depth - 1)?;
                    splits += 1.0;
                    next = remainder;
                }
            }
        };
        let terms = leaf.iter().filter(|(k, _)| *k >= 1).count();
        self.pay(Operation::ScalarProduct, depth, terms as f64)?;
        if splits == 0.0 {
            return self.pay(Operation::Rescale, depth, 1.0);
        }
        self.pay(Operation::Product, depth, splits)?;
        self.pay(Operation::Add, depth, LEAF + (splits - 1.0) * SPLIT)?;
        self.pay(Operation::RelineariseRescale, depth, 1.0)
    }
}

//! The composition for sign that takes the least time on a machine: algorithms 8 and 9 of Lee, Lee, Kim and No (2022) with
//! its measured costs.
//!
//! What a polynomial costs at a level depends on the whole chain, because a longer chain leaves less room for the special
//! primes of key switching. So each measured chain is searched with its own prices, and the best of all is taken. The final
//! product of max and ReLU is the same for all and is not counted.

use arras_approx::degrees::{Choice, Goal, least_depth, least_time};

use crate::cost::{Chain, CostTable, Operation};
use crate::error::Error;
use crate::price::dense_odd;

/// A composition on a chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Fastest {
    /// The composition.
    pub choice: Choice,
    /// The depth of the chain on which it is the fastest; it may use fewer levels.
    pub chain: u32,
    /// Its price there.
    pub milliseconds: f64,
}

impl CostTable {
    /// The fastest composition on any chain of the table that is no deeper than `depth`.
    ///
    /// Cost: a search of milliseconds, and a plan of each degree, for each chain.
    ///
    /// # Errors
    /// A depth that no composition reaches; a table without a chain that is deep enough.
    pub fn fastest(&self, goal: &Goal, depth: u32) -> Result<Fastest, Error> {
        let least = least_depth(goal)?;
        if depth < least {
            return Err(arras_approx::Error::DepthTooSmall { depth, least: Some(least) }.into());
        }
        let found: Result<Vec<Fastest>, Error> = self
            .depths()
            .filter(|chain| (least..=depth).contains(chain))
            .map(|chain| self.chain(chain)?.fastest(goal))
            .collect();
        let best = found?.into_iter().min_by(|a, b| a.milliseconds.total_cmp(&b.milliseconds));
        best.map_or_else(|| self.chain(depth)?.fastest(goal), Ok)
    }

    /// The shallowest chain of the table on which these degrees can be composed with `after` levels left, and the price of
    /// the composition there.
    ///
    /// Cost: a plan of each degree.
    ///
    /// # Errors
    /// A table without a chain that is deep enough, a degree that no polynomial has.
    pub fn price_of(&self, degrees: &[usize], after: u32) -> Result<(u32, f64), Error> {
        let level = after + degrees.iter().map(|&degree| levels(degree)).sum::<u32>();
        let deep = self.depths().find(|&depth| depth >= level).unwrap_or(level);
        let sum = self.chain(deep)?.composition(degrees, level, None)?;
        Ok((deep, sum))
    }
}

impl Chain {
    /// Milliseconds of dense odd polynomials one after the other, the first from a level, and of the key switch where values are
    /// made real after one of them, counted from zero.
    ///
    /// Cost: a plan of each degree.
    ///
    /// # Errors
    /// A level above the chain, or too few for the degrees.
    pub fn composition(
        &self,
        degrees: &[usize],
        mut level: u32,
        real_after: Option<usize>,
    ) -> Result<f64, Error> {
        let mut sum = 0.0;
        for (stage, &degree) in degrees.iter().enumerate() {
            sum += self.plan(&dense_odd(degree)?.plan(), level)?;
            let below = Error::NoLevel { level: 0, depth: self.depth() };
            level = level.checked_sub(levels(degree)).ok_or(below)?;
            if real_after == Some(stage) {
                // A key switch needs no level, but nothing was timed at level 0: the least there is stands for it.
                sum += self.cost(Operation::Rotate, level.max(1))?;
            }
        }
        Ok(sum)
    }

    fn fastest(&self, goal: &Goal) -> Result<Fastest, Error> {
        let prices = self.odd_prices(goal.max_degree())?;
        let choice = least_time(goal, self.depth(), &|degree, level| prices.at(degree, level))?;
        Ok(Fastest { chain: self.depth(), milliseconds: choice.cost, choice })
    }
}

/// Levels of a polynomial of this degree.
fn levels(degree: usize) -> u32 {
    degree.saturating_add(1).next_power_of_two().ilog2()
}

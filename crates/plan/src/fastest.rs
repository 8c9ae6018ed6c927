//! The composition for sign that takes the least time on a machine: algorithms 8 and 9 of Lee, Lee, Kim and No (2022) with
//! its measured costs.
//!
//! What a polynomial costs at a level depends on the whole chain, because a longer chain leaves less room for the special
//! primes of key switching. So each measured chain is searched with its own prices, and the best of all is taken. The final
//! product of max and ReLU is the same for all and is not counted.

use arras_approx::degrees::{Choice, Goal, least_depth, least_time};

use crate::cost::{Chain, CostTable};
use crate::error::Error;

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
    /// Cost: a plan of each degree up to the largest.
    ///
    /// # Errors
    /// A table without a chain that is deep enough, a degree that no polynomial has.
    pub fn price_of(&self, degrees: &[usize], after: u32) -> Result<(u32, f64), Error> {
        let levels = |&degree: &usize| (degree + 1).next_power_of_two().ilog2();
        let mut level = after + degrees.iter().map(levels).sum::<u32>();
        let deep = self.depths().find(|&depth| depth >= level).unwrap_or(level);
        let prices = self.chain(deep)?.odd_prices(degrees.iter().copied().max().unwrap_or(0))?;
        let mut sum = 0.0;
        for degree in degrees {
            sum += prices.at(*degree, level);
            level -= levels(degree);
        }
        Ok((deep, sum))
    }
}

impl Chain {
    fn fastest(&self, goal: &Goal) -> Result<Fastest, Error> {
        let prices = self.odd_prices(goal.max_degree())?;
        let choice = least_time(goal, self.depth(), &|degree, level| prices.at(degree, level))?;
        Ok(Fastest { chain: self.depth(), milliseconds: choice.cost, choice })
    }
}

//! Which degrees a plan is made of: the search for the wish with all noise, on chains of either kind.

use arras_approx::degrees::{Choice, Goal, Products, fewest_products, least_depth, least_time};
use arras_plan::{Chain, OddPrices, Rows};
use arras_rlwe::Spec;

use super::plan::{Chains, ColumnPlan, Ground, Place};
use super::wish::{Scales, Wish};
use crate::error::Error;

/// What the gap is multiplied by when degrees are chosen, until noise has its place beside the error of the degrees, and until
/// the error of max inside the gap is small enough.
const NARROWER: [f64; 8] = [1.0, 0.99, 0.98, 0.96, 0.92, 0.85, 0.7, 0.5];
/// Chains on which a composition without noise takes so many times the least are not looked at again.
const WORTH: f64 = 1.1;

/// What a plan has the least of.
#[derive(Clone, Copy)]
pub enum Least<'a> {
    /// Levels, and with as many levels products.
    Depth,
    /// Time: by the costs of a chain where they are known, else by those of [`modelled`].
    Time(&'a dyn Fn(&Spec) -> Option<Chain>),
}

/// Degrees for a goal.
type Choose<'a> = dyn Fn(&Goal) -> Result<Choice, arras_approx::Error> + 'a;

/// By what plans are compared: the less, the better.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
struct Merit {
    /// Nothing where time decides.
    depth: u32,
    cost: f64,
    real: bool,
}

/// A plan that grants a wish.
struct Found {
    plan: ColumnPlan,
    merit: Merit,
    /// That of the degrees if there were no noise.
    ideal: Merit,
    /// Whether costs were known, and not modelled.
    measured: bool,
}

impl ColumnPlan {
    /// A plan whose error with all noise is what was wished for, of the least time by [`modelled`] costs.
    ///
    /// Its chain is narrow where numbers stay as fine as the wish and a wide one would not be better: see [`Scales`].
    ///
    /// Cost: up to seconds, in the search for degrees and in proofs.
    ///
    /// # Errors
    /// A wish out of range, or one that no degrees or no parameters grant.
    pub fn for_wish(wish: &Wish) -> Result<Self, Error> {
        Self::with_least(wish, Least::Time(&|_| None))
    }

    /// The same with the least of something else.
    ///
    /// It is the least among the compositions of a gap, for max and ReLU of the first of eight gaps that will do; and for time,
    /// on the chains of the smallest ring that grants the wish.
    ///
    /// # Errors
    /// As [`ColumnPlan::for_wish`].
    pub fn with_least(wish: &Wish, least: Least<'_>) -> Result<Self, Error> {
        let narrow = Found::on(wish, Scales::NARROW, least);
        if narrow.as_ref().is_ok_and(|found| found.plan.is_fine(wish) && found.is_ideal()) {
            return narrow.map(|found| found.plan);
        }
        match (narrow, Found::on(wish, Scales::WIDE, least)) {
            (Ok(narrow), Ok(wide)) => {
                let better = narrow.plan.is_fine(wish) && narrow.is_no_worse(&wide)?;
                Ok(if better { narrow.plan } else { wide.plan })
            }
            (_, wide) => wide.map(|found| found.plan),
        }
    }

    /// The same on a chain of one kind.
    ///
    /// # Errors
    /// As [`ColumnPlan::for_wish`].
    pub fn with_least_on(wish: &Wish, scales: Scales, least: Least<'_>) -> Result<Self, Error> {
        Found::on(wish, scales, least).map(|found| found.plan)
    }

    /// The plan over parameters that are there already, with the degrees that `choose` picks for a goal.
    ///
    /// The goal is that of the wish, see [`Wish::goal`]. `choose` is called again for narrower gaps until the error
    /// with all noise is what was wished for.
    ///
    /// # Errors
    /// As [`ColumnPlan::for_wish`], what `choose` refuses, or parameters with too few levels.
    pub fn over(
        wish: &Wish,
        place: Place<'_>,
        zeta: f64,
        choose: &dyn Fn(&Goal) -> Result<Choice, arras_approx::Error>,
    ) -> Result<Self, Error> {
        Ok(Search::fewest(wish, Ground::There(place), choose).at(zeta)?.plan)
    }
}

impl Found {
    fn on(wish: &Wish, scales: Scales, least: Least<'_>) -> Result<Self, Error> {
        let chains = Chains::new(scales);
        let ground = Ground::Made(&chains);
        let costs = match least {
            Least::Depth => {
                let choose = |goal: &Goal| fewest_products(goal, least_depth(goal)?, Products::planned());
                return Search::fewest(wish, ground, &choose).at_any();
            }
            Least::Time(costs) => costs,
        };
        let mut ladder = Ladder::new(wish, scales, wish.least_depth()?, costs)?;
        loop {
            let found = Search::fastest(wish, ground, &ladder).at_any();
            // In a larger ring everything takes twice as long: it comes second.
            let larger = ladder.top + 1;
            if found.is_ok() || wish.spec(scales, larger).is_err() {
                return found;
            }
            ladder = Ladder::new(wish, scales, larger, costs)?;
        }
    }

    /// Whether noise costs nothing, so that no chain with less of it is better.
    fn is_ideal(&self) -> bool {
        let Merit { depth, cost, .. } = self.ideal;
        // Products may be more: levels come first. Times are sums in another order.
        if depth > 0 { self.merit.depth <= depth } else { self.merit.cost <= cost * (1.0 + 1e-9) }
    }

    /// Whether it has no more of what there shall be little of than one on another chain.
    fn is_no_worse(&self, other: &Self) -> Result<bool, Error> {
        if self.merit.depth > 0 {
            return Ok(self.merit.depth <= other.merit.depth);
        }
        if self.measured == other.measured {
            return Ok(self.merit.cost <= other.merit.cost);
        }
        // Times of a model and of a machine do not compare.
        let time = |found: &Self| found.plan.milliseconds(&modelled(found.plan.params().spec())?);
        Ok(time(self)? <= time(other)?)
    }
}

/// How degrees are chosen for a wish, and plans of them compared.
struct Search<'a> {
    wish: &'a Wish,
    ground: Ground<'a>,
    choose: Box<Choose<'a>>,
    /// Where time decides.
    ladder: Option<&'a Ladder>,
}

impl<'a> Search<'a> {
    fn fewest(wish: &'a Wish, ground: Ground<'a>, choose: &'a Choose<'a>) -> Self {
        Self { wish, ground, choose: Box::new(choose), ladder: None }
    }

    fn fastest(wish: &'a Wish, ground: Ground<'a>, ladder: &'a Ladder) -> Self {
        Self { wish, ground, choose: Box::new(|goal| ladder.choose(goal)), ladder: Some(ladder) }
    }

    /// The plan for the wish; for max and its like, from the first distance on that grants it.
    fn at_any(&self) -> Result<Found, Error> {
        let mut last = None;
        for zeta in self.wish.factors() {
            match self.at(zeta) {
                Err(error) => last = Some(error),
                found => return found,
            }
        }
        Err(last.unwrap_or(Error::Unreachable { alpha: self.wish.alpha }))
    }

    /// Degrees for a goal, until the plan that is built of them is good.
    ///
    /// Values are made real on the way only where that allows better degrees, and then as late as will do: there it costs least.
    fn at(&self, zeta: f64) -> Result<Found, Error> {
        let alpha = self.wish.goal(zeta)?.alpha();
        let mut ideal = None;
        let mut best: Option<(Merit, ColumnPlan)> = None;
        for narrower in NARROWER {
            let tried = self.wish.narrowed(zeta, narrower)?;
            let choice = match (self.choose)(&tried) {
                Err(_) if best.is_some() => break,
                choice => choice?,
            };
            let merit = self.merit_of(&choice);
            ideal = ideal.or(Some(merit));
            // Whatever noise adds, it is no better.
            if best.as_ref().is_some_and(|(best, _)| merit >= *best) {
                break;
            }
            let is_ramp = self.wish.is_ramp();
            let gap = if is_ramp { tried.epsilon() } else { self.wish.domain.gap(self.wish.function)? };
            // A second real step would take as long, after degrees that take longer.
            match self.granted(gap, &choice, alpha, best.is_none()) {
                Ok(Some(plan)) => {
                    let merit = self.merit(&choice, &plan)?;
                    if best.as_ref().is_none_or(|(best, _)| merit < *best) {
                        best = Some((merit, plan));
                    }
                    if !merit.real {
                        break;
                    }
                }
                Ok(None) => {}
                // A narrower gap is no help against noise.
                Err(error) if best.is_none() => return Err(error),
                Err(_) => {}
            }
        }
        let (merit, plan) = best.ok_or(Error::Unreachable { alpha })?;
        Ok(Found {
            ideal: ideal.unwrap_or(merit),
            merit,
            plan,
            measured: self.ladder.is_some_and(|ladder| ladder.measured),
        })
    }

    /// The plan of these degrees that is as precise as wished: without a real step, else with the latest one if it may have one.
    ///
    /// Fails if noise leaves nothing to tell signs by, wherever the step is.
    fn granted(
        &self,
        gap: f64,
        choice: &Choice,
        alpha: f64,
        real: bool,
    ) -> Result<Option<ColumnPlan>, Error> {
        let steps = if real { choice.degrees.len() - 1 } else { 0 };
        let mut noisy = None;
        for real_after in std::iter::once(None).chain((0..steps).rev().map(Some)) {
            match ColumnPlan::build(self.wish, self.ground, gap, &choice.degrees, real_after) {
                Ok(plan) if plan.grants(self.wish, alpha) => return Ok(Some(plan)),
                Ok(plan) if real_after.is_none() && !plan.is_bent() => return Ok(None),
                Ok(_) => noisy = None,
                Err(error) if !is_noisy(&error) => return Err(error),
                Err(error) => noisy = Some(error),
            }
        }
        noisy.map_or(Ok(None), Err)
    }

    /// That of degrees without noise.
    fn merit_of(&self, choice: &Choice) -> Merit {
        let depth = if self.ladder.is_some() { 0 } else { choice.depth };
        Merit { depth, cost: choice.cost, real: false }
    }

    fn merit(&self, choice: &Choice, plan: &ColumnPlan) -> Result<Merit, Error> {
        let real = plan.slotwise().real_after().is_some();
        Ok(match self.ladder {
            None => Merit { real, ..self.merit_of(choice) },
            Some(ladder) => Merit { depth: 0, cost: ladder.price(plan)?, real },
        })
    }
}

/// Chains of one ring, by depth, with what polynomials cost on them.
struct Ladder {
    rungs: Vec<Rung>,
    /// Levels that follow the sign, beyond those of its goal.
    after: u32,
    /// The most levels in this ring.
    top: u32,
    measured: bool,
}

struct Rung {
    depth: u32,
    chain: Chain,
    prices: OddPrices,
    /// Whether a composition on it may be the fastest.
    worth: bool,
}

impl Ladder {
    /// The chains from a depth on in the smallest ring that has it: those whose costs are known if there are any, else all.
    fn new(
        wish: &Wish,
        scales: Scales,
        from: u32,
        costs: &dyn Fn(&Spec) -> Option<Chain>,
    ) -> Result<Self, Error> {
        let smallest = wish.spec(scales, from)?;
        let same = |spec: &Spec| spec.log_degree == smallest.log_degree;
        let specs: Vec<Spec> =
            (from..).map_while(|depth| wish.spec(scales, depth).ok().filter(same)).collect();
        let known: Vec<Chain> = specs.iter().filter_map(costs).collect();
        let measured = !known.is_empty();
        let chains = if measured { known } else { specs.iter().map(modelled).collect::<Result<_, _>>()? };
        let rung = |chain: Chain| {
            let prices = chain.odd_prices(wish.max_degree)?;
            Ok(Rung { depth: chain.depth(), chain, prices, worth: true })
        };
        let rungs = chains.into_iter().map(rung).collect::<Result<_, Error>>()?;
        let goal = wish.goal(wish.factors().next().unwrap_or(1.0))?;
        let (after, top) = (wish.extra_depth()? - goal.after(), from - 1 + specs.len() as u32);
        let mut ladder = Self { rungs, after, top, measured };
        ladder.appraise(&goal);
        Ok(ladder)
    }

    /// Marks the chains that are not much slower than the fastest.
    fn appraise(&mut self, goal: &Goal) {
        let after = self.after;
        let time = |rung: &Rung| rung.choose(goal, after).map_or(f64::INFINITY, |choice| choice.cost);
        let times: Vec<f64> = self.rungs.iter().map(time).collect();
        let least = times.iter().copied().fold(f64::INFINITY, f64::min);
        for (rung, time) in self.rungs.iter_mut().zip(times) {
            // Where nothing reaches the goal all stay, to say so.
            rung.worth = time <= WORTH * least;
        }
    }

    /// The fastest composition on any of its chains.
    fn choose(&self, goal: &Goal) -> Result<Choice, arras_approx::Error> {
        let mut best: Option<Choice> = None;
        let mut refused = None;
        for rung in self.rungs.iter().filter(|rung| rung.worth) {
            match rung.choose(goal, self.after) {
                Ok(choice) if best.as_ref().is_none_or(|best| choice.cost < best.cost) => best = Some(choice),
                Ok(_) => {}
                Err(error) => refused = Some(error),
            }
        }
        let none = arras_approx::Error::DepthTooSmall { depth: self.top, least: None };
        best.ok_or(refused.unwrap_or(none))
    }

    /// Milliseconds of a plan on the shortest chain that has its levels.
    fn price(&self, plan: &ColumnPlan) -> Result<f64, Error> {
        let depth = plan.slotwise().depth();
        let rung = self.rungs.iter().find(|rung| rung.depth >= depth);
        let missing = arras_plan::Error::NoLevel { level: depth, depth: self.top };
        plan.milliseconds(&rung.ok_or(missing)?.chain)
    }
}

impl Rung {
    fn choose(&self, goal: &Goal, after: u32) -> Result<Choice, arras_approx::Error> {
        let cost = |degree, level| self.prices.at(degree, level + after);
        least_time(goal, self.depth.saturating_sub(after), &cost)
    }
}

/// What operations should take on a chain that nobody has measured: [`Chain::modelled`].
///
/// # Errors
/// Never for the chain of parameters that exist.
pub fn modelled(spec: &Spec) -> Result<Chain, Error> {
    let mut main = spec.base.len();
    let rows = |primes: &Vec<u64>| {
        main += primes.len();
        Rows { main, digits: main.div_ceil(spec.digit), special: spec.special.len().min(main) }
    };
    let rows: Vec<Rows> = spec.levels.iter().map(rows).collect();
    let primes = spec.base.iter().chain(spec.levels.iter().flatten()).chain(&spec.special);
    let log2_qp = primes.map(|&q| (q as f64).log2()).sum();
    Ok(Chain::modelled(spec.log_degree, log2_qp, &rows)?)
}

/// Whether a stage strays so far that it tells no signs apart, which a real step before it may cure.
fn is_noisy(error: &Error) -> bool {
    use arras_approx::Error::{BadMargin, StageTooWide};
    matches!(error, Error::Approx(BadMargin { .. } | StageTooWide { .. }))
}

//! What is measured: parameters, and degrees by each method.

use anyhow::{Context as _, bail};
use arras_approx::degrees::{Goal, Products, fewest_products, least_depth, least_time};
use arras_circuits::slotwise::{Domain, Function};
use arras_ckks::{Params, Security, Shape};
use arras_client::{ColumnPlan, Place, Scales, Sealing, Wish};
use arras_plan::Chain;

use super::published;
use crate::args::bench_compare::{BenchCompare, Method};
use crate::costs;

/// log2 of the ring degree.
const LOG_DEGREE: u32 = 16;
/// The same of the insecure ring on which scripts are tried.
const TOY_LOG_DEGREE: u32 = 12;
/// The largest degree that is tried for the least time.
pub const MAX_DEGREE: usize = 63;
/// The largest degree that is tried for the fewest products, as published.
const PREVIOUS_MAX_DEGREE: usize = 31;

/// One precision of one function on a chain of one depth.
#[derive(Clone, Copy)]
pub struct Setting {
    pub alpha: u8,
    pub function: Function,
    pub depth: u32,
    /// The gap in multiples of the error; 1 for comparisons.
    pub zeta: f64,
    /// Of the chain.
    pub scales: Scales,
    toy: bool,
}

impl Setting {
    /// The setting that the user asks for, with what is not said as it was published.
    pub fn new(args: &BenchCompare, alpha: u8) -> anyhow::Result<Self> {
        let function = args.function;
        let zeta = match (function, args.zeta) {
            (Function::Compare, Some(_)) => {
                bail!("--zeta belongs to max, min, relu and abs: a comparison is right from 2^-{alpha} on")
            }
            (Function::Compare, None) => 1.0,
            (_, given) => given.or_else(|| published::zeta(alpha)).with_context(|| {
                format!("no factor was published for {alpha} bits: say with --zeta from how many times 2^-{alpha} on the sign is right")
            })?,
        };
        let mut setting = Self { alpha, function, depth: 0, zeta, scales: Scales::WIDE, toy: args.toy };
        let goal = setting.wish(args.method).goal(zeta)?;
        setting.depth = match (args.depth, published::depth(function, alpha)) {
            (Some(depth), _) => {
                // Before anything is measured: published degrees are looked up instead.
                if args.method != Method::Published {
                    fewest_products(&goal, depth, Products::planned())?;
                }
                depth
            }
            (None, Some(depth)) => depth,
            (None, None) => least_depth(&goal)?,
        };
        Ok(setting)
    }

    /// The setting of a published row.
    pub fn of_row(function: Function, row: &published::Row, toy: bool) -> Self {
        let zeta = published::zeta(row.alpha).filter(|_| function != Function::Compare).unwrap_or(1.0);
        Self { alpha: row.alpha, function, depth: row.depth, zeta, scales: Scales::WIDE, toy }
    }

    /// The same on another chain.
    pub fn on(self, scales: Scales) -> Self {
        Self { scales, ..self }
    }

    /// No result may err by more.
    pub fn tolerance(&self) -> f64 {
        (-f64::from(self.alpha)).exp2()
    }

    /// The distance from which on the sign is right.
    pub fn epsilon(&self) -> f64 {
        self.zeta * self.tolerance()
    }

    /// The chain of exactly this depth.
    pub fn params(&self) -> anyhow::Result<Params> {
        let depth = self.depth;
        if self.toy {
            let Scales { base_bits, scale_bits } = self.scales;
            let shape = Shape {
                log_degree: TOY_LOG_DEGREE,
                base_bits,
                scale_bits,
                depth,
                security: Security::Bits128,
            };
            let spec = shape.danger_toy(2).context("the toy ring has too few primes for this depth")?;
            return Ok(Params::danger_insecure(&spec)?);
        }
        let ring = costs::ring(LOG_DEGREE, self.scales);
        Ok(Params::new(&costs::spec(ring, depth).with_context(|| costs::too_deep(ring, depth))?)?)
    }

    /// What operations cost on the chain: those of the file, or of `arras calibrate`, or measured now.
    pub fn costs(&self, args: &BenchCompare, params: &Params) -> anyhow::Result<Chain> {
        let threads = u32::try_from(rayon::current_num_threads())?;
        if self.toy {
            let chain = costs::measure(params, threads, 1, || ())?;
            return chain.context("interrupted, and nothing was measured");
        }
        let ring = costs::ring(LOG_DEGREE, self.scales);
        let table = costs::costs(args.costs.as_deref(), ring, &[self.depth], threads)?;
        Ok(table.chain(self.depth)?.clone())
    }

    /// The polynomials of a method, with margins for the noise of these parameters.
    pub fn plan(&self, params: &Params, method: Method, costs: Option<&Chain>) -> anyhow::Result<ColumnPlan> {
        let prices = costs.map(|costs| costs.odd_prices(MAX_DEGREE)).transpose()?;
        let (depth, place) = (self.depth, Place { params, sealing: Sealing::Secret });
        let choose = |goal: &Goal| match (method, &prices) {
            (Method::Previous, _) => fewest_products(goal, depth, &Products::published()),
            (Method::Proposed, Some(prices)) => {
                least_time(goal, depth, &|degree, level| prices.at(degree, level))
            }
            _ => fewest_products(goal, depth, Products::planned()),
        };
        if method == Method::Published {
            let row = published::find(self.function, self.alpha, depth);
            let row = row.with_context(|| {
                format!(
                    "no degrees were published for {} to {} bits at depth {depth}",
                    self.function.name(),
                    self.alpha
                )
            })?;
            return Ok(ColumnPlan::over_degrees(&self.wish(method), place, self.zeta, row.degrees(method))?);
        }
        let plan = ColumnPlan::over(&self.wish(method), place, self.zeta, &choose);
        let (Method::Proposed, Some(costs)) = (method, costs) else { return Ok(plan?) };
        // With noise the fastest degrees may have to give way so far that the fewest products are faster.
        match (plan, self.plan(params, Method::Previous, None)) {
            (Ok(plan), Ok(other)) => {
                Ok(if other.milliseconds(costs)? < plan.milliseconds(costs)? { other } else { plan })
            }
            (plan, Err(_)) => Ok(plan?),
            (Err(_), other) => other,
        }
    }

    fn wish(&self, method: Method) -> Wish {
        Wish {
            function: self.function,
            domain: Domain::Numbers { epsilon: self.epsilon() },
            alpha: self.alpha.into(),
            max_degree: if method == Method::Previous { PREVIOUS_MAX_DEGREE } else { MAX_DEGREE },
            rows: 1,
            security: Security::Bits128,
        }
    }
}

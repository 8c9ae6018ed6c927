//! A task's plan as a planner compares it with other ways.

use arras_apps::Program;
use arras_circuits::{Op, Trace};
use arras_ckks::boot::presets;
use arras_plan::{Bytes, Candidate, Chain, Costs, Growth, Method, Parameters};

use super::TaskPlan;
use crate::error::Error;

/// log2 of the probability with which the noise of a run exceeds what was proved of it.
pub const FAILURE_LOG2: f64 = -40.0;

impl<P: Program> TaskPlan<P> {
    /// What a run takes: time by the costs of its chain, bytes by its parameters.
    ///
    /// Refreshes are priced by what they do, on a chain that has their levels, too: see [`modelled`](crate::modelled).
    ///
    /// # Errors
    /// Costs of a chain with fewer levels.
    pub fn candidate(&self, chain: &Chain, costs: Costs, growth: Growth) -> Result<Candidate, Error> {
        let (params, trace, program) = (self.params(), self.trace(), self.prepared().program());
        let start = self.prepared().refresh().map_or(trace.depth, |refresh| refresh.start);
        let sealed = program.inputs().len() as u64 * self.polynomial(start);
        let answer = program.outputs().len() as u64 * 2 * self.polynomial(0);
        Ok(Candidate {
            method: Method::Ckks,
            exact: program.is_exact(),
            parameters: Parameters {
                n: params.degree(),
                log2_qp: params.log2_q() + params.log2_p(),
                levels: trace.depth,
                security_bits: params.spec().security.bits(),
            },
            growth,
            seconds: self.milliseconds(chain)? / 1e3,
            refreshes: trace.count(Op::Refresh),
            bytes: Bytes { sealed, answer, keys: self.request().sizes(params.rlwe())?.file },
            failure_log2: FAILURE_LOG2,
            costs,
        })
    }

    /// The price of a run on a chain.
    fn milliseconds(&self, chain: &Chain) -> Result<f64, Error> {
        let (trace, prepared) = (self.trace(), self.prepared());
        let Some(refresh) = prepared.refresh() else { return Ok(chain.price(trace)?) };
        let preset = presets::find(&refresh.preset).ok_or(Error::Preset)?;
        let counts = preset.spec.counts(self.params(), preset.packing(prepared.program().slots()))?;
        let once = counts.into_iter().map(|((op, level), count)| ((counted(op), u32::from(level.0)), count));
        let rounds = u64::from(preset.rounds.max(1));
        let counts = once.map(|(key, count)| (key, rounds * count)).collect();
        Ok(chain.price_refreshed(trace, &Trace { counts, ..Trace::default() })?)
    }

    /// Bytes of a polynomial at a level, its residues packed: half of a ciphertext, and all but a seed of a fresh one.
    fn polynomial(&self, level: u32) -> u64 {
        let spec = self.params().spec();
        let primes = spec.base.iter().chain(spec.levels.iter().take(level as usize).flatten());
        let bits = |q: &u64| u64::from(u64::BITS - q.leading_zeros());
        primes.map(|q| (self.params().degree() as u64 * bits(q)).div_ceil(8)).sum()
    }
}

/// What an evaluator counts, as a trace does.
fn counted(op: arras_ckks::Op) -> Op {
    match op {
        arras_ckks::Op::Product => Op::Product,
        arras_ckks::Op::Relinearise => Op::Relinearise,
        arras_ckks::Op::Rescale => Op::Rescale,
        arras_ckks::Op::Rotate => Op::Rotate,
        arras_ckks::Op::HoistedRotate => Op::HoistedRotate,
        arras_ckks::Op::PlainProduct => Op::PlainProduct,
        arras_ckks::Op::ScalarProduct => Op::ScalarProduct,
    }
}

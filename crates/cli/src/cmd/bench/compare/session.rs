//! One setting under fresh keys: what is run, timed and checked.

use std::time::Duration;

use anyhow::Context as _;
use arras_circuits::Slotwise;
use arras_ckks::{Ciphertext, KeySet, Level, Params, SecretKey};
use arras_client::ColumnPlan;
use arras_client::random;
use arras_engine::Engine;
use arras_rlwe::KeyRequest;

use super::inputs::Source;
use super::setting::Setting;
use crate::cmd::bench::{Times, time};
use crate::stop;

/// The engine under fresh keys, with what encrypts its inputs and decrypts its results.
pub struct Session {
    setting: Setting,
    engine: Engine,
    secret: SecretKey,
}

/// What some runs of one plan showed.
pub struct Outcome {
    pub times: Vec<Times>,
    pub inputs: usize,
    pub failures: usize,
    pub max_error: f64,
}

impl Outcome {
    /// One more result. What is not a number fails, and is as wrong as can be.
    fn count(&mut self, error: f64, tolerance: f64) {
        let error = if error.is_nan() { f64::INFINITY } else { error };
        self.inputs += 1;
        self.failures += usize::from(error > tolerance);
        self.max_error = self.max_error.max(error);
    }

    /// The fastest run by a clock.
    pub fn seconds(&self, clock: impl Fn(&Times) -> Duration) -> f64 {
        self.times.iter().map(|times| clock(times).as_secs_f64()).fold(f64::INFINITY, f64::min)
    }
}

impl Session {
    /// Keys for every one of the plans.
    pub fn new(setting: Setting, params: &Params, plans: &[&ColumnPlan]) -> anyhow::Result<Self> {
        let mut rng = random::system()?;
        let secret = SecretKey::new(params.rlwe(), &mut rng);
        let request = plans.iter().fold(KeyRequest::new(), |all, plan| all.union(plan.request()));
        let keys = KeySet::generate(params.rlwe(), &secret, &request, &mut rng, |_| true)?;
        let keys = keys.context("no keys were made")?;
        let engine = match params.is_secure() {
            true => Engine::new(params, keys)?,
            false => Engine::danger_insecure_new(params, keys)?,
        };
        Ok(Self { setting, engine, secret })
    }

    /// Runs the plans in turns, all of them on the same inputs.
    pub fn measure(
        &self,
        plans: &[&ColumnPlan],
        (runs, seed): (u32, u64),
        mut step: impl FnMut(),
    ) -> anyhow::Result<Vec<Outcome>> {
        let composites: Vec<_> = plans.iter().map(|plan| plan.composite()).collect();
        let source = Source::new(self.setting.function, self.setting.epsilon(), &composites);
        let blank = || Outcome { times: Vec::new(), inputs: 0, failures: 0, max_error: 0.0 };
        let mut outcomes: Vec<Outcome> = plans.iter().map(|_| blank()).collect();
        for run in 0..runs {
            let columns = source.columns(self.engine.params().max_slots(), seed, run);
            for turn in 0..plans.len() {
                // Whoever comes first may find the processor in another state.
                let place = (turn + run as usize) % plans.len();
                stop::check()?;
                self.once(plans[place].slotwise(), &columns, &mut outcomes[place])?;
                step();
            }
        }
        Ok(outcomes)
    }

    /// One run: only the function itself is timed.
    fn once(&self, slotwise: &Slotwise, columns: &[Vec<f64>], outcome: &mut Outcome) -> anyhow::Result<()> {
        let params = self.engine.params();
        let backend = self.engine.backend(params.max_slots())?;
        let level = Level(u8::try_from(slotwise.depth())?);
        let hidden = columns
            .iter()
            .map(|column| Ok(backend.input(self.seal(column, level)?)?))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let (answer, times) = time(|| slotwise.answer(&backend, &hidden));
        let opened = params.decrypt(answer?.ciphertext(), &self.secret)?.secret_reals();
        outcome.times.push(times);
        let tolerance = self.setting.tolerance();
        for (slot, value) in opened.iter().enumerate() {
            let row: Vec<f64> = columns.iter().map(|column| column[slot]).collect();
            outcome.count((value - slotwise.exact(&row)).abs(), tolerance);
        }
        Ok(())
    }

    fn seal(&self, column: &[f64], level: Level) -> anyhow::Result<Ciphertext> {
        let params = self.engine.params();
        let plain = params.encode_at(column, params.max_slots(), level)?;
        Ok(params.encrypt(&plain, &self.secret, &mut random::system()?)?.expand(params))
    }
}

//! What stands beside ours: bit-wise TFHE in the same run, and the SoK's figures.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use arras_plan::sok;
use arras_switch::Error;
use arras_switch::baseline::{Baseline, Measured, Task, Watch};
use serde::Serialize;

use crate::args;
use crate::cmd::bench;
use crate::output;
use crate::stop;

/// Bit-wise TFHE with its keys, on as many threads as everything else.
pub struct BitWise {
    baseline: Baseline,
    key_seconds: f64,
}

/// A task on bit-wise TFHE, as it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// For the whole task; encryption, decryption and keys are not in it. CPU time on one thread, wall time on more.
    pub seconds: f64,
    pub amortised_ms: f64,
    /// Values, elements, nodes, samples or rows of the task.
    pub values: usize,
    pub unit: &'static str,
    /// How many of them were measured, if the time is scaled.
    pub scaled_from: Option<usize>,
    pub seconds_measured: f64,
    pub bootstraps: u64,
    pub wrong: usize,
    pub checked: usize,
    pub ciphertext_bytes: u64,
    pub communication_bytes: u64,
    pub key_bytes: u64,
    pub key_seconds: f64,
    pub threads: usize,
}

impl BitWise {
    /// Makes keys; without the feature `tfhe` an error that says so.
    pub fn new() -> anyhow::Result<Self> {
        let (baseline, times) = bench::time(|| Baseline::new(rayon::current_num_threads()));
        Ok(Self { baseline: baseline?, key_seconds: times.wall.as_secs_f64() })
    }

    /// Measures a task on the first `at_most` of its units.
    pub fn measure(&self, task: &Task, at_most: usize) -> anyhow::Result<Report> {
        let threads = rayon::current_num_threads();
        let bar = output::bar(0, "bit-wise");
        let start = Instant::now();
        let watch = Watch {
            clock: &mut || bench::clock(threads, start),
            step: &mut |done, of| {
                bar.set_length(of as u64);
                bar.set_position(done as u64);
                !stop::asked()
            },
        };
        let measured = self.baseline.measure(task, at_most, watch);
        bar.finish_and_clear();
        match measured {
            Ok(measured) => Ok(self.report(&measured, threads)),
            Err(Error::Stopped) => stop::check().and(Err(Error::Stopped.into())),
            Err(error) => Err(error.into()),
        }
    }

    fn report(&self, measured: &Measured, threads: usize) -> Report {
        Report {
            seconds: measured.seconds,
            amortised_ms: measured.amortised_ms(),
            values: measured.values,
            unit: measured.unit.name(),
            scaled_from: measured.scaled_from,
            seconds_measured: measured.seconds_measured,
            bootstraps: measured.bootstraps,
            wrong: measured.wrong,
            checked: measured.checked,
            ciphertext_bytes: measured.ciphertext_bytes,
            communication_bytes: measured.communication_bytes,
            key_bytes: self.baseline.key_bytes(),
            key_seconds: self.key_seconds,
            threads,
        }
    }
}

/// What stands beside our result in a report.
#[derive(Clone, Debug, Serialize)]
pub struct Beside {
    /// Bit-wise TFHE in the same command.
    pub tfhe: Report,
    /// What the SoK published for a run of this size.
    pub published: Vec<Published>,
}

/// A baseline that was asked for, with its keys: a build without it says so before anything else is done.
pub fn asked(args: &args::task::Beside) -> anyhow::Result<Option<BitWise>> {
    args.baseline.map(|args::task::Baseline::Tfhe| BitWise::new()).transpose()
}

impl BitWise {
    /// A task on its first `at_most` units, and what was published for a run of this size.
    pub fn beside(
        &self,
        task: &Task,
        at_most: usize,
        (work, size): (sok::Work, usize),
    ) -> anyhow::Result<Beside> {
        Ok(Beside { tfhe: self.measure(task, at_most)?, published: published(work, task.bits(), size)? })
    }
}

impl Beside {
    /// Lines for people.
    pub fn human(&self) -> String {
        format!("{}\n{}\n", self.tfhe.human(), published_line(&self.published))
    }
}

/// How a command ends: a baseline that was wrong is a failure as well.
pub fn code(failed: bool, beside: Option<&Beside>, shown: ExitCode) -> ExitCode {
    if failed || beside.is_some_and(|beside| beside.tfhe.wrong > 0) { ExitCode::FAILURE } else { shown }
}

/// Lines for people, where there is anything.
pub fn lines(beside: Option<&Beside>) -> String {
    beside.map_or_else(String::new, Beside::human)
}

impl Report {
    /// A line for people.
    pub fn human(&self) -> String {
        let unit = |count: usize| if count == 1 { self.unit.trim_end_matches('s') } else { self.unit };
        let scaled = self.scaled_from.map_or_else(String::new, |from| {
            let took = output::seconds(Duration::from_secs_f64(self.seconds_measured));
            format!(" (scaled from {from}, which took {took})")
        });
        format!(
            "bit-wise TFHE: {} for {} {}{scaled} on {} thread(s), {} of {} wrong; {} bootstraps, sealed {}, keys {}",
            output::seconds(Duration::from_secs_f64(self.seconds)),
            self.values,
            unit(self.values),
            self.threads,
            self.wrong,
            self.checked,
            self.bootstraps,
            output::bytes(self.ciphertext_bytes),
            output::bytes(self.key_bytes),
        )
    }
}

/// A run that the SoK published.
#[derive(Clone, Debug, Serialize)]
pub struct Published {
    pub figure: String,
    pub method: &'static str,
    pub seconds: f64,
    /// Milliseconds a value where all slots are filled, for workloads.
    pub amortised_ms: Option<f64>,
}

/// What the SoK published for a run, the fastest method first; nothing where it ran none of this size.
pub fn published(work: sok::Work, bits: u32, size: usize) -> anyhow::Result<Vec<Published>> {
    let figures = sok::published()?;
    let runs = sok::of(&figures, work, bits, size).into_iter();
    let published = runs.map(|run| Published {
        figure: run.figure.clone(),
        method: run.method.name(),
        seconds: run.seconds,
        amortised_ms: run.amortised.map(|seconds| 1e3 * seconds),
    });
    Ok(published.collect())
}

/// A line for people.
pub fn published_line(runs: &[Published]) -> String {
    if runs.is_empty() {
        return "SoK: no run of this size".to_owned();
    }
    let run = |run: &Published| format!("{} {} s (Figure {})", run.method, run.seconds, run.figure);
    format!("SoK: {}", runs.iter().map(run).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_baseline_is_a_failure() {
        let beside = |wrong| {
            let tfhe = Report {
                seconds: 1.0,
                amortised_ms: 1e3,
                values: 1,
                unit: "values",
                scaled_from: None,
                seconds_measured: 1.0,
                bootstraps: 1,
                wrong,
                checked: 1,
                ciphertext_bytes: 1,
                communication_bytes: 2,
                key_bytes: 1,
                key_seconds: 1.0,
                threads: 1,
            };
            Some(Beside { tfhe, published: Vec::new() })
        };
        let failed = |failed, beside: Option<Beside>| {
            let code = code(failed, beside.as_ref(), ExitCode::SUCCESS);
            format!("{code:?}") == format!("{:?}", ExitCode::FAILURE)
        };
        assert!(failed(true, None) && failed(true, beside(0)) && failed(false, beside(1)));
        assert!(!failed(false, None) && !failed(false, beside(0)));
    }
}

//! The certificate as data.

use serde::{Deserialize, Serialize};

use super::chain::Chain;
use super::{Composite, Stage};
use crate::error::Error;
use crate::interval::Interval;

/// How much less of an error than what is proved here may be claimed by someone whose proof is sharper.
const SHARPER: f64 = 0.01;
/// The same for the end of a range, in parts of the end or of the width.
const SHARPER_END: f64 = 1e-5;

/// What an independent program needs to check a composition; anyone may write one.
#[derive(Serialize, Deserialize)]
pub(super) struct Record {
    epsilon: f64,
    input_margin: f64,
    stages: Vec<StageRecord>,
    certified_error: f64,
    noisy_error: f64,
    weighted_error: f64,
    magnitude: f64,
}

/// The map from x to the sum of c_k T_{2k+1}(x / scaling).
#[derive(Serialize, Deserialize)]
struct StageRecord {
    degree: usize,
    odd: bool,
    domain: [f64; 2],
    scaling: f64,
    coefficients: Vec<f64>,
    /// On the domain, which margins have widened.
    range: [f64; 2],
    /// On what the stages before make of [epsilon, 1] when nothing strays.
    exact_range: [f64; 2],
    margin: f64,
}

impl From<&Stage> for StageRecord {
    fn from(s: &Stage) -> Self {
        StageRecord {
            degree: s.degree(),
            odd: true,
            domain: [s.domain.lo(), s.domain.hi()],
            scaling: s.scaling,
            coefficients: s.coefficients.clone(),
            range: [s.range.lo(), s.range.hi()],
            exact_range: [s.exact_range.lo(), s.exact_range.hi()],
            margin: s.margin,
        }
    }
}

impl From<Composite> for Record {
    fn from(c: Composite) -> Self {
        Record {
            epsilon: c.epsilon,
            input_margin: c.input_margin,
            stages: c.stages.iter().map(StageRecord::from).collect(),
            certified_error: c.certified_error(),
            noisy_error: c.noisy_error(),
            weighted_error: c.weighted_error(),
            magnitude: c.magnitude(),
        }
    }
}

impl TryFrom<Record> for Composite {
    type Error = Error;

    fn try_from(record: Record) -> Result<Self, Error> {
        let mut chain = Chain::new(record.epsilon, record.input_margin)?;
        let after = |i: usize| record.stages.get(i + 1).map(|s| s.scaling);
        for (i, stage) in record.stages.iter().enumerate() {
            let degree = (2 * stage.coefficients.len()).saturating_sub(1);
            if !stage.odd || stage.degree != degree || (i == 0 && stage.scaling != 1.0) {
                return Err(Error::BadStage { stage: i });
            }
            chain.append(stage.coefficients.clone(), stage.margin, after(i))?;
        }
        let proved = chain.finish()?;
        for (i, (claim, stage)) in record.stages.iter().zip(&proved.stages).enumerate() {
            let pairs = [
                (claim.domain, stage.domain),
                (claim.range, stage.range),
                (claim.exact_range, stage.exact_range),
            ];
            if !pairs.iter().all(|&(claim, proved)| covers(claim, proved)) {
                return Err(Error::BadStage { stage: i });
            }
        }
        let claims = [
            (record.certified_error, proved.certified_error()),
            (record.noisy_error, proved.noisy_error()),
            (record.weighted_error, proved.weighted_error()),
            (record.magnitude - 1.0, proved.magnitude() - 1.0),
        ];
        for (claimed, proved) in claims {
            let holds = claimed >= (1.0 - SHARPER) * proved;
            if !holds {
                return Err(Error::ClaimTooSmall { claimed, proved });
            }
        }
        Ok(proved)
    }
}

/// Whether the claim contains what is proved, but for what a sharper proof may gain.
fn covers([lo, hi]: [f64; 2], proved: Interval) -> bool {
    let room = |end: f64| SHARPER_END * end.abs().min(proved.hi() - proved.lo());
    lo <= proved.lo() + room(proved.lo()) && proved.hi() - room(proved.hi()) <= hi
}

//! A program whose decisions need not be right where they are close.

use arras_apps::{Error, Input, Need, Output, Program};
use arras_circuits::{Points, Rotate, Sign};

/// A program with wider gaps: the same operations by cheaper polynomials.
#[derive(Clone)]
pub struct Coarse<P> {
    pub program: P,
    /// The least gap of a step, as a part of the largest difference.
    pub gap: f64,
}

impl<P: Program> Program for Coarse<P> {
    type Data = P::Data;
    type Answer = P::Answer;

    fn slots(&self) -> usize {
        self.program.slots()
    }

    fn inputs(&self) -> Vec<Input> {
        self.program.inputs()
    }

    fn needs(&self) -> Vec<Need> {
        let wider = |need| match need {
            Need::Step { gap, error } => Need::Step { gap: self.gap.max(gap), error },
            Need::Ramp { error } => Need::Ramp { error },
        };
        self.program.needs().into_iter().map(wider).collect()
    }

    fn outputs(&self) -> Vec<Output> {
        self.program.outputs()
    }

    fn is_exact(&self) -> bool {
        false
    }

    fn pack(&self, data: &P::Data) -> Result<Vec<Vec<f64>>, Error> {
        self.program.pack(data)
    }

    fn run<B: Rotate + Points>(
        &self,
        ops: &B,
        signs: &[Sign],
        inputs: &[B::Ct],
    ) -> Result<Vec<B::Ct>, B::Error>
    where
        B::Error: From<arras_circuits::Error>,
    {
        self.program.run(ops, signs, inputs)
    }

    fn unpack(&self, outputs: &[Vec<i64>]) -> Result<P::Answer, Error> {
        self.program.unpack(outputs)
    }

    fn exact(&self, data: &P::Data) -> P::Answer {
        self.program.exact(data)
    }
}

//! What every program says of itself.

use arras_circuits::{Points, Rotate, Sign};

use crate::error::Error;

/// A hidden vector that goes in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Input {
    /// The most that any slot holds, in size.
    pub size: f64,
}

/// A sign that a program takes: what it must achieve, whatever the polynomials.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Need {
    /// |s(x) - sgn x| <= error for gap <= |x| <= 1.
    Step {
        /// The gap.
        gap: f64,
        /// The error.
        error: f64,
    },
    /// |x| |s(x) - sgn x| / 2 <= error for all |x| <= 1: for max, min and their like.
    Ramp {
        /// The error.
        error: f64,
    },
}

/// A hidden vector that comes out.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// The slots that hold integers, as multiples of this; numbers are rounded to it.
    pub unit: f64,
    /// The least integer.
    pub least: i64,
    /// The largest.
    pub most: i64,
    /// The slots that mean something; the others may hold anything, and are not read.
    pub slots: Vec<usize>,
}

/// A straight line of operations on hidden vectors, for data of a public shape.
///
/// Exactness is proved elsewhere, from bounds that follow the operations: a program has to write steep functions by
/// [`arras_circuits::Arith::compose`] and [`arras_circuits::Arith::ramp`] (as `Compare`, `Max` and their like do), and to say
/// by [`arras_circuits::Arith::known`] what operations do not show of the size of a value.
pub trait Program {
    /// What is sealed.
    type Data;
    /// What is opened.
    type Answer;

    /// Slots of every hidden vector: a power of two.
    fn slots(&self) -> usize;
    /// The hidden vectors that go in, in order.
    fn inputs(&self) -> Vec<Input>;
    /// The signs that it takes, in order.
    fn needs(&self) -> Vec<Need>;
    /// The hidden vectors that come out, in order.
    fn outputs(&self) -> Vec<Output>;

    /// Hidden vectors that a run holds at once beside inputs, results and what one polynomial takes, at most.
    fn held(&self) -> usize {
        0
    }

    /// Whether results are integers, right after rounding; else they are numbers, within the bounds of what is exact.
    fn is_exact(&self) -> bool {
        true
    }

    /// The vectors of some data, each of [`Program::slots`] values.
    ///
    /// # Errors
    /// Data of another shape, or a value that does not fit.
    fn pack(&self, data: &Self::Data) -> Result<Vec<Vec<f64>>, Error>;

    /// The results, in the order of [`Program::outputs`]. `signs` has one for each need, in order.
    ///
    /// # Errors
    /// Whatever the operations refuse.
    fn run<B: Rotate + Points>(
        &self,
        ops: &B,
        signs: &[Sign],
        inputs: &[B::Ct],
    ) -> Result<Vec<B::Ct>, B::Error>
    where
        B::Error: From<arras_circuits::Error>;

    /// The answer in the integers that came out: those of the slots of each output, in order, each within its range.
    ///
    /// # Errors
    /// Integers that no run gives.
    fn unpack(&self, outputs: &[Vec<i64>]) -> Result<Self::Answer, Error>;

    /// The right answer, found without any of this.
    fn exact(&self, data: &Self::Data) -> Self::Answer;
}

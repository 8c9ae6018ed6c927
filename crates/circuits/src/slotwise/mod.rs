//! A function by a sign, applied slot by slot to whole columns: what sealing, running and opening have to agree on.
//!
//! The last slot holds a *sentinel*: a row that nobody wrote, whose answer is known. Beside the answer there is a *guard*,
//! T_8(x) of the number x whose sign decides: at most 1 in size exactly when |x| <= 1, and growing sixty-four times as fast as x
//! beyond. A polynomial means nothing outside its domain and may well look right there, so every row is checked by its
//! guard. An even polynomial does not tell which of two numbers is larger. It is computed at the bottom of the chain, where its
//! three products cost little.

mod data;
mod job;

pub use data::{AnswerError, DataError};
pub use job::Job;

use arras_approx::Polynomial;
use serde::{Deserialize, Serialize};

use crate::compare::Compare;
use crate::error::{Error, Failure};
use crate::integers::{Bounds, Exact, Integers, Relation};
use crate::minmax::{Abs, Max, Min, Relu};
use crate::ops::Arith;
use crate::sign::Sign;
use crate::trace::{Trace, Tracer};

/// What is computed in each slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Function {
    /// 1, 1/2 or 0: a > b, equal or too close to tell, a < b. Of numbers.
    Compare,
    /// The larger of a and b. Of numbers or integers.
    Max,
    /// The smaller of a and b. Of numbers or integers.
    Min,
    /// The positive part. Of one column of numbers.
    Relu,
    /// The absolute value. Of one column of numbers.
    Abs,
    /// 1 where a > b. Of integers.
    Greater,
    /// 1 where a >= b. Of integers.
    GreaterEqual,
    /// 1 where a = b. Of integers.
    Equal,
}

/// What the columns hold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Domain {
    /// Numbers in [0, 1] ([-1, 1] in a single column); the sign is right from this distance on.
    Numbers {
        /// The gap.
        epsilon: f64,
    },
    /// Integers from 0 to 2^bits - 1.
    Integers {
        /// How many bits.
        bits: u32,
    },
}

/// What is proved of the sign and bounded of the noise, for one set of parameters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// |s(x) - sgn x| from the gap on, with the noise of every stage and of the input.
    pub sign: f64,
    /// max |x| |s(x) - sgn x| / 2 over [-1, 1], with the same noise.
    pub weighted: f64,
    /// |s(x)| at x = 0, with the same noise; see [`crate::integers::tie`].
    pub tie: f64,
    /// What the noise of a result does not exceed in any slot, but with probability 2^-40.
    pub noise: f64,
    /// The same of the guard.
    pub guard: f64,
}

/// A function of columns by a sign. It serialises: whoever runs it needs the same one as whoever sealed and opens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Record", into = "Record")]
pub struct Slotwise {
    record: Record,
    circuit: Circuit,
    depth: u32,
}

/// The serialised form, which anyone may write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    function: Function,
    domain: Domain,
    stages: Vec<Polynomial>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    real_after: Option<usize>,
    proof: Proof,
}

#[derive(Debug, Clone, PartialEq)]
enum Circuit {
    Compare(Compare),
    Max(Max),
    Min(Min),
    Relu(Relu),
    Abs(Abs),
    Exact(Exact),
}

/// log2 of the degree of the guard.
pub const GUARD_LEVELS: u32 = 3;

impl TryFrom<Record> for Slotwise {
    type Error = Error;

    fn try_from(record: Record) -> Result<Self, Error> {
        record.domain.gap(record.function)?;
        let mut sign = Sign::new(record.stages.clone())?;
        if let Some(stage) = record.real_after {
            sign = sign.with_real_after(stage)?;
        }
        let (circuit, depth) = circuit(&record, &sign)?;
        if depth < GUARD_LEVELS {
            return Err(Error::OutOfLevels { op: "the guard", need: GUARD_LEVELS, have: depth });
        }
        Ok(Slotwise { record, circuit, depth })
    }
}

impl From<Slotwise> for Record {
    fn from(slotwise: Slotwise) -> Self {
        slotwise.record
    }
}

/// What is evaluated, and the levels that it takes.
fn circuit(record: &Record, sign: &Sign) -> Result<(Circuit, u32), Error> {
    let more = sign.depth() + 1;
    if let Domain::Integers { bits } = record.domain {
        let (integers, relation) = (Integers::new(bits)?, record.function.relation()?);
        let Proof { sign: error, weighted, tie, noise, .. } = record.proof;
        let bounds = Bounds { error: relation.error(error, weighted, tie), noise };
        let exact = Exact::new(integers, relation, sign, bounds)?;
        let depth = exact.depth();
        return Ok((Circuit::Exact(exact), depth));
    }
    if record.function == Function::Compare {
        // Beyond one half, 0 and 1 could not be told apart.
        Bounds { error: record.proof.sign / 2.0, noise: record.proof.noise }.check(1.0)?;
    }
    Ok(match record.function {
        Function::Compare => (Circuit::Compare(Compare::new(sign)?), sign.depth()),
        Function::Max => (Circuit::Max(Max::new(sign)?), more),
        Function::Min => (Circuit::Min(Min::new(sign)?), more),
        Function::Relu => (Circuit::Relu(Relu::new(sign)?), more),
        Function::Abs => (Circuit::Abs(Abs::new(sign)), more),
        Function::Greater | Function::GreaterEqual | Function::Equal => {
            return Err(Error::Unfit { function: record.function.name(), domain: "numbers" });
        }
    })
}

impl Function {
    /// Every function.
    pub const ALL: [Self; 8] = [
        Self::Compare,
        Self::Max,
        Self::Min,
        Self::Relu,
        Self::Abs,
        Self::Greater,
        Self::GreaterEqual,
        Self::Equal,
    ];

    /// The function of a name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.name() == name)
    }

    /// Its name in arguments and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Function::Compare => "compare",
            Function::Max => "max",
            Function::Min => "min",
            Function::Relu => "relu",
            Function::Abs => "abs",
            Function::Greater => "greater",
            Function::GreaterEqual => "greater-equal",
            Function::Equal => "equal",
        }
    }

    /// Columns that it takes.
    #[must_use]
    pub fn columns(self) -> usize {
        if matches!(self, Function::Relu | Function::Abs) { 1 } else { 2 }
    }

    /// Whether numbers have it: what only integers have is exact.
    #[must_use]
    pub fn is_of_numbers(self) -> bool {
        !matches!(self, Self::Greater | Self::GreaterEqual | Self::Equal)
    }

    /// The relation of integers.
    ///
    /// # Errors
    /// When it is a function of numbers alone.
    pub fn relation(self) -> Result<Relation, Error> {
        match self {
            Function::Greater => Ok(Relation::Greater),
            Function::GreaterEqual => Ok(Relation::GreaterEqual),
            Function::Equal => Ok(Relation::Equal),
            Function::Max => Ok(Relation::Max),
            Function::Min => Ok(Relation::Min),
            Function::Compare | Function::Relu | Function::Abs => {
                Err(Error::Unfit { function: self.name(), domain: "integers" })
            }
        }
    }
}

impl Domain {
    /// The distance from zero from which on the sign must be right.
    ///
    /// # Errors
    /// A function that the domain does not have, a gap outside (0, 1), or integers of no size that fits.
    pub fn gap(self, function: Function) -> Result<f64, Error> {
        match self {
            Domain::Numbers { .. } if !function.is_of_numbers() => {
                Err(Error::Unfit { function: function.name(), domain: "numbers" })
            }
            Domain::Numbers { epsilon } if epsilon > 0.0 && epsilon < 1.0 => Ok(epsilon),
            Domain::Numbers { epsilon } => Err(Error::Gap { epsilon }),
            Domain::Integers { bits } => Ok(function.relation()?.gap(Integers::new(bits)?)),
        }
    }
}

impl Slotwise {
    /// The function of columns of a domain by a sign of which this is proved.
    ///
    /// # Errors
    /// A function that the domain does not have, a gap outside (0, 1), a sign too shallow for the guard, or
    /// [`Error::NotExact`] when answers that are to be exact would not be.
    pub fn new(function: Function, domain: Domain, sign: &Sign, proof: Proof) -> Result<Self, Error> {
        let (stages, real_after) = (sign.stages().to_vec(), sign.real_after());
        Self::try_from(Record { function, domain, stages, real_after, proof })
    }

    /// The function.
    #[must_use]
    pub fn function(&self) -> Function {
        self.record.function
    }

    /// What the columns hold.
    #[must_use]
    pub fn domain(&self) -> Domain {
        self.record.domain
    }

    /// What is proved.
    #[must_use]
    pub fn proof(&self) -> Proof {
        self.record.proof
    }

    /// The polynomials of the sign.
    #[must_use]
    pub fn stages(&self) -> &[Polynomial] {
        &self.record.stages
    }

    /// The stage of the sign after which values are made real, if any: see [`Sign::with_real_after`].
    #[must_use]
    pub fn real_after(&self) -> Option<usize> {
        self.record.real_after
    }

    /// Levels that fresh columns need.
    #[must_use]
    pub fn depth(&self) -> u32 {
        self.depth
    }

    /// The most by which a result differs from the exact one, as it comes out.
    ///
    /// For comparisons of numbers this holds from the gap on, for all else everywhere.
    #[must_use]
    pub fn error(&self) -> f64 {
        let Proof { sign, weighted, noise, .. } = self.record.proof;
        match &self.circuit {
            Circuit::Compare(_) => sign / 2.0 + noise,
            Circuit::Max(_) | Circuit::Min(_) | Circuit::Relu(_) => weighted + noise,
            Circuit::Abs(_) => 2.0 * weighted + noise,
            Circuit::Exact(exact) => exact.bounds().error + exact.bounds().noise,
        }
    }

    /// The answer of hidden columns, without a guard: for columns that are known to be in the domain.
    ///
    /// Cost: [`Slotwise::depth`] levels, and the products of the sign.
    ///
    /// # Errors
    /// Another number of columns than the function takes, or whatever the operations refuse.
    pub fn answer<A: Arith>(&self, ops: &A, columns: &[A::Ct]) -> Result<A::Ct, Failure<A::Error>> {
        Ok(match (&self.circuit, columns) {
            (Circuit::Relu(relu), [x]) => relu.apply(ops, x)?,
            (Circuit::Abs(abs), [x]) => abs.apply(ops, x)?,
            (Circuit::Compare(compare), [a, b]) => compare.apply(ops, a, b)?,
            (Circuit::Max(max), [a, b]) => max.apply(ops, a, b)?,
            (Circuit::Min(min), [a, b]) => min.apply(ops, a, b)?,
            (Circuit::Exact(exact), [a, b]) => exact.apply(ops, a, b)?,
            (_, columns) => {
                return Err(Failure::Inputs { need: self.function().columns(), have: columns.len() });
            }
        })
    }

    /// The answer and the guard of hidden columns.
    ///
    /// Cost: [`Slotwise::depth`] levels, and three products at the lowest ones for the guard.
    ///
    /// # Errors
    /// As [`Slotwise::answer`].
    pub fn run<A: Arith>(&self, ops: &A, columns: &[A::Ct]) -> Result<[A::Ct; 2], Failure<A::Error>> {
        let answer = self.answer(ops, columns)?;
        let x = match (&self.circuit, columns) {
            (Circuit::Exact(exact), [a, b]) => exact.difference(ops, a, b)?,
            (_, [a, b]) => ops.sub(a, b)?,
            (_, columns) => columns.first().cloned().ok_or(Failure::Inputs { need: 1, have: 0 })?,
        };
        let mut guard = ops.lower(&x, self.depth - GUARD_LEVELS)?;
        for _ in 0..GUARD_LEVELS {
            let square = ops.mul(&guard, &guard)?;
            guard = ops.add_scalar(&ops.add(&square, &square)?, -1.0)?;
        }
        Ok([answer, guard])
    }

    /// Operations, levels and keys, found by running on nothing.
    ///
    /// # Errors
    /// When the tracer refuses, which it has no reason to.
    pub fn trace(&self) -> Result<Trace, Error> {
        let tracer = Tracer::unlimited(2)?;
        let columns = vec![tracer.input(); self.function().columns()];
        match self.run(&tracer, &columns) {
            Ok(results) => Ok(tracer.trace(&results)),
            Err(Failure::Operation(error)) => Err(error),
            Err(Failure::Inputs { need, have }) => Err(Error::WrongLength { need, have }),
        }
    }
}

//! What can be wrong with a table of costs.

use crate::cost::{FORMAT, Operation};

/// A table that cannot be read or used, or a question that it cannot answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is no table at all.
    #[error(
        "this is no table of costs, from line {line}, column {column} on ({reason}): make one with `arras calibrate`"
    )]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What the reader expected.
        reason: String,
    },
    /// A table of an older or newer format.
    #[error(
        "this table of costs has format {found}, this program reads {FORMAT}: make it again with `arras calibrate`"
    )]
    Format {
        /// Its format.
        found: u64,
    },
    /// A chain is listed twice.
    #[error(
        "the table of costs lists the chain of depth {depth} twice: make it again with `arras calibrate`"
    )]
    Twice {
        /// Its depth.
        depth: u32,
    },
    /// A chain without an operation.
    #[error(
        "the chain of depth {depth} has no costs of {operation}: measure it again with `arras calibrate --depths {depth}`"
    )]
    NoOperation {
        /// The chain.
        depth: u32,
        /// The operation.
        operation: Operation,
    },
    /// An operation without costs at some levels.
    #[error(
        "the chain of depth {depth} needs a cost of {operation} for each of its levels, and the number of costs is {have}: measure it again with `arras calibrate --depths {depth}`"
    )]
    MissingLevels {
        /// The chain.
        depth: u32,
        /// The operation.
        operation: Operation,
        /// How many costs there are.
        have: usize,
    },
    /// A cost that is negative, infinite or no number.
    #[error(
        "{operation} at level {level} of the chain of depth {depth} is said to take {value} ms: measure it again with `arras calibrate --depths {depth}`"
    )]
    BadCost {
        /// The chain.
        depth: u32,
        /// The level.
        level: u32,
        /// The operation.
        operation: Operation,
        /// The cost.
        value: f64,
    },
    /// A chain that was not measured.
    #[error(
        "the table of costs has no chain of depth {depth}, only {have}: measure it with `arras calibrate --depths {depth}`"
    )]
    NoChain {
        /// The depth asked for.
        depth: u32,
        /// The depths that there are, as ranges.
        have: String,
    },
    /// A level that the chain has not.
    #[error("level {level} does not exist in a chain of depth {depth}")]
    NoLevel {
        /// The level asked for.
        level: u32,
        /// The depth of the chain.
        depth: u32,
    },
    /// A table of another machine.
    #[error(
        "these costs were measured on another machine ({what} {table}, here {here}): measure this one with `arras calibrate`"
    )]
    OtherMachine {
        /// In what the machines differ.
        what: &'static str,
        /// What the table says.
        table: String,
        /// What this machine says.
        here: String,
    },
    /// A table of another ring.
    #[error(
        "these costs were measured for other parameters ({what} {table}, wanted {wanted}): measure these with `arras calibrate`"
    )]
    OtherRing {
        /// In what the parameters differ.
        what: &'static str,
        /// What the table says.
        table: u32,
        /// What is wanted.
        wanted: u32,
    },
    /// A chain whose digits or special primes are no longer those that are used.
    #[error(
        "the chain of depth {depth} was measured with other digits or special primes: measure it again with `arras calibrate --depths {depth}`"
    )]
    OtherChain {
        /// Its depth.
        depth: u32,
    },
    /// Levels run out where no refresh is allowed.
    #[error(
        "after point {from} (0 is the input) levels run out before the program meets a point ({need} needed, {have} left): mark a point in between, or use parameters with more levels"
    )]
    Stretch {
        /// The point, from 1; 0 is the input.
        from: usize,
        /// Levels needed.
        need: u32,
        /// Levels there are.
        have: u32,
    },
    /// Levels run out before a refresh can start.
    #[error(
        "from point {from} (0 is the input) to point {to} levels run out ({need} needed, with the {input} that a refresh starts from, {have} left): mark a point in between, or use parameters with more levels"
    )]
    TooFar {
        /// The point before, from 1; 0 is the input.
        from: usize,
        /// The point that cannot refresh.
        to: usize,
        /// Levels needed.
        need: u32,
        /// Those of them from which a refresh starts.
        input: u32,
        /// Levels there are.
        have: u32,
    },
    /// A cost of a refresh that is negative, infinite or no number.
    #[error("a refresh at point {point} is said to cost {value}: give a number that is not negative")]
    RefreshCost {
        /// The point, from 1.
        point: usize,
        /// The cost.
        value: f64,
    },
    /// A table of costs knows nothing of refreshes.
    #[error(
        "no table of costs has the time of refreshes, of which the trace holds {count}: say what a refresh does, or price the trace without them"
    )]
    Refreshes {
        /// How many.
        count: u64,
    },
    /// A line of published figures that cannot be read.
    #[error("line {line} of the published figures is no run: give its seven columns, and times above zero")]
    Figure {
        /// The line, from 1.
        line: usize,
    },
    /// A need without values.
    #[error("there is nothing to plan for: give at least 1 value")]
    NoValues,
    /// A price that is negative, zero, infinite or no number.
    #[error("a step of {method} is said to take {value} s: give a time above zero")]
    CandidateCost {
        /// The method.
        method: &'static str,
        /// The time.
        value: f64,
    },
    /// No way to do what is asked.
    #[error(
        "no method does what is asked with this number of {unit}, {values}: ask for fewer, or let answers be approximate"
    )]
    NoCandidate {
        /// How many there are.
        values: usize,
        /// Of what.
        unit: &'static str,
    },
    /// A width at which the baseline was not measured.
    #[error("bit-wise TFHE was not measured at {bits} bits: choose from 1 to {most}")]
    Bits {
        /// The width.
        bits: u32,
        /// The largest measured.
        most: u32,
    },
    /// A step that the recorded figures lack.
    #[error("the recorded figures have no {step} of {bits} bits: add the line that `arras bench tfhe` gives")]
    NoStep {
        /// The step.
        step: &'static str,
        /// Its bits.
        bits: u32,
    },
    /// A polynomial could not be made.
    #[error(transparent)]
    Polynomial(#[from] arras_approx::Error),
}

//! What can be wrong with a program over hidden vectors.

/// Misuse found by the clear and the traced reading, or when a circuit is built.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An operation needs more levels than its operand has left.
    #[error("too few levels for {op}: {need} needed, {have} left")]
    OutOfLevels {
        /// The operation.
        op: &'static str,
        /// Levels it consumes.
        need: u32,
        /// Levels the operand has.
        have: u32,
    },
    /// The number of slots is not a power of two.
    #[error("{slots} slots are not a power of two")]
    BadSlots {
        /// The number of slots.
        slots: usize,
    },
    /// A vector does not repeat evenly in the slots.
    #[error("a vector of {length} does not repeat in {slots} slots")]
    DoesNotRepeat {
        /// The length of the vector, or the period of the matrix.
        length: usize,
        /// The number of slots.
        slots: usize,
    },
    /// Two lengths that should be equal are not.
    #[error("the number of values is {have}, and must be {need}")]
    WrongLength {
        /// The length needed.
        need: usize,
        /// The length given.
        have: usize,
    },
    /// An entry is not a number or is infinite.
    #[error("entry {index} is {value}, which is not finite")]
    NotFinite {
        /// Which entry.
        index: usize,
        /// Its value.
        value: f64,
    },
    /// A soft-argmax over fewer than two classes.
    #[error("the number of classes is {classes}, and must be at least 2")]
    TooFewClasses {
        /// The number of classes.
        classes: usize,
    },
    /// A range or a tolerance that is not a positive number.
    #[error("the {what} is {value}, which is not a positive number")]
    NotPositive {
        /// What was given.
        what: &'static str,
        /// Its value.
        value: f64,
    },
    /// No combination of the degrees tried reaches the tolerance.
    #[error("the tolerance {tolerance} is out of reach on the range {range}")]
    OutOfReach {
        /// The tolerance asked for.
        tolerance: f64,
        /// The range of the inputs.
        range: f64,
    },
    /// A composition without polynomials.
    #[error("a sign needs at least one polynomial, and none is given")]
    NoStages,
    /// A polynomial that cannot be a stage of a sign.
    #[error(
        "polynomial {stage} of the sign is not odd on [-1, 1]: compose odd polynomials with their scalings folded in"
    )]
    BadStage {
        /// Which polynomial, from zero.
        stage: usize,
    },
    /// A real step where there is no stage after it.
    #[error("a sign cannot be made real after polynomial {stage} of {stages}: choose one before the last")]
    RealAfter {
        /// Which polynomial, from zero.
        stage: usize,
        /// How many there are.
        stages: usize,
    },
    /// Integers of no size that fits.
    #[error("{bits}-bit integers cannot be compared: use 1 to {most} bits")]
    Bits {
        /// Bits asked for.
        bits: u32,
        /// The most bits.
        most: u32,
    },
    /// A function of numbers asked of integers, or the other way round.
    #[error("{function} is no function of {domain}: choose another function, or columns of another kind")]
    Unfit {
        /// The function.
        function: &'static str,
        /// What it was asked of.
        domain: &'static str,
    },
    /// A gap that no two numbers can keep.
    #[error("a gap of {epsilon} is not between 0 and 1")]
    Gap {
        /// The gap.
        epsilon: f64,
    },
    /// A label that names no function and rows.
    #[error("the label of the sealed columns is damaged or of another kind: seal them again")]
    Label,
    /// Bytes that hold no function.
    #[error("these bytes hold no function of columns: give the file that was made for it")]
    Function,
    /// A result that would not be exact after rounding.
    #[error(
        "the result would not be exact: its error of {error:.3e} and its noise of {noise:.3e} must stay below 1/2 together, \
         so use polynomials with an error of at most {need:.3e}, or a larger scale if that is not positive"
    )]
    NotExact {
        /// The proved error, in units of the result.
        error: f64,
        /// The bound of the noise, in the same units.
        noise: f64,
        /// The error that would do.
        need: f64,
    },
    /// A program that passes more points than its schedule knows.
    #[error(
        "the program passes more points than its schedule has ({points}): make the schedule from a trace of this program"
    )]
    Unscheduled {
        /// Points of the schedule.
        points: usize,
    },
    /// A value that a program says it never holds.
    #[error("a value of {have} is larger than the {size} that the program states")]
    Larger {
        /// The most that was stated.
        size: f64,
        /// What came.
        have: f64,
    },
    /// Parameters of a map that it has not.
    #[error("the logistic map is followed for rates from {least} to {most}, and {rate} is given")]
    Rate {
        /// The rate.
        rate: f64,
        /// The least.
        least: f64,
        /// The largest.
        most: f64,
    },
    /// A polynomial could not be made.
    #[error(transparent)]
    Polynomial(#[from] arras_approx::Error),
}

/// A circuit did not run: the operations refused, or the number of inputs is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failure<E> {
    /// The operations refused.
    #[error(transparent)]
    Operation(#[from] E),
    /// The circuit takes another number of inputs.
    #[error("the number of inputs is {have}, and must be {need}")]
    Inputs {
        /// Inputs needed.
        need: usize,
        /// Inputs given.
        have: usize,
    },
}

/// Refuses a number of slots that is not a power of two.
pub(crate) fn check_slots(slots: usize) -> Result<(), Error> {
    if slots.is_power_of_two() { Ok(()) } else { Err(Error::BadSlots { slots }) }
}

/// Refuses a vector that does not repeat evenly in the slots.
pub(crate) fn check_repeats(length: usize, slots: usize) -> Result<(), Error> {
    if length > 0 && slots.is_multiple_of(length) {
        Ok(())
    } else {
        Err(Error::DoesNotRepeat { length, slots })
    }
}

/// Refuses terms and weights of different or no length.
pub(crate) fn check_terms(terms: usize, weights: usize) -> Result<(), Error> {
    if terms == weights && terms > 0 {
        Ok(())
    } else {
        Err(Error::WrongLength { need: terms.max(1), have: weights })
    }
}

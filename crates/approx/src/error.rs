//! What can be wrong with a polynomial, a fit or a certificate.

/// Misuse of this crate: every variant carries the numbers that do not fit.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A domain needs two finite ends, the lower one first.
    #[error("the domain [{lo}, {hi}] is empty, reversed or not finite")]
    BadDomain {
        /// The lower end as given.
        lo: f64,
        /// The upper end as given.
        hi: f64,
    },
    /// A polynomial without a coefficient.
    #[error("a polynomial needs at least one coefficient")]
    NoCoefficients,
    /// A coefficient that is not a number or is infinite.
    #[error("coefficient {index} is {value}, which is not finite")]
    BadCoefficient {
        /// Which coefficient.
        index: usize,
        /// Its value.
        value: f64,
    },
    /// A degree above the largest that is planned.
    #[error("the degree {degree} is above the largest degree {max}")]
    DegreeTooHigh {
        /// The degree asked for.
        degree: usize,
        /// The largest degree.
        max: usize,
    },
    /// The function returned something that is not finite.
    #[error("the function is {value} at {at}, which is not finite")]
    BadValue {
        /// Where it was evaluated.
        at: f64,
        /// What it returned.
        value: f64,
    },
    /// A clamped tail needs a length and a weight that are finite and not negative.
    #[error("a tail of length {length} with weight {weight} is not usable")]
    BadTail {
        /// The length of the tail.
        length: f64,
        /// The weight of the tail.
        weight: f64,
    },
    /// The target is undefined somewhere on the domain.
    #[error("the target is not defined on all of [{lo}, {hi}]")]
    TargetUndefined {
        /// The lower end of the domain.
        lo: f64,
        /// The upper end of the domain.
        hi: f64,
    },
    /// A certificate was asked for outside the domain of the polynomial.
    #[error("[{lo}, {hi}] is not inside the domain of the polynomial")]
    OutsideDomain {
        /// The lower end asked for.
        lo: f64,
        /// The upper end asked for.
        hi: f64,
    },
    /// An approximation of the sign needs a positive interval.
    #[error("the sign has no best approximation on [{lo}, {hi}]: it needs 0 < lo < hi, both finite")]
    BadGap {
        /// The lower end as given.
        lo: f64,
        /// The upper end as given.
        hi: f64,
    },
    /// A half-width around one outside (0, 1).
    #[error("tau is {tau}, and must lie between 0 and 1, without the ends")]
    BadTau {
        /// Half of the width.
        tau: f64,
    },
    /// A best approximation of an odd function has odd degree.
    #[error("the degree {degree} is even: the best approximation of the sign has an odd one, so ask for {}", degree + 1)]
    EvenDegree {
        /// The degree asked for.
        degree: usize,
    },
    /// A basis needs a positive scale.
    #[error("the scaling {scaling} of a basis must be positive and finite")]
    BadScaling {
        /// The scaling as given.
        scaling: f64,
    },
    /// A polynomial that takes too many digits.
    #[error(
        "the polynomial takes {bits} bits, and {max} are the most: ask for a wider interval, a smaller degree or a scaling near its end"
    )]
    TooPrecise {
        /// The bits that are needed.
        bits: u32,
        /// The most that are allowed.
        max: u32,
    },
    /// The exchange ended without an alternation.
    #[error(
        "the errors of the polynomial of degree {degree} differ by a fraction of {excess:e} at its extrema, so it is not the best"
    )]
    NotLevelled {
        /// The degree.
        degree: usize,
        /// By what fraction the largest error exceeds the level.
        excess: f64,
    },
    /// The input of a composition strays by as much as its gap.
    #[error(
        "inputs that stray by {margin:.3e} leave nothing of a gap of {epsilon:.3e}; widen the gap or the precision"
    )]
    InputMargin {
        /// How far an input may stray.
        margin: f64,
        /// The gap.
        epsilon: f64,
    },
    /// A margin that is negative or not finite.
    #[error("the margin {margin} of stage {stage} is negative or not finite")]
    BadMargin {
        /// The number of the stage, from zero.
        stage: usize,
        /// Its margin.
        margin: f64,
    },
    /// A composition without a polynomial.
    #[error("a composition needs at least one stage")]
    NoStages,
    /// After a stage the values of the two signs overlap, or leave the box of the next.
    #[error(
        "stage {stage} leaves values in [{lo}, {hi}], which tell no sign; take more degrees or smaller margins"
    )]
    StageTooWide {
        /// The number of the stage, from zero.
        stage: usize,
        /// The lower end of the positive values.
        lo: f64,
        /// Their upper end.
        hi: f64,
    },
    /// A polynomial of a composition that is not known to increase up to its domain.
    #[error("the polynomial of stage {stage} is not proved to increase from 0 to {hi}")]
    NotIncreasing {
        /// The number of the stage, from zero.
        stage: usize,
        /// The lower end of its domain.
        hi: f64,
    },
    /// A certificate whose stage is malformed, or has a larger range than it claims.
    #[error("the certificate claims of stage {stage} what is not so")]
    BadStage {
        /// The number of the stage, from zero.
        stage: usize,
    },
    /// A certificate with a claim that cannot be proved.
    #[error("the certificate claims a bound of {claimed}, but only {proved} can be proved")]
    ClaimTooSmall {
        /// What it claims.
        claimed: f64,
        /// What is proved.
        proved: f64,
    },
    /// A file that does not begin like a table of errors.
    #[error("line {line} is not that of a table of best errors on this grid: it belongs to another file")]
    OtherTable {
        /// The first line that differs, from one.
        line: usize,
    },
    /// A row of a table that cannot be read.
    #[error("line {line} of the table is broken: {what}")]
    BrokenTable {
        /// The line, from one.
        line: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// An error of a sign that is not between 0 and 1.
    #[error("the error {error} is not between 0 and 1")]
    BadError {
        /// The error asked for.
        error: f64,
    },
    /// A precision of the output that is out of range.
    #[error("alpha is {alpha}, and must be above 1 and at most {max}")]
    BadAlpha {
        /// The precision asked for.
        alpha: f64,
        /// The largest one.
        max: f64,
    },
    /// A gap between inputs that is out of range.
    #[error("epsilon is {epsilon:e}, and must be at least 2^{log2_min} and below 1")]
    BadEpsilon {
        /// The gap asked for.
        epsilon: f64,
        /// log2 of the smallest one.
        log2_min: f64,
    },
    /// A factor of max and ReLU that is no positive number.
    #[error("zeta {zeta} is not a positive number")]
    BadZeta {
        /// The factor asked for.
        zeta: f64,
    },
    /// A largest degree of a composition that is even or out of range.
    #[error("the largest degree {degree} is not an odd number from 3 to {max}")]
    BadMaxDegree {
        /// The degree asked for.
        degree: usize,
        /// The largest one allowed.
        max: usize,
    },
    /// A margin that leaves no room for the error.
    #[error(
        "the margin is {margin:e}, and must be at least 0 and below {max:e}, the error that is allowed in all"
    )]
    MarginTooLarge {
        /// The margin asked for.
        margin: f64,
        /// The error allowed, which it must stay below.
        max: f64,
    },
    /// No composition within so many levels.
    #[error(
        "no composition reaches the goal within depth {depth}{}",
        least.map_or_else(String::new, |n| format!("; depth {n} would do"))
    )]
    DepthTooSmall {
        /// The levels given.
        depth: u32,
        /// The fewest that would do, if they are known.
        least: Option<u32>,
    },
    /// More levels than are searched.
    #[error("the depth {depth} is above {max}, the most that is searched")]
    DepthTooLarge {
        /// The levels given.
        depth: u32,
        /// The most that are searched.
        max: u32,
    },
    /// A cost that cannot be added up.
    #[error("the cost {cost} of degree {degree} at level {level} is not a positive number")]
    BadCost {
        /// The degree of the polynomial.
        degree: usize,
        /// The level of its input.
        level: u32,
        /// Its cost as given.
        cost: f64,
    },
    /// A union of intervals that are not disjoint.
    #[error("one interval ends at {end} and the next begins at {begin}: they must be apart")]
    Overlap {
        /// The upper end of one.
        end: f64,
        /// The lower end of the next.
        begin: f64,
    },
    /// A union of no interval.
    #[error("a domain needs at least one interval")]
    NoInterval,
    /// A domain with negative numbers for a polynomial that is known by its values on positive ones.
    #[error(
        "the domain begins at {lo}, but an odd or even polynomial is sought on numbers that are not negative"
    )]
    NotPositive {
        /// The lower end of the domain.
        lo: f64,
    },
}

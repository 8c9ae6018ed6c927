//! What can go wrong in approximate arithmetic.

use arras_rlwe::Level;

/// Misuse, or values that do not fit.
#[derive(Debug, thiserror::Error, Clone, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// Keys, parameters, levels of the layer below.
    #[error(transparent)]
    Rlwe(#[from] arras_rlwe::Error),
    /// Not enough levels for an operation.
    #[error(
        "too few levels for {op}: {need} needed, {have} left; choose parameters with more levels, or refresh first"
    )]
    OutOfLevels {
        /// The operation.
        op: &'static str,
        /// Levels it takes.
        need: u32,
        /// Levels there are.
        have: Level,
    },
    /// A vector longer than the slots.
    #[error("{values} values do not fit {slots} slots")]
    TooManyValues {
        /// Values given.
        values: usize,
        /// Slots there are.
        slots: usize,
    },
    /// Slots are a power of two, at most N/2.
    #[error("{slots} slots are not possible; use a power of two up to {most}")]
    Slots {
        /// Slots asked for.
        slots: usize,
        /// N/2.
        most: usize,
    },
    /// Two ciphertexts packed differently.
    #[error(
        "a ciphertext of {left} slots cannot meet one of {right} slots; encode both with the same number of slots"
    )]
    SlotMismatch {
        /// Slots of the first.
        left: usize,
        /// Slots of the second.
        right: usize,
    },
    /// A value that is not a number, or too large for the modulus.
    #[error(
        "value {value} at position {position} does not fit: at this level values must be finite and below 2^{most_log2}"
    )]
    Value {
        /// Where.
        position: usize,
        /// The value.
        value: f64,
        /// log2 of the limit.
        most_log2: i32,
    },
    /// Two products at different levels: adding them would need a level.
    #[error("products at levels {left} and {right} cannot be added before they are rescaled")]
    ProductLevels {
        /// Level of the first.
        left: Level,
        /// Level of the second.
        right: Level,
    },
    /// No parameter set does what was wanted.
    #[error(
        "no parameters give {depth} levels of {precision} bits at {security}-bit security; the most is {most_depth} levels (N = 2^17)"
    )]
    NoParameters {
        /// Levels wanted.
        depth: u32,
        /// Bits of precision wanted.
        precision: u32,
        /// Security wanted.
        security: u32,
        /// What would do.
        most_depth: u32,
    },
    /// A wish out of range.
    #[error("{what} of {value} is out of range; use {least} to {most}")]
    Range {
        /// Which number.
        what: &'static str,
        /// Its value.
        value: u64,
        /// The smallest allowed.
        least: u64,
        /// The largest allowed.
        most: u64,
    },
    /// The polynomial of a refresh cannot be made.
    #[error("the exponential of a refresh cannot have degree {degree}; use an odd degree from 3 to 255")]
    BootDegree {
        /// The degree asked for.
        degree: usize,
    },
    /// The matrices of a refresh need a stage each.
    #[error("{slots}-slot vectors are too short for this refresh; use at least {least} slots")]
    BootSlots {
        /// Slots of the vector.
        slots: usize,
        /// The least.
        least: usize,
    },
    /// The parameters have no levels for this refresh, or another number of them.
    #[error(
        "this refresh needs {need} levels of its own, the parameters have {have}; build the parameters from the same specification"
    )]
    BootChain {
        /// Levels that the refresh takes.
        need: u32,
        /// Levels that the parameters set aside.
        have: u32,
    },
    /// A refresh that changed what it should not have. Slots are counted from 1.
    #[error(
        "a refresh changed slot {first} and {} more: a value was outside [-1, 1] there, or the ciphertext is damaged; do not use \
         the result; seal the data and run again, and if a program of your own does this again, scale its values at points down", slots - 1
    )]
    LeftBox {
        /// The first such slot, from one.
        first: usize,
        /// How many there are.
        slots: usize,
    },
    /// The caller asked to stop.
    #[error("the refresh was stopped, and there is no result")]
    Stopped,
    /// A chain whose scales drift apart.
    #[error(
        "the scale of level {level} would be 2^{scale_log2:.1}, that of the top 2^{top_log2:.1}; choose the primes of every level so that scales stay within a bit of the top one"
    )]
    Scales {
        /// The first such level from the bottom.
        level: usize,
        /// log2 of its scale.
        scale_log2: f64,
        /// log2 of the scale of the top level.
        top_log2: f64,
    },
    /// A scheme without levels.
    #[error("a CKKS parameter set needs at least one level, since the top level fixes the scale")]
    NoLevels,
}

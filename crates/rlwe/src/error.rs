//! What can go wrong below any scheme: parameters, keys, and their misuse. Hostile bytes are `wire::Error`.

use crate::level::Level;

/// A parameter set that is refused, or keys and ciphertexts used wrongly.
#[derive(Debug, thiserror::Error, Clone, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// The ring itself cannot be built.
    #[error(transparent)]
    Ring(#[from] arras_ring::Error),
    /// The modulus is too large for the ring degree.
    #[error(
        "log2 QP = {log2_qp:.1} exceeds {limit}, the most that N = 2^{log_degree} allows at {bits}-bit security; {advice}"
    )]
    Insecure {
        /// log2 N.
        log_degree: u32,
        /// log2 of the product of all primes.
        log2_qp: f64,
        /// The largest allowed.
        limit: u32,
        /// The security wanted.
        bits: u32,
        /// What would do.
        advice: Advice,
    },
    /// No limit is known for these parameters.
    #[error(
        "no security limit is known for N = 2^{log_degree} at {bits} bits with {secret}; use N from 2^10 to 2^17 and a dense ternary secret"
    )]
    NoLimit {
        /// log2 N.
        log_degree: u32,
        /// The security wanted.
        bits: u32,
        /// The secret distribution.
        secret: crate::spec::Secret,
    },
    /// A level holds one or two primes, the base at least one.
    #[error(
        "level {level} of the modulus chain has {primes} primes; a level has one or two, the base one to three"
    )]
    Chain {
        /// Which level; 0 is the base.
        level: usize,
        /// How many primes it was given.
        primes: usize,
    },
    /// Too many levels.
    #[error("the modulus chain has {levels} levels; the most is {most}")]
    Levels {
        /// Levels given.
        levels: usize,
        /// The most possible.
        most: usize,
    },
    /// A sparse secret has at least one nonzero coefficient, and at most N.
    #[error(
        "a sparse secret of weight {weight} is not possible for N = 2^{log_degree}; use a weight from 1 to N"
    )]
    Weight {
        /// The weight given.
        weight: u32,
        /// log2 N.
        log_degree: u32,
    },
    /// The ephemeral secret of a refresh lives under too large a modulus.
    #[error(
        "an ephemeral secret of weight {weight} would live under {log2_qp:.1} bits, more than the {limit} that N = 2^{log_degree} allows; use a smaller base or smaller special primes"
    )]
    Ephemeral {
        /// Its nonzero coefficients.
        weight: u32,
        /// log2 N.
        log_degree: u32,
        /// log2 of the base and of the special primes beside it.
        log2_qp: f64,
        /// The largest allowed.
        limit: u32,
    },
    /// A refresh needs a base of one prime, levels of its own, and levels to give.
    #[error(
        "a refresh is not possible with these levels ({levels} of {of}) and a {base}-prime base; give it a base of one prime, at least one level, and leave at least one"
    )]
    Refresh {
        /// Levels that only the refresh uses.
        levels: u32,
        /// Levels in all.
        of: usize,
        /// Primes of the base.
        base: usize,
    },
    /// The two keys around a raise hold one ephemeral secret, which nobody keeps.
    #[error(
        "the keys to and from the sparse secret are made together; request both, with parameters for a refresh"
    )]
    HalfRaise,
    /// Rotations are by 1 to N/2 - 1 slots.
    #[error("there is no key for a rotation by {by}; request rotations by 1 to {most}")]
    NoSuchRotation {
        /// The rotation asked for.
        by: u32,
        /// The largest possible.
        most: u32,
    },
    /// Key switching needs special primes at least as large as a digit.
    #[error(
        "the special primes have {special:.1} bits, and a key-switching digit has {digit:.1} (limbs: {limbs}); add special primes or make digits shorter"
    )]
    Digits {
        /// log2 P.
        special: f64,
        /// log2 of the largest digit.
        digit: f64,
        /// Primes in a digit.
        limbs: usize,
    },
    /// The operation needs a key that the key set lacks.
    #[error("no evaluation key for {by}; generate the keys again with a request that names it")]
    MissingKey {
        /// What the key would do.
        by: crate::request::Purpose,
    },
    /// The key was trimmed to a lower level than the ciphertext has.
    #[error(
        "the evaluation key for {by} reaches level {have}, the ciphertext is at level {need}; request the key at level {need}"
    )]
    KeyLevel {
        /// What the key does.
        by: crate::request::Purpose,
        /// The highest level of the key.
        have: Level,
        /// The level of the operand.
        need: Level,
    },
    /// The file of the keys does not give the key that its index promised.
    #[error("the evaluation key for {by} cannot be used: {source}")]
    KeyFile {
        /// What the key would do.
        by: crate::request::Purpose,
        /// What is wrong with the file.
        source: crate::wire::Error,
    },
    /// Two objects of different parameter sets met.
    #[error(
        "the {what} belongs to parameter set {found}, not to {expected}; use keys and files made with the same parameters"
    )]
    ForeignParams {
        /// What was given.
        what: &'static str,
        /// Its parameter set.
        found: crate::params::ParamsId,
        /// The parameter set in use.
        expected: crate::params::ParamsId,
    },
    /// A level above the top of the chain.
    #[error("level {level} does not exist; the highest is {highest}")]
    NoSuchLevel {
        /// The level given.
        level: Level,
        /// The highest level.
        highest: Level,
    },
}

/// What would make a refused parameter set secure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// A larger ring.
    Degree(u32),
    /// Only fewer levels.
    FewerLevels,
}

impl std::fmt::Display for Advice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Degree(log) => write!(f, "use N = 2^{log}, or fewer or smaller levels"),
            Self::FewerLevels => f.write_str("use fewer or smaller levels: no larger ring is supported"),
        }
    }
}

//! What can go wrong when a ring is built.

/// A ring that cannot be built, or memory that cannot be had.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A modulus must be an odd prime below 2^50.
    #[error("{value} is not a prime below 2^50")]
    NotAPrime {
        /// The number given.
        value: u64,
    },
    /// X^N + 1 must split modulo the prime.
    #[error("the prime {value} is not 1 modulo {twice_degree}, so X^N + 1 does not split")]
    DoesNotSplit {
        /// The prime.
        value: u64,
        /// 2N.
        twice_degree: u64,
    },
    /// N must be a power of two between 16 and 2^17.
    #[error("the ring degree {degree} is not a power of two between 16 and 131072")]
    Degree {
        /// The degree given.
        degree: usize,
    },
    /// The same prime was given twice.
    #[error("the prime {value} appears twice in the modulus chain")]
    Repeated {
        /// The prime.
        value: u64,
    },
    /// A forced kernel does not exist or does not run here.
    #[error("the kernel `{name}` is not available on this processor; available: {available}")]
    Kernel {
        /// What was asked for.
        name: String,
        /// What there is.
        available: String,
    },
}

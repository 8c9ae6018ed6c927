//! Parameters as plain data: anyone may write them, `Params::new` judges them.

use serde::{Deserialize, Serialize};

/// Where the secret key is drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Secret {
    /// Every coefficient uniform in {-1, 0, 1}.
    Ternary,
    /// Exactly this many nonzero coefficients; needs a smaller modulus for the same security.
    Sparse {
        /// Nonzero coefficients.
        weight: u32,
    },
}

/// Security wanted, in bits, against classical attacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Security {
    /// 128 bits.
    #[default]
    Bits128,
    /// 192 bits.
    Bits192,
    /// 256 bits.
    Bits256,
}

/// A parameter set: ring degree, modulus chain, special primes, digits, secret.
///
/// The modulus at level l is the product of the base and of the first l levels.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Spec {
    /// log2 N.
    pub log_degree: u32,
    /// The primes that are never dropped: one to three.
    pub base: Vec<u64>,
    /// The primes of each level, lowest first: one, or two for a scale above 50 bits.
    pub levels: Vec<Vec<u64>>,
    /// The special primes of key switching.
    pub special: Vec<u64>,
    /// Primes of the chain in one key-switching digit.
    pub digit: usize,
    /// Where the secret is drawn from.
    pub secret: Secret,
    /// The security that must hold.
    pub security: Security,
    /// Set when the chain has levels for a refresh.
    pub refresh: Option<Refresh>,
}

/// What a refresh (bootstrap) takes of a parameter set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Refresh {
    /// Levels at the top of the chain that only the refresh itself uses: no ciphertext of a user is ever there.
    pub levels: u32,
    /// Nonzero coefficients of the ephemeral secret, which lives at the base modulus alone.
    pub weight: u32,
}

impl Security {
    /// The number of bits.
    pub const fn bits(self) -> u32 {
        match self {
            Self::Bits128 => 128,
            Self::Bits192 => 192,
            Self::Bits256 => 256,
        }
    }

    /// 128, 192 or 256; nothing else.
    pub const fn from_bits(bits: u32) -> Option<Self> {
        match bits {
            128 => Some(Self::Bits128),
            192 => Some(Self::Bits192),
            256 => Some(Self::Bits256),
            _ => None,
        }
    }
}

impl std::fmt::Display for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ternary => f.write_str("a dense ternary secret"),
            Self::Sparse { weight } => write!(f, "a sparse secret of weight {weight}"),
        }
    }
}

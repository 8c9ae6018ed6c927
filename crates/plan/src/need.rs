//! What a planner is asked.

use serde::Serialize;

use crate::sok::Work;

/// What shall be small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Aim {
    /// The time until all values are done.
    Latency,
    /// The time of a value, where values never end.
    Throughput,
}

/// A task, without its data.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Need {
    /// What is computed.
    pub work: Work,
    /// Bits of the integers.
    pub bits: u32,
    /// How many [units](Work::unit) there are.
    pub values: usize,
    /// Whether every integer has to be right, ties included.
    pub exact: bool,
    /// What shall be small.
    pub aim: Aim,
}

impl Work {
    /// What the values of a need are.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::W1 | Self::W2 | Self::W3 => "values",
            Self::Paths => "nodes",
            Self::Tree => "samples",
            Self::Sort => "elements",
            Self::Sql => "rows",
        }
    }
}

impl Serialize for Work {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

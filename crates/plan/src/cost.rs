//! A table of what each operation costs on one machine.
//!
//! # The file
//!
//! JSON: `format` (1), the `machine`, the `ring`, and the `chains`, each with its depth L and, in `milliseconds`, one list
//! for each operation, whose entry i is the time at level i + 1. All L levels are there. The operations are those of
//! [`arras_circuits::Op`] as an engine does them: a relinearisation and a rescale, for one, are a single division.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The format that this program writes and reads.
pub const FORMAT: u64 = 1;

/// What was timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Two ciphertexts, without relinearisation.
    Product,
    /// The sum of two ciphertexts.
    Add,
    /// Relinearisation and rescale in one division, as every product ends.
    RelineariseRescale,
    /// Relinearisation on its own.
    Relinearise,
    /// The division by the modulus of the level.
    Rescale,
    /// One term of a sum of ciphertexts by public numbers.
    ScalarProduct,
    /// A ciphertext by a public vector.
    PlainProduct,
    /// A rotation on its own.
    Rotate,
    /// The decomposition that the rotations of one ciphertext share.
    Hoist,
    /// A rotation of a ciphertext already decomposed.
    HoistedRotate,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 10] = [
        Self::Product,
        Self::Add,
        Self::RelineariseRescale,
        Self::Relinearise,
        Self::Rescale,
        Self::ScalarProduct,
        Self::PlainProduct,
        Self::Rotate,
        Self::Hoist,
        Self::HoistedRotate,
    ];

    /// Its name in the file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Add => "add",
            Self::RelineariseRescale => "relinearise_rescale",
            Self::Relinearise => "relinearise",
            Self::Rescale => "rescale",
            Self::ScalarProduct => "scalar_product",
            Self::PlainProduct => "plain_product",
            Self::Rotate => "rotate",
            Self::Hoist => "hoist",
            Self::HoistedRotate => "hoisted_rotate",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What times belong to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The processor, as it names itself.
    pub cpu: String,
    /// The vector kernels in use.
    pub kernel: String,
    /// Threads in use. Times are CPU time of one thread, and elapsed time of more.
    pub threads: u32,
}

/// What all chains of a table have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ring {
    /// log2 N.
    pub log_degree: u32,
    /// Bits of the base modulus.
    pub base_bits: u32,
    /// Bits of the scale.
    pub scale_bits: u32,
    /// Bits of security; 0 says that there is none (a toy).
    pub security: u32,
}

/// One chain of moduli, and what each operation costs at each of its levels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chain {
    depth: u32,
    digits: u32,
    special_primes: u32,
    log2_qp: f64,
    milliseconds: BTreeMap<Operation, Vec<f64>>,
}

impl Chain {
    /// A chain of `depth` levels; `milliseconds` holds a cost for each operation at each level, level 1 first.
    ///
    /// # Errors
    /// An operation or a level that is missing, or a cost that is no time.
    pub fn new(
        depth: u32,
        digits: u32,
        special_primes: u32,
        log2_qp: f64,
        milliseconds: BTreeMap<Operation, Vec<f64>>,
    ) -> Result<Self, Error> {
        let chain = Self { depth, digits, special_primes, log2_qp, milliseconds };
        chain.check()?;
        Ok(chain)
    }

    fn check(&self) -> Result<(), Error> {
        let depth = self.depth;
        for operation in Operation::ALL {
            let costs = self.milliseconds.get(&operation).ok_or(Error::NoOperation { depth, operation })?;
            if costs.len() != depth as usize {
                return Err(Error::MissingLevels { depth, operation, have: costs.len() });
            }
            for (level, &value) in (1..).zip(costs) {
                if !(value >= 0.0 && value.is_finite()) {
                    return Err(Error::BadCost { depth, level, operation, value });
                }
            }
        }
        Ok(())
    }

    /// Levels: the level of a fresh ciphertext.
    #[must_use]
    pub fn depth(&self) -> u32 {
        self.depth
    }

    /// Digits of key switching at the top.
    #[must_use]
    pub fn digits(&self) -> u32 {
        self.digits
    }

    /// Special primes of key switching at the top.
    #[must_use]
    pub fn special_primes(&self) -> u32 {
        self.special_primes
    }

    /// log2 of the whole modulus, special primes included.
    #[must_use]
    pub fn log2_qp(&self) -> f64 {
        self.log2_qp
    }

    /// Milliseconds of an operation at a level.
    ///
    /// # Errors
    /// A level above the depth, or level 0, where nothing is left to do.
    pub fn cost(&self, operation: Operation, level: u32) -> Result<f64, Error> {
        let missing = Error::NoLevel { level, depth: self.depth };
        let index = level.checked_sub(1).ok_or_else(|| missing.clone())?;
        let costs = self.milliseconds.get(&operation);
        costs.and_then(|costs| costs.get(index as usize)).copied().ok_or(missing)
    }

    /// With the costs of further levels by a model of a longer chain, which is brought to meet each cost at the last level of this.
    ///
    /// # Errors
    /// A model of a shorter chain.
    pub fn extended(&self, model: &Self) -> Result<Self, Error> {
        let mut longer = Self { milliseconds: BTreeMap::new(), ..model.clone() };
        for (&operation, costs) in &self.milliseconds {
            let factor = self.cost(operation, self.depth)? / model.cost(operation, self.depth)?;
            let above =
                (self.depth + 1..=model.depth).map(|level| Ok(factor * model.cost(operation, level)?));
            let all = costs.iter().map(|&cost| Ok(cost)).chain(above).collect::<Result<_, Error>>()?;
            longer.milliseconds.insert(operation, all);
        }
        longer.check()?;
        Ok(longer)
    }

    /// Refuses costs of a chain that is built in another way by now.
    ///
    /// # Errors
    /// Other digits or special primes.
    pub fn check_shape(&self, digits: u32, special_primes: u32) -> Result<(), Error> {
        if (self.digits, self.special_primes) == (digits, special_primes) {
            Ok(())
        } else {
            Err(Error::OtherChain { depth: self.depth })
        }
    }
}

/// What operations cost on a machine, for chains of several depths.
#[derive(Debug, Clone, PartialEq)]
pub struct CostTable {
    machine: Machine,
    ring: Ring,
    chains: BTreeMap<u32, Chain>,
}

/// The table as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "format")]
    _format: u64,
    machine: Machine,
    ring: Ring,
    chains: Vec<Chain>,
}

/// The part of a table that every format has.
#[derive(Deserialize)]
struct Header {
    format: u64,
}

impl CostTable {
    /// A table without chains.
    #[must_use]
    pub fn new(machine: Machine, ring: Ring) -> Self {
        Self { machine, ring, chains: BTreeMap::new() }
    }

    /// Reads what [`format`](Self::format) writes.
    ///
    /// # Errors
    /// A text that is no such table, or has another format, or lacks a level, or holds a cost that is no time.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let syntax = |error: serde_json::Error| {
            let reason = error.to_string();
            let reason = reason.split(" at line ").next().unwrap_or_default().to_owned();
            Error::Syntax { line: error.line(), column: error.column(), reason }
        };
        let header: Header = serde_json::from_str(text).map_err(syntax)?;
        if header.format != FORMAT {
            return Err(Error::Format { found: header.format });
        }
        let file: File = serde_json::from_str(text).map_err(syntax)?;
        let mut table = Self::new(file.machine, file.ring);
        for chain in file.chains {
            chain.check()?;
            let depth = chain.depth;
            if table.insert(chain).is_some() {
                return Err(Error::Twice { depth });
            }
        }
        Ok(table)
    }

    /// The table as text: one line for each operation of a chain.
    #[must_use]
    pub fn format(&self) -> String {
        let number = |x: &f64| json(x);
        let chains: Vec<String> = self
            .chains
            .values()
            .map(|chain| {
                let rows: Vec<String> = chain
                    .milliseconds
                    .iter()
                    .map(|(operation, costs)| {
                        let costs: Vec<String> = costs.iter().map(number).collect();
                        format!("        \"{operation}\": [{}]", costs.join(", "))
                    })
                    .collect();
                format!(
                    "    {{\n      \"depth\": {},\n      \"digits\": {},\n      \"special_primes\": {},\n      \
                     \"log2_qp\": {},\n      \"milliseconds\": {{\n{}\n      }}\n    }}",
                    chain.depth,
                    chain.digits,
                    chain.special_primes,
                    number(&chain.log2_qp),
                    rows.join(",\n"),
                )
            })
            .collect();
        let list =
            if chains.is_empty() { "[]".to_owned() } else { format!("[\n{}\n  ]", chains.join(",\n")) };
        format!(
            "{{\n  \"format\": {FORMAT},\n  \"machine\": {},\n  \"ring\": {},\n  \"chains\": {list}\n}}\n",
            json(&self.machine),
            json(&self.ring),
        )
    }

    /// The machine.
    #[must_use]
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// What its chains have in common.
    #[must_use]
    pub fn ring(&self) -> Ring {
        self.ring
    }

    /// The depths of its chains, in order.
    pub fn depths(&self) -> impl Iterator<Item = u32> {
        self.chains.keys().copied()
    }

    /// The chain of a depth.
    ///
    /// # Errors
    /// It was not measured.
    pub fn chain(&self, depth: u32) -> Result<&Chain, Error> {
        self.chains.get(&depth).ok_or_else(|| Error::NoChain { depth, have: ranges(self.depths()) })
    }

    /// Adds a chain, and returns the one of the same depth that it replaces.
    pub fn insert(&mut self, chain: Chain) -> Option<Chain> {
        self.chains.insert(chain.depth, chain)
    }

    /// Refuses costs of another machine.
    ///
    /// # Errors
    /// Another processor, other kernels, or another number of threads.
    pub fn check_machine(&self, here: &Machine) -> Result<(), Error> {
        let pairs = [
            ("the processor", self.machine.cpu.clone(), here.cpu.clone()),
            ("the kernels", self.machine.kernel.clone(), here.kernel.clone()),
            ("the threads", self.machine.threads.to_string(), here.threads.to_string()),
        ];
        match pairs.into_iter().find(|(_, table, here)| table != here) {
            Some((what, table, here)) => Err(Error::OtherMachine { what, table, here }),
            None => Ok(()),
        }
    }

    /// Refuses costs of other parameters.
    ///
    /// # Errors
    /// Another ring degree, base, scale or security.
    pub fn check_ring(&self, wanted: &Ring) -> Result<(), Error> {
        let pairs = [
            ("log2 N", self.ring.log_degree, wanted.log_degree),
            ("bits of the base", self.ring.base_bits, wanted.base_bits),
            ("bits of the scale", self.ring.scale_bits, wanted.scale_bits),
            ("bits of security", self.ring.security, wanted.security),
        ];
        match pairs.into_iter().find(|(_, table, wanted)| table != wanted) {
            Some((what, table, wanted)) => Err(Error::OtherRing { what, table, wanted }),
            None => Ok(()),
        }
    }
}

/// A value that serde_json writes without fail: numbers that are not finite become null.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

/// Increasing numbers as ranges: `3-5, 11`.
fn ranges(numbers: impl Iterator<Item = u32>) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let run = |&(first, last): &(u32, u32)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    if runs.is_empty() { "none".to_owned() } else { runs.iter().map(run).collect::<Vec<_>>().join(", ") }
}

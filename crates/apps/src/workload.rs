//! The three workloads of mixed operations: a product before, after, or around a comparison, in every slot.
//!
//! Reference: the systematisation of general computation under homomorphic encryption whose workloads these are (section 6).

use arras_circuits::{Compare, Points, Rotate, Sign};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::program::{Input, Need, Output, Program};

/// Which operations, in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A * B > C: 1 or 0. C has twice the bits.
    W1,
    /// (A > B) * C.
    W2,
    /// (A * B > C) * D. C has twice the bits.
    W3,
}

/// One of the workloads on columns of integers, a row in each slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Record", into = "Record")]
pub struct Workload {
    kind: Kind,
    bits: u32,
    slots: usize,
}

/// The serialised form, which anyone may write.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    kind: Kind,
    bits: u32,
    slots: usize,
}

impl TryFrom<Record> for Workload {
    type Error = Error;

    fn try_from(Record { kind, bits, slots }: Record) -> Result<Self, Error> {
        Self::new(kind, bits, slots)
    }
}

impl From<Workload> for Record {
    fn from(Workload { kind, bits, slots }: Workload) -> Self {
        Self { kind, bits, slots }
    }
}

/// The most bits of a factor.
pub const BITS: u32 = 16;
/// The most slots of any ring.
const SLOTS: usize = 1 << 16;

impl Workload {
    /// The workload on integers of so many bits in so many slots.
    ///
    /// # Errors
    /// No bits or more than [`BITS`], or slots that are no power of two.
    pub fn new(kind: Kind, bits: u32, slots: usize) -> Result<Self, Error> {
        if !(1..=BITS).contains(&bits) {
            return Err(Error::Bits { bits, least: 1, most: BITS });
        }
        if !slots.is_power_of_two() || !(2..=SLOTS).contains(&slots) {
            return Err(Error::Slots { have: slots, least: 2, most: SLOTS });
        }
        Ok(Self { kind, bits, slots })
    }

    /// Which one.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Bits of the integers.
    #[must_use]
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// The largest integer in each column.
    #[must_use]
    pub fn most(&self) -> Vec<u64> {
        let (one, two) = ((1 << self.bits) - 1, (1 << (2 * self.bits)) - 1);
        match self.kind {
            Kind::W1 => vec![one, one, two],
            Kind::W2 => vec![one, one, one],
            Kind::W3 => vec![one, one, two, one],
        }
    }

    /// What the two sides of the comparison are divided by: half more than the largest.
    fn divisor(&self) -> f64 {
        let bits = if self.kind == Kind::W2 { self.bits } else { 2 * self.bits };
        f64::from(bits).exp2() - 0.5
    }

    /// What each column is multiplied by.
    fn factors(&self) -> Vec<f64> {
        let (side, one) = (self.divisor(), f64::from(self.bits).exp2());
        match self.kind {
            Kind::W1 => vec![side.sqrt().recip(), side.sqrt().recip(), side.recip()],
            Kind::W2 => vec![side.recip(), side.recip(), one.recip()],
            Kind::W3 => vec![side.sqrt().recip(), side.sqrt().recip(), side.recip(), one.recip()],
        }
    }
}

impl Program for Workload {
    type Data = Vec<Vec<u64>>;
    type Answer = Vec<u64>;

    fn slots(&self) -> usize {
        self.slots
    }

    fn inputs(&self) -> Vec<Input> {
        self.factors().iter().zip(self.most()).map(|(f, most)| Input { size: f * most as f64 }).collect()
    }

    fn needs(&self) -> Vec<Need> {
        // A bit may be off by a quarter, and by a quarter of a unit of what it is multiplied by.
        let error = match self.kind {
            Kind::W1 => 0.5,
            Kind::W2 | Kind::W3 => 0.5 * (-f64::from(self.bits)).exp2(),
        };
        vec![Need::Step { gap: 0.5 / self.divisor(), error }]
    }

    fn outputs(&self) -> Vec<Output> {
        let (unit, most) = match self.kind {
            Kind::W1 => (1.0, 1),
            Kind::W2 | Kind::W3 => ((-f64::from(self.bits)).exp2(), (1 << self.bits) - 1),
        };
        vec![Output { unit, least: 0, most, slots: (0..self.slots).collect() }]
    }

    fn pack(&self, columns: &Vec<Vec<u64>>) -> Result<Vec<Vec<f64>>, Error> {
        let (factors, most) = (self.factors(), self.most());
        if columns.len() != factors.len() {
            return Err(Error::Columns { need: factors.len(), have: columns.len() });
        }
        let mut packed = Vec::with_capacity(columns.len());
        for (column, ((values, factor), most)) in columns.iter().zip(&factors).zip(most).enumerate() {
            if values.is_empty() || values.len() > self.slots {
                return Err(Error::Size { have: values.len(), least: 1, most: self.slots });
            }
            if let Some(row) = values.iter().position(|value| *value > most) {
                let value = values.get(row).copied().unwrap_or_default();
                return Err(Error::Value { row: row + 1, column: column + 1, value, most });
            }
            let mut slots: Vec<f64> = values.iter().map(|value| *value as f64 * factor).collect();
            slots.resize(self.slots, 0.0);
            packed.push(slots);
        }
        Ok(packed)
    }

    fn run<B: Rotate + Points>(
        &self,
        ops: &B,
        signs: &[Sign],
        inputs: &[B::Ct],
    ) -> Result<Vec<B::Ct>, B::Error>
    where
        B::Error: From<arras_circuits::Error>,
    {
        let wrong = |need| arras_circuits::Error::WrongLength { need, have: inputs.len() };
        let [sign] = signs else {
            return Err(arras_circuits::Error::WrongLength { need: 1, have: signs.len() }.into());
        };
        let half = -0.5 / self.divisor();
        let greater = |x: &B::Ct| Compare::new(sign)?.of_difference(ops, &ops.known(x, 1.0)?);
        match (self.kind, inputs) {
            (Kind::W1, [a, b, c]) => {
                let x = ops.add_scalar(&ops.sub(&ops.mul(a, b)?, c)?, half)?;
                Ok(vec![greater(&x)?])
            }
            (Kind::W2, [a, b, c]) => {
                let x = ops.add_scalar(&ops.sub(a, b)?, half)?;
                Ok(vec![ops.mul(&greater(&x)?, c)?])
            }
            (Kind::W3, [a, b, c, d]) => {
                let x = ops.add_scalar(&ops.sub(&ops.mul(a, b)?, c)?, half)?;
                Ok(vec![ops.mul(&greater(&x)?, d)?])
            }
            (Kind::W1 | Kind::W2, _) => Err(wrong(3).into()),
            (Kind::W3, _) => Err(wrong(4).into()),
        }
    }

    fn unpack(&self, outputs: &[Vec<i64>]) -> Result<Vec<u64>, Error> {
        let [values] = outputs else { return Err(Error::Columns { need: 1, have: outputs.len() }) };
        values.iter().map(|value| u64::try_from(*value).map_err(|_| Error::Answer)).collect()
    }

    fn exact(&self, columns: &Vec<Vec<u64>>) -> Vec<u64> {
        let rows = columns.first().map_or(0, Vec::len);
        let at = |column: usize, row: usize| {
            columns.get(column).and_then(|values| values.get(row)).copied().unwrap_or_default()
        };
        let row = |row: usize| match self.kind {
            Kind::W1 => u64::from(at(0, row) * at(1, row) > at(2, row)),
            Kind::W2 => u64::from(at(0, row) > at(1, row)) * at(2, row),
            Kind::W3 => u64::from(at(0, row) * at(1, row) > at(2, row)) * at(3, row),
        };
        let mut answer: Vec<u64> = (0..rows).map(row).collect();
        answer.resize(self.slots, 0);
        answer
    }
}

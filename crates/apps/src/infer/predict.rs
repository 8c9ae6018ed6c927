//! Inference as a program.

use std::collections::BTreeMap;

use arras_circuits::{Matrix, Points, Relu, Rotate, Sign};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::infer::network::{Layer, Network, WIDTH};
use crate::program::{Input, Need, Output, Program};

/// The most slots of a ciphertext.
const SLOTS: usize = 1 << 15;
/// How much finer scores are than the error of a ReLU, in bits: what is finer still would show noise and nothing else.
const FINER: u32 = 2;
/// The most bits of a ReLU.
const BITS: u32 = 20;

/// The scores of samples by a network.
///
/// Cost: for each layer a level and a linear map with as many diagonals as the widest layer, rounded up to a power of two; for
/// each hidden layer a sign and a product. Error: that of the ReLUs, times what later layers make of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Record", into = "Record")]
pub struct Infer {
    network: Network,
    rows: usize,
    bits: u32,
    samples: usize,
    layers: Vec<(Matrix, Vec<f64>)>,
}

/// The serialised form, which anyone may write.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    network: Network,
    rows: usize,
    bits: u32,
}

impl TryFrom<Record> for Infer {
    type Error = Error;

    fn try_from(Record { network, rows, bits }: Record) -> Result<Self, Error> {
        Self::new(network, rows, bits)
    }
}

impl From<Infer> for Record {
    fn from(Infer { network, rows, bits, .. }: Infer) -> Self {
        Self { network, rows, bits }
    }
}

/// What is opened for a sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// The class of the largest score; of a single score, 1 where it is positive.
    pub class: usize,
    /// The scores, each within the error that the plan states.
    pub scores: Vec<f64>,
}

impl Infer {
    /// The scores of so many samples; a ReLU errs by 2^-bits of the largest value of its neuron.
    ///
    /// # Errors
    /// No samples or more than one ciphertext takes, or bits that are not 4 to 20.
    pub fn new(network: Network, rows: usize, bits: u32) -> Result<Self, Error> {
        if !(4..=BITS).contains(&bits) {
            return Err(Error::Bits { bits, least: 4, most: BITS });
        }
        let widths = network.most().iter().map(Vec::len).chain([network.file().ranges.len()]);
        let places = widths.max().unwrap_or(WIDTH).next_power_of_two();
        if !(1..=SLOTS / places).contains(&rows) {
            return Err(Error::Size { have: rows, least: 1, most: SLOTS / places });
        }
        let samples = rows.next_power_of_two();
        let layers = maps(&network, places, samples)?;
        Ok(Self { network, rows, bits, samples, layers })
    }

    /// The network.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// How many samples.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Scores of a sample.
    fn scores(&self) -> usize {
        self.network.most().last().map_or(0, Vec::len)
    }

    /// What scores are multiples of: a quarter of the error of a ReLU of the widest range.
    #[must_use]
    pub fn resolution(&self) -> f64 {
        self.unit() * self.largest()
    }

    /// The same in shares of the most that one can be.
    fn unit(&self) -> f64 {
        (-f64::from(self.bits + FINER)).exp2()
    }

    /// The most that a score can be, in size.
    #[must_use]
    pub fn largest(&self) -> f64 {
        self.network.most().last().map_or(0.0, |most| most.iter().copied().fold(0.0, f64::max))
    }
}

/// Layers between values that are divided by the most they can be: features by half their range, neurons by their own.
fn maps(network: &Network, places: usize, samples: usize) -> Result<Vec<(Matrix, Vec<f64>)>, Error> {
    let file = network.file();
    let mut centre: Vec<f64> = file.ranges.iter().map(|(low, high)| (low + high) / 2.0).collect();
    let mut factor: Vec<f64> = file.ranges.iter().map(|(low, high)| (high - low) / 2.0).collect();
    let mut maps = Vec::with_capacity(file.layers.len());
    for (i, (Layer { weights, bias }, most)) in file.layers.iter().zip(network.most()).enumerate() {
        let last = i + 1 == file.layers.len();
        // Scores are compared with each other, so they have one divisor.
        let common = most.iter().copied().fold(0.0, f64::max);
        let divisor: Vec<f64> = most.iter().map(|most| if last { common } else { *most }).collect();
        let slots = places * samples;
        let mut diagonals = BTreeMap::new();
        let mut offset = vec![0.0; slots];
        for (to, ((row, bias), divisor)) in weights.iter().zip(bias).zip(&divisor).enumerate() {
            let moved: f64 = row.iter().zip(&centre).map(|(w, c)| w * c).sum();
            fill(&mut offset, to, samples, (bias + moved) / divisor);
            for (from, (w, factor)) in row.iter().zip(&factor).enumerate() {
                let by = (places + from - to) % places * samples;
                fill(
                    diagonals.entry(by).or_insert_with(|| vec![0.0; slots]),
                    to,
                    samples,
                    w * factor / divisor,
                );
            }
        }
        maps.push((Matrix::diagonals(slots, diagonals)?, offset));
        (centre, factor) = (vec![0.0; divisor.len()], divisor);
    }
    Ok(maps)
}

/// Sets all samples of a place.
fn fill(slots: &mut [f64], place: usize, samples: usize, value: f64) {
    slots.iter_mut().skip(place * samples).take(samples).for_each(|slot| *slot = value);
}

impl Program for Infer {
    type Data = Vec<Vec<f64>>;
    type Answer = Vec<Scores>;

    fn is_exact(&self) -> bool {
        false
    }

    fn slots(&self) -> usize {
        self.layers.first().map_or(2, |(matrix, _)| matrix.slots())
    }

    fn inputs(&self) -> Vec<Input> {
        vec![Input { size: 1.0 }]
    }

    fn needs(&self) -> Vec<Need> {
        // What a layer errs by is noise to the next ReLU, which must be small beside its gap.
        let hidden = self.layers.len() as u32 - 1;
        let error = |layer: u32| (-f64::from(self.bits + 4 * (hidden - 1 - layer))).exp2();
        (0..hidden).map(|layer| Need::Ramp { error: error(layer) }).collect()
    }

    fn outputs(&self) -> Vec<Output> {
        let samples = |score: usize| score * self.samples..score * self.samples + self.rows;
        let slots = (0..self.scores()).flat_map(samples).collect();
        // A score may be beyond the largest by its error.
        let most = (2.0 / self.unit()) as i64;
        vec![Output { unit: self.unit(), least: -most, most, slots }]
    }

    fn pack(&self, rows: &Vec<Vec<f64>>) -> Result<Vec<Vec<f64>>, Error> {
        if rows.len() != self.rows {
            return Err(Error::Size { have: rows.len(), least: self.rows, most: self.rows });
        }
        let ranges = &self.network.file().ranges;
        let mut slots = vec![0.0; self.slots()];
        for (r, row) in rows.iter().enumerate() {
            if row.len() != ranges.len() {
                return Err(Error::Columns { need: ranges.len(), have: row.len() });
            }
            for (place, (value, (low, high))) in row.iter().zip(ranges).enumerate() {
                if !(low..=high).contains(&value) {
                    return Err(Error::OutOfRange {
                        row: r + 1,
                        column: place + 1,
                        least: *low,
                        most: *high,
                    });
                }
                let half = (high - low) / 2.0;
                let hidden = if half > 0.0 { (value - (low + high) / 2.0) / half } else { 0.0 };
                slots
                    .iter_mut()
                    .skip(place * self.samples + r)
                    .take(1)
                    .for_each(|slot| *slot = hidden.clamp(-1.0, 1.0));
            }
        }
        Ok(vec![slots])
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
        let wrong = |need, have| arras_circuits::Error::WrongLength { need, have };
        let [input] = inputs else { return Err(wrong(1, inputs.len()).into()) };
        if signs.len() + 1 != self.layers.len() {
            return Err(wrong(self.layers.len() - 1, signs.len()).into());
        }
        let mut values = input.clone();
        for (i, (matrix, offset)) in self.layers.iter().enumerate() {
            values = ops.add_plain(&ops.linear(&values, matrix)?, offset)?;
            values = ops.known(&values, 1.0)?;
            if let Some(sign) = signs.get(i) {
                values = ops.known(&Relu::new(sign)?.apply(ops, &values)?, 1.0)?;
            }
        }
        Ok(vec![values])
    }

    fn unpack(&self, outputs: &[Vec<i64>]) -> Result<Vec<Scores>, Error> {
        let [all] = outputs else { return Err(Error::Columns { need: 1, have: outputs.len() }) };
        let sample = |r: usize| {
            let scores = all.iter().skip(r).step_by(self.rows).map(|score| *score as f64 * self.resolution());
            let scores: Vec<f64> = scores.collect();
            Scores { class: Network::class(&scores), scores }
        };
        Ok((0..self.rows).map(sample).collect())
    }

    fn exact(&self, rows: &Vec<Vec<f64>>) -> Vec<Scores> {
        let sample = |row: &Vec<f64>| {
            let scores = self.network.scores(row);
            Scores { class: Network::class(&scores), scores }
        };
        rows.iter().map(sample).collect()
    }
}

//! Prediction as a program.

use arras_approx::{Polynomial, fit};
use arras_circuits::{Points, Rotate, Sign};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::program::{Input, Need, Output, Program};
use crate::tree::forest::{Forest, Node};
use crate::tree::packing::{Layout, Packing, Place, REACH};

/// The most bits of a feature.
pub const BITS: u32 = 16;
/// The most ciphertexts of samples in one run.
pub const CIPHERTEXTS: usize = 64;

/// The classes of samples by a forest, whose thresholds may be hidden.
///
/// What is always public: how many features and samples there are, which splits lead to which leaves, which feature each split
/// looks at, and what leaves vote.
///
/// Cost: the levels of a sign, ceil(log2(depth + 1)) for paths, 1 for the answer, and 1 more when splits are packed alone; for
/// each ciphertext one sign, one polynomial, and the rotations of the packing (see [`crate::tree`]).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Record", into = "Record")]
pub struct Predict {
    bits: u32,
    forest: Forest,
    thresholds: Option<Vec<i64>>,
    rows: usize,
    packing: Packing,
    layout: Layout,
    paths: Polynomial,
}

/// The serialised form, which anyone may write.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    bits: u32,
    forest: Forest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    thresholds: Option<Vec<i64>>,
    rows: usize,
    packing: Packing,
}

impl TryFrom<Record> for Predict {
    type Error = Error;

    fn try_from(Record { bits, forest, thresholds, rows, packing }: Record) -> Result<Self, Error> {
        Self::new(bits, forest, thresholds, rows, packing)
    }
}

impl From<Predict> for Record {
    fn from(Predict { bits, forest, thresholds, rows, packing, .. }: Predict) -> Self {
        Self { bits, forest, thresholds, rows, packing }
    }
}

/// What is sealed: samples, each of one integer for each feature, and the thresholds where they are hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Samples {
    /// The samples.
    pub rows: Vec<Vec<u32>>,
    /// One for each split, where the program has none.
    pub thresholds: Option<Vec<i64>>,
}

/// What is opened for a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prediction {
    /// The class with the most votes; of several, the first.
    pub class: usize,
    /// The votes of each class.
    pub votes: Vec<u64>,
}

impl Prediction {
    /// The prediction by these votes.
    fn by(votes: Vec<u64>) -> Self {
        let most = votes.iter().copied().max().unwrap_or_default();
        Self { class: votes.iter().position(|v| *v == most).unwrap_or_default(), votes }
    }
}

impl Predict {
    /// The classes of so many samples whose features have so many bits.
    ///
    /// Without thresholds, they are sealed with the samples.
    ///
    /// # Errors
    /// No bits or more than [`BITS`], no rows or more than [`CIPHERTEXTS`] take, a sample that does not fit one ciphertext, or
    /// thresholds that are not one from -1 to 2^bits - 1 for each split.
    pub fn new(
        bits: u32,
        forest: Forest,
        thresholds: Option<Vec<i64>>,
        rows: usize,
        packing: Packing,
    ) -> Result<Self, Error> {
        if !(1..=BITS).contains(&bits) {
            return Err(Error::Bits { bits, least: 1, most: BITS });
        }
        if let Some(thresholds) = &thresholds {
            check_thresholds(&forest, bits, thresholds)?;
        }
        let layout = Layout::new(&forest, packing, rows)?;
        if rows > CIPHERTEXTS * layout.samples {
            return Err(Error::Size { have: rows, least: 1, most: CIPHERTEXTS * layout.samples });
        }
        let paths = paths(forest.depth())?;
        Ok(Self { bits, forest, thresholds, rows, packing, layout, paths })
    }

    /// The forest.
    #[must_use]
    pub fn forest(&self) -> &Forest {
        &self.forest
    }

    /// Bits of the features.
    #[must_use]
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// How many samples.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How samples are packed.
    #[must_use]
    pub fn packing(&self) -> Packing {
        self.packing
    }

    /// Whether thresholds are sealed.
    #[must_use]
    pub fn hides_thresholds(&self) -> bool {
        self.thresholds.is_none()
    }

    /// Ciphertexts of samples.
    #[must_use]
    pub fn ciphertexts(&self) -> usize {
        self.rows.div_ceil(self.layout.samples)
    }

    /// What 2 (t - x) + 1 is divided by: the number of values, twice, less one.
    fn divisor(&self) -> f64 {
        f64::from(self.bits + 1).exp2() - 1.0
    }

    /// The samples in one ciphertext after the other.
    fn batches(&self) -> impl Iterator<Item = usize> {
        let samples = self.layout.samples;
        (0..self.ciphertexts()).map(move |i| samples.min(self.rows - i * samples))
    }

    /// What each answer sums over the leaves: their class, or their votes for one class after the other.
    fn weights(&self) -> Vec<Vec<u32>> {
        let leaves = self.forest.leaves();
        if self.forest.is_single() {
            let class = |votes: &Vec<u32>| votes.iter().position(|v| *v == 1).unwrap_or_default();
            return vec![leaves.iter().map(|leaf| class(&leaf.votes) as u32).collect()];
        }
        let votes = |class: usize| leaves.iter().map(move |leaf| leaf.votes.get(class).copied().unwrap_or(0));
        (0..self.forest.classes()).map(|class| votes(class).collect()).collect()
    }

    /// The largest integer of each answer.
    fn most(&self) -> i64 {
        if self.forest.is_single() {
            return self.forest.classes() as i64 - 1;
        }
        let votes = |node: &Node| match node {
            Node::Split(_) => 0,
            Node::Leaf(votes) => votes.iter().copied().max().unwrap_or(0),
        };
        let tree = |nodes: &Vec<Node>| i64::from(nodes.iter().map(votes).max().unwrap_or(0));
        self.forest.trees().iter().map(tree).sum()
    }

    /// What an answer is a multiple of.
    fn unit(&self) -> f64 {
        1.0 / (self.most() + 1) as f64
    }

    /// What each place holds, for one ciphertext: `of` gives the numerator of a split, `fixed` that of a place without one.
    fn spread(&self, fixed: f64, of: impl Fn(usize, usize) -> f64) -> Vec<f64> {
        let slot = |place: &Place, sample: usize| match *place {
            Place::Split(split, true) => of(split, sample) / self.divisor(),
            Place::Split(split, false) => -of(split, sample) / self.divisor(),
            Place::Fixed(true) => fixed,
            Place::Fixed(false) => -fixed,
        };
        let samples = self.layout.samples;
        self.layout.places.iter().flat_map(|place| (0..samples).map(move |r| slot(place, r))).collect()
    }

    /// What is added to the features, which are negative.
    fn levels(&self, thresholds: &[i64]) -> Vec<f64> {
        self.spread(1.0, |split, _| 2.0 * thresholds.get(split).copied().unwrap_or_default() as f64 + 1.0)
    }

    /// From the comparisons of a ciphertext to the leaves reached: 1 there, and 0 elsewhere.
    fn leaves<B: Rotate>(&self, ops: &B, sign: &Sign, x: &B::Ct) -> Result<B::Ct, B::Error>
    where
        B::Error: From<arras_circuits::Error>,
    {
        // 0 where the way is that of the place, else 2 / depth of the reach.
        let part = REACH / self.forest.depth() as f64;
        let mut wrong = ops.compose(x, &sign.mapped(-part, part)?)?;
        wrong = match &self.layout.map {
            Some(map) => ops.add_plain(&ops.linear(&wrong, &map.matrix)?, &map.offset)?,
            None => {
                let mut by = self.layout.leaves * self.layout.samples;
                while by < self.slots() {
                    wrong = ops.add(&wrong, &ops.rotate(&wrong, by as i64)?)?;
                    by *= 2;
                }
                ops.add_scalar(&wrong, -REACH)?
            }
        };
        ops.known(&ops.poly(&ops.known(&wrong, REACH)?, &self.paths)?, 1.0)
    }

    /// The sum over the leaves with these weights, in every place.
    fn sum<B: Rotate>(&self, ops: &B, leaves: &B::Ct, weights: &[u32]) -> Result<B::Ct, B::Error> {
        let period = self.layout.leaves * self.layout.samples;
        let mut spread = vec![0.0; period];
        for (slots, weight) in spread.chunks_mut(self.layout.samples).zip(weights) {
            slots.fill(f64::from(*weight) * self.unit());
        }
        let mut sum = ops.mul_plain(leaves, &spread)?;
        let mut by = self.layout.samples;
        while by < period {
            sum = ops.add(&sum, &ops.rotate(&sum, by as i64)?)?;
            by *= 2;
        }
        ops.known(&sum, 1.0)
    }
}

/// p(w) = (1 - w) (1 - w / 2) ... (1 - w / d) of t = (2 w / d - 1) times the reach.
fn paths(depth: usize) -> Result<Polynomial, Error> {
    let value = |t: f64| {
        let w = (t / REACH + 1.0) * depth as f64 / 2.0;
        (1..=depth).map(|k| 1.0 - w / k as f64).product()
    };
    fit::interpolate(value, -1.0, 1.0, depth).map_err(|e| arras_circuits::Error::from(e).into())
}

fn check_thresholds(forest: &Forest, bits: u32, thresholds: &[i64]) -> Result<(), Error> {
    let need = forest.splits().len();
    if thresholds.len() != need {
        return Err(Error::Columns { need, have: thresholds.len() });
    }
    let most = (1 << bits) - 1;
    match thresholds.iter().position(|t| !(-1..=most).contains(t)) {
        Some(split) => Err(Error::Threshold { split: split + 1, most }),
        None => Ok(()),
    }
}

impl Program for Predict {
    type Data = Samples;
    type Answer = Vec<Prediction>;

    fn slots(&self) -> usize {
        self.layout.slots()
    }

    fn inputs(&self) -> Vec<Input> {
        let vectors = self.ciphertexts() + usize::from(self.hides_thresholds());
        vec![Input { size: 1.0 }; vectors]
    }

    fn needs(&self) -> Vec<Need> {
        // |T_k'| <= k^2: by how much the polynomial may multiply an error, after the signs of a path were summed.
        let coefficients = self.paths.coefficients().iter().enumerate();
        let slope: f64 = coefficients.map(|(k, c)| (k * k) as f64 * c.abs()).sum();
        let weight = self.weights().iter().flatten().copied().max().unwrap_or(1).max(1);
        let leaves = self.layout.leaves as f64 * f64::from(weight);
        // Signs that are summed for a leaf, for each split of the deepest path.
        let signs = match self.packing {
            Packing::Paths => {
                (self.layout.places.len() / self.layout.leaves) as f64 / self.forest.depth() as f64
            }
            Packing::Nodes => 1.0,
        };
        // A quarter of a unit for all leaves together; and the sums stay in the domain of the polynomial.
        let error = (0.25 / (slope * leaves * signs)).min(0.01);
        vec![Need::Step { gap: 1.0 / self.divisor(), error }]
    }

    fn outputs(&self) -> Vec<Output> {
        let answers = self.weights().len();
        let output = |samples: usize| Output {
            unit: self.unit(),
            least: 0,
            most: self.most(),
            slots: (0..samples).collect(),
        };
        self.batches().flat_map(|samples| std::iter::repeat_n(output(samples), answers)).collect()
    }

    fn pack(&self, data: &Samples) -> Result<Vec<Vec<f64>>, Error> {
        if data.rows.len() != self.rows {
            return Err(Error::Size { have: data.rows.len(), least: self.rows, most: self.rows });
        }
        let (need, most) = (self.forest.features(), (1 << self.bits) - 1);
        for (row, sample) in data.rows.iter().enumerate() {
            if sample.len() != need {
                return Err(Error::Columns { need, have: sample.len() });
            }
            if let Some((column, value)) = sample.iter().enumerate().find(|(_, value)| **value > most) {
                let (value, most) = (u64::from(*value), u64::from(most));
                return Err(Error::Value { row: row + 1, column: column + 1, value, most });
            }
        }
        let mut packed = Vec::with_capacity(self.inputs().len());
        match (&self.thresholds, &data.thresholds) {
            (None, Some(thresholds)) => {
                check_thresholds(&self.forest, self.bits, thresholds)?;
                packed.push(self.levels(thresholds));
            }
            (Some(_), None) => {}
            (None, None) | (Some(_), Some(_)) => {
                let (need, have) =
                    (usize::from(self.hides_thresholds()), usize::from(data.thresholds.is_some()));
                return Err(Error::Columns { need, have });
            }
        }
        let feature = |split: usize| self.forest.splits().get(split).copied().unwrap_or_default();
        for batch in data.rows.chunks(self.layout.samples) {
            let value = |split: usize, r: usize| batch.get(r).and_then(|row| row.get(feature(split)));
            packed.push(self.spread(0.0, |split, r| -2.0 * f64::from(value(split, r).copied().unwrap_or(0))));
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
        let wrong = |need, have| arras_circuits::Error::WrongLength { need, have };
        let [sign] = signs else { return Err(wrong(1, signs.len()).into()) };
        let need = self.inputs().len();
        if inputs.len() != need {
            return Err(wrong(need, inputs.len()).into());
        }
        let (hidden, samples) = inputs.split_at(usize::from(self.hides_thresholds()));
        let public = self.thresholds.as_ref().map(|thresholds| self.levels(thresholds));
        let weights = self.weights();
        let mut answers = Vec::with_capacity(samples.len() * weights.len());
        for sample in samples {
            let x = match (hidden, &public) {
                ([levels], _) => ops.add(levels, sample)?,
                (_, Some(levels)) => ops.add_plain(sample, levels)?,
                (_, None) => return Err(wrong(1, 0).into()),
            };
            let leaves = self.leaves(ops, sign, &ops.known(&x, 1.0)?)?;
            for weights in &weights {
                answers.push(self.sum(ops, &leaves, weights)?);
            }
        }
        Ok(answers)
    }

    fn unpack(&self, outputs: &[Vec<i64>]) -> Result<Vec<Prediction>, Error> {
        let answers = self.weights().len();
        if outputs.len() != answers * self.ciphertexts() {
            return Err(Error::Columns { need: answers * self.ciphertexts(), have: outputs.len() });
        }
        let mut predictions = Vec::with_capacity(self.rows);
        for (samples, batch) in self.batches().zip(outputs.chunks(answers)) {
            for r in 0..samples {
                let sums = batch.iter().map(|output| output.get(r).and_then(|v| u64::try_from(*v).ok()));
                let sums: Option<Vec<u64>> = sums.collect();
                predictions.push(self.prediction(&sums.ok_or(Error::Answer)?));
            }
        }
        Ok(predictions)
    }

    fn exact(&self, data: &Samples) -> Vec<Prediction> {
        let thresholds = self.thresholds.as_ref().or(data.thresholds.as_ref());
        let votes = |sample: &Vec<u32>| self.forest.votes(thresholds.map_or(&[], Vec::as_slice), sample);
        data.rows.iter().map(|sample| Prediction::by(votes(sample))).collect()
    }
}

impl Predict {
    /// The prediction of what came out for a sample.
    fn prediction(&self, sums: &[u64]) -> Prediction {
        match sums {
            [class] if self.forest.is_single() => {
                let votes = (0..self.forest.classes() as u64).map(|c| u64::from(c == *class)).collect();
                Prediction::by(votes)
            }
            votes => Prediction::by(votes.to_vec()),
        }
    }
}

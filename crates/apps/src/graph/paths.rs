//! All-pairs shortest paths by Floyd and Warshall, the whole matrix in one vector.
//!
//! # Layout
//!
//! n nodes are padded to m, a power of two, by nodes without edges. Row i of the vector, 2m slots long, holds the distances from
//! node i and then the predecessors: slot 2m i + j is D(i, j) and slot 2m i + m + j is P(i, j). Without predecessors a row is m long.
//! All values are integers less a centre, as multiples of one unit, so that they lie in [-1, 1].
//!
//! # A round
//!
//! For the pivot k, everything is in place at once:
//!
//! 1. Row k goes to all rows by log2 m rotations, which wrap around the vector.
//! 2. Column k goes to all columns by log2 of a row's length rotations: at the step 2^t values move left where k has that bit and
//!    right where it has not, so that what was in column k arrives in every column of its row and in no other row.
//! 3. x = D(i, j) - D(i, k) - D(k, j) - 1/2 is never zero. c = (1 + s(x)) / 2 is 1 where the path through k is strictly shorter.
//! 4. D(i, j) += c (D(i, k) + D(k, j) - D(i, j)) and P(i, j) += c (P(k, j) - P(i, j)): one product.
//!
//! Equal lengths keep the path that was there, so that of shortest paths the one is found whose pivots come first, as in the clear.
//!
//! # Why the result is exact
//!
//! Every c has its own small error only, whatever the errors of the distances below its margin, so decisions are those of the
//! clear. Then D(i, j) is D(i, j) again or the sum of two others, plus what the round itself adds: at most l. A decision for k
//! is strict, so it makes a path that passes no node twice, of two pieces that pass k in their ends alone. Taken back to round r,
//! the value of a path is a sum of pieces; the nodes between pieces come after r in the order of pivots and are different from each other, so there
//! are at most n - r pieces after round r = 1, ..., n, and never more than n - 1. What round r adds reaches a result at most so often:
//! the error of a result is at most the sum of (n - r + 1) l, not the 3^n l that the operations show.
//! `Paths::run` says so by [`arras_circuits::Arith::settled`].
//!
//! Reference: Floyd (1962), Algorithm 97: shortest path; Warshall (1962), A theorem on Boolean matrices.

use arras_circuits::{Error as CircuitError, Points, Rotate, Sign};
use serde::{Deserialize, Serialize};

use super::{Graph, Routes};
use crate::error::Error;
use crate::program::{Input, Need, Output, Program};

/// The most nodes: what one vector of the largest ring holds.
pub const NODES: usize = 128;
/// The most bits of a distance.
pub const BITS: u32 = 12;
/// What the errors of all comparisons may add to a distance, in units.
const SHARE: f64 = 1.0 / 64.0;

/// Distances between all pairs of nodes and, if asked for, the node before the last on each path.
///
/// Distances have b bits. 2^b - 1 is infinity: a path of that length or more is none, so that sums never leave the bits.
///
/// Cost for n nodes padded to m: n rounds of the levels of a sign and two, one sign, one product, and 3 log2 m + 2 rotations
/// (2 log2 m without predecessors), in 2 m^2 slots (m^2). Error: a sixty-fourth of a unit by the signs, and noise.
///
/// ```
/// use arras_apps::graph::{Graph, Paths};
/// use arras_apps::Program;
///
/// let paths = Paths::new(3, 8, true)?;
/// let routes = paths.exact(&Graph::from_csv("0,4,9\n,0,3\n1,,0\n")?);
/// assert_eq!(routes.distances, [[0, 4, 7], [4, 0, 3], [1, 5, 0]]);
/// assert_eq!(routes.predecessors[1], [Some(2), None, Some(1)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Record", into = "Record")]
pub struct Paths {
    nodes: usize,
    bits: u32,
    predecessors: bool,
}

/// The serialised form, which anyone may write.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    nodes: usize,
    bits: u32,
    predecessors: bool,
}

impl TryFrom<Record> for Paths {
    type Error = Error;

    fn try_from(Record { nodes, bits, predecessors }: Record) -> Result<Self, Error> {
        Self::new(nodes, bits, predecessors)
    }
}

impl From<Paths> for Record {
    fn from(Paths { nodes, bits, predecessors }: Paths) -> Self {
        Self { nodes, bits, predecessors }
    }
}

/// Which slots of a row.
#[derive(Clone, Copy, PartialEq)]
enum Half {
    Distances,
    Predecessors,
}

impl Paths {
    /// Shortest paths between so many nodes, of distances of so many bits, with predecessors or without.
    ///
    /// # Errors
    /// Fewer than 2 nodes or more than [`NODES`], no bits or more than [`BITS`].
    pub fn new(nodes: usize, bits: u32, predecessors: bool) -> Result<Self, Error> {
        if !(1..=BITS).contains(&bits) {
            return Err(Error::Bits { bits, least: 1, most: BITS });
        }
        if !(2..=NODES).contains(&nodes) {
            return Err(Error::Nodes { nodes, least: 2, most: NODES });
        }
        Ok(Self { nodes, bits, predecessors })
    }

    /// Where paths lead: every edge has weight 0, so that a distance is 0, or 1 where there is no path.
    ///
    /// # Errors
    /// As [`Paths::new`].
    pub fn reach(nodes: usize) -> Result<Self, Error> {
        Self::new(nodes, 1, false)
    }

    /// Whether it only says where paths lead.
    #[must_use]
    pub fn is_reach(&self) -> bool {
        self.bits == 1 && !self.predecessors
    }

    /// Whether it also finds predecessors.
    #[must_use]
    pub fn has_predecessors(&self) -> bool {
        self.predecessors
    }

    /// How many nodes.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.nodes
    }

    /// Bits of a distance.
    #[must_use]
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// What stands for no path: the largest integer of the bits.
    #[must_use]
    pub fn infinity(&self) -> u64 {
        (1 << self.bits) - 1
    }

    /// Rows, and columns of distances.
    fn side(&self) -> usize {
        self.nodes.next_power_of_two()
    }

    /// Slots of a row.
    fn width(&self) -> usize {
        if self.predecessors { 2 * self.side() } else { self.side() }
    }

    /// The integer in the middle, which is hidden as 0.
    fn centre(&self) -> i64 {
        let distances = 1_i64 << (self.bits - 1);
        if self.predecessors { distances.max(self.side() as i64 / 2) } else { distances }
    }

    /// What an integer less the centre is multiplied by.
    fn unit(&self) -> f64 {
        ((self.centre() + 1) as f64).recip()
    }

    fn hide(&self, integer: u64) -> f64 {
        (integer as i64 - self.centre()) as f64 * self.unit()
    }

    /// The most units that x is in size: two infinite distances, and the half.
    fn reach_of_x(&self) -> f64 {
        2.0 * self.infinity() as f64 + 0.5
    }

    /// The factor in the slots of one half for which a condition holds, and 0 elsewhere.
    fn mask(&self, half: Half, factor: f64, wanted: impl Fn(usize, usize) -> bool) -> Vec<f64> {
        let (side, width) = (self.side(), self.width());
        let at = |slot: usize| {
            let (i, place) = (slot / width, slot % width);
            let here = if place < side { Half::Distances } else { Half::Predecessors };
            if here == half && wanted(i, place % side) { factor } else { 0.0 }
        };
        (0..self.slots()).map(at).collect()
    }

    /// The rotations that bring one row to all rows.
    fn down(&self) -> Vec<i64> {
        let steps = std::iter::successors(Some(self.width()), |step| Some(2 * step));
        steps.take_while(|step| *step < self.slots()).map(|step| step as i64).collect()
    }

    /// The rotations that bring column k to all columns of its rows.
    fn along(&self, k: usize) -> Vec<i64> {
        let steps =
            std::iter::successors(Some(1), |step| Some(2 * step)).take_while(|step| *step < self.width());
        steps.map(|step| if k & step == 0 { -(step as i64) } else { step as i64 }).collect()
    }

    /// x for a pivot, in both halves of each row. Cost: one level.
    fn shorter<B: Rotate>(&self, ops: &B, z: &B::Ct, k: usize) -> Result<B::Ct, B::Error> {
        let factor = (self.unit() * self.reach_of_x()).recip();
        let own = ops.mul_plain(z, &self.mask(Half::Distances, factor, |_, _| true))?;
        let row = ops.fold(z, &self.mask(Half::Distances, factor, |i, _| i == k), &self.down())?;
        let column = ops.fold(z, &self.mask(Half::Distances, factor, |_, j| j == k), &self.along(k))?;
        let mut x = ops.sub(&own, &row)?;
        if self.predecessors {
            x = ops.add(&x, &ops.rotate(&x, -(self.side() as i64))?)?;
        }
        let x = ops.sub(&x, &column)?;
        // D - D' - D'' of centred values lacks the centre once.
        let x = ops.add_scalar(&x, -(self.centre() as f64 + 0.5) / self.reach_of_x())?;
        ops.known(&x, 1.0)
    }

    /// By how much z changes where the path through a pivot is shorter, over `self.change()`.
    fn change<B: Rotate>(&self, ops: &B, z: &B::Ct, x: &B::Ct, k: usize) -> Result<B::Ct, B::Error> {
        let half = 0.5 / self.reach_of_x();
        let distances = ops.mul_plain(x, &self.mask(Half::Distances, -1.0, |_, _| true))?;
        let mut change = ops.add_plain(&distances, &self.mask(Half::Distances, -half, |_, _| true))?;
        if self.predecessors {
            let factor = self.most_change().recip();
            let own = ops.mul_plain(z, &self.mask(Half::Predecessors, factor, |_, _| true))?;
            let row = ops.fold(z, &self.mask(Half::Predecessors, factor, |i, _| i == k), &self.down())?;
            change = ops.add(&change, &ops.sub(&row, &own)?)?;
        }
        ops.known(&change, 1.0)
    }

    /// The most that a hidden distance changes, in size.
    fn most_change(&self) -> f64 {
        self.unit() * self.reach_of_x()
    }

    /// The values after a pivot. Cost: two levels and those of the sign.
    fn round<B: Rotate>(&self, ops: &B, sign: &Sign, z: &B::Ct, k: usize) -> Result<B::Ct, B::Error>
    where
        B::Error: From<CircuitError>,
    {
        let x = self.shorter(ops, z, k)?;
        let most = self.most_change();
        let shorter = ops.compose(&x, &sign.mapped(0.5 * most, 0.5 * most)?)?;
        // Nothing but the sign needs the levels above its result; below it all else is cheaper.
        let above = sign.depth();
        let change = self.change(ops, &ops.lower(z, above)?, &ops.lower(&x, above - 1)?, k)?;
        let next = ops.add(z, &ops.mul(&shorter, &change)?)?;
        ops.settled(&ops.known(&next, 1.0)?, self.growth(k))
    }

    /// How often what is added to all distances from the pivot k on reaches a result at most.
    fn growth(&self, k: usize) -> f64 {
        (self.nodes - k).min(self.nodes - 1) as f64
    }
}

impl Program for Paths {
    type Data = Graph;
    type Answer = Routes;

    fn slots(&self) -> usize {
        self.side() * self.width()
    }

    fn inputs(&self) -> Vec<Input> {
        vec![Input { size: self.centre() as f64 * self.unit() }]
    }

    fn needs(&self) -> Vec<Need> {
        let passes = (self.nodes * (self.nodes + 1)) as f64 / 2.0;
        // c errs by half the error of the sign, and is multiplied by at most the reach of x.
        let error = 2.0 * SHARE / (passes * self.reach_of_x());
        vec![Need::Step { gap: 0.5 / self.reach_of_x(), error }]
    }

    fn outputs(&self) -> Vec<Output> {
        let slots = |start: usize| {
            (0..self.nodes).flat_map(move |i| (0..self.nodes).map(move |j| i * self.width() + start + j))
        };
        let all =
            if self.predecessors { slots(0).chain(slots(self.side())).collect() } else { slots(0).collect() };
        let most = self.infinity().max(self.side() as u64 - 1) as i64;
        vec![Output { unit: self.unit(), least: -self.centre(), most: most - self.centre(), slots: all }]
    }

    fn pack(&self, graph: &Graph) -> Result<Vec<Vec<f64>>, Error> {
        if graph.nodes() != self.nodes {
            return Err(Error::Nodes { nodes: graph.nodes(), least: self.nodes, most: self.nodes });
        }
        let (side, width, most) = (self.side(), self.width(), self.infinity() - 1);
        let mut packed = vec![0.0; self.slots()];
        for (slot, value) in packed.iter_mut().enumerate() {
            let (i, place) = (slot / width, slot % width);
            let inside = i < self.nodes && place < self.nodes;
            let weight = if inside { graph.weight(i, place) } else { None };
            if let Some(value) = weight.filter(|weight| *weight > most) {
                return Err(Error::Weight { row: i + 1, column: place + 1, value, most, bits: self.bits });
            }
            let integer = match weight {
                _ if place >= side => i as u64,
                _ if place == i => 0,
                Some(weight) => weight,
                None => self.infinity(),
            };
            *value = self.hide(integer);
        }
        Ok(vec![packed])
    }

    fn run<B: Rotate + Points>(
        &self,
        ops: &B,
        signs: &[Sign],
        inputs: &[B::Ct],
    ) -> Result<Vec<B::Ct>, B::Error>
    where
        B::Error: From<CircuitError>,
    {
        let ([sign], [z]) = (signs, inputs) else {
            return Err(CircuitError::WrongLength { need: 1, have: signs.len().max(inputs.len()) }.into());
        };
        let (first, mut z) = ops.begin(&ops.settled(z, self.nodes as f64 - 1.0)?)?;
        for k in first..self.nodes {
            // What a refresh adds is there from the end of the round before.
            z = ops.settled(&ops.point(&z)?, self.growth(k.saturating_sub(1)))?;
            z = self.round(ops, sign, &z, k)?;
            ops.reached(&z, k + 1)?;
        }
        Ok(vec![z])
    }

    fn unpack(&self, outputs: &[Vec<i64>]) -> Result<Routes, Error> {
        let [values] = outputs else { return Err(Error::Columns { need: 1, have: outputs.len() }) };
        let integers =
            values.iter().map(|value| u64::try_from(value + self.centre()).map_err(|_| Error::Answer));
        let integers = integers.collect::<Result<Vec<u64>, Error>>()?;
        if Some(integers.len()) != self.outputs().first().map(|output| output.slots.len()) {
            return Err(Error::Answer);
        }
        let mut rows = integers.chunks_exact(self.nodes).map(<[u64]>::to_vec);
        let distances: Vec<Vec<u64>> = rows.by_ref().take(self.nodes).collect();
        if distances.iter().flatten().any(|distance| *distance > self.infinity()) {
            return Err(Error::Answer);
        }
        let before = |i: usize, row: Vec<u64>| {
            let cell = |(j, node): (usize, u64)| {
                let is_path = i != j && distances.get(i).and_then(|row| row.get(j)) < Some(&self.infinity());
                let node = usize::try_from(node).ok().filter(|node| *node < self.nodes);
                if is_path { node.map(Some).ok_or(Error::Answer) } else { Ok(None) }
            };
            row.into_iter().enumerate().map(|(j, node)| cell((j, node))).collect::<Result<Vec<_>, Error>>()
        };
        let predecessors = rows.enumerate().map(|(i, row)| before(i, row)).collect::<Result<_, Error>>()?;
        Ok(Routes { distances, predecessors })
    }

    fn exact(&self, graph: &Graph) -> Routes {
        let (n, infinity) = (self.nodes, self.infinity());
        let start = |i: usize, j: usize| if i == j { 0 } else { graph.weight(i, j).unwrap_or(infinity) };
        let mut distances: Vec<Vec<u64>> = (0..n).map(|i| (0..n).map(|j| start(i, j)).collect()).collect();
        let mut before: Vec<Vec<usize>> = (0..n).map(|i| vec![i; n]).collect();
        for k in 0..n {
            let (way, last) = (distances[k].clone(), before[k].clone());
            for (row, nodes) in distances.iter_mut().zip(&mut before) {
                let first = row[k];
                for j in 0..n {
                    if first + way[j] < row[j] {
                        (row[j], nodes[j]) = (first + way[j], last[j]);
                    }
                }
            }
        }
        let is_path = |i: usize, j: usize| i != j && distances[i][j] < infinity;
        let cell = |i: usize, j: usize| is_path(i, j).then(|| before[i][j]);
        let rows = (0..if self.predecessors { n } else { 0 }).map(|i| (0..n).map(|j| cell(i, j)).collect());
        let predecessors = rows.collect();
        Routes { distances, predecessors }
    }
}

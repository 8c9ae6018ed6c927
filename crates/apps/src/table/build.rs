//! From a query's conditions and expressions to a plan.

use super::plan::{Bound, Entry, Fold, Layout, Node, Plan, Source, Target};
use super::poly::{Poly, largest};
use super::predicate::{Predicate, Set};
use crate::error::Error;

/// The most that a comparison may take, and the most vectors of it.
const STEPS: usize = 2048;
/// The most ciphertexts that an extreme may take.
const EXTREME: i128 = 512;
/// The most vectors of a plan.
const NODES: usize = 8192;
/// log2 of the most that a sum of parts of a column may come to: the errors of as many signs as it has units add up.
const SUM_BITS: u32 = 24;

/// A plan in the making.
pub(super) struct Builder {
    plan: Plan,
    most: Vec<u64>,
    /// The node of each step, after [`Builder::conditions`].
    steps: Vec<(Key, usize)>,
}

/// The factors of a product.
type Term = Vec<Entry>;

/// Where a polynomial reaches a threshold.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    poly: Poly,
    threshold: i128,
}

impl Builder {
    pub fn new(layout: Layout, most: Vec<u64>) -> Self {
        let (sources, nodes, bounds) = (Vec::new(), Vec::new(), Vec::new());
        let plan = Plan { layout, sources, nodes, bounds, targets: Vec::new(), gaps: Vec::new() };
        Self { plan, most, steps: Vec::new() }
    }

    /// The plan.
    ///
    /// # Errors
    /// Too many vectors.
    pub fn finish(mut self) -> Result<Plan, Error> {
        if self.plan.targets.is_empty() {
            // The answer follows from the number of rows, and a run returns something all the same.
            self.total(&[0], (None, None))?;
        }
        self.check()?;
        Ok(self.plan)
    }

    /// Refuses too many vectors.
    pub fn check(&self) -> Result<(), Error> {
        let have = self.plan.nodes.len();
        if have > NODES { Err(Error::TooMany { what: "hidden vectors", have, most: NODES }) } else { Ok(()) }
    }

    pub fn layout(&self) -> Layout {
        self.plan.layout
    }

    /// Bounds of a polynomial.
    pub fn range(&self, poly: &Poly) -> (i128, i128) {
        poly.range(&self.most)
    }

    /// Makes the steps of all conditions, the widest gaps first; those that fit one vector share a sign.
    ///
    /// # Errors
    /// Too many steps.
    pub fn conditions<'a>(&mut self, conditions: impl Iterator<Item = &'a Predicate>) -> Result<(), Error> {
        let mut keys = Vec::new();
        conditions.for_each(|condition| self.collect(condition, &mut keys));
        if keys.len() > STEPS {
            return Err(Error::TooMany { what: "ends of intervals", have: keys.len(), most: STEPS });
        }
        let mut divisors: Vec<(Key, f64)> = Vec::with_capacity(keys.len());
        for key in &keys {
            let alike = keys.iter().filter(|other| other.poly == key.poly);
            divisors.push((key.clone(), alike.map(|key| self.divisor(key)).fold(0.0, f64::max)));
        }
        divisors.sort_by(|(a, x), (b, y)| x.total_cmp(y).then_with(|| a.poly.cmp(&b.poly)));
        for pack in divisors.chunks(self.layout().shared()) {
            self.pack(pack);
        }
        Ok(())
    }

    /// What p - t + 1/2 is divided by to lie in [-1, 1]; at least 1, since signs have gaps below 1.
    fn divisor(&self, Key { poly, threshold }: &Key) -> f64 {
        let (lo, hi) = poly.range(&self.most);
        ((hi - threshold).max(threshold - 1 - lo) as f64 + 0.5).max(1.0)
    }

    /// Beyond the most no more are looked for.
    fn collect(&self, condition: &Predicate, keys: &mut Vec<Key>) {
        match condition {
            _ if keys.len() > STEPS => {}
            Predicate::Always(_) => {}
            Predicate::In(poly, set) => {
                let (plus, minus) = ends(poly, set);
                for key in plus.into_iter().chain(minus) {
                    if !keys.contains(&key) {
                        keys.push(key);
                    }
                }
            }
            Predicate::And(parts) | Predicate::Or(parts) => {
                parts.iter().for_each(|part| self.collect(part, keys));
            }
        }
    }

    /// The steps of one vector, a lane each.
    fn pack(&mut self, pack: &[(Key, f64)]) {
        let lanes: Vec<Vec<Term>> = pack.iter().map(|(key, by)| self.terms(&key.poly, 1.0 / by)).collect();
        let of = self.sum(&lanes);
        let number = |(key, by): &(Key, f64)| (0.5 - key.threshold as f64) / by;
        let mut plain: Vec<f64> = pack.iter().map(number).collect();
        // A lane without condition is far from zero too.
        plain.resize(self.layout().shared(), 1.0);
        let gap = pack.iter().map(|(_, by)| 0.5 / by).fold(1.0, f64::min);
        let sign = self.sign(gap);
        let step = self.node(Node::Step { of, plain, beyond: None, sign });
        for (lane, (key, _)) in pack.iter().enumerate() {
            let front = if lane == 0 { step } else { self.node(Node::Front { of: step, lane }) };
            self.steps.push((key.clone(), front));
        }
    }

    /// The vector that is 1 where a condition holds, of those that [`Builder::conditions`] knows; none where it always does.
    pub fn condition(&mut self, condition: &Predicate) -> Option<usize> {
        match condition {
            Predicate::Always(_) => None,
            Predicate::In(poly, set) => {
                let (plus, minus) = ends(poly, set);
                let bits = |keys: Vec<Key>| -> Vec<usize> {
                    let find = |key: &Key| self.steps.iter().find(|(known, _)| known == key);
                    keys.iter().filter_map(find).map(|(_, node)| *node).collect()
                };
                let (plus, minus) = (bits(plus), bits(minus));
                match (plus.as_slice(), minus.as_slice()) {
                    ([bit], []) => Some(*bit),
                    _ => Some(self.node(Node::Bits { plus, minus })),
                }
            }
            Predicate::And(_) => {
                let (early, late) = self.factors(condition);
                Some(self.both(early, late?))
            }
            Predicate::Or(parts) => {
                let parts: Vec<usize> = parts.iter().filter_map(|part| self.condition(part)).collect();
                self.tree(parts, Node::Or)
            }
        }
    }

    /// A condition as a product of what is ready early and what is ready late: another factor goes to the first.
    pub fn factors(&mut self, condition: &Predicate) -> (Option<usize>, Option<usize>) {
        let Predicate::And(parts) = condition else { return (None, self.condition(condition)) };
        let mut parts: Vec<usize> = parts.iter().filter_map(|part| self.condition(part)).collect();
        // Steps were made from the widest gap on, and the narrowest takes longest.
        parts.sort_unstable_by_key(|part| self.last_step(*part));
        let late = parts.pop();
        (self.tree(parts, Node::And), late)
    }

    /// Both of two vectors, of which one may be missing.
    pub fn both(&mut self, a: Option<usize>, b: usize) -> usize {
        a.map_or(b, |a| self.node(Node::And(a, b)))
    }

    /// The number of the last sign on the way to a node.
    fn last_step(&self, node: usize) -> usize {
        match self.plan.nodes.get(node) {
            None | Some(Node::Sum(_)) => 0,
            Some(Node::Step { .. }) => node,
            Some(Node::Front { of, .. }) => self.last_step(*of),
            Some(Node::Bits { plus, minus }) => {
                plus.iter().chain(minus).map(|bit| self.last_step(*bit)).max().unwrap_or(0)
            }
            Some(Node::And(a, b) | Node::Or(a, b)) => self.last_step(*a).max(self.last_step(*b)),
        }
    }

    /// Pairs of pairs.
    fn tree(&mut self, mut parts: Vec<usize>, join: fn(usize, usize) -> Node) -> Option<usize> {
        while parts.len() > 1 {
            let mut joined = Vec::with_capacity(parts.len().div_ceil(2));
            for pair in parts.chunks(2) {
                match pair {
                    [a, b] => joined.push(self.node(join(*a, *b))),
                    rest => joined.extend(rest),
                }
            }
            parts = joined;
        }
        parts.pop()
    }

    /// The value of a polynomial without constant in each selected row. Of `mask` both factors may be missing.
    pub fn rows(&mut self, poly: &Poly, mask: (Option<usize>, Option<usize>)) -> usize {
        let (least, most) = poly.range(&self.most);
        let unit = 1.0 / (most.max(-least).max(1) as f64);
        let value = self.sum(&[self.terms(poly, unit)]);
        let node = self.masked(value, mask);
        self.target(Target { nodes: vec![node], fold: Fold::Rows, unit, least, most })
    }

    /// The mask itself.
    pub fn mask(&mut self, mask: (Option<usize>, Option<usize>)) -> Option<usize> {
        let node = self.both(mask.0, mask.1?);
        Some(self.target(Target { nodes: vec![node], fold: Fold::Rows, unit: 1.0, least: 0, most: 1 }))
    }

    /// How many rows a mask selects.
    pub fn count(&mut self, mask: (Option<usize>, Option<usize>)) -> Option<usize> {
        let node = self.both(mask.0, mask.1?);
        let (rows, room) = (self.layout().rows, self.layout().room());
        let fold = Fold::Total { masked: rows < room };
        Some(self.target(Target { nodes: vec![node], fold, unit: 1.0, least: 0, most: rows as i128 }))
    }

    /// The sums of the parts of a product of columns over selected rows, each with what it counts.
    ///
    /// # Errors
    /// So many rows and factors that no part is small enough.
    pub fn total(
        &mut self,
        columns: &[usize],
        mask: (Option<usize>, Option<usize>),
    ) -> Result<Vec<(i128, usize)>, Error> {
        let rows = self.layout().rows;
        let for_rows = usize::BITS - rows.saturating_sub(1).leading_zeros();
        let degree = u32::try_from(columns.len()).unwrap_or(u32::MAX);
        let width = SUM_BITS.saturating_sub(for_rows) / degree.max(1);
        if width == 0 {
            let most =
                columns.iter().fold(rows as i128, |most, c| most.saturating_mul(largest(&self.most, *c)));
            let what = format!("a sum of products of {degree} columns over {rows} rows");
            return Err(Error::Overflow { what, least: 0, most, limit: 1 << SUM_BITS });
        }
        let mut parts = vec![(1i128, Vec::new(), 1i128)];
        for &column in columns {
            let bits = self.bits(column);
            let digits: Vec<(u32, u32)> =
                (0..bits).step_by(width as usize).map(|shift| (shift, width.min(bits - shift))).collect();
            let with = |(weight, factors, most): &(i128, Vec<Entry>, i128), (shift, bits): (u32, u32)| {
                let mut factors = factors.clone();
                factors.push(Entry::Column { column, shift, bits, factor: 1.0 });
                (weight << shift, factors, most * ((1 << bits) - 1))
            };
            let have = parts.len().saturating_mul(digits.len());
            if have > NODES {
                return Err(Error::TooMany { what: "hidden vectors", have, most: NODES });
            }
            parts =
                parts.iter().flat_map(|part| digits.iter().map(move |digit| with(part, *digit))).collect();
        }
        let mut totals = Vec::with_capacity(parts.len());
        for (weight, factors, most) in parts {
            let value = self.sum(&[vec![factors]]);
            let node = self.masked(value, mask);
            let most = most.saturating_mul(rows as i128);
            let fold = Fold::Total { masked: false };
            totals.push((weight, self.target(Target { nodes: vec![node], fold, unit: 1.0, least: 0, most })));
        }
        Ok(totals)
    }

    /// How many values up to the largest selected one a polynomial without constant has in its range; 0 if no row is selected.
    ///
    /// For each value t, the rows with p >= t are counted, and a second sign says whether there is any.
    ///
    /// # Errors
    /// A range so wide that it takes too many ciphertexts.
    pub fn largest(
        &mut self,
        poly: &Poly,
        mask: (Option<usize>, Option<usize>),
        what: &str,
    ) -> Result<usize, Error> {
        let (lo, hi) = poly.range(&self.most);
        let layout = self.layout();
        let (values, lanes) = (hi - lo + 1, layout.lanes());
        let vectors = (values + lanes as i128 - 1).div_euclid(lanes as i128);
        if vectors * layout.blocks as i128 > EXTREME {
            let limit = (EXTREME / layout.blocks as i128).max(1) * lanes as i128;
            let what = format!("what {what} takes over {} rows", layout.rows);
            return Err(Error::Overflow { what, least: lo, most: hi, limit });
        }
        let by = (hi - lo) as f64 + 0.5;
        let value = self.sum(&[self.terms(poly, 1.0 / by)]);
        let sign = self.sign(0.5 / by);
        let mask = mask.1.map(|late| self.both(mask.0, late));
        let mut nodes = Vec::new();
        let thresholds: Vec<i128> = (lo..=hi).collect();
        for thresholds in thresholds.chunks(lanes) {
            let mut plain: Vec<f64> = thresholds.iter().map(|t| (0.5 - *t as f64) / by).collect();
            // A value that is not there is reached by no row, and none is reached beyond the table.
            plain.resize(lanes, (0.5 - (hi + 1) as f64) / by);
            let step = self.node(Node::Step { of: value, plain, beyond: Some(-1.0), sign });
            nodes.push(self.both(mask, step));
        }
        let sign = self.sign(0.5 / layout.room() as f64);
        let target = Target { nodes, fold: Fold::Lanes { sign }, unit: 1.0, least: 0, most: values };
        Ok(self.target(target))
    }

    fn masked(&mut self, value: usize, mask: (Option<usize>, Option<usize>)) -> usize {
        let early = self.both(mask.0, value);
        self.both(mask.1, early)
    }

    /// The products of a polynomial without constant, times a factor; those of most columns first.
    fn terms(&self, poly: &Poly, factor: f64) -> Vec<Term> {
        let term = |(columns, c): (&[usize], i128)| -> Term {
            let reach = |column: &usize| largest(&self.most, *column) as f64;
            let size = c.unsigned_abs() as f64 * factor * columns.iter().map(reach).product::<f64>();
            // The factors of a product are all as large.
            let each = size.powf((columns.len() as f64).recip());
            let entry = |(place, column): (usize, &usize)| {
                let sign = if place == 0 && c < 0 { -1.0 } else { 1.0 };
                let bits = self.bits(*column);
                Entry::Column { column: *column, shift: 0, bits, factor: sign * each / reach(column) }
            };
            columns.iter().enumerate().map(entry).collect()
        };
        let mut terms: Vec<Term> = poly.terms().map(term).collect();
        terms.sort_by_key(|term| std::cmp::Reverse(term.len()));
        terms
    }

    fn bits(&self, column: usize) -> u32 {
        64 - self.most.get(column).copied().unwrap_or(0).leading_zeros()
    }

    /// A sum of products for each lane.
    fn sum(&mut self, lanes: &[Vec<Term>]) -> usize {
        let terms = lanes.iter().map(Vec::len).max().unwrap_or(0);
        let mut products = Vec::with_capacity(terms);
        for term in 0..terms {
            let degree = |lane: &Vec<Term>| lane.get(term).map_or(0, Vec::len);
            let degree = lanes.iter().map(degree).max().unwrap_or(0);
            let factor = |place: usize| {
                let entry = |lane: &Vec<Term>| match lane.get(term) {
                    Some(term) => term.get(place).copied().unwrap_or(Entry::One),
                    None => Entry::Zero,
                };
                Source { lanes: lanes.iter().map(entry).collect() }
            };
            products.push((0..degree).map(|place| self.source(factor(place))).collect());
        }
        self.node(Node::Sum(products))
    }

    fn source(&mut self, source: Source) -> usize {
        position(&mut self.plan.sources, source)
    }

    fn sign(&mut self, gap: f64) -> usize {
        position(&mut self.plan.gaps, gap)
    }

    fn target(&mut self, target: Target) -> usize {
        position(&mut self.plan.targets, target)
    }

    fn node(&mut self, node: Node) -> usize {
        let bound = self.bound(&node);
        let at = position(&mut self.plan.nodes, node);
        if at == self.plan.bounds.len() {
            self.plan.bounds.push(bound);
        }
        at
    }

    fn bound(&self, node: &Node) -> Bound {
        let of = |node: usize| self.plan.bounds.get(node).copied().unwrap_or(Bound { size: 0.0, slope: 0.0 });
        let slopes = |nodes: &[usize]| nodes.iter().map(|node| of(*node).slope).sum::<f64>();
        // Behind the front bits of different conditions meet.
        let mixed = self.layout().shared() > 1;
        match node {
            Node::Sum(products) => {
                let size = |source: &usize| self.plan.sources.get(*source).map_or(0.0, |s| s.size());
                let size = products.iter().map(|product| product.iter().map(size).product::<f64>()).sum();
                Bound { size, slope: 0.0 }
            }
            Node::Step { .. } => Bound { size: 1.0, slope: 0.5 },
            Node::Front { of: node, .. } => of(*node),
            Node::Bits { plus, minus } => {
                let size = if mixed { plus.len().max(minus.len()) as f64 } else { 1.0 };
                Bound { size, slope: slopes(plus) + slopes(minus) }
            }
            Node::And(a, b) => {
                let (a, b) = (of(*a), of(*b));
                Bound { size: a.size * b.size, slope: a.size * b.slope + b.size * a.slope }
            }
            Node::Or(a, b) => {
                let (a, b) = (of(*a), of(*b));
                let size = if mixed { a.size + b.size + a.size * b.size } else { 1.0 };
                Bound { size, slope: (1.0 + a.size) * b.slope + (1.0 + b.size) * a.slope }
            }
        }
    }
}

/// Where something stands in a list, at its end if it is new.
fn position<T: PartialEq>(list: &mut Vec<T>, item: T) -> usize {
    list.iter().position(|known| *known == item).unwrap_or_else(|| {
        list.push(item);
        list.len() - 1
    })
}

/// The steps whose sum less whose others is 1 in a set and 0 elsewhere.
fn ends(poly: &Poly, set: &Set) -> (Vec<Key>, Vec<Key>) {
    let (mut plus, mut minus) = (Vec::new(), Vec::new());
    for &(lo, hi) in &set.spans {
        let from = |threshold| Key { poly: poly.clone(), threshold };
        match (lo > set.range.0, hi < set.range.1) {
            (true, true) => {
                plus.push(from(lo));
                minus.push(from(hi + 1));
            }
            (true, false) => plus.push(from(lo)),
            (false, true) => plus.push(Key { poly: poly.negated(), threshold: -hi }),
            (false, false) => {}
        }
    }
    (plus, minus)
}

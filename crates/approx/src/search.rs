//! The search for the cheapest plan.
//!
//! A plan is fixed by the set of Chebyshev powers that it makes and by where it splits. Given the powers, the best
//! splits for a polynomial of degree d that lands at depth D follow from a recurrence:
//!
//! * the top term is free when T_d exists at depth <= D - 1 (it joins the leaf at the end of the chain);
//! * otherwise p = q T_g + r for some power g <= d at depth <= D - 1, with deg q = d - g landing at D - 1 and
//!   deg r < g landing at D.
//!
//! The sets tried are babies T_1, T_3, ... or T_1, T_2, ... up to a bound, and giants g, 2g, 4g, ...; whatever is
//! needed to build them in time is added. Costs are compared by products first, relinearisations second.
//!
//! References: Paterson and Stockmeyer (1973); Lee, Lee, No and Kim (2022, minimax composite polynomials, section II);
//! Bossuat, Mouchet, Troncoso-Pastoriza and Hubaux (2021) for the depth-optimal recursion.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::plan::{Node, Plan, Power};
use crate::polynomial::{MAX_DEGREE, levels};

/// Products count this much more than relinearisations when plans are compared.
const PRODUCT: u32 = 1 << 12;
/// No plan exists.
const NEVER: u32 = u32::MAX / 4;

/// The plan of sum c_k T_k(t).
pub(crate) fn plan(coefficients: &[f64]) -> Plan {
    let degree = top(coefficients);
    let odd_apart_from_constant = coefficients.iter().skip(2).step_by(2).all(|&c| c == 0.0);
    let even = coefficients.iter().skip(1).step_by(2).all(|&c| c == 0.0);
    if degree >= 2 && even {
        return plan_even(coefficients, degree);
    }
    let step = if odd_apart_from_constant { 2 } else { 1 };
    let depth = levels(degree + 1);
    let mut costs = Costs::new(best_powers(degree, step).to_vec(), degree, step, depth);
    let root = costs.build(coefficients.to_vec(), depth);
    finish(costs.powers, root, depth)
}

/// An even polynomial is a general one of half the degree in T_2, since T_k(T_2) = T_{2k}.
fn plan_even(coefficients: &[f64], degree: usize) -> Plan {
    let half: Vec<f64> = coefficients.iter().step_by(2).copied().collect();
    let inner = plan(&half);
    let mut powers = vec![Power { index: 2, left: 1, right: 1 }];
    powers.extend(inner.powers.iter().map(|p| Power {
        index: 2 * p.index,
        left: 2 * p.left,
        right: 2 * p.right,
    }));
    Plan { powers, root: doubled(inner.root), depth: levels(degree + 1), products: inner.products + 1 }
}

fn doubled(node: Node) -> Node {
    match node {
        Node::Leaf(terms) => Node::Leaf(terms.into_iter().map(|(k, c)| (2 * k, c)).collect()),
        Node::Split { giant, quotient, remainder } => Node::Split {
            giant: 2 * giant,
            quotient: Box::new(doubled(*quotient)),
            remainder: Box::new(doubled(*remainder)),
        },
    }
}

/// The largest index of a coefficient that is not zero.
fn top(coefficients: &[f64]) -> usize {
    coefficients.iter().rposition(|&c| c != 0.0).unwrap_or(0)
}

/// Drops powers that nothing uses and counts the products.
fn finish(powers: Vec<Power>, root: Node, depth: u32) -> Plan {
    let size = powers.iter().map(|p| p.index).max().unwrap_or(1) + 1;
    let mut used = vec![false; size];
    let splits = mark(&root, &mut used);
    let mut kept: Vec<Power> = Vec::new();
    for p in powers.into_iter().rev() {
        if used[p.index] {
            used[p.left] = true;
            used[p.right] = true;
            used[p.left - p.right] = true;
            kept.push(p);
        }
    }
    kept.reverse();
    let products = u32::try_from(kept.len()).unwrap_or(u32::MAX) + splits;
    Plan { powers: kept, root, depth, products }
}

/// Marks the powers that a node uses and returns its number of splits.
fn mark(node: &Node, used: &mut [bool]) -> u32 {
    match node {
        Node::Leaf(terms) => {
            for &(k, _) in terms {
                used[k] = true;
            }
            0
        }
        Node::Split { giant, quotient, remainder } => {
            used[*giant] = true;
            1 + mark(quotient, used) + mark(remainder, used)
        }
    }
}

/// The powers whose plan is cheapest for a dense polynomial of this degree (step 2: odd terms only), searched for once.
fn best_powers(degree: usize, step: usize) -> &'static [Power] {
    static FOUND: [[OnceLock<Vec<Power>>; MAX_DEGREE + 1]; 2] =
        [const { [const { OnceLock::new() }; MAX_DEGREE + 1] }; 2];
    FOUND[step - 1][degree].get_or_init(|| search(degree, step))
}

fn search(degree: usize, step: usize) -> Vec<Power> {
    let depth = levels(degree + 1);
    let mut best: Option<(u32, Costs)> = None;
    for baby in (1..=degree).step_by(step) {
        // A smaller first giant is a baby already, unless babies are odd and giants even.
        let least = if step == 1 { baby / 2 + 1 } else { step };
        for first in (least..=(step * (baby + 1)).min(degree)).step_by(step) {
            for count in 0..usize::BITS {
                let limit = best.as_ref().map_or(NEVER, |(cost, _)| *cost);
                let last = first << count;
                if last > degree.max(2) {
                    break;
                }
                let Some(powers) = build_powers(baby, first, count, step, limit / PRODUCT) else { continue };
                if least_products(&powers, degree, step) > limit / PRODUCT {
                    continue;
                }
                let mut costs = Costs::new(powers, degree, step, depth);
                let cost = costs.powers_cost() + costs.of(degree, depth);
                if cost < limit {
                    best = Some((cost, costs));
                }
            }
        }
    }
    // The set of all powers has a plan (a single leaf, or a split by the largest power of two), so the loop found one;
    // degrees 0 and 1 need no power at all.
    best.map(|(_, costs)| costs.powers).unwrap_or_default()
}

/// No plan with these powers has fewer products: every leaf holds at most one coefficient for each power.
fn least_products(powers: &[Power], degree: usize, step: usize) -> u32 {
    let in_leaf = 1 + powers.iter().filter(|p| p.index % 2 == 1 || step == 1).count();
    let leaves = degree.div_ceil(step).div_ceil(in_leaf);
    u32::try_from(powers.len() + leaves - 1).unwrap_or(NEVER)
}

/// Babies up to `baby`, giants first * 2^0 ..= first * 2^count, and all they need; none if that is too many.
fn build_powers(baby: usize, first: usize, count: u32, step: usize, most: u32) -> Option<Vec<Power>> {
    let size = baby.max(first << count) + 1;
    let mut wanted = vec![false; size];
    for k in (1..=baby).step_by(step) {
        wanted[k] = true;
    }
    for i in 0..=count {
        wanted[first << i] = true;
    }
    if wanted.iter().filter(|w| **w).count() > most as usize + 1 {
        return None;
    }
    let mut powers = Vec::new();
    for k in (2..size).rev().filter(|&k| k >= 2) {
        if wanted[k] {
            let power = cheapest_operands(k, &wanted);
            wanted[power.left] = true;
            wanted[power.right] = true;
            wanted[power.left - power.right] = true;
            powers.push(power);
        }
    }
    powers.reverse();
    Some(powers)
}

/// The operands of T_k that add the fewest powers to those wanted; both lie at depth ceil(log2 k) - 1.
fn cheapest_operands(k: usize, wanted: &[bool]) -> Power {
    let missing = |i: usize| usize::from(i >= 2 && !wanted[i]);
    let lefts = k.div_ceil(2)..=(1 << (levels(k) - 1));
    let price = |&left: &usize| {
        let (right, gap) = (k - left, 2 * left - k);
        // A power counted twice is only needed once.
        let twice = usize::from((left == right || right == gap) && missing(right) == 1);
        missing(left) + missing(right) + missing(gap) - twice
    };
    let left = lefts.min_by_key(price).unwrap_or(k.div_ceil(2));
    Power { index: k, left, right: k - left }
}

/// The cost of every degree and landing depth, given the powers.
struct Costs {
    powers: Vec<Power>,
    /// Indices that exist, T_1 included.
    exists: Vec<bool>,
    giants: Vec<usize>,
    step: usize,
    width: usize,
    /// Zero: not known yet; otherwise the cost plus one.
    memo: Vec<u32>,
}

impl Costs {
    fn new(powers: Vec<Power>, degree: usize, step: usize, depth: u32) -> Self {
        let mut exists = vec![false; degree.max(1) + 1];
        exists[1] = true;
        for p in powers.iter().filter(|p| p.index <= degree) {
            exists[p.index] = true;
        }
        let giants = (1..=degree).filter(|&k| exists[k] && k % step == 0).collect();
        let width = degree + 1;
        let memo = vec![0; width * (depth as usize + 1)];
        Costs { powers, exists, giants, step, width, memo }
    }

    fn powers_cost(&self) -> u32 {
        u32::try_from(self.powers.len()).unwrap_or(NEVER).saturating_mul(PRODUCT + 1).min(NEVER)
    }

    /// The cost of a chain for a dense polynomial of degree d that lands at this depth.
    fn of(&mut self, degree: usize, depth: u32) -> u32 {
        let d = self.peeled(degree, depth);
        if d == 0 {
            return 0;
        }
        let key = depth as usize * self.width + d;
        if self.memo[key] == 0 {
            self.memo[key] = 1 + self.best_split(d, depth).map_or(NEVER, |(cost, _)| cost);
        }
        self.memo[key] - 1
    }

    /// The degree that is left when the top terms that exist in time have joined the leaf.
    fn peeled(&self, mut degree: usize, depth: u32) -> usize {
        while degree > 0 && self.exists[degree] && levels(degree) < depth {
            degree = self.below(degree);
        }
        degree
    }

    /// The next degree that has a term; a constant costs nothing and is never a term.
    fn below(&self, degree: usize) -> usize {
        degree.saturating_sub(self.step)
    }

    /// The cheapest split of a polynomial whose top term is not free, and its giant.
    fn best_split(&mut self, degree: usize, depth: u32) -> Option<(u32, usize)> {
        let mut best: Option<(u32, usize)> = None;
        for i in 0..self.giants.len() {
            let giant = self.giants[i];
            if giant >= degree || levels(giant) >= depth {
                break;
            }
            if levels(degree - giant + 1) >= depth {
                continue; // the quotient cannot land in time
            }
            let quotient = self.of(degree - giant, depth - 1);
            let remainder = self.of(self.under(giant), depth);
            if quotient >= NEVER || remainder >= NEVER {
                continue;
            }
            let relinearise = u32::from(remainder == 0);
            let cost = PRODUCT + relinearise + quotient + remainder;
            if best.is_none_or(|(least, _)| cost < least) {
                best = Some((cost, giant));
            }
        }
        best
    }

    /// The largest degree of a remainder modulo T_giant.
    fn under(&self, giant: usize) -> usize {
        giant - 1
    }

    /// The chain of `p` that lands at this depth.
    fn build(&mut self, mut p: Vec<f64>, depth: u32) -> Node {
        let mut splits = Vec::new();
        let mut leaf = BTreeMap::new();
        loop {
            let d = top(&p);
            p.truncate(d + 1);
            if d == 0 || (self.exists[d] && levels(d) < depth) {
                if p[d] != 0.0 {
                    leaf.insert(d, p[d]);
                }
                if d == 0 {
                    break;
                }
                p[d] = 0.0;
            } else {
                // A dense polynomial of the whole degree has a plan with these powers, hence so has each of its parts.
                let Some((_, giant)) = self.best_split(d, depth) else { break };
                let (quotient, remainder) = divide(&p, giant);
                splits.push((giant, self.build(quotient, depth - 1)));
                p = remainder;
            }
        }
        let end = Node::Leaf(leaf.into_iter().collect());
        splits.into_iter().rev().fold(end, |remainder, (giant, quotient)| Node::Split {
            giant,
            quotient: Box::new(quotient),
            remainder: Box::new(remainder),
        })
    }
}

/// p = q T_g + r with deg r < g, from 2 T_a T_g = T_{a+g} + T_{|a-g|}.
fn divide(p: &[f64], giant: usize) -> (Vec<f64>, Vec<f64>) {
    let mut rest = p.to_vec();
    let mut quotient = vec![0.0; p.len() - giant];
    for k in (giant + 1..p.len()).rev() {
        let c = rest[k];
        quotient[k - giant] = 2.0 * c;
        rest[k.abs_diff(2 * giant)] -= c;
    }
    quotient[0] = rest[giant];
    rest.truncate(giant);
    (quotient, rest)
}

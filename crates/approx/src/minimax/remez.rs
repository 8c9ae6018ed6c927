//! The exchange of Remez for x q(x^2) = 1 on [lo, hi], in fixed point.
//!
//! With n coefficients the error E(x) = 1 - x q(x^2) has at most n positive zeros and n - 1 positive extrema, since
//! {1, x, x^3, ..., x^(2n-1)} and {1, x^2, ..., x^(2n-2)} are Chebyshev systems. A polynomial that is levelled on n + 1
//! points, with errors +h, -h, ... there, has all of its zeros between them, and exactly one extremum between any two
//! neighbouring zeros. So the extrema of |E| on [lo, hi] are the two ends and n - 1 points that a bracket encloses: no
//! search can miss one, the largest of them is the norm, and the exchange of all points converges quadratically from
//! every start.
//!
//! References: Remez (1934), Sur la determination des polynomes d'approximation de degre donnee; Veidinger (1960), On
//! the numerical determination of the best approximations in the Chebyshev sense; Karlin and Studden (1966),
//! Tchebycheff Systems, chapter I.

use std::cmp::Ordering;
use std::f64::consts::PI;

use num_bigint::BigInt;
use num_bigint::Sign;

use super::number::{Fixed, NODE_BITS, div_node, mul_node, ratio};

/// The node 2, so that [lo^2, hi^2] becomes [-2, 2], on which products of differences of nodes stay near one.
pub(super) const END: i64 = 2 << NODE_BITS;

/// Exchanges after which we give up; six suffice.
const MAX_EXCHANGES: u32 = 60;
/// Steps in one bracket: enough to halve it to nothing.
const MAX_STEPS: u32 = 100;
/// A result whose errors at the extrema differ by less than this fraction is the best.
const LEVELLED: f64 = 1.0 / (1_u64 << 56) as f64;

/// x^2 as a linear function of the node t in [-2, 2]: mid + slope t.
#[derive(Debug, Clone)]
pub(super) struct Squares {
    pub fixed: Fixed,
    pub mid: BigInt,
    pub slope: BigInt,
}

impl Squares {
    pub fn new(fixed: Fixed, lo: &BigInt, hi: &BigInt) -> Self {
        let mid = (fixed.mul(lo, lo) + fixed.mul(hi, hi)) >> 1_u32;
        let slope = fixed.mul(&(hi - lo), &(hi + lo)) >> 2_u32;
        Squares { fixed, mid, slope }
    }

    /// x^2 at a node.
    pub fn at(&self, node: i64) -> BigInt {
        let mut square = self.slope.clone();
        mul_node(&mut square, node);
        square + &self.mid
    }
}

/// The polynomial with errors +h, -h, +h, ... at n + 1 nodes.
#[derive(Debug, Clone)]
pub(super) struct Levelled {
    /// n of the nodes, in the order of the interpolation.
    pub order: Vec<i64>,
    /// q in Newton's form: sum of c_k (t - t_0) ... (t - t_(k-1)).
    pub newton: Vec<BigInt>,
    /// h.
    pub level: BigInt,
}

/// What is known of the polynomial at a node.
struct At {
    /// Whether 1 - x q > 0.
    below_one: bool,
    /// -(x q)' up to a positive factor.
    slope: BigInt,
    /// The Newton step to a zero of the slope, in f64 and in units of t.
    step: f64,
}

impl Levelled {
    /// Solves x_j q(x_j^2) + (-1)^j h = 1 by divided differences, in an order that keeps them stable.
    ///
    /// Cost: n^2 divisions of a long number by a word, n + 1 roots.
    ///
    /// Reference: Reichel (1990), Newton interpolation at Leja points.
    pub fn solve(squares: &Squares, nodes: &[i64]) -> Self {
        let fixed = squares.fixed;
        let one = fixed.one();
        let mut order: Vec<usize> = leja(nodes);
        let mut values: Vec<BigInt> =
            order.iter().map(|&j| fixed.div(&one, &fixed.sqrt(&squares.at(nodes[j])))).collect();
        let signs = |(v, &j): (&BigInt, &usize)| if j % 2 == 0 { v.clone() } else { -v };
        let mut signed: Vec<BigInt> = values.iter().zip(&order).map(signs).collect();
        let places: Vec<i64> = order.iter().map(|&j| nodes[j]).collect();
        divided_differences(&mut values, &places);
        divided_differences(&mut signed, &places);
        let (top, bottom) = (values.pop().unwrap_or_default(), signed.pop().unwrap_or(one));
        let level = fixed.div(&top, &bottom);
        let newton = values.iter().zip(&signed).map(|(v, s)| v - fixed.mul(&level, s)).collect();
        order.pop();
        Levelled { order: order.iter().map(|&j| nodes[j]).collect(), newton, level }
    }

    /// q at a node.
    fn value(&self, node: i64) -> BigInt {
        let mut q = BigInt::ZERO;
        for (c, t) in self.newton.iter().zip(&self.order).rev() {
            mul_node(&mut q, node - t);
            q += c;
        }
        q
    }

    /// The error 1 - x q(x^2) at a node.
    fn error(&self, squares: &Squares, node: i64) -> BigInt {
        let fixed = squares.fixed;
        fixed.one() - fixed.mul(&fixed.sqrt(&squares.at(node)), &self.value(node))
    }

    /// q, q' and q''/2 by Horner's rule, and from them the slope q + 2 (u/u') q' of x q, with u = x^2.
    fn at(&self, squares: &Squares, shift: &BigInt, node: i64) -> At {
        let (mut q, mut q1, mut q2) = (BigInt::ZERO, BigInt::ZERO, BigInt::ZERO);
        for (c, t) in self.newton.iter().zip(&self.order).rev() {
            let k = node - t;
            mul_node(&mut q2, k);
            q2 += &q1;
            mul_node(&mut q1, k);
            q1 += &q;
            mul_node(&mut q, k);
            q += c;
        }
        let fixed = squares.fixed;
        let place = (shift + shifted_node(fixed, node)) << 1_u32;
        let slope = &q + fixed.mul(&place, &q1);
        let bend: BigInt = q1 * 3 + fixed.mul(&place, &(q2 << 1_u32));
        let square = fixed.mul(&squares.at(node), &fixed.mul(&q, &q));
        let below_one = q.sign() == Sign::Minus || square < fixed.one();
        At { below_one, step: -ratio(&slope, &bend), slope: -slope }
    }

    /// The extremum of the error that belongs to node j: the one between the zeros on either side of it.
    fn extremum(&self, squares: &Squares, shift: &BigInt, nodes: &[i64], j: usize) -> i64 {
        let positive = j.is_multiple_of(2);
        let mut here = nodes[j];
        let mut at = self.at(squares, shift, here);
        let rises = |at: &At| (at.slope.sign() == Sign::Plus) == positive;
        if at.slope.sign() == Sign::NoSign {
            return here;
        }
        // The error climbs from the near end to the extremum; the far end is beyond the extremum.
        let right = rises(&at);
        let (mut near, mut far) = (here, if right { nodes[j + 1] } else { nodes[j - 1] });
        for _ in 0..MAX_STEPS {
            let step = at.step * (1_i64 << NODE_BITS) as f64;
            let next = here.saturating_add(step as i64);
            let inside = next > near.min(far) && next < near.max(far);
            if step.abs() < SHORT && (inside || here == near) {
                return if inside { next } else { here };
            }
            if (near - far).abs() < 4 {
                return near;
            }
            here = if inside { next } else { near / 2 + far / 2 };
            at = self.at(squares, shift, here);
            if rises(&at) == right && at.below_one == positive {
                near = here;
            } else {
                far = here;
            }
        }
        near
    }
}

/// After a step of Newton this short the next one would be below a quarter of the resolution of the error.
const SHORT: f64 = (1_u64 << (NODE_BITS - 32)) as f64;

fn shifted_node(fixed: Fixed, node: i64) -> BigInt {
    super::number::shifted(BigInt::from(node), i64::from(fixed.bits) - i64::from(NODE_BITS))
}

/// The divided differences f[t_0], f[t_0, t_1], ... in place.
fn divided_differences(values: &mut [BigInt], nodes: &[i64]) {
    for width in 1..values.len() {
        for i in (width..values.len()).rev() {
            let (before, after) = values.split_at_mut(i);
            after[0] -= &before[i - 1];
            div_node(&mut after[0], nodes[i] - nodes[i - width]);
        }
    }
}

/// The nodes in an order in which each is as far from those before it, in the product of distances, as possible.
fn leja(nodes: &[i64]) -> Vec<usize> {
    let mut left: Vec<(usize, f64)> = (0..nodes.len()).map(|j| (j, 1.0)).collect();
    let mut order = Vec::with_capacity(nodes.len());
    while let Some(best) = (0..left.len()).max_by(|&a, &b| left[a].1.total_cmp(&left[b].1)) {
        let (chosen, _) = left.swap_remove(best);
        for (j, product) in &mut left {
            *product *= (nodes[*j] - nodes[chosen]).unsigned_abs() as f64 / (1_i64 << NODE_BITS) as f64;
        }
        order.push(chosen);
    }
    order
}

/// Where the exchange ended.
pub(super) struct Outcome {
    pub nodes: Vec<i64>,
    pub level: BigInt,
    pub exchanges: u32,
    /// By what fraction the norm exceeds the level.
    pub excess: f64,
}

impl Outcome {
    /// Whether the level is the error of the best polynomial, but for a fraction of 2^-56.
    pub fn is_best(&self) -> bool {
        self.excess.abs() < LEVELLED && self.level.sign() == Sign::Plus
    }
}

/// Exchanges all points until the errors at the extrema agree, or no more progress is made.
///
/// The best error lies between the level and the largest error at the extrema (de la Vallee Poussin), so the outcome
/// carries its own proof, up to the rounding of the arithmetic.
pub(super) fn exchange(squares: &Squares, coefficients: usize) -> Outcome {
    let n = coefficients;
    let mut nodes = chebyshev_nodes(n);
    let shift = squares.fixed.div(&squares.mid, &squares.slope);
    let mut exchanges = 0;
    loop {
        let levelled = Levelled::solve(squares, &nodes);
        exchanges += 1;
        let mut next = nodes.clone();
        for (j, place) in next.iter_mut().enumerate().take(n).skip(1) {
            *place = levelled.extremum(squares, &shift, &nodes, j);
        }
        let errors = next.iter().map(|&t| levelled.error(squares, t).magnitude().clone());
        let largest = BigInt::from(errors.max().unwrap_or_default());
        let excess = ratio(&(&largest - &levelled.level), &levelled.level);
        let outcome = Outcome { nodes, level: levelled.level, exchanges, excess };
        let ordered = next.windows(2).all(|pair| pair[0].cmp(&pair[1]) == Ordering::Less);
        if outcome.is_best() || exchanges >= MAX_EXCHANGES || !ordered {
            return outcome;
        }
        nodes = next;
    }
}

/// The extrema of T_n on [-2, 2].
fn chebyshev_nodes(n: usize) -> Vec<i64> {
    let inner = |j: usize| (-(PI * j as f64 / n as f64).cos() * END as f64) as i64;
    (0..=n)
        .map(|j| {
            if j == 0 {
                -END
            } else if j == n {
                END
            } else {
                inner(j)
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// [1 - 2^-21, 1 + 2^-21] in a format of this many bits.
    fn narrow(bits: u32) -> Squares {
        let fixed = Fixed { bits };
        let tau = fixed.number(1.0, -21);
        Squares::new(fixed, &(fixed.one() - &tau), &(fixed.one() + tau))
    }

    #[test]
    fn too_few_bits_are_noticed() {
        assert!(exchange(&narrow(800), 32).is_best());
        for bits in [100, 300, 500, 650] {
            assert!(!exchange(&narrow(bits), 32).is_best(), "{bits}");
        }
    }

    #[test]
    fn every_start_is_levelled_and_bounds_the_best_error() {
        let squares = narrow(300);
        let best = exchange(&squares, 8);
        for skew in 1..8 {
            let mut nodes = chebyshev_nodes(8);
            nodes[skew] = nodes[skew] / 2 + nodes[skew - 1] / 2;
            let levelled = Levelled::solve(&squares, &nodes);
            assert!(levelled.level < best.level);
            for (j, &t) in nodes.iter().enumerate() {
                let error = levelled.error(&squares, t);
                let signed = if j % 2 == 0 { error } else { -error };
                assert!(ratio(&(signed - &levelled.level), &levelled.level).abs() < 1e-20, "{skew} {j}");
            }
        }
    }
}

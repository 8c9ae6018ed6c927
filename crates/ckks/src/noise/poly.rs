//! The noise of a polynomial: what each rounding inside it does to the result, to first order.
//!
//! Every power and every chain of a plan adds an error of its own, independent of the others. An error of T_k reaches the
//! result multiplied by the derivative of the result by T_k, through whatever T_k enters: squares, products of two
//! powers with a common ancestor and quotients are thereby taken with all their correlations, and nothing is bounded twice.
//! Derivatives are found backwards through the plan (Linnainmaa 1976). Products of two errors are left out.

use arras_approx::{Affine, Node, Plan, Polynomial};
use arras_rlwe::Level;

use super::Noise;
use crate::params::Params;

/// Points of the grid for each degree of the polynomial.
const GRID: usize = 8;

/// The noise of a polynomial as a function of x.
#[derive(Debug, Clone)]
pub struct PolyNoise {
    plan: Plan,
    errors: Errors,
    input: Noise,
    /// From the domain to [-1, 1].
    affine: Affine,
    degree: usize,
}

impl Params {
    /// Of p(x), from an input with this error at this level. Cost: that of a plan.
    pub fn poly_noise(&self, p: &Polynomial, input: Noise, slots: usize, level: Level) -> PolyNoise {
        let (unit, affine) = p.on_unit();
        let (mut level, mut input) = (level, input);
        if !p.is_unit() {
            level = level.down(1).unwrap_or(level);
            input = input.times(affine.scale).plus(self.rescale_noise(slots, level));
        }
        let plan = unit.plan();
        let errors = Errors::new(self, plan.depth, slots, level);
        PolyNoise { plan, errors, input, affine, degree: p.degree() }
    }
}

impl PolyNoise {
    /// For whatever x of the domain is worst.
    ///
    /// The variance is a polynomial in x of degree 2d at most, so its maximum over [-1, 1] exceeds that over 8d + 1 Chebyshev
    /// points by a factor of 1 / cos(pi/8) at most (Ehlich and Zeller 1964), which is included.
    ///
    /// Cost: 8d evaluations of the plan in numbers. Slots that come from elsewhere than the domain are not covered.
    #[must_use]
    pub fn most(&self) -> Noise {
        let points = GRID * self.degree;
        let at = |j: usize| (std::f64::consts::PI * j as f64 / points.max(1) as f64).cos();
        let variance = |j: usize| self.errors.variance(&self.plan, at(j), self.input);
        let most = (0..=points).map(variance).fold(0.0, f64::max);
        Noise((most / (std::f64::consts::PI / GRID as f64).cos()).sqrt())
    }

    /// At one x of the domain.
    #[must_use]
    pub fn at(&self, x: f64) -> Noise {
        Noise(self.errors.variance(&self.plan, self.affine.apply(x), self.input).sqrt())
    }
}

/// The deviations that are added by what lands at each depth; entry 0 is that of the input and not used.
#[derive(Debug, Clone)]
struct Errors {
    /// By a rescale alone.
    rescale: Vec<f64>,
    /// By a relinearisation fused with a rescale.
    product: Vec<f64>,
    /// By a coefficient, which is rounded to a multiple of this.
    coefficient: Vec<f64>,
}

impl Errors {
    fn new(params: &Params, depth: u32, slots: usize, top: Level) -> Self {
        let at = |depth: u32| top.down(depth).unwrap_or(Level(0));
        let landings = || 0..=depth;
        let rescale = |depth| params.rescale_noise(slots, at(depth));
        // The key switch happens at the squared scale: its error shrinks by a scale.
        let switch = |above: Level| Noise(params.switch_noise(slots, above).0 / params.scale(above));
        Self {
            rescale: landings().map(|depth| rescale(depth).0).collect(),
            product: landings().map(|d| rescale(d).plus(switch(at(d.saturating_sub(1)))).0).collect(),
            coefficient: landings().map(|depth| 0.5 / params.scale(at(depth))).collect(),
        }
    }

    /// The variance of the result at t in [-1, 1].
    fn variance(&self, plan: &Plan, t: f64, input: Noise) -> f64 {
        let values = powers(plan, t);
        let mut back = Back { errors: self, values: &values, slopes: vec![0.0; values.len()], variance: 0.0 };
        if plan.depth > 0 {
            back.chain(&plan.root, plan.depth as usize, 1.0);
        }
        for power in plan.powers.iter().rev() {
            let slope = back.slopes[power.index];
            back.variance += (slope * self.product[landing(power.index)]).powi(2);
            back.slopes[power.left] += 2.0 * slope * values[power.right];
            back.slopes[power.right] += 2.0 * slope * values[power.left];
            back.slopes[power.left - power.right] -= slope;
        }
        back.variance + (back.slopes[1] * input.0).powi(2)
    }
}

/// One pass backwards: the derivatives of the result by each T_k so far, and the variance so far.
struct Back<'a> {
    errors: &'a Errors,
    values: &'a [f64],
    slopes: Vec<f64>,
    variance: f64,
}

impl Back<'_> {
    /// A chain that lands at a depth, and of whose value the result has this derivative.
    fn chain(&mut self, node: &Node, depth: usize, slope: f64) {
        let mut rest = node;
        while let Node::Split { giant, quotient, remainder } = rest {
            self.slopes[*giant] += slope * value(quotient, self.values);
            self.chain(quotient, depth - 1, slope * self.values[*giant]);
            rest = remainder;
        }
        if let Node::Leaf(terms) = rest {
            for &(k, c) in terms {
                self.slopes[k] += slope * c;
                self.variance += (slope * self.values[k] * self.errors.coefficient[depth]).powi(2);
            }
        }
        let added = if matches!(node, Node::Leaf(_)) { &self.errors.rescale } else { &self.errors.product };
        self.variance += (slope * added[depth]).powi(2);
    }
}

/// T_0, T_1, ... at t, where the plan makes them.
fn powers(plan: &Plan, t: f64) -> Vec<f64> {
    let top = plan.powers.iter().map(|power| power.index).max().unwrap_or(1);
    let mut values = vec![0.0; top + 1];
    (values[0], values[1]) = (1.0, t);
    for p in &plan.powers {
        values[p.index] = 2.0 * values[p.left] * values[p.right] - values[p.left - p.right];
    }
    values
}

fn value(node: &Node, powers: &[f64]) -> f64 {
    match node {
        Node::Leaf(terms) => terms.iter().map(|&(k, c)| c * powers[k]).sum(),
        Node::Split { giant, quotient, remainder } => {
            value(quotient, powers) * powers[*giant] + value(remainder, powers)
        }
    }
}

/// The depth at which T_k lands: ceil(log2 k).
fn landing(k: usize) -> usize {
    k.next_power_of_two().trailing_zeros() as usize
}

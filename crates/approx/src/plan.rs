//! How a polynomial is evaluated: the powers that are made, and where it is split.
//!
//! # What a plan means
//!
//! T_k lies at depth ceil(log2 k), that is, at level L - ceil(log2 k) when the input T_1 is at level L. A node *lands*
//! at a depth D when its value is at level L - D after the rescale; everything that it does itself is done at level
//! L - D + 1 and depth D - 1. The root lands at [`Plan::depth`].
//!
//! * A [`Power`] T_k lands at ceil(log2 k): **one product, one relinearisation, one rescale** at the level of its lower
//!   operand T_left, which is L - ceil(log2 k) + 1. The doubling and the subtraction of T_{left - right} are free.
//! * A *chain* is a node that stands as the root or as a quotient, with its remainder, the remainder of that, and so on
//!   down to the [`Node::Leaf`] at the end. All of a chain lands at one D. A chain of s splits costs **s products,
//!   one relinearisation** if s > 0 (the degree-two products are summed first) and **one rescale**, and the leaf at
//!   its end **one scalar product for every term with k >= 1**, added before that one rescale. A leaf that stands alone
//!   as root or quotient is a chain with s = 0: one rescale, no relinearisation.
//! * The quotient of a split that lands at D lands at D - 1 and is a chain of its own.
//! * Operands at a higher level than the one at which they are used are brought down for free.
//! * A plan of depth 0 is a constant and costs nothing.
//!
//! [`Plan::tally`] counts exactly this, so a tracer and a backend that follow it agree.

use crate::polynomial::levels;

/// T_index = 2 T_left T_right - T_{left-right}, with left >= right >= 1 and left + right = index; T_0 = 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Power {
    /// Which Chebyshev polynomial is made.
    pub index: usize,
    /// The larger operand.
    pub left: usize,
    /// The smaller operand.
    pub right: usize,
}

/// A part of the polynomial.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// The sum of c_k T_k; k = 0 is a constant; k increases; no c_k is zero; an empty sum is zero.
    Leaf(Vec<(usize, f64)>),
    /// quotient * T_giant + remainder.
    Split {
        /// The index of the factor, which is T_1 or among the powers.
        giant: usize,
        /// A node that is not constant and lands one level earlier.
        quotient: Box<Node>,
        /// A node that lands at the same depth, added before the rescale.
        remainder: Box<Node>,
    },
}

/// How to evaluate one polynomial on [-1, 1]: see the [module](self) for what each part costs.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The powers in order of evaluation, each after its operands; T_1 is the input and not listed.
    pub powers: Vec<Power>,
    /// The polynomial itself.
    pub root: Node,
    /// Where the root lands: ceil(log2(d + 1)).
    pub depth: u32,
    /// Products of two ciphertexts: the powers and the splits.
    pub products: u32,
}

/// What is done at one level of an evaluation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Products of two ciphertexts.
    pub products: u32,
    /// Relinearisations.
    pub relinearisations: u32,
    /// Rescales.
    pub rescales: u32,
    /// Products of a ciphertext by a public number.
    pub scalar_products: u32,
}

impl Plan {
    /// What is done at each level: entry i counts the operations at level L - i, which land at depth i + 1.
    ///
    /// L is the level of T_1; there are `depth` entries, each with at least one rescale.
    #[must_use]
    pub fn tally(&self) -> Vec<Tally> {
        let mut out = vec![Tally::default(); self.depth as usize];
        for power in &self.powers {
            let at = &mut out[levels(power.index) as usize - 1];
            at.products += 1;
            at.relinearisations += 1;
            at.rescales += 1;
        }
        if self.depth > 0 {
            tally_chain(&self.root, self.depth as usize - 1, &mut out);
        }
        out
    }

    /// The value of the plan at t in [-1, 1], step by step as a backend does it, in plain f64.
    #[must_use]
    pub fn eval(&self, t: f64) -> f64 {
        let top = self.powers.iter().map(|p| p.index).max().unwrap_or(1);
        let mut t_of = vec![0.0; top + 1];
        t_of[0] = 1.0;
        t_of[1] = t;
        for p in &self.powers {
            t_of[p.index] = 2.0 * t_of[p.left] * t_of[p.right] - t_of[p.left - p.right];
        }
        eval_node(&self.root, &t_of)
    }
}

/// Adds the chain that starts at `node`, whose operations are at entry `at`, and all chains below it.
fn tally_chain(node: &Node, at: usize, out: &mut [Tally]) {
    let mut splits = 0;
    let mut next = node;
    while let Node::Split { quotient, remainder, .. } = next {
        splits += 1;
        tally_chain(quotient, at - 1, out);
        next = remainder;
    }
    if let Node::Leaf(terms) = next {
        let scalars = terms.iter().filter(|(k, _)| *k >= 1).count();
        out[at].scalar_products += u32::try_from(scalars).unwrap_or(u32::MAX);
    }
    out[at].products += splits;
    out[at].relinearisations += u32::from(splits > 0);
    out[at].rescales += 1;
}

fn eval_node(node: &Node, t_of: &[f64]) -> f64 {
    match node {
        Node::Leaf(terms) => terms.iter().map(|&(k, c)| c * t_of[k]).sum(),
        Node::Split { giant, quotient, remainder } => {
            eval_node(quotient, t_of) * t_of[*giant] + eval_node(remainder, t_of)
        }
    }
}

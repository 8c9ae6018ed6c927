//! Polynomials in the Chebyshev basis, at optimal depth and with an exact output scale.
//!
//! The plan comes from `approx`. Powers keep the scale that their products happen to have; each part is asked for the scale
//! that makes its product land where the whole needs it (Bossuat et al. 2021, section 4), so no alignment costs anything.

use arras_approx::{Node, Plan, Polynomial};
use arras_ring::{Eval, Modulus, Poly};
use arras_rlwe::{Level, Sum};

use super::{Evaluator, Op};
use crate::cipher::{Ciphertext, Raw};
use crate::encode::residue_of;
use crate::error::Error;

/// T_1, T_2, ... of the input, where made.
struct Powers {
    made: Vec<Option<Raw>>,
    top: Level,
}

/// Which coefficients are multiples of i.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Imaginary {
    None,
    Odd,
    Even,
}

impl Imaginary {
    /// Of a quotient by T_giant: an odd factor swaps the two kinds.
    fn over(self, giant: usize) -> Self {
        match (self, giant % 2) {
            (Self::Odd, 1) => Self::Even,
            (Self::Even, 1) => Self::Odd,
            (same, _) => same,
        }
    }

    fn holds(self, index: usize) -> bool {
        match self {
            Self::None => false,
            Self::Odd => index % 2 == 1,
            Self::Even => index.is_multiple_of(2),
        }
    }
}

impl Evaluator {
    /// p(a). Cost: `p.depth()` levels, and the products of `p.plan()`.
    ///
    /// # Errors
    /// Too few levels, no relinearisation key, or an operand of other parameters.
    pub fn poly(&self, a: &Ciphertext, p: &Polynomial) -> Result<Ciphertext, Error> {
        self.check(a)?;
        self.need("a polynomial", p.depth(), a.level())?;
        let moved;
        let (a, unit) = if p.is_unit() {
            (a, p.clone())
        } else {
            let (unit, affine) = p.on_unit();
            moved = self.combine(&[a], &[affine.scale], affine.shift)?;
            (&moved, unit)
        };
        let plan = unit.plan();
        if plan.depth == 0 {
            let zero = self.sub(a, a)?;
            return self.add_scalar(&zero, unit.eval(0.0));
        }
        let out = self.need("a polynomial", plan.depth, a.level())?;
        let powers = self.powers(self.raw(a), &plan)?;
        let raw = self.chain(&powers, (&plan.root, Imaginary::None), plan.depth, self.params.scale(out))?;
        Ok(self.wrap(raw.parts, raw.level, a.slots))
    }

    /// The sum of c_k T_k(a) over even k, plus i times that over odd k, at a scale. Cost: as `poly` on [-1, 1].
    ///
    /// A plan is linear in the coefficients and never mixes indices of different parity, so one for real coefficients serves.
    pub(crate) fn poly_odd_imaginary(&self, a: Raw, plan: &Plan, scale: f64) -> Result<Raw, Error> {
        let powers = self.powers(a, plan)?;
        self.chain(&powers, (&plan.root, Imaginary::Odd), plan.depth, scale)
    }

    fn powers(&self, a: Raw, plan: &Plan) -> Result<Powers, Error> {
        let most = plan.powers.iter().map(|power| power.index).max().unwrap_or(1);
        let mut powers = Powers { made: (0..=most).map(|_| None).collect(), top: a.level };
        powers.made[1] = Some(a);
        for power in &plan.powers {
            let (left, right) = (powers.at(power.left), powers.at(power.right));
            let made = self.double_product(left, right, powers.made[power.left - power.right].as_ref())?;
            powers.made[power.index] = Some(made);
        }
        Ok(powers)
    }

    /// 2 left right - less, or - 1 when there is nothing to take away.
    fn double_product(&self, left: &Raw, right: &Raw, less: Option<&Raw>) -> Result<Raw, Error> {
        let ring = self.params.ring();
        let level = left.level.min(right.level);
        let below = self.need("a power", 1, level)?;
        let basis = self.params.basis(level);
        let scale = left.scale * right.scale;
        let d = ring.tensor_twice(halves(left), halves(right), basis);
        let terms: Vec<_> = less.into_iter().map(halves).collect();
        let ratio = less.map_or(0.0, |less| -scale / less.scale);
        let constant = if less.is_none() { -scale } else { 0.0 };
        let plus = Sum {
            terms: &terms,
            weight: &|_, m: &Modulus| residue_of(ratio, m),
            constant: &|m: &Modulus| residue_of(constant, m),
        };
        self.count(Op::Product, level, 1);
        self.count(Op::Rescale, level, 1);
        let parts = self.relinearise_sum(&d, &plus, level, below)?;
        Ok(Raw { parts, level: below, scale: scale / self.params.step(level) })
    }

    /// A node that stands as root or quotient, landing at a depth with a given scale.
    fn chain(
        &self,
        powers: &Powers,
        (node, kind): (&Node, Imaginary),
        depth: u32,
        scale: f64,
    ) -> Result<Raw, Error> {
        let below = self.need("a polynomial", depth, powers.top)?;
        let level = Level(below.0 + 1);
        // What the sum must have before the rescale.
        let wide = scale * self.params.step(level);
        let ring = self.params.ring();
        let mut splits = Vec::new();
        let mut rest = node;
        let leaf = loop {
            match rest {
                Node::Leaf(terms) => break terms,
                Node::Split { giant, quotient, remainder } => {
                    let inner = (&**quotient, kind.over(*giant));
                    let giant = powers.at(*giant);
                    splits.push((self.chain(powers, inner, depth - 1, wide / giant.scale)?, giant));
                    rest = remainder;
                }
            }
        };
        self.count(Op::Product, level, splits.len() as u64);
        self.count(Op::Rescale, level, 1);
        let basis = self.params.basis(level);
        let sum = splits.iter().fold(None::<[Poly<Eval>; 3]>, |sum, (quotient, giant)| {
            let (a, b) = (halves(quotient), halves(giant));
            Some(match sum {
                Some(sum) => ring.tensor_plus(a, b, &sum, basis),
                None => ring.tensor(a, b, basis),
            })
        });
        let parts = match (sum, kind) {
            (Some(d), Imaginary::None) => self.relinearise_leaf(powers, leaf, &d, level, wide)?,
            (Some(d), _) => {
                let linear = self.leaf(powers, (leaf, kind), level, wide);
                let terms = [[&linear[0], &linear[1]]];
                let plus = Sum { terms: &terms, weight: &|_, _| 1, ..Sum::default() };
                self.relinearise_sum(&d, &plus, level, below)?
            }
            (None, _) => {
                let linear = self.leaf(powers, (leaf, kind), level, wide);
                ring.divide([&linear[0], &linear[1]], self.params.basis(below))
            }
        };
        Ok(Raw { parts, level: below, scale })
    }

    /// A degree-two sum, plus sum of c_k T_k at its level and scale, to degree one a level below.
    fn relinearise_leaf(
        &self,
        powers: &Powers,
        leaf: &[(usize, f64)],
        d: &[Poly<Eval>; 3],
        level: Level,
        scale: f64,
    ) -> Result<[Poly<Eval>; 2], Error> {
        let used: Vec<(&Raw, f64)> =
            leaf.iter().filter(|(k, _)| *k > 0).map(|&(k, c)| (powers.at(k), c)).collect();
        let terms: Vec<_> = used.iter().map(|(raw, _)| halves(raw)).collect();
        let constant: f64 = leaf.iter().filter(|(k, _)| *k == 0).map(|(_, c)| c * scale).sum();
        let plus = Sum {
            terms: &terms,
            weight: &|t: usize, m: &Modulus| residue_of(used[t].1 * (scale / used[t].0.scale), m),
            constant: &|m: &Modulus| residue_of(constant, m),
        };
        self.count(Op::ScalarProduct, level, used.len() as u64);
        self.relinearise_sum(d, &plus, level, self.need("a rescale", 1, level)?)
    }

    /// sum of c_k T_k at a level and scale.
    fn leaf(
        &self,
        powers: &Powers,
        (terms, kind): (&[(usize, f64)], Imaginary),
        level: Level,
        scale: f64,
    ) -> [Poly<Eval>; 2] {
        let (ring, basis) = (self.params.ring(), self.params.basis(level));
        let used: Vec<(usize, &Raw, f64)> =
            terms.iter().filter(|(k, _)| *k > 0).map(|&(k, c)| (k, powers.at(k), c)).collect();
        let weight = |t: usize, m: &Modulus| residue_of(used[t].2 * (scale / used[t].1.scale), m);
        let gaussian = |t: usize, m: &Modulus| {
            if kind.holds(used[t].0) { [0, weight(t, m)] } else { [weight(t, m), 0] }
        };
        let mut parts = [0, 1].map(|half| {
            let polys: Vec<&Poly<Eval>> = used.iter().map(|(_, raw, _)| &raw.parts[half]).collect();
            match kind {
                Imaginary::None => ring.combine(&polys, weight, basis),
                Imaginary::Odd | Imaginary::Even => ring.combine_gaussian(&polys, gaussian, basis),
            }
        });
        for (_, c) in terms.iter().filter(|(k, _)| *k == 0) {
            let constant = |m: &Modulus| residue_of(c * scale, m);
            if kind.holds(0) {
                ring.add_gaussian_assign(&mut parts[0], |m| [0, constant(m)]);
            } else {
                ring.add_integer_assign(&mut parts[0], constant);
            }
        }
        self.count(Op::ScalarProduct, level, used.len() as u64);
        parts
    }
}

fn halves(raw: &Raw) -> [&Poly<Eval>; 2] {
    [&raw.parts[0], &raw.parts[1]]
}

impl Powers {
    #[expect(
        clippy::panic,
        reason = "a plan lists every power before it is used; approx tests every plan it makes"
    )]
    fn at(&self, index: usize) -> &Raw {
        match self.made.get(index) {
            Some(Some(raw)) => raw,
            _ => panic!("the plan uses T_{index} before it is made"),
        }
    }
}

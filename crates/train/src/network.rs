//! The network while it learns: an embedding table, one hidden layer with a quadratic per neuron, one logit difference.
//!
//! The gradient is written out by hand, for one example at a time, and checked against differences in the tests: the
//! network is four short formulas, and this way nothing is allocated per step and a table row costs what it holds.
//!
//! ```text
//! s = sum of weight * row / tokens^power        x = s * min(1, limit / |s|)
//! z = W1 x + b1        a = z * (z + b) + c        d = w2 . a + b2        p = 1 / (1 + exp(-d))
//! ```

use arras_nn::lexicon::Entry;

use crate::rng::Rng;

/// Sizes and constants that do not learn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// Features.
    pub features: usize,
    /// Hidden neurons.
    pub hidden: usize,
    /// The sum of rows is divided by the number of tokens to this power.
    pub power: f32,
    /// The longest feature vector; a longer one is scaled down to it.
    pub limit: f32,
}

/// What ranges cost: the square of the excess, times the weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Penalty {
    /// Weight of the penalty.
    pub weight: f32,
    /// Free range of the hidden values before the activation.
    pub hidden: f32,
    /// Free range of the logit difference.
    pub logit: f32,
}

/// Everything that learns.
#[derive(Debug, Clone)]
pub struct Network {
    /// Sizes and constants.
    pub shape: Shape,
    /// The embedding table, row after row.
    pub table: Vec<f32>,
    /// The rest: W1 (neuron after neuron), b1, b, c, w2, b2.
    pub dense: Vec<f32>,
}

/// The dense parameters by name.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// First weights, neuron after neuron.
    pub w1: &'a [f32],
    /// First biases.
    pub b1: &'a [f32],
    /// Linear coefficients of the activation.
    pub slope: &'a [f32],
    /// Constants of the activation.
    pub offset: &'a [f32],
    /// Weights of the logit difference.
    pub w2: &'a [f32],
    /// Its bias.
    pub b2: f32,
}

/// The values of one example on its way through the network.
#[derive(Debug, Clone, Default)]
pub struct Pass {
    sum: Vec<f32>,
    /// Features.
    pub x: Vec<f32>,
    /// Hidden values before the activation.
    pub z: Vec<f32>,
    /// Hidden values after it.
    pub a: Vec<f32>,
    /// The logit difference.
    pub d: f32,
    norm: f32,
    /// Gradient at the features, after [`Network::backward`].
    pub dx: Vec<f32>,
}

/// The logistic function.
#[must_use]
pub fn sigmoid(d: f32) -> f32 {
    1.0 / (1.0 + (-d).exp())
}

/// Cross-entropy of the logistic of `d` against a target in [0, 1].
#[must_use]
pub fn cross_entropy(d: f32, target: f32) -> f32 {
    d.max(0.0) - d * target + (-d.abs()).exp().ln_1p()
}

impl Shape {
    /// Length of the dense parameters.
    #[must_use]
    pub const fn dense(&self) -> usize {
        self.hidden * (self.features + 4) + 1
    }
}

impl Network {
    /// A network before its first step.
    #[must_use]
    pub fn new(shape: Shape, rows: usize, seed: u64) -> Self {
        let mut rng = Rng::new(seed, 1);
        let table = (0..rows * shape.features).map(|_| rng.symmetric(0.05)).collect();
        let width = (1.5 / shape.features as f32).sqrt();
        let mut dense = Vec::with_capacity(shape.dense());
        dense.extend((0..shape.hidden * shape.features).map(|_| rng.symmetric(width)));
        dense.extend((0..shape.hidden).map(|_| 0.0));
        dense.extend((0..shape.hidden).map(|_| 2.0));
        dense.extend((0..shape.hidden).map(|_| 0.0));
        dense.extend((0..shape.hidden).map(|_| rng.symmetric(1.0 / (shape.hidden as f32).sqrt())));
        dense.push(0.0);
        Self { shape, table, dense }
    }

    /// Networks of one shape side by side: the features of all, the neurons of all, the mean of their logit differences.
    ///
    /// The first weights become blocks, with zeros between what belongs to different members.
    #[must_use]
    pub fn beside(members: &[Self]) -> Option<Self> {
        let Shape { features: f, hidden: h, power, limit } = members.first()?.shape;
        let count = members.len() as f32;
        let shape = Shape {
            features: f * members.len(),
            hidden: h * members.len(),
            power,
            limit: limit * count.sqrt(),
        };
        let parts: Vec<Parts<'_>> = members.iter().map(Self::parts).collect();
        let mut rows: Vec<_> = members.iter().map(|m| m.table.chunks_exact(f)).collect();
        let total: usize = members.iter().map(|m| m.table.len()).sum();
        let mut table = Vec::with_capacity(total);
        while table.len() < total {
            rows.iter_mut().for_each(|r| table.extend(r.next().into_iter().flatten()));
        }
        let mut dense = Vec::with_capacity(shape.dense());
        for (i, part) in parts.iter().enumerate() {
            for row in part.w1.chunks_exact(f) {
                let at = dense.len() + i * f;
                dense.resize(dense.len() + shape.features, 0.0);
                dense.iter_mut().skip(at).zip(row).for_each(|(d, w)| *d = *w);
            }
        }
        dense.extend(parts.iter().flat_map(|p| p.b1));
        dense.extend(parts.iter().flat_map(|p| p.slope));
        dense.extend(parts.iter().flat_map(|p| p.offset));
        dense.extend(parts.iter().flat_map(|p| p.w2).map(|w| w / count));
        dense.push(parts.iter().map(|p| p.b2).sum::<f32>() / count);
        Some(Self { shape, table, dense })
    }

    /// The dense parameters by name.
    #[must_use]
    pub fn parts(&self) -> Parts<'_> {
        let (h, f) = (self.shape.hidden, self.shape.features);
        let (w1, rest) = self.dense.split_at(h * f);
        let (b1, rest) = rest.split_at(h);
        let (slope, rest) = rest.split_at(h);
        let (offset, rest) = rest.split_at(h);
        let (w2, rest) = rest.split_at(h);
        Parts { w1, b1, slope, offset, w2, b2: rest.first().copied().unwrap_or(0.0) }
    }

    /// The features of weighted rows, into `pass`.
    pub fn embed(&self, entries: &[Entry], tokens: usize, pass: &mut Pass) {
        let f = self.shape.features;
        pass.sum.clear();
        pass.sum.resize(f, 0.0);
        for entry in entries {
            let at = entry.row as usize * f;
            if let Some(row) = self.table.get(at..at + f) {
                for (s, w) in pass.sum.iter_mut().zip(row) {
                    *s += entry.weight * w;
                }
            }
        }
        let scale = self.scale(tokens);
        for s in &mut pass.sum {
            *s *= scale;
        }
        pass.norm = pass.sum.iter().map(|s| s * s).sum::<f32>().sqrt();
        let shrink = self.shrink(pass.norm);
        pass.x.clear();
        pass.x.extend(pass.sum.iter().map(|s| s * shrink));
    }

    /// What one row contributes per unit of its weight.
    #[must_use]
    pub fn scale(&self, tokens: usize) -> f32 {
        (tokens.max(1) as f32).powf(-self.shape.power)
    }

    fn shrink(&self, norm: f32) -> f32 {
        if norm > self.shape.limit { self.shape.limit / norm } else { 1.0 }
    }

    /// From features to the logit difference.
    pub fn forward(&self, pass: &mut Pass) {
        let p = self.parts();
        pass.z.clear();
        pass.z.extend(p.w1.chunks_exact(self.shape.features).zip(p.b1).map(|(w, b)| dot(w, &pass.x) + b));
        pass.a.clear();
        pass.a.extend(pass.z.iter().zip(p.slope).zip(p.offset).map(|((z, b), c)| z * (z + b) + c));
        pass.d = dot(p.w2, &pass.a) + p.b2;
    }

    /// Adds one example's gradient to `grad` (laid out like `dense`) and leaves the one at the sum of rows in `pass.dx`.
    ///
    /// Returns the loss: cross-entropy and penalty.
    pub fn backward(&self, pass: &mut Pass, target: f32, penalty: &Penalty, grad: &mut [f32]) -> f32 {
        let p = self.parts();
        let (h, f) = (self.shape.hidden, self.shape.features);
        let (gw1, rest) = grad.split_at_mut(h * f);
        let (gb1, rest) = rest.split_at_mut(h);
        let (gslope, rest) = rest.split_at_mut(h);
        let (goffset, rest) = rest.split_at_mut(h);
        let (gw2, gb2) = rest.split_at_mut(h);
        let (outside, mut dd) = excess(pass.d, penalty.logit);
        let mut loss = cross_entropy(pass.d, target) + penalty.weight * outside * outside;
        dd = sigmoid(pass.d) - target + 2.0 * penalty.weight * outside * dd;
        if let Some(g) = gb2.first_mut() {
            *g += dd;
        }
        pass.dx.clear();
        pass.dx.resize(f, 0.0);
        for i in 0..h {
            let (Some(&z), Some(&a), Some(&slope), Some(&w2)) =
                (pass.z.get(i), pass.a.get(i), p.slope.get(i), p.w2.get(i))
            else {
                break;
            };
            let da = dd * w2;
            let (outside, sign) = excess(z, penalty.hidden);
            let weight = penalty.weight / h as f32;
            loss += weight * outside * outside;
            let dz = da * (2.0 * z + slope) + 2.0 * weight * outside * sign;
            add(gw2, i, dd * a);
            add(gslope, i, da * z);
            add(goffset, i, da);
            add(gb1, i, dz);
            if let (Some(g), Some(w)) = (gw1.get_mut(i * f..(i + 1) * f), p.w1.get(i * f..(i + 1) * f)) {
                axpy(dz, &pass.x, g);
                axpy(dz, w, &mut pass.dx);
            }
        }
        self.through_limit(pass);
        loss
    }

    /// From the gradient at the features to the one at the sum: the limit lets only turns through.
    fn through_limit(&self, pass: &mut Pass) {
        let shrink = self.shrink(pass.norm);
        if shrink < 1.0 {
            let along = dot(&pass.sum, &pass.dx) / (pass.norm * pass.norm);
            for (g, s) in pass.dx.iter_mut().zip(&pass.sum) {
                *g = shrink * (*g - along * s);
            }
        }
    }
}

/// How far `value` is outside [-free, free], and on which side.
fn excess(value: f32, free: f32) -> (f32, f32) {
    ((value.abs() - free).max(0.0), value.signum())
}

fn add(g: &mut [f32], at: usize, value: f32) {
    if let Some(g) = g.get_mut(at) {
        *g += value;
    }
}

/// y += a * x.
pub(crate) fn axpy(a: f32, x: &[f32], y: &mut [f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += a * x;
    }
}

/// The scalar product, in eight lanes that the compiler can keep in one register.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 8];
    let (ca, cb) = (a.chunks_exact(8), b.chunks_exact(8));
    let tail: f32 = ca.remainder().iter().zip(cb.remainder()).map(|(x, y)| x * y).sum();
    for (a, b) in ca.zip(cb) {
        for ((l, x), y) in lanes.iter_mut().zip(a).zip(b) {
            *l += x * y;
        }
    }
    lanes.iter().sum::<f32>() + tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn side_by_side_is_the_mean() {
        let shape = Shape { features: 6, hidden: 3, power: 0.5, limit: 9.0 };
        let members = [Network::new(shape, 5, 1), Network::new(shape, 5, 2)];
        let entries = [Entry { row: 4, weight: 3.0 }, Entry { row: 0, weight: 7.0 }];
        let logit = |net: &Network| {
            let mut pass = Pass::default();
            net.embed(&entries, 2, &mut pass);
            net.forward(&mut pass);
            pass.d
        };
        let both = Network::beside(&members).unwrap();
        assert_eq!((both.shape.features, both.shape.hidden, both.dense.len()), (12, 6, both.shape.dense()));
        assert!((logit(&both) - 0.5 * (logit(&members[0]) + logit(&members[1]))).abs() < 1e-5);
        assert!(Network::beside(&[]).is_none());
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_loss() {
        let shape = Shape { features: 9, hidden: 5, power: 0.5, limit: 0.06 };
        let penalty = Penalty { weight: 0.3, hidden: 0.05, logit: 0.01 };
        let mut net = Network::new(shape, 4, 3);
        let entries = [Entry { row: 1, weight: 1.0 }, Entry { row: 3, weight: 0.5 }];
        let loss = |net: &Network, grad: &mut [f32], pass: &mut Pass| {
            net.embed(&entries, 3, pass);
            net.forward(pass);
            net.backward(pass, 0.8, &penalty, grad)
        };
        let (mut grad, mut pass) = (vec![0.0; shape.dense()], Pass::default());
        loss(&net, &mut grad, &mut pass);
        let (dx, scale) = (pass.dx.clone(), net.scale(3));
        let mut ignored = vec![0.0; shape.dense()];
        let e = 1e-2;
        for (i, &want) in grad.iter().enumerate() {
            let w = net.dense[i];
            net.dense[i] = w + e;
            let up = loss(&net, &mut ignored, &mut pass);
            net.dense[i] = w - e;
            let down = loss(&net, &mut ignored, &mut pass);
            net.dense[i] = w;
            assert!((want - (up - down) / (2.0 * e)).abs() < 3e-3, "dense {i}");
        }
        let e = 1e-3;
        for (i, slope) in dx.iter().enumerate() {
            let w = net.table[9 + i];
            net.table[9 + i] = w + e;
            let up = loss(&net, &mut ignored, &mut pass);
            net.table[9 + i] = w - e;
            let down = loss(&net, &mut ignored, &mut pass);
            net.table[9 + i] = w;
            let want = slope * scale;
            assert!((want - (up - down) / (2.0 * e)).abs() < 2e-2 * want.abs().max(0.1), "row {i}");
        }
    }
}

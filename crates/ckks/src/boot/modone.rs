//! Reduction modulo 1 of numbers near integers: t = I + m / r becomes m.
//!
//! exp(2 pi i K x / 2^R) on [-1, 1] by a Chebyshev polynomial, squared R times, gives z = exp(2 pi i t) for t = K x. The sum
//! over k of b_k sin(2 pi k t), a combination of the imaginary parts of the powers of z, is odd and has period 1; with a few
//! terms it is r t near 0 far beyond the reach of the sine alone (Jutla and Manohar 2022, sine series). The exponential needs
//! a level less than cosine and arcsine: powers of z double in degree where an odd polynomial of the sine does not.

use crate::encode::power_of_i;
use arras_approx::Plan;
use arras_approx::fit::interpolate;
use arras_ring::{Eval, Modulus, Poly};
use arras_rlwe::Level;

use super::spec::BootSpec;
use crate::cipher::Raw;
use crate::encode::residue_of;
use crate::error::Error;
use crate::eval::{Evaluator, Op};

/// The polynomials of a reduction, by its specification.
#[derive(Debug)]
pub(crate) struct ModOne {
    plan: Plan,
    doublings: u32,
    /// b_1, ..., b_4.
    series: [f64; 4],
}

/// Levels that the series takes after the last squaring.
pub(crate) const SERIES_LEVELS: u32 = 2;

impl ModOne {
    /// The polynomials.
    ///
    /// # Errors
    /// A degree beyond what `approx` does.
    pub fn new(spec: &BootSpec) -> Result<Self, Error> {
        let plan = exponential(spec)?.plan();
        Ok(Self { plan, doublings: spec.doublings, series: series(spec) })
    }
}

/// The Chebyshev polynomial whose coefficients of even index are those of cos(w x) and of odd index those of sin(w x), for
/// w = 2 pi K / 2^R.
pub(crate) fn exponential(spec: &BootSpec) -> Result<arras_approx::Polynomial, Error> {
    let w = 2.0 * std::f64::consts::PI * spec.range / f64::from(spec.doublings).exp2();
    let degree = spec.degree as usize;
    let even = interpolate(|x| (w * x).cos(), -1.0, 1.0, degree).map_err(|_| Error::BootDegree { degree })?;
    let odd = interpolate(|x| (w * x).sin(), -1.0, 1.0, degree).map_err(|_| Error::BootDegree { degree })?;
    let coefficient = |(k, &odd): (usize, &f64)| {
        if k % 2 == 1 { odd } else { even.coefficients().get(k).copied().unwrap_or(0.0) }
    };
    let mixed = odd.coefficients().iter().enumerate().map(coefficient).collect();
    arras_approx::Polynomial::unit(mixed).map_err(|_| Error::BootDegree { degree })
}

/// b_1, ..., b_4 with sum b_k sin(k a) near r a / 2 pi for |a| up to 2 pi / r and a little more: interpolation at the Chebyshev
/// nodes of the even function a / sin a, which is a cubic in cos a.
pub(crate) fn series(spec: &BootSpec) -> [f64; 4] {
    let most = 2.0 * std::f64::consts::PI / spec.ratio * SLACK;
    let node = |j: usize| most * (std::f64::consts::PI * (2.0 * j as f64 + 1.0) / 16.0).cos();
    let mut rows: [[f64; 5]; 4] = [[0.0; 5]; 4];
    for (j, row) in rows.iter_mut().enumerate() {
        let a = node(j);
        (1..=4).for_each(|k| row[k - 1] = (k as f64 * a).sin());
        row[4] = spec.ratio * a / (2.0 * std::f64::consts::PI);
    }
    solve(rows)
}

/// How far beyond the unit box the series still fits.
const SLACK: f64 = 1.0 + 1.0 / 64.0;

/// Gaussian elimination with the largest pivot of each column.
fn solve(mut rows: [[f64; 5]; 4]) -> [f64; 4] {
    for k in 0..4 {
        let pivot = (k..4).max_by(|&a, &b| rows[a][k].abs().total_cmp(&rows[b][k].abs())).unwrap_or(k);
        rows.swap(k, pivot);
        let lead = rows[k];
        for row in &mut rows[k + 1..] {
            let factor = row[k] / lead[k];
            row.iter_mut().zip(lead).for_each(|(x, y)| *x -= factor * y);
        }
    }
    let mut out = [0.0; 4];
    for k in (0..4).rev() {
        let known: f64 = (k + 1..4).map(|j| rows[k][j] * out[j]).sum();
        out[k] = (rows[k][4] - known) / rows[k][k];
    }
    out
}

/// A bound on the error of `exponential`: interpolation folds every coefficient beyond the degree back once, so it errs by at
/// most twice their sum, less the first, which vanishes at the nodes; the coefficient k is 2 J_k(w) (Trefethen 2013, chapters
/// 4 and 8).
pub(crate) fn exponential_error(spec: &BootSpec) -> f64 {
    let half = std::f64::consts::PI * spec.range / f64::from(spec.doublings).exp2();
    let beyond = spec.degree + 1..spec.degree + 100;
    4.0 * beyond.map(|k| bessel(k, half).abs()).sum::<f64>() - 2.0 * bessel(spec.degree + 1, half).abs()
}

/// J_k(2x) by its power series, for x^2 not much larger than k: then nothing cancels.
fn bessel(k: u32, x: f64) -> f64 {
    let mut term: f64 = (1..=k).map(|j| x / f64::from(j)).product();
    let mut sum = 0.0;
    for m in 1..=60u32 {
        sum += term;
        term *= -x * x / (f64::from(m) * f64::from(m + k));
    }
    sum
}

/// The sum of b_k z^k before its last relinearisation and rescale, at a level and scale.
pub(crate) struct Wide {
    parts: [Poly<Eval>; 3],
    level: Level,
    scale: f64,
}

impl Evaluator {
    /// z = exp(2 pi i K x), then sum b_k z^k, such that a rescale lands on a scale.
    pub(crate) fn mod_one(&self, x: Raw, mod_one: &ModOne, scale: f64) -> Result<Wide, Error> {
        let params = self.params();
        let depth = mod_one.plan.depth + mod_one.doublings + SERIES_LEVELS;
        let Some(out) = x.level.down(depth) else {
            return Err(Error::OutOfLevels { op: "a refresh", need: depth, have: x.level });
        };
        let wide = scale * params.step(Level(out.0 + 1));
        // From the end to the start: b_4 y^2 is at the wide scale when y^2 is at |b_4| times it; a squaring squares a scale.
        let last = Level(out.0 + 2);
        let half = (wide * mod_one.series[3].abs()).sqrt();
        let mut target = (half * params.step(last)).sqrt();
        let z_scale = target;
        for k in 0..mod_one.doublings {
            target = (target * params.step(Level(last.0 + 1 + k as u8))).sqrt();
        }
        let mut z = self.poly_odd_imaginary(x, &mod_one.plan, target)?;
        for _ in 0..mod_one.doublings {
            z = self.square_raw(&z)?;
        }
        debug_assert!((z.scale / z_scale - 1.0).abs() < 1e-9, "the scales of the squarings were foreseen");
        self.series_of(&z, &mod_one.series, wide)
    }

    fn square_raw(&self, a: &Raw) -> Result<Raw, Error> {
        let below = Level(a.level.0 - 1);
        let parts = [&a.parts[0], &a.parts[1]];
        let d = self.params().ring().tensor(parts, parts, self.params().basis(a.level));
        self.count(Op::Product, a.level, 1);
        self.count(Op::Rescale, a.level, 1);
        let parts = self.relinearise_parts(&d, a.level, below)?;
        Ok(Raw { parts, level: below, scale: a.scale * a.scale / self.params().step(a.level) })
    }

    /// b_4 y (y + (b_3 / b_4) z) + b_2 y + b_1 z with y = z^2.
    fn series_of(&self, z: &Raw, b: &[f64; 4], wide: f64) -> Result<Wide, Error> {
        let (params, ring) = (self.params(), self.params().ring());
        let y = self.square_raw(z)?;
        let (basis, below) = (params.basis(z.level), params.basis(y.level));
        let weight = b[2] / b[3] * z.scale;
        let scaled = [0, 1].map(|k| ring.mul_integer(&z.parts[k], |m| residue_of(weight, m), basis));
        let mut u = ring.divide([&scaled[0], &scaled[1]], below);
        u.iter_mut().zip(&y.parts).for_each(|(u, y)| ring.add_assign(u, y));
        if b[3] < 0.0 {
            u.iter_mut().for_each(|part| ring.neg_assign(part));
        }
        self.count(Op::Product, y.level, 1);
        self.count(Op::ScalarProduct, z.level, 1);
        self.count(Op::ScalarProduct, y.level, 2);
        let weights = [b[0] * (wide / z.scale), b[1] * (wide / y.scale)];
        let weight = |t: usize, m: &Modulus| residue_of(weights[t], m);
        let linear = [0, 1].map(|k| ring.combine(&[&z.parts[k], &y.parts[k]], weight, below));
        let parts = ring.tensor_plus([&u[0], &u[1]], [&y.parts[0], &y.parts[1]], &linear, below);
        Ok(Wide { parts, level: y.level, scale: wide })
    }

    /// The sum of one or two such values, each times a power of i, relinearised and rescaled.
    pub(crate) fn finish<const K: usize>(&self, terms: &[(&Wide, u32); K]) -> Result<Raw, Error> {
        let (first, ring) = (terms[0].0, self.params().ring());
        let below = Level(first.level.0 - 1);
        let basis = self.params().basis(first.level);
        let weight = |t: usize, m: &Modulus| power_of_i(terms[t].1, m);
        let sum = |k: usize| {
            let polys: Vec<&Poly<Eval>> = terms.iter().map(|(wide, _)| &wide.parts[k]).collect();
            ring.combine_gaussian(&polys, weight, basis)
        };
        let parts = self.relinearise_parts(&[sum(0), sum(1), sum(2)], first.level, below)?;
        self.count(Op::Rescale, first.level, 1);
        Ok(Raw { parts, level: below, scale: first.scale / self.params().step(first.level) })
    }
}

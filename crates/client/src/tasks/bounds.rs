//! The bounding reading: how large values are and how far they may be from exact, after every operation.
//!
//! | operation | error of the result, beyond the noise that it adds |
//! |---|---|
//! | a + b, a - b | e_a + e_b |
//! | a b | \|a\| e_b + \|b\| e_a + e_a e_b, and the same of the imaginary parts |
//! | v a, M a | the largest sum of \|entries\| of a row, times e_a |
//! | a s(x) + b | \|a\| times the proved error of the sign, whatever e_x is below its margin |
//! | x (a s(x) + b) | \|a\| times twice the proved weighted error, and e_x |
//! | p(x) | the largest slope of p, times e_x |
//!
//! Exact values are those of the program with true signs in the place of compositions. Noise is bounded by the formulas of
//! `arras_ckks::noise` at a tail of 2^-40 for all slots and operations together; the rest is arithmetic.

use std::sync::{Mutex, MutexGuard, PoisonError};

use arras_approx::{Polynomial, range};
use arras_circuits::{Arith, Composition, Error as Misuse, Matrix, Points, Rotate, Schedule};

use super::signs::{Proved, Site, Tail};
use crate::error::Error;

/// A hidden vector with its bounds, over all slots.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bounded {
    /// Multiplications left.
    pub level: u32,
    /// The most that an exact value is, in size.
    pub size: f64,
    /// How far the real part may be from it.
    pub error: f64,
    /// How large the imaginary part may be.
    pub imaginary: f64,
}

/// A sign of the program as the reading finds it.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// Its polynomials, by which the program is understood.
    pub stages: Vec<Polynomial>,
    /// What is taken to be proved of it.
    pub step: f64,
    /// The same of the weighted error.
    pub weighted: f64,
    /// The most that |s(x)| is anywhere.
    pub magnitude: f64,
    /// Imaginary part of s(x).
    pub imaginary: f64,
    /// The gap; an argument may be nearer to zero only in a ramp.
    pub proved: Option<Proved>,
    /// Where it was used.
    pub site: Option<Site>,
}

/// Refreshes on the way.
#[derive(Clone, Debug)]
pub(crate) struct Refreshes {
    pub schedule: Schedule,
    /// What a refresh adds to the error of each part.
    pub error: f64,
}

/// The operations on bounds.
pub(crate) struct Bounds<'a> {
    tail: Tail<'a>,
    refreshes: Option<Refreshes>,
    state: Mutex<State>,
}

struct State {
    signs: Vec<Known>,
    passed: usize,
}

/// How far beyond [-1, 1] an argument may be by the rounding of numbers.
const OVER: f64 = 1.0 + 1e-9;

impl<'a> Bounds<'a> {
    pub fn new(tail: Tail<'a>, signs: Vec<Known>, refreshes: Option<Refreshes>) -> Self {
        Self { tail, refreshes, state: Mutex::new(State { signs, passed: 0 }) }
    }

    /// A vector of values up to a size, sealed under the public key.
    pub fn input(&self, level: u32, size: f64) -> Bounded {
        let fresh = self.tail.params.public_noise(self.tail.slots, self.tail.level(level));
        let noise = self.tail.bound(fresh);
        Bounded { level, size, error: noise, imaginary: noise }
    }

    /// The signs with what was found of their places.
    pub fn into_signs(self) -> Vec<Known> {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).signs
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// At a level that may be lower.
    fn at(&self, a: &Bounded, level: u32) -> Bounded {
        if level >= a.level {
            return *a;
        }
        let rounding = a.size * self.tail.encoding(level);
        let noise = self.tail.rescale(level) + rounding;
        Bounded { level, error: a.error + noise, imaginary: a.imaginary + noise, ..*a }
    }

    fn aligned(&self, a: &Bounded, b: &Bounded) -> [Bounded; 2] {
        let level = a.level.min(b.level);
        [self.at(a, level), self.at(b, level)]
    }

    /// One level down, with the noise of a rescale and more.
    fn rescaled(&self, a: Bounded, more: f64) -> Result<Bounded, Error> {
        let level =
            a.level.checked_sub(1).ok_or(Misuse::OutOfLevels { op: "a product", need: 1, have: 0 })?;
        let noise = self.tail.rescale(level) + more;
        Ok(Bounded { level, error: a.error + noise, imaginary: a.imaginary + noise, ..a })
    }

    /// What is known of the sign in a composition, after this use of it.
    fn sign(&self, x: &Bounded, c: &Composition) -> Result<Known, Error> {
        if x.size > OVER {
            return Err(Error::Unbounded { size: x.size });
        }
        let mut state = self.state();
        let known = state.signs.iter_mut().find(|known| known.stages == c.stages());
        let known = known.ok_or(Error::ForeignFunction)?;
        let (factor, _) = c.map();
        let site = known.site.get_or_insert_with(|| Site {
            lowest: x.level,
            highest: x.level,
            real: x.error,
            imaginary: x.imaginary,
            factors: vec![factor],
        });
        site.lowest = site.lowest.min(x.level);
        site.highest = site.highest.max(x.level);
        site.real = site.real.max(x.error);
        site.imaginary = site.imaginary.max(x.imaginary);
        if !site.factors.contains(&factor) {
            site.factors.push(factor);
        }
        if let Some(proved) = &known.proved {
            let at = &proved.site;
            let fits = x.error <= at.real
                && x.imaginary <= at.imaginary
                && (at.lowest..=at.highest).contains(&x.level)
                && at.factors.contains(&factor);
            if !fits {
                return Err(Error::Noisy { have: -x.error.log2(), need: (-at.real.log2()).ceil() as u32 });
            }
        }
        Ok(known.clone())
    }

    fn below(&self, x: &Bounded, c: &Composition) -> Result<u32, Error> {
        let (need, have) = (c.depth(), x.level);
        Ok(have.checked_sub(need).ok_or(Misuse::OutOfLevels { op: "a sign", need, have })?)
    }
}

/// The largest size of a number.
fn most(v: &[f64]) -> f64 {
    v.iter().map(|x| x.abs()).fold(0.0, f64::max)
}

impl Arith for Bounds<'_> {
    type Ct = Bounded;
    type Error = Error;

    fn add(&self, a: &Bounded, b: &Bounded) -> Result<Bounded, Error> {
        let [a, b] = self.aligned(a, b);
        Ok(Bounded {
            level: a.level,
            size: a.size + b.size,
            error: a.error + b.error,
            imaginary: a.imaginary + b.imaginary,
        })
    }
    fn sub(&self, a: &Bounded, b: &Bounded) -> Result<Bounded, Error> {
        self.add(a, b)
    }
    fn mul(&self, a: &Bounded, b: &Bounded) -> Result<Bounded, Error> {
        let [a, b] = self.aligned(a, b);
        let scale = self.tail.params.scale(self.tail.level(a.level));
        let product = Bounded {
            level: a.level,
            size: a.size * b.size,
            error: a.size * b.error + b.size * a.error + a.error * b.error + a.imaginary * b.imaginary,
            imaginary: (a.size + a.error) * b.imaginary + (b.size + b.error) * a.imaginary,
        };
        // The key switch happens at the squared scale: its error shrinks by a scale.
        self.rescaled(product, self.tail.switch(a.level) / scale)
    }
    fn add_plain(&self, a: &Bounded, v: &[f64]) -> Result<Bounded, Error> {
        let noise = self.tail.encoding(a.level);
        Ok(Bounded { size: a.size + most(v), error: a.error + noise, imaginary: a.imaginary + noise, ..*a })
    }
    fn mul_plain(&self, a: &Bounded, v: &[f64]) -> Result<Bounded, Error> {
        let (factor, rounding) = (most(v), a.size * self.tail.encoding(a.level));
        let product = Bounded {
            level: a.level,
            size: a.size * factor,
            error: a.error * factor,
            imaginary: a.imaginary * factor,
        };
        self.rescaled(product, rounding)
    }
    fn add_scalar(&self, a: &Bounded, c: f64) -> Result<Bounded, Error> {
        self.add_plain(a, &[c])
    }
    fn mul_scalar(&self, a: &Bounded, c: f64) -> Result<Bounded, Error> {
        self.mul_plain(a, &[c])
    }
    fn combine(&self, terms: &[Bounded], weights: &[f64], bias: f64) -> Result<Bounded, Error> {
        let level = terms.iter().map(|term| term.level).min().unwrap_or(0);
        let mut sum = Bounded { level, size: bias.abs(), error: 0.0, imaginary: 0.0 };
        let mut rounding = self.tail.encoding(level);
        for (term, weight) in terms.iter().zip(weights) {
            sum.size += weight.abs() * term.size;
            sum.error += weight.abs() * term.error;
            sum.imaginary += weight.abs() * term.imaginary;
            rounding += term.size * self.tail.encoding(level);
        }
        self.rescaled(sum, rounding)
    }
    fn lower(&self, a: &Bounded, by: u32) -> Result<Bounded, Error> {
        let have = a.level;
        let level = have.checked_sub(by).ok_or(Misuse::OutOfLevels { op: "lowering", need: by, have })?;
        Ok(self.at(a, level))
    }
    fn twice_real(&self, a: &Bounded) -> Result<Bounded, Error> {
        let noise = self.tail.switch(a.level);
        Ok(Bounded { size: 2.0 * a.size, error: 2.0 * a.error + noise, imaginary: noise, ..*a })
    }
    fn poly(&self, a: &Bounded, p: &Polynomial) -> Result<Bounded, Error> {
        let (lo, hi) = p.domain();
        let reach = a.size + a.error;
        // The slope of T_k is at most k^2, wherever |T_k| is at most one.
        if reach > hi.abs().min(lo.abs()) * OVER {
            return Err(Error::Unbounded { size: reach });
        }
        let have = a.level;
        let level = have.checked_sub(p.depth()).ok_or(Misuse::OutOfLevels {
            op: "a polynomial",
            need: p.depth(),
            have,
        })?;
        let image = range(p, -a.size, a.size)?;
        let size = image.lo().abs().max(image.hi().abs());
        let (unit, affine) = p.on_unit();
        let slopes = unit.coefficients().iter().enumerate().map(|(k, c)| (k * k) as f64 * c.abs());
        let slope = slopes.sum::<f64>() * affine.scale.abs();
        let input = arras_ckks::noise::Noise(0.0);
        let own = self.tail.params.poly_noise(p, input, self.tail.slots, self.tail.level(a.level));
        let noise = self.tail.bound(own);
        Ok(Bounded {
            level,
            size,
            error: slope * (a.error + a.imaginary) + noise,
            imaginary: slope * (a.error + a.imaginary) + noise,
        })
    }
    fn compose(&self, x: &Bounded, c: &Composition) -> Result<Bounded, Error> {
        let (known, (factor, offset)) = (self.sign(x, c)?, c.map());
        Ok(Bounded {
            level: self.below(x, c)?,
            size: factor.abs() + offset.abs(),
            error: factor.abs() * known.step,
            imaginary: factor.abs() * known.imaginary,
        })
    }
    fn ramp(&self, x: &Bounded, c: &Composition) -> Result<Bounded, Error> {
        let (known, (factor, offset)) = (self.sign(x, c)?, c.map());
        let (factor, offset) = (factor.abs(), offset.abs());
        let level = self.below(x, c)?;
        let x = self.at(x, level);
        // Anywhere, also where the sign is not decided.
        let most = factor * known.magnitude + offset;
        let imaginary = factor * known.imaginary;
        let product = Bounded {
            level,
            size: x.size * (factor + offset),
            error: 2.0 * factor * known.weighted + x.error * most + x.imaginary * imaginary,
            imaginary: (x.size + x.error) * imaginary + most * x.imaginary,
        };
        let scale = self.tail.params.scale(self.tail.level(level));
        self.rescaled(product, self.tail.switch(level) / scale)
    }
    fn known(&self, a: &Bounded, size: f64) -> Result<Bounded, Error> {
        Ok(Bounded { size: a.size.min(size), ..*a })
    }
}

impl Rotate for Bounds<'_> {
    fn slots(&self) -> usize {
        self.tail.slots
    }
    fn rotate(&self, a: &Bounded, by: i64) -> Result<Bounded, Error> {
        let slots = i64::try_from(self.tail.slots).unwrap_or(i64::MAX);
        if by.rem_euclid(slots) == 0 {
            return Ok(*a);
        }
        let noise = self.tail.switch(a.level);
        Ok(Bounded { error: a.error + noise, imaginary: a.imaginary + noise, ..*a })
    }
    fn linear(&self, a: &Bounded, m: &Matrix) -> Result<Bounded, Error> {
        let steps = m.steps();
        let mut rows = vec![0.0; m.slots()];
        for giant in &steps.giants {
            for (_, diagonal) in &giant.terms {
                let shift = giant.rotation % m.slots();
                for (slot, entry) in rows.iter_mut().enumerate() {
                    // A diagonal is applied before the rotation of its giant.
                    let at = (slot + shift) % diagonal.len().max(1);
                    *entry += diagonal.get(at).copied().unwrap_or(0.0).abs();
                }
            }
        }
        let factor = rows.into_iter().fold(0.0, f64::max);
        let switch = self.tail.switch(a.level);
        let diagonals: usize = steps.giants.iter().map(|giant| giant.terms.len()).sum();
        let rounding = a.size * diagonals as f64 * self.tail.encoding(a.level);
        let product = Bounded {
            level: a.level,
            size: factor * a.size,
            error: factor * (a.error + switch),
            imaginary: factor * (a.imaginary + switch),
        };
        let giants = steps.giants.len() as f64;
        let scale = self.tail.params.scale(self.tail.level(a.level));
        self.rescaled(product, rounding + giants * switch / scale)
    }
}

impl Points for Bounds<'_> {
    fn point(&self, a: &Bounded) -> Result<Bounded, Error> {
        let Some(Refreshes { schedule, error }) = &self.refreshes else { return Ok(*a) };
        let mut state = self.state();
        let points = schedule.refresh.len();
        let refresh = schedule.refresh.get(state.passed).ok_or(Misuse::Unscheduled { points })?;
        state.passed += 1;
        if !refresh {
            return Ok(*a);
        }
        // What leaves the box of a refresh wraps around.
        let reach = a.size + a.error.max(a.imaginary);
        if reach > OVER {
            return Err(Error::Unbounded { size: reach });
        }
        let (have, need) = (a.level, schedule.input);
        if have < need {
            return Err(Misuse::OutOfLevels { op: "a refresh", need, have }.into());
        }
        Ok(Bounded { level: schedule.output, error: a.error + error, imaginary: a.imaginary + error, ..*a })
    }
}

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
//! A program that goes in rounds may know better how errors grow from one to the next, and say so by `settled`. For it each bound
//! is kept twice: whole, and the part that was added since the last round ended, with which the statement is taken into account.
//! Noise of different rounds and slots is independent, so that of many rounds adds in squares; within a round, and for all that is
//! not noise, bounds are added.
//!
//! Exact values are those of the program with true signs in the place of compositions. Noise is bounded by the formulas of
//! `arras_ckks::noise` at a tail of 2^-40 for all slots and operations together; the rest is arithmetic.

use std::sync::{Mutex, MutexGuard, PoisonError};

use arras_approx::{Polynomial, range};
use arras_circuits::{Arith, Composition, Error as Misuse, Matrix, Points, Rotate, Schedule};
use arras_ckks::Level;

use super::signs::{Proved, Site};
use crate::error::Error;
use crate::stages::{DOUBLES, Tail};

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
    /// What of both was added in this round.
    own: Parts,
    /// What both were at most when the last round ended, by what the program said.
    settled: Parts,
}

/// Bounds of a real and an imaginary part.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Parts {
    real: Wrong,
    imaginary: Wrong,
}

/// How far a number is off: by what is the same for every key and every noise, and by noise.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Wrong {
    pub drift: f64,
    pub noise: f64,
}

impl Wrong {
    pub fn drift(drift: f64) -> Self {
        Self { drift, noise: 0.0 }
    }

    fn noise(noise: f64) -> Self {
        Self { drift: 0.0, noise }
    }

    fn plus(self, other: Self) -> Self {
        Self { drift: self.drift + other.drift, noise: self.noise + other.noise }
    }

    fn times(self, factor: f64) -> Self {
        Self { drift: factor * self.drift, noise: factor * self.noise }
    }

    fn max(self, other: Self) -> Self {
        Self { drift: self.drift.max(other.drift), noise: self.noise.max(other.noise) }
    }

    pub fn total(self) -> f64 {
        self.drift + self.noise
    }

    /// With what a round added, which reaches later values so many times: every time from another slot, whose noise is another.
    fn with_round(self, own: Self, times: f64) -> Self {
        Self { drift: self.drift + times * own.drift, noise: self.noise.hypot(times.sqrt() * own.noise) }
    }
}

impl Bounded {
    /// A value that is wrong by nothing but what is said here.
    fn new(level: u32, size: f64, error: Wrong, imaginary: Wrong) -> Self {
        let own = Parts { real: error, imaginary };
        let (error, imaginary) = (error.total(), imaginary.total());
        Self { level, size, error, imaginary, own, settled: Parts::default() }
    }

    /// What of the real part's error is noise, and so says something about the key.
    pub fn noise(&self) -> f64 {
        self.own.real.noise + self.settled.real.noise
    }

    /// Times a number.
    fn times(self, factor: f64) -> Self {
        let factor = factor.abs();
        let Parts { real, imaginary } = self.own;
        Self {
            size: factor * self.size,
            error: factor * self.error,
            imaginary: factor * self.imaginary,
            own: Parts { real: real.times(factor), imaginary: imaginary.times(factor) },
            ..self
        }
    }

    /// With noise in both parts.
    fn noisy(self, noise: f64) -> Self {
        let (Parts { real, imaginary }, more) = (self.own, Wrong::noise(noise));
        Self {
            error: self.error + noise,
            imaginary: self.imaginary + noise,
            own: Parts { real: real.plus(more), imaginary: imaginary.plus(more) },
            ..self
        }
    }

    /// The sum of two values at one level.
    fn plus(self, b: Self) -> Self {
        let both = |a: Parts, b: Parts, f: fn(Wrong, Wrong) -> Wrong| Parts {
            real: f(a.real, b.real),
            imaginary: f(a.imaginary, b.imaginary),
        };
        Self {
            level: self.level,
            size: self.size + b.size,
            error: self.error + b.error,
            imaginary: self.imaginary + b.imaginary,
            own: both(self.own, b.own, Wrong::plus),
            settled: both(self.settled, b.settled, Wrong::max),
        }
    }

    /// The product of two values at one level. What is wrong by errors of this and earlier rounds together counts as this one's.
    fn product(self, b: Self) -> Self {
        let a = self;
        let [ra, rb] = [a.size + a.error, b.size + b.error];
        let sum = |terms: [(f64, Wrong); 4]| {
            terms.into_iter().map(|(factor, wrong)| wrong.times(factor)).fold(Wrong::default(), Wrong::plus)
        };
        let (ia, ib) = (a.imaginary, b.imaginary);
        let (ownia, ownib) = (a.own.imaginary, b.own.imaginary);
        Self {
            level: a.level,
            size: a.size * b.size,
            error: a.size * b.error + b.size * a.error + a.error * b.error + ia * ib,
            imaginary: ra * ib + rb * ia,
            own: Parts {
                real: sum([(ra, b.own.real), (rb, a.own.real), (ia, ownib), (ib, ownia)]),
                imaginary: sum([(ra, ownib), (rb, ownia), (ib, a.own.real), (ia, b.own.real)]),
            },
            settled: a.plus(b).settled,
        }
    }
}

/// A sign of the program as the reading finds it.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// Its polynomials, by which the program is understood.
    pub stages: Vec<Polynomial>,
    /// What is taken to be proved of it.
    pub step: Wrong,
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
    /// Of the program's vectors; noise is that of all slots of the ring.
    slots: usize,
    refreshes: Option<Refreshes>,
    state: Mutex<State>,
}

struct State {
    signs: Vec<Known>,
    passed: usize,
}

/// How far beyond [-1, 1] an argument may be by the rounding of numbers.
const OVER: f64 = 1.0 + 1e-9;

/// What a refresh takes: the unit box and the room that its series leaves around it.
const BOX: f64 = 1.0 + 1.0 / 128.0;

impl<'a> Bounds<'a> {
    pub fn new(tail: Tail<'a>, slots: usize, signs: Vec<Known>, refreshes: Option<Refreshes>) -> Self {
        Self { tail, slots, refreshes, state: Mutex::new(State { signs, passed: 0 }) }
    }

    /// A vector of values up to a size, sealed under the public key.
    pub fn input(&self, level: u32, size: f64) -> Bounded {
        let fresh = self.tail.params.public_noise(self.tail.slots, self.tail.level(level));
        let noise = self.tail.bound(fresh);
        let error = Wrong { drift: DOUBLES * size, noise };
        Bounded::new(level, size, error, error)
    }

    /// What is opened of a result: lowered to the lowest level, and decoded in doubles.
    ///
    /// Sums and products before it may wrap around: what counts is that the last one is where it belongs.
    pub fn output(&self, a: &Bounded) -> Result<Bounded, Error> {
        let a = self.at(a, 0);
        let (size, most) = (a.size + a.error + a.imaginary, self.tail.params.largest(Level(0)));
        if size >= most {
            return Err(Error::Wraps { size, most });
        }
        let decoding = Wrong::drift(DOUBLES * size);
        Ok(a.plus(Bounded::new(0, 0.0, decoding, decoding)))
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
        Bounded { level, ..a.noisy(noise) }
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
        Ok(Bounded { level, ..a.noisy(noise) })
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
        Ok(a.plus(b))
    }
    fn sub(&self, a: &Bounded, b: &Bounded) -> Result<Bounded, Error> {
        self.add(a, b)
    }
    fn mul(&self, a: &Bounded, b: &Bounded) -> Result<Bounded, Error> {
        let [a, b] = self.aligned(a, b);
        let scale = self.tail.params.scale(self.tail.level(a.level));
        // The key switch happens at the squared scale: its error shrinks by a scale.
        self.rescaled(a.product(b), self.tail.switch(a.level) / scale)
    }
    fn add_plain(&self, a: &Bounded, v: &[f64]) -> Result<Bounded, Error> {
        let noise = self.tail.encoding(a.level);
        Ok(Bounded { size: a.size + most(v), ..a.noisy(noise) })
    }
    fn mul_plain(&self, a: &Bounded, v: &[f64]) -> Result<Bounded, Error> {
        let (factor, rounding) = (most(v), a.size * self.tail.encoding(a.level));
        self.rescaled(a.times(factor), rounding)
    }
    fn add_scalar(&self, a: &Bounded, c: f64) -> Result<Bounded, Error> {
        self.add_plain(a, &[c])
    }
    fn mul_scalar(&self, a: &Bounded, c: f64) -> Result<Bounded, Error> {
        self.mul_plain(a, &[c])
    }
    fn combine(&self, terms: &[Bounded], weights: &[f64], bias: f64) -> Result<Bounded, Error> {
        let level = terms.iter().map(|term| term.level).min().unwrap_or(0);
        let mut sum = Bounded::new(level, bias.abs(), Wrong::default(), Wrong::default());
        let mut rounding = self.tail.encoding(level);
        for (term, weight) in terms.iter().zip(weights) {
            sum = sum.plus(term.times(*weight));
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
        let twice = a.times(2.0).noisy(noise);
        let own = Parts { imaginary: Wrong::noise(noise), ..twice.own };
        let settled = Parts { imaginary: Wrong::default(), ..twice.settled };
        Ok(Bounded { imaginary: noise, own, settled, ..twice })
    }
    fn poly(&self, a: &Bounded, p: &Polynomial) -> Result<Bounded, Error> {
        let (lo, hi) = p.domain();
        let reach = a.size + a.error;
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
        // T_k is no steeper than k^2 on [-1, 1], and than k^2 rho^k on the ellipse of Bernstein around it that holds numbers with
        // this imaginary part: ln rho is at most its root, near the ends.
        let off = (2.0 * affine.scale.abs() * a.imaginary).sqrt() * p.degree() as f64;
        let slope = slopes.sum::<f64>() * affine.scale.abs() * off.exp();
        let input = arras_ckks::noise::Noise(0.0);
        let own = self.tail.params.poly_noise(p, input, self.tail.slots, self.tail.level(a.level)).most();
        let noise = self.tail.bound(own);
        // All of it counts as this round's, which it is at most.
        let error = Wrong::drift(slope * (a.error + a.imaginary) + noise);
        Ok(Bounded { settled: a.settled, ..Bounded::new(level, size, error, error) })
    }
    fn compose(&self, x: &Bounded, c: &Composition) -> Result<Bounded, Error> {
        let (known, (factor, offset)) = (self.sign(x, c)?, c.map());
        let sign =
            Bounded::new(self.below(x, c)?, 1.0, known.step, Wrong::noise(known.imaginary)).times(factor);
        Ok(Bounded { size: sign.size + offset.abs(), ..sign })
    }
    fn ramp(&self, x: &Bounded, c: &Composition) -> Result<Bounded, Error> {
        let (known, (factor, offset)) = (self.sign(x, c)?, c.map());
        let (factor, offset) = (factor.abs(), offset.abs());
        let level = self.below(x, c)?;
        let x = self.at(x, level);
        // Anywhere, also where the sign is not decided.
        let most = factor * known.magnitude + offset;
        let imaginary = factor * known.imaginary;
        let own = Parts {
            real: x
                .own
                .real
                .times(most)
                .plus(Wrong::drift(2.0 * factor * known.weighted + x.imaginary * imaginary)),
            imaginary: x.own.imaginary.times(most).plus(Wrong::drift((x.size + x.error) * imaginary)),
        };
        let product = Bounded {
            level,
            size: x.size * (factor + offset),
            error: 2.0 * factor * known.weighted + x.error * most + x.imaginary * imaginary,
            imaginary: (x.size + x.error) * imaginary + most * x.imaginary,
            own,
            settled: x.settled,
        };
        let scale = self.tail.params.scale(self.tail.level(level));
        self.rescaled(product, self.tail.switch(level) / scale)
    }
    fn known(&self, a: &Bounded, size: f64) -> Result<Bounded, Error> {
        Ok(Bounded { size: a.size.min(size), ..*a })
    }
    fn settled(&self, a: &Bounded, growth: f64) -> Result<Bounded, Error> {
        let settled = Parts {
            real: a.settled.real.with_round(a.own.real, growth),
            imaginary: a.settled.imaginary.with_round(a.own.imaginary, growth),
        };
        // What operations show is true as well.
        let (error, imaginary) =
            (a.error.min(settled.real.total()), a.imaginary.min(settled.imaginary.total()));
        Ok(Bounded { error, imaginary, own: Parts::default(), settled, ..*a })
    }
}

impl Rotate for Bounds<'_> {
    fn slots(&self) -> usize {
        self.slots
    }
    fn rotate(&self, a: &Bounded, by: i64) -> Result<Bounded, Error> {
        let slots = i64::try_from(self.slots).unwrap_or(i64::MAX);
        if by.rem_euclid(slots) == 0 {
            return Ok(*a);
        }
        let noise = self.tail.switch(a.level);
        Ok(a.noisy(noise))
    }
    fn fold(&self, a: &Bounded, v: &[f64], rotations: &[i64]) -> Result<Bounded, Error> {
        let slots = self.slots;
        let mut sums: Vec<f64> = v.iter().map(|entry| entry.abs()).cycle().take(slots).collect();
        for &by in rotations {
            let mut moved = sums.clone();
            let slots = i64::try_from(slots).unwrap_or(i64::MAX);
            moved.rotate_left(usize::try_from(by.rem_euclid(slots)).unwrap_or(0));
            sums.iter_mut().zip(moved).for_each(|(sum, moved)| *sum += moved);
        }
        // What encoding and key switches add is there in all terms, but different slots have different noise; the latter is of the
        // squared scale.
        let terms = (rotations.len() as f64 * 0.5).exp2();
        let switch = self.tail.switch(a.level) / self.tail.params.scale(self.tail.level(a.level));
        let noise = a.size * self.tail.encoding(a.level) + switch;
        self.rescaled(a.times(most(&sums)), terms * noise)
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
        let product = a.noisy(switch).times(factor);
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
        if reach > BOX {
            return Err(Error::Unbounded { size: reach });
        }
        let (have, need) = (a.level, schedule.input);
        if have < need {
            return Err(Misuse::OutOfLevels { op: "a refresh", need, have }.into());
        }
        Ok(Bounded { level: schedule.output, ..a.noisy(*error) })
    }
}

//! Bootstrapping: a ciphertext that has spent its levels gets them back.
//!
//! Slots to coefficients first, at the bottom of the chain where it costs little; then the base modulus is raised to the whole
//! chain, which adds multiples of q_0; coefficients to slots; reduction modulo 1 of real and imaginary parts; and both back
//! into one vector. `docs/bootstrapping.md` has the chain, the precision and the probability of failure.

mod counts;
mod dft;
mod guard;
mod map;
mod modone;
pub mod presets;
mod spec;
#[cfg(test)]
mod tests;

pub use spec::BootSpec;

use std::f64::consts::PI;

use arras_ring::{Modulus, Poly};
use arras_rlwe::{KeyRequest, Level, ParamsId, Purpose, Raised, raise, switch};

use crate::cipher::{Ciphertext, Raw};
use crate::encode::{Complex, Plain, power_of_i};
use crate::error::Error;
use crate::eval::rotate::galois;
use crate::eval::{Evaluator, Op};
use crate::params::Params;
use map::Map;
use modone::ModOne;

/// Everything that a refresh of vectors of so many slots needs and that can be prepared.
#[derive(Debug)]
pub struct Bootstrapper {
    id: ParamsId,
    spec: BootSpec,
    slots: usize,
    request: KeyRequest,
    to_coefficients: Vec<Map>,
    to_slots: Vec<Map>,
    mod_one: ModOne,
    /// [1, ..., 1, i, ..., i]: joins real and imaginary parts of sparse vectors.
    join: Option<Plain>,
}

impl Bootstrapper {
    /// Prepares the matrices and the polynomial.
    ///
    /// Memory: for N = 2^16 and all slots about 0.7 GB, most of it the first matrix from coefficients to slots.
    ///
    /// # Errors
    /// Parameters of another chain, or slots that are not a power of two in reach.
    pub fn new(params: &Params, spec: &BootSpec, slots: usize) -> Result<Self, Error> {
        let request = spec.request(params, slots)?;
        let q0 = params.log2_modulus(Level(0)).exp2();
        let joined = 2 * slots;
        let sparse = slots < params.max_slots();
        let start = Level(spec.to_coefficients as u8);
        let gain = (q0 / spec.ratio / params.scale(start)).powf(1.0 / f64::from(spec.to_coefficients));
        let matrices = dft::forward(slots, &spec.coefficient_sizes(slots));
        let places = matrices.iter().zip(spec.coefficient_steps(slots)).zip((1..=start.0).rev());
        let to_coefficients =
            places.map(|((matrix, steps), at)| Map::new(params, matrix, steps, Level(at), gain)).collect();
        let mut matrices = dft::inverse(slots, &spec.slot_sizes(slots));
        if sparse && let Some(last) = matrices.last_mut() {
            last.scale_rows(
                joined,
                |j| if j < slots { Complex::new(1.0, 0.0) } else { Complex::new(0.0, -1.0) },
            );
        }
        let gain = params.step(spec.top_of_reduction()) / spec.whole(params);
        let gain = gain.powf(1.0 / f64::from(spec.to_slots));
        let places = matrices.iter().zip(spec.slot_steps(slots)).zip((0..=params.summit().0).rev());
        let to_slots =
            places.map(|((matrix, steps), at)| Map::new(params, matrix, steps, Level(at), gain)).collect();
        let join = sparse.then(|| {
            let entry = |j| if j < slots { Complex::new(1.0, 0.0) } else { Complex::new(0.0, 1.0) };
            params.encode_complex(&(0..joined).map(entry).collect::<Vec<_>>(), joined, params.highest())
        });
        Ok(Self {
            id: params.id(),
            spec: *spec,
            slots,
            request,
            to_coefficients,
            to_slots,
            mod_one: ModOne::new(spec)?,
            join: join.transpose()?,
        })
    }

    /// The evaluation keys that it uses.
    pub fn request(&self) -> &KeyRequest {
        &self.request
    }

    /// What it was made from.
    pub fn spec(&self) -> &BootSpec {
        &self.spec
    }

    /// Slots of the vectors that it refreshes.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// A vector as what it is as well: itself over and over, in all the slots that are refreshed.
    fn repeated(&self, a: Ciphertext) -> Ciphertext {
        Ciphertext { slots: self.slots, ..a }
    }

    /// The lowest level of a ciphertext that can be refreshed.
    pub fn input_level(&self) -> Level {
        Level(self.spec.to_coefficients as u8)
    }
}

/// The steps of a refresh, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// From slots to coefficients.
    ToCoefficients,
    /// From the base modulus to the whole chain.
    Raise,
    /// From coefficients to slots.
    ToSlots,
    /// Reduction modulo 1.
    Reduce,
}

impl Evaluator {
    /// The same vector at the top of the user's levels; sparse vectors land one level below it.
    ///
    /// A vector of fewer slots than the bootstrapper's is refreshed as what it is as well, itself over and over: with all slots it
    /// lands at the top. Its guard then has the slots of the bootstrapper, since its copies err each by their own.
    ///
    /// Real and imaginary parts must lie in [-1, 1]: beyond, the result is another vector, and only its [`Evaluator::guard`]
    /// says so.
    ///
    /// # Errors
    /// A ciphertext below `input_level`, of more slots or other parameters, or a key that is missing.
    pub fn bootstrap(&self, a: &Ciphertext, with: &Bootstrapper) -> Result<Ciphertext, Error> {
        self.bootstrap_rounds(a, with, 1, &mut |_| true)
    }

    /// `bootstrap`, some times over: each further round refreshes what the rounds before left wrong, enlarged, and so gets
    /// `BootSpec::round_bits` more bits right, as far as the user's scale carries them (Bae, Cheon, Cho, Kim and Kim 2022).
    ///
    /// `watch` hears of every step before it begins, of the longest ones more than once, and stops everything by returning
    /// `false`.
    ///
    /// Cost: a refresh for each round, and no level more. With no round, or one, it is `bootstrap`.
    ///
    /// # Errors
    /// As `bootstrap`, or [`Error::Stopped`].
    pub fn bootstrap_rounds(
        &self,
        a: &Ciphertext,
        with: &Bootstrapper,
        rounds: u32,
        watch: &mut dyn FnMut(Phase) -> bool,
    ) -> Result<Ciphertext, Error> {
        self.check(a)?;
        self.params().check_id("bootstrapper", with.id)?;
        if a.slots > with.slots {
            return Err(Error::SlotMismatch { left: a.slots, right: with.slots });
        }
        let low = with.repeated(self.lower(a, with.input_level())?);
        let mut sum = self.refresh(&low, with, 1.0, watch)?;
        for round in 1..rounds {
            let bits = round * with.spec.round_bits;
            let have = self.lower(&sum, with.input_level())?;
            let mut wrong = self.sub(&low, &have)?;
            let (ring, basis) = (self.params().ring(), self.params().basis(wrong.level()));
            let enlarge = |m: &Modulus| m.pow_vartime(2, u64::from(bits));
            wrong.inner.parts.iter_mut().for_each(|part| *part = ring.mul_integer(part, enlarge, basis));
            sum = self.add(&sum, &self.refresh(&wrong, with, f64::from(bits).exp2().recip(), watch)?)?;
        }
        Ok(Ciphertext { slots: a.slots, ..sum })
    }

    /// The vector, at the level where refreshes take it, times a factor, at the top of the user's levels.
    fn refresh(
        &self,
        a: &Ciphertext,
        with: &Bootstrapper,
        factor: f64,
        watch: &mut dyn FnMut(Phase) -> bool,
    ) -> Result<Ciphertext, Error> {
        with.request.iter().try_for_each(|(purpose, level)| self.keys().check(purpose, level))?;
        let mut tell = |phase| if watch(phase) { Ok(()) } else { Err(Error::Stopped) };
        tell(Phase::ToCoefficients)?;
        let mut x = self.raw(a);
        for map in &with.to_coefficients {
            x = self.apply(&x, map)?;
        }
        tell(Phase::Raise)?;
        let mut x = self.raise(x, with)?;
        tell(Phase::ToSlots)?;
        let (first, last) = with.to_slots.split_at(with.to_slots.len() - 1);
        for map in first {
            x = self.apply(&x, map)?;
            tell(Phase::ToSlots)?;
        }
        // The parts are taken before the last division, whose rounding would count twice after it.
        let scale = x.scale * last[0].gain();
        let x = self.apply_wide(&x, &last[0])?;
        let conjugate = self.turn(&x, Purpose::Conjugate)?;
        let part = |powers| self.settle(&self.raised_sum(&x, &conjugate, powers), scale);
        // What is reduced comes out doubled.
        let landing = self.params().scale(self.params().highest()) / 2.0 * factor;
        if with.join.is_none() {
            let parts = [part([0, 0])?, part([3, 1])?];
            drop((x, conjugate));
            tell(Phase::Reduce)?;
            self.reduce_dense(parts, with, landing, &mut || tell(Phase::Reduce))
        } else {
            let both = part([0, 0])?;
            drop((x, conjugate));
            tell(Phase::Reduce)?;
            self.reduce_sparse(both, with, landing)
        }
    }

    /// i^powers[0] a + i^powers[1] b, modulo Q P'.
    fn raised_sum(&self, a: &Raised, b: &Raised, powers: [u32; 2]) -> Raised {
        let basis = Raised::basis(self.params().rlwe(), a.level);
        let weight = |t: usize, m: &Modulus| power_of_i(powers[t], m);
        let parts =
            [0, 1].map(|k| self.params().ring().combine_gaussian(&[&a.parts[k], &b.parts[k]], weight, basis));
        Raised { parts, level: a.level }
    }

    /// To the top of the chain, and there onto the subring of the vector's slots.
    fn raise(&self, x: Raw, with: &Bootstrapper) -> Result<Raw, Error> {
        let (params, rlwe, ring) = (self.params(), self.params().rlwe(), self.params().ring());
        let low = arras_rlwe::Ciphertext { parts: x.parts, level: x.level, id: params.id() };
        let mut sum = raise(rlwe, self.keys(), &low, params.summit())?;
        // The key switches to the sparse secret and back.
        self.count(Op::Rotate, Level(0), 1);
        self.count(Op::Rotate, params.summit(), 1);
        let mut by = with.slots;
        while by < params.max_slots() {
            let moved = self.automorphism_raw(&sum.parts, sum.level, Purpose::Rotate(by as u32))?;
            sum.parts.iter_mut().zip(&moved).for_each(|(sum, moved)| ring.add_assign(sum, moved));
            by *= 2;
        }
        let scale = with.spec.whole(params);
        Ok(Raw { parts: sum.parts, level: sum.level, scale })
    }

    fn automorphism_raw(
        &self,
        parts: &[Poly<arras_ring::Eval>; 2],
        level: Level,
        purpose: Purpose,
    ) -> Result<[Poly<arras_ring::Eval>; 2], Error> {
        let (params, rlwe) = (self.params(), self.params().rlwe());
        let raised = switch(rlwe, &parts[1], level, self.keys().key(purpose, level)?);
        self.count(Op::Rotate, level, 1);
        Ok(raised.divide_rotated(rlwe, &parts[0], galois(purpose, params.degree())))
    }

    /// a + i^power conj(b).
    fn add_conjugate(&self, a: &Raw, b: &Raw, power: u32) -> Result<Raw, Error> {
        let conjugate = self.automorphism_raw(&b.parts, b.level, Purpose::Conjugate)?;
        let basis = self.params().basis(a.level);
        let weight = |t: usize, m: &Modulus| power_of_i(t as u32 * power, m);
        let sum =
            |k: usize| self.params().ring().combine_gaussian(&[&a.parts[k], &conjugate[k]], weight, basis);
        Ok(Raw { parts: [sum(0), sum(1)], level: a.level, scale: a.scale })
    }

    /// Real and imaginary parts reduced, and together again.
    fn reduce_dense(
        &self,
        [re, im]: [Raw; 2],
        with: &Bootstrapper,
        scale: f64,
        tell: &mut dyn FnMut() -> Result<(), Error>,
    ) -> Result<Ciphertext, Error> {
        let re = self.mod_one(re, &with.mod_one, scale)?;
        tell()?;
        let im = self.mod_one(im, &with.mod_one, scale)?;
        tell()?;
        // With Z = C + i S for each: (Z_im - i Z_re) - conj(Z_im + i Z_re) = 2 (S_re + i S_im).
        let sum = self.finish(&[(&im, 0), (&re, 3)])?;
        let other = self.finish(&[(&im, 0), (&re, 1)])?;
        let out = self.add_conjugate(&sum, &other, 2)?;
        Ok(self.wrap(out.parts, out.level, with.slots))
    }

    /// Both parts of a sparse vector side by side, reduced at once, and joined.
    fn reduce_sparse(&self, x: Raw, with: &Bootstrapper, scale: f64) -> Result<Ciphertext, Error> {
        let sum = self.finish(&[(&self.mod_one(x, &with.mod_one, scale)?, 3)])?;
        let out = self.add_conjugate(&sum, &sum, 0)?;
        let both = self.wrap(out.parts, out.level, 2 * with.slots);
        let Some(join) = &with.join else { return Ok(both) };
        let joined = self.rescale(&self.mul_plain_lazy(&both, join)?)?;
        let mut out = self.add(&joined, &self.rotate(&joined, with.slots as i64)?)?;
        out.slots = with.slots;
        Ok(out)
    }
}

impl BootSpec {
    /// How far the reduction modulo 1 is from the identity on [-1, 1] around every integer up to K, in exact arithmetic.
    ///
    /// The series is compared at many points; between two of them its second difference bounds what is missed. The exponential
    /// errs by at most the tail of its Chebyshev coefficients (Bessel functions), doubled by interpolation, and grows by 2 with
    /// each squaring and by the derivative of the series.
    pub fn reduction_error(&self) -> f64 {
        let series = modone::series(self);
        let value = |a: f64| series.iter().zip(1..).map(|(b, k)| b * (f64::from(k) * a).sin()).sum::<f64>();
        let most = 2.0 * PI / self.ratio;
        let points = 4096;
        let error = |j: usize| {
            let a = most * j as f64 / f64::from(points);
            (value(a) - self.ratio * a / (2.0 * PI)).abs()
        };
        let largest = (0..=points as usize).map(error).fold(0.0, f64::max);
        let gap = most / f64::from(points);
        let curvature: f64 = series.iter().zip(1..).map(|(b, k)| b.abs() * f64::from(k * k)).sum();
        // |sum k b_k z^(k-1)| is largest in the middle or at an end: both are looked at, with the curvature between.
        let slope = |a: f64| {
            let part = |f: fn(f64) -> f64| {
                series.iter().zip(1..).map(|(b, k)| b * f64::from(k) * f(f64::from(k) * a)).sum::<f64>()
            };
            part(f64::cos).hypot(part(f64::sin))
        };
        let slope = (0..=64).map(|j| slope(most * f64::from(j) / 64.0)).fold(0.0, f64::max)
            + curvature * most / 128.0;
        let growth = f64::from(self.doublings).exp2() * slope;
        largest + curvature * gap * gap / 8.0 + growth * modone::exponential_error(self)
    }
}

//! What a function of columns asks for: degrees, parameters, and polynomials whose margins come from the noise of those
//! parameters.

use arras_approx::degrees::{Choice, Goal, Products, fewest_products, least_depth};
use arras_approx::{Composite, Polynomial};
use arras_circuits::integers::tie;
use arras_circuits::slotwise::{DataError, Domain, Function, GUARD_LEVELS, Proof};
use arras_circuits::{Integers, Sign, Slotwise};
use arras_ckks::noise::Noise;
use arras_ckks::{KeyRequest, Level, Params, Security, Shape};

use super::spread::Spread;
use crate::error::Error;
use crate::plan::{key_request, smallest};

/// The distances, in multiples of the error, beyond which the sign inside max and ReLU shall be right. A larger one needs no more
/// depth, so the first that reaches the error is taken; what lies between these is not tried.
const FACTORS: [f64; 8] = [24.0, 16.0, 12.0, 8.0, 6.0, 4.0, 3.0, 2.0];
/// What the gap is multiplied by when degrees are chosen, until noise has its place beside the error of the degrees, and until
/// the error of max inside the gap is small enough.
const NARROWER: [f64; 8] = [1.0, 0.99, 0.98, 0.96, 0.92, 0.85, 0.7, 0.5];

/// Bits of a chain for columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scales {
    /// Bits left at the bottom.
    pub base_bits: u32,
    /// Bits of every scale.
    pub scale_bits: u32,
}

impl Scales {
    /// A base of one prime: one limb less at every level, and eight times the noise.
    ///
    /// Values up to 4 can be read. Results and guards are at most one in size, and the guard of a number outside the domain may be
    /// larger in one row by as much as half the degree of the ring before anything wraps round; then the sentinel moves too.
    pub const NARROW: Self = Self { base_bits: 50, scale_bits: 47 };
    /// Scales as large as one prime allows, and values up to 2^9.
    pub const WIDE: Self = Self { base_bits: 60, scale_bits: 50 };
}

/// What a plan is made over.
#[derive(Clone, Copy)]
enum Ground<'a> {
    /// Parameters that are there already.
    There(Place<'a>),
    /// The smallest ring with a chain like this.
    Made(Scales),
}

/// What somebody wants to compute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wish {
    /// The function.
    pub function: Function,
    /// What the columns hold.
    pub domain: Domain,
    /// The result errs by at most 2^-alpha; for max and min of integers it is exact whatever alpha says.
    pub alpha: f64,
    /// The largest degree of a polynomial.
    pub max_degree: usize,
    /// Rows of the columns.
    pub rows: usize,
    /// Security wanted.
    pub security: Security,
}

/// The key under which columns are sealed; the secret one adds less noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealing {
    /// By the owner alone.
    Secret,
    /// By anyone.
    Public,
}

/// Parameters that are there already, and the key that seals for them.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The parameters.
    pub params: &'a Params,
    /// The key.
    pub sealing: Sealing,
}

/// Parameters, keys and polynomials for a function of columns.
#[derive(Clone, Debug)]
pub struct ColumnPlan {
    params: Params,
    request: KeyRequest,
    slotwise: Slotwise,
    composite: Composite,
}

impl ColumnPlan {
    /// A plan whose error with all noise is what was wished for: of least depth, then of fewest products, among the compositions of
    /// a gap (for max and ReLU, of the first of eight gaps that will do). That need not be the fastest.
    ///
    /// Its chain is narrow where that takes no more depth and leaves numbers as fine as the wish, else wide: see [`Scales`].
    ///
    /// Cost: up to seconds, in the search for degrees and in proofs.
    ///
    /// # Errors
    /// A wish out of range, or one that no degrees or no parameters grant.
    pub fn for_wish(wish: &Wish) -> Result<Self, Error> {
        let narrow = Self::for_wish_on(wish, Scales::NARROW);
        if narrow.as_ref().is_ok_and(|plan| plan.is_fine(wish) && plan.is_shallow(wish)) {
            return narrow;
        }
        match (narrow, Self::for_wish_on(wish, Scales::WIDE)) {
            (Ok(narrow), Ok(wide)) => {
                let better = narrow.is_fine(wish) && narrow.slotwise.depth() <= wide.slotwise.depth();
                Ok(if better { narrow } else { wide })
            }
            (_, wide) => wide,
        }
    }

    /// The same on a chain of one kind.
    ///
    /// # Errors
    /// As [`ColumnPlan::for_wish`].
    pub fn for_wish_on(wish: &Wish, scales: Scales) -> Result<Self, Error> {
        let ground = Ground::Made(scales);
        let choose = |goal: &Goal| fewest_products(goal, least_depth(goal)?, Products::planned());
        if !wish.is_ramp() {
            return Self::search(wish, ground, 1.0, &choose);
        }
        let mut last = None;
        for &factor in FACTORS.iter().filter(|&factor| wish.admits(*factor)) {
            match Self::search(wish, ground, factor, &choose) {
                Err(error) => last = Some(error),
                found => return found,
            }
        }
        Err(last.unwrap_or(Error::Unreachable { alpha: wish.alpha }))
    }

    /// The plan over parameters that are there already, with the degrees that `choose` picks for a goal.
    ///
    /// The goal is that of the wish, see [`Wish::goal`]. `choose` is called again for narrower gaps until the error
    /// with all noise is what was wished for.
    ///
    /// # Errors
    /// As [`ColumnPlan::for_wish`], what `choose` refuses, or parameters with too few levels.
    pub fn over(
        wish: &Wish,
        place: Place<'_>,
        zeta: f64,
        choose: &dyn Fn(&Goal) -> Result<Choice, arras_approx::Error>,
    ) -> Result<Self, Error> {
        Self::search(wish, Ground::There(place), zeta, choose)
    }

    /// The plan with these degrees, in order of application, on a wide chain, whatever its error is.
    ///
    /// # Errors
    /// Degrees of which no composition tells the signs apart, answers that would not be exact and are to be, or parameters that
    /// do not exist.
    pub fn with_degrees(wish: &Wish, degrees: &[usize]) -> Result<Self, Error> {
        let gap = match (wish.domain, wish.is_ramp()) {
            // Of max only the weighted error counts, so any gap will do: that of the error is neither small nor large.
            (Domain::Numbers { .. }, true) => (8.0 * (-wish.alpha).exp2()).min(0.5),
            (domain, _) => domain.gap(wish.function)?,
        };
        Self::build(wish, Ground::Made(Scales::WIDE), gap, degrees, None)
    }

    /// The plan with these degrees over parameters that are there already, for the gap of [`Wish::goal`], whatever its error.
    ///
    /// # Errors
    /// As [`ColumnPlan::with_degrees`], or parameters with too few levels.
    pub fn over_degrees(wish: &Wish, place: Place<'_>, zeta: f64, degrees: &[usize]) -> Result<Self, Error> {
        Self::build(wish, Ground::There(place), wish.goal(zeta)?.epsilon(), degrees, None)
    }

    /// Degrees for a goal, until the plan that is built of them is good.
    ///
    /// Values are made real on the way only where that allows cheaper degrees, and then as late as will do: there it costs least.
    fn search(
        wish: &Wish,
        ground: Ground<'_>,
        zeta: f64,
        choose: &dyn Fn(&Goal) -> Result<Choice, arras_approx::Error>,
    ) -> Result<Self, Error> {
        let alpha = wish.goal(zeta)?.alpha();
        let mut real: Option<(Choice, Self)> = None;
        for narrower in NARROWER {
            let mut last = None;
            let tried = wish.narrowed(zeta, narrower)?;
            let choice = match (choose(&tried), &real) {
                (Ok(choice), Some((best, _))) if (choice.depth, choice.cost) > (best.depth, best.cost) => {
                    break;
                }
                (Err(_), Some(_)) => break,
                (choice, _) => choice?,
            };
            let gap = if wish.is_ramp() { tried.epsilon() } else { wish.domain.gap(wish.function)? };
            let earlier = if real.is_none() { choice.degrees.len() - 1 } else { 0 };
            for real_after in std::iter::once(None).chain((0..earlier).rev().map(Some)) {
                match Self::build(wish, ground, gap, &choice.degrees, real_after) {
                    Ok(plan) if !plan.grants(wish, alpha) => last = None,
                    Ok(plan) if real_after.is_none() => return Ok(plan),
                    Ok(plan) => {
                        real = Some((choice, plan));
                        break;
                    }
                    Err(error) if !is_noisy(&error) => return Err(error),
                    Err(error) => last = Some(error),
                }
            }
            // A narrower gap is no help against noise.
            if let (Some(error), None) = (last, &real) {
                return Err(error);
            }
        }
        real.map(|(_, plan)| plan).ok_or(Error::Unreachable { alpha })
    }

    /// Whether no composition takes fewer levels, whatever the noise.
    fn is_shallow(&self, wish: &Wish) -> bool {
        // A larger factor takes no more levels.
        let zeta = FACTORS.into_iter().find(|&factor| wish.is_ramp() && wish.admits(factor)).unwrap_or(1.0);
        let least = wish.goal(zeta).and_then(|goal| Ok(least_depth(&goal)?));
        // The goal of a ramp counts its product.
        least.is_ok_and(|least| self.composite.depth() + u32::from(wish.is_ramp()) <= least)
    }

    /// Whether numbers that leave are rounded no coarser than they were wished for.
    fn is_fine(&self, wish: &Wish) -> bool {
        let numbers = matches!(wish.domain, Domain::Numbers { .. }) && wish.is_ramp();
        !numbers || f64::from(super::precision_bits(&self.slotwise)) > wish.alpha
    }

    /// Whether the errors are as wished, those of integers before rounding.
    fn grants(&self, wish: &Wish, sign_alpha: f64) -> bool {
        match wish.domain {
            Domain::Numbers { .. } => self.slotwise.error() <= (-wish.alpha).exp2(),
            Domain::Integers { .. } if wish.is_ramp() => {
                self.composite.weighted_error() <= (-sign_alpha).exp2()
            }
            Domain::Integers { .. } => self.composite.noisy_error() <= (1.0 - sign_alpha).exp2(),
        }
    }

    fn build(
        wish: &Wish,
        ground: Ground<'_>,
        gap: f64,
        degrees: &[usize],
        real_after: Option<usize>,
    ) -> Result<Self, Error> {
        let sign_depth: u32 = degrees.iter().map(|&degree| levels(degree)).sum();
        let depth = (sign_depth + extra_depth(wish)?).max(GUARD_LEVELS);
        let (params, sealing) = match ground {
            Ground::There(place) => (place.params.clone(), place.sealing),
            Ground::Made(scales) => (parameters(wish, scales, depth)?, Sealing::Public),
        };
        let have = u32::from(params.highest().0);
        let level = u8::try_from(depth).ok().filter(|_| depth <= have).map(Level);
        let top = level.ok_or(Error::TooShallow { have, need: depth })?;
        let noise =
            ColumnNoise { params: &params, sealing, function: wish.function, degrees, top, real_after };
        let (input, near) = (noise.input(), if wish.is_ramp() { 0.0 } else { gap });
        // What enters each stage so far: a stage may be asked about again.
        let mut spreads = vec![Spread::new(near - input, input)];
        let composite = Composite::build(gap, input, degrees, &mut |stage, p| {
            spreads.truncate(stage + 1);
            // What cannot be computed is refused as a margin.
            noise.stray(stage, p, &mut spreads).unwrap_or(f64::NAN)
        })?;
        let mut sign = Sign::new(composite.polynomials())?;
        if let Some(stage) = real_after {
            sign = sign.with_real_after(stage)?;
        }
        let domain = match wish.domain {
            Domain::Numbers { .. } => Domain::Numbers { epsilon: gap },
            integers @ Domain::Integers { .. } => integers,
        };
        let slotwise = Slotwise::new(
            wish.function,
            domain,
            &sign,
            noise.proof(&composite, spreads.last().map_or(input, Spread::most)),
        )?;
        let request = key_request(&slotwise.trace()?);
        Ok(Self { params, request, slotwise, composite })
    }

    /// The parameters.
    #[must_use]
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The keys.
    #[must_use]
    pub fn request(&self) -> &KeyRequest {
        &self.request
    }

    /// The function as it runs.
    #[must_use]
    pub fn slotwise(&self) -> &Slotwise {
        &self.slotwise
    }

    /// The polynomials with what is proved of them.
    #[must_use]
    pub fn composite(&self) -> &Composite {
        &self.composite
    }
}

impl Wish {
    /// Whether the sign is multiplied by its argument.
    fn is_ramp(&self) -> bool {
        matches!(self.function, Function::Max | Function::Min | Function::Relu | Function::Abs)
    }

    /// Whether max and its like can be right from this many times the error on.
    fn admits(&self, factor: f64) -> bool {
        self.sign_alpha().is_ok_and(|alpha| factor * (-alpha).exp2() < 1.0)
    }

    /// What the sign is to achieve: that of a comparison from the gap on, that inside max and its like from `zeta` times the
    /// error on.
    ///
    /// # Errors
    /// A precision, gap, zeta or largest degree out of range.
    pub fn goal(&self, zeta: f64) -> Result<Goal, Error> {
        self.narrowed(zeta, 1.0)
    }

    /// The same with a part of the gap.
    fn narrowed(&self, zeta: f64, part: f64) -> Result<Goal, Error> {
        let (gap, alpha) = (self.domain.gap(self.function)?, self.sign_alpha()?);
        Ok(match self.is_ramp() {
            true => Goal::for_max(alpha, part * zeta, self.max_degree)?,
            false => Goal::new(alpha, part * gap, self.max_degree)?,
        })
    }

    /// The alpha of the sign (error 2^(1 - alpha)), or of max with error 2^-alpha.
    fn sign_alpha(&self) -> Result<f64, Error> {
        Ok(match (self.function, self.domain) {
            // Half a unit, less a tenth of it for noise.
            (Function::Max | Function::Min, Domain::Integers { bits }) => {
                -(0.45 * Integers::new(bits)?.unit()).log2()
            }
            // 1 - s^2 errs by twice the sign, |x| = x s(x) by twice the weighted error.
            (Function::Equal, _) => self.alpha + 2.0,
            (Function::Abs, _) => self.alpha + 1.0,
            _ => self.alpha,
        })
    }
}

/// The noise of a function under its parameters.
struct ColumnNoise<'a> {
    params: &'a Params,
    sealing: Sealing,
    function: Function,
    degrees: &'a [usize],
    /// The level of fresh columns.
    top: Level,
    /// The stage after which values are made real.
    real_after: Option<usize>,
}

impl ColumnNoise<'_> {
    fn slots(&self) -> usize {
        self.params.max_slots()
    }

    /// What no slot exceeds in any of the stages, but with probability 2^-40.
    fn bound(&self, noise: Noise) -> f64 {
        noise.bound(self.slots() * (self.degrees.len() + 2))
    }

    /// Of a fresh column.
    fn fresh(&self) -> Noise {
        match self.sealing {
            Sealing::Secret => self.params.fresh_noise(self.slots(), self.top),
            Sealing::Public => self.params.public_noise(self.slots(), self.top),
        }
    }

    /// Of the number whose sign decides.
    fn difference(&self) -> Noise {
        let one = self.fresh();
        if self.function.columns() == 1 { one } else { one.plus(one) }
    }

    fn input(&self) -> f64 {
        self.bound(self.difference())
    }

    /// The level at which a stage starts.
    fn start(&self, stage: usize) -> Level {
        let before = self.degrees.iter().take(stage).map(|&degree| levels(degree)).sum();
        self.top.down(before).unwrap_or(Level(0))
    }

    /// Of a stage as it is evaluated, from an exact input: how far inputs stray is in the domains.
    fn stage(&self, stage: usize, p: &Polynomial) -> Noise {
        self.params.poly_noise(p, Noise(0.0), self.slots(), self.start(stage))
    }

    /// How far a stage may stray, its noise and what comes of imaginary parts together; the last of `spreads` is what enters it.
    fn stray(
        &self,
        stage: usize,
        p: &Polynomial,
        spreads: &mut Vec<Spread>,
    ) -> Result<f64, arras_approx::Error> {
        let noise = self.margin(stage, p);
        let Some(entering) = spreads.last() else { return Ok(f64::NAN) };
        let stray = noise + entering.bend(p)?;
        let (slots, level) = (self.slots(), self.start(stage));
        let noise_at = |x: f64| self.bound(self.params.poly_noise_at(p, x, Noise(0.0), slots, level));
        let leaving = entering.after(p, stray, &noise_at)?;
        // What the key switch adds is no more real than other noise.
        let made_real = || self.bound(self.params.switch_noise(slots, self.start(stage + 1)));
        spreads.push(if self.real_after == Some(stage) { leaving.made_real(made_real()) } else { leaving });
        Ok(stray)
    }

    /// What the noise of a stage stays below, in units of p. Of the last one comparisons evaluate half, and so does whoever makes
    /// values real: its rounding counts twice.
    fn margin(&self, stage: usize, p: &Polynomial) -> f64 {
        let last = stage + 1 == self.degrees.len();
        let real = self.real_after == Some(stage);
        let halved = real || (last && !matches!(self.function, Function::Equal | Function::Abs));
        if !halved {
            return self.bound(self.stage(stage, p));
        }
        // Half of a polynomial that exists is one.
        let half = p.scaled(0.5).map_or(Noise(f64::INFINITY), |half| self.stage(stage, &half));
        let switch = self.params.switch_noise(self.slots(), self.start(stage + 1));
        self.bound(half.times(2.0).plus(if real { switch } else { Noise(0.0) }))
    }

    /// What is proved of a composition whose result has imaginary parts up to a bound.
    fn proof(&self, composite: &Composite, imaginary: f64) -> Proof {
        let margins: Vec<f64> = composite.stages().iter().map(|stage| stage.margin()).collect();
        let polynomials = composite.polynomials();
        let last = polynomials.last().map_or(0.0, |p| self.margin(polynomials.len() - 1, p));
        Proof {
            sign: composite.noisy_error(),
            weighted: composite.weighted_error(),
            tie: tie(&polynomials, composite.input_margin(), &margins),
            noise: self.result(last, imaginary),
            guard: self.bound(self.guard()),
        }
    }

    /// Of the result, when that of the sign stays within a bound, and its imaginary part within another.
    fn result(&self, sign: f64, imaginary: f64) -> f64 {
        let (slots, bottom) = (self.slots(), Level(1));
        let (lowered, rounding) =
            (self.params.rescale_noise(slots, bottom), self.params.rescale_noise(slots, Level(0)));
        let product = |a, b| self.params.product_noise(a, b, slots, bottom);
        match self.function {
            Function::Compare | Function::Greater | Function::GreaterEqual => sign / 2.0,
            // A square doubles the error of its operand.
            Function::Equal => {
                let rounding = self.bound(product((0.0, Noise(0.0)), (0.0, Noise(0.0))));
                2.0 * sign + imaginary * imaginary + rounding
            }
            Function::Max | Function::Min | Function::Relu | Function::Abs => {
                let x = (1.0, self.difference().plus(lowered));
                let added = self.fresh().plus(rounding);
                let noise = self.bound(product(x, (1.0, Noise(0.0))).plus(added));
                sign + self.input() * imaginary + noise
            }
        }
    }

    /// Of T_8 of the difference, made at the bottom: each step doubles a square.
    fn guard(&self) -> Noise {
        let slots = self.slots();
        let rounding = |level| self.params.product_noise((0.0, Noise(0.0)), (0.0, Noise(0.0)), slots, level);
        let top = Level(GUARD_LEVELS as u8);
        let start = self.difference().plus(self.params.rescale_noise(slots, top));
        (0..GUARD_LEVELS).fold(start, |noise, done| {
            noise.times(4.0).plus(rounding(top.down(done).unwrap_or(Level(1))).times(2.0))
        })
    }
}

/// Whether a stage strays so far that it tells no signs apart, which a real step before it may cure.
fn is_noisy(error: &Error) -> bool {
    use arras_approx::Error::{BadMargin, StageTooWide};
    matches!(error, Error::Approx(BadMargin { .. } | StageTooWide { .. }))
}

/// The smallest parameters of so many levels.
fn parameters(wish: &Wish, scales: Scales, depth: u32) -> Result<Params, Error> {
    // The largest ring has 2^16 slots, and the last is the sentinel's.
    if wish.rows >= 1 << 16 {
        return Err(DataError::Rows { have: wish.rows, most: (1 << 16) - 1 }.into());
    }
    let slots = (wish.rows + 1).next_power_of_two();
    let (Scales { base_bits, scale_bits }, security) = (scales, wish.security);
    let shape = Shape { log_degree: 0, base_bits, scale_bits, depth, security };
    Ok(Params::new(&smallest(shape, slots)?)?)
}

/// Levels beyond those of the sign.
fn extra_depth(wish: &Wish) -> Result<u32, Error> {
    Ok(match wish.domain {
        Domain::Integers { .. } => wish.function.relation()?.extra_depth(),
        Domain::Numbers { .. } => u32::from(wish.is_ramp()),
    })
}

/// Levels of a polynomial of this degree.
fn levels(degree: usize) -> u32 {
    degree.saturating_add(1).next_power_of_two().trailing_zeros()
}

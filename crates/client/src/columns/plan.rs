//! What a function of columns asks for: degrees, parameters, and polynomials whose margins come from the noise of those
//! parameters.

use arras_approx::degrees::{Choice, Goal, Products, fewest_products, least_depth};
use arras_approx::{Composite, Polynomial};
use arras_circuits::integers::tie;
use arras_circuits::slotwise::{DataError, Domain, Function, GUARD_LEVELS, Proof};
use arras_circuits::{Integers, Sign, Slotwise};
use arras_ckks::noise::Noise;
use arras_ckks::{KeyRequest, Level, Params, Security, Shape};

use crate::error::Error;
use crate::plan::{key_request, smallest};

/// Bits of every scale: as large as one prime allows.
const SCALE_BITS: u32 = 50;
/// Bits left at the bottom: values up to 2^9 can be read there.
const BASE_BITS: u32 = 60;
/// The distances, in multiples of the error, beyond which the sign inside max and ReLU shall be right. A larger one needs no more
/// depth, so the first that reaches the error is taken; what lies between these is not tried.
const FACTORS: [f64; 8] = [24.0, 16.0, 12.0, 8.0, 6.0, 4.0, 3.0, 2.0];
/// How often degrees are searched again with the margins found.
const SEARCHES: usize = 4;

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
    /// Cost: up to seconds, in the search for degrees and in proofs.
    ///
    /// # Errors
    /// A wish out of range, or one that no degrees or no parameters grant.
    pub fn for_wish(wish: &Wish) -> Result<Self, Error> {
        let (gap, alpha) = (wish.domain.gap(wish.function)?, wish.sign_alpha()?);
        if wish.is_ramp() {
            let factors = FACTORS.iter().filter(|factor| *factor * (-alpha).exp2() < 1.0);
            let mut last = None;
            for &factor in factors {
                let goal = Goal::for_max(alpha, factor, wish.max_degree)?;
                match Self::search(wish, goal, &|plan| plan.composite.weighted_error() <= (-alpha).exp2()) {
                    Err(error) => last = Some(error),
                    found => return found,
                }
            }
            return Err(last.unwrap_or(Error::Unreachable { alpha }));
        }
        let goal = Goal::new(alpha, gap, wish.max_degree)?;
        Self::search(wish, goal, &|plan| plan.composite.noisy_error() <= (1.0 - alpha).exp2())
    }

    /// The plan with these degrees, in order of application, whatever its error is.
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
        Self::build(wish, gap, degrees)
    }

    /// Degrees for a goal, until the plan that is built of them is good.
    fn search(wish: &Wish, goal: Goal, good: &dyn Fn(&Self) -> bool) -> Result<Self, Error> {
        let mut wide = goal;
        for _ in 0..SEARCHES {
            let Choice { degrees, .. } = fewest_products(&wide, least_depth(&wide)?, Products::planned())?;
            let plan = Self::build(wish, goal.epsilon(), &degrees)?;
            if good(&plan) {
                return Ok(plan);
            }
            let margins = plan.composite.stages().iter().map(|stage| stage.margin());
            let widest = margins.fold(plan.composite.input_margin(), f64::max);
            wide = wide.with_margin(wide.margin() + widest)?;
        }
        Err(Error::Unreachable { alpha: goal.alpha() })
    }

    fn build(wish: &Wish, gap: f64, degrees: &[usize]) -> Result<Self, Error> {
        let sign_depth: u32 = degrees.iter().map(|&degree| levels(degree)).sum();
        let depth = (sign_depth + extra_depth(wish)?).max(GUARD_LEVELS);
        // The largest ring has 2^16 slots, and the last is the sentinel's.
        if wish.rows >= 1 << 16 {
            return Err(DataError::Rows { have: wish.rows, most: (1 << 16) - 1 }.into());
        }
        let slots = (wish.rows + 1).next_power_of_two();
        let shape = Shape {
            log_degree: 0,
            base_bits: BASE_BITS,
            scale_bits: SCALE_BITS,
            depth,
            security: wish.security,
        };
        let params = Params::new(&smallest(shape, slots)?)?;
        let noise = ColumnNoise { params: &params, function: wish.function, degrees };
        let composite =
            Composite::build(gap, noise.input(), degrees, &mut |stage, p| noise.margin(stage, p))?;
        let sign = Sign::new(composite.polynomials())?;
        let domain = match wish.domain {
            Domain::Numbers { .. } => Domain::Numbers { epsilon: gap },
            integers @ Domain::Integers { .. } => integers,
        };
        let slotwise = Slotwise::new(wish.function, domain, &sign, noise.proof(&composite))?;
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
    function: Function,
    degrees: &'a [usize],
}

impl ColumnNoise<'_> {
    fn slots(&self) -> usize {
        self.params.max_slots()
    }

    /// What no slot exceeds in any of the stages, but with probability 2^-40.
    fn bound(&self, noise: Noise) -> f64 {
        noise.bound(self.slots() * (self.degrees.len() + 2))
    }

    /// Of the number whose sign decides, sealed under a public key, which is noisier.
    fn difference(&self) -> Noise {
        let one = self.params.public_noise(self.slots(), self.params.highest());
        if self.function.columns() == 1 { one } else { one.plus(one) }
    }

    fn input(&self) -> f64 {
        self.bound(self.difference())
    }

    /// The level at which a stage starts.
    fn start(&self, stage: usize) -> Level {
        let before = self.degrees.iter().take(stage).map(|&degree| levels(degree)).sum();
        self.params.highest().down(before).unwrap_or(Level(0))
    }

    /// Of a stage as it is evaluated, from an exact input: how far inputs stray is in the domains.
    fn stage(&self, stage: usize, p: &Polynomial) -> Noise {
        self.params.poly_noise(p, Noise(0.0), self.slots(), self.start(stage))
    }

    /// How far a stage may stray, in units of p. Comparisons evaluate half of the last one: its rounding counts twice.
    fn margin(&self, stage: usize, p: &Polynomial) -> f64 {
        let halved = !matches!(self.function, Function::Equal | Function::Abs);
        if stage + 1 < self.degrees.len() || !halved {
            return self.bound(self.stage(stage, p));
        }
        // Half of a polynomial that exists is one.
        let half = p.scaled(0.5).map_or(Noise(f64::INFINITY), |half| self.stage(stage, &half));
        self.bound(half.times(2.0))
    }

    fn proof(&self, composite: &Composite) -> Proof {
        let margins: Vec<f64> = composite.stages().iter().map(|stage| stage.margin()).collect();
        let polynomials = composite.polynomials();
        let last = margins.last().copied().unwrap_or(0.0);
        Proof {
            sign: composite.noisy_error(),
            weighted: composite.weighted_error(),
            tie: tie(&polynomials, composite.input_margin(), &margins),
            noise: self.result(last),
            guard: self.bound(self.guard()),
        }
    }

    /// Of the result, when that of the sign stays within a margin.
    fn result(&self, sign: f64) -> f64 {
        let (slots, bottom) = (self.slots(), Level(1));
        let (lowered, rounding) =
            (self.params.rescale_noise(slots, bottom), self.params.rescale_noise(slots, Level(0)));
        let product = |a, b| self.params.product_noise(a, b, slots, bottom);
        match self.function {
            Function::Compare | Function::Greater | Function::GreaterEqual => sign / 2.0,
            // A square doubles the error of its operand.
            Function::Equal => 2.0 * sign + self.bound(product((0.0, Noise(0.0)), (0.0, Noise(0.0)))),
            Function::Max | Function::Min | Function::Relu | Function::Abs => {
                let x = (1.0, self.difference().plus(lowered));
                let added = self.params.public_noise(slots, self.params.highest()).plus(rounding);
                sign + self.bound(product(x, (1.0, Noise(0.0))).plus(added))
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

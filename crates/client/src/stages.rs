//! The noise of the stages of a sign: by how much each may stray from its polynomial at the levels where it runs.

use arras_approx::Polynomial;
use arras_ckks::noise::{Noise, PolyNoise};
use arras_ckks::{Level, Params};

use crate::spread::Spread;

/// What a transform of 2^15 numbers up to 1 in doubles errs by at most: each of its 15 steps rounds some times by 2^-53.
pub(crate) const DOUBLES: f64 = 1.0 / (1u64 << 47) as f64;

/// What noise must not exceed, but with probability 2^-40 for all slots and operations together.
#[derive(Clone, Copy)]
pub(crate) struct Tail<'a> {
    pub params: &'a Params,
    pub slots: usize,
    /// Operations that add noise.
    pub events: usize,
}

impl Tail<'_> {
    pub fn bound(&self, noise: Noise) -> f64 {
        // Real and imaginary parts.
        noise.bound(self.slots.saturating_mul(self.events.max(1)).saturating_mul(2))
    }

    pub fn level(&self, level: u32) -> Level {
        Level(u8::try_from(level).unwrap_or(u8::MAX).min(self.params.summit().0))
    }

    pub fn switch(&self, level: u32) -> f64 {
        self.bound(self.params.switch_noise(self.slots, self.level(level)))
    }

    pub fn rescale(&self, level: u32) -> f64 {
        self.bound(self.params.rescale_noise(self.slots, self.level(level)))
    }

    /// Of a vector of numbers up to 1: rounded to integers, after a transform in doubles.
    pub fn encoding(&self, level: u32) -> f64 {
        self.bound(self.params.encoding_noise(self.slots, self.level(level))) + DOUBLES
    }
}

/// The stages of a sign where they run.
pub(crate) struct Stages<'a> {
    pub tail: Tail<'a>,
    /// The lowest level of an argument, where noise is largest, and the highest.
    pub levels: [u32; 2],
    pub degrees: &'a [usize],
    /// The stage after which values are made real.
    pub real_after: Option<usize>,
    /// The factors by which the last polynomial is multiplied where it is evaluated.
    pub factors: &'a [f64],
}

/// How far a stage may stray.
pub(crate) struct Stray {
    /// By its own noise.
    pub noise: f64,
    /// Because of imaginary parts that enter it.
    pub bend: f64,
}

impl Stages<'_> {
    /// The levels at which a stage may start.
    fn starts(&self, stage: usize) -> impl Iterator<Item = u32> {
        let before: u32 = self.degrees.iter().take(stage).map(|&degree| levels(degree)).sum();
        let [lowest, highest] = self.levels.map(|level| level.saturating_sub(before));
        std::iter::once(lowest).chain((highest != lowest).then_some(highest))
    }

    /// How far a stage may stray; the last of `spreads` is what enters it, and what leaves it is appended.
    pub fn stray(
        &self,
        stage: usize,
        p: &Polynomial,
        spreads: &mut Vec<Spread>,
    ) -> Result<Stray, arras_approx::Error> {
        let own = self.own(stage, p);
        let noise = self.worst(&own, PolyNoise::most);
        let Some(entering) = spreads.last() else { return Ok(Stray { noise, bend: f64::NAN }) };
        let bend = entering.bend(p)?;
        let noise_at = |x: f64| self.worst(&own, |noise| noise.at(x));
        let leaving = entering.after(p, noise + bend, &noise_at)?;
        // What the key switch adds is no more real than other noise.
        let made_real = || self.starts(stage + 1).map(|level| self.tail.switch(level)).fold(0.0, f64::max);
        spreads.push(if self.real_after == Some(stage) { leaving.made_real(made_real()) } else { leaving });
        Ok(Stray { noise, bend })
    }

    /// What the noise of a stage stays below, in units of p: of it alone, for how far inputs stray is in the domains.
    pub fn margin(&self, stage: usize, p: &Polynomial) -> f64 {
        self.worst(&self.own(stage, p), PolyNoise::most)
    }

    /// The noise of a polynomial at each of its levels and factors. Whoever evaluates a multiple of it divides the noise of its
    /// rounding by that, and whoever makes values real evaluates the half and adds a key switch.
    fn own(&self, stage: usize, p: &Polynomial) -> Vec<Own> {
        let Tail { params, slots, .. } = self.tail;
        let real = self.real_after == Some(stage);
        let last = stage + 1 == self.degrees.len() && !self.factors.is_empty();
        let factors = if real {
            &[0.5]
        } else if last {
            self.factors
        } else {
            &[1.0][..]
        };
        let scaled = factors.iter().filter_map(|&factor| Some((factor, p.scaled(factor).ok()?)));
        let all = scaled.flat_map(|(factor, p)| {
            self.starts(stage).map(move |start| {
                let noise = params.poly_noise(&p, Noise(0.0), slots, self.tail.level(start));
                let level = self.tail.level(start.saturating_sub(p.depth()));
                let switch = if real { params.switch_noise(slots, level) } else { Noise(0.0) };
                Own { noise, over: factor.abs().recip(), switch }
            })
        });
        all.collect()
    }

    /// What no slot exceeds, at the worst level and factor.
    fn worst(&self, own: &[Own], noise: impl Fn(&PolyNoise) -> Noise) -> f64 {
        let all = own.iter().map(|own| self.tail.bound(noise(&own.noise).times(own.over).plus(own.switch)));
        // A multiple that is no polynomial has no noise that could be foretold.
        all.reduce(f64::max).unwrap_or(f64::INFINITY)
    }
}

/// The noise of a stage at one level.
struct Own {
    noise: PolyNoise,
    /// What it is multiplied by.
    over: f64,
    /// That of making values real.
    switch: Noise,
}

/// Levels of a polynomial of this degree.
pub(crate) fn levels(degree: usize) -> u32 {
    degree.saturating_add(1).next_power_of_two().trailing_zeros()
}

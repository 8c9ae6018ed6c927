//! The logistic map, followed for as long as one likes.

use crate::error::Error;
use crate::ops::Points;

/// The orbit of 1/2 under x -> r x (1 - x), for a hidden r in each slot.
///
/// With z = r (1/2 - x) and c = r/2 - r^2/4 the map is z -> z^2 + c: one product, one level and no scaling for each step.
///
/// # Why errors stay small
/// For rates in [`Logistic::RATES`], c lies in [-0.96, 0.19]. The orbit starts at z = 0, so it stays in [c, c^2 + c] for c < 0
/// and in [0, 1/4] for c > 0: it never leaves [-1, 1]. It is the orbit of the critical point, which tends to the one attractor that there is: a fixed
/// point with derivative 2 - r for r < 3, a cycle of two with 4 + 2 r - r^2 beyond. An error is multiplied by 2 z at each step:
/// it dies out by a constant factor away from r = 3, and at r = 3, where the derivative tends to -1, it does at least not grow.
/// n steps thus add at most some n errors of one step; [`Logistic::sensitivity`] says how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Logistic {
    /// How often the map is applied beyond the first time, which costs nothing: z_1 = c.
    pub steps: u32,
}

impl Logistic {
    /// The rates for which errors stay small.
    pub const RATES: [f64; 2] = [1.5, 3.2];

    /// What is hidden for a rate: c.
    ///
    /// # Errors
    /// A rate out of range.
    pub fn hide(rate: f64) -> Result<f64, Error> {
        let [least, most] = Self::RATES;
        if !(least..=most).contains(&rate) {
            return Err(Error::Rate { rate, least, most });
        }
        Ok(rate / 2.0 - rate * rate / 4.0)
    }

    /// x after so many steps, in [0, 1], from what came out and the rate.
    #[must_use]
    pub fn show(z: f64, rate: f64) -> f64 {
        0.5 - z / rate
    }

    /// One step: a point, and z^2 + c.
    ///
    /// # Errors
    /// What the operations refuse.
    pub fn step<B: Points>(ops: &B, z: &B::Ct, c: &B::Ct) -> Result<B::Ct, B::Error> {
        let z = ops.point(z)?;
        ops.add(&ops.mul(&z, &z)?, c)
    }

    /// z after all steps. Before each step there is a point. `heard` is told z after each, and stops everything by an error.
    ///
    /// Cost: a level, a product and a sum for each step; c is lowered to the level of z.
    ///
    /// # Errors
    /// What the operations refuse, or `heard`.
    pub fn run<B: Points, E: From<B::Error>>(
        &self,
        ops: &B,
        c: &B::Ct,
        mut heard: impl FnMut(u32, &B::Ct) -> Result<(), E>,
    ) -> Result<B::Ct, E> {
        let mut z = c.clone();
        for step in 1..=self.steps {
            z = Self::step(ops, &z, c)?;
            heard(step, &z)?;
        }
        Ok(z)
    }

    /// What errors of at most one in c and in what each step makes become at the end at most, for a rate: to first order.
    ///
    /// # Errors
    /// A rate out of range.
    pub fn sensitivity(&self, rate: f64) -> Result<f64, Error> {
        let c = Self::hide(rate)?;
        let start = (c, 1.0);
        Ok((0..self.steps).fold(start, |(z, sum), _| (z * z + c, (2.0 * z).abs() * sum + 2.0)).1)
    }
}

//! Intervals with outward rounding, and Taylor jets over them.

use std::ops::{Add, Mul, Neg, Sub};

/// What a target function is written with: numbers, intervals and jets.
pub trait Real:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Neg<Output = Self>
{
    /// The constant c.
    fn constant(c: f64) -> Self;
    /// e^x.
    #[must_use]
    fn exp(self) -> Self;
    /// 1/x.
    #[must_use]
    fn recip(self) -> Self;
}

impl Real for f64 {
    fn constant(c: f64) -> Self {
        c
    }
    fn exp(self) -> Self {
        f64::exp(self)
    }
    fn recip(self) -> Self {
        1.0 / self
    }
}

/// All real numbers from `lo` to `hi`: every operation contains the exact result for every choice of operands.
///
/// Rounds outward by one unit in the last place after each operation that rounds to nearest.
///
/// Reference: Moore, Kearfott and Cloud (2009), Introduction to Interval Analysis, chapters 2 and 5.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    lo: f64,
    hi: f64,
}

impl Interval {
    /// Every real number: what is known when nothing is.
    pub const ENTIRE: Interval = Interval { lo: f64::NEG_INFINITY, hi: f64::INFINITY };

    /// The interval between two numbers, in either order; everything if one is not a number.
    #[must_use]
    pub fn new(a: f64, b: f64) -> Self {
        if a.is_nan() || b.is_nan() { Self::ENTIRE } else { Interval { lo: a.min(b), hi: a.max(b) } }
    }

    /// Exactly the number c.
    #[must_use]
    pub fn point(c: f64) -> Self {
        Self::new(c, c)
    }

    /// The lower end.
    #[must_use]
    pub fn lo(self) -> f64 {
        self.lo
    }

    /// The upper end.
    #[must_use]
    pub fn hi(self) -> f64 {
        self.hi
    }

    /// The largest |x| in the interval.
    #[must_use]
    pub fn magnitude(self) -> f64 {
        self.lo.abs().max(self.hi.abs())
    }

    /// The smallest |x| in the interval.
    #[must_use]
    pub fn mignitude(self) -> f64 {
        if self.lo <= 0.0 && self.hi >= 0.0 { 0.0 } else { self.lo.abs().min(self.hi.abs()) }
    }

    /// Whether x lies inside.
    #[must_use]
    pub fn contains(self, x: f64) -> bool {
        self.lo <= x && x <= self.hi
    }

    /// The part within [lo, hi]; the interval itself when they are disjoint.
    #[must_use]
    pub fn clip(self, lo: f64, hi: f64) -> Self {
        let (a, b) = (self.lo.max(lo), self.hi.min(hi));
        if a <= b { Interval { lo: a, hi: b } } else { self }
    }

    /// One unit further out on both sides.
    fn outward(lo: f64, hi: f64) -> Self {
        if lo.is_nan() || hi.is_nan() {
            Self::ENTIRE
        } else {
            Interval { lo: lo.next_down(), hi: hi.next_up() }
        }
    }
}

impl Add for Interval {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        Self::outward(self.lo + o.lo, self.hi + o.hi)
    }
}

impl Neg for Interval {
    type Output = Self;
    fn neg(self) -> Self {
        Interval { lo: -self.hi, hi: -self.lo }
    }
}

impl Sub for Interval {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        self + -o
    }
}

impl Mul for Interval {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        let p = [self.lo * o.lo, self.lo * o.hi, self.hi * o.lo, self.hi * o.hi];
        if p.iter().any(|x| x.is_nan()) {
            return Self::ENTIRE;
        }
        let lo = p.iter().copied().fold(f64::INFINITY, f64::min);
        let hi = p.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Self::outward(lo, hi)
    }
}

impl Real for Interval {
    fn constant(c: f64) -> Self {
        Self::point(c)
    }
    fn exp(self) -> Self {
        Interval { lo: exp_point(self.lo).lo.max(0.0), hi: exp_point(self.hi).hi }
    }
    fn recip(self) -> Self {
        if self.contains(0.0) { Self::ENTIRE } else { Self::outward(1.0 / self.hi, 1.0 / self.lo) }
    }
}

/// ln 2 in two parts: the first has enough trailing zeros for a product with an exponent to be exact, the second is the
/// rest rounded to nearest.
const LN2: (f64, f64) = (6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10);
/// Beyond this the exponential is bounded and no longer computed.
const EXP_LIMIT: f64 = 700.0;
/// Terms of the exponential series on |r| <= 0.36; what is left out is below [`TAIL`].
const TERMS: u32 = 17;
/// 0.36^18 / 18! * e^0.36 < 3e-24.
const TAIL: f64 = 1e-23;

/// An enclosure of e^x from the series, so that no rounding of a system library is trusted.
fn exp_point(x: f64) -> Interval {
    if x > EXP_LIMIT {
        return Interval { lo: exp_point(EXP_LIMIT).lo, hi: f64::INFINITY };
    }
    if x < -EXP_LIMIT {
        return Interval { lo: 0.0, hi: exp_point(-EXP_LIMIT).hi };
    }
    let k = (x / LN2.0).round();
    let low = Interval::outward(LN2.1, LN2.1);
    // k * LN2.0 is exact: 11 bits times 32.
    let high = x - k * LN2.0;
    let r = Interval::outward(high, high) - Interval::point(k) * low;
    let mut s = Interval::point(1.0);
    for i in (1..=TERMS).rev() {
        s = Interval::point(1.0) + r * Interval::point(f64::from(i)).recip() * s;
    }
    s = s + Interval { lo: -TAIL, hi: TAIL };
    // |k| <= 1011, so the power of two is normal and the product exact.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "k is an integer in -1011..=1011"
    )]
    let power = f64::from_bits(((1023.0 + k) as u64) << 52);
    Interval { lo: s.lo * power, hi: s.hi * power }
}

/// Coefficients in a [`Jet`]: the value and three derivatives, and the fourth as a remainder.
pub const ORDER: usize = 5;

/// Enclosures of the first Taylor coefficients f^(k) / k! of a function of t.
///
/// Reference: Griewank and Walther (2008), Evaluating Derivatives, chapter 13.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Jet(pub [Interval; ORDER]);

impl Jet {
    /// The map t -> value + slope t, seen at t = 0.
    #[must_use]
    pub fn line(value: Interval, slope: Interval) -> Self {
        let mut c = [Interval::point(0.0); ORDER];
        (c[0], c[1]) = (value, slope);
        Jet(c)
    }
}

impl Add for Jet {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        Jet(std::array::from_fn(|k| self.0[k] + o.0[k]))
    }
}

impl Neg for Jet {
    type Output = Self;
    fn neg(self) -> Self {
        Jet(self.0.map(|c| -c))
    }
}

impl Sub for Jet {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        self + -o
    }
}

impl Mul for Jet {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        Jet(std::array::from_fn(|k| sum((0..=k).map(|i| self.0[i] * o.0[k - i]))))
    }
}

impl Real for Jet {
    fn constant(c: f64) -> Self {
        Jet::line(Interval::point(c), Interval::point(0.0))
    }
    fn exp(self) -> Self {
        // e' = a' e, coefficient by coefficient: k e_k = sum i a_i e_{k-i}.
        let mut e = [self.0[0].exp(); ORDER];
        for k in 1..ORDER {
            let share = |i: usize| Interval::point(i as f64) * Interval::point(k as f64).recip();
            e[k] = sum((1..=k).map(|i| share(i) * self.0[i] * e[k - i]));
        }
        Jet(e)
    }
    fn recip(self) -> Self {
        let first = self.0[0].recip();
        let mut r = [first; ORDER];
        for k in 1..ORDER {
            r[k] = -(sum((1..=k).map(|i| self.0[i] * r[k - i])) * first);
        }
        Jet(r)
    }
}

/// The sum of the intervals.
pub(crate) fn sum(terms: impl Iterator<Item = Interval>) -> Interval {
    terms.fold(Interval::point(0.0), |a, b| a + b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_enclosed_tightly() {
        for i in -7000..=7000 {
            let x = f64::from(i) * 0.1;
            let e = Interval::point(x).exp();
            assert!(e.lo <= x.exp().next_up() && x.exp().next_down() <= e.hi, "at {x}");
            assert!(e.hi - e.lo <= 1e-14 * e.hi, "width at {x}: {}", (e.hi - e.lo) / e.hi);
        }
    }

    #[test]
    fn jets_enclose_derivatives() {
        let x = Jet::line(Interval::point(0.7), Interval::point(1.0));
        let one = Jet::constant(1.0);
        let s = (one + (-x).exp()).recip();
        let v = 1.0 / (1.0 + (-0.7f64).exp());
        let d = v * (1.0 - v);
        let third = d * (1.0 - 6.0 * d) / 6.0;
        let fourth = d * (1.0 - 2.0 * v) * (1.0 - 12.0 * d) / 24.0;
        for (c, w) in s.0.iter().zip([v, d, d * (1.0 - 2.0 * v) / 2.0, third, fourth]) {
            assert!((c.lo() - w).abs() < 1e-13 && (c.hi() - w).abs() < 1e-13, "{c:?} {w}");
        }
    }

    #[test]
    fn what_is_not_known_is_everything() {
        assert_eq!(Interval::new(-1.0, 1.0).recip(), Interval::ENTIRE);
        assert_eq!(Interval::ENTIRE * Interval::point(0.0), Interval::ENTIRE);
        assert!(Interval::point(800.0).exp().hi().is_infinite());
        assert!(Interval::point(-800.0).exp().lo() == 0.0);
    }
}

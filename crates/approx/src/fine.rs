//! Intervals with a hundred bits.

use std::ops::{Add, Mul, Neg, Sub};

use crate::interval::Interval;

/// What a proof can calculate with: sets of real numbers that contain every exact result.
pub(crate) trait Enclosure:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Neg<Output = Self>
{
    /// The numbers of the interval.
    fn of(x: Interval) -> Self;
    /// An interval around the set.
    fn hull(self) -> Interval;
}

impl Enclosure for Interval {
    fn of(x: Interval) -> Self {
        x
    }
    fn hull(self) -> Interval {
        self
    }
}

/// The numbers `head` + t with t in the tail.
///
/// Sums and products split into a rounded head and its exact rounding error, which joins the tail; the tail is an
/// outward-rounded interval of about 2^-53 of the head, so one operation loses about 2^-104.
///
/// References: Dekker (1971) for the sums, Ogita, Rump and Oishi (2005), Accurate Sum and Dot Product, for the products.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fine {
    head: f64,
    tail: Interval,
}

impl Fine {
    /// `head` + tail, with what the head can take of the tail.
    fn carry(head: f64, tail: Interval) -> Self {
        let middle = 0.5 * (tail.lo() + tail.hi());
        let (sum, lost) = two_sum(head, middle);
        if sum.is_finite() {
            Fine { head: sum, tail: tail - Interval::point(middle) + Interval::point(lost) }
        } else {
            Fine { head: 0.0, tail: Interval::ENTIRE }
        }
    }
}

/// a + b rounded to nearest, and what the rounding lost, exactly.
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let s = a + b;
    let seen = s - a;
    (s, (a - (s - seen)) + (b - seen))
}

impl Enclosure for Fine {
    fn of(x: Interval) -> Self {
        Fine::carry(0.0, x)
    }
    fn hull(self) -> Interval {
        Interval::point(self.head) + self.tail
    }
}

impl Add for Fine {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        let (s, lost) = two_sum(self.head, o.head);
        Fine::carry(s, self.tail + o.tail + Interval::point(lost))
    }
}

impl Neg for Fine {
    type Output = Self;
    fn neg(self) -> Self {
        Fine { head: -self.head, tail: -self.tail }
    }
}

impl Sub for Fine {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        self + -o
    }
}

impl Mul for Fine {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        let p = self.head * o.head;
        let lost = self.head.mul_add(o.head, -p);
        // One unit further out: below the normal numbers even the error of a product is rounded.
        let lost = Interval::new(lost.next_down(), lost.next_up());
        let (a, b) = (Interval::point(self.head), Interval::point(o.head));
        Fine::carry(p, lost + a * o.tail + b * self.tail + self.tail * o.tail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(x: f64) -> Fine {
        Fine::of(Interval::point(x))
    }

    #[test]
    fn a_third_cubed_keeps_a_hundred_bits() {
        // (1 + 2^-40)^3 = 1 + 3 * 2^-40 + 3 * 2^-80 + 2^-120.
        let e = (-40.0f64).exp2();
        let x = point(1.0) + point(e);
        let rest = x * x * x - point(1.0) - point(3.0) * point(e) - point(3.0) * point(e * e);
        let hull = rest.hull();
        assert!(hull.contains(e * e * e), "{hull:?}");
        assert!(hull.hi() - hull.lo() < (-100.0f64).exp2(), "{hull:?}");
    }

    #[test]
    fn overflow_and_underflow_stay_inside() {
        assert_eq!((point(1e300) * point(1e300)).hull(), Interval::ENTIRE);
        let small = point(1e-200) * point(3e-200);
        assert!(small.hull().contains(0.0) && small.hull().hi() > 0.0 && small.hull().hi() < 1e-320);
        let sum = point(f64::MAX) + point(f64::MAX);
        assert_eq!(sum.hull(), Interval::ENTIRE);
    }
}

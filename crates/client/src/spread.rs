//! What imaginary parts of slots do to real ones.
//!
//! Noise has an imaginary part as large as the real one, and polynomials carry it along: the value at x + iy is
//! p(x) - y^2 p''(x) / 2 + i (y p'(x) - y^3 p'''(x) / 6), and so on; of both parts the next power is taken with the sign
//! that makes it worse, and those beyond are left out. A sign is steep next to the gap, so that y grows with the
//! product of the slopes on the way; the square of it is no longer small in the end, and moves the real part. Slots near
//! one see slopes as large, but not on the same way: so y is followed for each part of the box on its own.

use arras_approx::{Error, Polynomial};

/// Parts of the box.
const PARTS: usize = 4096;
/// Points that are followed in each part.
const POINTS: usize = 8;
/// A number for each of them, and for the end.
type Points = [f64; POINTS + 1];
/// Numbers of the box at which noise is looked up.
const SAMPLES: usize = 128;

/// Bounds of the slots that enter a stage, in units of its box.
#[derive(Clone, Debug)]
pub(crate) struct Spread {
    /// Real parts are at least as far from zero; zero where nothing is known.
    near: f64,
    /// Of the imaginary parts, for each part of [near, 1].
    imaginary: Vec<f64>,
}

impl Spread {
    /// Slots whose real parts are at least so far from zero, with imaginary parts up to a bound.
    pub fn new(near: f64, imaginary: f64) -> Self {
        Self { near: near.max(0.0), imaginary: vec![imaginary; PARTS] }
    }

    /// How far real parts stray because of the imaginary ones.
    pub fn bend(&self, p: &Polynomial) -> Result<f64, Error> {
        let [_, second, _, fourth] = derivatives(p)?;
        let most = self.parts().map(|(x, y)| {
            let (second, fourth) = (second.eval_each(x), fourth.eval_each(x));
            let at = |(a, b): (f64, f64)| y * y * (a.abs() / 2.0 + y * y / 24.0 * b.abs());
            second.into_iter().zip(fourth).map(at).fold(0.0, f64::max)
        });
        Ok(most.fold(0.0, f64::max))
    }

    /// Of the slots that leave a stage, whose real parts stray by a margin and whose imaginary ones get the noise of x.
    pub fn after(&self, p: &Polynomial, margin: f64, noise: &dyn Fn(f64) -> f64) -> Result<Self, Error> {
        let [first, _, third, _] = derivatives(p)?;
        let values: Vec<Points> = self.parts().map(|(x, _)| p.eval_each(x)).collect();
        let least = values.iter().flatten().copied().fold(f64::INFINITY, f64::min);
        let mut next = Self { near: (least - margin).max(0.0), imaginary: Vec::new() };
        let sample = |i: usize| noise(self.near + (1.0 - self.near) * i as f64 / SAMPLES as f64);
        let samples: Vec<f64> = (0..=SAMPLES).map(sample).collect();
        let around = |x: f64| {
            let first = self.part(x) * SAMPLES / PARTS;
            samples[first].max(samples[first + 1])
        };
        let mut covers = Covers::new();
        for ((x, y), values) in self.parts().zip(values) {
            let (first, third) = (first.eval_each(x), third.eval_each(x));
            let slopes = first.into_iter().zip(third).map(|(a, b)| a.abs() + y * y / 6.0 * b.abs());
            let leaving = slopes.zip(x).map(|(slope, x)| y * slope + around(x));
            let mut before = None;
            for (value, y) in values.into_iter().zip(leaving) {
                // Where a slope is steep, whole parts lie between the values at two points.
                let (from, most) = before.unwrap_or((value, y));
                let (lo, hi) = (value.min(from) - margin, value.max(from) + margin);
                covers.add(next.part(lo), next.part(hi), y.max(most));
                before = Some((value, y));
            }
        }
        next.imaginary = covers.most();
        Ok(next)
    }

    /// The same slots with imaginary parts up to another bound.
    pub fn made_real(mut self, imaginary: f64) -> Self {
        self.imaginary.iter_mut().filter(|y| **y > 0.0).for_each(|y| *y = imaginary);
        self
    }

    /// What no imaginary part exceeds.
    pub fn most(&self) -> f64 {
        self.imaginary.iter().copied().fold(0.0, f64::max)
    }

    /// The points of each part, ends included, with the bound of the imaginary parts there.
    fn parts(&self) -> impl Iterator<Item = (Points, f64)> {
        let step = (1.0 - self.near) / (PARTS * POINTS) as f64;
        let points =
            move |part: usize| std::array::from_fn(|k| self.near + step * (part * POINTS + k) as f64);
        let parts = self.imaginary.iter().enumerate().filter(|(_, y)| **y > 0.0);
        parts.map(move |(part, &y)| (points(part), y))
    }

    /// The part of the box in which a number is, or the one next to it.
    fn part(&self, x: f64) -> usize {
        let place = (x - self.near) / (1.0 - self.near) * PARTS as f64;
        (place.max(0.0) as usize).min(PARTS - 1)
    }
}

/// The largest of the numbers that cover a part, each of which covers parts in a row.
///
/// A row is the union of two of a length that is a power of two, which may overlap: so a number takes two steps however
/// many parts it covers.
struct Covers {
    /// Entry k, i: of numbers that cover 2^k parts from part i on.
    rows: Vec<Vec<f64>>,
}

impl Covers {
    fn new() -> Self {
        Self { rows: (0..=PARTS.ilog2()).map(|k| vec![0.0; PARTS + 1 - (1 << k)]).collect() }
    }

    /// A number for the parts from `first` to `last`.
    fn add(&mut self, first: usize, last: usize, number: f64) {
        let length = (last + 1).saturating_sub(first).max(1).ilog2();
        let row = &mut self.rows[length as usize];
        for at in [first, last + 1 - (1 << length)] {
            row[at] = row[at].max(number);
        }
    }

    /// For each part; zero where no number covers it.
    fn most(mut self) -> Vec<f64> {
        let mut longer = self.rows.pop().unwrap_or_default();
        while let Some(mut row) = self.rows.pop() {
            let half = row.len() - longer.len();
            for (i, number) in longer.into_iter().enumerate() {
                row[i] = row[i].max(number);
                row[i + half] = row[i + half].max(number);
            }
            longer = row;
        }
        longer
    }
}

/// The first four derivatives.
fn derivatives(p: &Polynomial) -> Result<[Polynomial; 4], Error> {
    let first = derivative(p)?;
    let second = derivative(&first)?;
    let third = derivative(&second)?;
    let fourth = derivative(&third)?;
    Ok([first, second, third, fourth])
}

/// The derivative on [-1, 1], by the recurrence c'_(k-1) = c'_(k+1) + 2 k c_k.
fn derivative(p: &Polynomial) -> Result<Polynomial, Error> {
    let c = p.coefficients();
    let mut slopes = vec![0.0; c.len() + 1];
    for k in (1..c.len()).rev() {
        slopes[k - 1] = slopes[k + 1] + 2.0 * k as f64 * c[k];
    }
    slopes[0] /= 2.0;
    slopes.truncate(c.len().saturating_sub(1).max(1));
    Polynomial::unit(slopes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives() {
        // T_5 and its first two: 5 U_4, and 320 x^3 - 120 x.
        let p = Polynomial::unit(vec![0.0, 0.0, 0.0, 0.0, 0.0, 1.0]).unwrap();
        let first = derivative(&p).unwrap();
        let second = derivative(&first).unwrap();
        for x in [-1.0, -0.3, 0.0, 0.7, 1.0f64] {
            assert!((first.eval(x) - (80.0 * x.powi(4) - 60.0 * x * x + 5.0)).abs() < 1e-12);
            assert!((second.eval(x) - (320.0 * x.powi(3) - 120.0 * x)).abs() < 1e-11);
        }
        assert_eq!(derivative(&Polynomial::unit(vec![2.0]).unwrap()).unwrap().eval(0.5), 0.0);
    }

    /// (3 x - x^3) / 2 in Chebyshev terms: 9/8 T_1 - 1/8 T_3.
    fn cubic() -> Polynomial {
        Polynomial::unit(vec![0.0, 9.0 / 8.0, 0.0, -1.0 / 8.0]).unwrap()
    }

    #[test]
    fn a_cubic_bends_as_computed() {
        let spread = Spread::new(0.5, 0.01);
        // Re p(x + iy) = p(x) + 3 x y^2 / 2: most at x = 1.
        assert!((spread.bend(&cubic()).unwrap() - 1.5e-4).abs() < 1e-9);
        let after = spread.after(&cubic(), 1e-4, &|_| 0.002).unwrap();
        assert!((after.near - (11.0 / 16.0 - 1e-4)).abs() < 1e-12);
        // The slope is 9/8 at the near end, and none at one.
        assert!((after.imaginary[after.part(11.0 / 16.0)] - 0.01325).abs() < 1e-5);
        assert!(after.imaginary[PARTS - 1] < 0.0025);
        // Real parts stray down to the near end.
        assert_eq!(after.most(), after.imaginary[0]);
        assert_eq!(after.imaginary[after.part(0.6)], after.imaginary[0]);
        let real = after.clone().made_real(0.001);
        assert_eq!((real.near, real.most(), real.imaginary[0]), (after.near, 0.001, 0.001));
    }

    #[test]
    fn a_part_gets_the_largest_number_that_covers_it() {
        let (mut covers, mut plain) = (Covers::new(), vec![0.0_f64; PARTS]);
        for i in 0..300_usize {
            let (first, length) = (i * i * 37 % PARTS, 1 << (i % 13));
            let (last, number) = ((first + length - i % 2).min(PARTS - 1), (i * 71 % 101) as f64);
            covers.add(first, last, number);
            plain[first..=last].iter_mut().for_each(|there| *there = there.max(number));
        }
        covers.add(PARTS - 1, PARTS - 1, 1000.0);
        plain[PARTS - 1] = 1000.0;
        assert_eq!(covers.most(), plain);
        let mut whole = Covers::new();
        whole.add(0, PARTS - 1, 2.0);
        assert!(whole.most().iter().all(|&number| number == 2.0));
    }

    #[test]
    fn no_part_is_left_out_where_slopes_are_steep() {
        // T_31 / 2 is level nowhere near zero, and takes every value between -1/2 and 1/2 there.
        let steep = Polynomial::unit((0..=31).map(|k| if k == 31 { 0.5 } else { 0.0 }).collect()).unwrap();
        let after = Spread::new(0.0, 1e-6).after(&steep, 1e-9, &|_| 1e-9).unwrap();
        let half = after.part(0.5);
        assert!(after.imaginary[..=half].iter().all(|y| *y > 0.0) && after.imaginary[half + 1] == 0.0);
    }

    /// p(x + iy) by Clenshaw's recurrence.
    fn complex(p: &Polynomial, x: f64, y: f64) -> (f64, f64) {
        let (mut b, mut c) = ((0.0, 0.0), (0.0, 0.0));
        for a in p.coefficients().iter().skip(1).rev() {
            let next = (a + 2.0 * (x * b.0 - y * b.1) - c.0, 2.0 * (x * b.1 + y * b.0) - c.1);
            (b, c) = (next, b);
        }
        (p.coefficients()[0] + x * b.0 - y * b.1 - c.0, x * b.1 + y * b.0 - c.1)
    }

    #[test]
    fn numbers_off_the_line_stay_within_both_bounds() {
        let p = Polynomial::unit((0..32).map(|k| if k % 2 == 1 { 0.6 / k as f64 } else { 0.0 }).collect())
            .unwrap();
        for y in [1e-6, 1e-4, 1e-3] {
            let spread = Spread::new(0.01, y);
            let (bend, after) = (spread.bend(&p).unwrap(), spread.after(&p, 0.0, &|_| 0.0).unwrap());
            let mut most = 0.0f64;
            for i in 0..=1000 {
                let x = 0.01 + 0.99 * f64::from(i) / 1000.0;
                let (re, im) = complex(&p, x, y);
                most = most.max((re - p.eval(x)).abs());
                assert!(im.abs() <= after.imaginary[after.part(p.eval(x))] * (1.0 + 1e-9), "{x} + {y} i");
            }
            assert!(most <= bend + 1e-14 && bend <= 1.5 * most + 1e-14, "{y}: {most} and {bend}");
        }
    }
}

//! The clear reading: plain numbers, exact mathematics, no levels.

use std::sync::{Mutex, PoisonError};

use arras_approx::Polynomial;

use crate::error::{Error, check_repeats, check_slots, check_terms};
use crate::matrix::Matrix;
use crate::ops::{Arith, Pairs, Points, Rotate};

/// The operations on plain vectors: the right answer that every other reading is compared with.
///
/// It remembers the smallest and the largest value that went into each polynomial, product and point, in program
/// order: a polynomial outside its domain, or a refresh outside the unit box, is garbage without an error, so ranges are
/// measured here.
#[derive(Debug)]
pub struct Clear {
    slots: usize,
    seen: Mutex<Log>,
}

/// What went into one operation of the program.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// `poly`, `mul` or `point`.
    pub op: &'static str,
    /// The smallest value in any slot of any operand.
    pub lo: f64,
    /// The largest.
    pub hi: f64,
}

#[derive(Debug, Default)]
struct Log {
    next: usize,
    seen: Vec<Seen>,
}

impl Clear {
    /// Operations on vectors of this many slots, a power of two.
    ///
    /// # Errors
    /// When it is not a power of two.
    pub fn new(slots: usize) -> Result<Self, Error> {
        check_slots(slots)?;
        Ok(Clear { slots, seen: Mutex::default() })
    }

    /// The vector that holds v, repeated to fill the slots.
    ///
    /// # Errors
    /// When it does not repeat evenly.
    pub fn input(&self, v: &[f64]) -> Result<Vec<f64>, Error> {
        check_repeats(v.len(), self.slots)?;
        Ok(self.fill(v).collect())
    }

    /// The ranges seen by each `poly`, `mul` and `point`, in program order, widened over the runs since the start.
    #[must_use]
    pub fn ranges(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).seen.clone()
    }

    /// Says that the same program is about to run again: its ranges widen those of the runs before.
    pub fn restart(&self) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).next = 0;
    }

    fn note(&self, op: &'static str, operands: &[&Vec<f64>]) {
        let values = || operands.iter().flat_map(|v| v.iter().copied());
        let lo = values().fold(f64::INFINITY, f64::min);
        let hi = values().fold(f64::NEG_INFINITY, f64::max);
        let mut log = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let at = log.next;
        log.next += 1;
        match log.seen.get_mut(at) {
            Some(s) => (s.lo, s.hi) = (s.lo.min(lo), s.hi.max(hi)),
            None => log.seen.push(Seen { op, lo, hi }),
        }
    }

    fn fill<'a>(&self, v: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
        v.iter().copied().cycle().take(self.slots)
    }

    fn with_plain(&self, a: &[f64], v: &[f64], f: impl Fn(f64, f64) -> f64) -> Result<Vec<f64>, Error> {
        check_repeats(v.len(), self.slots)?;
        Ok(a.iter().zip(self.fill(v)).map(|(x, y)| f(*x, y)).collect())
    }
}

fn zip(a: &[f64], b: &[f64], f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    a.iter().zip(b).map(|(x, y)| f(*x, *y)).collect()
}

fn rotated(a: &[f64], by: usize) -> Vec<f64> {
    let mut out = a.to_vec();
    out.rotate_left(by);
    out
}

impl Arith for Clear {
    type Ct = Vec<f64>;
    type Error = Error;

    fn add(&self, a: &Vec<f64>, b: &Vec<f64>) -> Result<Vec<f64>, Error> {
        Ok(zip(a, b, |x, y| x + y))
    }
    fn sub(&self, a: &Vec<f64>, b: &Vec<f64>) -> Result<Vec<f64>, Error> {
        Ok(zip(a, b, |x, y| x - y))
    }
    fn mul(&self, a: &Vec<f64>, b: &Vec<f64>) -> Result<Vec<f64>, Error> {
        self.note("mul", &[a, b]);
        Ok(zip(a, b, |x, y| x * y))
    }
    fn add_plain(&self, a: &Vec<f64>, v: &[f64]) -> Result<Vec<f64>, Error> {
        self.with_plain(a, v, |x, y| x + y)
    }
    fn mul_plain(&self, a: &Vec<f64>, v: &[f64]) -> Result<Vec<f64>, Error> {
        self.with_plain(a, v, |x, y| x * y)
    }
    fn add_scalar(&self, a: &Vec<f64>, c: f64) -> Result<Vec<f64>, Error> {
        Ok(a.iter().map(|x| x + c).collect())
    }
    fn mul_scalar(&self, a: &Vec<f64>, c: f64) -> Result<Vec<f64>, Error> {
        Ok(a.iter().map(|x| x * c).collect())
    }
    fn combine(&self, terms: &[Vec<f64>], weights: &[f64], bias: f64) -> Result<Vec<f64>, Error> {
        check_terms(terms.len(), weights.len())?;
        let mut out = vec![bias; self.slots];
        for (term, w) in terms.iter().zip(weights) {
            out.iter_mut().zip(term).for_each(|(o, x)| *o += w * x);
        }
        Ok(out)
    }
    fn lower(&self, a: &Vec<f64>, _: u32) -> Result<Vec<f64>, Error> {
        Ok(a.clone())
    }
    fn twice_real(&self, a: &Vec<f64>) -> Result<Vec<f64>, Error> {
        Ok(a.iter().map(|x| x + x).collect())
    }
    fn poly(&self, a: &Vec<f64>, p: &Polynomial) -> Result<Vec<f64>, Error> {
        self.note("poly", &[a]);
        Ok(a.iter().map(|x| p.eval(*x)).collect())
    }
    fn known(&self, a: &Vec<f64>, size: f64) -> Result<Vec<f64>, Error> {
        // Compositions are as far from exact here as everywhere.
        let have = a.iter().map(|x| x.abs()).fold(0.0, f64::max);
        if have <= size * 1.01 + 0.01 { Ok(a.clone()) } else { Err(Error::Larger { size, have }) }
    }
}

impl Rotate for Clear {
    fn slots(&self) -> usize {
        self.slots
    }
    fn rotate(&self, a: &Vec<f64>, by: i64) -> Result<Vec<f64>, Error> {
        Ok(rotated(a, reduce(by, self.slots)))
    }
    fn linear(&self, a: &Vec<f64>, m: &Matrix) -> Result<Vec<f64>, Error> {
        check_repeats(m.slots(), self.slots)?;
        let babies: Vec<Vec<f64>> = m.steps().babies.iter().map(|&b| rotated(a, b)).collect();
        let mut out = vec![0.0; self.slots];
        for giant in &m.steps().giants {
            let mut sum = vec![0.0; self.slots];
            for (baby, diagonal) in &giant.terms {
                let products = self.fill(diagonal).zip(&babies[*baby]).map(|(d, x)| d * x);
                sum.iter_mut().zip(products).for_each(|(s, p)| *s += p);
            }
            out = zip(&out, &rotated(&sum, giant.rotation), |x, y| x + y);
        }
        Ok(out)
    }
}

impl Pairs for Clear {
    type Pair = [Vec<f64>; 2];

    fn point_pair(&self, [a, b]: &[Vec<f64>; 2]) -> Result<[Vec<f64>; 2], Error> {
        Ok([self.point(a)?, self.point(b)?])
    }
    fn pair(&self, a: &Vec<f64>, b: &Vec<f64>) -> Result<[Vec<f64>; 2], Error> {
        Ok([a.clone(), b.clone()])
    }
    fn twice_parts(&self, [a, b]: &[Vec<f64>; 2]) -> Result<[Vec<f64>; 2], Error> {
        Ok([self.twice_real(a)?, self.twice_real(b)?])
    }
    fn add_pairs(&self, p: &[Vec<f64>; 2], q: &[Vec<f64>; 2]) -> Result<[Vec<f64>; 2], Error> {
        Ok([self.add(&p[0], &q[0])?, self.add(&p[1], &q[1])?])
    }
    fn shift_pair(&self, [a, b]: &[Vec<f64>; 2], v: &[f64]) -> Result<[Vec<f64>; 2], Error> {
        Ok([self.add_plain(a, v)?, self.add_plain(b, v)?])
    }
    fn rotate_pair(&self, [a, b]: &[Vec<f64>; 2], by: i64) -> Result<[Vec<f64>; 2], Error> {
        Ok([self.rotate(a, by)?, self.rotate(b, by)?])
    }
    fn mul_fold_pair(
        &self,
        [a, b]: &[Vec<f64>; 2],
        c: &Vec<f64>,
        rotations: &[i64],
    ) -> Result<[Vec<f64>; 2], Error> {
        Ok([self.mul_fold(a, c, rotations)?, self.mul_fold(b, c, rotations)?])
    }
    fn square_dot(&self, terms: &[([Vec<f64>; 2], Vec<f64>, Vec<f64>)]) -> Result<Vec<f64>, Error> {
        let mut sum = vec![0.0; self.slots];
        for ([a, b], u, v) in terms {
            self.note("mul", &[a, b]);
            let parts = a.iter().zip(b).zip(u.iter().zip(v));
            let values = parts.map(|((a, b), (u, v))| a * a * (u + v) + b * b * (u - v));
            sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        }
        Ok(sum)
    }
}

impl Points for Clear {
    fn point(&self, a: &Vec<f64>) -> Result<Vec<f64>, Error> {
        self.note("point", &[a]);
        Ok(a.clone())
    }
}

/// The rotation in 0..slots that is congruent to `by`.
pub(crate) fn reduce(by: i64, slots: usize) -> usize {
    // A number of slots is far below 2^63, and the remainder lies in 0..slots.
    i64::try_from(slots).ok().and_then(|n| usize::try_from(by.rem_euclid(n)).ok()).unwrap_or(0)
}

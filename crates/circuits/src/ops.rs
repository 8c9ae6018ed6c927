//! The traits over which every algorithm is written once.

use arras_approx::Polynomial;

use crate::matrix::Matrix;
use crate::sign::Composition;

/// Addition and multiplication of hidden vectors, slot by slot.
///
/// A ciphertext is at a *level*: the number of multiplications it has left. Implementations align levels on their own.
pub trait Arith {
    /// A hidden vector.
    type Ct: Clone + Send + Sync;
    /// What goes wrong: out of levels, a missing key, a vector that does not fit.
    type Error: std::error::Error + Send + Sync + 'static;

    /// a + b. Cost: no level.
    fn add(&self, a: &Self::Ct, b: &Self::Ct) -> Result<Self::Ct, Self::Error>;
    /// a - b. Cost: no level.
    fn sub(&self, a: &Self::Ct, b: &Self::Ct) -> Result<Self::Ct, Self::Error>;
    /// a * b. Cost: one level, one relinearisation.
    fn mul(&self, a: &Self::Ct, b: &Self::Ct) -> Result<Self::Ct, Self::Error>;
    /// a + v, v public and repeated to fill the slots. Cost: no level.
    fn add_plain(&self, a: &Self::Ct, v: &[f64]) -> Result<Self::Ct, Self::Error>;
    /// a * v, v public and repeated to fill the slots. Cost: one level.
    fn mul_plain(&self, a: &Self::Ct, v: &[f64]) -> Result<Self::Ct, Self::Error>;
    /// a + c in every slot. Cost: no level.
    fn add_scalar(&self, a: &Self::Ct, c: f64) -> Result<Self::Ct, Self::Error>;
    /// a * c in every slot. Cost: one level.
    fn mul_scalar(&self, a: &Self::Ct, c: f64) -> Result<Self::Ct, Self::Error>;
    /// `bias + sum_i weights[i] * terms[i]`; one rescale in all. Cost: one level.
    fn combine(&self, terms: &[Self::Ct], weights: &[f64], bias: f64) -> Result<Self::Ct, Self::Error>;
    /// a itself, `by` levels lower. Cost: nothing for 0; else one product by a number and one rescale, from the level above.
    fn lower(&self, a: &Self::Ct, by: u32) -> Result<Self::Ct, Self::Error>;
    /// a and its complex conjugate: twice the real part of every slot. Cost: no level, one key switch.
    ///
    /// Numbers in slots are real, but noise is not; see [`crate::Sign::with_real_after`].
    fn twice_real(&self, a: &Self::Ct) -> Result<Self::Ct, Self::Error>;
    /// p(a). Cost: p.depth() levels.
    fn poly(&self, a: &Self::Ct, p: &Polynomial) -> Result<Self::Ct, Self::Error>;

    // What follows is made of the above. It has names because a reading that bounds errors knows more of the whole than of its
    // parts.

    /// b + a s(x). Cost: its depth in levels.
    fn compose(&self, x: &Self::Ct, c: &Composition) -> Result<Self::Ct, Self::Error>
    where
        Self: Sized,
    {
        c.evaluate(self, x)
    }
    /// x (b + a s(x)), whose error is weighted by |x|. Cost: one level more.
    fn ramp(&self, x: &Self::Ct, c: &Composition) -> Result<Self::Ct, Self::Error>
    where
        Self: Sized,
    {
        self.mul(x, &self.compose(x, c)?)
    }
    /// a itself, whose exact value is at most `size` for a reason that operations do not show. Cost: nothing.
    ///
    /// A statement of the program, which its proof of error rests on; the clear reading holds every run to it.
    fn known(&self, a: &Self::Ct, size: f64) -> Result<Self::Ct, Self::Error> {
        let _ = size;
        Ok(a.clone())
    }
    /// a itself at the end of a round, of whose own error no value from here on holds more than `growth` times. Cost: nothing.
    ///
    /// A statement of programs that go in rounds, for a reason that operations do not show: to them, whatever adds two values
    /// doubles their error in each round. The own error of a round is what its operations would add to exact values.
    fn settled(&self, a: &Self::Ct, growth: f64) -> Result<Self::Ct, Self::Error> {
        let _ = growth;
        Ok(a.clone())
    }
}

/// Moving values between slots.
pub trait Rotate: Arith {
    /// Slots of a hidden vector: the period of every rotation.
    fn slots(&self) -> usize;
    /// Slot i of the result holds slot (i + by) mod slots. Cost: no level, one Galois key.
    fn rotate(&self, a: &Self::Ct, by: i64) -> Result<Self::Ct, Self::Error>;
    /// m times a, by baby steps and giant steps. Cost: one level, the Galois keys of `Matrix::steps`.
    fn linear(&self, a: &Self::Ct, m: &Matrix) -> Result<Self::Ct, Self::Error>;
    /// Several maps of one vector. Cost: as each alone, but that baby steps which they have in common are done once.
    fn linear_all(&self, a: &Self::Ct, ms: &[&Matrix]) -> Result<Vec<Self::Ct>, Self::Error> {
        ms.iter().map(|m| self.linear(a, m)).collect()
    }

    /// a * v, and then for each rotation in turn the sum of that and of its rotation. Cost: one level, one Galois key for each,
    /// at the level of a.
    ///
    /// Has a name because all of it can wait for one rescale, and for the same reason as those of [`Arith`]: where v is mostly
    /// zero, few of the many terms of a sum are there.
    fn fold(&self, a: &Self::Ct, v: &[f64], rotations: &[i64]) -> Result<Self::Ct, Self::Error> {
        rotations.iter().try_fold(self.mul_plain(a, v)?, |sum, &by| self.add(&sum, &self.rotate(&sum, by)?))
    }
    /// a * b, and then as [`Rotate::fold`]: an inner product. Cost: as that, and one relinearisation.
    fn mul_fold(&self, a: &Self::Ct, b: &Self::Ct, rotations: &[i64]) -> Result<Self::Ct, Self::Error> {
        rotations.iter().try_fold(self.mul(a, b)?, |sum, &by| self.add(&sum, &self.rotate(&sum, by)?))
    }
}

/// Where a program may be refreshed (bootstrapped).
///
/// A program marks such points and never decides: `arras_plan::schedule` does, from the levels that a trace found between them.
pub trait Points: Arith {
    /// a itself, which may come back with more levels. Cost: nothing, or a refresh. Values must lie in [-1, 1].
    fn point(&self, a: &Self::Ct) -> Result<Self::Ct, Self::Error>;

    /// Where the rounds of a program begin, each of which makes a value from that of the round before and from nothing else that
    /// is hidden: with a at round 0, or where a run that was stopped goes on. Cost: nothing.
    fn begin(&self, a: &Self::Ct) -> Result<(usize, Self::Ct), Self::Error> {
        Ok((0, a.clone()))
    }
    /// Says that so many rounds made a, so that a run that is stopped can go on from it. Cost: nothing.
    fn reached(&self, a: &Self::Ct, rounds: usize) -> Result<(), Self::Error> {
        let _ = (a, rounds);
        Ok(())
    }
}

/// Two real vectors in one hidden vector: the real and the imaginary parts of its slots. What is done to both costs half.
pub trait Pairs: Rotate + Points {
    /// Two hidden vectors as one.
    type Pair: Clone + Send + Sync;

    /// Both parts as [`Points::point`]: one point, and one refresh for both.
    fn point_pair(&self, p: &Self::Pair) -> Result<Self::Pair, Self::Error>;

    /// (a, b). Cost: no level.
    fn pair(&self, a: &Self::Ct, b: &Self::Ct) -> Result<Self::Pair, Self::Error>;
    /// (2 a, 2 b) of the pair (a, b). Cost: no level, one key switch, the key of [`Arith::twice_real`].
    fn twice_parts(&self, p: &Self::Pair) -> Result<[Self::Ct; 2], Self::Error>;
    /// The sums of both parts. Cost: no level.
    fn add_pairs(&self, p: &Self::Pair, q: &Self::Pair) -> Result<Self::Pair, Self::Error>;
    /// v added to both parts, v public and repeated to fill the slots. Cost: no level.
    fn shift_pair(&self, p: &Self::Pair, v: &[f64]) -> Result<Self::Pair, Self::Error>;
    /// Both parts rotated. Cost: as [`Rotate::rotate`].
    fn rotate_pair(&self, p: &Self::Pair, by: i64) -> Result<Self::Pair, Self::Error>;
    /// Both parts times a, and then as [`Rotate::mul_fold`].
    fn mul_fold_pair(
        &self,
        p: &Self::Pair,
        a: &Self::Ct,
        rotations: &[i64],
    ) -> Result<Self::Pair, Self::Error>;
    /// The sum over the terms ((a, b), u, v) of a^2 (u + v) + b^2 (u - v): squares that weigh other vectors.
    ///
    /// The result has an imaginary part, which sums, rotations and real maps keep apart, until [`Arith::twice_real`] ends it.
    /// Cost: two levels; for each term a conjugation and a relinearisation, and one relinearisation in all.
    fn square_dot(&self, terms: &[(Self::Pair, Self::Ct, Self::Ct)]) -> Result<Self::Ct, Self::Error>;
}

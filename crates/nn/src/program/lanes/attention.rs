//! Attention by squared scores over hidden vectors.

use arras_circuits::{Pairs, Rotate};

use super::layout::{Layout, signed};

/// Every lane attends to every lane, two lane offsets at a time: the keys of one are the real part of a pair, those of the other
/// the imaginary part.
///
/// Offsets are split into groups of `2 babies`: keys and values are rotated within a group, and queries by whole groups, back
/// and forth, so that few rotations and fewer keys serve all offsets.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Attention {
    layout: Layout,
    /// What every score is shifted by, in the slots of its head.
    shift: Vec<f64>,
    /// Pairs of offsets in a group.
    babies: usize,
    groups: usize,
}

impl Attention {
    /// For at least two lanes, the shift of each slot, and scores that come `gain` times as large as they are.
    pub fn new(layout: Layout, shift: &[f64], gain: f64) -> Self {
        let babies = 1 << (layout.lanes.ilog2().saturating_sub(1) / 2);
        let groups = layout.lanes / (2 * babies);
        Self { layout, shift: shift.iter().map(|shift| gain * shift).collect(), babies, groups }
    }

    /// 4 sum_j (q_i . k_j + c)^2 v_j, repeated, of queries and keys that are not, and of values one level lower.
    ///
    /// **Cost**: four levels, of which three are below the values.
    pub fn all<B: Pairs>(&self, ops: &B, [q, k, v]: [&B::Ct; 3]) -> Result<B::Ct, B::Error> {
        let lane = signed(self.layout.period());
        let group = lane * signed(2 * self.babies);
        let mut query = self.layout.repeated(ops, q)?;
        let babies = self.babies(ops, k, v)?;
        let mut mixed = Vec::with_capacity(self.groups);
        for at in 0..self.groups {
            if at > 0 {
                query = ops.rotate(&query, -group)?;
            }
            mixed.push(self.group(ops, &query, &babies)?);
        }
        // Horner's rule: what the last group gives turns most often.
        let last = mixed.pop();
        let total = mixed.iter().rev().try_fold(last, |above, below| match above {
            Some(above) => Ok(Some(ops.add(&ops.rotate(&above, group)?, below)?)),
            None => Ok(None),
        })?;
        self.layout.repeated(ops, &ops.twice_real(&total.unwrap_or_else(|| v.clone()))?)
    }

    /// For each pair of offsets in a group: both keys, the sum of both values, and their difference.
    fn babies<B: Pairs>(&self, ops: &B, k: &B::Ct, v: &B::Ct) -> Result<Vec<Baby<B>>, B::Error> {
        let lane = signed(self.layout.period());
        let both = ops.pair(k, &ops.rotate(k, lane)?)?;
        let both = ops.add_pairs(&both, &ops.rotate_pair(&both, -signed(self.layout.half))?)?;
        let next = ops.rotate(v, lane)?;
        let (sum, difference) = (ops.add(v, &next)?, ops.sub(v, &next)?);
        let turned = |baby: usize| {
            let by = signed(2 * baby) * lane;
            Ok((ops.rotate_pair(&both, by)?, ops.rotate(&sum, by)?, ops.rotate(&difference, by)?))
        };
        (0..self.babies).map(turned).collect()
    }

    /// The sum over the offsets of a group, its values rotated back by the group.
    fn group<B: Pairs>(&self, ops: &B, query: &B::Ct, babies: &[Baby<B>]) -> Result<B::Ct, B::Error> {
        let weigh = |(keys, sum, difference): &Baby<B>| {
            let score = ops.mul_fold_pair(keys, query, &self.layout.head_folds())?;
            Ok((ops.shift_pair(&score, &self.shift)?, sum.clone(), difference.clone()))
        };
        let terms: Vec<_> = babies.iter().map(weigh).collect::<Result<_, B::Error>>()?;
        ops.square_dot(&terms)
    }

    /// sum_j (q . k_j + c)^2 v_j in every lane, repeated, of one query that every lane holds, and of keys, both repeated, and of
    /// values that are not.
    ///
    /// **Cost**: three levels.
    pub fn one<B: Rotate>(&self, ops: &B, [q, k, v]: [&B::Ct; 3]) -> Result<B::Ct, B::Error> {
        let score = ops.mul_fold(q, k, &self.layout.head_folds())?;
        let score = ops.add_plain(&score, &self.shift)?;
        let mixed = ops.mul_fold(&ops.mul(&score, &score)?, v, &self.layout.lane_folds())?;
        self.layout.repeated(ops, &mixed)
    }
}

/// Keys of two offsets, the sum and the difference of their values.
type Baby<B> = (<B as Pairs>::Pair, Ct<B>, Ct<B>);
type Ct<B> = <B as arras_circuits::Arith>::Ct;

impl Layout {
    /// Features in both halves of each lane, of features in the first half and zeros in the second.
    pub fn repeated<R: Rotate>(&self, ops: &R, x: &R::Ct) -> Result<R::Ct, R::Error> {
        ops.add(x, &ops.rotate(x, -signed(self.half))?)
    }

    /// The rotations that add up all lanes, in every lane.
    pub fn lane_folds(&self) -> Vec<i64> {
        (0..self.lanes.ilog2()).map(|log| signed(self.period() << log)).collect()
    }

    /// The rotations that add up all features, in every slot, of lanes that are equal, with features in the first half and zeros
    /// in the second.
    pub fn feature_folds(&self) -> Vec<i64> {
        [-signed(self.half)].into_iter().chain((0..self.half.ilog2()).map(|log| signed(1 << log))).collect()
    }
}

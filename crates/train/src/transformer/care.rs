//! How a student is held in range while it learns, and who helps it.

use super::guide::Guide;
use super::memory::Memory;

/// What holds the values inside, and how they are shaken.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Care {
    /// Half the width of the uniform noise on the residual stream.
    pub noise: f32,
    /// Share of pieces that are read as the unknown piece.
    pub drop: f32,
    /// Weight of the penalty on values out of their free range.
    pub penalty: f32,
    /// Free range of scores.
    pub score: f32,
    /// Free range of the residual stream.
    pub stream: f32,
    /// Free range of hidden values.
    pub hidden: f32,
    /// Free range of the logit difference; the teacher's is brought into it as well.
    pub logit: f32,
    /// Share of the teacher in the loss; the labels have the rest.
    pub teacher: f32,
    /// Weight of the distance to the teacher's features between layers, where it shows them.
    pub states: f32,
    /// Share of all steps in which each layer reads the teacher's features, where there is a guide.
    pub forced: f32,
    /// Share of all steps in which logits count little beside the teacher's features, where there is a memory.
    pub early: f32,
}

impl Default for Care {
    fn default() -> Self {
        Self {
            noise: 0.02,
            drop: 0.1,
            penalty: 0.04,
            score: 3.0,
            stream: 6.0,
            hidden: 4.0,
            logit: 5.0,
            teacher: 0.7,
            states: 6.0,
            forced: 0.03,
            early: 0.3,
        }
    }
}

impl Care {
    /// The care for a student with a guide, whose features have the variance 1.
    #[must_use]
    pub fn guided() -> Self {
        Self { score: 4.0, stream: 8.0, drop: 0.05, states: 2.0, ..Self::default() }
    }
}

/// What the teacher shows beside its logits.
#[derive(Debug, Clone, Copy)]
pub enum Help<'a> {
    /// Nothing.
    None,
    /// The residual stream of a teacher of the same shape, which reads every batch.
    Guide(&'a Guide),
    /// What a teacher of another shape showed of every text.
    Memory(&'a Memory),
}

impl<'a> Help<'a> {
    pub(super) const fn guide(self) -> Option<&'a Guide> {
        if let Self::Guide(guide) = self { Some(guide) } else { None }
    }
}

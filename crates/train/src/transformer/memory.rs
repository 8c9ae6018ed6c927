//! What a teacher shows of every text, kept in a byte a number: a student of another shape asks it once, and learns from it many
//! times.

use std::io::{self, Read, Write};

use candle_core::{Device, Result, Tensor};

use super::batches::{Lesson, Report, look_at_all};
use super::guide::Guide;
use super::learn::Part;
use super::teacher::first;
use crate::Error;

/// Steps of a number in one deviation: five deviations fit a byte.
const STEPS: f32 = 24.0;

/// The teacher's features, one stage for each layer of the student: those of all tokens behind the teacher's layer that stands as far
/// from its input, and of the first token behind the last.
#[derive(Debug)]
pub struct Memory {
    width: usize,
    stages: Vec<Kept>,
}

/// Rows of one stage, text after text.
#[derive(Debug)]
struct Kept {
    /// Where the rows of each text begin.
    starts: Vec<usize>,
    /// Signed, a byte a number.
    codes: Vec<u8>,
}

impl Kept {
    fn new(rows: impl Iterator<Item = usize>, width: usize) -> Self {
        let (mut starts, mut end) = (Vec::new(), 0);
        for rows in rows {
            starts.push(end);
            end += rows;
        }
        Self { starts, codes: vec![0; end * width] }
    }

    fn place(&self, text: usize, rows: usize, width: usize) -> Option<std::ops::Range<usize>> {
        let start = *self.starts.get(text)?;
        Some(start * width..(start + rows) * width)
    }
}

impl Memory {
    /// Asks a guide about every text for a student of so many layers, and sets the targets of the lessons to its logits. `report` hears
    /// how many texts are done, and stops by breaking.
    ///
    /// **Cost**: one reading of every text, by `workers` threads; a byte for each feature of each token.
    ///
    /// # Errors
    ///
    /// As [`super::Teacher::logits`], and when `report` breaks.
    pub fn new(
        guide: &Guide,
        lessons: &mut [Lesson],
        layers: usize,
        workers: usize,
        report: Report<'_>,
    ) -> std::result::Result<Self, Error> {
        let width = guide.stages().first().map_or(0, |stage| stage.mean.len());
        let mut memory = Self::empty(lessons, layers, width);
        let mut targets = vec![[0.0; 2]; lessons.len()];
        let look = |part: &Part<'_>| Ok(Seen::new(guide, part, layers)?);
        let mut take = |batch: &[usize], seen: Seen| {
            memory.learn(batch, &seen);
            seen.label(batch, &mut targets);
        };
        look_at_all(lessons, workers, &look, &mut take, report)?;
        lessons.iter_mut().zip(targets).for_each(|(lesson, target)| lesson.target = target);
        Ok(memory)
    }

    /// Bytes of what is shown of these lessons for a student of so many layers.
    #[must_use]
    pub fn bytes(lessons: &[Lesson], layers: usize, width: usize) -> usize {
        let tokens: usize = lessons.iter().map(|lesson| lesson.rows.len()).sum();
        (tokens * layers.saturating_sub(1) + lessons.len()) * width
    }

    /// Room for what is shown of these lessons.
    fn empty(lessons: &[Lesson], layers: usize, width: usize) -> Self {
        let kept = |at: usize| {
            let rows = lessons.iter().map(|lesson| if at + 1 < layers { lesson.rows.len() } else { 1 });
            Kept::new(rows, width)
        };
        Self { width, stages: (0..layers).map(kept).collect() }
    }

    /// Writes what was shown, and the targets that the lessons got: [`Memory::read`] needs no teacher.
    ///
    /// # Errors
    ///
    /// When `out` refuses.
    pub fn write(&self, lessons: &[Lesson], out: &mut dyn Write) -> io::Result<()> {
        out.write_all(&(self.width as u64).to_le_bytes())?;
        for number in lessons.iter().flat_map(|lesson| lesson.target) {
            out.write_all(&number.to_le_bytes())?;
        }
        self.stages.iter().try_for_each(|kept| out.write_all(&kept.codes))
    }

    /// What was written of these lessons, whose targets are set, for a student of so many layers.
    ///
    /// # Errors
    ///
    /// When the bytes end early, go on, or hold other numbers of features than `width`.
    pub fn read(
        lessons: &mut [Lesson],
        layers: usize,
        width: usize,
        bytes: &mut dyn Read,
    ) -> io::Result<Self> {
        let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
        let mut own = [0; 8];
        bytes.read_exact(&mut own)?;
        if u64::from_le_bytes(own) != width as u64 {
            return Err(wrong("it is of a teacher of another width"));
        }
        for number in lessons.iter_mut().flat_map(|lesson| &mut lesson.target) {
            let mut own = [0; 4];
            bytes.read_exact(&mut own)?;
            *number = f32::from_le_bytes(own);
        }
        let mut memory = Self::empty(lessons, layers, width);
        memory.stages.iter_mut().try_for_each(|kept| bytes.read_exact(&mut kept.codes))?;
        if bytes.read(&mut [0])? > 0 {
            return Err(wrong("it is of more texts"));
        }
        Ok(memory)
    }

    /// Features of a token.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    fn learn(&mut self, batch: &[usize], seen: &Seen) {
        for (kept, codes) in self.stages.iter_mut().zip(&seen.codes) {
            let each = codes.len() / batch.len().max(1);
            for (&text, codes) in batch.iter().zip(codes.chunks_exact(each.max(1))) {
                let place = kept.place(text, each / self.width.max(1), self.width);
                if let Some(own) = place.and_then(|place| kept.codes.get_mut(place)) {
                    own.copy_from_slice(codes);
                }
            }
        }
    }

    /// What the teacher showed of a part of the lessons: a row for each token, and in the last stage one for each text.
    pub(super) fn look(&self, part: &Part<'_>) -> Result<Vec<Tensor>> {
        let length = part.lessons.first().map_or(0, |lesson| lesson.rows.len());
        let unknown = || candle_core::Error::msg("a text that the teacher was not asked about");
        let stage = |(at, kept): (usize, &Kept)| {
            let rows = if at + 1 < self.stages.len() { length } else { 1 };
            let mut values = Vec::with_capacity(part.places.len() * rows * self.width);
            for &text in &part.places {
                let place = kept.place(text, rows, self.width);
                let codes = place.and_then(|place| kept.codes.get(place)).ok_or_else(unknown)?;
                values.extend(codes.iter().map(|code| f32::from(code.cast_signed()) / STEPS));
            }
            Tensor::from_vec(values, (part.places.len() * rows, self.width), &Device::Cpu)
        };
        self.stages.iter().enumerate().map(stage).collect()
    }
}

/// What a guide said of one batch.
struct Seen {
    codes: Vec<Vec<u8>>,
    logits: Vec<Vec<f32>>,
}

impl Seen {
    fn new(guide: &Guide, part: &Part<'_>, layers: usize) -> Result<Self> {
        let sight = guide.look(part)?;
        // States are the embedding's, and two for each layer.
        let depth = sight.states.len() / 2;
        let stage = |at: usize| {
            let state = sight.states.get(2 * ((at + 1) * depth / layers));
            let state = state.ok_or_else(|| candle_core::Error::msg("a teacher of fewer layers"))?;
            let rows = if at + 1 < layers { state.clone() } else { first(state, part.lessons.len())? };
            let values = rows.flatten_all()?.to_vec1::<f32>()?;
            Ok(values.into_iter().map(|value| ((STEPS * value).round() as i8).cast_unsigned()).collect())
        };
        let codes: Result<_> = (0..layers).map(stage).collect();
        Ok(Self { codes: codes?, logits: sight.logits.to_vec2()? })
    }

    fn label(&self, batch: &[usize], targets: &mut [[f32; 2]]) {
        for (&text, logits) in batch.iter().zip(&self.logits) {
            if let (Some(target), &[zero, one]) = (targets.get_mut(text), logits.as_slice()) {
                *target = [zero, one];
            }
        }
    }
}

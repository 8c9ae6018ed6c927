//! From a table of labelled sentences and a teacher to a model: what the student reads, and what its file says at the end.

use std::collections::BTreeMap;

use arras_approx::{Fit, Measure, Polynomial, Target, certify};
use arras_nn::head::logistic;
use arras_nn::transformer::{Pretrained, Ranges, Transformer, Vocabulary, reach};
use arras_nn::{Metrics, Span};

use super::batches::{Lesson, Report, look_at_all};
use super::{augment, table};
use crate::Error;
use crate::data::{Example, Labelled, split};
use crate::rng::Rng;
use crate::temperature;

/// Pieces that a vocabulary keeps although no text holds them.
const SPECIAL: [&str; 4] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"];

/// The texts of a table by a pretrained vocabulary: to learn from, and whole sentences held back for the temperature.
#[derive(Debug, Clone, PartialEq)]
pub struct Texts {
    /// Texts to learn from.
    pub learn: Vec<Lesson>,
    /// Sentences held back; none of their phrases is among those to learn from.
    pub held_out: Vec<Lesson>,
}

impl Texts {
    /// Reads a table, and holds back this share of its sentences.
    ///
    /// # Errors
    ///
    /// Names a line that holds nothing to read; refuses a table with too little to learn from.
    pub fn read(
        rows: &[Labelled],
        vocabulary: &Vocabulary,
        lanes: usize,
        share: f64,
        seed: u64,
    ) -> Result<Self, Error> {
        let positive = rows.iter().filter(|r| r.positive).count();
        let too_little = || Error::TooLittle { sentences: rows.len(), positive };
        if rows.len() < 20 || positive == 0 || positive == rows.len() {
            return Err(too_little());
        }
        let example = |row: &Labelled| {
            let read = arras_nn::text::tokenise(&row.text).map_err(|_| Error::NoTokens { line: row.line })?;
            Ok(Example { tokens: read.tokens, positive: row.positive })
        };
        let examples: Vec<Example> = rows.iter().map(example).collect::<Result<_, Error>>()?;
        let lessons = lessons(rows, vocabulary, lanes)?;
        let parts = split(&examples, share, seed);
        let pick =
            |places: &[usize]| places.iter().filter_map(|&i| lessons.get(i).cloned()).collect::<Vec<_>>();
        let texts = Self { learn: pick(&parts.learn), held_out: pick(&parts.held_out) };
        if texts.learn.is_empty() || texts.held_out.is_empty() { Err(too_little()) } else { Ok(texts) }
    }

    /// New texts made of those to learn from, without label.
    #[must_use]
    pub fn augmented(&self, vocabulary: &Vocabulary, lanes: usize, count: usize, seed: u64) -> Vec<Lesson> {
        let rows: Vec<Vec<u32>> = self.learn.iter().map(|l| l.rows.clone()).collect();
        let new = augment::augment(&rows, vocabulary, lanes, count, seed);
        new.into_iter().map(|rows| Lesson { rows, target: [0.0; 2], positive: false }).collect()
    }
}

/// The texts of a table by this vocabulary, each cut off behind as many pieces as there are lanes.
///
/// # Errors
///
/// Names a line that holds nothing to read.
pub fn lessons(rows: &[Labelled], vocabulary: &Vocabulary, lanes: usize) -> Result<Vec<Lesson>, Error> {
    let one = |row: &Labelled| {
        let read = vocabulary.read(&row.text, lanes).map_err(|_| Error::NoTokens { line: row.line })?;
        Ok(Lesson { rows: read.rows, target: [0.0; 2], positive: row.positive })
    };
    rows.iter().map(one).collect()
}

/// At most so many of the lessons, drawn with this seed.
#[must_use]
pub fn some(lessons: &[Lesson], count: usize, seed: u64) -> Vec<Lesson> {
    let mut all: Vec<&Lesson> = lessons.iter().collect();
    Rng::new(seed, 47).shuffle(&mut all);
    all.into_iter().take(count).cloned().collect()
}

/// What the student knows of words: the pieces that it has seen, and where their features start.
///
/// Pieces that no text holds are left out, so that a word spelt with them is spelt with smaller ones. Texts that were seen are
/// spelt as before: the longest piece of each stays.
#[derive(Debug, Clone, PartialEq)]
pub struct Words {
    /// The pieces kept.
    pub vocabulary: Vocabulary,
    /// A row for each.
    pub table: Vec<f32>,
    places: BTreeMap<u32, u32>,
    unknown: u32,
}

impl Words {
    /// Keeps the pieces of these lessons, with rows of `width` features from the teacher.
    ///
    /// # Errors
    ///
    /// When the vocabulary has no special pieces.
    pub fn of<'a>(
        encoder: &Pretrained,
        lessons: impl IntoIterator<Item = &'a Lesson>,
        width: usize,
    ) -> Result<Self, Error> {
        let pieces = encoder.vocabulary().pieces();
        let mut counts = vec![0u32; pieces.len()];
        for &row in lessons.into_iter().flat_map(|l| &l.rows) {
            if let Some(count) = counts.get_mut(row as usize) {
                *count += 1;
            }
        }
        let all = table::principal(encoder, &counts, width);
        let (mut kept, mut table, mut places) = (Vec::new(), Vec::new(), BTreeMap::new());
        for (((piece, &count), row), features) in
            pieces.iter().zip(&counts).zip(0u32..).zip(all.chunks_exact(width))
        {
            if count > 0 || SPECIAL.contains(&piece.as_str()) {
                places.insert(row, kept.len() as u32);
                kept.push(piece.clone());
                table.extend_from_slice(features);
            }
        }
        let vocabulary = Vocabulary::new(kept)?;
        let unknown = vocabulary.row("[UNK]").unwrap_or(0);
        Ok(Self { vocabulary, table, places, unknown })
    }

    /// The row of the unknown piece.
    #[must_use]
    pub const fn unknown(&self) -> u32 {
        self.unknown
    }

    /// The lessons by the rows kept.
    #[must_use]
    pub fn translate(&self, lessons: &[Lesson]) -> Vec<Lesson> {
        let place = |row: &u32| self.places.get(row).copied().unwrap_or(self.unknown);
        lessons.iter().map(|l| Lesson { rows: l.rows.iter().map(place).collect(), ..l.clone() }).collect()
    }
}

/// What a student has to learn again to bring strays back: each of them `times` times, and as many others as make them one in
/// `others` + 1, drawn with this seed.
#[must_use]
pub fn remedial(lessons: &[Lesson], strays: &[usize], times: usize, others: usize, seed: u64) -> Vec<Lesson> {
    let mut rng = Rng::new(seed, 43);
    let again = strays.iter().flat_map(|&i| std::iter::repeat_n(i, times));
    let count = if lessons.is_empty() { 0 } else { strays.len() * times * others };
    let beside: Vec<usize> = (0..count).map(|_| rng.below(lessons.len())).collect();
    again.chain(beside).filter_map(|i| lessons.get(i).cloned()).collect()
}

/// The model with its second phase done: ranges over all lessons, the temperature learnt on those held back with everything else
/// frozen (binary cross-entropy), the logistic polynomial fitted to the range with clamped tails, figures.
///
/// **Cost**: one clear reading of every lesson, by `workers` threads; `report` hears how many are done, and stops by breaking.
///
/// # Errors
///
/// When the model refuses the values, or `report` breaks.
pub fn finish(
    model: Transformer,
    learn: &[Lesson],
    held_out: &[Lesson],
    degree: usize,
    workers: usize,
    mut figures: BTreeMap<String, f64>,
    report: Report<'_>,
) -> Result<Transformer, Error> {
    let learnt = read(&model, learn, workers, report)?;
    let held = read(&model, held_out, workers, &mut |done| report(learn.len() + done))?;
    let mut ranges = learnt.0;
    join(&mut ranges, &held.0);
    let widest = ranges.logit.high.max(-ranges.logit.low);
    let logits: Vec<f32> = held.1.iter().map(|&l| l as f32).collect();
    let labels: Vec<bool> = held_out.iter().map(|l| l.positive).collect();
    let temperature = f64::from(temperature::fit(&logits, &labels, (widest / REACH) as f32));
    ranges.logit = Span { low: ranges.logit.low / temperature, high: ranges.logit.high / temperature };
    let (polynomial, error) = softener(ranges.logit, degree)?;
    let soft: Vec<f64> = held.1.iter().map(|&l| logistic(l / temperature)).collect();
    let metrics = Metrics::of(&soft, &labels)?;
    figures.extend([
        ("training texts".to_owned(), learn.len() as f64),
        ("held-out sentences".to_owned(), held_out.len() as f64),
        ("held-out accuracy".to_owned(), metrics.accuracy),
        ("held-out cross-entropy".to_owned(), metrics.cross_entropy),
        ("held-out AUROC".to_owned(), metrics.auroc),
        (POLYNOMIAL_ERROR.to_owned(), error),
    ]);
    let mut parts = model.into_parts();
    parts.classifier.temperature = temperature;
    parts.classifier.polynomial = polynomial;
    parts.about.ranges = Some(ranges);
    parts.about.figures = figures;
    Ok(Transformer::new(parts)?)
}

/// The name of the figure that says how far the logistic polynomial is from the logistic function within the range.
pub(super) const POLYNOMIAL_ERROR: &str = "logistic polynomial error";

/// The logistic polynomial for logits of this range, with clamped tails, and its proved error within the range.
pub(super) fn softener(logits: Span, degree: usize) -> Result<(Polynomial, f64), Error> {
    let reach = reach(logits);
    let polynomial =
        Fit::new(-reach, reach, degree)?.tails(TAIL * reach, TAIL_WEIGHT)?.target(Target::Sigmoid)?;
    let proof = certify(&polynomial, Target::Sigmoid, (-reach, reach), Measure::Absolute)?;
    Ok((polynomial, proof.error()))
}

/// The widest range of the logistic polynomial; the temperature is not lowered beyond what keeps the training set in it.
const REACH: f64 = 10.0;

/// How far the clamped tails reach beyond the range, in parts of it, and their weight in the fit.
const TAIL: f64 = 0.5;
const TAIL_WEIGHT: f64 = 0.1;

/// The ranges over all lessons, and the logit difference of each.
pub(super) fn read(
    model: &Transformer,
    lessons: &[Lesson],
    workers: usize,
    report: Report<'_>,
) -> Result<(Ranges, Vec<f64>), Error> {
    let mut logits = vec![0.0; lessons.len()];
    let mut ranges = Ranges::empty(model.shape().layers);
    let mut take = |batch: &[usize], (part, found): (Ranges, Vec<f64>)| {
        join(&mut ranges, &part);
        for (&place, found) in batch.iter().zip(found) {
            if let Some(logit) = logits.get_mut(place) {
                *logit = found;
            }
        }
    };
    look_at_all(lessons, workers, &|part| read_part(model, &part.lessons), &mut take, report)?;
    Ok((ranges, logits))
}

fn read_part(model: &Transformer, lessons: &[&Lesson]) -> Result<(Ranges, Vec<f64>), Error> {
    let (mut ranges, mut logits) = (Ranges::empty(model.shape().layers), Vec::with_capacity(lessons.len()));
    for lesson in lessons {
        let features = model.parts().embedding.apply(&lesson.rows);
        let values = model.values(&features)?;
        ranges.widen(&features, &values);
        logits.push(values.logit);
    }
    Ok((ranges, logits))
}

/// Widens ranges to hold others.
fn join(ranges: &mut Ranges, others: &Ranges) {
    let widen = |span: &mut Span, other: Span| span.widen([other.low, other.high]);
    widen(&mut ranges.embedded, others.embedded);
    widen(&mut ranges.logit, others.logit);
    for (layer, other) in ranges.layers.iter_mut().zip(&others.layers) {
        let pairs = [
            (&mut layer.query, other.query),
            (&mut layer.key, other.key),
            (&mut layer.value, other.value),
            (&mut layer.score, other.score),
            (&mut layer.mixed, other.mixed),
            (&mut layer.middle, other.middle),
            (&mut layer.hidden, other.hidden),
            (&mut layer.output, other.output),
        ];
        for (span, other) in pairs {
            widen(span, other);
        }
    }
}

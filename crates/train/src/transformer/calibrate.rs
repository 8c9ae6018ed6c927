//! The ranges of a model that carries none, from which the scales of its encrypted evaluation follow.

use arras_nn::transformer::Transformer;

use super::batches::{Lesson, Report};
use super::recipe::{POLYNOMIAL_ERROR, finish, read, softener};
use crate::Error;

/// The model with the ranges of its values over these lessons and a logistic polynomial that fits them; its temperature stays.
///
/// **Cost**: one clear reading of every lesson, by `workers` threads; `report` hears how many are done, and stops by breaking.
///
/// # Errors
///
/// When the model refuses the values, they are too large for a polynomial, or `report` breaks.
pub fn calibrate(
    model: Transformer,
    lessons: &[Lesson],
    workers: usize,
    report: Report<'_>,
) -> Result<Transformer, Error> {
    let (ranges, _) = read(&model, lessons, workers, report)?;
    let mut parts = model.into_parts();
    let (polynomial, error) = softener(ranges.logit, parts.classifier.polynomial.degree())?;
    parts.classifier.polynomial = polynomial;
    parts.about.figures.insert(POLYNOMIAL_ERROR.to_owned(), error);
    parts.about.ranges = Some(ranges);
    Ok(Transformer::new(parts)?)
}

/// The same with the temperature learnt anew on lessons held back.
///
/// # Errors
///
/// As [`calibrate`].
pub fn recalibrate(
    model: Transformer,
    learn: &[Lesson],
    held_out: &[Lesson],
    workers: usize,
    report: Report<'_>,
) -> Result<Transformer, Error> {
    let mut parts = model.into_parts();
    let (degree, figures) = (parts.classifier.polynomial.degree(), parts.about.figures.clone());
    parts.classifier.temperature = 1.0;
    finish(Transformer::new(parts)?, learn, held_out, degree, workers, figures, report)
}

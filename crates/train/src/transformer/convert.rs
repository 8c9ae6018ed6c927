//! A student that starts as its teacher: the same layers, with polynomials for what is none.
//!
//! Layer by layer, on the student's own values: what the softmax, the activation and the normalisations leave to be said is said
//! by the linear maps behind them, which are fitted to the teacher's next state by least squares. Values are held as they are while
//! learning, so that a text far out of range does not drown the others.

use arras_nn::head::Linear;
use arras_nn::transformer::pretrained::Block;
use arras_nn::transformer::{Pretrained, Shape};
use candle_core::{Result, Tensor};

use super::batches::{Lesson, TOGETHER, batches};
use super::care::Care;
use super::guide::{Guide, Stage};
use super::learn::Part;
use super::least::{Fit, Sums};
use super::ops;
use super::student::Student;
use super::teacher::{first, insert_linear, narrow, var};
use crate::Error;

/// What other tokens count for beside the first one, in the last layer's fit: there are too few first ones for it alone.
const OTHERS: f64 = 0.1;

/// Some texts of equal length.
struct Batch {
    texts: usize,
    n: usize,
    /// What the teacher shows.
    states: Vec<Tensor>,
    /// What the student has so far.
    x: Tensor,
}

/// A student of the teacher's shape, with this many lanes, and its guide. Its embedding table is the teacher's and does not learn.
///
/// **Cost**: for each layer, as many multiplications as hidden^2 for every token of the lessons, and hidden^3 / 6.
///
/// # Errors
///
/// When the encoder has no classifier, or lessons are longer than its positions.
pub fn convert(
    encoder: &Pretrained,
    lessons: &[Lesson],
    lanes: usize,
    care: Care,
    seed: u64,
) -> std::result::Result<(Student, Guide), Error> {
    let classifier = encoder.classifier().ok_or(arras_nn::Error::NoClassifier)?;
    let shape = Shape {
        layers: encoder.blocks().len(),
        width: encoder.width(),
        heads: encoder.heads(),
        hidden: encoder.blocks().first().map_or(0, |block| block.up.rows()),
        lanes,
    };
    let guide = Guide::new(encoder, lessons)?;
    let mut stages = guide.stages().iter();
    let mut stage = || stages.next().ok_or_else(|| candle_core::Error::msg("no stage"));
    let mut below = stage()?;
    let mut student = embedding(encoder, below, shape, care, seed)?;
    let mut all = looks(&student, &guide, lessons)?;
    for (at, block) in encoder.blocks().iter().enumerate() {
        attention(&mut student, at, block, below, &all)?;
        mix(&mut student, at, &mut all)?;
        below = stage()?;
        activation(&mut student, at, block, below, &all)?;
        down(&mut student, at, &mut all)?;
        below = stage()?;
    }
    insert_linear("output", &seen(classifier, below)?, student.weights_mut())?;
    Ok((student, guide))
}

/// A student with the teacher's embedding, its other weights random. A factor of what is normalised says nothing.
fn embedding(
    encoder: &Pretrained,
    stage: &Stage,
    shape: Shape,
    care: Care,
    seed: u64,
) -> std::result::Result<Student, Error> {
    let (d, words) = (shape.width, encoder.words());
    let square = words.iter().map(|w| w * w).sum::<f32>() / words.len().max(1) as f32;
    let scaled = |values: &[f32]| values.iter().map(|v| v / square.sqrt()).collect::<Vec<f32>>();
    let unknown = encoder.vocabulary().row("[UNK]").unwrap_or(0);
    let mut student = Student::new(shape, scaled(words), unknown, care, seed)?;
    student.freeze("table");
    let mut positions = scaled(encoder.positions());
    positions.resize(shape.lanes * d, 0.0);
    let norm = encoder.norm();
    let gain: Vec<f64> = norm.gain.iter().zip(&stage.deviation).map(|(g, d)| g / d).collect();
    let centred = norm.bias.iter().zip(&stage.mean).map(|(b, m)| b - m);
    let bias: Vec<f64> = centred.zip(&stage.deviation).map(|(b, d)| b / d).collect();
    let weights = student.weights_mut();
    weights.insert("positions".to_owned(), var(positions, &[shape.lanes, d])?);
    weights.insert("norm.weight".to_owned(), var(narrow(&gain), &[d])?);
    weights.insert("norm.bias".to_owned(), var(narrow(&bias), &[d])?);
    Ok(student)
}

fn looks(student: &Student, guide: &Guide, lessons: &[Lesson]) -> Result<Vec<Batch>> {
    let one = |batch: Vec<usize>| {
        let part = Part::of(batch.iter().filter_map(|&i| lessons.get(i)).collect());
        let (x, n) = student.embed(&part)?;
        Ok(Batch { texts: part.lessons.len(), n, states: guide.look(&part)?.states, x: x.detach() })
    };
    batches(lessons, TOGETHER, 1, 0).into_iter().map(one).collect()
}

/// The layer that makes of features with mean 0 and variance 1 what this one makes of them as they are.
fn seen(layer: &Linear, stage: &Stage) -> std::result::Result<Linear, Error> {
    let scaled = layer.iter().flat_map(|(row, _)| row.iter().zip(&stage.deviation).map(|(w, d)| w * d));
    let bias = layer.iter().map(|(row, b)| b + row.iter().zip(&stage.mean).map(|(w, m)| w * m).sum::<f64>());
    Ok(Linear::new(layer.columns(), scaled.collect(), bias.collect())?)
}

/// The rows of a layer, each times its factor.
fn times(layer: &Linear, factors: &[f64]) -> std::result::Result<Linear, Error> {
    let rows = layer.iter().zip(factors).flat_map(|((row, _), f)| row.iter().map(move |w| w * f));
    let bias = layer.iter().zip(factors).map(|((_, b), f)| b * f);
    Ok(Linear::new(layer.columns(), rows.collect(), bias.collect())?)
}

/// Queries, keys and values, and the shift and the factor of each head.
///
/// Keys are taken without what all of them share: it adds the same to all scores of a query, which a softmax does not see.
fn attention(
    student: &mut Student,
    at: usize,
    block: &Block,
    below: &Stage,
    all: &[Batch],
) -> std::result::Result<(), Error> {
    let name = |rest: &str| format!("{at}.{rest}");
    let Shape { width, heads, layers, .. } = student.shape();
    let query = seen(&block.query, below)?;
    let key = seen(&block.key, below)?;
    let key = Linear::new(width, key.iter().flat_map(|(row, _)| row.to_vec()).collect(), vec![0.0; width])?;
    let weights = student.weights_mut();
    insert_linear(&name("query"), &query, weights)?;
    insert_linear(&name("key"), &key, weights)?;
    insert_linear(&name("value"), &seen(&block.value, below)?, weights)?;
    weights.insert(name("shift"), var(vec![0.0; heads], &[heads])?);
    let mut powers = vec![Powers::default(); heads];
    for batch in all {
        let Some(state) = batch.states.get(2 * at) else { continue };
        let sight = (batch.texts, batch.n);
        let (_, scores) = student.attend(state, sight, at + 1 == layers, &name, false)?;
        let shares = ops::softmax(&scores)?.flatten_all()?.to_vec1::<f32>()?;
        let scores = scores.flatten_all()?.to_vec1::<f32>()?;
        let (each, text) = (scores.len() / (batch.texts * heads), scores.len() / batch.texts);
        for (scores, shares) in scores.chunks_exact(text).zip(shares.chunks_exact(text)) {
            let own = scores.chunks_exact(each).zip(shares.chunks_exact(each));
            own.zip(&mut powers).for_each(|((s, p), powers)| powers.add(s, p, batch.n));
        }
    }
    let (shifts, factors): (Vec<f64>, Vec<f64>) = powers.iter().map(Powers::square).unzip();
    let spread: Vec<f64> = factors.iter().flat_map(|&f| std::iter::repeat_n(f, width / heads)).collect();
    let weights = student.weights_mut();
    insert_linear(&name("query"), &times(&query, &spread)?, weights)?;
    weights.insert(name("shift"), var(narrow(&shifts), &[heads])?);
    Ok(())
}

/// Sums over the scores s of a head, and the weights t that their softmax gives them, times the number of tokens.
#[derive(Debug, Clone, Copy, Default)]
struct Powers {
    /// s^0 to s^4.
    plain: [f64; 5],
    /// t s^0 to t s^2.
    weighed: [f64; 3],
}

/// Directions that are tried for a square.
const DIRECTIONS: u32 = 400;

impl Powers {
    fn add(&mut self, scores: &[f32], shares: &[f32], n: usize) {
        for (&s, &share) in scores.iter().zip(shares) {
            let (s, t) = (f64::from(s), f64::from(share) * n as f64);
            let powers = [1.0, s, s * s, s * s * s, s * s * s * s];
            self.plain.iter_mut().zip(powers).for_each(|(sum, p)| *sum += p);
            self.weighed.iter_mut().zip(powers).for_each(|(sum, p)| *sum += t * p);
        }
    }

    /// The shift c and the factor f for which (c + f s)^2 is nearest to t in the mean square: the best of all directions
    /// (c : f), of which each has its best length.
    fn square(&self) -> (f64, f64) {
        let [count, p1, p2, p3, p4] = self.plain;
        let [t0, t1, t2] = self.weighed;
        let width = (p2 / count.max(1.0)).sqrt().max(1e-6);
        let mut best = (0.0, (1.0, 0.0));
        for step in 0..DIRECTIONS {
            let angle = std::f64::consts::PI * (f64::from(step) / f64::from(DIRECTIONS) - 0.5);
            let (c, f) = (angle.cos(), angle.sin() / width);
            let along = c * c * t0 + 2.0 * c * f * t1 + f * f * t2;
            let terms = [c.powi(4) * count, 4.0 * c.powi(3) * f * p1, 6.0 * (c * f).powi(2) * p2];
            let whole = terms.iter().sum::<f64>() + 4.0 * c * f.powi(3) * p3 + f.powi(4) * p4;
            let length = (along / whole.max(1e-300)).max(0.0).sqrt();
            if along * along / whole.max(1e-300) > best.0 {
                best = (along * along / whole.max(1e-300), (c * length, f * length));
            }
        }
        best.1
    }
}

/// What leads from mixed values back to features.
fn mix(student: &mut Student, at: usize, all: &mut [Batch]) -> std::result::Result<(), Error> {
    let name = |rest: &str| format!("{at}.{rest}");
    let width = student.shape().width;
    let mut sums = Sums::new(width, width);
    let mut mixed = Vec::with_capacity(all.len());
    for batch in all.iter() {
        let (z, _) = student.attend(&batch.x, (batch.texts, batch.n), false, &name, true)?;
        gather(&mut sums, student, at, 1, batch, &z)?;
        mixed.push(z.detach());
    }
    place(student, &sums.solve()?, &name("around_attention"), &name("mix"))?;
    for (batch, z) in all.iter_mut().zip(&mixed) {
        let x = student.beside(&name("around_attention"), &batch.x, &name("mix"), z)?;
        batch.x = Student::held(&x, student.care().stream, true)?.detach();
    }
    Ok(())
}

/// What leads from squared hidden values to features.
fn down(student: &mut Student, at: usize, all: &mut [Batch]) -> std::result::Result<(), Error> {
    let name = |rest: &str| format!("{at}.{rest}");
    let Shape { width, hidden, .. } = student.shape();
    let mut sums = Sums::new(hidden, width);
    for batch in all.iter() {
        let squares = squares(student, &name("up"), &batch.x)?;
        gather(&mut sums, student, at, 2, batch, &squares)?;
    }
    place(student, &sums.solve()?, &name("around_hidden"), &name("down"))?;
    for batch in all.iter_mut() {
        let squares = squares(student, &name("up"), &batch.x)?;
        let x = student.beside(&name("around_hidden"), &batch.x, &name("down"), &squares)?;
        batch.x = Student::held(&x, student.care().stream, true)?.detach();
    }
    Ok(())
}

fn squares(student: &Student, up: &str, x: &Tensor) -> Result<Tensor> {
    Student::held(&student.linear(up, x)?, student.care().hidden, true)?.sqr()
}

/// Takes a batch into the sums of a layer's map to the state that lies `step` behind the one below the layer.
fn gather(
    sums: &mut Sums,
    student: &Student,
    at: usize,
    step: usize,
    batch: &Batch,
    z: &Tensor,
) -> Result<()> {
    let Some(y) = batch.states.get(2 * at + step) else { return Ok(()) };
    if at + 1 < student.shape().layers {
        return sums.add(z, &batch.x, y, 1.0);
    }
    sums.add(z, &batch.x, y, OTHERS)?;
    let first = |x: &Tensor| first(x, batch.texts);
    sums.add(&first(z)?, &first(&batch.x)?, &first(y)?, 1.0)
}

fn place(student: &mut Student, fit: &Fit, around: &str, linear: &str) -> Result<()> {
    let weights = student.weights_mut();
    weights.insert(around.to_owned(), var(narrow(&fit.around), &[fit.around.len()])?);
    insert_linear(linear, &fit.linear, weights)
}

/// How far from the mean of its neuron the square of a hidden value has its zero, at most, in deviations: further away it would be
/// a straight line.
const FURTHEST: f64 = 4.0;

/// Hidden values whose squares have the mean 1, and their zeros where the activation's best parabola has its own.
fn activation(
    student: &mut Student,
    at: usize,
    block: &Block,
    middle: &Stage,
    all: &[Batch],
) -> std::result::Result<(), Error> {
    let name = format!("{at}.up");
    let Shape { layers, hidden, .. } = student.shape();
    let up = seen(&block.up, middle)?;
    insert_linear(&name, &up, student.weights_mut())?;
    let mut bends = vec![Bend::default(); hidden];
    for batch in all {
        let Some(state) = batch.states.get(2 * at + 1) else { continue };
        let state = if at + 1 == layers { first(state, batch.texts)? } else { state.clone() };
        let values = student.linear(&name, &state)?;
        let bent = ops::gelu(&values)?.flatten_all()?.to_vec1::<f32>()?;
        let values = values.flatten_all()?.to_vec1::<f32>()?;
        for (values, bent) in values.chunks_exact(hidden).zip(bent.chunks_exact(hidden)) {
            bends.iter_mut().zip(values.iter().zip(bent)).for_each(|(bend, (&u, &g))| bend.add(u, g));
        }
    }
    let (zeros, factors): (Vec<f64>, Vec<f64>) = bends.iter().map(Bend::zero).unzip();
    let shifted = up.iter().zip(&zeros).map(|((_, b), zero)| b - zero).collect();
    let up = Linear::new(up.columns(), up.iter().flat_map(|(row, _)| row.to_vec()).collect(), shifted)?;
    insert_linear(&name, &times(&up, &factors)?, student.weights_mut())?;
    Ok(())
}

/// Sums over the hidden values u of a neuron and what the activation makes of them.
#[derive(Debug, Clone, Copy, Default)]
struct Bend {
    /// u^0 to u^4.
    plain: [f64; 5],
    /// g u^0 to g u^2.
    bent: [f64; 3],
}

impl Bend {
    fn add(&mut self, u: f32, g: f32) {
        let (u, g) = (f64::from(u), f64::from(g));
        let powers = [1.0, u, u * u, u * u * u, u * u * u * u];
        self.plain.iter_mut().zip(powers).for_each(|(sum, p)| *sum += p);
        self.bent.iter_mut().zip(powers).for_each(|(sum, p)| *sum += g * p);
    }

    /// Where the parabola that is nearest to the activation has its vertex, and the factor that gives (u - vertex)^2 the mean 1.
    fn zero(&self) -> (f64, f64) {
        let count = self.plain.first().copied().unwrap_or(1.0).max(1.0);
        let [_, m1, m2, m3, m4] = self.plain.map(|sum| sum / count);
        let [g0, g1, g2] = self.bent.map(|sum| sum / count);
        let variance = (m2 - m1 * m1).max(1e-9);
        let deviation = variance.sqrt();
        // Moments of v = (u - mean) / deviation, with the activation and alone.
        let third = (m3 - 3.0 * m1 * m2 + 2.0 * m1.powi(3)) / (variance * deviation);
        let fourth = (m4 - 4.0 * m1 * m3 + 6.0 * m1 * m1 * m2 - 3.0 * m1.powi(4)) / variance.powi(2);
        let slope = (g1 - m1 * g0) / deviation;
        let square = (g2 - 2.0 * m1 * g1 + m1 * m1 * g0) / variance - g0;
        // g ~ e + b v + a v^2 by least squares, times the same positive number.
        let (b, a) = (slope * (fourth - 1.0) - third * square, square - third * slope);
        let vertex = if a == 0.0 { FURTHEST } else { (-b / (2.0 * a)).clamp(-FURTHEST, FURTHEST) };
        (m1 + vertex * deviation, 1.0 / (deviation * (1.0 + vertex * vertex).sqrt()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn squares_of_scores_are_found() {
        let mut rng = Rng::new(2, 2);
        let mut powers = Powers::default();
        let scores: Vec<f32> = (0..4000).map(|_| rng.symmetric(2.0)).collect();
        let shares: Vec<f32> = scores.iter().map(|s| (0.9 + 0.4 * s).powi(2) / 7.0).collect();
        powers.add(&scores, &shares, 7);
        let (shift, factor) = powers.square();
        assert!((shift - 0.9).abs() < 0.02 && (factor - 0.4).abs() < 0.01, "{shift} {factor}");
    }

    #[test]
    fn vertices_of_parabolas_are_found() {
        let mut rng = Rng::new(3, 2);
        let mut bend = Bend::default();
        for _ in 0..4000 {
            let u = 0.3 + rng.symmetric(1.0) + rng.unit().powi(2);
            bend.add(u, 0.7 * (u + 0.8).powi(2) - 2.0);
        }
        let (vertex, factor) = bend.zero();
        let count = bend.plain[0];
        let square = (bend.plain[2] - 2.0 * vertex * bend.plain[1]) / count + vertex * vertex;
        assert!((vertex + 0.8).abs() < 1e-3 && (square * factor * factor - 1.0).abs() < 1e-6);
    }
}

//! The layers of a transformer over hidden vectors.

use arras_circuits::{Matrix, Pairs};

use super::attention::Attention;
use super::layout::{Affine, Layout, dot};
use crate::Error;
use crate::transformer::{Classifier, Layer};

/// By what the values of a step are multiplied, so that the roundings of the scheme, which are as large for small values, lose
/// fewer of their bits. It costs nothing: the maps between steps are multiplied and divided by it. Much more would take from the
/// weights of those maps, which are rounded as well, what it gives to values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gains {
    /// Features between layers.
    pub features: f64,
    /// One over the number of tokens.
    pub share: f64,
}

/// What every layer takes.
pub(super) const GAINS: Gains = Gains { features: 8.0, share: 4.0 };

/// Queries, and keys.
const QUERY: f64 = 2.0;
/// Scores.
const SCORE: f64 = QUERY * QUERY;
/// Values, before they are divided by the number of tokens.
const VALUE: f64 = 1.0;
/// Values mixed by one query.
const MIXED: f64 = SCORE * SCORE * VALUE * GAINS.share;
/// Values mixed by all queries: attention leaves four times what it should.
const MIXED_BY_ALL: f64 = 4.0 * MIXED;
/// Hidden values, and their squares.
const HIDDEN: f64 = 4.0;
const SQUARE: f64 = HIDDEN * HIDDEN;

/// The parts of a layer in slots.
struct Parts {
    query: Affine,
    key: Affine,
    value: Affine,
    mix: Affine,
    /// Hidden neurons in blocks of half a period.
    up: Vec<Affine>,
    down: Vec<Affine>,
    /// The bias behind the hidden layer.
    below: Vec<f64>,
    around_attention: Vec<f64>,
    around_hidden: Vec<f64>,
}

impl Parts {
    fn new(layout: &Layout, layer: &Layer) -> Self {
        let (size, same) = (layout.half, |feature| feature);
        let headwise = |feature| layout.headwise(feature);
        let into = |linear| Affine::new(layout, linear, 0..size, headwise, same);
        let blocks = || (0..layer.up.rows()).step_by(size).map(|from| from..from + size);
        let padded = |values: &[f64]| {
            let mut out = values.to_vec();
            out.resize(size, 0.0);
            out
        };
        let below: Vec<f64> = layer.down.iter().map(|(_, bias)| bias).collect();
        Self {
            query: into(&layer.query),
            key: into(&layer.key),
            value: into(&layer.value),
            mix: Affine::new(layout, &layer.mix, 0..size, same, headwise),
            up: blocks().map(|rows| Affine::new(layout, &layer.up, rows, same, same)).collect(),
            down: blocks().map(|columns| Affine::columns(layout, &layer.down, columns)).collect(),
            below: padded(&below),
            around_attention: padded(&layer.around_attention),
            around_hidden: padded(&layer.around_hidden),
        }
    }
}

/// A bias as a public vector: features in the first half of a period.
fn public(layout: &Layout, bias: &[f64], factor: f64) -> Vec<f64> {
    layout.spread(bias.iter().map(|b| factor * b).enumerate())
}

/// A layer that runs in every lane. Middle features are never made: what reads them reads what they are made of.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Full {
    layout: Layout,
    attention: Attention,
    /// From features: query, key, value, then the hidden blocks.
    of_input: Vec<Matrix>,
    /// Added to query, key and value.
    biases: [Vec<f64>; 3],
    /// From mixed values: the hidden blocks, then features.
    of_mixed: Vec<Matrix>,
    hidden_biases: Vec<Vec<f64>>,
    down: Vec<Matrix>,
    around: Vec<f64>,
    bias: Vec<f64>,
}

impl Full {
    /// The layer in slots.
    pub fn new(layout: Layout, layer: &Layer) -> Result<Self, Error> {
        let (p, gain) = (Parts::new(&layout, layer), GAINS.features);
        let direct = [(&p.query, QUERY), (&p.key, QUERY), (&p.value, VALUE)];
        let biases = direct.map(|(map, factor)| public(&layout, &map.bias, factor));
        let direct = direct.map(|(map, factor)| map.matrix(&layout, factor / gain));
        let through = p.up.iter().map(|up| up.of_scaled(&p.around_attention).matrix(&layout, HIDDEN / gain));
        let around_hidden = p.mix.scaled(&p.around_hidden);
        let mixed: Vec<Affine> = p.up.iter().map(|up| up.after(&p.mix)).collect();
        let around: Vec<f64> = p.around_attention.iter().zip(&p.around_hidden).map(|(g, h)| g * h).collect();
        let bias: Vec<f64> = around_hidden.bias.iter().zip(&p.below).map(|(a, b)| a + b).collect();
        let of_mixed = mixed.iter().map(|map| map.matrix(&layout, HIDDEN / MIXED_BY_ALL));
        Ok(Self {
            layout,
            attention: Attention::new(layout, &layer.shift, SCORE),
            of_input: direct.into_iter().chain(through).collect::<Result<_, _>>()?,
            biases,
            of_mixed: of_mixed
                .chain([around_hidden.matrix(&layout, gain / MIXED_BY_ALL)])
                .collect::<Result<_, _>>()?,
            hidden_biases: mixed.iter().map(|map| public(&layout, &map.bias, HIDDEN)).collect(),
            down: p.down.iter().map(|map| map.matrix(&layout, gain / SQUARE)).collect::<Result<_, _>>()?,
            around: around.iter().chain(&around).copied().collect(),
            bias: public(&layout, &bias, gain),
        })
    }

    /// Repeated features to repeated features. **Cost**: seven levels.
    pub fn run<B: Pairs>(&self, ops: &B, x: &B::Ct, share: &B::Ct) -> Result<B::Ct, B::Error> {
        let maps: Vec<&Matrix> = self.of_input.iter().collect();
        let mut made = ops.linear_all(x, &maps)?.into_iter();
        let mut direct = Vec::with_capacity(self.biases.len());
        // In this order: the shorter side must be asked first, or a map is lost.
        for (bias, y) in self.biases.iter().zip(made.by_ref()) {
            direct.push(ops.add_plain(&y, bias)?);
        }
        let [q, k, v] = direct.as_slice() else { return Ok(x.clone()) };
        let mixed = self.attention.all(ops, [q, k, &ops.mul(v, share)?])?;
        let maps: Vec<&Matrix> = self.of_mixed.iter().collect();
        let mut of_mixed = ops.linear_all(&mixed, &maps)?;
        let mut sum = of_mixed.pop().unwrap_or(mixed);
        for (((of_input, of_mixed), bias), down) in
            made.zip(&of_mixed).zip(&self.hidden_biases).zip(&self.down)
        {
            let hidden = ops.add_plain(&ops.add(&of_input, of_mixed)?, bias)?;
            let hidden = self.layout.repeated(ops, &hidden)?;
            sum = ops.add(&sum, &ops.linear(&ops.mul(&hidden, &hidden)?, down)?)?;
        }
        let sum = self.layout.repeated(ops, &ops.add_plain(&sum, &self.bias)?)?;
        ops.add(&sum, &ops.mul_plain(x, &self.around)?)
    }
}

/// The last layer, for the first lane alone, and the logit: what a polynomial on [-1, 1] takes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Last {
    layout: Layout,
    attention: Attention,
    /// One in the first lane.
    first: Vec<f64>,
    /// From the features of all lanes: key, value.
    of_lanes: [Matrix; 2],
    /// From the features of the first lane: query, then the hidden blocks.
    of_first: Vec<Matrix>,
    /// Added to query, key and value.
    biases: [Vec<f64>; 3],
    of_mixed: Vec<Matrix>,
    hidden_biases: Vec<Vec<f64>>,
    /// From features, mixed values and squared hidden blocks to the logit.
    row: Vec<f64>,
    row_of_mixed: Vec<f64>,
    rows_of_hidden: Vec<Vec<f64>>,
    constant: f64,
}

impl Last {
    /// The layer and the classifier in slots.
    pub fn new(layout: Layout, layer: &Layer, classifier: &Classifier) -> Result<Self, Error> {
        let (p, gain) = (Parts::new(&layout, layer), GAINS.features);
        let scale = 1.0 / (classifier.temperature * classifier.polynomial.domain().1);
        let mut rows = classifier.output.iter();
        let (zero, one) = (rows.next().unwrap_or((&[], 0.0)), rows.next().unwrap_or((&[], 0.0)));
        let mut row: Vec<f64> = one.0.iter().zip(zero.0).map(|(one, zero)| (one - zero) * scale).collect();
        row.resize(layout.half, 0.0);
        let times = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).collect::<Vec<f64>>();
        let of_middle = times(&row, &p.around_hidden);
        let (of_mixed, constant) = p.mix.pulled(&of_middle);
        let mixed: Vec<Affine> = p.up.iter().map(|up| up.after(&p.mix)).collect();
        let through = p.up.iter().map(|up| up.of_scaled(&p.around_attention).matrix(&layout, HIDDEN / gain));
        let of_first = [p.query.matrix(&layout, QUERY / gain)].into_iter().chain(through);
        let of_square = |down: &Affine| public(&layout, &down.pulled(&row).0, 1.0 / SQUARE);
        Ok(Self {
            layout,
            attention: Attention::new(layout, &layer.shift, SCORE),
            first: (0..layout.slots()).map(|slot| if slot < layout.period() { 1.0 } else { 0.0 }).collect(),
            of_lanes: [p.key.matrix(&layout, QUERY / gain)?, p.value.matrix(&layout, VALUE / gain)?],
            of_first: of_first.collect::<Result<_, _>>()?,
            biases: [(&p.query, QUERY), (&p.key, QUERY), (&p.value, VALUE)]
                .map(|(map, factor)| public(&layout, &map.bias, factor)),
            of_mixed: mixed
                .iter()
                .map(|map| map.matrix(&layout, HIDDEN / MIXED))
                .collect::<Result<_, _>>()?,
            hidden_biases: mixed.iter().map(|map| public(&layout, &map.bias, HIDDEN)).collect(),
            rows_of_hidden: p.down.iter().map(of_square).collect(),
            constant: constant + dot(&row, &p.below) + (one.1 - zero.1) * scale,
            row: public(&layout, &times(&of_middle, &p.around_attention), 1.0 / gain),
            row_of_mixed: public(&layout, &of_mixed, 1.0 / MIXED),
        })
    }

    /// Repeated features to the logit over the end of the polynomial's domain, in every slot. **Cost**: eight levels.
    pub fn run<B: Pairs>(&self, ops: &B, x: &B::Ct, share: &B::Ct) -> Result<B::Ct, B::Error> {
        let [of_key, of_value] = &self.of_lanes;
        let [of_q, of_k, of_v] = &self.biases;
        let first = ops.fold(x, &self.first, &self.layout.lane_folds())?;
        let of_lanes = ops.linear_all(x, &[of_key, of_value])?;
        let maps: Vec<&Matrix> = self.of_first.iter().collect();
        let mut of_first = ops.linear_all(&first, &maps)?.into_iter();
        let (Some(q), [k, v]) = (of_first.next(), of_lanes.as_slice()) else { return Ok(first) };
        let q = self.layout.repeated(ops, &ops.add_plain(&q, of_q)?)?;
        let k = self.layout.repeated(ops, &ops.add_plain(k, of_k)?)?;
        let v = ops.mul(&ops.add_plain(v, of_v)?, share)?;
        let mixed = self.attention.one(ops, [&q, &k, &v])?;
        let maps: Vec<&Matrix> = self.of_mixed.iter().collect();
        let of_mixed = ops.linear_all(&mixed, &maps)?;
        let folds = self.layout.feature_folds();
        // Down to where hidden values are squared: rotations are cheaper there.
        let (low, lower) = (ops.lower(&first, 6)?, ops.lower(&mixed, 2)?);
        let mut sum =
            ops.add(&ops.fold(&low, &self.row, &folds)?, &ops.fold(&lower, &self.row_of_mixed, &folds)?)?;
        for (((of_first, of_mixed), bias), row) in
            of_first.zip(&of_mixed).zip(&self.hidden_biases).zip(&self.rows_of_hidden)
        {
            let hidden = ops.add_plain(&ops.add(&of_first, of_mixed)?, bias)?;
            sum = ops.add(&sum, &ops.fold(&ops.mul(&hidden, &hidden)?, row, &folds)?)?;
        }
        ops.add_scalar(&sum, self.constant)
    }
}

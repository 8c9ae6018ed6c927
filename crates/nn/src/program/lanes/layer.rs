//! The layers of a transformer over hidden vectors, one vector for each block of features.

use arras_circuits::{Matrix, Pairs};

use super::attention::Attention;
use super::layout::{Affine, Layout};
use crate::Error;
use crate::transformer::{Classifier, Layer};

/// By what the values of a step are multiplied, so that the roundings of the scheme, which are as large for small values, lose
/// fewer of their bits. It costs nothing: the maps between steps are multiplied and divided by it. Much more would take from the
/// weights of those maps, which are rounded as well, what it gives to values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Gains {
    /// Features that a layer reads.
    pub read: f64,
    /// Features that a layer leaves.
    pub left: f64,
}

/// One over the number of tokens.
pub(super) const SHARE: f64 = 4.0;

/// Queries, and keys.
const QUERY: f64 = 2.0;
/// Scores.
const SCORE: f64 = QUERY * QUERY;
/// Values, before they are divided by the number of tokens.
const VALUE: f64 = 1.0;
/// Values mixed by one query.
const MIXED: f64 = SCORE * SCORE * VALUE * SHARE;
/// Values mixed by all queries: attention leaves four times what it should.
const MIXED_BY_ALL: f64 = 4.0 * MIXED;
/// Hidden values, and their squares.
const HIDDEN: f64 = 4.0;
const SQUARE: f64 = HIDDEN * HIDDEN;

/// The parts of a layer by places.
struct Parts {
    query: Affine,
    key: Affine,
    value: Affine,
    mix: Affine,
    up: Affine,
    down: Affine,
    around_attention: Vec<f64>,
    around_hidden: Vec<f64>,
}

impl Parts {
    fn new(layout: &Layout, layer: &Layer) -> Self {
        let (places, hidden) = (layout.places(), layer.up.rows().next_multiple_of(layout.half));
        let (place, headwise) = (|feature| layout.place(feature), |feature| layout.headwise(feature));
        let into = |linear| Affine::new(linear, [places, places], headwise, place);
        Self {
            query: into(&layer.query),
            key: into(&layer.key),
            value: into(&layer.value),
            mix: Affine::new(&layer.mix, [places, places], place, headwise),
            up: Affine::new(&layer.up, [hidden, places], |neuron| neuron, place),
            down: Affine::new(&layer.down, [places, hidden], place, |neuron| neuron),
            around_attention: layout.placed(layer.around_attention.iter().copied()),
            around_hidden: layout.placed(layer.around_hidden.iter().copied()),
        }
    }

    /// One attention for the heads of each block.
    fn attentions(layout: Layout, layer: &Layer) -> Vec<Attention> {
        let one = |block| Attention::new(layout, &layout.per_head(&layer.shift, block), SCORE);
        (0..layout.blocks).map(one).collect()
    }
}

/// For each block that is read, a matrix to each block that is given.
type Blocks = Vec<Vec<Matrix>>;

/// The matrices of several maps of the same blocks, one after the other.
fn beside(maps: impl IntoIterator<Item = Result<Blocks, Error>>) -> Result<Blocks, Error> {
    maps.into_iter().try_fold(Vec::new(), |mut all: Blocks, map| {
        let map = map?;
        all.resize_with(map.len(), Vec::new);
        all.iter_mut().zip(map).for_each(|(all, map)| all.extend(map));
        Ok(all)
    })
}

/// All that is given of the blocks read: sums over them, which share their baby steps. **Cost**: one level.
fn sums<B: Pairs>(ops: &B, xs: &[B::Ct], maps: &Blocks) -> Result<Vec<B::Ct>, B::Error> {
    let mut sums: Vec<B::Ct> = Vec::new();
    for (x, maps) in xs.iter().zip(maps) {
        let made = ops.linear_all(x, &maps.iter().collect::<Vec<_>>())?;
        sums = match sums.is_empty() {
            true => made,
            false => sums.iter().zip(&made).map(|(a, b)| ops.add(a, b)).collect::<Result<_, _>>()?,
        };
    }
    Ok(sums)
}

/// A layer that runs in every lane. Middle features are never made: what reads them reads what they are made of.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Full {
    layout: Layout,
    attentions: Vec<Attention>,
    /// From features: query, key, value, then the hidden blocks.
    of_input: Blocks,
    /// Added to queries, keys and values.
    biases: Vec<Vec<f64>>,
    /// From mixed values: the hidden blocks, then features.
    of_mixed: Blocks,
    hidden_biases: Vec<Vec<f64>>,
    down: Blocks,
    around: Vec<Vec<f64>>,
    bias: Vec<Vec<f64>>,
}

impl Full {
    /// The layer in slots.
    pub fn new(layout: Layout, layer: &Layer, gains: Gains) -> Result<Self, Error> {
        let p = Parts::new(&layout, layer);
        let through = p.up.of_scaled(&p.around_attention);
        let direct = [(&p.query, QUERY), (&p.key, QUERY), (&p.value, VALUE), (&through, HIDDEN)];
        let biases = direct.iter().take(3).flat_map(|(map, factor)| layout.public(&map.bias, *factor));
        let around_hidden = p.mix.scaled(&p.around_hidden);
        let mixed = p.up.after(&p.mix);
        let around: Vec<f64> = p.around_attention.iter().zip(&p.around_hidden).map(|(g, h)| g * h).collect();
        let bias: Vec<f64> = around_hidden.bias.iter().zip(&p.down.bias).map(|(a, b)| a + b).collect();
        let twice = |block: Vec<f64>| {
            let half = block.into_iter().take(layout.half).collect::<Vec<_>>();
            [half.clone(), half].concat()
        };
        Ok(Self {
            layout,
            attentions: Parts::attentions(layout, layer),
            of_input: beside(direct.map(|(map, factor)| map.matrices(&layout, factor / gains.read)))?,
            biases: biases.collect(),
            of_mixed: beside([
                mixed.matrices(&layout, HIDDEN / MIXED_BY_ALL),
                around_hidden.matrices(&layout, gains.left / MIXED_BY_ALL),
            ])?,
            hidden_biases: layout.public(&mixed.bias, HIDDEN),
            down: p.down.matrices(&layout, gains.left / SQUARE)?,
            around: layout.public(&around, gains.left / gains.read).into_iter().map(twice).collect(),
            bias: layout.public(&bias, gains.left),
        })
    }

    /// Repeated features to repeated features. **Cost**: seven levels.
    pub fn run<B: Pairs>(&self, ops: &B, xs: &[B::Ct], share: &B::Ct) -> Result<Vec<B::Ct>, B::Error> {
        let mut made = sums(ops, xs, &self.of_input)?.into_iter();
        let mut direct = Vec::with_capacity(self.biases.len());
        // In this order: the shorter side must be asked first, or a map is lost.
        for (bias, y) in self.biases.iter().zip(made.by_ref()) {
            direct.push(ops.add_plain(&y, bias)?);
        }
        let mixed = self.mixed(ops, &direct, share)?;
        let mut of_mixed = sums(ops, &mixed, &self.of_mixed)?.into_iter();
        let mut hidden = Vec::with_capacity(self.hidden_biases.len());
        for ((bias, of_input), of_mixed) in self.hidden_biases.iter().zip(made).zip(of_mixed.by_ref()) {
            let values = ops.add_plain(&ops.add(&of_input, &of_mixed)?, bias)?;
            let values = self.layout.repeated(ops, &values)?;
            hidden.push(ops.mul(&values, &values)?);
        }
        let down = sums(ops, &hidden, &self.down)?;
        let mut out = Vec::with_capacity(xs.len());
        for (((x, around), (direct, bias)), down) in
            xs.iter().zip(&self.around).zip(of_mixed.zip(&self.bias)).zip(&down)
        {
            let sum = ops.add_plain(&ops.add(&direct, down)?, bias)?;
            let sum = self.layout.repeated(ops, &sum)?;
            out.push(ops.add(&sum, &ops.mul_plain(x, around)?)?);
        }
        Ok(out)
    }

    /// The attention of each block over its queries, keys and values, which come by kind.
    fn mixed<B: Pairs>(&self, ops: &B, direct: &[B::Ct], share: &B::Ct) -> Result<Vec<B::Ct>, B::Error> {
        let mut kinds = direct.chunks(self.layout.blocks);
        let mut next = || kinds.next().unwrap_or_default();
        let (queries, keys, values) = (next(), next(), next());
        let parts = queries.iter().zip(keys).zip(values).zip(&self.attentions);
        parts.map(|(((q, k), v), attention)| attention.all(ops, [q, k, &ops.mul(v, share)?])).collect()
    }
}

/// The last layer, for the first lane alone, and the logit: what a polynomial on [-1, 1] takes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Last {
    layout: Layout,
    attentions: Vec<Attention>,
    /// One in the first lane.
    first: Vec<f64>,
    /// From the features of all lanes: key, value.
    of_lanes: Blocks,
    /// From the features of the first lane: query, then the hidden blocks.
    of_first: Blocks,
    /// Added to queries, keys and values.
    biases: [Vec<Vec<f64>>; 3],
    of_mixed: Blocks,
    hidden_biases: Vec<Vec<f64>>,
    /// From features, mixed values and squared hidden blocks to the logit.
    rows: Vec<Vec<f64>>,
    rows_of_mixed: Vec<Vec<f64>>,
    rows_of_hidden: Vec<Vec<f64>>,
    constant: f64,
}

impl Last {
    /// The layer and the classifier in slots; what it leaves has no gain.
    pub fn new(layout: Layout, layer: &Layer, classifier: &Classifier, read: f64) -> Result<Self, Error> {
        let p = Parts::new(&layout, layer);
        let scale = 1.0 / (classifier.temperature * classifier.polynomial.domain().1);
        let mut rows = classifier.output.iter();
        let (zero, one) = (rows.next().unwrap_or((&[], 0.0)), rows.next().unwrap_or((&[], 0.0)));
        let row = layout.placed(one.0.iter().zip(zero.0).map(|(one, zero)| (one - zero) * scale));
        let times = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).collect::<Vec<f64>>();
        let of_middle = times(&row, &p.around_hidden);
        let (of_mixed, constant) = p.mix.pulled(&of_middle);
        let (of_square, below) = p.down.pulled(&row);
        let mixed = p.up.after(&p.mix);
        let through = p.up.of_scaled(&p.around_attention);
        Ok(Self {
            layout,
            attentions: Parts::attentions(layout, layer),
            first: (0..layout.slots()).map(|slot| if slot < layout.period() { 1.0 } else { 0.0 }).collect(),
            of_lanes: beside([
                p.key.matrices(&layout, QUERY / read),
                p.value.matrices(&layout, VALUE / read),
            ])?,
            of_first: beside([
                p.query.matrices(&layout, QUERY / read),
                through.matrices(&layout, HIDDEN / read),
            ])?,
            biases: [(&p.query, QUERY), (&p.key, QUERY), (&p.value, VALUE)]
                .map(|(map, factor)| layout.public(&map.bias, factor)),
            of_mixed: mixed.matrices(&layout, HIDDEN / MIXED)?,
            hidden_biases: layout.public(&mixed.bias, HIDDEN),
            rows: layout.public(&times(&of_middle, &p.around_attention), 1.0 / read),
            rows_of_mixed: layout.public(&of_mixed, 1.0 / MIXED),
            rows_of_hidden: layout.public(&of_square, 1.0 / SQUARE),
            constant: constant + below + (one.1 - zero.1) * scale,
        })
    }

    /// Repeated features to the logit over the end of the polynomial's domain, in every slot. **Cost**: eight levels.
    pub fn run<B: Pairs>(&self, ops: &B, xs: &[B::Ct], share: &B::Ct) -> Result<B::Ct, B::Error> {
        let folds = self.layout.lane_folds();
        let first: Vec<B::Ct> =
            xs.iter().map(|x| ops.fold(x, &self.first, &folds)).collect::<Result<_, _>>()?;
        let of_lanes = sums(ops, xs, &self.of_lanes)?;
        let mut of_first = sums(ops, &first, &self.of_first)?.into_iter();
        let queries: Vec<B::Ct> = of_first.by_ref().take(self.layout.blocks).collect();
        let mixed = self.mixed(ops, &queries, &of_lanes, share)?;
        let of_mixed = sums(ops, &mixed, &self.of_mixed)?;
        let folds = self.layout.feature_folds();
        let mut terms = Vec::new();
        // Down to where hidden values are squared: rotations are cheaper there.
        for (x, row) in first.iter().zip(&self.rows) {
            terms.push(ops.fold(&ops.lower(x, 6)?, row, &folds)?);
        }
        for (x, row) in mixed.iter().zip(&self.rows_of_mixed) {
            terms.push(ops.fold(&ops.lower(x, 2)?, row, &folds)?);
        }
        for (((of_first, of_mixed), bias), row) in
            of_first.zip(&of_mixed).zip(&self.hidden_biases).zip(&self.rows_of_hidden)
        {
            let hidden = ops.add_plain(&ops.add(&of_first, of_mixed)?, bias)?;
            terms.push(ops.fold(&ops.mul(&hidden, &hidden)?, row, &folds)?);
        }
        let mut sum = terms.pop();
        for term in &terms {
            sum = sum.map(|sum| ops.add(&sum, term)).transpose()?;
        }
        ops.add_scalar(&sum.unwrap_or_else(|| share.clone()), self.constant)
    }

    /// The attention of each block by its query; keys and values come by kind.
    fn mixed<B: Pairs>(
        &self,
        ops: &B,
        queries: &[B::Ct],
        of_lanes: &[B::Ct],
        share: &B::Ct,
    ) -> Result<Vec<B::Ct>, B::Error> {
        let [of_q, of_k, of_v] = &self.biases;
        let (keys, values) = of_lanes.split_at(self.layout.blocks.min(of_lanes.len()));
        let with = |y: &B::Ct, biases: &[Vec<f64>], block: usize| {
            ops.add_plain(y, biases.get(block).map_or(&[0.0][..], Vec::as_slice))
        };
        let mut mixed = Vec::with_capacity(queries.len());
        for (block, (((q, k), v), attention)) in
            queries.iter().zip(keys).zip(values).zip(&self.attentions).enumerate()
        {
            let q = self.layout.repeated(ops, &with(q, of_q, block)?)?;
            let k = self.layout.repeated(ops, &with(k, of_k, block)?)?;
            let v = ops.mul(&with(v, of_v, block)?, share)?;
            mixed.push(attention.one(ops, [&q, &k, &v])?);
        }
        Ok(mixed)
    }
}

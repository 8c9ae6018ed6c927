//! The works on ciphertexts of `tfhe`, in the cheapest way that its integers offer.
//!
//! A product is made from operands with trivial zeros above: blocks that are known to be zero cost no bootstrap, which
//! makes it cheaper than the product of two integers of twice the width.

use tfhe::integer::prelude::*;
use tfhe::integer::{BooleanBlock, RadixCiphertext, ServerKey};

use super::machine::{Machine, blocks};
use super::task::Kind;
use super::{Branch, Node, Query, Select, Task, Tree, Work, graph, network};
use crate::Error;

/// Runs a part of a task, at the widths of the whole, and gives what was decrypted in the order of [`Task::answer`].
pub(super) fn run(whole: &Task, part: &Task, machine: &mut Machine<'_>) -> Result<Vec<u64>, Error> {
    let bits = part.bits;
    let size_bits = width(whole.size() as u64);
    match &part.kind {
        Kind::Workload { work, values } => {
            values.iter().map(|value| workload(*work, *value, bits, machine)).collect()
        }
        Kind::Sort(values) => sort(values, bits, machine),
        Kind::Paths { nodes, weights } => {
            let (distance, before) = graph::start(weights, *nodes, bits);
            let distance = distance.iter().map(|&number| machine.hide(number, bits)).collect();
            let before = before.iter().map(|&label| machine.hide(label, size_bits)).collect();
            paths(*nodes, distance, before, machine)
        }
        Kind::Tree { tree, samples } => tree_classes(tree, samples, bits, machine),
        Kind::Rows { query, rows } => filter(query, rows, (bits, bits + size_bits), machine),
    }
}

/// Bits of a number.
fn width(number: u64) -> u32 {
    (u64::BITS - number.leading_zeros()).max(1)
}

fn workload(work: Work, value: [u64; 4], bits: u32, machine: &mut Machine<'_>) -> Result<u64, Error> {
    let [a, b, c, d] = value;
    let (a, b) = (machine.hide(a, bits), machine.hide(b, bits));
    let c = machine.hide(c, work.bits_of_c(bits));
    let kept = match work {
        Work::W1 => {
            let above = machine.step(|server| server.gt_parallelized(&product(server, &a, &b), &c))?;
            return Ok(machine.show_bit(&above));
        }
        Work::W2 => machine.step(|server| keep(server, &server.gt_parallelized(&a, &b), &c))?,
        Work::W3 => {
            let d = machine.hide(d, bits);
            machine.step(|server| keep(server, &server.gt_parallelized(&product(server, &a, &b), &c), &d))?
        }
    };
    Ok(machine.show(&kept))
}

/// The whole product.
fn product(server: &ServerKey, a: &RadixCiphertext, b: &RadixCiphertext) -> RadixCiphertext {
    let blocks = a.blocks().len();
    server.mul_parallelized(&wider(server, a, blocks), &wider(server, b, blocks))
}

/// With so many blocks above that are known to be zero.
fn wider(server: &ServerKey, number: &RadixCiphertext, blocks: usize) -> RadixCiphertext {
    server.extend_radix_with_trivial_zero_blocks_msb(number, blocks)
}

/// The number where the bit is set, else zero: one bootstrap for each block.
fn keep(server: &ServerKey, bit: &BooleanBlock, number: &RadixCiphertext) -> RadixCiphertext {
    server.if_then_else_parallelized(bit, number, 0_u64)
}

fn sort(values: &[u64], bits: u32, machine: &mut Machine<'_>) -> Result<Vec<u64>, Error> {
    let mut row: Vec<_> = values.iter().map(|&value| machine.hide(value, bits)).collect();
    for (low, high) in network::comparators(values.len()) {
        let (lower, higher) = machine.step(|server| {
            let swap = server.gt_parallelized(&row[low], &row[high]);
            server.flip_parallelized(&swap, &row[low], &row[high])
        })?;
        (row[low], row[high]) = (lower, higher);
    }
    Ok(row.iter().map(|value| machine.show(value)).collect())
}

fn paths(
    nodes: usize,
    mut distance: Vec<RadixCiphertext>,
    mut before: Vec<RadixCiphertext>,
    machine: &mut Machine<'_>,
) -> Result<Vec<u64>, Error> {
    for (k, i, j) in graph::updates(nodes) {
        let (at, first, second) = (i * nodes + j, i * nodes + k, k * nodes + j);
        (distance[at], before[at]) = machine.step(|server| {
            let (through, over) =
                server.unsigned_overflowing_add_parallelized(&distance[first], &distance[second]);
            let less = server.lt_parallelized(&through, &distance[at]);
            let shorter = server.boolean_bitand(&less, &server.boolean_bitnot(&over));
            (
                server.if_then_else_parallelized(&shorter, &through, &distance[at]),
                server.if_then_else_parallelized(&shorter, &before[second], &before[at]),
            )
        })?;
    }
    Ok(distance.iter().chain(&before).map(|number| machine.show(number)).collect())
}

/// What a node or a leaf of the tree has come to.
#[derive(Clone)]
enum Class {
    Known(u64),
    Hidden(RadixCiphertext),
}

fn tree_classes(
    tree: &Tree,
    samples: &[Vec<u64>],
    bits: u32,
    machine: &mut Machine<'_>,
) -> Result<Vec<u64>, Error> {
    let class_bits = width(tree.classes().max().unwrap_or(0));
    let thresholds: Vec<_> = tree
        .nodes()
        .iter()
        .map(|node| tree.is_encrypted().then(|| machine.hide(node.threshold, bits)))
        .collect();
    let mut leaf = |class| {
        if tree.is_encrypted() { Class::Hidden(machine.hide(class, class_bits)) } else { Class::Known(class) }
    };
    let mut leaves = |branch| match branch {
        Branch::Leaf(class) => Some(leaf(class)),
        Branch::Node(_) => None,
    };
    let leaves: Vec<_> = tree.nodes().iter().map(|node| [leaves(node.low), leaves(node.high)]).collect();
    let model = Model { tree, thresholds, leaves, blocks: blocks(class_bits) };
    samples.iter().map(|sample| model.classify(sample, bits, machine)).collect()
}

/// A tree with what of it is encrypted.
struct Model<'a> {
    tree: &'a Tree,
    thresholds: Vec<Option<RadixCiphertext>>,
    /// The classes below each node, where it has leaves.
    leaves: Vec<[Option<Class>; 2]>,
    /// The width of a class.
    blocks: usize,
}

impl Model<'_> {
    /// From the last node to the root, as branches lead to later nodes only.
    fn classify(&self, sample: &[u64], bits: u32, machine: &mut Machine<'_>) -> Result<u64, Error> {
        let features: Vec<_> = sample.iter().map(|&feature| machine.hide(feature, bits)).collect();
        let nodes = self.tree.nodes();
        let mut classes: Vec<Class> = vec![Class::Known(0); nodes.len()];
        for (at, node) in nodes.iter().enumerate().rev() {
            let [low, high] = self.below(at, node, &classes);
            let feature = &features[node.feature];
            let class = machine.step(|server| {
                let goes_low = match &self.thresholds[at] {
                    Some(threshold) => server.le_parallelized(feature, threshold),
                    None => server.scalar_le_parallelized(feature, node.threshold),
                };
                self.select(server, &goes_low, &low, &high)
            })?;
            classes[at] = Class::Hidden(class);
        }
        match classes.into_iter().next() {
            Some(Class::Hidden(class)) => Ok(machine.show(&class)),
            // A tree has a root, and every node was computed.
            Some(Class::Known(_)) | None => Ok(0),
        }
    }

    fn below(&self, at: usize, node: &Node, classes: &[Class]) -> [Class; 2] {
        let [low, high] = &self.leaves[at];
        let child = |leaf: &Option<Class>, branch| match (leaf, branch) {
            (Some(class), _) => class.clone(),
            (None, Branch::Node(next)) => classes[next].clone(),
            // Every leaf has its class.
            (None, Branch::Leaf(class)) => Class::Known(class),
        };
        [child(low, node.low), child(high, node.high)]
    }

    /// What is known costs no bootstrap of its own.
    fn select(&self, server: &ServerKey, bit: &BooleanBlock, yes: &Class, no: &Class) -> RadixCiphertext {
        match (yes, no) {
            (Class::Hidden(yes), Class::Hidden(no)) => server.if_then_else_parallelized(bit, yes, no),
            (Class::Hidden(yes), Class::Known(no)) => server.if_then_else_parallelized(bit, yes, *no),
            (Class::Known(yes), Class::Hidden(no)) => server.if_then_else_parallelized(bit, *yes, no),
            (Class::Known(yes), Class::Known(no)) => {
                server.scalar_if_then_else_parallelized(bit, *yes, *no, self.blocks)
            }
        }
    }
}

fn filter(
    query: &Query,
    rows: &[[u64; 4]],
    (bits, sum_bits): (u32, u32),
    machine: &mut Machine<'_>,
) -> Result<Vec<u64>, Error> {
    let mut passed = Vec::new();
    for row in rows {
        let [value, a, b, c] = row.map(|number| machine.hide(number, bits));
        passed.push(machine.step(|server| {
            let area = product(server, &a, &b);
            let sum = server.add_parallelized(&wider(server, &a, 1), &wider(server, &c, 1));
            let both = server
                .boolean_bitand(&within(server, &area, query.product), &within(server, &sum, query.sum));
            keep(server, &both, &value)
        })?);
    }
    match query.select {
        Select::Rows => Ok(passed.iter().map(|value| machine.show(value)).collect()),
        Select::Sum => {
            let missing = blocks(sum_bits) - blocks(bits);
            let sum = machine.timed(|server| {
                let wide: Vec<_> = passed.iter().map(|value| wider(server, value, missing)).collect();
                server.sum_ciphertexts_parallelized(&wide)
            });
            Ok(vec![sum.map_or(0, |sum| machine.show(&sum))])
        }
    }
}

fn within(server: &ServerKey, number: &RadixCiphertext, (low, high): (u64, u64)) -> BooleanBlock {
    let above = server.scalar_ge_parallelized(number, low);
    server.boolean_bitand(&above, &server.scalar_le_parallelized(number, high))
}

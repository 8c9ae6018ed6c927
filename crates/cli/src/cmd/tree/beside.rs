//! A tree as the bit-wise baseline takes it.

use anyhow::bail;
use arras_apps::tree::{Forest, Model, Node, Predict, Samples};
use arras_switch::baseline::{self, Branch};

/// Samples of the baseline that are really classified.
pub const SAMPLE: usize = 1;

/// The task of classifying the same samples by a single tree.
pub fn task(model: &Model, program: &Predict, data: &Samples) -> anyhow::Result<baseline::Task> {
    let forest = program.forest();
    if !forest.is_single() {
        bail!("the baseline takes a single tree, and the model is a forest: leave out --baseline");
    }
    let tree = tree(forest, model.thresholds(), program.hides_thresholds())?;
    let samples: Vec<Vec<u64>> =
        data.rows.iter().map(|row| row.iter().map(|&value| u64::from(value)).collect()).collect();
    Ok(baseline::Task::tree(program.bits(), tree, &samples)?)
}

/// Its splits in preorder, as they are numbered.
fn tree(forest: &Forest, thresholds: &[i64], hidden: bool) -> anyhow::Result<baseline::Tree> {
    let mut nodes = Vec::new();
    let mut rest = forest.trees().first().map_or(&[][..], Vec::as_slice).iter();
    if let Branch::Leaf(_) = grow(&mut rest, thresholds, &mut nodes)? {
        bail!("the tree has no split: there is nothing for a baseline to do");
    }
    Ok(baseline::Tree::new(nodes, hidden)?)
}

/// Reads one subtree and says where it starts.
fn grow<'a>(
    rest: &mut impl Iterator<Item = &'a Node>,
    thresholds: &[i64],
    nodes: &mut Vec<baseline::Node>,
) -> anyhow::Result<Branch> {
    match rest.next() {
        Some(Node::Split(feature)) => {
            let at = nodes.len();
            let threshold = thresholds.get(at).copied().unwrap_or_default();
            let Ok(threshold) = u64::try_from(threshold) else {
                bail!(
                    "split {at} sends every sample one way, which the baseline does not take: prune the tree"
                );
            };
            let unknown = Branch::Leaf(0);
            nodes.push(baseline::Node { feature: *feature, threshold, low: unknown, high: unknown });
            let low = grow(rest, thresholds, nodes)?;
            let high = grow(rest, thresholds, nodes)?;
            nodes[at].low = low;
            nodes[at].high = high;
            Ok(Branch::Node(at))
        }
        Some(Node::Leaf(votes)) => {
            let most = votes.iter().max();
            let class = votes.iter().position(|votes| Some(votes) == most);
            Ok(Branch::Leaf(class.unwrap_or(0) as u64))
        }
        None => bail!("the tree is cut off"),
    }
}

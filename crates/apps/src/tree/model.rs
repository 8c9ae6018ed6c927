//! Models as files: JSON that a few lines of Python write from scikit-learn's arrays.
//!
//! | member | holds |
//! |---|---|
//! | `format` | `"arras-tree"` |
//! | `bits` | how many bits features have |
//! | `offset`, `scale` | for each feature, which integer stands for x: (x - offset) / scale, rounded to the nearest, ties to even |
//! | `names` | optional: names of the features |
//! | `classes` | the classes, numbers or words |
//! | `votes` | what each tree gives to the classes of a leaf; 1 if absent, to the likeliest |
//! | `trees` | each with `feature`, `threshold`, `left`, `right` and `value`, one entry for each node |
//!
//! The entries of a tree are scikit-learn's: node 0 is the root, children come after their parents, a leaf has children -1,
//! and `value` holds for each class its share of the training samples. Thresholds are in integers: a sample goes left where
//! its integer is at most the threshold, so that a threshold may be rounded down to an integer, and nothing else changes.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::tree::forest::{CLASSES, DEPTH, Forest, NODES, Node, VOTES};
use crate::tree::predict::BITS;

/// What is wrong with a file of a model, or with samples for it. Rows, features, trees are counted from 1, nodes from 0.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// Text that is not of the format.
    #[error("this is no model of trees ({0}): write it as docs/integers.md shows")]
    Json(#[from] serde_json::Error),
    /// JSON of another format.
    #[error("this is no model of trees: its format must be \"arras-tree\"")]
    Format,
    /// Numbers that JSON does not have.
    #[error(
        "the model has NaN or infinite numbers, as models of data with missing values have: fill in the missing values, and \
         train again"
    )]
    Missing,
    /// A grid that is none.
    #[error(
        "feature {feature} has offset {offset} and scale {scale}: both must be finite, and the scale positive"
    )]
    Grid {
        /// Feature.
        feature: usize,
        /// Its offset.
        offset: f64,
        /// Its scale.
        scale: f64,
    },
    /// Lists of different lengths.
    #[error("the number of entries of {what} is {have}, and must be {need}")]
    Length {
        /// Which list.
        what: &'static str,
        /// Entries needed.
        need: usize,
        /// Entries given.
        have: usize,
    },
    /// A class that is neither number nor word.
    #[error("class {class} is neither a number nor a word")]
    Label {
        /// Class.
        class: usize,
    },
    /// Votes out of range.
    #[error("{votes} votes for a tree are not supported: use 1 to {most}")]
    Votes {
        /// Votes given.
        votes: u32,
        /// The most.
        most: u32,
    },
    /// A node that fits no tree.
    #[error("tree {tree}, node {node}: {reason}")]
    Node {
        /// Tree.
        tree: usize,
        /// Node.
        node: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// A sample with too few or too many features.
    #[error(
        "row {row}: the number of values is {have}, and must be {need}, one for each feature of the model"
    )]
    Features {
        /// Row.
        row: usize,
        /// Features of the model.
        need: usize,
        /// Values given.
        have: usize,
    },
    /// A feature that is no number.
    #[error(
        "row {row}, feature {feature}: the value is missing or no finite number: fill it in as for training"
    )]
    NotFinite {
        /// Row.
        row: usize,
        /// Feature.
        feature: usize,
    },
    /// A feature beyond the bits.
    #[error(
        "row {row}, feature {feature}: {value} is beyond what {bits}-bit features hold, which is {least} to {most}; clamping \
         it to this range changes no answer, and must be asked for"
    )]
    Beyond {
        /// Row.
        row: usize,
        /// Feature.
        feature: usize,
        /// The value.
        value: f64,
        /// Bits.
        bits: u32,
        /// The least value that fits.
        least: f64,
        /// The largest.
        most: f64,
    },
    /// A forest that no program takes.
    #[error(transparent)]
    Forest(#[from] Error),
}

/// Trees, the grid of their features, and the names of their classes.
///
/// ```
/// let model = arras_apps::tree::Model::parse(
///     r#"{"format": "arras-tree", "bits": 8, "offset": [0], "scale": [1], "classes": ["low", "high"],
///         "trees": [{"feature": [0, -2, -2], "threshold": [99.5, -2, -2], "left": [1, -1, -1], "right": [2, -1, -1],
///                    "value": [[0.5, 0.5], [1, 0], [0, 1]]}]}"#,
/// )?;
/// assert_eq!(model.thresholds(), [99]);
/// assert_eq!(model.quantise(&[vec![200.0]], false)?, [[200]]);
/// # Ok::<(), arras_apps::tree::ModelError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    bits: u32,
    grid: Vec<(f64, f64)>,
    names: Option<Vec<String>>,
    classes: Vec<serde_json::Value>,
    forest: Forest,
    thresholds: Vec<i64>,
}

/// The file, which anyone may write.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// `arras-tree`.
    pub format: String,
    /// Bits of the features.
    pub bits: u32,
    /// What is subtracted from each feature.
    pub offset: Vec<f64>,
    /// What it is divided by then.
    pub scale: Vec<f64>,
    /// Names of the features.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
    /// The classes.
    pub classes: Vec<serde_json::Value>,
    /// Votes of each tree.
    #[serde(default = "one")]
    pub votes: u32,
    /// The trees.
    pub trees: Vec<Arrays>,
}

/// The nodes of a tree, an entry for each in every list.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Arrays {
    /// The feature of a split.
    pub feature: Vec<i64>,
    /// Its threshold, in integers that stand for features.
    pub threshold: Vec<f64>,
    /// The child where the feature is at most the threshold; -1 for leaves.
    pub left: Vec<i64>,
    /// The other child; -1 for leaves.
    pub right: Vec<i64>,
    /// The share of each class.
    pub value: Vec<Vec<f64>>,
}

/// The name of the format.
pub const FORMAT: &str = "arras-tree";

fn one() -> u32 {
    1
}

impl Model {
    /// The model in a text.
    ///
    /// # Errors
    /// Text that is no such model, or one that cannot be run.
    pub fn parse(text: &str) -> Result<Self, ModelError> {
        // Python writes numbers that JSON does not have.
        let file: File = serde_json::from_str(text).map_err(|error| {
            let missing = ["NaN", "Infinity", "null"].iter().any(|word| text.contains(word));
            if missing { ModelError::Missing } else { error.into() }
        })?;
        Self::new(file)
    }

    /// The model of a file.
    ///
    /// # Errors
    /// One that cannot be run.
    pub fn new(file: File) -> Result<Self, ModelError> {
        if file.format != FORMAT {
            return Err(ModelError::Format);
        }
        if !(1..=BITS).contains(&file.bits) {
            return Err(Error::Bits { bits: file.bits, least: 1, most: BITS }.into());
        }
        let features = file.offset.len();
        length("scale", features, file.scale.len())?;
        if let Some(names) = &file.names {
            length("names", features, names.len())?;
        }
        let grid: Vec<(f64, f64)> = file.offset.iter().copied().zip(file.scale.iter().copied()).collect();
        let fits = |(offset, scale): &(f64, f64)| offset.is_finite() && scale.is_finite() && *scale > 0.0;
        if let Some((feature, &(offset, scale))) = (1..).zip(&grid).find(|(_, axis)| !fits(axis)) {
            return Err(ModelError::Grid { feature, offset, scale });
        }
        let named = |label: &serde_json::Value| label.is_number() || label.is_string() || label.is_boolean();
        if let Some(class) = file.classes.iter().position(|label| !named(label)) {
            return Err(ModelError::Label { class: class + 1 });
        }
        if !(1..=CLASSES).contains(&file.classes.len()) {
            return Err(Error::Classes { classes: file.classes.len(), most: CLASSES }.into());
        }
        if !(1..=VOTES).contains(&file.votes) {
            return Err(ModelError::Votes { votes: file.votes, most: VOTES });
        }
        let mut reader = Reader { file: &file, trees: Vec::new(), thresholds: Vec::new() };
        for (tree, arrays) in (1..).zip(&file.trees) {
            reader.read(tree, arrays)?;
        }
        let Reader { trees, thresholds, .. } = reader;
        let forest = Forest::new(features, file.classes.len(), trees)?;
        Ok(Self { bits: file.bits, grid, names: file.names, classes: file.classes, forest, thresholds })
    }

    /// Bits of the features.
    #[must_use]
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// Names of the features, if the file has any.
    #[must_use]
    pub fn names(&self) -> Option<&[String]> {
        self.names.as_deref()
    }

    /// The classes: numbers, words or truth values.
    #[must_use]
    pub fn classes(&self) -> &[serde_json::Value] {
        &self.classes
    }

    /// The trees without their thresholds.
    #[must_use]
    pub fn forest(&self) -> &Forest {
        &self.forest
    }

    /// The thresholds of the splits, as integers.
    #[must_use]
    pub fn thresholds(&self) -> &[i64] {
        &self.thresholds
    }

    /// The integers that stand for samples.
    ///
    /// What lies beyond the bits is refused, or moved to the nearest end: all thresholds lie between the ends, so that no
    /// answer changes.
    ///
    /// # Errors
    /// A number of features that is not the model's, a value that is no finite number, or one beyond the bits.
    pub fn quantise(&self, rows: &[Vec<f64>], clamp: bool) -> Result<Vec<Vec<u32>>, ModelError> {
        (1..).zip(rows).map(|(row, values)| self.sample(row, values, clamp)).collect()
    }

    fn sample(&self, row: usize, values: &[f64], clamp: bool) -> Result<Vec<u32>, ModelError> {
        let (need, have) = (self.grid.len(), values.len());
        if need != have {
            return Err(ModelError::Features { row, need, have });
        }
        let top = f64::from(self.bits).exp2() - 1.0;
        let mut sample = Vec::with_capacity(need);
        for (feature, (&value, &(offset, scale))) in (1..).zip(values.iter().zip(&self.grid)) {
            if !value.is_finite() {
                return Err(ModelError::NotFinite { row, feature });
            }
            let integer = ((value - offset) / scale).round_ties_even();
            if !clamp && !(0.0..=top).contains(&integer) {
                let (bits, least, most) = (self.bits, offset, offset + top * scale);
                return Err(ModelError::Beyond { row, feature, value, bits, least, most });
            }
            sample.push(integer.clamp(0.0, top) as u32);
        }
        Ok(sample)
    }
}

fn length(what: &'static str, need: usize, have: usize) -> Result<(), ModelError> {
    if need == have { Ok(()) } else { Err(ModelError::Length { what, need, have }) }
}

/// From arrays to preorder.
struct Reader<'a> {
    file: &'a File,
    trees: Vec<Vec<Node>>,
    thresholds: Vec<i64>,
}

impl Reader<'_> {
    fn read(&mut self, tree: usize, arrays: &Arrays) -> Result<(), ModelError> {
        let count = arrays.feature.len();
        length("threshold", count, arrays.threshold.len())?;
        length("left", count, arrays.left.len())?;
        length("right", count, arrays.right.len())?;
        length("value", count, arrays.value.len())?;
        if count > 2 * NODES {
            let (depth, most_depth) = (0, DEPTH);
            return Err(Error::Forest { depth, nodes: count / 2, most_depth, most_nodes: NODES }.into());
        }
        let mut nodes = Vec::with_capacity(count);
        let mut seen = vec![false; count];
        let mut waiting = vec![0];
        while let Some(at) = waiting.pop() {
            let wrong = |reason| ModelError::Node { tree, node: at, reason };
            match seen.get_mut(at) {
                None => return Err(wrong("there is no such node")),
                Some(true) => return Err(wrong("it is the child of several nodes")),
                Some(seen) => *seen = true,
            }
            let child = |list: &[i64]| list.get(at).copied().unwrap_or(-1);
            let (left, right) = (child(&arrays.left), child(&arrays.right));
            if left < 0 && right < 0 {
                nodes.push(Node::Leaf(self.votes(arrays, at).map_err(wrong)?));
                continue;
            }
            let child = |child: i64| usize::try_from(child).ok().filter(|c| *c > at);
            let (Some(left), Some(right)) = (child(left), child(right)) else {
                return Err(wrong("a split needs two children, both of which come after it"));
            };
            let (feature, threshold) = self.split(arrays, at).map_err(wrong)?;
            self.thresholds.push(threshold);
            nodes.push(Node::Split(feature));
            waiting.extend([right, left]);
        }
        if nodes.len() != count {
            return Err(ModelError::Node {
                tree,
                node: 0,
                reason: "not every node can be reached from the root",
            });
        }
        self.trees.push(nodes);
        Ok(())
    }

    fn split(&self, arrays: &Arrays, at: usize) -> Result<(usize, i64), &'static str> {
        let feature = arrays.feature.get(at).and_then(|feature| usize::try_from(*feature).ok());
        let feature = feature.filter(|feature| *feature < self.file.offset.len());
        let feature = feature.ok_or("its feature is none of the model's")?;
        let threshold = arrays.threshold.get(at).copied().unwrap_or(f64::NAN);
        // Between the ends, so that a value beyond them goes where the nearest end goes.
        if !(0.0..f64::from(self.file.bits).exp2() - 1.0).contains(&threshold) {
            return Err("its threshold does not lie among the integers that the bits of the model hold");
        }
        Ok((feature, threshold.floor() as i64))
    }

    fn votes(&self, arrays: &Arrays, at: usize) -> Result<Vec<u32>, &'static str> {
        let shares = arrays.value.get(at).map_or(&[][..], Vec::as_slice);
        if shares.len() != self.file.classes.len() {
            return Err("its value has not one share for each class");
        }
        let all: f64 = shares.iter().sum();
        if !(all.is_finite() && all > 0.0 && shares.iter().all(|share| *share >= 0.0)) {
            return Err("its shares are no numbers from 0 on with a positive sum");
        }
        let votes = self.file.votes;
        if votes > 1 {
            return Ok(shares.iter().map(|share| (share / all * f64::from(votes)).round() as u32).collect());
        }
        let most = shares.iter().copied().fold(0.0, f64::max);
        let class = shares.iter().position(|share| *share == most);
        Ok((0..shares.len()).map(|c| u32::from(Some(c) == class)).collect())
    }
}

//! Linear maps on slots, as generalised diagonals evaluated by baby steps and giant steps.
//!
//! Diagonal k of a map with period P is the vector D_k with `y_i = sum_k D_k[i] x_{i+k}`, indices modulo P. With
//! k = g + b (giant, baby),
//!
//! y = sum_g rotate( sum_b rotate(D_{g+b}, -g) * rotate(x, b), g ),
//!
//! so a map with d diagonals needs about 2 sqrt(d) rotations instead of d, and the baby rotations share one
//! decomposition of x.
//!
//! References: Halevi and Shoup (2014), Algorithms in HElib, section 4.3; Juvekar, Vaikuntanathan and Chandrakasan
//! (2018), GAZELLE, section 4 (the extended diagonals of [`Dense`]).

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, check_slots};
use crate::layout::Layout;
use crate::ops::Rotate;

/// What a giant rotation or a fold costs, in hoisted baby rotations.
const GIANT: usize = 2;

/// Baby steps and giant steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Steps {
    /// The rotations of the input, increasing; rotation 0 costs nothing.
    pub babies: Vec<usize>,
    /// The groups of diagonals, by increasing rotation.
    pub giants: Vec<Giant>,
}

/// Diagonals that share a giant rotation.
#[derive(Debug, Clone, PartialEq)]
pub struct Giant {
    /// The rotation of the group's sum, done by the [`Steps::turns`] from here down; 0 costs nothing.
    pub rotation: usize,
    /// Index of the baby and the diagonal, already rotated by -rotation; one period long.
    pub terms: Vec<(usize, Vec<f64>)>,
}

impl Steps {
    /// The rotations that cost a key, without repetition.
    #[must_use]
    pub fn rotations(&self) -> BTreeSet<usize> {
        self.babies.iter().copied().chain(self.turns()).filter(|&r| r != 0).collect()
    }

    /// By how much the sum of a giant and of all above it turns towards the next one below, from the lowest giant on, which turns
    /// by its own rotation. Evenly spaced giants need one key between them (Horner's rule).
    pub fn turns(&self) -> impl Iterator<Item = usize> {
        let below = self.giants.iter().map(|giant| giant.rotation);
        let below = std::iter::once(0).chain(below);
        self.giants.iter().zip(below).map(|(giant, below)| giant.rotation.saturating_sub(below))
    }

    /// Hoisted rotations plus twice the others.
    fn weight(&self) -> usize {
        let babies = self.babies.iter().filter(|&&b| b != 0).count();
        babies + GIANT * self.giants.iter().filter(|g| g.rotation != 0).count()
    }
}

/// A real linear map on vectors of period `slots`, ready to be applied by [`Rotate::linear`].
///
/// In a ciphertext with more slots the diagonals repeat; the map is then applied in every period, provided that the
/// input repeats too.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    slots: usize,
    steps: Steps,
    id: u128,
}

impl Matrix {
    /// The map with these entries, row after row, from the first `columns` slots to the first `rows` slots of a period.
    ///
    /// Slots of the result from `rows` on are zero; slots of the input from `columns` on do not matter.
    ///
    /// # Errors
    /// When `slots` is not a power of two or smaller than either side, the number of entries is wrong, or one is not
    /// finite.
    pub fn dense(rows: usize, columns: usize, entries: &[f64], slots: usize) -> Result<Self, Error> {
        check_dense(rows, columns, entries, slots)?;
        let mut diagonals = BTreeMap::new();
        for (at, &m) in entries.iter().enumerate().filter(|(_, m)| **m != 0.0) {
            let (i, j) = (at / columns, at % columns);
            diagonals.entry((slots + j - i) % slots).or_insert_with(|| vec![0.0; slots])[i] = m;
        }
        Self::diagonals(slots, diagonals)
    }

    /// The map with these diagonals: `y_i = sum_k D_k[i] x_{i+k mod slots}`; each is one period long.
    ///
    /// # Errors
    /// When `slots` is not a power of two, a diagonal has another length, or an entry is not finite.
    pub fn diagonals(slots: usize, diagonals: BTreeMap<usize, Vec<f64>>) -> Result<Self, Error> {
        check_slots(slots)?;
        for (&k, d) in &diagonals {
            if d.len() != slots || k >= slots {
                return Err(Error::WrongLength { need: slots, have: d.len().max(k + 1) });
            }
            check_finite(d)?;
        }
        let mut kept: BTreeMap<_, _> =
            diagonals.into_iter().filter(|(_, d)| d.iter().any(|&x| x != 0.0)).collect();
        if kept.is_empty() {
            // The zero map keeps one diagonal, so that a backend always has something to multiply.
            kept.insert(0, vec![0.0; slots]);
        }
        let sizes = (0..=slots.ilog2()).map(|i| 1 << i);
        let n1 = sizes.min_by_key(|&n1| group(&kept, n1).weight()).unwrap_or(1);
        let steps = arrange(slots, &kept, n1);
        let id = fingerprint(slots, &steps);
        Ok(Matrix { slots, steps, id })
    }

    /// The period of the map.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// Baby steps and giant steps, with the split that needs the fewest rotations (a hoisted one counts half).
    #[must_use]
    pub fn steps(&self) -> &Steps {
        &self.steps
    }

    /// A hash of the contents, by which a backend keeps encoded diagonals; equal maps have equal ids on every machine.
    #[must_use]
    pub fn id(&self) -> u128 {
        self.id
    }
}

fn check_dense(rows: usize, columns: usize, entries: &[f64], slots: usize) -> Result<(), Error> {
    check_slots(slots)?;
    if rows.max(columns) > slots {
        return Err(Error::WrongLength { need: slots, have: rows.max(columns) });
    }
    if entries.len() != rows * columns {
        return Err(Error::WrongLength { need: rows * columns, have: entries.len() });
    }
    check_finite(entries)
}

fn check_finite(entries: &[f64]) -> Result<(), Error> {
    match entries.iter().enumerate().find(|(_, x)| !x.is_finite()) {
        Some((index, &value)) => Err(Error::NotFinite { index, value }),
        None => Ok(()),
    }
}

/// The steps with babies below n1, their diagonals left empty.
fn group(diagonals: &BTreeMap<usize, Vec<f64>>, n1: usize) -> Steps {
    let babies: BTreeSet<usize> = diagonals.keys().map(|k| k % n1).collect();
    let giants: BTreeSet<usize> = diagonals.keys().map(|k| k - k % n1).collect();
    let empty = |rotation| Giant { rotation, terms: Vec::new() };
    Steps { babies: babies.into_iter().collect(), giants: giants.into_iter().map(empty).collect() }
}

/// The steps with babies below n1.
fn arrange(slots: usize, diagonals: &BTreeMap<usize, Vec<f64>>, n1: usize) -> Steps {
    let mut steps = group(diagonals, n1);
    for giant in &mut steps.giants {
        for (index, baby) in steps.babies.iter().enumerate() {
            if let Some(d) = diagonals.get(&(giant.rotation + baby)) {
                let rotated = (0..slots).map(|i| d[(slots + i - giant.rotation) % slots]).collect();
                giant.terms.push((index, rotated));
            }
        }
    }
    steps
}

/// FNV-1a with 128 bits over the period, the rotations and the bits of the diagonals.
fn fingerprint(slots: usize, steps: &Steps) -> u128 {
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    let mut eat = |word: u64| {
        for byte in word.to_le_bytes() {
            hash = (hash ^ u128::from(byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b);
        }
    };
    eat(slots as u64);
    for giant in &steps.giants {
        for (baby, diagonal) in &giant.terms {
            eat((giant.rotation + steps.babies[*baby]) as u64);
            diagonal.iter().for_each(|x| eat(x.to_bits()));
        }
    }
    hash
}

/// A dense matrix applied to a repeated vector, in the cheaper of two ways.
///
/// * *Plain*: all diagonals of the padded matrix. The result sits in the first `rows` slots of each period.
/// * *Extended*: with K = `rows` rounded up to a power of two, the K diagonals `E_r[i] = M[i mod K][i + r]` give partial
///   sums, and log2(P/K) rotate-and-add steps (the folds) finish them. The result repeats with period K. It wins when
///   rows are much fewer than columns.
///
/// The choice is by rotations: a hoisted one counts 1, a giant or a fold 2; at equal weight, the fewer.
#[derive(Debug, Clone, PartialEq)]
pub struct Dense {
    matrix: Matrix,
    folds: Vec<usize>,
    input: Layout,
    output: Layout,
}

impl Dense {
    /// The map with these entries, row after row, on vectors of period `slots`.
    ///
    /// # Errors
    /// As [`Matrix::dense`].
    pub fn new(rows: usize, columns: usize, entries: &[f64], slots: usize) -> Result<Self, Error> {
        let plain = Self::plain(rows, columns, entries, slots)?;
        let extended = Self::extended(rows, columns, entries, slots)?;
        Ok(if extended.weight() < plain.weight() { extended } else { plain })
    }

    /// The plain way, whatever it costs.
    ///
    /// # Errors
    /// As [`Matrix::dense`].
    pub fn plain(rows: usize, columns: usize, entries: &[f64], slots: usize) -> Result<Self, Error> {
        let matrix = Matrix::dense(rows, columns, entries, slots)?;
        let (input, output) = (Layout::new(columns, slots)?, Layout::new(rows, slots)?);
        Ok(Dense { matrix, folds: Vec::new(), input, output })
    }

    /// The extended way, whatever it costs.
    ///
    /// # Errors
    /// As [`Matrix::dense`].
    pub fn extended(rows: usize, columns: usize, entries: &[f64], slots: usize) -> Result<Self, Error> {
        check_dense(rows, columns, entries, slots)?;
        let period = rows.next_power_of_two();
        let entry = |i: usize, j: usize| if i < rows && j < columns { entries[i * columns + j] } else { 0.0 };
        let diagonal = |r: usize| (0..slots).map(|i| entry(i % period, (i + r) % slots)).collect();
        let matrix = Matrix::diagonals(slots, (0..period).map(|r| (r, diagonal(r))).collect())?;
        let folds = (period.ilog2()..slots.ilog2()).map(|i| 1 << i).collect();
        let (input, output) = (Layout::new(columns, slots)?, Layout::new(rows, period)?);
        Ok(Dense { matrix, folds, input, output })
    }

    /// The weight of all rotations, then their number.
    fn weight(&self) -> (usize, usize) {
        let steps = &self.matrix.steps;
        (steps.weight() + GIANT * self.folds.len(), steps.rotations().len() + self.folds.len())
    }

    /// The linear map, before the folds.
    #[must_use]
    pub fn matrix(&self) -> &Matrix {
        &self.matrix
    }

    /// The rotations that are added afterwards, in order.
    #[must_use]
    pub fn folds(&self) -> &[usize] {
        &self.folds
    }

    /// Where the input is expected.
    #[must_use]
    pub fn input(&self) -> Layout {
        self.input
    }

    /// Where the result is.
    #[must_use]
    pub fn output(&self) -> Layout {
        self.output
    }

    /// The matrix times x, for x in the input layout, in as many slots as the operations have.
    ///
    /// Cost: one level; the keys of the steps at the level of x, those of the folds one level lower.
    ///
    /// # Errors
    /// When x has no level left, a key is missing, or the period does not divide the slots.
    pub fn apply<R: Rotate>(&self, ops: &R, x: &R::Ct) -> Result<R::Ct, R::Error> {
        let mut y = ops.linear(x, &self.matrix)?;
        for &by in &self.folds {
            // A fold is below the number of slots, which fits.
            y = ops.add(&y, &ops.rotate(&y, i64::try_from(by).unwrap_or(i64::MAX))?)?;
        }
        Ok(y)
    }
}

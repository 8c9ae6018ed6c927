//! What a query computes: hidden vectors, and what is done to them, found once from public things alone.
//!
//! A row takes a slot, and a table as many blocks of slots as it needs. A small table leaves room: a ciphertext then has
//! *lanes*, each as long as the table, and each lane takes another condition, so that one sign decides them all. Afterwards
//! every lane comes to the front by a rotation at the bottom of the chain. What stands behind the front means nothing.

/// One hidden vector that goes in: what each lane holds; lanes that are not listed hold nothing.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Source {
    pub lanes: Vec<Entry>,
}

/// What a row gives to a lane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Entry {
    /// Nothing.
    Zero,
    /// One, in every slot.
    One,
    /// `factor` times some bits of a column.
    Column { column: usize, shift: u32, bits: u32, factor: f64 },
}

/// A hidden vector for each block of rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// The sum of products of inputs.
    Sum(Vec<Vec<usize>>),
    /// 1 where a sum and a number of each lane are positive, else 0; beyond the table the sum counts as `beyond`.
    Step { of: usize, plain: Vec<f64>, beyond: Option<f64>, sign: usize },
    /// A lane brought to the front.
    Front { of: usize, lane: usize },
    /// Bits less bits.
    Bits { plus: Vec<usize>, minus: Vec<usize> },
    /// Both.
    And(usize, usize),
    /// At least one.
    Or(usize, usize),
}

/// How large a vector is, and by how much it errs for each unit that a sign errs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bound {
    pub size: f64,
    pub slope: f64,
}

/// What becomes of a vector over all rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fold {
    /// It is returned as it is: a vector for each block.
    Rows,
    /// The sum over the rows; only those of the table where the vector is not zero elsewhere.
    Total { masked: bool },
    /// How many lanes have a row that is 1.
    Lanes { sign: usize },
}

/// What is opened.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Target {
    /// The vectors: one, but for lanes.
    pub nodes: Vec<usize>,
    pub fold: Fold,
    /// What one unit of the vector is before it is folded.
    pub unit: f64,
    pub least: i128,
    pub most: i128,
}

impl Target {
    /// The largest integer that comes out.
    pub fn most_units(&self) -> f64 {
        self.most.max(1) as f64
    }
}

/// The whole computation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plan {
    pub layout: Layout,
    pub sources: Vec<Source>,
    pub nodes: Vec<Node>,
    pub bounds: Vec<Bound>,
    pub targets: Vec<Target>,
    /// The gap of each sign.
    pub gaps: Vec<f64>,
}

/// Where rows go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub rows: usize,
    pub slots: usize,
    /// Slots of a lane: a power of two.
    pub lane: usize,
    /// Vectors for each column.
    pub blocks: usize,
    /// Whether every lane holds the same rows and conditions.
    pub repeated: bool,
}

impl Layout {
    pub fn new(rows: usize, slots: usize, repeated: bool) -> Self {
        let lane = rows.next_power_of_two().min(slots);
        Self { rows, slots, lane, blocks: rows.div_ceil(slots), repeated }
    }

    pub fn lanes(&self) -> usize {
        self.slots / self.lane
    }

    /// Rows of a block.
    pub fn filled(&self, block: usize) -> usize {
        self.rows.saturating_sub(block * self.slots).min(self.slots)
    }

    /// Slots for rows.
    pub fn room(&self) -> usize {
        self.lane * self.blocks
    }

    /// Lanes for different conditions.
    pub fn shared(&self) -> usize {
        if self.repeated { 1 } else { self.lanes() }
    }
}

impl Plan {
    /// An error of the signs with which every integer comes out within an eighth of the right one.
    pub fn sign_error(&self) -> f64 {
        let allowed = |target: &Target| {
            let slope = |node: &usize| self.bounds.get(*node).map_or(0.0, |bound| bound.slope);
            let slope = target.nodes.iter().map(slope).fold(0.0, f64::max);
            match target.fold {
                Fold::Rows => 0.125 * target.unit / slope,
                Fold::Total { .. } => 0.125 / (slope * self.layout.rows as f64),
                Fold::Lanes { .. } => {
                    // Counts stay away from where their sign turns, and all lanes together make an eighth.
                    let lanes = (self.layout.lanes() * target.nodes.len()) as f64;
                    (0.125 / (slope * self.layout.room() as f64)).min(0.25 / lanes)
                }
            }
        };
        // What takes no sign allows any.
        self.targets.iter().map(allowed).fold(LOOSE, f64::min)
    }
}

/// An error with which products of bits err by hardly more than their sum.
const LOOSE: f64 = 1.0 / 64.0;

impl Source {
    /// The most that it holds.
    pub fn size(&self) -> f64 {
        let size = |entry: &Entry| match entry {
            Entry::Zero => 0.0,
            Entry::One => 1.0,
            Entry::Column { bits, factor, .. } => factor.abs() * (f64::from(*bits).exp2() - 1.0),
        };
        self.lanes.iter().map(size).fold(0.0, f64::max)
    }
}

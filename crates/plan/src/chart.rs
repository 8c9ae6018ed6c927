//! Which kind of method fits which kind of application: the recommendations of the SoK (section 8 and Figure 9), found again
//! from what each method can do (section 3 and Table 1) and from its figures.
//!
//! A leaf of the chart asks for abilities. Of the methods that have them it takes those with the fewest others, since
//! generality is paid for, and ranks them by the seconds that were published. Where batches are no advantage, methods that
//! live by them are left out.

use serde::Serialize;

use crate::choose::Choice;
use crate::sok::{self, Figure, Work};

/// What an application computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Operations {
    /// Sums and products.
    Linear,
    /// Comparisons and their like.
    Nonlinear,
    /// Both, one after the other.
    Mixed,
}

/// Answers to the questions of the chart; it asks no further once it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Question {
    /// What is computed.
    pub operations: Operations,
    /// Whether many values in one ciphertext are an advantage.
    pub simd: Option<bool>,
    /// Whether answers have to be exact.
    pub exact: Option<bool>,
}

/// The leaves of the chart, in its order.
pub const QUESTIONS: [Question; 6] = [
    Question { operations: Operations::Linear, simd: None, exact: None },
    Question { operations: Operations::Nonlinear, simd: Some(false), exact: None },
    Question { operations: Operations::Nonlinear, simd: Some(true), exact: None },
    Question { operations: Operations::Mixed, simd: Some(false), exact: None },
    Question { operations: Operations::Mixed, simd: Some(true), exact: Some(false) },
    Question { operations: Operations::Mixed, simd: Some(true), exact: Some(true) },
];

/// A method of the SoK's Table 1 and what it can do, without the client's help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Its name.
    pub name: &'static str,
    /// Sums and products.
    pub linear: bool,
    /// Comparisons.
    pub nonlinear: bool,
    /// Both on the same ciphertexts, in any order.
    pub mixed: bool,
    /// Many values in a ciphertext.
    pub simd: bool,
    /// No approximation.
    pub exact: bool,
    /// Where the SoK measured it.
    pub measured: Option<sok::Method>,
    /// Whether Arras has it: as its own, or as a baseline.
    pub here: bool,
}

/// Word-wise arithmetic; nothing else is at hand.
const WORD: Known = Known {
    name: "word-wise BGV, BFV or CKKS",
    linear: true,
    nonlinear: false,
    mixed: false,
    simd: true,
    exact: true,
    measured: None,
    here: true,
};

/// Word-wise comparisons in a form in which nothing else is computed.
const fn comparing(name: &'static str) -> Known {
    Known { name, linear: false, nonlinear: true, here: false, ..WORD }
}

/// What mixes both.
const fn general(
    name: &'static str,
    simd: bool,
    exact: bool,
    measured: Option<sok::Method>,
    here: bool,
) -> Known {
    Known { name, linear: true, nonlinear: true, mixed: true, simd, exact, measured, here }
}

/// The methods, by section 3 of the SoK: 3.2 for those that are not general, 3.1 for those that are.
pub const METHODS: [Known; 9] = [
    WORD,
    comparing("polynomial interpolation (BGV, BFV)"),
    comparing("interpolation by digits (BGV, BFV)"),
    comparing("general functional bootstrapping"),
    comparing("exponential encoding (XCMP)"),
    general("CKKS with polynomial approximation", true, false, None, true),
    general("bit-wise TFHE", false, true, Some(sok::Method::Tfhe), true),
    general("encoding switching", true, true, Some(sok::Method::Encoding), false),
    general("scheme switching", true, true, Some(sok::Method::Scheme), false),
];

/// What the SoK discusses beside its chart (section 8): not chosen, since it needs the client during the computation.
pub const INTERACTIVE: &str = "FHE with MPC";

/// A leaf of the chart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Leaf {
    /// What it answers.
    #[serde(flatten)]
    pub question: Question,
    /// The methods that fit, the best first.
    pub recommended: Vec<Recommended>,
    /// What Arras takes for an application of this kind.
    pub here: Option<Choice>,
}

/// A method at a leaf.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Recommended {
    /// The method.
    pub method: &'static str,
    /// What the SoK measured for the leaf's example.
    pub published_seconds: Option<f64>,
    /// Whether Arras has it.
    pub here: bool,
}

impl Question {
    /// The published run that stands for such applications: sorting, which the SoK says has no use for batches, or the third
    /// workload with full batches.
    #[must_use]
    pub fn example(self) -> Option<(Work, u32, usize)> {
        match (self.operations, self.simd) {
            (Operations::Mixed, Some(false)) => Some((Work::Sort, 8, 8)),
            (Operations::Mixed, Some(true)) => Some((Work::W3, 8, 1)),
            (Operations::Linear | Operations::Nonlinear | Operations::Mixed, _) => None,
        }
    }

    /// Whether a method does what is asked.
    fn admits(self, method: &Known) -> bool {
        let able = match self.operations {
            Operations::Linear => method.linear,
            Operations::Nonlinear => method.nonlinear,
            Operations::Mixed => method.mixed,
        };
        able && self.simd.is_none_or(|simd| simd == method.simd) && (method.exact || self.exact != Some(true))
    }

    /// How many things a method does beyond what is asked.
    fn beyond(self, method: &Known) -> usize {
        let is = |operations| self.operations == operations;
        let unasked = [
            method.linear && is(Operations::Nonlinear),
            method.nonlinear && is(Operations::Linear),
            method.mixed && !is(Operations::Mixed),
            method.simd && self.simd != Some(true),
            method.exact && self.exact != Some(true),
        ];
        unasked.into_iter().filter(|&extra| extra).count()
    }

    /// The methods for it, the best first.
    fn recommended(self, figures: &[Figure]) -> Vec<Recommended> {
        let able: Vec<&Known> = METHODS.iter().filter(|method| self.admits(method)).collect();
        let least = able.iter().map(|method| self.beyond(method)).min();
        let fitting = able.into_iter().filter(|method| Some(self.beyond(method)) == least);
        let mut found: Vec<Recommended> = fitting
            .map(|method| Recommended {
                method: method.name,
                published_seconds: self.published(figures, method),
                here: method.here,
            })
            .collect();
        let seconds = |method: &Recommended| method.published_seconds.unwrap_or(f64::INFINITY);
        found.sort_by(|a, b| seconds(a).total_cmp(&seconds(b)));
        found
    }

    /// Seconds of its example by a method: of one value where batches are full.
    fn published(self, figures: &[Figure], method: &Known) -> Option<f64> {
        let (work, bits, size) = self.example()?;
        let runs = sok::of(figures, work, bits, size);
        let run = runs.into_iter().find(|run| Some(run.method) == method.measured)?;
        Some(run.amortised.unwrap_or(run.seconds))
    }
}

/// The chart; `here` says what Arras takes for a question, where it has been priced.
#[must_use]
pub fn chart(figures: &[Figure], here: &dyn Fn(Question) -> Option<Choice>) -> Vec<Leaf> {
    let leaf = |question: Question| Leaf {
        question,
        recommended: question.recommended(figures),
        here: here(question),
    };
    QUESTIONS.into_iter().map(leaf).collect()
}

/// The methods of the chart that Arras has not, and the one that needs the client's help.
pub fn elsewhere() -> impl Iterator<Item = &'static str> {
    METHODS.iter().filter(|method| !method.here).map(|method| method.name).chain([INTERACTIVE])
}

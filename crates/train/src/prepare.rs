//! Examples as row numbers, so that an epoch hashes nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use arras_nn::lexicon::{Entry, Lexicon, RUN};

use crate::data::Example;
use crate::rng::Rng;
use crate::temperature::target;

/// The words of some sentences, and the runs of two and three words that stand in at least `least` of them, sorted.
#[must_use]
pub fn vocabulary<'a>(
    sentences: impl Iterator<Item = &'a Example>,
    longest: usize,
    least: usize,
) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for sentence in sentences {
        let runs = |length| sentence.tokens.windows(length).map(|run| run.join(" "));
        let distinct: BTreeSet<String> = (1..=longest.min(RUN)).flat_map(runs).collect();
        for run in distinct {
            *counts.entry(run).or_default() += 1;
        }
    }
    counts.retain(|run, &mut count| count >= if run.contains(' ') { least } else { 1 });
    counts.into_keys().collect()
}

/// What is left out of an example each time it is seen, so that no word is leaned on alone.
#[derive(Debug, Clone, Copy)]
pub struct Dropout {
    /// Share of words left out, their parts with them.
    pub word: f32,
    /// Share of runs left out.
    pub run: f32,
    /// Share of words read as unknown: by their parts alone.
    pub unknown: f32,
}

/// An example as rows of the table.
#[derive(Debug, Clone)]
pub struct Rows {
    words: Vec<Word>,
    runs: Vec<u32>,
    /// The label as a probability.
    pub target: f32,
}

#[derive(Debug, Clone, Copy)]
struct Word {
    row: Option<u32>,
    parts: usize,
}

impl Rows {
    /// Number of tokens.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.words.len()
    }
}

/// The rows of many examples; the parts of a word are kept once.
#[derive(Debug, Default)]
pub struct Prepared {
    /// The examples.
    pub rows: Vec<Rows>,
    parts: Vec<Vec<Entry>>,
}

impl Prepared {
    /// The rows of these examples.
    #[must_use]
    pub fn new<'a>(lexicon: &Lexicon, examples: impl Iterator<Item = &'a Example>) -> Self {
        let mut out = Self::default();
        let mut known: HashMap<&'a str, usize> = HashMap::new();
        let mut runs = Vec::new();
        for example in examples {
            runs.clear();
            lexicon.runs_of(&example.tokens, &mut runs);
            let mut words = Vec::with_capacity(example.tokens.len());
            for token in &example.tokens {
                let parts = *known.entry(token).or_insert_with(|| {
                    let mut entries = Vec::new();
                    lexicon.parts_of(token, &mut entries);
                    out.parts.push(entries);
                    out.parts.len() - 1
                });
                words.push(Word { row: lexicon.row(token), parts });
            }
            let runs = runs.iter().map(|e| e.row).collect();
            out.rows.push(Rows { words, runs, target: target(example.positive) });
        }
        out
    }

    /// One example's rows with some left out and the others weighted up for it.
    pub fn thinned(&self, rows: &Rows, dropout: &Dropout, rng: &mut Rng, out: &mut Vec<Entry>) {
        out.clear();
        let weight = 1.0 / (1.0 - dropout.word);
        for word in &rows.words {
            if rng.unit() < dropout.word {
                continue;
            }
            let read = rng.unit() >= dropout.unknown;
            out.extend(word.row.filter(|_| read).map(|row| Entry { row, weight }));
            let parts = self.parts.get(word.parts).into_iter().flatten();
            out.extend(parts.map(|e| Entry { row: e.row, weight: e.weight * weight }));
        }
        let weight = 1.0 / (1.0 - dropout.run);
        for &row in &rows.runs {
            if rng.unit() >= dropout.run {
                out.push(Entry { row, weight });
            }
        }
    }

    /// All of one example's rows, each with its weight.
    pub fn whole(&self, rows: &Rows, out: &mut Vec<Entry>) {
        out.clear();
        for word in &rows.words {
            out.extend(word.row.map(|row| Entry { row, weight: 1.0 }));
            out.extend(self.parts.get(word.parts).into_iter().flatten());
        }
        out.extend(rows.runs.iter().map(|&row| Entry { row, weight: 1.0 }));
    }
}

/// Batches of indices whose examples have similar lengths, in random order.
///
/// Examples are shuffled, sorted by length within pools of `POOL` batches, cut, and the batches shuffled.
#[must_use]
pub fn batches(lengths: &[usize], size: usize, rng: &mut Rng) -> Vec<Vec<usize>> {
    const POOL: usize = 64;
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    rng.shuffle(&mut order);
    for pool in order.chunks_mut(POOL * size.max(1)) {
        pool.sort_by_key(|&i| lengths.get(i).copied().unwrap_or(0));
    }
    let mut batches: Vec<Vec<usize>> = order.chunks(size.max(1)).map(<[usize]>::to_vec).collect();
    rng.shuffle(&mut batches);
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_hold_every_example_once_and_group_lengths() {
        let lengths: Vec<usize> = (0..5000).map(|i| i % 50).collect();
        let batches = batches(&lengths, 32, &mut Rng::new(1, 1));
        let mut all: Vec<usize> = batches.concat();
        all.sort_unstable();
        assert!(all.iter().enumerate().all(|(i, &x)| i == x) && all.len() == 5000);
        let spread = |b: &Vec<usize>| {
            b.iter().map(|i| i % 50).max().unwrap() - b.iter().map(|i| i % 50).min().unwrap()
        };
        assert!(batches.iter().map(spread).sum::<usize>() < 3 * batches.len());
    }

    #[test]
    fn thinning_keeps_the_mean() {
        let example = Example { tokens: ["a", "good", "film"].map(str::to_owned).to_vec(), positive: true };
        let words = vocabulary(std::iter::once(&example), 2, 1);
        assert_eq!(words, ["a", "a good", "film", "good", "good film"]);
        let lexicon = Lexicon::new(words, 32).unwrap();
        let prepared = Prepared::new(&lexicon, std::iter::once(&example));
        let (mut whole, mut thin, mut sum) = (Vec::new(), Vec::new(), 0.0);
        prepared.whole(&prepared.rows[0], &mut whole);
        assert_eq!(whole.len(), lexicon.entries(&example.tokens).len());
        let dropout = Dropout { word: 0.4, run: 0.7, unknown: 0.0 };
        let mut rng = Rng::new(1, 2);
        for _ in 0..20_000 {
            prepared.thinned(&prepared.rows[0], &dropout, &mut rng, &mut thin);
            sum += thin.iter().map(|e| e.weight).sum::<f32>() / 20_000.0;
        }
        assert!((sum - whole.iter().map(|e| e.weight).sum::<f32>()).abs() < 0.1);
    }
}

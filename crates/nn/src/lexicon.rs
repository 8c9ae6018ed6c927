//! From tokens to weighted rows of the embedding table.
//!
//! The table has two blocks of rows:
//!
//! * one row per entry of the vocabulary: words, and runs of two or three words such as `not good`, so that order counts;
//! * hashed rows for the parts of a word (its runs of three to five characters, the word written `<word>`), so that a word never
//!   seen in training still says something.
//!
//! The hash is FNV-1a over 64 bits with a final mix; it belongs to the file format.

use std::collections::HashMap;

use crate::Error;
use crate::text::TOKEN_CHARS;

/// The most entries a vocabulary may have.
pub const WORDS: usize = 1 << 18;

/// The most hashed rows.
pub const PARTS: usize = 1 << 18;

/// The most words in one entry of the vocabulary.
pub const RUN: usize = 3;

/// One row of the table and its weight in the sum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entry {
    /// Row of the embedding table.
    pub row: u32,
    /// Weight of the row in the sum.
    pub weight: f32,
}

/// A vocabulary and the rule from tokens to rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Lexicon {
    words: Vec<String>,
    index: HashMap<String, u32>,
    longest: usize,
    parts: usize,
}

impl Lexicon {
    /// A lexicon over these entries (tokens, or up to [`RUN`] tokens joined by single spaces) and so many hashed rows.
    ///
    /// # Errors
    ///
    /// When an entry is empty, too long or stands twice, or there are more than [`WORDS`] entries or [`PARTS`] hashed rows.
    pub fn new(words: Vec<String>, parts: usize) -> Result<Self, Error> {
        within("entries of the vocabulary", words.len(), 1, WORDS)?;
        within("hashed rows", parts, 1, PARTS)?;
        let mut index = HashMap::with_capacity(words.len());
        let mut longest = 1;
        for (i, word) in words.iter().enumerate() {
            let run = word.split(' ').count();
            let row = u32::try_from(i).unwrap_or(u32::MAX);
            let tokens_fit = word.split(' ').all(|t| !t.is_empty() && t.chars().count() <= TOKEN_CHARS);
            if run > RUN || !tokens_fit || word.contains('\n') || index.insert(word.clone(), row).is_some() {
                return Err(Error::Vocabulary { line: i + 1 });
            }
            longest = longest.max(run);
        }
        Ok(Self { words, index, longest, parts })
    }

    /// The entries, in the order of their rows.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// How many hashed rows there are.
    #[must_use]
    pub const fn parts(&self) -> usize {
        self.parts
    }

    /// Rows of the table that this lexicon addresses.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.words.len() + self.parts
    }

    /// The row of a vocabulary entry, if it is one.
    #[must_use]
    pub fn row(&self, entry: &str) -> Option<u32> {
        self.index.get(entry).copied()
    }

    /// The rows of these tokens: words, their parts and the runs of neighbours.
    #[must_use]
    pub fn entries(&self, tokens: &[String]) -> Vec<Entry> {
        let mut out = Vec::with_capacity(tokens.len() * 16);
        for token in tokens {
            out.extend(self.row(token).map(|row| Entry { row, weight: 1.0 }));
            self.parts_of(token, &mut out);
        }
        self.runs_of(tokens, &mut out);
        out
    }

    /// Appends the rows of the runs of two and more neighbours that the vocabulary holds, each of weight one.
    pub fn runs_of(&self, tokens: &[String], out: &mut Vec<Entry>) {
        for length in 2..=self.longest {
            for run in tokens.windows(length) {
                out.extend(self.row(&run.join(" ")).map(|row| Entry { row, weight: 1.0 }));
            }
        }
    }

    /// Appends the rows of one token's parts; their weights sum to one.
    pub fn parts_of(&self, token: &str, out: &mut Vec<Entry>) {
        let chars: Vec<char> =
            std::iter::once('<').chain(token.chars()).chain(std::iter::once('>')).collect();
        let start = out.len();
        for length in 3..=5 {
            out.extend(chars.windows(length).map(|run| Entry { row: self.part(run), weight: 1.0 }));
        }
        let count = (out.len() - start).max(1) as f32;
        for entry in out.iter_mut().skip(start) {
            entry.weight = 1.0 / count;
        }
    }

    /// The hashed row of one run of characters.
    fn part(&self, run: &[char]) -> u32 {
        let bucket = hash(run) % self.parts as u64;
        u32::try_from(self.words.len() as u64 + bucket).unwrap_or(u32::MAX)
    }
}

/// FNV-1a over the length and the characters' code points, mixed so that the low bits depend on every one.
fn hash(run: &[char]) -> u64 {
    let mut h = 0xcbf2_9ce4_8422_2325_u64 ^ (16 + run.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for byte in run.iter().flat_map(|&c| u32::from(c).to_le_bytes()) {
        h = (h ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    h = (h ^ (h >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    h = (h ^ (h >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    h ^ (h >> 33)
}

/// Accepts a size from `least` to `most`.
pub(crate) const fn within(what: &'static str, have: usize, least: usize, most: usize) -> Result<(), Error> {
    if have < least || have > most { Err(Error::Size { what, have, least, most }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lexicon(words: &[&str]) -> Result<Lexicon, Error> {
        Lexicon::new(words.iter().map(|&w| w.to_owned()).collect(), 64)
    }

    #[test]
    fn words_runs_and_parts_have_their_rows() {
        let lexicon = lexicon(&["not", "good", "not good"]).unwrap();
        let tokens = ["not", "good", "films"].map(str::to_owned);
        let entries = lexicon.entries(&tokens);
        let whole: Vec<u32> =
            entries.iter().filter(|e| e.weight == 1.0 && e.row < 3).map(|e| e.row).collect();
        assert_eq!(whole, [0, 1, 2]);
        let weight: f32 = entries.iter().filter(|e| e.row >= 3).map(|e| e.weight).sum();
        assert!((weight - 3.0).abs() < 1e-5);
        assert!(entries.iter().all(|e| (e.row as usize) < lexicon.rows()));
    }

    #[test]
    fn the_hash_is_part_of_the_format() {
        assert_eq!(hash(&['<', 'a', '>']), 0x1be6_1fbe_3de0_c061);
    }

    #[test]
    fn bad_vocabularies_are_refused() {
        assert!(matches!(lexicon(&["a", "a"]), Err(Error::Vocabulary { line: 2 })));
        assert!(matches!(lexicon(&["a", ""]), Err(Error::Vocabulary { line: 2 })));
        assert!(matches!(lexicon(&["a b c d"]), Err(Error::Vocabulary { line: 1 })));
        assert!(matches!(lexicon(&["a  b"]), Err(Error::Vocabulary { line: 1 })));
        assert!(matches!(lexicon(&[]), Err(Error::Size { .. })));
        assert!(matches!(Lexicon::new(vec!["a".into()], usize::MAX), Err(Error::Size { .. })));
    }
}

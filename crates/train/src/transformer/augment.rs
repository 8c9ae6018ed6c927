//! New texts from old ones, for a teacher to label (Tang et al. 2019, section 3.2; Jiao et al. 2020, section 3.2).
//!
//! A new text is an old one, a run of its words, or two old ones joined. Phrases in it that are texts of their own are exchanged for others,
//! as a treebank's texts are the phrases of its sentences; some words are then exchanged for words drawn from all texts, or from the
//! vocabulary, whose words the teacher knows even if no text has them. Nothing has to make sense: what the teacher says of it is what
//! is learnt.

use std::collections::{BTreeMap, HashSet};

use arras_nn::transformer::Vocabulary;

use crate::rng::Rng;

/// Share of texts that are two old ones joined, and of those that are a run of words.
const JOINED: f32 = 0.35;
const CUT: f32 = 0.15;

/// How often a phrase of a text is exchanged, at most, and the words of one.
const EXCHANGES: usize = 2;
const PHRASE: std::ops::RangeInclusive<usize> = 2..=12;

/// Largest share of words exchanged in a text, and share of those that come from the vocabulary.
const EXCHANGED: f32 = 0.3;
const STRANGE: f32 = 0.2;

/// What may stand between two texts; where the vocabulary lacks a piece, nothing does.
const BETWEEN: [&str; 6] = [",", "but", "and", "--", "though", ";"];

/// Shortest text that is always taken as it comes, in pieces with both marks; of shorter ones one in three is.
const LONG: usize = 12;

/// `count` new texts as rows, at most `lanes` long, with both marks; the same seed gives the same texts.
#[must_use]
pub fn augment(
    texts: &[Vec<u32>],
    vocabulary: &Vocabulary,
    lanes: usize,
    count: usize,
    seed: u64,
) -> Vec<Vec<u32>> {
    let words: Vec<Vec<&[u32]>> = texts.iter().map(|rows| words(rows, vocabulary)).collect();
    let phrases = Phrases::of(&words);
    let all: Vec<&[u32]> = words.iter().flatten().copied().collect();
    let marks = texts.iter().find_map(|t| Some((*t.first()?, *t.last()?)));
    let Some((first, last)) = marks.filter(|_| !all.is_empty()) else { return Vec::new() };
    let between: Vec<u32> = BETWEEN.iter().filter_map(|piece| vocabulary.row(piece)).collect();
    let strange = (0..).zip(vocabulary.pieces()).filter(|(_, piece)| is_word(piece)).map(|(row, _)| row);
    let strange: Vec<u32> = strange.collect();
    let (all, strange, between) = (all.as_slice(), strange.as_slice(), between.as_slice());
    let mut source =
        Source { words: &words, phrases: &phrases, all, strange, between, rng: Rng::new(seed, 41) };
    let mut out = Vec::with_capacity(count);
    while out.len() < count {
        let mut rows = vec![first];
        for word in source.text() {
            if rows.len() + word.len() < lanes {
                rows.extend_from_slice(word);
            }
        }
        rows.push(last);
        out.push(rows);
    }
    out
}

/// Whether a piece is a word of Latin letters.
fn is_word(piece: &str) -> bool {
    piece.len() > 2 && piece.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// Texts that are a few words long.
#[derive(Default)]
struct Phrases<'a> {
    known: HashSet<&'a [&'a [u32]]>,
    by_length: BTreeMap<usize, Vec<&'a [&'a [u32]]>>,
}

impl<'a> Phrases<'a> {
    fn of(texts: &'a [Vec<&'a [u32]>]) -> Self {
        let mut phrases = Self::default();
        for words in texts.iter().map(Vec::as_slice).filter(|words| PHRASE.contains(&words.len())) {
            phrases.known.insert(words);
            phrases.by_length.entry(words.len()).or_default().push(words);
        }
        phrases
    }
}

struct Source<'a> {
    words: &'a [Vec<&'a [u32]>],
    phrases: &'a Phrases<'a>,
    all: &'a [&'a [u32]],
    strange: &'a [u32],
    between: &'a [u32],
    rng: Rng,
}

impl<'a> Source<'a> {
    fn text(&mut self) -> Vec<&'a [u32]> {
        let mut text = self.old();
        let turn = self.rng.unit();
        if turn < JOINED {
            if self.rng.unit() < 0.8 && !self.between.is_empty() {
                let at = self.rng.below(self.between.len());
                text.extend(self.between.get(at..=at));
            }
            let other = self.old();
            text.extend(other);
        } else if turn < JOINED + CUT {
            let from = self.rng.below(text.len().max(1));
            let length = 1 + self.rng.below((text.len() - from).max(1));
            text = text.into_iter().skip(from).take(length).collect();
        }
        for _ in 0..self.rng.below(EXCHANGES + 1) {
            self.exchange(&mut text);
        }
        let share = EXCHANGED * self.rng.unit();
        for word in &mut text {
            if self.rng.unit() < share {
                *word = self.other().unwrap_or(word);
            }
        }
        text
    }

    /// Puts a phrase in the place of one of about the same length, if the text has one.
    fn exchange(&mut self, text: &mut Vec<&'a [u32]>) {
        let spans = (0..text.len()).flat_map(|from| PHRASE.map(move |length| (from, from + length)));
        let inner = spans.filter(|&(from, to)| to - from < text.len());
        let found: Vec<(usize, usize)> = inner
            .filter(|&(from, to)| text.get(from..to).is_some_and(|words| self.phrases.known.contains(words)))
            .collect();
        let Some(&(from, to)) = found.get(self.rng.below(found.len().max(1))) else { return };
        let length = (to - from).saturating_sub(1) + self.rng.below(3);
        let Some(others) = self.phrases.by_length.get(&length) else { return };
        let other = others.get(self.rng.below(others.len())).copied().unwrap_or_default();
        text.splice(from..to, other.iter().copied());
    }

    /// A word in the place of another.
    fn other(&mut self) -> Option<&'a [u32]> {
        if self.rng.unit() < STRANGE && !self.strange.is_empty() {
            let at = self.rng.below(self.strange.len());
            return self.strange.get(at..=at);
        }
        self.all.get(self.rng.below(self.all.len())).copied()
    }

    /// One of the texts, the longer ones more often than not.
    fn old(&mut self) -> Vec<&'a [u32]> {
        loop {
            let words =
                self.words.get(self.rng.below(self.words.len())).map_or(&[] as &[&[u32]], Vec::as_slice);
            let pieces: usize = words.iter().map(|w| w.len()).sum();
            if !words.is_empty() && (pieces + 2 >= LONG || self.rng.below(3) == 0) {
                return words.to_vec();
            }
        }
    }
}

/// The words between both marks: a piece, and those after it that begin with `##`.
fn words<'a>(rows: &'a [u32], vocabulary: &Vocabulary) -> Vec<&'a [u32]> {
    let inner = rows.get(1..rows.len().saturating_sub(1)).unwrap_or_default();
    let continues = |row: &u32| vocabulary.pieces().get(*row as usize).is_some_and(|p| p.starts_with("##"));
    inner.chunk_by(|_, next| continues(next)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_texts_keep_marks_words_and_lanes() {
        let pieces = "[UNK] [CLS] [SEP] a film good ##ly but bad , ##ness strange";
        let vocabulary = Vocabulary::new(pieces.split(' ').map(str::to_owned).collect()).unwrap();
        let texts: Vec<Vec<u32>> = ["a goodly film , but a bad film , a badness", "bad", "goodly a a film"]
            .iter()
            .map(|text| vocabulary.read(text, 20).unwrap().rows)
            .collect();
        let new = augment(&texts, &vocabulary, 16, 200, 1);
        assert_eq!(new.len(), 200);
        for rows in &new {
            assert!((3..=16).contains(&rows.len()));
            assert_eq!((rows[0], rows[rows.len() - 1]), (1, 2));
            assert!(rows[1..rows.len() - 1].iter().all(|&r| r > 2));
            // No word is torn apart: `##ly` follows `good` alone, `##ness` follows `bad` alone.
            assert!(rows.windows(2).all(|w| (w[1] != 6 || w[0] == 5) && (w[1] != 10 || w[0] == 8)));
        }
        assert_eq!(new, augment(&texts, &vocabulary, 16, 200, 1));
        assert!(new.iter().any(|rows| !texts.contains(rows)));
        // No text has the word `strange`, the vocabulary does.
        assert!(new.iter().any(|rows| rows.contains(&11)));
        assert!(augment(&[], &vocabulary, 16, 5, 1).is_empty());
    }

    #[test]
    fn phrases_are_exchanged_for_phrases() {
        let pieces = "[UNK] [CLS] [SEP] a big film is very good".split(' ').map(str::to_owned).collect();
        let vocabulary = Vocabulary::new(pieces).unwrap();
        let read = |text: &str| vocabulary.read(text, 20).unwrap().rows;
        let rows: Vec<Vec<u32>> =
            ["a big film is very good", "a big film", "very good", "is good"].map(read).to_vec();
        let texts: Vec<Vec<&[u32]>> = rows.iter().map(|rows| words(rows, &vocabulary)).collect();
        let phrases = Phrases::of(&texts);
        let rng = Rng::new(3, 41);
        let mut source =
            Source { words: &texts, phrases: &phrases, all: &[], strange: &[], between: &[], rng };
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..200 {
            let mut text = texts[0].clone();
            source.exchange(&mut text);
            let text = text.concat();
            let pieces = text.iter().map(|&row| vocabulary.pieces()[row as usize].as_str());
            seen.insert(pieces.collect::<Vec<_>>().join(" "));
        }
        let expected = [
            "a big film is a big film",
            "a big film is is good",
            "a big film is very good",
            "is good is very good",
            "very good is very good",
        ];
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), expected);
        // The only phrase in it is the whole text.
        let mut text = texts[3].clone();
        source.exchange(&mut text);
        assert_eq!(text, texts[3]);
    }
}

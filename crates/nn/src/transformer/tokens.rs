//! WordPiece, as BERT's uncased models read text (Devlin et al. 2019, section 3; Wu et al. 2016, section 4.1).
//!
//! Control characters vanish, accents are stripped, letters become lower case, punctuation and Chinese characters stand alone;
//! every word is then cut, from its start, into the longest pieces of the vocabulary, of which all but the first begin with `##`.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::Error;
use crate::lexicon::within;

/// The most pieces of a vocabulary.
pub const PIECES: usize = 200_000;

/// The longest piece, in bytes.
const PIECE: usize = 256;

/// The longest word that is cut into pieces, in characters; a longer one is unknown.
pub(super) const WORD: usize = 100;

/// A WordPiece vocabulary with its special pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vocabulary {
    pieces: Vec<String>,
    rows: HashMap<String, u32>,
    unknown: u32,
    first: u32,
    last: u32,
}

/// The rows of one text, with the first and the last mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pieces {
    /// Rows of the embedding table, in order.
    pub rows: Vec<u32>,
    /// Pieces left out because the text is longer than the lanes.
    pub dropped: usize,
    /// Words that the vocabulary cannot spell.
    pub unknown: usize,
}

impl Vocabulary {
    /// A vocabulary of these pieces, in the order of the embedding table.
    ///
    /// # Errors
    ///
    /// When a piece is empty, too long, holds a line break or occurs twice, or `[UNK]`, `[CLS]` or `[SEP]` is missing.
    pub fn new(pieces: Vec<String>) -> Result<Self, Error> {
        within("pieces of the vocabulary", pieces.len(), 4, PIECES)?;
        let mut rows = HashMap::with_capacity(pieces.len());
        for (row, piece) in (0..).zip(&pieces) {
            let fits = (1..=PIECE).contains(&piece.len()) && !piece.contains('\n');
            if !fits || rows.insert(piece.clone(), row).is_some() {
                return Err(Error::Vocabulary { line: row as usize + 1 });
            }
        }
        let special = |piece| rows.get(piece).copied().ok_or(Error::Special { piece });
        let (unknown, first, last) = (special("[UNK]")?, special("[CLS]")?, special("[SEP]")?);
        Ok(Self { pieces, rows, unknown, first, last })
    }

    /// The pieces, in the order of the embedding table.
    #[must_use]
    pub fn pieces(&self) -> &[String] {
        &self.pieces
    }

    /// The row of a piece.
    #[must_use]
    pub fn row(&self, piece: &str) -> Option<u32> {
        self.rows.get(piece).copied()
    }

    /// The rows of a text with its marks: at most `lanes`, the pieces before the last mark being cut off where there are more.
    ///
    /// **Cost**: one pass over the text; each word costs its length squared, at most 100 squared.
    ///
    /// # Errors
    ///
    /// [`Error::NoTokens`] when the text holds nothing to read.
    pub fn read(&self, text: &str, lanes: usize) -> Result<Pieces, Error> {
        let mut read = Pieces { rows: vec![self.first], dropped: 0, unknown: 0 };
        let room = lanes.saturating_sub(1);
        let mut word = String::new();
        for c in characters(text).chain([' ']) {
            if c == ' ' || stands_alone(c) {
                self.cut(&word, room, &mut read);
                word.clear();
            }
            if stands_alone(c) {
                self.cut(c.encode_utf8(&mut [0; 4]), room, &mut read);
            } else if c != ' ' {
                word.push(c);
            }
        }
        if read.rows.len() == 1 {
            return Err(Error::NoTokens);
        }
        read.rows.push(self.last);
        Ok(read)
    }

    /// Cuts a word into the longest pieces from its start.
    fn cut(&self, word: &str, room: usize, read: &mut Pieces) {
        if word.is_empty() {
            return;
        }
        let pieces = self.spell(word).unwrap_or_else(|| {
            read.unknown += 1;
            vec![self.unknown]
        });
        let fit = pieces.len().min(room.saturating_sub(read.rows.len()));
        read.dropped += pieces.len() - fit;
        read.rows.extend(pieces.iter().take(fit));
    }

    /// The pieces of a word; nothing when the vocabulary cannot spell it.
    fn spell(&self, word: &str) -> Option<Vec<u32>> {
        if word.chars().nth(WORD).is_some() {
            return None;
        }
        let (mut pieces, mut rest, mut candidate) = (Vec::new(), word, String::new());
        while !rest.is_empty() {
            let ends = rest.char_indices().map(|(at, c)| at + c.len_utf8()).rev();
            let longest = ends.filter_map(|end| {
                candidate.clear();
                candidate.push_str(if pieces.is_empty() { "" } else { "##" });
                candidate.push_str(rest.get(..end)?);
                Some((self.row(&candidate)?, end))
            });
            let (row, end) = { longest }.next()?;
            pieces.push(row);
            rest = rest.get(end..)?;
        }
        Some(pieces)
    }
}

/// The characters of a text after cleaning: every white space is one space, accents are gone, letters are lower case.
fn characters(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars()
        .filter(|&c| {
            is_space(c) || !(c.is_control() || matches!(c, '\u{fffd}' | '\u{200b}'..='\u{200f}' | '\u{feff}'))
        })
        .map(|c| if is_space(c) { ' ' } else { c })
        .nfd()
        .filter(|&c| !is_combining_mark(c))
        .flat_map(char::to_lowercase)
}

fn is_space(c: char) -> bool {
    c.is_whitespace() && !matches!(c, '\u{b}' | '\u{c}' | '\u{85}')
}

/// Whether a character is a piece of its own: punctuation, or a Chinese character.
const fn stands_alone(c: char) -> bool {
    c.is_ascii_punctuation()
        || matches!(c,
            '\u{a1}' | '\u{a7}' | '\u{ab}' | '\u{b6}' | '\u{b7}' | '\u{bb}' | '\u{bf}'
            | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{2043}' | '\u{2045}'..='\u{2051}' | '\u{2053}'..='\u{205e}'
            | '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301f}'
            | '\u{ff01}'..='\u{ff03}' | '\u{ff05}'..='\u{ff0a}' | '\u{ff0c}'..='\u{ff0f}' | '\u{ff1a}' | '\u{ff1b}'
            | '\u{ff1f}' | '\u{ff20}'
            | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{2fa1f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary() -> Vocabulary {
        let pieces = "[PAD] [UNK] [CLS] [SEP] un ##aff ##able a film , . caf ##e ##s 电 ' s";
        Vocabulary::new(pieces.split(' ').map(str::to_owned).collect()).unwrap()
    }

    fn read(text: &str) -> Vec<String> {
        let v = vocabulary();
        v.read(text, 64).unwrap().rows.iter().map(|&r| v.pieces()[r as usize].clone()).collect()
    }

    #[test]
    fn longest_pieces_first() {
        assert_eq!(read("Unaffable films,"), ["[CLS]", "un", "##aff", "##able", "film", "##s", ",", "[SEP]"]);
        assert_eq!(
            read("Cafés\u{0}\tA电影's"),
            ["[CLS]", "caf", "##e", "##s", "a", "电", "[UNK]", "'", "s", "[SEP]"]
        );
    }

    #[test]
    fn a_long_text_is_cut_before_its_last_mark() {
        let v = vocabulary();
        let all = v.read("a film , a film .", 64).unwrap();
        let cut = v.read("a film , a film .", 5).unwrap();
        assert_eq!((all.rows.len(), all.dropped), (8, 0));
        assert_eq!((cut.rows.len(), cut.dropped), (5, 3));
        assert_eq!((cut.rows[..4].to_vec(), cut.rows[4]), (all.rows[..4].to_vec(), all.rows[7]));
        assert!(matches!(v.read(" \u{7}\n", 64), Err(Error::NoTokens)));
    }

    #[test]
    fn bad_vocabularies_are_refused() {
        let of = |text: &str| Vocabulary::new(text.split(' ').map(str::to_owned).collect());
        assert!(matches!(of("[UNK] [CLS] [SEP] a a"), Err(Error::Vocabulary { line: 5 })));
        assert!(matches!(of("[UNK] [CLS] a b"), Err(Error::Special { piece: "[SEP]" })));
        assert!(matches!(of("[UNK] [CLS] [SEP]"), Err(Error::Size { .. })));
        assert!(of("[UNK] [CLS] [SEP] a").is_ok());
    }
}

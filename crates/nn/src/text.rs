//! From text to tokens: lower-case words, punctuation split off, always the same way.
//!
//! The rules, in order:
//!
//! 1. Control characters count as spaces; typographic quotes become plain ones; letters become lower case.
//! 2. A *word* is a run of letters and digits, with single joiners (`-`, `'`, `.`, `,`, `/`, `&`, `*`) kept when a letter or
//!    digit stands on both sides: `feel-good`, `u.s`, `1,000`.
//! 3. English contractions leave their word: `doesn't` is `does` `n't`, `it's` is `it` `'s`.
//! 4. Anything else is punctuation: a run of one character is one token of at most three characters, so `!!!!!!` is `!!!`.
//! 5. The bracket and quote spellings of treebanks (`-lrb-`, `-rrb-`, ` `` `, `''`) become the characters they stand for.
//!
//! A token keeps at most [`TOKEN_CHARS`] characters and a text at most [`TEXT_TOKENS`] tokens; what is left out is counted.

use crate::Error;

/// The most tokens of one text that are read; the rest is counted in [`Tokens::dropped`].
pub const TEXT_TOKENS: usize = 512;

/// The most characters of one token that are kept.
pub const TOKEN_CHARS: usize = 48;

/// The longest run of one punctuation character that is told apart.
const RUN: usize = 3;

/// Endings that leave their word, as treebanks write them.
const ENDINGS: [&str; 7] = ["n't", "'s", "'re", "'ve", "'ll", "'d", "'m"];

/// The tokens of one text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tokens {
    /// The tokens, in order, at most [`TEXT_TOKENS`].
    pub tokens: Vec<String>,
    /// How many tokens were left out because the text is longer than that.
    pub dropped: usize,
}

impl Tokens {
    fn push(&mut self, token: &str) {
        if token.is_empty() {
            return;
        }
        if self.tokens.len() == TEXT_TOKENS {
            self.dropped += 1;
            return;
        }
        let end = token.char_indices().nth(TOKEN_CHARS).map_or(token.len(), |(at, _)| at);
        self.tokens.push(token.get(..end).unwrap_or(token).to_owned());
    }
}

/// Reads bytes as UTF-8.
///
/// # Errors
///
/// [`Error::NotUtf8`], with the offset of the first byte that is not text.
pub fn decode(bytes: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(bytes).map_err(|e| Error::NotUtf8 { offset: e.valid_up_to() })
}

/// Splits a text into tokens by the rules of this module.
///
/// **Cost**: one pass; memory for the tokens kept, however long the text is.
///
/// # Errors
///
/// [`Error::NoTokens`] when nothing but spaces and control characters is left.
///
/// ```
/// # fn main() -> Result<(), arras_nn::Error> {
/// let read = arras_nn::text::tokenise("It doesn't work, sadly...")?;
/// assert_eq!(read.tokens, ["it", "does", "n't", "work", ",", "sadly", "..."]);
/// # Ok(())
/// # }
/// ```
pub fn tokenise(text: &str) -> Result<Tokens, Error> {
    let mut out = Tokens::default();
    let mut chunk = String::new();
    for chunk_text in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        if !chunk_text.is_empty() {
            chunk.clear();
            chunk.extend(chunk_text.chars().flat_map(char::to_lowercase).map(plain_quote));
            split(&chunk, &mut out);
        }
    }
    if out.tokens.is_empty() { Err(Error::NoTokens) } else { Ok(out) }
}

/// The plain spelling of a quote character.
const fn plain_quote(c: char) -> char {
    match c {
        '\u{2018}' | '\u{2019}' | '\u{02bc}' => '\'',
        '\u{201c}' | '\u{201d}' => '"',
        other => other,
    }
}

/// Splits one lower-case run without spaces.
fn split(chunk: &str, out: &mut Tokens) {
    match chunk {
        "-lrb-" => return out.push("("),
        "-rrb-" => return out.push(")"),
        "``" | "''" => return out.push("\""),
        _ => {}
    }
    let mut rest = chunk;
    while let Some(first) = rest.chars().next() {
        let length = if first.is_alphanumeric() {
            let length = word_length(rest);
            contraction(rest.get(..length).unwrap_or(rest), out);
            length
        } else if let Some(ending) = ending_at(rest) {
            out.push(ending);
            ending.len()
        } else {
            let run: usize = rest.chars().take_while(|&c| c == first).map(char::len_utf8).sum();
            out.push(rest.get(..run.min(RUN * first.len_utf8())).unwrap_or(rest));
            run
        };
        rest = rest.get(length..).unwrap_or("");
    }
}

/// The ending that `rest` starts with, when nothing but punctuation follows it: `'s` standing alone.
fn ending_at(rest: &str) -> Option<&'static str> {
    ENDINGS.into_iter().find(|e| {
        rest.strip_prefix(e).is_some_and(|after| after.chars().next().is_none_or(|c| !c.is_alphanumeric()))
    })
}

/// The length in bytes of the word that `text` starts with.
fn word_length(text: &str) -> usize {
    let mut end = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let joins = matches!(c, '-' | '\'' | '.' | ',' | '/' | '&' | '*')
            && at > 0
            && chars.peek().is_some_and(|&(_, next)| next.is_alphanumeric());
        if !(c.is_alphanumeric() || joins) {
            break;
        }
        end = at + c.len_utf8();
    }
    end
}

/// Pushes a word, its contraction as a token of its own.
fn contraction(word: &str, out: &mut Tokens) {
    let mut stem = word;
    let mut endings = Vec::new();
    while let Some((rest, ending)) = ENDINGS.into_iter().find_map(|e| Some((stem.strip_suffix(e)?, e))) {
        stem = rest;
        endings.push(ending);
    }
    if !stem.is_empty() {
        out.push(stem);
    }
    endings.into_iter().rev().for_each(|ending| out.push(ending));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<String> {
        tokenise(text).unwrap().tokens
    }

    #[test]
    fn treebank_and_plain_spellings_agree() {
        assert_eq!(tokens("It's a charming film."), tokens("it 's a charming film ."));
        assert_eq!(tokens("He doesn’t care"), tokens("he does n't care"));
        assert_eq!(tokens("(really)"), tokens("-lrb- really -rrb-"));
        assert_eq!(tokens("shouldn't've"), ["should", "n't", "'ve"]);
        assert_eq!(tokens("can't"), ["ca", "n't"]);
    }

    #[test]
    fn words_keep_their_joiners_and_punctuation_leaves() {
        assert_eq!(tokens("feel-good, 1,000 u.s. and/or"), ["feel-good", ",", "1,000", "u.s", ".", "and/or"]);
        assert_eq!(tokens("wow!!!!!! -- 'quoted'"), ["wow", "!!!", "--", "'", "quoted", "'"]);
        assert_eq!(tokens("É\u{0}x 電影 🎬🎬"), ["é", "x", "電影", "🎬🎬"]);
    }

    #[test]
    fn nothing_to_read_is_an_error() {
        for text in ["", "   \n\t", "\u{0}\u{1}\u{7f}"] {
            assert!(matches!(tokenise(text), Err(Error::NoTokens)));
        }
        assert!(matches!(decode(b"ab\xffcd"), Err(Error::NotUtf8 { offset: 2 })));
    }

    #[test]
    fn long_texts_are_cut_and_say_so() {
        let read = tokenise(&"word ".repeat(TEXT_TOKENS + 9)).unwrap();
        assert_eq!((read.tokens.len(), read.dropped), (TEXT_TOKENS, 9));
        assert_eq!(tokens(&"é".repeat(1000))[0].chars().count(), TOKEN_CHARS);
        let endings = tokenise(&format!("x{}", "'s".repeat(1 << 20))).unwrap();
        assert_eq!((endings.tokens[..3].concat(), endings.tokens.len()), ("x's's".to_owned(), TEXT_TOKENS));
    }
}

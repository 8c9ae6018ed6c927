//! Tables of labelled sentences, and how to hold whole sentences back.

use std::collections::HashMap;

use arras_nn::text;

use crate::Error;
use crate::rng::Rng;

/// A sentence, or a phrase of one, as tokens, and its label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The tokens.
    pub tokens: Vec<String>,
    /// Whether the label is 1.
    pub positive: bool,
}

/// A sentence, or a phrase of one, as it is written, and its label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labelled {
    /// Line of the table, counted from one.
    pub line: usize,
    /// The sentence.
    pub text: String,
    /// Whether the label is 1.
    pub positive: bool,
}

/// Reads a table as [`rows`] does, and every sentence into its tokens.
///
/// # Errors
///
/// Names the line and what is wrong with it.
///
/// ```
/// # fn main() -> Result<(), arras_train::Error> {
/// let table = arras_train::data::parse(b"sentence\tlabel\na fine film\t1\nno\t0\n")?;
/// assert_eq!(table.len(), 2);
/// # Ok(())
/// # }
/// ```
pub fn parse(bytes: &[u8]) -> Result<Vec<Example>, Error> {
    let example = |Labelled { line, text, positive }| {
        let tokens = text::tokenise(&text).map_err(|_| Error::NoTokens { line })?.tokens;
        Ok(Example { tokens, positive })
    };
    rows(bytes)?.into_iter().map(example).collect()
}

/// Reads a table with the columns `sentence` and `label`, separated by tabs, one header line first.
///
/// Blank lines are skipped; a line ending in a carriage return is read without it.
///
/// # Errors
///
/// Names the line and what is wrong with it.
pub fn rows(bytes: &[u8]) -> Result<Vec<Labelled>, Error> {
    let mut lines = bytes.split(|&b| b == b'\n').enumerate().map(|(i, line)| (i + 1, line));
    let (_, first) = lines.next().unwrap_or((1, b""));
    let header: Vec<&str> = utf8(1, first)?.split('\t').collect();
    let column = |name| header.iter().position(|&h| h == name).ok_or(Error::NoColumn { name });
    let (sentence, label) = (column("sentence")?, column("label")?);
    let mut out = Vec::new();
    for (line, bytes) in lines {
        let text = utf8(line, bytes)?;
        if text.trim().is_empty() {
            continue;
        }
        let fields: Vec<&str> = text.split('\t').collect();
        let (Some(sentence), Some(label)) = (fields.get(sentence), fields.get(label)) else {
            return Err(Error::Columns { line, have: fields.len(), need: header.len() });
        };
        let positive = match label.trim() {
            "0" => false,
            "1" => true,
            _ => return Err(Error::Label { line }),
        };
        out.push(Labelled { line, text: (*sentence).to_owned(), positive });
    }
    Ok(out)
}

fn utf8(line: usize, bytes: &[u8]) -> Result<&str, Error> {
    let text = std::str::from_utf8(bytes).map_err(|e| Error::NotUtf8 { line, offset: e.valid_up_to() })?;
    Ok(text.strip_suffix('\r').unwrap_or(text))
}

/// Examples to learn from, the sentences behind them, and whole sentences held back.
#[derive(Debug, Clone)]
pub struct Split {
    /// Indices of the examples to learn from.
    pub learn: Vec<usize>,
    /// Those among them that are no phrase of a longer example: the sentences.
    pub sentences: Vec<usize>,
    /// Indices of the sentences held back.
    pub held_out: Vec<usize>,
}

/// The fewest tokens of a sentence that is held back: a shorter one may well be a phrase whose sentence is missing.
const SENTENCE: usize = 6;

/// Holds back this share of the sentences, and with them all their phrases that no other sentence has.
///
/// A table may hold phrases beside their sentences, as the Stanford Sentiment Treebank does; a random split would put a sentence's
/// phrases on both sides and measure memory.
#[must_use]
pub fn split(examples: &[Example], share: f64, seed: u64) -> Split {
    let mut ids: HashMap<&[String], usize> = HashMap::new();
    for (i, example) in examples.iter().enumerate() {
        ids.entry(&example.tokens).or_insert(i);
    }
    let roots = roots(&ids);
    let mut order: Vec<usize> = (0..roots.len()).collect();
    Rng::new(seed, 3).shuffle(&mut order);
    let held = (roots.len() as f64 * share).round() as usize;
    let (mut kept, mut sentences, mut held_out) = (vec![false; examples.len()], Vec::new(), Vec::new());
    for root in order.iter().skip(held).filter_map(|&i| roots.get(i)) {
        sentences.push(root.id);
        for &phrase in &root.phrases {
            if let Some(kept) = kept.get_mut(phrase) {
                *kept = true;
            }
        }
    }
    for root in order.iter().take(held).filter_map(|&i| roots.get(i)) {
        if root.length >= SENTENCE {
            held_out.push(root.id);
        }
    }
    let keeps = |e: &Example| ids.get(e.tokens.as_slice()).and_then(|&i| kept.get(i)).is_some_and(|&k| k);
    let learn = examples.iter().enumerate().filter(|(_, e)| keeps(e)).map(|(i, _)| i).collect();
    sentences.sort_unstable();
    held_out.sort_unstable();
    Split { learn, sentences, held_out }
}

/// A sentence: an example that is no phrase of a longer one.
struct Root {
    id: usize,
    length: usize,
    /// The examples that are phrases of it, itself among them.
    phrases: Vec<usize>,
}

/// The sentences, the longest first.
fn roots(ids: &HashMap<&[String], usize>) -> Vec<Root> {
    let mut longest_first: Vec<(&[String], usize)> = ids.iter().map(|(&t, &i)| (t, i)).collect();
    longest_first.sort_unstable_by(|a, b| b.0.len().cmp(&a.0.len()).then(a.1.cmp(&b.1)));
    let mut phrase = vec![false; longest_first.iter().map(|&(_, i)| i + 1).max().unwrap_or(0)];
    let mut roots = Vec::new();
    for (tokens, id) in longest_first {
        if phrase.get(id).is_some_and(|&p| p) {
            continue;
        }
        let mut phrases = Vec::new();
        for length in 1..=tokens.len() {
            phrases.extend(tokens.windows(length).filter_map(|run| ids.get(run).copied()));
        }
        for &i in &phrases {
            if let Some(p) = phrase.get_mut(i) {
                *p = true;
            }
        }
        roots.push(Root { id, length: tokens.len(), phrases });
    }
    roots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_lines_are_named() {
        let table = |rest: &[u8]| parse(&[b"label\tsentence\r\n1\tgood\r\n\r\n", rest].concat());
        assert_eq!(table(b"0\tbad").unwrap().len(), 2);
        assert!(matches!(table(b"0"), Err(Error::Columns { line: 4, have: 1, need: 2 })));
        assert!(matches!(table(b"2\tx"), Err(Error::Label { line: 4 })));
        assert!(matches!(table(b"1\t  "), Err(Error::NoTokens { line: 4 })));
        assert!(matches!(table(b"1\tab\xff"), Err(Error::NotUtf8 { line: 4, offset: 4 })));
        assert!(matches!(parse(b"text\tlabel\n"), Err(Error::NoColumn { name: "sentence" })));
        assert!(matches!(parse(b""), Err(Error::NoColumn { .. })));
    }

    #[test]
    fn a_sentence_is_held_back_with_its_phrases() {
        let mut table = String::from("sentence\tlabel\n");
        for i in 0..40 {
            table += &format!("w{i} a b c d e f w{i}\t1\nw{i} a\t0\na b\t1\n");
        }
        let examples = parse(table.as_bytes()).unwrap();
        let split = split(&examples, 0.25, 1);
        assert_eq!((split.held_out.len(), split.sentences.len()), (10, 30));
        let own = |i: usize| examples[i].tokens[0].clone();
        for &held in &split.held_out {
            assert!(split.learn.iter().all(|&i| own(i) != own(held)));
        }
        assert_eq!(split.learn.iter().filter(|&&i| own(i) == "a").count(), 40);
        assert_eq!(split.learn.len(), 40 + 60);
    }
}

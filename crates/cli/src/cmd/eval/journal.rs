//! The journal of an encrypted evaluation: a line for each sentence, written as it is answered, so that a run that was
//! interrupted goes on.

use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use arras_nn::Mode;
use serde::{Deserialize, Serialize};

/// The most bytes of a journal.
const MOST: u64 = 1 << 28;

/// The kind of file, and its version.
const FORMAT: &str = "arras-eval-1";

/// What the sentences of a journal have in common: its first line.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    journal: String,
    /// BLAKE3 of the model's bytes.
    model: String,
    /// BLAKE3 of the table's bytes.
    data: String,
    params: String,
    mode: Mode,
}

impl Header {
    pub fn new(model: &[u8; 32], table: &[u8], params: &impl ToString, mode: Mode) -> Self {
        let hash = |hash: blake3::Hash| hash.to_hex().to_string();
        Self {
            journal: FORMAT.to_owned(),
            model: hash(blake3::Hash::from_bytes(*model)),
            data: hash(blake3::hash(table)),
            params: params.to_string(),
            mode,
        }
    }

    /// Why a journal with this header cannot go on as one with the other.
    fn differs(&self, other: &Self) -> Option<&'static str> {
        let reasons = [
            (self.journal != other.journal, "by another version of Arras"),
            (self.model != other.model, "for another model"),
            (self.data != other.data, "for another table of sentences"),
            (self.params != other.params || self.mode != other.mode, "with other parameters"),
        ];
        reasons.into_iter().find_map(|(differs, reason)| differs.then_some(reason))
    }
}

/// A sentence that went there and back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Place in the table, from zero.
    pub index: usize,
    /// The first letters of BLAKE3 of the text.
    pub text: String,
    /// The plain probability of class 1.
    pub plain: f64,
    /// That of the answer; none where it was refused.
    pub encrypted: Option<f64>,
    pub seal_seconds: f64,
    pub run_seconds: f64,
    pub open_seconds: f64,
    pub sealed_bytes: usize,
    /// The most memory that its process had taken by then.
    pub peak_bytes: Option<u64>,
}

/// The lines so far, in a file if there is one.
#[derive(Debug)]
pub struct Journal {
    file: Option<File>,
    lines: Vec<Line>,
}

impl Journal {
    /// The journal in a file, which is made if it is not there; a last line that was cut off is dropped.
    pub fn open(path: Option<&Path>, header: &Header) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self { file: None, lines: Vec::new() }) };
        Self::of(path, header).with_context(|| path.display().to_string())
    }

    fn of(path: &Path, header: &Header) -> anyhow::Result<Self> {
        let mut file = fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .context("the journal cannot be opened")?;
        if !file.metadata().context("the journal cannot be read")?.is_file() {
            bail!("this is no plain file, as a journal is: give another");
        }
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!("another evaluation writes this journal: wait for its end")
            }
            Err(TryLockError::Error(error)) => return Err(error).context("the journal cannot be locked"),
        }
        let mut bytes = Vec::new();
        (&file).take(MOST + 1).read_to_end(&mut bytes).context("the journal cannot be read")?;
        if bytes.len() as u64 > MOST {
            bail!("this is more than a journal has: give another file");
        }
        let first = format!("{}\n", serde_json::to_string(header)?);
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
        let (whole, rest) = bytes.split_at(whole);
        let lines = match whole {
            [] if first.as_bytes().starts_with(rest) => Vec::new(),
            [] => bail!("this is no journal of an evaluation: give another file"),
            whole => lines(whole, header)?,
        };
        file.set_len(whole.len() as u64).context("the journal cannot be written")?;
        file.seek(SeekFrom::End(0)).context("the journal cannot be written")?;
        let mut journal = Self { file: Some(file), lines };
        if whole.is_empty() {
            journal.write(&first)?;
        }
        Ok(journal)
    }

    /// The sentences so far, the first of the table.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Whether there is a file.
    pub fn is_kept(&self) -> bool {
        self.file.is_some()
    }

    /// Adds the sentences that come next, whole and on the disk before it returns.
    pub fn append(&mut self, lines: Vec<Line>) -> anyhow::Result<()> {
        let text: Result<Vec<String>, _> =
            lines.iter().map(|line| serde_json::to_string(line).map(|text| text + "\n")).collect();
        self.write(&text?.concat())?;
        self.lines.extend(lines);
        Ok(())
    }

    fn write(&mut self, text: &str) -> anyhow::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_data());
        written.context("the journal cannot be written")
    }
}

/// The sentences in the whole lines of a journal that has this header.
fn lines(bytes: &[u8], header: &Header) -> anyhow::Result<Vec<Line>> {
    let text = str::from_utf8(bytes).context("this is no journal of an evaluation: give another file")?;
    let mut lines = text.lines();
    let first: Header = serde_json::from_str(lines.next().unwrap_or_default())
        .context("this is no journal of an evaluation: give another file")?;
    if let Some(reason) = first.differs(header) {
        bail!("the journal was written {reason}: give another file, or what it was written with");
    }
    let line = |(at, line): (usize, &str)| match serde_json::from_str::<Line>(line) {
        Ok(line) if line.index == at => Ok(line),
        _ => bail!("line {} of the journal is damaged: cut the file off before it, or give another", at + 2),
    };
    lines.enumerate().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header::new(&[1; 32], b"table", &"n15", Mode::Latency)
    }

    fn line(index: usize) -> Line {
        Line {
            index,
            text: "ab".to_owned(),
            plain: 0.25,
            encrypted: (index != 1).then_some(0.75),
            seal_seconds: 0.5,
            run_seconds: 8.0,
            open_seconds: 0.125,
            sealed_bytes: 7,
            peak_bytes: None,
        }
    }

    #[test]
    fn a_journal_goes_on_wherever_it_was_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let mut journal = Journal::open(Some(&path), &header()).unwrap();
        journal.append(vec![line(0)]).unwrap();
        journal.append(vec![line(1), line(2)]).unwrap();
        assert!(
            Journal::open(Some(&path), &header())
                .unwrap_err()
                .chain()
                .any(|e| e.to_string().contains("wait"))
        );
        drop(journal);
        let whole = fs::read(&path).unwrap();
        for length in (0..=whole.len()).step_by(5).chain([whole.len()]) {
            fs::write(&path, &whole[..length]).unwrap();
            let mut journal = Journal::open(Some(&path), &header()).unwrap();
            let kept = whole[..length].iter().filter(|&&byte| byte == b'\n').count().saturating_sub(1);
            assert_eq!(journal.lines(), (0..kept).map(line).collect::<Vec<_>>());
            journal.append((kept..3).map(line).collect()).unwrap();
            assert_eq!(fs::read(&path).unwrap(), whole);
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_refused() {
        let said = format!("{:#}", Journal::open(Some(Path::new("/dev/null")), &header()).unwrap_err());
        assert!(said.contains("no plain file"), "{said}");
    }

    #[test]
    fn other_files_are_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let refused = |header: &Header, words: &str| {
            let before = fs::read(&path).unwrap();
            let said = format!("{:#}", Journal::open(Some(&path), header).unwrap_err());
            assert!(said.contains(words), "{said}");
            assert_eq!(fs::read(&path).unwrap(), before);
        };
        for other in ["a diary", "a diary\n", "{}\n{}\n"] {
            fs::write(&path, other).unwrap();
            refused(&header(), "no journal");
        }
        fs::remove_file(&path).unwrap();
        Journal::open(Some(&path), &header()).unwrap().append(vec![line(0), line(1)]).unwrap();
        refused(&Header::new(&[2; 32], b"table", &"n15", Mode::Latency), "another model");
        refused(&Header::new(&[1; 32], b"tables", &"n15", Mode::Latency), "another table");
        refused(&Header::new(&[1; 32], b"table", &"n16", Mode::Latency), "other parameters");
        refused(&Header::new(&[1; 32], b"table", &"n15", Mode::Throughput), "other parameters");
        let whole = fs::read_to_string(&path).unwrap();
        fs::write(&path, whole.replace("\"index\":1", "\"index\":7")).unwrap();
        refused(&header(), "line 3");
    }
}

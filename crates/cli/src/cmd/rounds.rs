//! The journal of a long run: a folder with a file for each round of its program, so that a run that was stopped goes on.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use arras_ckks::Params;
use arras_ckks::wire::{self, Batch};
use arras_client::store;

/// The rounds so far, in a folder that nobody else writes.
#[derive(Debug)]
pub struct Rounds {
    folder: PathBuf,
    kept: usize,
    lock: File,
}

/// The file that is locked, beside those of the rounds.
const LOCK: &str = "lock";

impl Rounds {
    /// The journal in a folder, which is made if it is not there, and what it keeps.
    pub fn open(folder: &Path, params: &Params) -> anyhow::Result<(Self, Vec<Batch>)> {
        Self::of(folder, params).with_context(|| folder.display().to_string())
    }

    fn of(folder: &Path, params: &Params) -> anyhow::Result<(Self, Vec<Batch>)> {
        fs::create_dir_all(folder).context("a journal of rounds is a folder, and this cannot be made one")?;
        let lock = File::create(folder.join(LOCK)).context("the journal cannot be written")?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!("another run writes this journal: wait for its end"),
            Err(TryLockError::Error(error)) => return Err(error).context("the journal cannot be locked"),
        }
        let mut journal = Self { folder: folder.to_owned(), kept: 0, lock };
        let mut rounds = Vec::new();
        loop {
            let path = journal.file(journal.kept);
            if !path.exists() {
                return Ok((journal, rounds));
            }
            let round = wire::from_bytes(params.rlwe(), &store::read(&path)?);
            rounds.push(round.with_context(|| path.display().to_string())?);
            journal.kept += 1;
        }
    }

    fn file(&self, round: usize) -> PathBuf {
        self.folder.join(format!("round-{:04}", round + 1))
    }

    /// How many rounds it keeps.
    pub fn kept(&self) -> usize {
        self.kept
    }

    /// Keeps the next round, whole and on the disk before it returns.
    pub fn keep(&mut self, params: &Params, round: &Batch) -> anyhow::Result<()> {
        store::write_file(&self.file(self.kept), &wire::to_bytes(params.rlwe(), round))?;
        self.kept += 1;
        Ok(())
    }

    /// Removes what it keeps, now that the answer is written; other files in its folder stay.
    pub fn remove(self) -> anyhow::Result<()> {
        let rounds = (0..self.kept).rev().map(|round| self.file(round));
        for path in rounds.chain([self.folder.join(LOCK)]) {
            fs::remove_file(&path).with_context(|| format!("{} cannot be removed", path.display()))?;
        }
        drop(self.lock);
        // Not empty if somebody keeps other things there.
        let _ = fs::remove_dir(&self.folder);
        Ok(())
    }
}

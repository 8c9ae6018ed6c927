//! A folder of files, and the three parties that work in it.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::{Outcome, arras, command};

/// A folder that goes with the test.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// Writes a file, and says where.
    pub fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        self.text(name)
    }

    /// Seals with a command and these words more.
    pub fn seal(&self, command: &str, words: &[&str]) {
        let [keys, task, sealed] = ["keys", "task", "sealed"].map(|name| self.text(name));
        let files = ["--keys", &keys, "--task", &task, "--out", &sealed];
        arras(&[&[command, "seal"], words, &files].concat()).fine();
    }

    /// Runs what was sealed.
    pub fn run(&self, command: &str) -> Outcome {
        Outcome::of(&self.running(command, &[]).output().unwrap())
    }

    /// What runs what was sealed, with these words more: not yet started.
    pub fn running(&self, what: &str, more: &[&str]) -> Command {
        let files = ["keys/evaluation.key", "task", "sealed", "answer"].map(|name| self.text(name));
        let [evaluation, task, sealed, answer] = &files;
        let words = ["--evaluation-keys", evaluation, "--task", task, "--in", sealed, "--out", answer];
        command(&[&[what, "run"], &words[..], more].concat())
    }

    /// The same where the secret key is not at hand.
    pub fn run_without_secret(&self, command: &str) -> Outcome {
        std::fs::rename(self.path("keys/secret.key"), self.path("kept")).unwrap();
        let outcome = self.run(command);
        std::fs::rename(self.path("kept"), self.path("keys/secret.key")).unwrap();
        outcome
    }

    /// Opens a file as an answer.
    pub fn open(&self, command: &str, file: &str) -> Outcome {
        let [keys, task, file] = ["keys", "task", file].map(|name| self.text(name));
        arras(&[command, "open", "--keys", &keys, "--task", &task, "--in", &file, "--json"])
    }
}

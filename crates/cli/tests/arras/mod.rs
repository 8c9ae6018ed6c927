//! The real command, run as users run it.
#![allow(
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    clippy::panic,
    reason = "every test file uses a part, and may fail loudly"
)]

mod folder;

pub use folder::Folder;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

/// What a run left: its exit code, and what it said.
pub struct Outcome {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Outcome {
    pub fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// It went well.
    pub fn fine(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.err);
        self
    }

    /// It failed with one sentence that holds these words, and no panic.
    pub fn refused(self, words: &str) {
        assert_eq!(self.code, Some(1), "{}{}", self.out, self.err);
        assert!(self.err.contains(words), "`{words}` is not in: {}", self.err);
        assert!(!self.err.contains("panicked"), "{}", self.err);
        let sentences: Vec<&str> = self.err.lines().filter(|line| line.starts_with("arras: ")).collect();
        assert_eq!(sentences.len(), 1, "{}", self.err);
        assert!(self.out.is_empty(), "{}", self.out);
    }

    pub fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.fine().out).unwrap()
    }
}

/// Commands that take a model.
const TAKE_A_MODEL: [&str; 6] = ["classify", "keygen", "seal", "run", "open", "eval"];

/// Words that leave no choice of a model: one is named, or none is wanted.
const NO_CHOICE: [&str; 3] = ["--model", "--bootstrap", "--help"];

/// The command, not yet started. Where a model is taken and none is named, it is the one that answers in milliseconds.
pub fn command<S: AsRef<std::ffi::OsStr>>(args: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_arras"));
    command.args(args).stdin(Stdio::null());
    let has = |words: &[&str], arg: &S| words.iter().any(|word| arg.as_ref() == *word);
    if args.iter().take(1).any(|arg| has(&TAKE_A_MODEL, arg)) && !args.iter().any(|arg| has(&NO_CHOICE, arg))
    {
        command.args(["--model", "sst2-words"]);
    }
    command
}

/// Runs it to the end.
pub fn arras<S: AsRef<std::ffi::OsStr>>(args: &[S]) -> Outcome {
    Outcome::of(&command(args).output().unwrap())
}

/// Runs it with some bytes on standard input.
pub fn fed<S: AsRef<std::ffi::OsStr>>(args: &[S], input: &[u8]) -> Outcome {
    let mut child =
        command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It may leave before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(input);
    Outcome::of(&child.wait_with_output().unwrap())
}

/// A folder that holds keys, sealed sentences and their answer, made once for each test file.
pub struct Made {
    folder: TempDir,
}

pub const SENTENCES: [&str; 2] = ["a gripping, beautifully shot film", "a tedious mess"];

pub fn made() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| {
        let made = Made { folder: TempDir::new().unwrap() };
        let path = |name: &str| made.path(name).display().to_string();
        arras(&["keygen", "--out", &path("keys")]).fine();
        let [first, second] = SENTENCES;
        arras(&["seal", "--keys", &path("keys"), first, second, "--out", &path("sealed")]).fine();
        let run = [
            "run",
            "--evaluation-keys",
            &path("keys/evaluation.key"),
            "--in",
            &path("sealed"),
            "--out",
            &path("answer"),
        ];
        arras(&run).fine();
        made
    })
}

impl Made {
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// A folder of keys of its own, to be damaged.
    pub fn copy_of_keys(&self) -> TempDir {
        let copy = TempDir::new().unwrap();
        for name in ["secret.key", "public.key", "evaluation.key", "params"] {
            std::fs::copy(self.path("keys").join(name), copy.path().join(name)).unwrap();
        }
        copy
    }
}

/// The model of words that comes with Arras.
pub fn model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/sst2-words.safetensors")
}

/// Damages the bytes of a file.
pub type Damage = fn(&mut Vec<u8>);

/// Ways to damage a file, each with words of the sentence that must follow.
pub const DAMAGE: [(&str, Damage); 4] = [
    ("not an Arras file", Vec::clear),
    ("cut off", |bytes| bytes.truncate(bytes.len() * 2 / 3)),
    ("cut off", |bytes| bytes.extend([0; 5])),
    ("checksum", |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
    }),
];

/// Damages a file.
pub fn damage(path: &Path, how: Damage) {
    let mut bytes = std::fs::read(path).unwrap();
    how(&mut bytes);
    std::fs::write(path, bytes).unwrap();
}

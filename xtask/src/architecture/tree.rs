//! The rules that hold for every source file of the repository.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::source::Source;

/// Folders at the root that hold our Rust.
const FOLDERS: [&str; 4] = ["crates", "xtask", "bench", "fuzz"];
/// The one folder where `unsafe` may stand.
const KERNELS: &str = "crates/ring/src/kernels/";
/// The folder where no secret key may be named.
const ENGINE: &str = "crates/engine/src/";
const LONG: usize = 500;
const TOO_LONG: usize = 700;

/// What a look at every file found.
#[derive(Debug, Default)]
pub struct Survey {
    pub faults: Vec<String>,
    pub warnings: Vec<String>,
    pub files: usize,
}

/// Reads every Rust file below the root.
pub fn survey(root: &Path) -> Result<Survey> {
    let mut paths = Vec::new();
    for folder in FOLDERS {
        collect(&root.join(folder), &mut paths)?;
    }
    paths.sort();
    let mut survey = Survey::default();
    for path in paths {
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        survey.judge(&name, &text);
    }
    Ok(survey)
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        let hidden = name.to_string_lossy().starts_with('.');
        if entry.file_type()?.is_dir() {
            if !hidden && name != "target" {
                collect(&path, paths)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
    Ok(())
}

impl Survey {
    fn judge(&mut self, name: &str, text: &str) {
        self.files += 1;
        let length = text.lines().count();
        if length > TOO_LONG {
            self.faults.push(format!(
                "{name}: {length} lines; one file holds one idea, in {TOO_LONG} lines at most"
            ));
        } else if length > LONG {
            self.warnings.push(format!("{name}: {length} lines; {LONG} is long"));
        }

        let source = Source::read(text);
        if !name.starts_with(KERNELS) {
            self.accuse(name, source.identifier("unsafe"), "`unsafe` outside the ring's kernels");
        }
        if name.starts_with(ENGINE) {
            self.accuse(name, source.identifier("SecretKey"), "the engine names a secret key");
        }
        for stub in ["todo", "unimplemented"] {
            self.accuse(name, source.macro_call(stub), "a stub");
        }
        self.accuse(name, source.comment("FIXME"), "a known fault left in place");
    }

    fn accuse(&mut self, name: &str, lines: impl Iterator<Item = usize>, what: &str) {
        self.faults.extend(lines.map(|line| format!("{name}:{line}: {what}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(name: &str, text: &str) -> Vec<String> {
        let mut survey = Survey::default();
        survey.judge(name, text);
        survey.faults
    }

    #[test]
    fn clean_code() {
        let text = "//! Holds no SecretKey, and nothing unsafe.\nfn main() { print(\"todo!() FIXME\"); }\n";
        assert!(faults("crates/engine/src/lib.rs", text).is_empty());
    }

    #[test]
    fn unsafe_lives_in_the_kernels() {
        let text = "fn f() {\n    unsafe { g() }\n}\n";
        assert!(faults("crates/ring/src/kernels/avx2.rs", text).is_empty());
        assert_eq!(
            faults("crates/ring/src/ntt.rs", text),
            ["crates/ring/src/ntt.rs:2: `unsafe` outside the ring's kernels"]
        );
        assert_eq!(faults("crates/ring/tests/laws.rs", text).len(), 1);
    }

    #[test]
    fn the_engine_names_no_secret() {
        let text = "use arras_rlwe::SecretKey;\n";
        assert_eq!(
            faults("crates/engine/src/run.rs", text),
            ["crates/engine/src/run.rs:1: the engine names a secret key"]
        );
        assert!(faults("crates/engine/tests/contract.rs", text).is_empty());
    }

    #[test]
    fn stubs() {
        assert_eq!(
            faults("a.rs", "fn f() { todo!() }\nfn g() { unimplemented!() }\n// FIXME later\n").len(),
            3
        );
    }

    #[test]
    fn lengths() {
        let mut survey = Survey::default();
        survey.judge("a.rs", &"\n".repeat(LONG));
        assert!(survey.warnings.is_empty() && survey.faults.is_empty());
        survey.judge("b.rs", &"\n".repeat(TOO_LONG));
        assert!(survey.warnings.len() == 1 && survey.faults.is_empty());
        survey.judge("c.rs", &"\n".repeat(TOO_LONG + 1));
        assert!(survey.warnings.len() == 1 && survey.faults.len() == 1);
    }
}

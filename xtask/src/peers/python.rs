//! The virtual environment that holds the other libraries.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, iter};

use anyhow::{Context, Result, bail, ensure};

const VERSION: &str = "3.10";

/// The environment's Python, made and filled when it is missing or out of date.
pub fn environment(folder: &Path, chosen: Option<&Path>) -> Result<PathBuf> {
    let requirements = folder.join("requirements.txt");
    let venv = folder.join(".venv");
    let python = venv.join("bin/python");
    let stamp = venv.join("requirements.txt");
    let wanted = fs::read_to_string(&requirements).context("cannot read bench/peers/requirements.txt")?;
    if python.is_file() && fs::read_to_string(&stamp).is_ok_and(|present| present == wanted) {
        return Ok(python);
    }

    let base = find(chosen)?;
    eprintln!("making bench/peers/.venv");
    run(Command::new(base).args(["-m", "venv", "--clear"]).arg(&venv))
        .context("cannot make a virtual environment")?;
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
        .arg(&requirements))
    .context("cannot install the other libraries")?;
    fs::write(&stamp, wanted)?;
    Ok(python)
}

/// A Python of the one version that the OpenFHE wheel is made for.
fn find(chosen: Option<&Path>) -> Result<PathBuf> {
    if let Some(chosen) = chosen {
        ensure!(fits(chosen), "{} is no Python {VERSION}", chosen.display());
        return Ok(chosen.into());
    }
    let found =
        iter::once(PathBuf::from(format!("python{VERSION}"))).chain(pyenv()).find(|python| fits(python));
    match found {
        Some(python) => Ok(python),
        None => bail!(
            "no Python {VERSION} on this machine, and the OpenFHE wheel holds a module for no other version: \
             install one, or name it with --python"
        ),
    }
}

/// The Pythons that pyenv has installed.
fn pyenv() -> Vec<PathBuf> {
    let root = env::var_os("PYENV_ROOT")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".pyenv")));
    let versions = root.and_then(|root| fs::read_dir(root.join("versions")).ok());
    versions
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(VERSION))
        .map(|entry| entry.path().join("bin/python"))
        .collect()
}

fn fits(python: &Path) -> bool {
    let script = "import sys, venv; print('%d.%d' % sys.version_info[:2])";
    let output = Command::new(python).args(["-c", script]).stderr(Stdio::null()).output();
    output.is_ok_and(|output| {
        output.status.success() && String::from_utf8_lossy(&output.stdout).trim() == VERSION
    })
}

fn run(command: &mut Command) -> Result<()> {
    // Standard output is for the report.
    let output = command.stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "{} failed: {}", command.get_program().display(), output.status);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_no_python() {
        assert!(!fits(Path::new("true")));
        let error = find(Some(Path::new("no-such-python"))).unwrap_err();
        assert!(error.to_string().contains("3.10"));
    }
}

//! The day's file of comparisons made on one kind of machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde_json::Value;

use super::machine::Machine;

/// Adds a report to the file of its day and machine.
pub fn append(folder: &Path, machine: &Machine, date: &str, report: &impl Serialize) -> Result<PathBuf> {
    ensure!(!date.is_empty(), "no record: the system has no `date`");
    let folder = folder.join(machine.slug());
    let path = folder.join(format!("{date}.json"));
    let mut day: Vec<Value> = match fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text).with_context(|| format!("{} is no list", path.display()))?,
        Err(_) => Vec::new(),
    };
    day.push(serde_json::to_value(report)?);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let text = serde_json::to_string_pretty(&day)? + "\n";
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// The date by the system's own command, or nothing.
pub fn today() -> String {
    let output = Command::new("date").args(["-u", "+%Y-%m-%d"]).output();
    output.map_or_else(|_| String::new(), |output| String::from_utf8_lossy(&output.stdout).trim().into())
}

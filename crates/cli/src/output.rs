//! What the user sees: results on standard output, progress and errors on standard error.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use owo_colors::{OwoColorize as _, Stream};
use serde::Serialize;

/// Where results go, and in which form.
pub struct Output {
    json: bool,
}

impl Output {
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Shows a result: as one JSON object, or as the lines that `human` makes of it.
    pub fn show<T: Serialize>(
        &self,
        value: &T,
        human: impl FnOnce(&T) -> String,
    ) -> anyhow::Result<ExitCode> {
        let text = if self.json { serde_json::to_string_pretty(value)? } else { human(value) };
        line(&text)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// One line, or several, on standard output.
pub fn line(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush());
    written.context("standard output cannot be written")
}

/// A remark that is no result; a terminal that is gone does not matter.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Says in one sentence what went wrong; a reader that has left is told nothing.
pub fn fail(error: &anyhow::Error) -> ExitCode {
    let broken = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
    };
    if !error.chain().any(broken) {
        let prefix = "arras:".if_supports_color(Stream::Stderr, |text| text.red()).to_string();
        note(&format!("{prefix} {}", sentence(error)));
    }
    ExitCode::FAILURE
}

/// The chain of causes on one line, each once: some errors quote their source and some do not.
fn sentence(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if said.is_empty() {
            said = cause;
        } else if !said.contains(&cause) {
            said = format!("{said}: {cause}");
        }
    }
    said.replace('\n', " ")
}

/// A bar on standard error that counts to `length`; invisible when nobody looks.
pub fn bar(length: u64, what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(length);
    let style = ProgressStyle::with_template("{prefix} [{bar:30}] {pos}/{len} {msg} {eta}");
    if let Ok(style) = style {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_prefix(what);
    bar
}

/// Whether a person reads standard error.
pub fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// An aligned table; columns of numbers stand to the right.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let cell = |row: &[String], i: usize| row.get(i).map_or("", String::as_str).to_owned();
    let number =
        |text: &str| text.starts_with(|c: char| c.is_ascii_digit() || c == '-') && !text.contains(' ');
    let columns = header.iter().enumerate().map(|(i, title)| {
        let cells: Vec<String> = rows.iter().map(|row| cell(row, i)).collect();
        let right = cells.iter().all(|text| number(text));
        let width =
            cells.iter().map(|text| text.chars().count()).chain([title.chars().count()]).max().unwrap_or(0);
        let lines = std::iter::once((*title).to_owned()).chain(cells);
        lines.map(|text| if right { format!("{text:>width$}") } else { format!("{text:width$}") }).collect()
    });
    let columns: Vec<Vec<String>> = columns.collect();
    let line = |i: usize| {
        columns.iter().map(|column| cell(column, i)).collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    (0..=rows.len()).map(line).collect::<Vec<_>>().join("\n")
}

/// Pairs of a name and a value, one per line.
pub fn pairs(pairs: &[(&str, String)]) -> String {
    let width = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    pairs.iter().map(|(name, value)| format!("{name:width$}  {value}\n")).collect()
}

/// A label in the colour of its class, on a terminal, which what a model file holds must not control.
pub fn label(text: &str, class: usize, width: usize) -> String {
    let padded = format!("{:width$}", excerpt(text, text.len()));
    if class == 1 {
        padded.if_supports_color(Stream::Stdout, |text| text.green()).to_string()
    } else {
        padded.if_supports_color(Stream::Stdout, |text| text.red()).to_string()
    }
}

/// Bytes in a unit that a person reads.
pub fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", count as f64 / 1e6),
        _ => format!("{:.2} GB", count as f64 / 1e9),
    }
}

/// Seconds with three significant digits or so.
pub fn seconds(time: Duration) -> String {
    let s = time.as_secs_f64();
    if s < 0.0995 { format!("{:.1} ms", s * 1e3) } else { format!("{s:.2} s") }
}

/// The start of a text, on one line.
pub fn excerpt(text: &str, most: usize) -> String {
    let flat: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(most + 1).collect();
    if flat.chars().count() <= most {
        flat
    } else {
        flat.chars().take(most.saturating_sub(1)).chain(['…']).collect()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn labels_of_a_model_do_not_reach_the_terminal_as_commands() {
        assert!(!super::label("\u{1b}]0;owned\u{7}\n", 0, 3).contains(['\u{7}', '\n']));
        assert!(super::label("fine", 1, 6).contains("fine  "));
    }
}

//! Whether there is room for what a command is about to hold.

use anyhow::bail;
use arras_engine::Limits;

use crate::output;

/// An error if the system says that it has fewer bytes to give; a system that says nothing is believed to have them.
pub fn check(what: &str, need: u64) -> anyhow::Result<()> {
    match available() {
        Some(have) if have < need => bail!(
            "{what} take {} of memory, and {} are free: end other programs, or use a larger machine",
            output::bytes(need),
            output::bytes(have)
        ),
        _ => Ok(()),
    }
}

/// What an engine of this machine refuses to exceed: all its memory, if the system says how much it has.
pub fn limits() -> Limits {
    let total = field("/proc/meminfo", "MemTotal:").map_or(u64::MAX, |kibibytes| kibibytes * 1024);
    Limits { bytes: total, ..Limits::default() }
}

/// What the system could still give this process without swapping, as far as it says so.
fn available() -> Option<u64> {
    let free = field("/proc/meminfo", "MemAvailable:");
    // A limit of the process, as `ulimit -v` sets it, is in bytes.
    let limit = field("/proc/self/limits", "Max address space");
    let mapped = field("/proc/self/status", "VmSize:").unwrap_or(0);
    let left = limit.map(|bytes| (bytes / 1024).saturating_sub(mapped));
    free.into_iter().chain(left).min().map(|kibibytes| kibibytes * 1024)
}

/// The most bytes of memory that this process had at once, if the system says so.
pub fn peak() -> Option<u64> {
    field("/proc/self/status", "VmHWM:").map(|kibibytes| kibibytes * 1024)
}

/// The number after a name in one of the system's lists.
fn field(path: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_peak_is_more_than_what_was_touched() {
        let touched = vec![1u8; 64 << 20];
        let peak = super::peak();
        assert!(touched.iter().all(|&byte| byte == 1) && peak.is_none_or(|peak| peak > 64 << 20), "{peak:?}");
    }

    #[test]
    fn more_than_there_is_is_refused() {
        assert!(super::check("the keys", 1).is_ok());
        if super::available().is_some() {
            let error = super::check("the keys", u64::MAX).unwrap_err().to_string();
            assert!(error.starts_with("the keys take ") && error.contains("are free"), "{error}");
        }
    }
}

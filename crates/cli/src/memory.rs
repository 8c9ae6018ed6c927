//! Whether there is room for what a command is about to hold.

use anyhow::bail;

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

/// What the system could still give without swapping.
fn available() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}

/// The most bytes that this process had in memory at once, if the system says.
pub fn peak() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    #[test]
    fn more_than_there_is_is_refused() {
        assert!(super::check("the keys", 1).is_ok());
        if super::available().is_some() {
            let error = super::check("the keys", u64::MAX).unwrap_err().to_string();
            assert!(error.starts_with("the keys take ") && error.contains("are free"), "{error}");
        }
    }
}

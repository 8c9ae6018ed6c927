//! Ctrl-C and the polite signals: work stops between two steps and leaves nothing half done.

use std::sync::atomic::{AtomicBool, Ordering};

static ASKED: AtomicBool = AtomicBool::new(false);

/// From now on a first signal asks to stop, and a second one stops at once.
pub fn watch() -> anyhow::Result<()> {
    let handle = || {
        if ASKED.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    };
    match ctrlc::set_handler(handle) {
        Ok(()) | Err(ctrlc::Error::MultipleHandlers) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether the user asked to stop.
pub fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}

/// An error if the user asked to stop.
pub fn check() -> anyhow::Result<()> {
    if asked() { anyhow::bail!("interrupted, and nothing was written") } else { Ok(()) }
}

//! Kernels for avx2.

use super::Kernels;

/// The table, if the processor has the instructions.
pub(super) fn kernels() -> Option<&'static Kernels> {
    None
}

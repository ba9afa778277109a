//! Keeps the error number of the last call, which each system has in a place of its own.

use super::errno::{errno, set_errno};

/// Runs `f` and restores the error number: an allocator that succeeds must not change it.
pub(crate) fn keep_errno<T>(f: impl FnOnce() -> T) -> T {
    let before = errno();
    let result = f();
    set_errno(before);
    result
}

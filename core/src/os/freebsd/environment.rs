//! Environment variables, which are read while the program starts.

pub(crate) use super::super::unix::environment::{get, is_there};

/// Whether the process may have more rights than the user who started it: from a set-user-id or set-group-id program. Then it
/// must not obey variables.
pub(crate) fn is_privileged() -> bool {
    // SAFETY: the call only returns a number.
    unsafe { libc::issetugid() != 0 }
}

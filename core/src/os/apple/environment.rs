//! Environment variables, which are read while the program starts.

pub(crate) use super::super::unix::environment::get;

/// Whether variables can be read. False before the C library has started: a first allocation may come earlier.
pub(crate) fn is_there() -> bool {
    // SAFETY: the call returns the address of the C library's own pointer. No other thread changes it while the program starts.
    unsafe { !(*libc::_NSGetEnviron()).is_null() }
}

/// Whether the process may have more rights than the user who started it: from a set-user-id or set-group-id program. Then it
/// must not obey variables.
pub(crate) fn is_privileged() -> bool {
    // SAFETY: the call only returns a number.
    unsafe { libc::issetugid() != 0 }
}

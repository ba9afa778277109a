//! Environment variables, which are read while the program starts.

use crate::sync::*;
use core::ffi::CStr;

/// The program's start has begun: the C library may be asked.
static STARTED: AtomicBool = AtomicBool::new(false);

/// At the program's start, before the first variable is read.
pub(super) fn begin() {
    STARTED.store(true, Relaxed);
}

/// Whether variables can be read. False before the program's start: the C library allocates when it is first asked for one,
/// and a first allocation of the program may come earlier.
pub(crate) fn is_there() -> bool {
    STARTED.load(Relaxed)
}

/// Calls `with` with the value of a variable, if it is set. Only while the program starts: later the program may change
/// or free the value.
pub(crate) fn get(name: &CStr, with: impl FnOnce(&[u8])) {
    // SAFETY: the name is a C string. Nobody changes or frees the value while the program starts.
    unsafe {
        let value = libc::getenv(name.as_ptr());
        if !value.is_null() {
            with(CStr::from_ptr(value).to_bytes());
        }
    }
}

/// Whether the process may have more rights than the user who started it.
///
/// Here: never. Whoever starts the program gives it its folders and its variables.
pub(crate) fn is_privileged() -> bool {
    false
}

//! Environment variables, which are read while the program starts.

use core::ffi::CStr;

/// Whether variables can be read. False before the C library has started: a first allocation may come earlier.
pub(crate) fn is_there() -> bool {
    // SAFETY: the call returns the address of the C library's own pointer. No other thread changes it while the program starts.
    unsafe { !(*libc::_NSGetEnviron()).is_null() }
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

/// Whether the process may have more rights than the user who started it: from a set-user-id or set-group-id program. Then it
/// must not obey variables.
pub(crate) fn is_privileged() -> bool {
    // SAFETY: the call only returns a number.
    unsafe { libc::issetugid() != 0 }
}

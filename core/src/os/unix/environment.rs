//! Environment variables, which are read while the program starts.

use core::ffi::CStr;
#[cfg(not(target_os = "macos"))]
use core::ffi::c_char;

#[cfg(not(target_os = "macos"))]
unsafe extern "C" {
    static environ: *const *const c_char;
}

/// Whether variables can be read. False before the C library has started: a first allocation may come earlier.
#[cfg(not(target_os = "macos"))]
pub(crate) fn is_there() -> bool {
    // SAFETY: the pointer is the C library's. No other thread changes it while the program starts.
    unsafe { !environ.is_null() }
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

//! Environment variables, which are read while the program starts.

use super::errno::{errno, keep_errno, set_errno};
use core::ffi::{CStr, c_char};

unsafe extern "C" {
    static environ: *const *const c_char;
}

/// Whether variables can be read. False before the C library has started: a first allocation may come earlier.
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

/// Whether the process may have more rights than the user who started it: from a set-user-id or set-group-id program,
/// or from a file's capabilities. Then it must not obey variables. `secure_getenv` asks the same, but not in statically
/// linked programs.
pub(crate) fn is_privileged() -> bool {
    keep_errno(|| {
        set_errno(0);
        // SAFETY: the call only reads the auxiliary vector, which the kernel wrote for the program.
        let secure = unsafe { libc::getauxval(libc::AT_SECURE) } != 0;
        let is_unknown = errno() == libc::ENOENT;
        // SAFETY: the calls only return numbers.
        let differs = || unsafe { libc::getuid() != libc::geteuid() || libc::getgid() != libc::getegid() };
        secure || is_unknown && differs()
    })
}

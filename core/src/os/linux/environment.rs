//! Environment variables.

use super::errno::{errno, keep_errno, set_errno};
use core::ffi::{CStr, c_char};

unsafe extern "C" {
    static environ: *const *const c_char;
}

/// Whether there is an environment: not before the C library has begun.
pub(crate) fn is_there() -> bool {
    // SAFETY: the pointer is the C library's, which this reads where programs start.
    unsafe { !environ.is_null() }
}

/// The value of a variable, while the program starts: later the program may change or free it.
pub(crate) fn get(name: &CStr) -> Option<&'static [u8]> {
    // SAFETY: the name is a C string; the value stays where it is while programs start.
    unsafe {
        let value = libc::getenv(name.as_ptr());
        (!value.is_null()).then(|| CStr::from_ptr(value).to_bytes())
    }
}

/// Whether the process has rights that whoever started it may not have: by a set-user-id or set-group-id program, or by a
/// file's capabilities. `secure_getenv` asks the same, but not in statically linked programs.
pub(crate) fn is_privileged() -> bool {
    keep_errno(|| {
        set_errno(0);
        // SAFETY: the call reads what the kernel left for the program.
        let secure = unsafe { libc::getauxval(libc::AT_SECURE) } != 0;
        let is_unknown = errno() == libc::ENOENT;
        // SAFETY: the calls only return numbers.
        let differs = || unsafe { libc::getuid() != libc::geteuid() || libc::getgid() != libc::getegid() };
        secure || is_unknown && differs()
    })
}

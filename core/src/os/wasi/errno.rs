//! `errno`: the error number of the last call.

pub(crate) use crate::os::keep_errno::keep_errno;
use core::fmt;

pub(crate) use libc::{
    EFBIG as FILE_TOO_LARGE, EINVAL as INVALID, ENOSPC as NO_SPACE, EPERM as NOT_PERMITTED,
};

/// The error number of what the system does not have.
pub(super) const NOT_SUPPORTED: i32 = libc::ENOTSUP;

unsafe extern "C" {
    // A program of one thread has one. Not every C library of WASI has a function that returns its address.
    #[link_name = "errno"]
    static mut ERRNO: core::ffi::c_int;
}

/// The error number.
pub(crate) fn errno() -> i32 {
    // SAFETY: the number is the C library's, and the program has one thread.
    unsafe { ERRNO }
}

/// Sets the error number.
pub(crate) fn set_errno(number: i32) {
    // SAFETY: as above.
    unsafe { ERRNO = number };
}

/// An error number, displayed with its meaning. The texts are not the C library's.
pub(crate) struct Code(pub(crate) i32);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let meaning = match self.0 {
            libc::EPERM => "Operation not permitted",
            libc::ENOENT => "No such file or directory",
            libc::EIO => "Input/output error",
            libc::EBADF => "Bad file descriptor",
            libc::ENOMEM => "Cannot allocate memory",
            libc::EACCES => "Permission denied",
            libc::ENOTDIR => "Not a directory",
            libc::EISDIR => "Is a directory",
            libc::EINVAL => "Invalid argument",
            libc::EMFILE => "Too many open files",
            libc::EFBIG => "File too large",
            libc::ENOSPC => "No space left on device",
            libc::EROFS => "Read-only file system",
            libc::EPIPE => "Broken pipe",
            libc::ENAMETOOLONG => "File name too long",
            libc::ELOOP => "Too many levels of symbolic links",
            libc::EDQUOT => "Disk quota exceeded",
            libc::ENOTSUP => "WASI does not have it",
            libc::ENOTCAPABLE => "the host gave no access to the folder",
            _ => "the system's error",
        };
        write!(f, "{meaning} (os error {})", self.0)
    }
}

//! `errno`: the error number of the last call. Each thread has its own.

pub(crate) use crate::os::keep_errno::keep_errno;
use core::fmt;
#[cfg(target_os = "android")]
use libc::__errno as place;
#[cfg(target_os = "linux")]
use libc::__errno_location as place;
#[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
use libc::__error as place;

pub(crate) use libc::{
    EFBIG as FILE_TOO_LARGE, EINVAL as INVALID, ENOSPC as NO_SPACE, EPERM as NOT_PERMITTED,
};

/// The running thread's error number.
pub(crate) fn errno() -> i32 {
    // SAFETY: the location is the calling thread's own.
    unsafe { *place() }
}

/// Sets the running thread's error number.
pub(crate) fn set_errno(number: i32) {
    // SAFETY: the location is the calling thread's own.
    unsafe { *place() = number };
}

/// The address of the running thread's error number: it identifies the thread as long as the thread lives. Never 0.
pub(crate) fn location() -> usize {
    // SAFETY: the call only returns an address.
    unsafe { place() }.addr()
}

/// An error number, displayed with its meaning. The texts are not the C library's: it translates them, and may lock and
/// allocate to do so.
pub(crate) struct Code(pub(crate) i32);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let meaning = match self.0 {
            libc::EPERM => "Operation not permitted",
            libc::ENOENT => "No such file or directory",
            libc::EIO => "Input/output error",
            libc::EBADF => "Bad file descriptor",
            libc::EAGAIN => "Resource temporarily unavailable",
            libc::ENOMEM => "Cannot allocate memory",
            libc::EACCES => "Permission denied",
            libc::ENOTDIR => "Not a directory",
            libc::EISDIR => "Is a directory",
            libc::EINVAL => "Invalid argument",
            libc::ENFILE => "Too many open files in system",
            libc::EMFILE => "Too many open files",
            libc::EFBIG => "File too large",
            libc::ENOSPC => "No space left on device",
            libc::EROFS => "Read-only file system",
            libc::EPIPE => "Broken pipe",
            libc::ENAMETOOLONG => "File name too long",
            libc::ELOOP => "Too many levels of symbolic links",
            libc::EDQUOT => "Disk quota exceeded",
            _ => "the system's error",
        };
        write!(f, "{meaning} (os error {})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Code;
    use std::io::Error;

    #[test]
    fn the_systems_errors_are_named_as_the_system_does() {
        // musl has words of its own.
        let codes = if cfg!(target_env = "gnu") { 1..134 } else { 0..0 };
        for code in codes.filter(|code| !Code(*code).to_string().starts_with("the system's")) {
            assert_eq!(Code(code).to_string(), Error::from_raw_os_error(code).to_string());
        }
        assert_eq!(Code(libc::ENOSPC).to_string(), "No space left on device (os error 28)");
    }
}

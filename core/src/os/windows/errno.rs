//! The error number of the last call: `GetLastError`. Each thread has its own.

use super::system::{GetLastError, SetLastError};
use super::teb;
pub(crate) use crate::os::keep_errno::keep_errno;
use core::fmt;

/// `ERROR_ACCESS_DENIED`.
pub(crate) const NOT_PERMITTED: i32 = 5;
/// `ERROR_INVALID_PARAMETER`.
pub(crate) const INVALID: i32 = 87;
/// `ERROR_DISK_FULL`.
pub(crate) const NO_SPACE: i32 = 112;
/// `ERROR_FILE_TOO_LARGE`.
pub(crate) const FILE_TOO_LARGE: i32 = 223;

/// The running thread's error number.
pub(crate) fn errno() -> i32 {
    // SAFETY: the call only returns a number.
    unsafe { GetLastError() as i32 }
}

/// Sets the running thread's error number.
pub(crate) fn set_errno(number: i32) {
    // SAFETY: the call only stores a number.
    unsafe { SetLastError(number as u32) };
}

/// An address that identifies the thread as long as the thread lives. Never 0.
pub(super) fn location() -> usize {
    teb::address()
}

/// An error number, displayed with its meaning. The texts are not the system's: it translates them, and allocates to do
/// so.
pub(crate) struct Code(pub(crate) i32);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let meaning = match self.0 {
            2 => "The file does not exist",
            3 => "The folder does not exist",
            4 => "Too many open files",
            NOT_PERMITTED => "Access is denied",
            6 => "The handle is invalid",
            8 | 14 => "There is not enough memory",
            15 => "The drive does not exist",
            19 => "The medium is write-protected",
            32 => "Another process uses the file",
            33 => "Another process has locked a part of the file",
            39 | NO_SPACE => "There is not enough space on the disk",
            INVALID => "Invalid argument",
            109 | 232 => "The pipe has ended",
            123 => "The name of the file is invalid",
            206 => "The path is too long",
            FILE_TOO_LARGE => "The file is too large",
            1455 => "The paging file is too small",
            _ => "the system's error",
        };
        write!(f, "{meaning} (os error {})", self.0)
    }
}

//! Standard error, which a program may lack: one with windows instead of a console has none.

use super::system::{GetStdHandle, INVALID_HANDLE, STD_ERROR_HANDLE, WriteFile};
use core::ptr::null_mut;

/// Remembers the file that standard error is, before the program can close it.
///
/// Here there is nothing to remember: a program that closes the file says so to the system.
pub(crate) fn remember_stream() {}

/// Writes bytes to standard error, if the program has one. Bytes that cannot be written are lost. May change the error
/// number.
pub(crate) fn write(bytes: &[u8]) {
    let mut written = 0;
    // SAFETY: the bytes are valid for their length. The system checks the handle.
    unsafe {
        let stream = GetStdHandle(STD_ERROR_HANDLE);
        if !stream.is_null() && stream != INVALID_HANDLE {
            WriteFile(stream, bytes.as_ptr(), bytes.len() as u32, &raw mut written, null_mut());
        }
    }
}

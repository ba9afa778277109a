//! Standard error.

/// Remembers the file that standard error is, before the program can close it. Here a program has no means to close it.
pub(crate) fn remember_stream() {}

/// Writes bytes to standard error. Bytes that cannot be written are lost. May change `errno`.
pub(crate) fn write(bytes: &[u8]) {
    // SAFETY: the bytes are valid for their length.
    unsafe { libc::write(libc::STDERR_FILENO, bytes.as_ptr().cast(), bytes.len()) };
}

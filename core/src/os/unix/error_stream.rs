//! Standard error, which a program may close.

use super::{calls, signal_mask};
use crate::sync::*;

/// Device and inode of standard error at the program's start; zeros when it was closed.
static STREAM: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];

/// Remembers the file that standard error is, before the program can close it. Later calls change nothing.
pub(crate) fn remember_stream() {
    let is_known = STREAM.iter().any(|number| number.load(Acquire) != 0);
    if let Some((file, _)) = stream().filter(|_| !is_known) {
        for (place, number) in STREAM.iter().zip(file) {
            place.store(number, Release);
        }
    }
}

/// Writes bytes to standard error, unless the program has closed it. Bytes that cannot be written are lost. May change
/// `errno`.
pub(crate) fn write(bytes: &[u8]) {
    if is_standard_error() {
        signal_mask::while_write_signals_blocked(|| calls::write(libc::STDERR_FILENO, bytes));
    }
}

/// Device and inode of descriptor 2, and whether it is a regular file; `None` when it is closed.
fn stream() -> Option<([u64; 2], bool)> {
    let status = calls::fstat(libc::STDERR_FILENO)?;
    Some(([status.st_dev as _, status.st_ino as _], status.st_mode & libc::S_IFMT == libc::S_IFREG))
}

/// Whether a message may go to descriptor 2. A program may have closed it and opened a data file that got the number:
/// the message must not land there.
fn is_standard_error() -> bool {
    let before = [0, 1].map(|place| STREAM[place].load(Acquire));
    stream().is_some_and(|(file, is_regular)| file == before || !is_regular)
}

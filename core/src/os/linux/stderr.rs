//! Messages for people, on standard error, without allocating: for errors that no caller receives.

use super::{calls, signal_mask};
use crate::Error;
use crate::sync::*;
use core::fmt;

/// Device and inode of standard error at the program's start; zeros when it was closed.
static STREAM: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];

/// Writes `memtrack: `, the text and a newline. A line of more than 512 bytes is cut off. Writes
/// nothing when the program has closed the stream. May change `errno`.
pub(crate) fn line(text: fmt::Arguments<'_>) {
    let mut line = heapless::String::<512>::new();
    let _ = fmt::write(&mut line, format_args!("memtrack: {text}"));
    let _ = line.push('\n');
    if is_standard_error() {
        signal_mask::while_write_signals_blocked(|| calls::write(libc::STDERR_FILENO, line.as_bytes()));
    }
}

/// Reports an error about the value of an environment variable, as one line.
pub(crate) fn of_variable(name: &core::ffi::CStr, value: &[u8], error: Error) {
    let name = name.to_str().unwrap_or("…");
    line(format_args!("{name}={}: {error}", Text(value)));
}

/// Displays bytes as text, with U+FFFD in the place of what is not UTF-8.
pub(crate) struct Text<'t>(pub(crate) &'t [u8]);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.utf8_chunks().try_for_each(|chunk| {
            f.write_str(chunk.valid())?;
            if chunk.invalid().is_empty() { Ok(()) } else { f.write_str("\u{fffd}") }
        })
    }
}

/// Remembers the file that standard error is, before the program can close it. Later calls change nothing.
pub(crate) fn remember_stream() {
    let is_known = STREAM.iter().any(|number| number.load(Acquire) != 0);
    if let Some((file, _)) = stream().filter(|_| !is_known) {
        for (place, number) in STREAM.iter().zip(file) {
            place.store(number, Release);
        }
    }
}

/// Device and inode of descriptor 2, and whether it is a regular file; `None` when it is closed.
fn stream() -> Option<([u64; 2], bool)> {
    let status = calls::fstat(libc::STDERR_FILENO)?;
    Some(([status.st_dev, status.st_ino], status.st_mode & libc::S_IFMT == libc::S_IFREG))
}

/// Whether a message may go to descriptor 2. A program may have closed it and opened a data file that got the number:
/// the message must not land there.
fn is_standard_error() -> bool {
    let before = [0, 1].map(|place| STREAM[place].load(Acquire));
    stream().is_some_and(|(file, is_regular)| file == before || !is_regular)
}

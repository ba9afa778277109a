//! Messages that nobody can be given: on standard error, without allocating.

use super::{calls, signal_mask};
use crate::Error;
use crate::sync::*;
use core::fmt;

/// The file that standard error was when the tracker first looked, by device and number; 0 when it was closed.
static STREAM: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];

/// Writes `memtrack: ` and a line. A long one is cut off.
pub(crate) fn line(text: fmt::Arguments<'_>) {
    let mut line = heapless::String::<512>::new();
    let _ = fmt::write(&mut line, format_args!("memtrack: {text}"));
    let _ = line.push('\n');
    if is_standard_error() {
        signal_mask::of_writes_held(|| calls::write(libc::STDERR_FILENO, line.as_bytes()));
    }
}

/// What went wrong with the value of a variable.
pub(crate) fn of_variable(name: &core::ffi::CStr, value: &[u8], error: Error) {
    let name = name.to_str().unwrap_or("…");
    line(format_args!("{name}={}: {error}", Text(value)));
}

/// Text that may not be UTF-8.
pub(crate) struct Text<'t>(pub(crate) &'t [u8]);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.utf8_chunks().try_for_each(|chunk| {
            f.write_str(chunk.valid())?;
            if chunk.invalid().is_empty() { Ok(()) } else { f.write_str("\u{fffd}") }
        })
    }
}

/// Notes which file standard error is, before the program can close it.
pub(crate) fn at_start() {
    let is_known = STREAM.iter().any(|number| number.load(Acquire) != 0);
    if let Some((file, _)) = stream().filter(|_| !is_known) {
        for (place, number) in STREAM.iter().zip(file) {
            place.store(number, Release);
        }
    }
}

fn stream() -> Option<([u64; 2], bool)> {
    let status = calls::fstat(libc::STDERR_FILENO)?;
    Some(([status.st_dev, status.st_ino], status.st_mode & libc::S_IFMT == libc::S_IFREG))
}

/// Whether descriptor 2 still is what a message may go to. A program that closes it, and opens a file of its own that gets
/// the number, would find the message in that file.
fn is_standard_error() -> bool {
    let before = [0, 1].map(|place| STREAM[place].load(Acquire));
    stream().is_some_and(|(file, is_regular)| file == before || !is_regular)
}

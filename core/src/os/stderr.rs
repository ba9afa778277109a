//! Messages for people, on standard error, without allocating: for errors that no caller receives.

use super::error_stream;
use crate::Error;
use core::fmt;

pub(crate) use super::error_stream::remember_stream;

/// Writes `memtrack: `, the text and a newline. A line of more than 512 bytes is cut off. Writes
/// nothing when the program has closed the stream. May change `errno`.
pub(crate) fn line(text: fmt::Arguments<'_>) {
    let mut line = heapless::String::<512>::new();
    let _ = fmt::write(&mut line, format_args!("memtrack: {text}"));
    let _ = line.push('\n');
    error_stream::write(line.as_bytes());
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

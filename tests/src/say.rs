//! The facts that a tracked program prints for its suite: lines of a name and a number, written without touching the
//! heap. A line that allocated would change the figures that it reports.

use std::fmt::{self, Write};

/// Bytes of a line.
const LINE: usize = 512;

/// Writes a line to standard output: `say!("live {}", stats.live_bytes)`.
#[macro_export]
macro_rules! say {
    ($($argument:tt)*) => { $crate::say::line(format_args!($($argument)*)) };
}

/// Implements [`say!`](crate::say!).
///
/// # Panics
/// When the line is longer than 512 bytes, or standard output is closed.
pub fn line(text: fmt::Arguments<'_>) {
    let mut line = Line { bytes: [0; LINE], length: 0 };
    line.write_fmt(text).and_then(|()| line.write_str("\n")).expect("a line of at most 512 bytes");
    let mut rest = &line.bytes[..line.length];
    while !rest.is_empty() {
        // SAFETY: the bytes are valid for the call.
        let n = unsafe { libc::write(libc::STDOUT_FILENO, rest.as_ptr().cast(), rest.len()) };
        rest = &rest[usize::try_from(n).expect("standard output takes the line")..];
    }
}

struct Line {
    bytes: [u8; LINE],
    length: usize,
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

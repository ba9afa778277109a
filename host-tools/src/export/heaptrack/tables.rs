//! Strings, frames and traces. Each is written before its first use. Numbers begin at 1; 0 means none.

use std::io::{self, Write};

use indexmap::IndexSet;

use crate::profile::stacks::Shown;

/// The entries that were written.
#[derive(Default)]
pub(super) struct Tables {
    strings: IndexSet<String>,
    /// The address, function, file and line of each frame.
    frames: IndexSet<(u64, u64, u64, u32)>,
    /// The frame and the caller's trace of each trace.
    traces: IndexSet<(u64, u64)>,
}

impl Tables {
    /// The number of a trace. Its frames come outermost first.
    pub(super) fn trace<'f>(
        &mut self,
        frames: impl Iterator<Item = Shown<'f>>,
        out: &mut dyn Write,
    ) -> io::Result<u64> {
        let mut parent = 0;
        for shown in frames {
            let frame = self.frame(shown, out)?;
            let (index, new) = self.traces.insert_full((frame, parent));
            if new {
                writeln!(out, "t {frame:x} {parent:x}")?;
            }
            parent = index as u64 + 1;
        }
        Ok(parent)
    }

    fn frame(&mut self, shown: Shown<'_>, out: &mut dyn Write) -> io::Result<u64> {
        let address = shown.location.map_or(0, |location| location.address);
        let function = self.string(shown.name, out)?;
        let file = shown.file.map_or(Ok(0), |file| self.string(file, out))?;
        let line = shown.line;
        let (index, new) = self.frames.insert_full((address, function, file, line));
        if new {
            writeln!(out, "i {address:x} 0 {function:x} {file:x} {line:x}")?;
        }
        Ok(index as u64 + 1)
    }

    fn string(&mut self, text: &str, out: &mut dyn Write) -> io::Result<u64> {
        let index = match self.strings.get_index_of(text) {
            Some(index) => index,
            None => {
                writeln!(out, "s {:x} {text}", text.len())?;
                self.strings.insert_full(text.into()).0
            }
        };
        Ok(index as u64 + 1)
    }
}

//! Packets: a dump for a line that drops or changes bytes.

use embedded_io::{ErrorType, Write};
use memtrack_format::{MAX_PACKET, Packet};

/// Sends a dump as packets: `HEAP.dump(&mut Packets::new(uart))`.
///
/// For a serial line, or a ring that a debugger drains: bytes get lost or changed there, or other text comes between them.
/// Each packet has up to 244 bytes of the dump, their offset in it, and a CRC-32. `memtrack-fold` recognises packets, shows
/// those that arrived, and says how many bytes are missing. The format is in `docs/wire-format.md`. A packet adds 13 bytes, and
/// some 250 bytes of stack. The line must pass all values of a byte: no XON/XOFF.
///
/// The program's own text may come between packets, not inside one. A packet is one [`write`](Write::write) of `W`: print from
/// the code that dumps, or let both share a lock that `W` takes for each write.
#[derive(Debug)]
pub struct Packets<W> {
    line: W,
    offset: u32,
}

impl<W> Packets<W> {
    /// Packets of one dump. The next dump needs a new value.
    pub const fn new(line: W) -> Self {
        Packets { line, offset: 0 }
    }

    /// The line.
    pub fn into_inner(self) -> W {
        self.line
    }
}

impl<W: ErrorType> ErrorType for Packets<W> {
    type Error = W::Error;
}

impl<W: Write> Write for Packets<W> {
    /// Sends one packet, with as many of the bytes as it can hold.
    fn write(&mut self, bytes: &[u8]) -> Result<usize, W::Error> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let mut packet = [0; MAX_PACKET];
        let (length, taken) = Packet { offset: self.offset, data: bytes }.encode(&mut packet);
        self.line.write_all(&packet[..length])?;
        self.offset = self.offset.wrapping_add(taken as u32);
        Ok(taken)
    }

    fn flush(&mut self) -> Result<(), W::Error> {
        self.line.flush()
    }
}

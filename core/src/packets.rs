//! A dump over a line that drops or changes bytes.

use embedded_io::{ErrorType, Write};
use memtrack_format::{MAX_PACKET, Packet};

/// Sends a dump as packets: `HEAP.dump(&mut Packets::new(uart))`.
///
/// For a serial line, or a ring that a debugger drains, where bytes get lost or changed, or other text comes between.
/// Each packet of at most 244 bytes has a place in the dump and a CRC-32; `memtrack-fold` recognises them, shows what
/// arrived, and says how much did not. The format is in `docs/wire-format.md`. Costs 13 bytes a packet on the line, and some
/// 250 bytes of stack. The line must pass all values of a byte: no XON/XOFF.
///
/// Text of the program's own may come between packets, not inside: print from the code that dumps, or share a lock
/// with it that each [`write`](Write::write) of `W` takes: a packet is one write.
#[derive(Debug)]
pub struct Packets<W> {
    line: W,
    offset: u32,
}

impl<W> Packets<W> {
    /// Of one dump; begin anew for the next one.
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
    /// Sends one packet, with as many of the bytes as fit.
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

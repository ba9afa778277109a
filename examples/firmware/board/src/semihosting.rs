//! Semihosting: the debugger (here QEMU) opens files and ends the program on the firmware's behalf.

use core::fmt;

use crate::machine::{semihost, semihost_raw};

const OPEN: usize = 0x01;
const CLOSE: usize = 0x02;
const WRITE: usize = 0x05;
const EXIT: usize = 0x18;
const EXIT_WITH_CODE: usize = 0x20;
/// `ADP_Stopped_ApplicationExit` and `ADP_Stopped_RunTimeErrorUnknown`.
const DONE: usize = 0x20026;
const FAILED: usize = 0x20023;
/// `wb` of `fopen`.
const WRITE_BINARY: usize = 5;

/// The file for the dump, in the folder that QEMU runs in.
const FILE: &core::ffi::CStr = c"firmware.memtrack";

/// The sink of a dump: a file on the host.
#[derive(Debug)]
pub struct Wire {
    handle: usize,
}

impl Wire {
    /// Opens it; `None` if the host refuses.
    #[must_use]
    pub fn open() -> Option<Wire> {
        let name = FILE.to_bytes();
        let handle = semihost(OPEN, &[name.as_ptr() as usize, WRITE_BINARY, name.len()]);
        (handle != usize::MAX).then_some(Wire { handle })
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        semihost(CLOSE, &[self.handle]);
    }
}

/// The host did not take all bytes.
#[derive(Debug)]
pub struct NotWritten;

impl fmt::Display for NotWritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host did not take all bytes")
    }
}

impl core::error::Error for NotWritten {}

impl embedded_io::Error for NotWritten {
    fn kind(&self) -> embedded_io::ErrorKind {
        embedded_io::ErrorKind::Other
    }
}

impl embedded_io::ErrorType for Wire {
    type Error = NotWritten;
}

impl embedded_io::Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, NotWritten> {
        match semihost(WRITE, &[self.handle, bytes.as_ptr() as usize, bytes.len()]) {
            0 => Ok(bytes.len()),
            _ => Err(NotWritten),
        }
    }

    fn flush(&mut self) -> Result<(), NotWritten> {
        Ok(())
    }
}

/// Ends the program. QEMU's exit status is 0 for success, otherwise 1.
pub fn exit(ok: bool) -> ! {
    if cfg!(target_arch = "arm") {
        // 32-bit ARM passes the reason itself; the others pass the address of a block.
        semihost_raw(EXIT, if ok { DONE } else { FAILED });
    }
    semihost(EXIT_WITH_CODE, &[DONE, usize::from(!ok)]);
    loop {
        core::hint::spin_loop();
    }
}

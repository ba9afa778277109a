//! A PC by QEMU (`-machine q35`): no firmware, two serial ports, and a port that ends QEMU.

use core::arch::{asm, global_asm};

mod memory;

global_asm!(include_str!("x86_64/start.s"), options(att_syntax));

/// COM1 is the console, COM2 takes the dump.
const COM: [u16; 2] = [0x3f8, 0x2f8];
/// QEMU's `isa-debug-exit`.
const EXIT: u16 = 0xf4;

fn out(port: u16, byte: u8) {
    // SAFETY: writing to a serial port of the machine touches no memory.
    unsafe { asm!("out dx, al", in("dx") port, in("al") byte, options(nomem, nostack, preserves_flags)) }
}

pub(crate) fn send(byte: u8) {
    out(COM[0], byte);
}

/// The sink of a dump: the second serial port.
#[derive(Debug)]
pub struct Wire(());

impl Wire {
    /// Opens it.
    #[must_use]
    pub fn open() -> Option<Wire> {
        Some(Wire(()))
    }
}

impl embedded_io::ErrorType for Wire {
    type Error = core::convert::Infallible;
}

impl embedded_io::Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Self::Error> {
        bytes.iter().for_each(|&byte| out(COM[1], byte));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// Nanoseconds since the machine started, at a nominal 1 GHz.
#[must_use]
pub fn uptime_ns() -> u64 {
    // SAFETY: reading the time stamp counter touches no memory.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Ends the program. QEMU's exit status is 33 for success, otherwise 35. Never inlined, because a debugger stops here.
#[inline(never)]
pub fn exit(ok: bool) -> ! {
    let code: u32 = if ok { 0x10 } else { 0x11 };
    // SAFETY: writing to the port ends QEMU.
    unsafe { asm!("out dx, eax", in("dx") EXIT, in("eax") code, options(nomem, nostack)) }
    loop {
        core::hint::spin_loop();
    }
}

struct NoInterrupts;
critical_section::set_impl!(NoInterrupts);

// SAFETY: one core, and interrupts are never enabled: every section is critical.
unsafe impl critical_section::Impl for NoInterrupts {
    unsafe fn acquire() -> u8 {
        0
    }

    unsafe fn release(_: u8) {}
}

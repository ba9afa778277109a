//! QEMU's `virt` machine with an AArch64 core.

use core::arch::{asm, global_asm};

pub use crate::semihosting::{Wire, exit};

// Reset: floating point on (the compiler uses its registers), `.bss` cleared, and the outermost frame, which has
// neither caller nor return address. Without page tables all memory is device memory: unaligned accesses fault, so the
// compiler is configured to make none (`strict-align`).
global_asm!(
    ".section .init, \"ax\"",
    ".globl _start",
    ".type _start, %function",
    "_start:",
    ".cfi_startproc",
    ".cfi_undefined x30",
    "mov x0, #(3 << 20)",
    "msr cpacr_el1, x0",
    "isb",
    "adrp x0, _stack_top",
    "add x0, x0, :lo12:_stack_top",
    "mov sp, x0",
    "adrp x0, _bss_start",
    "add x0, x0, :lo12:_bss_start",
    "adrp x1, _bss_end",
    "add x1, x1, :lo12:_bss_end",
    "1: cmp x0, x1",
    "b.hs 2f",
    "str xzr, [x0], #8",
    "b 1b",
    "2: mov x29, #0",
    "mov x30, #0",
    "bl board_main",
    ".cfi_endproc",
    ".size _start, . - _start",
);

/// A PL011.
const UART: *mut u32 = 0x0900_0000 as *mut u32;

pub(crate) fn send(byte: u8) {
    // SAFETY: the data register; QEMU's port is always ready.
    unsafe { UART.write_volatile(u32::from(byte)) }
}

pub(crate) fn semihost(operation: usize, arguments: &[usize]) -> usize {
    semihost_raw(operation, arguments.as_ptr() as usize)
}

pub(crate) fn semihost_raw(operation: usize, argument: usize) -> usize {
    let mut result = operation;
    // SAFETY: the debugger reads and writes only the memory that the arguments of the operation name.
    unsafe { asm!("hlt 0xf000", inout("x0") result, in("x1") argument) };
    result
}

/// Nanoseconds since the machine started.
#[must_use]
pub fn uptime_ns() -> u64 {
    let (count, frequency): (u64, u64);
    // SAFETY: reads registers.
    unsafe { asm!("mrs {}, cntpct_el0", "mrs {}, cntfrq_el0", out(reg) count, out(reg) frequency) };
    count / (frequency / 1_000_000) * 1_000
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

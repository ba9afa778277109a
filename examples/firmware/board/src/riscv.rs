//! QEMU's `virt` machine with RISC-V cores.

use core::arch::{asm, global_asm};
use core::sync::atomic::{AtomicUsize, Ordering};

pub use crate::semihosting::{Wire, exit};

// Reset: core 0 clears `.bss` and runs `main`, core 1 waits until it gets a function. The outermost frame has neither
// caller nor return address. A trap saves the registers that a call may change and makes a frame of its own whose return
// address is the interrupted instruction, so that the chain of frames continues into the interrupted code.
global_asm!(
    ".section .init, \"ax\"",
    ".globl _start",
    ".type _start, @function",
    "_start:",
    ".cfi_startproc",
    ".cfi_undefined ra",
    ".option push",
    ".option norelax",
    "la gp, __global_pointer$",
    ".option pop",
    "la t0, trap",
    "csrw mtvec, t0",
    "li s0, 0",
    "li ra, 0",
    "csrr t0, mhartid",
    "bnez t0, 3f",
    "la sp, _stack_top",
    "la t0, _bss_start",
    "la t1, _bss_end",
    "1: bgeu t0, t1, 2f",
    "sw zero, 0(t0)",
    "addi t0, t0, 4",
    "j 1b",
    "2: call board_main",
    "3: la sp, _stack_top_1",
    "call board_second",
    ".cfi_endproc",
    ".size _start, . - _start",
    ".text",
    ".align 2",
    "trap:",
    "addi sp, sp, -80",
    "sw s0, 72(sp)",
    "sw ra, 0(sp)",
    "sw t0, 4(sp)",
    "sw t1, 8(sp)",
    "sw t2, 12(sp)",
    "sw t3, 16(sp)",
    "sw t4, 20(sp)",
    "sw t5, 24(sp)",
    "sw t6, 28(sp)",
    "sw a0, 32(sp)",
    "sw a1, 36(sp)",
    "sw a2, 40(sp)",
    "sw a3, 44(sp)",
    "sw a4, 48(sp)",
    "sw a5, 52(sp)",
    "sw a6, 56(sp)",
    "sw a7, 60(sp)",
    "csrr t0, mepc",
    "sw t0, 76(sp)",
    "addi s0, sp, 80",
    "call board_trap",
    "lw t0, 76(sp)",
    "csrw mepc, t0",
    "lw ra, 0(sp)",
    "lw t0, 4(sp)",
    "lw t1, 8(sp)",
    "lw t2, 12(sp)",
    "lw t3, 16(sp)",
    "lw t4, 20(sp)",
    "lw t5, 24(sp)",
    "lw t6, 28(sp)",
    "lw a0, 32(sp)",
    "lw a1, 36(sp)",
    "lw a2, 40(sp)",
    "lw a3, 44(sp)",
    "lw a4, 48(sp)",
    "lw a5, 52(sp)",
    "lw a6, 56(sp)",
    "lw a7, 60(sp)",
    "lw s0, 72(sp)",
    "addi sp, sp, 80",
    "mret",
);

/// The first serial port, a 16550.
const UART: *mut u8 = 0x1000_0000 as *mut u8;
/// The timer that all cores read, 10 MHz, and the register of each core for the time of its next interrupt.
const TIME: *const u64 = 0x0200_bff8 as *const u64;
const COMPARE: *mut u64 = 0x0200_4000 as *mut u64;
/// `mcause` of a timer interrupt.
const TIMER: usize = 1 << 31 | 7;
const TIMER_ENABLE: usize = 1 << 7;

pub(crate) fn send(byte: u8) {
    // SAFETY: the data register; QEMU's port is always ready.
    unsafe { UART.write_volatile(byte) }
}

pub(crate) fn semihost(operation: usize, arguments: &[usize]) -> usize {
    semihost_raw(operation, arguments.as_ptr() as usize)
}

#[inline(never)]
pub(crate) fn semihost_raw(operation: usize, argument: usize) -> usize {
    let mut result = operation;
    // SAFETY: the debugger reads and writes only the memory that the arguments of the operation name. The three
    // instructions, uncompressed and in one page, are the call.
    unsafe {
        asm!(
            ".option push", ".option norvc", ".balign 16", "slli x0, x0, 0x1f", "ebreak", "srai x0, x0, 7",
            ".option pop", inout("a0") result, in("a1") argument
        );
    }
    result
}

fn ticks() -> u64 {
    let time = TIME.cast::<u32>();
    loop {
        // SAFETY: the two halves of the timer; they are read again if the low half has overflowed meanwhile.
        let (high, low, again) =
            unsafe { (time.add(1).read_volatile(), time.read_volatile(), time.add(1).read_volatile()) };
        if high == again {
            return u64::from(high) << 32 | u64::from(low);
        }
    }
}

/// Does nothing: the clock runs by itself.
pub fn start_clock() {}

/// Nanoseconds since the machine started.
#[must_use]
pub fn uptime_ns() -> u64 {
    ticks() * 100
}

/// The number of the running core.
#[must_use]
pub fn core() -> usize {
    let core: usize;
    // SAFETY: reads a register.
    unsafe { asm!("csrr {}, mhartid", out(reg) core, options(nomem, nostack, preserves_flags)) };
    core
}

/// The stack of the second core.
#[must_use]
pub fn second_stack() -> (usize, usize) {
    unsafe extern "C" {
        static _stack_top: u8;
        static _stack_top_1: u8;
    }
    (&raw const _stack_top as usize, &raw const _stack_top_1 as usize)
}

static SECOND: AtomicUsize = AtomicUsize::new(0);

/// Makes the second core run a function.
pub fn start_second(main: fn()) {
    SECOND.store(main as usize, Ordering::Release);
}

#[unsafe(no_mangle)]
extern "C" fn board_second() -> ! {
    loop {
        let main = SECOND.swap(0, Ordering::AcqRel);
        if main != 0 {
            // SAFETY: the stored value is 0 or a function of this type.
            let main: fn() = unsafe { core::mem::transmute(main) };
            main();
        }
        core::hint::spin_loop();
    }
}

static TICK: AtomicUsize = AtomicUsize::new(0);
static PERIOD: AtomicUsize = AtomicUsize::new(0);

/// Makes `tick` interrupt the running core every `period` of the timer's ticks (100 ns).
pub fn start_ticks(period: u32, tick: fn()) {
    TICK.store(tick as usize, Ordering::Release);
    PERIOD.store(period as usize, Ordering::Release);
    next_tick();
    // SAFETY: enables the timer's interrupt and interrupts in general.
    unsafe { asm!("csrs mie, {}", "csrsi mstatus, 8", in(reg) TIMER_ENABLE, options(nostack)) }
}

/// Stops the ticks on this core.
pub fn stop_ticks() {
    // SAFETY: disables interrupts.
    unsafe { asm!("csrci mstatus, 8", "csrc mie, {}", in(reg) TIMER_ENABLE, options(nostack)) }
}

fn next_tick() {
    let at = ticks() + PERIOD.load(Ordering::Relaxed) as u64;
    let compare = COMPARE.wrapping_add(core()).cast::<u32>();
    // SAFETY: this core's own register. The high half is first set to never, so that no half-written time fires.
    unsafe {
        compare.add(1).write_volatile(u32::MAX);
        compare.write_volatile(at as u32);
        compare.add(1).write_volatile((at >> 32) as u32);
    }
}

#[unsafe(no_mangle)]
extern "C" fn board_trap() {
    let cause: usize;
    // SAFETY: reads a register.
    unsafe { asm!("csrr {}, mcause", out(reg) cause, options(nomem, nostack, preserves_flags)) };
    if cause != TIMER {
        _ = core::fmt::Write::write_fmt(&mut crate::Console, format_args!("fault {cause:#x}\n"));
        exit(false);
    }
    next_tick();
    // SAFETY: ticks are on, so a function of this type was stored.
    let tick: fn() = unsafe { core::mem::transmute(TICK.load(Ordering::Acquire)) };
    tick();
}

/// One section for both cores: the number of the core that holds it plus one, 0 if it is free.
static HOLDER: AtomicUsize = AtomicUsize::new(0);

struct BothCores;
critical_section::set_impl!(BothCores);

// SAFETY: interrupts are off and the other core waits until the holder leaves. A section inside a section of the same
// core does neither take nor leave it.
unsafe impl critical_section::Impl for BothCores {
    unsafe fn acquire() -> u8 {
        let status: usize;
        // SAFETY: disables interrupts and returns whether they were on.
        unsafe { asm!("csrrci {}, mstatus, 8", out(reg) status, options(nostack)) };
        let me = core() + 1;
        if HOLDER.load(Ordering::Acquire) == me {
            return 2;
        }
        while HOLDER.compare_exchange_weak(0, me, Ordering::Acquire, Ordering::Relaxed).is_err() {
            core::hint::spin_loop();
        }
        u8::from(status & 8 != 0)
    }

    unsafe fn release(state: u8) {
        if state == 2 {
            return;
        }
        HOLDER.store(0, Ordering::Release);
        if state == 1 {
            // SAFETY: they were on before.
            unsafe { asm!("csrsi mstatus, 8", options(nostack)) }
        }
    }
}

//! Cortex-M: ARM's MPS2 board (Cortex-M4) and the micro:bit (Cortex-M0).

use core::arch::{asm, global_asm};
use core::sync::atomic::{AtomicPtr, Ordering};

pub use crate::semihosting::{Wire, exit};

// Reset: copy `.data`, clear `.bss`, turn the floating point unit on if there is one, and begin the chain of
// frames: the outermost one has neither caller nor return address.
global_asm!(
    ".section .vectors, \"a\"",
    ".word _stack_top",
    ".word start",
    ".rept 12",
    ".word fault",
    ".endr",
    ".word board_switch",
    ".word board_tick",
    ".text",
    ".syntax unified",
    ".thumb_func",
    ".globl start",
    ".type start, %function",
    "start:",
    ".fnstart",
    ".cantunwind",
    "ldr r0, =_data_start",
    "ldr r1, =_data_end",
    "ldr r2, =_data_load",
    "2: cmp r0, r1",
    "bhs 3f",
    "ldr r3, [r2]",
    "str r3, [r0]",
    "adds r0, #4",
    "adds r2, #4",
    "b 2b",
    "3: ldr r0, =_bss_start",
    "ldr r1, =_bss_end",
    "movs r2, #0",
    "4: cmp r0, r1",
    "bhs 5f",
    "str r2, [r0]",
    "adds r0, #4",
    "b 4b",
    "5:",
    "ldr r0, =0xE000ED88", // CPACR: absent on a Cortex-M0, where the write is ignored.
    "ldr r1, =0xF00000",
    "str r1, [r0]",
    "dsb",
    "isb",
    "movs r0, #0",
    "mov lr, r0",
    "push {{r0, lr}}",
    "mov r7, sp",
    "bl board_main",
    ".fnend",
    ".size start, . - start",
    ".ltorg",
    ".thumb_func",
    ".globl fault",
    ".type fault, %function",
    "fault: bl board_fault",
);

#[unsafe(no_mangle)]
extern "C" fn board_fault() -> ! {
    _ = core::fmt::Write::write_str(&mut crate::Console, "fault\n");
    exit(false)
}

/// A memory-mapped register.
fn register(address: usize) -> *mut u32 {
    address as *mut u32
}

#[cfg(target_abi = "eabihf")]
mod serial {
    //! UART 0 of the MPS2 board.
    const UART: usize = 0x4000_4000;

    pub(crate) fn send(byte: u8) {
        let at = |offset| super::register(UART + offset);
        // SAFETY: registers of the UART: control (transmitter on), the divider (its smallest), data.
        unsafe {
            at(0x10).write_volatile(16);
            at(0x08).write_volatile(1);
            at(0x00).write_volatile(u32::from(byte));
        }
    }
}

#[cfg(not(target_abi = "eabihf"))]
mod serial {
    //! The UART of the nRF51.
    const UART: usize = 0x4000_2000;

    pub(crate) fn send(byte: u8) {
        let at = |offset| super::register(UART + offset);
        // SAFETY: registers of the UART: enable, start of the transmitter, ready flag, data.
        unsafe {
            at(0x500).write_volatile(4);
            at(0x008).write_volatile(1);
            at(0x11c).write_volatile(0);
            at(0x51c).write_volatile(u32::from(byte));
            while at(0x11c).read_volatile() == 0 {}
        }
    }
}

pub(crate) use serial::send;

pub(crate) fn semihost(operation: usize, arguments: &[usize]) -> usize {
    semihost_raw(operation, arguments.as_ptr() as usize)
}

pub(crate) fn semihost_raw(operation: usize, argument: usize) -> usize {
    let mut result = operation;
    // SAFETY: the debugger reads and writes only the memory that the arguments of the operation name.
    unsafe { asm!("bkpt 0xAB", inout("r0") result, in("r1") argument) };
    result
}

/// SysTick: control, reload, current value.
const SYSTICK: [usize; 3] = [0xE000_E010, 0xE000_E014, 0xE000_E018];

/// Bits of the processor's own timer, which counts down.
const TIMER: u32 = (1 << 24) - 1;
/// Nanoseconds of a tick: 25 MHz on the MPS2 board.
const TICK_NS: u64 = 40;

/// Uses the processor's own timer as a clock. It wraps around after 0.67 s: use it for short measurements.
pub fn start_clock() {
    // SAFETY: registers of the timer: reload, current value, then on without interrupt.
    unsafe {
        register(SYSTICK[1]).write_volatile(TIMER);
        register(SYSTICK[2]).write_volatile(0);
        register(SYSTICK[0]).write_volatile(5);
    }
}

/// Nanoseconds since [`start_clock`]; 0 without it.
#[must_use]
pub fn uptime_ns() -> u64 {
    // SAFETY: registers of the timer: on, current value.
    let (on, value) = unsafe { (register(SYSTICK[0]).read_volatile(), register(SYSTICK[2]).read_volatile()) };
    if on & 1 == 0 || value == 0 { 0 } else { u64::from(TIMER - value) * TICK_NS }
}

static TICK: AtomicPtr<()> = AtomicPtr::new(core::ptr::null_mut());

#[unsafe(no_mangle)]
extern "C" fn board_tick() {
    // SAFETY: ticks are on, so a function of this type was stored.
    let tick: fn() = unsafe { core::mem::transmute(TICK.load(Ordering::Relaxed)) };
    tick();
}

/// Lets `tick` interrupt the program every `cycles` of the processor: the SysTick exception.
pub fn start_ticks(cycles: u32, tick: fn()) {
    TICK.store(tick as *mut (), Ordering::Relaxed);
    // SAFETY: registers of the processor's own timer: reload, current value, then on with interrupt.
    unsafe {
        register(SYSTICK[1]).write_volatile(cycles);
        register(SYSTICK[2]).write_volatile(0);
        register(SYSTICK[0]).write_volatile(7);
    }
}

/// Stops the ticks.
pub fn stop_ticks() {
    // SAFETY: the timer's control register.
    unsafe { register(SYSTICK[0]).write_volatile(0) }
}

struct Interrupts;
critical_section::set_impl!(Interrupts);

// SAFETY: one core: with interrupts off nothing else runs. They are turned on again only by the section that turned
// them off.
unsafe impl critical_section::Impl for Interrupts {
    unsafe fn acquire() -> u8 {
        let mask: u32;
        // SAFETY: reads and sets the interrupt mask. Not `nomem`, so that memory accesses stay inside the section.
        unsafe { asm!("mrs {}, PRIMASK", "cpsid i", out(reg) mask, options(nostack, preserves_flags)) };
        u8::from(mask & 1 == 0)
    }

    unsafe fn release(were_on: u8) {
        if were_on == 1 {
            // SAFETY: they were on before.
            unsafe { asm!("cpsie i", options(nostack, preserves_flags)) }
        }
    }
}

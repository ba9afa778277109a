//! The frame that a Cortex-M pushes when an exception comes in (ARMv7-M B1.5.6): eight registers of the interrupted code,
//! or twenty-six with floating point, on the stack that this code used.

use super::super::Memory;
use super::frame::Frame;

/// Whether the address is not one of code: an exception handler returns by a jump to one of these addresses.
pub(in crate::unwind) fn is_return(address: u32) -> bool {
    address >= 0xffff_ff00
}

/// Bits of that address: clear with a floating point frame; set when the interrupted code used the process stack.
const BASIC: u32 = 1 << 4;
const PROCESS: u32 = 1 << 2;

const LR: u32 = 20;
const PC: u32 = 24;
const XPSR: u32 = 28;
/// Bit of the saved status: a word was skipped to align the stack.
const ALIGNED: u32 = 1 << 9;

/// The registers of interrupted code that a walk needs.
struct Pushed {
    lr: u32,
    pc: u32,
    /// The stack pointer before the exception.
    sp: u32,
}

impl Pushed {
    /// Reads the frame from the process stack, or at `top`, where the handler's own frame begins.
    fn read(kind: u32, top: u32, memory: &mut Memory<'_>) -> Option<Self> {
        let at = if kind & PROCESS != 0 { process_stack() } else { top };
        if !memory.switch(at as usize) {
            return None;
        }
        let word = |offset: u32| super::walk::read(memory, at.wrapping_add(offset));
        let (lr, pc, status) = (word(LR)?, word(PC)?, word(XPSR)?);
        let size = if kind & BASIC != 0 { 32 } else { 104 };
        let padding = if status & ALIGNED != 0 { 4 } else { 0 };
        Some(Pushed { lr, pc, sp: at.checked_add(size + padding)? })
    }
}

/// Goes from a handler's frame to the code that it interrupted.
pub(super) fn unwind(frame: &mut Frame, memory: &mut Memory<'_>) -> Option<()> {
    let pushed = Pushed::read(frame.pc(), frame.sp(), memory)?;
    frame.interrupted(pushed.pc, pushed.lr, pushed.sp);
    Some(())
}

/// The instruction that a handler interrupted. The handler's frame is below `top`.
#[cfg(target_arch = "arm")]
pub(in crate::unwind) fn interrupted(kind: u32, top: u32, memory: &mut Memory<'_>) -> Option<u32> {
    Pushed::read(kind, top, memory).map(|pushed| pushed.pc & !1)
}

/// The process stack pointer.
fn process_stack() -> u32 {
    #[cfg(target_arch = "arm")]
    {
        let sp: u32;
        // SAFETY: reads a register.
        unsafe { core::arch::asm!("mrs {}, PSP", out(reg) sp, options(nomem, nostack, preserves_flags)) };
        sp
    }
    #[cfg(not(target_arch = "arm"))]
    super::simulated::PROCESS_STACK
}

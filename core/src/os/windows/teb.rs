//! The thread environment block: the system's record of the running thread. A register of the processor leads to it, so
//! that reading it is no call.
//!
//! Its layout is part of the interface of 64-bit Windows: compilers write the offsets into programs.

use core::arch::asm;

/// The words at known offsets.
const STACK_HIGH: usize = 0x08;
const SELF: usize = 0x30;
const PROCESS_BLOCK: usize = 0x60;
const STACK_RESERVED: usize = 0x1478;
const SLOTS: usize = 0x1480;

/// The slots of thread-local storage that are in the block itself.
pub(super) const SLOTS_INSIDE: u32 = 64;

/// The word at an offset.
#[inline(always)]
fn word<const OFFSET: usize>() -> usize {
    let value;
    // SAFETY: the register leads to the block of the running thread, which is longer than all offsets of this file.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        asm!("mov {}, gs:[{}]", out(reg) value, const OFFSET, options(nostack, readonly, preserves_flags));
        #[cfg(target_arch = "aarch64")]
        asm!("ldr {}, [x18, #{}]", out(reg) value, const OFFSET, options(nostack, readonly, preserves_flags));
    }
    value
}

/// The address of the block, which identifies the thread as long as it lives.
pub(super) fn address() -> usize {
    word::<SELF>()
}

/// The address of the system's record of the process.
pub(super) fn process_block() -> usize {
    word::<PROCESS_BLOCK>()
}

/// The bounds of the memory that is reserved for the stack.
pub(super) fn stack() -> (usize, usize) {
    (word::<STACK_RESERVED>(), word::<STACK_HIGH>())
}

/// The value in a slot of thread-local storage, whose index is below [`SLOTS_INSIDE`].
#[inline(always)]
pub(super) fn slot(index: u32) -> usize {
    let value;
    // SAFETY: as in `word`. The slots are an array in the block, and the index is within it.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        asm!("mov {}, gs:[8 * {:r} + {}]", out(reg) value, in(reg) u64::from(index % SLOTS_INSIDE), const SLOTS,
            options(nostack, readonly, preserves_flags));
        #[cfg(target_arch = "aarch64")]
        asm!("ldr {}, [x18, {}]", out(reg) value, in(reg) SLOTS as u64 + 8 * u64::from(index % SLOTS_INSIDE),
            options(nostack, readonly, preserves_flags));
    }
    value
}

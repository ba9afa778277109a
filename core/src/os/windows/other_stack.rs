//! A call on another stack than the thread's own.

use super::{errno, memory};
use core::ffi::c_void;

/// An address that identifies the running thread as long as it lives. Never 0.
pub(crate) fn this_thread() -> usize {
    errno::location()
}

/// Makes a page inaccessible. Restores the error number.
///
/// # Safety
/// The page must be the caller's own, and have no data.
pub(crate) unsafe fn forbid(page: *mut u8, len: usize) {
    errno::keep_errno(|| memory::forbid(page, len));
}

// The system takes the bounds of the stack from the thread environment block: at a fault, and where a function with large
// variables touches their pages. So the block has the bounds of the other stack during the call.
//
// The frame has a frame pointer, from which unwinders find the caller although the stack pointer has moved. It is global
// assembly, because inline assembly must not move the stack pointer.
#[cfg(target_arch = "x86_64")]
core::arch::global_asm!(
    ".section .text$memtrack_on_stack,\"xr\"",
    ".globl memtrack_on_stack",
    ".def memtrack_on_stack; .scl 2; .type 32; .endef",
    ".seh_proc memtrack_on_stack",
    "memtrack_on_stack:",
    "push rbp",
    ".seh_pushreg rbp",
    "mov rbp, rsp",
    ".seh_setframe rbp, 0",
    ".seh_endprologue",
    // The bounds of the thread's own stack: its base, its limit, and the begin of its reserved memory.
    "push qword ptr gs:[0x8]",
    "push qword ptr gs:[0x10]",
    "push qword ptr gs:[0x1478]",
    "mov gs:[0x8], r8",
    "mov gs:[0x10], r9",
    "mov gs:[0x1478], r9",
    // The called function may write into 32 bytes above its return address.
    "lea rsp, [r8 - 32]",
    "mov rax, rcx",
    "mov rcx, rdx",
    "call rax",
    "lea rsp, [rbp - 24]",
    "pop qword ptr gs:[0x1478]",
    "pop qword ptr gs:[0x10]",
    "pop qword ptr gs:[0x8]",
    "pop rbp",
    "ret",
    ".seh_endproc",
    ".text",
);

#[cfg(target_arch = "x86_64")]
unsafe extern "C" {
    /// Calls `f` with `argument` on the stack from `low` to `top`, whose first frame lies below `top`.
    #[link_name = "memtrack_on_stack"]
    pub(crate) fn on_stack(f: extern "C" fn(*mut c_void), argument: *mut c_void, top: *mut u8, low: *mut u8);
}

/// On other machines a snapshot is written on the caller's stack, which needs 32 KiB.
///
/// # Safety
/// `argument` must be what `f` takes.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) unsafe fn on_stack(f: extern "C" fn(*mut c_void), argument: *mut c_void, _: *mut u8, _: *mut u8) {
    f(argument);
}

//! A call on another stack than the thread's own.

use super::errno;
use super::errno::keep_errno;
use super::memory::page_size;
use core::ffi::c_void;

/// An address that identifies the running thread as long as it lives. Never 0.
pub(crate) fn this_thread() -> usize {
    errno::location()
}

/// Makes a page inaccessible. On a system with larger pages it stays as it is. Restores `errno`.
///
/// # Safety
/// The page must be the caller's own, and have no data.
pub(crate) unsafe fn forbid(page: *mut u8, len: usize) {
    if page_size() > len {
        return;
    }
    // SAFETY: the caller upholds that nothing uses the page.
    keep_errno(|| unsafe { libc::mprotect(page.cast(), len, libc::PROT_NONE) });
}

/// The directives that begin and end what unwinders need of a function.
#[cfg(not(target_arch = "arm"))]
macro_rules! described {
    (begin) => {
        ".cfi_startproc"
    };
    (end) => {
        ".cfi_endproc"
    };
}
#[cfg(target_arch = "arm")]
macro_rules! described {
    (begin) => {
        ".fnstart"
    };
    (end) => {
        ".fnend"
    };
}

/// The function `memtrack_on_stack`, of these instructions with what unwinders need, between the directives of the system's
/// assembler.
macro_rules! function {
    ($($line:literal),* $(,)?) => {
        #[cfg(not(target_vendor = "apple"))]
        core::arch::global_asm!(
            ".pushsection .text.memtrack_on_stack,\"ax\",%progbits",
            ".hidden memtrack_on_stack",
            ".globl memtrack_on_stack",
            ".type memtrack_on_stack,%function",
            "memtrack_on_stack:",
            described!(begin),
            $($line,)*
            described!(end),
            ".size memtrack_on_stack, . - memtrack_on_stack",
            ".popsection",
        );
        #[cfg(target_vendor = "apple")]
        core::arch::global_asm!(
            ".section __TEXT,__text,regular,pure_instructions",
            ".private_extern _memtrack_on_stack",
            ".globl _memtrack_on_stack",
            ".p2align 4",
            "_memtrack_on_stack:",
            ".cfi_startproc",
            $($line,)*
            ".cfi_endproc",
        );
    };
}

// The frame has a frame pointer, from which debuggers and unwinders find the caller although the stack pointer has
// moved. It is global assembly, because inline assembly must not move the stack pointer.
#[cfg(target_arch = "x86_64")]
function!(
    "push rbp",
    ".cfi_def_cfa_offset 16",
    ".cfi_offset rbp, -16",
    "mov rbp, rsp",
    ".cfi_def_cfa_register rbp",
    "mov rsp, rdx",
    "mov rax, rdi",
    "mov rdi, rsi",
    "call rax",
    "mov rsp, rbp",
    "pop rbp",
    ".cfi_def_cfa rsp, 8",
    "ret",
);

#[cfg(target_arch = "aarch64")]
function!(
    "stp x29, x30, [sp, #-16]!",
    ".cfi_def_cfa_offset 16",
    ".cfi_offset x29, -16",
    ".cfi_offset x30, -8",
    "mov x29, sp",
    ".cfi_def_cfa_register x29",
    "mov sp, x2",
    "mov x9, x0",
    "mov x0, x1",
    "blr x9",
    "mov sp, x29",
    ".cfi_def_cfa_register sp",
    "ldp x29, x30, [sp], #16",
    ".cfi_def_cfa_offset 0",
    ".cfi_restore x29",
    ".cfi_restore x30",
    "ret",
);

#[cfg(target_arch = "riscv64")]
function!(
    "addi sp, sp, -16",
    ".cfi_def_cfa_offset 16",
    "sd ra, 8(sp)",
    "sd s0, 0(sp)",
    ".cfi_offset ra, -8",
    ".cfi_offset s0, -16",
    "addi s0, sp, 16",
    ".cfi_def_cfa s0, 0",
    "mv sp, a2",
    "mv t0, a0",
    "mv a0, a1",
    "jalr t0",
    "addi sp, s0, -16",
    ".cfi_def_cfa sp, 16",
    "ld ra, 8(sp)",
    "ld s0, 0(sp)",
    ".cfi_restore ra",
    ".cfi_restore s0",
    "addi sp, sp, 16",
    ".cfi_def_cfa_offset 0",
    "ret",
);

#[cfg(target_arch = "x86")]
function!(
    "push ebp",
    ".cfi_def_cfa_offset 8",
    ".cfi_offset ebp, -8",
    "mov ebp, esp",
    ".cfi_def_cfa_register ebp",
    "mov ecx, [ebp + 8]",
    "mov edx, [ebp + 12]",
    "mov esp, [ebp + 16]",
    // The argument, where the stack pointer is a multiple of 16.
    "sub esp, 12",
    "push edx",
    "call ecx",
    "mov esp, ebp",
    "pop ebp",
    ".cfi_def_cfa esp, 4",
    "ret",
);

#[cfg(target_arch = "arm")]
function!(
    "push {{r11, lr}}",
    ".save {{r11, lr}}",
    "mov r11, sp",
    ".setfp r11, sp",
    "mov sp, r2",
    "mov r12, r0",
    "mov r0, r1",
    "blx r12",
    "mov sp, r11",
    "pop {{r11, pc}}",
);

#[cfg(any(
    target_arch = "x86_64",
    target_arch = "x86",
    target_arch = "aarch64",
    target_arch = "arm",
    target_arch = "riscv64"
))]
unsafe extern "C" {
    /// Calls `f` with `argument` on the stack from `low` to `top`, whose first frame lies below `top`.
    #[link_name = "memtrack_on_stack"]
    pub(crate) fn on_stack(f: extern "C" fn(*mut c_void), argument: *mut c_void, top: *mut u8, low: *mut u8);
}

/// On other machines a snapshot is written on the caller's stack, which needs 32 KiB.
///
/// # Safety
/// `argument` must be what `f` takes.
#[cfg(not(any(
    target_arch = "x86_64",
    target_arch = "x86",
    target_arch = "aarch64",
    target_arch = "arm",
    target_arch = "riscv64"
)))]
pub(crate) unsafe fn on_stack(f: extern "C" fn(*mut c_void), argument: *mut c_void, _: *mut u8, _: *mut u8) {
    f(argument);
}

#[cfg(test)]
mod tests {
    use crate::os::dump_stack;
    use crate::os::patience::Patience;
    use crate::os::unix::{calls, signal_mask};

    #[test]
    fn signals_wait_meanwhile() {
        let mask = || {
            calls::set_signal_mask(signal_mask::BLOCKED)
                .map(|before| calls::set_signal_mask(before).map(|_| before))
        };
        let (before, meanwhile) =
            (mask(), dump_stack::run(Patience::Seconds, mask).expect("no test stays on it"));
        let unblockable = 1 << (libc::SIGKILL - 1) | 1 << (libc::SIGSTOP - 1);
        assert_eq!(meanwhile, Some(Some(signal_mask::BLOCKED & !unblockable)));
        assert_eq!(mask(), before);
    }
}

//! A system call by the machine's instruction, without the C library.

use super::errno::set_errno;
use core::ffi::{c_int, c_long};

/// The C library's result for the kernel's result: sets `errno` and returns -1 for an error.
pub(crate) fn returned(result: isize) -> isize {
    if !(-4095..0).contains(&result) {
        return result;
    }
    set_errno(-result as c_int);
    -1
}

/// Makes a system call. Returns the kernel's result: an error is its negative number.
///
/// # Safety
/// The arguments must fulfil what the system call requires, as of memory that it writes.
#[cfg(target_arch = "x86_64")]
pub(crate) unsafe fn raw(number: c_long, arguments: [usize; 6]) -> isize {
    let [a, b, c, d, e, f] = arguments;
    let result;
    // SAFETY: the caller upholds what the call requires of memory. The kernel changes only the registers that are
    // named.
    unsafe {
        core::arch::asm!("syscall", inlateout("rax") number as isize => result, in("rdi") a, in("rsi") b, in("rdx") c,
            in("r10") d, in("r8") e, in("r9") f, lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    result
}

/// Makes a system call. Returns the kernel's result: an error is its negative number.
///
/// # Safety
/// The arguments must fulfil what the system call requires, as of memory that it writes.
#[cfg(target_arch = "aarch64")]
pub(crate) unsafe fn raw(number: c_long, arguments: [usize; 6]) -> isize {
    let [a, b, c, d, e, f] = arguments;
    let result;
    // SAFETY: the caller upholds what the call requires of memory. The kernel changes no other register.
    unsafe {
        core::arch::asm!("svc 0", in("x8") number, inlateout("x0") a as isize => result, in("x1") b, in("x2") c,
            in("x3") d, in("x4") e, in("x5") f, options(nostack));
    }
    result
}

/// Makes a system call. Returns the kernel's result: an error is its negative number.
///
/// # Safety
/// The arguments must fulfil what the system call requires, as of memory that it writes.
#[cfg(target_arch = "riscv64")]
pub(crate) unsafe fn raw(number: c_long, arguments: [usize; 6]) -> isize {
    let [a, b, c, d, e, f] = arguments;
    let result;
    // SAFETY: the caller upholds what the call requires of memory. The kernel changes no other register.
    unsafe {
        core::arch::asm!("ecall", in("a7") number, inlateout("a0") a as isize => result, in("a1") b, in("a2") c,
            in("a3") d, in("a4") e, in("a5") f, options(nostack));
    }
    result
}

/// Makes a system call. Returns the kernel's result: an error is its negative number.
///
/// # Safety
/// The arguments must fulfil what the system call requires, as of memory that it writes.
#[cfg(target_arch = "arm")]
pub(crate) unsafe fn raw(number: c_long, arguments: [usize; 6]) -> isize {
    let [a, b, c, d, e, f] = arguments;
    let result;
    // SAFETY: the caller upholds what the call requires of memory. The kernel changes no other register.
    unsafe {
        core::arch::asm!("svc 0", in("r7") number, inlateout("r0") a as isize => result, in("r1") b, in("r2") c,
            in("r3") d, in("r4") e, in("r5") f, options(nostack));
    }
    result
}

// A function, because the compiler has two of the registers for itself. A handler that interrupts it finds its caller: the
// frame is described.
#[cfg(target_arch = "x86")]
core::arch::global_asm!(
    ".pushsection .text.memtrack_system_call,\"ax\",%progbits",
    ".hidden memtrack_system_call",
    ".globl memtrack_system_call",
    ".type memtrack_system_call,%function",
    "memtrack_system_call:",
    ".cfi_startproc",
    "push ebx",
    ".cfi_adjust_cfa_offset 4",
    ".cfi_rel_offset ebx, 0",
    "push esi",
    ".cfi_adjust_cfa_offset 4",
    ".cfi_rel_offset esi, 0",
    "push edi",
    ".cfi_adjust_cfa_offset 4",
    ".cfi_rel_offset edi, 0",
    "push ebp",
    ".cfi_adjust_cfa_offset 4",
    ".cfi_rel_offset ebp, 0",
    "mov eax, [esp + 20]",
    "mov ebx, [eax + 4]",
    "mov ecx, [eax + 8]",
    "mov edx, [eax + 12]",
    "mov esi, [eax + 16]",
    "mov edi, [eax + 20]",
    "mov ebp, [eax + 24]",
    "mov eax, [eax]",
    "int 0x80",
    "pop ebp",
    ".cfi_adjust_cfa_offset -4",
    ".cfi_restore ebp",
    "pop edi",
    ".cfi_adjust_cfa_offset -4",
    ".cfi_restore edi",
    "pop esi",
    ".cfi_adjust_cfa_offset -4",
    ".cfi_restore esi",
    "pop ebx",
    ".cfi_adjust_cfa_offset -4",
    ".cfi_restore ebx",
    "ret",
    ".cfi_endproc",
    ".size memtrack_system_call, . - memtrack_system_call",
    ".popsection",
);

/// Makes a system call. Returns the kernel's result: an error is its negative number.
///
/// # Safety
/// The arguments must fulfil what the system call requires, as of memory that it writes.
#[cfg(target_arch = "x86")]
pub(crate) unsafe fn raw(number: c_long, [a, b, c, d, e, f]: [usize; 6]) -> isize {
    unsafe extern "C" {
        /// Makes the call whose number and arguments are given.
        #[link_name = "memtrack_system_call"]
        fn call(words: &[usize; 7]) -> isize;
    }
    // SAFETY: the caller upholds what the call requires of memory. The function restores the registers of its caller.
    unsafe { call(&[number as usize, a, b, c, d, e, f]) }
}

/// Makes a system call by the C library, on machines without assembly here. Returns the kernel's result: an error is
/// its negative number.
///
/// # Safety
/// The arguments must fulfil what the system call requires, as of memory that it writes.
#[cfg(not(any(
    target_arch = "x86_64",
    target_arch = "x86",
    target_arch = "aarch64",
    target_arch = "arm",
    target_arch = "riscv64"
)))]
pub(crate) unsafe fn raw(number: c_long, [a, b, c, d, e, f]: [usize; 6]) -> isize {
    // SAFETY: the caller upholds what the call requires. The location of `errno` is the calling thread's own.
    unsafe {
        match libc::syscall(number, a, b, c, d, e, f) {
            -1 => -(*libc::__errno_location() as isize),
            result => result as isize,
        }
    }
}

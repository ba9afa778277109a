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

/// Makes a system call by the C library, on machines without assembly here. Returns the kernel's result: an error is
/// its negative number.
///
/// # Safety
/// The arguments must fulfil what the system call requires, as of memory that it writes.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
pub(crate) unsafe fn raw(number: c_long, [a, b, c, d, e, f]: [usize; 6]) -> isize {
    // SAFETY: the caller upholds what the call requires. The location of `errno` is the calling thread's own.
    unsafe {
        match libc::syscall(number, a, b, c, d, e, f) {
            -1 => -(*libc::__errno_location() as isize),
            result => result as isize,
        }
    }
}

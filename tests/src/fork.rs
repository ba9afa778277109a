//! Ways to fork.

/// By the C library's `fork`, which runs the `pthread_atfork` handlers.
pub const FUNCTION: &str = "function";
/// By the C library's `syscall`, which runs no handlers.
pub const CALL: &str = "call";
/// By an instruction, without the C library.
pub const INSTRUCTION: &str = "instruction";

/// Forks the process. Returns the child's process id in the parent, 0 in the child, -1 if the system refuses.
///
/// # Safety
/// The child may only do what is safe in a forked child. If the fork bypassed the C library's `fork`, the locks of
/// its allocator may be held in the child.
///
/// # Panics
/// When `way` is unknown.
pub unsafe fn fork(way: &str) -> libc::pid_t {
    // SAFETY: the child continues on a copy of this stack; the caller upholds the rest.
    unsafe {
        match way {
            FUNCTION => libc::fork(),
            CALL => libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) as libc::pid_t,
            INSTRUCTION => by_instruction(),
            other => panic!("no way to fork: {other}"),
        }
    }
}

#[cfg(target_arch = "x86_64")]
unsafe fn by_instruction() -> libc::pid_t {
    let result: isize;
    // SAFETY: as for `fork`; the kernel changes the two registers that are named.
    unsafe {
        core::arch::asm!("syscall", inlateout("rax") libc::SYS_fork as isize => result, lateout("rcx") _, lateout("r11") _);
    }
    result as libc::pid_t
}

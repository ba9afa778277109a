//! Ways to fork.

/// By the C library, which tells those who asked for it.
pub const FUNCTION: &str = "function";
/// By its function `syscall`, which tells nobody.
pub const CALL: &str = "call";
/// By an instruction, of which it knows nothing.
pub const INSTRUCTION: &str = "instruction";

/// Forks the process: the child's process id in the parent, 0 in the child, -1 when the system refuses.
///
/// # Safety
/// The child may do what is safe in a forked child; when the C library does not know that it is one, nobody has opened the
/// locks of its allocator.
///
/// # Panics
/// When there is no such way.
pub unsafe fn fork(way: &str) -> libc::pid_t {
    // SAFETY: the child goes on with a copy of this stack; the caller upholds the rest.
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
    // SAFETY: as of `fork`; the kernel changes the two registers that are named.
    unsafe {
        core::arch::asm!("syscall", inlateout("rax") libc::SYS_fork as isize => result, lateout("rcx") _, lateout("r11") _);
    }
    result as libc::pid_t
}

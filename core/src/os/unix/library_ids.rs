//! The ids of the process and its user.

/// The process's id.
pub(crate) fn id() -> u32 {
    // SAFETY: the call only returns a number.
    unsafe { libc::getpid() as u32 }
}

/// The id of the parent process; 0 when it is unknown.
pub(crate) fn parent() -> u32 {
    // SAFETY: the call only returns a number.
    unsafe { libc::getppid().max(0) as u32 }
}

/// The effective user, who owns the files that the process creates.
pub(crate) fn user() -> u32 {
    // SAFETY: the call only returns a number.
    unsafe { libc::geteuid() }
}

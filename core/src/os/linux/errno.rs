//! `errno`: the number of the last call's error, which belongs to the running thread.

pub(crate) use libc::{EFBIG as FILE_TOO_LARGE, ENOSPC as NO_SPACE, EPERM as NOT_PERMITTED};

/// The number.
pub(crate) fn errno() -> i32 {
    // SAFETY: the location is the calling thread's own.
    unsafe { *libc::__errno_location() }
}

pub(crate) fn set_errno(number: i32) {
    // SAFETY: the location is the calling thread's own.
    unsafe { *libc::__errno_location() = number };
}

/// Where the number is: an address that no other thread has while this one lives.
pub(crate) fn location() -> usize {
    // SAFETY: the call only returns an address.
    unsafe { libc::__errno_location() }.addr()
}

/// Runs `f` and leaves the number as it was: an allocator that succeeds must not change it.
pub(crate) fn keep_errno<T>(f: impl FnOnce() -> T) -> T {
    let before = errno();
    let result = f();
    set_errno(before);
    result
}

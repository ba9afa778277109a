//! System calls by the C library, by functions that are no cancellation points: `malloc` must be none. A call that fails sets `errno`.

use super::errno::{errno, keep_errno, set_errno};
use core::ffi::{CStr, c_int, c_void};
use core::mem::MaybeUninit;
use core::ptr::null_mut;

/// The system's record about a file.
pub(crate) use libc::stat as Status;

/// Whether a descriptor is one from [`open_placeholder`]. False when that is unknown. The system does not tell how a descriptor
/// was opened: it counts as one when it is the root folder.
pub(crate) fn is_placeholder(file: c_int) -> bool {
    match (fstat(file), stat(c"/")) {
        (Some(file), Some(root)) => (file.st_dev, file.st_ino) == (root.st_dev, root.st_ino),
        _ => false,
    }
}

pub(crate) fn flock(file: c_int, how: c_int) -> c_int {
    // SAFETY: the call takes only numbers.
    unsafe { libc::flock(file, how) }
}

/// The kernel's record about the file at a path.
pub(crate) fn stat(path: &CStr) -> Option<Status> {
    let mut file = MaybeUninit::<Status>::uninit();
    // SAFETY: the path is a C string. The call has filled the record in when it returns 0.
    unsafe { (libc::stat(path.as_ptr(), file.as_mut_ptr()) == 0).then(|| file.assume_init()) }
}

/// The kernel's record about an open file.
pub(crate) fn fstat(file: c_int) -> Option<Status> {
    let mut about = MaybeUninit::<Status>::uninit();
    // SAFETY: the call has filled the record in when it returns 0.
    unsafe { (libc::fstat(file, about.as_mut_ptr()) == 0).then(|| about.assume_init()) }
}

/// Sends a signal to the calling thread.
pub(crate) fn signal_this_thread(signal: c_int) {
    // SAFETY: the thread runs.
    unsafe { libc::pthread_kill(libc::pthread_self(), signal) };
}

/// # Safety
/// The range must be mapped by the tracker, and nobody may use it any more.
pub(crate) unsafe fn unmap(place: *mut c_void, length: usize) {
    // SAFETY: the caller upholds that the range is the tracker's own and unused.
    unsafe { libc::munmap(place, length) };
}

/// Whether the calling thread is on its alternate signal stack; `None` when that is unknown.
pub(crate) fn is_on_alternate_stack() -> Option<bool> {
    let mut stack = libc::stack_t { ss_sp: null_mut(), ss_size: 0, ss_flags: 0 };
    // SAFETY: the record is valid for the call, which changes nothing else.
    let found = unsafe { libc::sigaltstack(core::ptr::null(), &raw mut stack) } == 0;
    found.then_some(stack.ss_flags & libc::SS_ONSTACK != 0)
}

/// A length beyond the limit of a file's size fails without the call, which would send a signal to the process.
pub(crate) fn ftruncate(file: c_int, length: usize) -> c_int {
    if size_limit().is_some_and(|limit| length as u64 > limit) {
        set_errno(libc::EFBIG);
        return -1;
    }
    // SAFETY: the call takes only numbers.
    unsafe { libc::ftruncate(file, length as libc::off_t) }
}

/// Whether a write to the end of a regular file would pass the limit of a file's size: the kernel would send a signal to the process.
pub(crate) fn is_beyond_limit(file: c_int, length: usize) -> bool {
    size_limit().is_some_and(|limit| {
        fstat(file).is_some_and(|about| {
            let end = (about.st_size as u64).saturating_add(length as u64);
            about.st_mode & libc::S_IFMT == libc::S_IFREG && end > limit
        })
    })
}

/// The limit of a file's size; `None` when there is none.
fn size_limit() -> Option<u64> {
    let mut limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: the record is valid for the call.
    unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit) };
    (limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur as u64)
}

/// Whether a process exists that the kernel tells nothing about. Restores `errno`.
pub(crate) fn is_hidden(process: u32) -> bool {
    keep_errno(|| {
        // SAFETY: signal 0 is never sent: the call only checks that the process exists.
        libc::pid_t::try_from(process)
            .is_ok_and(|process| unsafe { libc::kill(process, 0) } != 0 && errno() == libc::EPERM)
    })
}

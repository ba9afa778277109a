//! Threads: ids, names, a callback at a thread's end, a thread of the tracker's own, and a barrier on all threads.

use core::ffi::{CStr, c_int};

pub(crate) use super::super::unix::spawn::spawn;
pub(crate) use super::super::unix::thread_end::watch_end;

unsafe extern "C" {
    /// Copies a thread's name with its NUL. Takes no lock for the running thread.
    fn pthread_get_name_np(thread: libc::pthread_t, name: *mut libc::c_char, size: usize);
}

/// The system's id of the running thread, which no other live thread of the process has; 0 when it is unknown.
pub(crate) fn id() -> u64 {
    // SAFETY: the call only returns a number, which is in the thread's record.
    u64::try_from(unsafe { libc::pthread_getthreadid_np() }).unwrap_or(0)
}

/// The name of a thread of this process, up to its first NUL byte; all zero when it is unknown. A longer name is cut
/// off.
///
/// Here only the running thread's is known: the kernel lists other threads' names all at once.
pub(crate) fn name(thread_id: u64) -> [u8; 16] {
    let mut name = [0u8; 16];
    if thread_id == id() {
        // SAFETY: the thread runs, and the array has that size.
        unsafe { pthread_get_name_np(libc::pthread_self(), name.as_mut_ptr().cast(), name.len()) };
    }
    name
}

/// Gives the running thread its name. Outside the hook.
pub(in crate::os) fn set_name(name: &CStr) {
    // SAFETY: the thread runs, and the name is a C string.
    unsafe { libc::pthread_set_name_np(libc::pthread_self(), name.as_ptr()) };
}

/// Makes every running thread of the process execute a full memory barrier before this returns. False when the system
/// cannot: then no thread has. Here it cannot.
pub(crate) fn barrier() -> bool {
    false
}

/// Whether the thread of this process with the system's id `id` has not ended yet. May change `errno`.
pub(crate) fn is_running(id: u32) -> bool {
    const NO_SIGNAL: c_int = 0;
    // SAFETY: signal 0 is never sent: the call only checks that the thread exists.
    unsafe { libc::thr_kill(id.into(), NO_SIGNAL) == 0 }
}

/// Gives the processor to other threads for a moment.
pub(crate) fn yield_now() {
    // SAFETY: the call takes nothing.
    unsafe { libc::sched_yield() };
}

//! Threads: ids, names, a callback at a thread's end, a thread of the tracker's own, and a barrier on all threads.

use super::errno::keep_errno;
use super::{ids, process};
use core::ffi::{CStr, c_int};

pub(crate) use super::super::unix::spawn::spawn;
pub(crate) use super::thread_memory::watch_end;

/// The system's id of the running thread, which no other live thread of the process has; 0 when it is unknown.
pub(crate) fn id() -> u64 {
    let mut id = 0;
    // SAFETY: the call writes the number. 0 stands for the running thread, about which the call takes no lock.
    unsafe { libc::pthread_threadid_np(0, &raw mut id) };
    id
}

/// The kernel's record about a thread of this process.
fn record(id: u64) -> Option<libc::proc_threadinfo> {
    /// The kind of record that is asked for by a thread's id (`sys/proc_info.h`).
    const PROC_PIDTHREADID64INFO: c_int = 15;
    // SAFETY: this is the record of the kind, and consists of integers.
    keep_errno(|| unsafe { process::information(ids::id(), PROC_PIDTHREADID64INFO, id) })
}

/// The name of a thread of this process, up to its first NUL byte; all zero when it is unknown. A longer name is cut
/// off.
pub(crate) fn name(thread_id: u64) -> [u8; 16] {
    let mut name = [0; 16];
    if let Some(thread) = record(thread_id) {
        // The last byte stays 0.
        name[..15].iter_mut().zip(thread.pth_name).for_each(|(to, from)| *to = from as u8);
    }
    name
}

/// Gives the running thread its name. Outside the hook.
pub(in crate::os) fn set_name(name: &CStr) {
    // SAFETY: the name is a C string.
    unsafe { libc::pthread_setname_np(name.as_ptr()) };
}

/// Makes every running thread of the process execute a full memory barrier before this returns. False when the system
/// cannot: then no thread has. Here it cannot.
pub(crate) fn barrier() -> bool {
    false
}

/// Whether the thread of this process with the system's id `id` has not ended yet.
pub(crate) fn is_running(id: u32) -> bool {
    record(u64::from(id)).is_some()
}

/// Gives the processor to other threads for a moment.
pub(crate) fn yield_now() {
    // SAFETY: the call takes nothing.
    unsafe { libc::sched_yield() };
}

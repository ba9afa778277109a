//! Threads: ids, names, a callback at a thread's end, a thread of the tracker's own, and a barrier on all threads.

use super::errno::keep_errno;
use super::{ids, process, signal_mask};
use crate::limits::THREAD_STACK;
use core::ffi::c_int;

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

/// Starts a thread of the tracker's own, which runs `run`, gets no signals and is never joined. The error is the
/// system's error number. Allocates and locks: outside the hook.
pub(crate) fn spawn(run: fn()) -> Result<(), i32> {
    extern "C" fn start(run: *mut libc::c_void) -> *mut libc::c_void {
        // SAFETY: the name is a C string. The argument is the function pointer that `spawn` passes below.
        let run = unsafe {
            libc::pthread_setname_np(c"memtrack".as_ptr());
            core::mem::transmute::<*mut libc::c_void, fn()>(run)
        };
        run();
        core::ptr::null_mut()
    }

    // SAFETY: the calls write the attributes and the thread's id before others read them. `start` has the right
    // signature and gets the argument that it expects.
    let code = unsafe {
        let mut attributes = core::mem::zeroed();
        libc::pthread_attr_init(&raw mut attributes);
        libc::pthread_attr_setstacksize(&raw mut attributes, THREAD_STACK);
        libc::pthread_attr_setdetachstate(&raw mut attributes, libc::PTHREAD_CREATE_DETACHED);
        let mut thread = 0;
        // A new thread inherits the signal mask of the thread that starts it.
        let code = signal_mask::while_blocked(|| {
            libc::pthread_create(&raw mut thread, &raw const attributes, start, run as *mut libc::c_void)
        });
        libc::pthread_attr_destroy(&raw mut attributes);
        code
    };
    if code == 0 { Ok(()) } else { Err(code) }
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

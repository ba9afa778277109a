//! Threads: ids, names, a callback at a thread's end, a thread of the tracker's own, and a barrier on all threads.

use super::errno::keep_errno;
use super::{calls, file};
use core::ffi::CStr;

pub(crate) use super::super::unix::spawn::spawn;

#[cfg(not(target_os = "android"))]
pub(crate) use super::super::unix::thread_end::watch_end;
#[cfg(target_os = "android")]
pub(crate) use super::thread_memory::watch_end;

/// The system's id of the running thread, which no other live thread of the process has; 0 when it is unknown.
pub(crate) fn id() -> u64 {
    keep_errno(|| calls::gettid().max(0) as u64)
}

/// The name of a thread of this process, up to its first NUL byte; all zero when it is unknown. A longer name is cut
/// off.
///
/// Here: one system call for the running thread, and a file of `/proc` for another one.
pub(crate) fn name(thread_id: u64) -> [u8; 16] {
    let mut name = [0; 16];
    if thread_id == id() {
        // SAFETY: the array has room for 16 bytes.
        keep_errno(|| unsafe { calls::thread_name(name.as_mut_ptr()) });
        return name;
    }
    let mut path = heapless::String::<64>::new();
    if core::fmt::write(&mut path, format_args!("/proc/self/task/{thread_id}/comm\0")).is_ok()
        && let Ok(path) = CStr::from_bytes_with_nul(path.as_bytes())
    {
        let n = file::read(path, &mut name);
        if let Some(newline) = name[..n].iter().position(|&byte| byte == b'\n') {
            name[newline] = 0;
        }
    }
    name
}

/// Gives the running thread its name. Outside the hook.
pub(in crate::os) fn set_name(name: &CStr) {
    // SAFETY: the thread runs, and the name is a C string.
    unsafe { libc::pthread_setname_np(libc::pthread_self(), name.as_ptr()) };
}

/// Makes every running thread of the process execute a full memory barrier before this returns. False when the system
/// cannot: then no thread has. Restores `errno`.
///
/// Here: `membarrier`, from Linux 4.14 on.
pub(crate) fn barrier() -> bool {
    const EXPEDITED: libc::c_int = 1 << 3;
    const REGISTER_EXPEDITED: libc::c_int = 1 << 4;
    let call = |command: libc::c_int| calls::membarrier(command) == 0;
    keep_errno(|| call(EXPEDITED) || call(REGISTER_EXPEDITED) && call(EXPEDITED))
}

/// Whether the thread of this process with the system's id `id` has not ended yet. May change `errno`.
pub(crate) fn is_running(id: u32) -> bool {
    // SAFETY: signal 0 is never sent: the call only checks that the thread exists.
    unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), id, 0) == 0 }
}

/// Gives the processor to other threads for a moment.
pub(crate) fn yield_now() {
    calls::sched_yield();
}

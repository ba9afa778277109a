//! Threads: ids, names, a callback at a thread's end, a thread of the tracker's own, and a barrier on all threads.

use super::errno::keep_errno;
use super::{calls, file, signal_mask};
use crate::limits::THREAD_STACK;

#[cfg(not(target_os = "android"))]
pub(crate) use super::thread_end::watch_end;
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
        && let Ok(path) = core::ffi::CStr::from_bytes_with_nul(path.as_bytes())
    {
        let n = file::read(path, &mut name);
        if let Some(newline) = name[..n].iter().position(|&byte| byte == b'\n') {
            name[newline] = 0;
        }
    }
    name
}

/// Starts a thread of the tracker's own, which runs `run`, gets no signals and is never joined. The error is the
/// system's error number. Allocates and locks: outside the hook.
pub(crate) fn spawn(run: fn()) -> Result<(), i32> {
    extern "C" fn start(run: *mut libc::c_void) -> *mut libc::c_void {
        // SAFETY: the argument is the function pointer that `spawn` passes below.
        let run = unsafe { core::mem::transmute::<*mut libc::c_void, fn()>(run) };
        run();
        core::ptr::null_mut()
    }

    // SAFETY: the calls write the attributes and the thread's id before others read them. `start` has the right
    // signature and gets the argument that it expects. The name is a C string.
    let code = unsafe {
        let mut attributes = core::mem::zeroed();
        libc::pthread_attr_init(&raw mut attributes);
        libc::pthread_attr_setstacksize(&raw mut attributes, THREAD_STACK);
        libc::pthread_attr_setdetachstate(&raw mut attributes, libc::PTHREAD_CREATE_DETACHED);
        let mut thread = core::mem::zeroed::<libc::pthread_t>();
        // A new thread inherits the signal mask of the thread that starts it.
        let code = signal_mask::while_blocked(|| {
            libc::pthread_create(&raw mut thread, &raw const attributes, start, run as *mut libc::c_void)
        });
        libc::pthread_attr_destroy(&raw mut attributes);
        if code == 0 {
            libc::pthread_setname_np(thread, c"memtrack".as_ptr());
        }
        code
    };
    if code == 0 { Ok(()) } else { Err(code) }
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

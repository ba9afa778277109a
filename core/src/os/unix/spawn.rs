//! A thread of the tracker's own.

use super::{signal_mask, thread};
use crate::limits::THREAD_STACK;

/// Starts a thread of the tracker's own, which runs `run`, gets no signals and is never joined. The error is the
/// system's error number. Allocates and locks: outside the hook.
pub(crate) fn spawn(run: fn()) -> Result<(), i32> {
    extern "C" fn start(run: *mut libc::c_void) -> *mut libc::c_void {
        thread::set_name(c"memtrack");
        // SAFETY: the argument is the function pointer that `spawn` passes below.
        let run = unsafe { core::mem::transmute::<*mut libc::c_void, fn()>(run) };
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
        let mut thread = core::mem::zeroed::<libc::pthread_t>();
        // A new thread inherits the signal mask of the thread that starts it.
        let code = signal_mask::while_blocked(|| {
            libc::pthread_create(&raw mut thread, &raw const attributes, start, run as *mut libc::c_void)
        });
        libc::pthread_attr_destroy(&raw mut attributes);
        code
    };
    if code == 0 { Ok(()) } else { Err(code) }
}

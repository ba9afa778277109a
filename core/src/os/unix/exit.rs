//! The end of the program.
//!
//! The problem: exit handlers and the destructors of the program and its libraries still free blocks. A snapshot at
//! exit must come after all of them.
//!
//! The idea: exit handlers run in the reverse of the order in which they were registered, and one of them, the dynamic
//! linker's, runs all destructors. So there are two cases:
//!
//! - *The tracker is in a preloaded library.* Constructors of libraries run before the linker registers its handler. A
//!   handler that is registered there, and belongs to no library, runs last of all.
//! - *The tracker is in the program.* Constructors of the program run after that, so a handler that is registered there
//!   runs before the destructors. But a destructor of the program runs inside the linker's handler, and a handler that
//!   is registered there runs once all destructors have run.

use crate::os::callbacks::callbacks;
use crate::sync::*;
use core::ffi::{c_int, c_void};
use core::ptr::null_mut;

/// Whether the callback at exit is requested.
static REQUESTED: AtomicBool = AtomicBool::new(false);

unsafe extern "C" {
    fn __cxa_atexit(
        handler: unsafe extern "C" fn(*mut c_void),
        argument: *mut c_void,
        library: *mut c_void,
    ) -> c_int;
}

unsafe extern "C" fn handler(_: *mut c_void) {
    ended();
}

fn ended() {
    if let Some(callbacks) = callbacks() {
        (callbacks.exit)();
    }
}

/// Requests [`Callbacks::exit`](crate::os::Callbacks) for the end of the program: from `exit` or the end of `main`, not
/// from `_exit` or a signal. The function may be called more than once. At the program's start.
pub(crate) fn request() {
    REQUESTED.store(true, Release);
    register();
}

/// Registers an exit handler, and returns whether the C library took it.
fn register() -> bool {
    // SAFETY: the handler has the right signature, and its code stays loaded (see `resident`).
    unsafe { __cxa_atexit(handler, null_mut(), null_mut()) == 0 }
}

#[used]
#[unsafe(link_section = ".fini_array")]
static AT_END: extern "C" fn() = at_end;

extern "C" fn at_end() {
    // Other C libraries than glibc take no handlers at this point.
    if REQUESTED.load(Acquire) && !(cfg!(target_env = "gnu") && register()) {
        ended();
    }
}

//! The end of the program, behind what still frees blocks: exit handlers, destructors of the program and of its libraries.
//!
//! Handlers run in the reverse of the order in which they were registered, and each library's destructors when the dynamic
//! linker's handler runs. That handler is registered behind the constructors of libraries that were there from the start, so
//! the handler of a constructor there comes last of all, if it belongs to no library: the preloaded library's does. The
//! constructor of a program runs behind it, so its handler comes too early. But a destructor of the program runs inside of
//! the linker's handler, and a handler that is registered there runs when all destructors have run.

use crate::os::callbacks::callbacks;
use crate::sync::*;
use core::ffi::{c_int, c_void};
use core::ptr::null_mut;

static ASKED: AtomicBool = AtomicBool::new(false);

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

/// Has the snapshot at exit written.
pub(crate) fn ask() {
    ASKED.store(true, Release);
    register();
}

fn register() -> bool {
    // SAFETY: the handler has the right signature and lives as long as the program: it is no library's that could go.
    unsafe { __cxa_atexit(handler, null_mut(), null_mut()) == 0 }
}

#[used]
#[unsafe(link_section = ".fini_array")]
static AT_END: extern "C" fn() = at_end;

extern "C" fn at_end() {
    // Other C libraries take no handlers any more.
    if ASKED.load(Acquire) && !(cfg!(target_env = "gnu") && register()) {
        ended();
    }
}

//! The end of the program.
//!
//! Exit handlers and destructors run in the reverse of the order in which they were registered. The tracker registers its handler
//! before `main`. So the handler runs after all that the program registers in `main` and later, and before the destructors of
//! libraries that started earlier. A library that is inserted into the program starts first, and so its handler runs last.

use crate::os::callbacks::callbacks;
use core::ffi::{c_int, c_void};
use core::ptr::null_mut;

unsafe extern "C" {
    fn __cxa_atexit(
        handler: unsafe extern "C" fn(*mut c_void),
        argument: *mut c_void,
        library: *mut c_void,
    ) -> c_int;
}

unsafe extern "C" fn handler(_: *mut c_void) {
    if let Some(callbacks) = callbacks() {
        (callbacks.exit)();
    }
}

/// Requests [`Callbacks::exit`](crate::os::Callbacks) for the end of the program: from `exit` or the end of `main`, not
/// from `_exit` or a signal. The function may be called more than once. At the program's start.
pub(crate) fn request() {
    // SAFETY: the handler has the right signature, and its code stays loaded: dyld unloads no library that it calls back.
    unsafe { __cxa_atexit(handler, null_mut(), null_mut()) };
}

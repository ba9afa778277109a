//! The end of the program.

use crate::os::callbacks::callbacks;

unsafe extern "C" {
    fn atexit(handler: extern "C" fn()) -> core::ffi::c_int;
}

/// Requests [`Callbacks::exit`](crate::os::Callbacks) for the end of the program: from `exit` or the end of `main`, not
/// from a trap, which ends the program at once. A panic that ends the program is a trap. At the program's start.
///
/// Exit handlers run in the reverse of the order in which they were registered, so this one runs behind the program's own.
pub(crate) fn request() {
    // SAFETY: the handler has the right signature.
    unsafe { atexit(ended) };
}

extern "C" fn ended() {
    if let Some(callbacks) = callbacks() {
        (callbacks.exit)();
    }
}

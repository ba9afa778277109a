//! The bounds of the running thread's own stack. The C library has them in the thread's record, and takes no lock for the running
//! thread.

use super::calls;

/// The lowest address of the running thread's stack, above its guard, and an address above all its frames. The memory
/// between the two is the thread's alone. From a frame on that is in use, up to the second address, it can be read as
/// long as the thread lives. `None` when the bounds are unknown.
#[cold]
pub(crate) fn find() -> Option<(usize, usize)> {
    // SAFETY: the thread runs.
    let (high, size) = unsafe {
        let thread = libc::pthread_self();
        (libc::pthread_get_stackaddr_np(thread).addr(), libc::pthread_get_stacksize_np(thread))
    };
    (high > size && size > 0).then(|| (high - size, high))
}

/// Whether the running thread is on its alternate signal stack; `None` when that is unknown. May change `errno`.
pub(crate) fn is_on_alternate() -> Option<bool> {
    calls::is_on_alternate_stack()
}

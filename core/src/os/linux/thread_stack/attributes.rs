//! The bounds of a thread's stack as Android's C library has them.

use core::mem::MaybeUninit;

/// The bounds of the running thread; `None` for the main thread, of which the C library reads them from a file.
///
/// For other threads the call copies the attributes from the thread's record, and takes no lock.
pub(super) fn of_thread(is_main: bool) -> Option<(usize, usize)> {
    if is_main {
        return None;
    }
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    // SAFETY: the call has filled the record in when it returns 0. The record has no memory of its own to free.
    let attributes = unsafe {
        if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) != 0 {
            return None;
        }
        attributes.assume_init()
    };
    let (base, size, guard) = (attributes.stack_base.addr(), attributes.stack_size, attributes.guard_size);
    // The guard is at the stack's lowest addresses. A stack of the program's own has none, but a size of one: its lowest part
    // counts as another stack.
    (guard < size && base != 0).then(|| (base + guard, base + size))
}

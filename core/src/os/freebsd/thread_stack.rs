//! The bounds of the running thread's own stack, which the C library has in the thread's record.
//!
//! The problem: `pthread_attr_get_np` copies them, but into attributes that are allocated.
//!
//! The idea: the attributes are made at the program's start. Threads use them in turn, each once in its life. The call takes a lock of
//! the C library's, which no code of the program holds: the C library defers signals meanwhile, and calls nobody.

use super::calls;
use crate::lock::{Lock, try_lock};
use core::ptr::null_mut;

/// The attributes of the C library; null before the program's start.
struct Attributes(libc::pthread_attr_t);

// SAFETY: the attributes belong to no thread.
unsafe impl Send for Attributes {}

static ATTRIBUTES: Lock<Attributes> = Lock::new(Attributes(null_mut()));

/// Makes the attributes. At the program's start, outside the hook.
pub(super) fn begin() {
    if let Some(mut attributes) = try_lock(&ATTRIBUTES)
        && attributes.0.is_null()
    {
        // SAFETY: the call writes the attributes.
        unsafe { libc::pthread_attr_init(&raw mut attributes.0) };
    }
    // The first use allocates a part of them.
    find();
}

/// The lowest address of the running thread's stack, above its guard, and an address above all its frames. The memory
/// between the two is the thread's alone. From a frame on that is in use, up to the second address, it can be read as
/// long as the thread lives. `None` when the bounds are unknown.
#[cold]
pub(crate) fn find() -> Option<(usize, usize)> {
    let mut attributes = try_lock(&ATTRIBUTES)?;
    if attributes.0.is_null() {
        return None;
    }
    let (mut low, mut size) = (null_mut(), 0);
    // SAFETY: the attributes are made, and this thread alone uses them. The thread runs. The calls write the two words.
    let is_known = unsafe {
        libc::pthread_attr_get_np(libc::pthread_self(), &raw mut attributes.0) == 0
            && libc::pthread_attr_getstack(&raw const attributes.0, &raw mut low, &raw mut size) == 0
    };
    (is_known && size > 0 && !low.is_null()).then(|| (low.addr(), low.addr() + size))
}

/// Whether the running thread is on its alternate signal stack; `None` when that is unknown. May change `errno`.
pub(crate) fn is_on_alternate() -> Option<bool> {
    calls::is_on_alternate_stack()
}
